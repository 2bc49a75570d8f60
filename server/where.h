/*
 * where: the text of a statement in the making, with the values of its parameters.
 *
 * Values are given in the order in which their `?` stand in the text. Texts are copied.
 */
#ifndef SERVER_WHERE_H
#define SERVER_WHERE_H

#include "bridge/core/arena.h"
#include "bridge/core/buf.h"
#include "bridge/core/guid.h"
#include "server/row.h"

#define WHERE_VALUES_MAX 512 /* all lists of a search at their longest together, and the rest */
#define WHERE_TEXT_MAX   65536

struct where {
    struct buf sql;
    struct cell *values; /* owned: room for so many */
    size_t room;
    size_t count;
    bool full; /* a value was refused */
    struct arena texts;
};

void where_init(struct where *w);
void where_done(struct where *w);
void where_clear(struct where *w); /* as if new */
void where_put(struct where *w, const char *sql);
void where_int(struct where *w, int64_t n);
void where_text(struct where *w, struct view v);
void where_guid(struct where *w, const struct guid *g);
void where_bytes(struct where *w, enum cell_kind kind, struct view v); /* CELL_TEXT, CELL_BLOB */
bool where_is_full(const struct where *w);                             /* too much was asked for */
/* Binds all values, behind what is bound already. They hold as long as w does. */
void where_bind(const struct where *w, struct sqlite_query *q);

#endif
