/*
 * erased: people that were erased, and what of theirs was, known only by keyed hashes (BLAKE2b, the
 * key in the history's file): enough to know them again, not to know who they are.
 *
 * Of a person the loop asks, from memory; of a thing the history's writer, from the file.
 */
#ifndef SERVER_ERASED_H
#define SERVER_ERASED_H

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"
#include "bridge/core/guid.h"

#include <stdint.h>

/* Shown in the place of an address that was taken: no number, and nobody's. Who sends it back means
 * what was there. */
#define ERASED_ADDRESS "erased"

struct erased;
struct sqlite;

/* Reads what the file holds, and makes its key where there is none. Before the threads start. NULL
 * with a fault. */
struct erased *erased_load(struct sqlite *db, struct fault *f) MUST_CHECK;
void erased_free(struct erased *e); /* NULL is a no-op */

/* ---- on the loop ---- */

/* Was the person of this address, in any spelling or within it ("Sam <sam@x.example>"), erased?
 * e may be NULL: nobody was. */
bool erased_has(const struct erased *e, struct view address);
/* Does the text mention somebody who was erased (core/person.h)? If so *to is it with "…" for every
 * mention. e may be NULL. */
bool erased_without(const struct erased *e, struct view text, struct buf *to);
void erased_add(struct erased *e, struct view normal); /* from now on; again does nothing */
void erased_lift(struct erased *e, struct view normal);
size_t erased_count(const struct erased *e);

/* ---- on the writer's thread, in a transaction ---- */

void erased_store(struct erased *e, struct sqlite *db, struct view normal, int64_t now_ms);
/* false: was not there. */
bool erased_unstore(struct erased *e, struct sqlite *db, struct view normal);
/* A contact, a group, an email, a recording, a script result: no event brings it back. What the
 * file has of it is not touched: see erased_kin.h. */
void erased_store_thing(struct erased *e, struct sqlite *db, const struct guid *id);
bool erased_has_thing(const struct erased *e, struct sqlite *db, const struct guid *id);

#endif
