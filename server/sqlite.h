/*
 * sqlite: one connection to an SQLite file, used by one thread at a time.
 *
 * Trouble sticks, as a buf stays full: the first failure is kept in the connection, and until
 * sqlite_check takes it every further call does nothing and gives no rows. So a piece of work is
 * written straight down and checked once, at its end.
 *
 *     struct sqlite_query q = sqlite_query(db, "SELECT name FROM t WHERE id = ?");
 *     sqlite_bind_int(&q, 7);
 *     while (sqlite_row(&q))
 *         use(sqlite_text(&q, 0));
 *     return sqlite_check(db, f);
 *
 * Statements are kept compiled, found again by their text. Classes: full, I/O error, busy: RETRY;
 * damaged or foreign file: STOP; wrong SQL or a broken constraint: BUG.
 */
#ifndef SERVER_SQLITE_H
#define SERVER_SQLITE_H

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"
#include "bridge/core/guid.h"
#include "bridge/core/view.h"

#include <stdint.h>

#define SQLITE_STATEMENTS_KEPT 256 /* compiled statements a connection holds */
#define SQLITE_BUSY_WAIT_MS    5000

struct sqlite;
struct sqlite_statement;

/* One statement in use. Ends by itself after its last row; else with sqlite_end. */
struct sqlite_query {
    struct sqlite *db;
    struct sqlite_statement *statement; /* NULL: trouble; every call does nothing */
    int bound;                          /* parameters given so far */
};

/* Opens or makes the file (mode 0600), in WAL mode with synchronous=FULL; reading only if so asked.
 * ":memory:" for one that goes with the connection. NULL with a fault. */
struct sqlite *sqlite_open(const char *path, bool read_only, struct fault *f) MUST_CHECK;
void sqlite_close(struct sqlite *db);

/* True if nothing failed since the last check; else gives the first failure and forgets it. */
/* Does the fault say that the file itself is damaged? */
bool sqlite_is_damage(const struct fault *f);
/* Why a file could not be written to; NULL: the fault is another. */
const char *sqlite_unwritten(const struct fault *f);
bool sqlite_check(struct sqlite *db, struct fault *f) MUST_CHECK;
/* What was stored makes no sense (STOP): as a failing call. */
void sqlite_damaged(struct sqlite *db, const char *what);
/* What is to be stored is refused (REJECT): as a failing call. */
void sqlite_refuse(struct sqlite *db, const char *what);
/* Runs statements without parameters: several, or one that is kept compiled. */
void sqlite_script(struct sqlite *db, const char *sql);
void sqlite_do(struct sqlite *db, const char *sql);
/* A failing write may end the transaction around it; then all that was in it is gone. */
bool sqlite_in_transaction(const struct sqlite *db);

/* While a statement runs, `goes_on` is asked every so many steps of SQLite's machine (ten thousand
 * are well under a millisecond); when it says no, the statement fails (RETRY). */
void sqlite_watch(struct sqlite *db, int steps, bool (*goes_on)(void *ctx), void *ctx);

/* Adds to SQL a function of two texts that is true or false (NULL where one of them is), and an
 * order of texts (COLLATE name). ctx is given to free_ctx (may be NULL) when the connection closes.
 */
typedef bool sqlite_test(void *ctx, struct view a, struct view b);
typedef int sqlite_compare(void *ctx, struct view a, struct view b);
void sqlite_add_test(struct sqlite *db, const char *name, sqlite_test *test, void *ctx,
                     void (*free_ctx)(void *ctx));
void sqlite_add_order(struct sqlite *db, const char *name, sqlite_compare *compare, void *ctx,
                      void (*free_ctx)(void *ctx));
/* A function of a text (NULL of NULL) that gives what `change` appends, at most so many bytes; more
 * is an error. Always the same of the same. */
typedef void sqlite_change(struct view text, struct buf *to);
void sqlite_add_change(struct sqlite *db, const char *name, sqlite_change *change, size_t max);
/* The same, but a blob is what it gives. */
void sqlite_add_bytes(struct sqlite *db, const char *name, sqlite_change *change, size_t max);
/* Something of the owner's that goes with the connection; not freed. */
void sqlite_keep(struct sqlite *db, void *kept);
void *sqlite_kept(const struct sqlite *db);

struct sqlite_query sqlite_query(struct sqlite *db, const char *sql);
/* Binds the next parameter. Views hold until the query ends. */
void sqlite_bind_int(struct sqlite_query *q, int64_t n);
void sqlite_bind_text(struct sqlite_query *q, struct view text);
void sqlite_bind_blob(struct sqlite_query *q, struct view bytes);
void sqlite_bind_guid(struct sqlite_query *q, const struct guid *g); /* 16 bytes */
void sqlite_bind_null(struct sqlite_query *q);

/* Something that was found out of the statement and goes with it as long as it is kept compiled:
 * copied in; NULL if there is none. */
void sqlite_note(struct sqlite_query *q, const void *note, size_t size);
const void *sqlite_noted(const struct sqlite_query *q);

bool sqlite_row(struct sqlite_query *q);              /* true: the next row is there */
void sqlite_run(struct sqlite_query *q);              /* steps to the end and ends */
void sqlite_end(struct sqlite_query *q);              /* may be called twice */
int64_t sqlite_changed(const struct sqlite *db);      /* rows that the last write touched */
int64_t sqlite_changed_ever(const struct sqlite *db); /* since the connection was opened */
int64_t sqlite_last_row(const struct sqlite *db); /* the key of the row that was inserted last */

/* Columns of the current row, counted from 0; views hold until the next row. */
int sqlite_columns(const struct sqlite_query *q);
const char *sqlite_column_name(const struct sqlite_query *q, int column);
enum sqlite_kind { SQLITE_KIND_NULL, SQLITE_KIND_INT, SQLITE_KIND_TEXT, SQLITE_KIND_BLOB };
/* Kind and content at once, of which each call looks for the column anew. */
struct sqlite_cell {
    enum sqlite_kind kind;
    int64_t number;    /* INT */
    struct view bytes; /* TEXT, BLOB */
};
struct sqlite_cell sqlite_cell(const struct sqlite_query *q, int column);
enum sqlite_kind sqlite_kind(const struct sqlite_query *q, int column);
int64_t sqlite_int(const struct sqlite_query *q, int column);
struct view sqlite_text(const struct sqlite_query *q, int column);            /* text or blob */
bool sqlite_guid(const struct sqlite_query *q, int column, struct guid *out); /* false: NULL */

#endif
