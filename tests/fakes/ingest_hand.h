/*
 * ingest_hand: events of the history by hand, one after the other, into a file in memory.
 */
#ifndef TESTS_FAKES_INGEST_HAND_H
#define TESTS_FAKES_INGEST_HAND_H

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"

#define INGEST_HAND_EVENT_MAX 4096      /* bytes of an event's JSON */
#define INGEST_HAND_DUMP_MAX  (4 << 20) /* bytes of ingest_hand_dump */

#define LEG   "11111111111111111111111111111111"
#define NEXT  "22222222222222222222222222222222"
#define AGENT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define QUEUE "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
#define OTHER "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC"

struct sqlite;

/* A new history; sqlite_close. */
struct sqlite *ingest_hand_open(void);
/* What is told between these two leaves nothing: the same events in another order, for a tenth of
 * what a new history costs. */
void ingest_hand_begin(struct sqlite *db);
void ingest_hand_undo(struct sqlite *db);
/* Returns the class of the refusal, its sentence in *why (static). */
enum fault_class ingest_hand_take(struct sqlite *db, const char *json, int *hidden,
                                  const char **why);
/* Fails the test if it is refused. */
void ingest_hand_must(struct sqlite *db, const char *json);
/* An event at `second` past the hour, about subject, with that data. Static. */
const char *ingest_hand_event(const char *type, const char *subject, int second, const char *data);
/* One value of the first row, as text; "(none)" where there is no row, "-" where it is NULL.
 * Static. */
const char *ingest_hand_ask(struct sqlite *db, const char *sql);
/* The same of a column of a contact that is shown; id: 32 hex digits. */
const char *ingest_hand_leg(struct sqlite *db, const char *id, const char *column);
/* All that is stored, and in what order it is listed; but for the places themselves, which depend
 * on who came first, and the bytes of the maps. */
void ingest_hand_dump(struct sqlite *db, struct buf *to);

#endif
