/*
 * row: one row of a table as cells, to be changed by name of column and written back: only the
 * columns that changed, so that no index is touched for nothing.
 *
 * Tables of this kind have `row INTEGER PRIMARY KEY` and `id BLOB UNIQUE` beside the columns named
 * here.
 */
#ifndef SERVER_ROW_H
#define SERVER_ROW_H

#include "bridge/core/arena.h"
#include "bridge/core/guid.h"
#include "bridge/core/view.h"

#include <stdint.h>

#define ROW_COLUMNS_MAX 64

struct sqlite;
struct sqlite_query;
struct text_index;

enum cell_kind { CELL_NULL, CELL_INT, CELL_TEXT, CELL_BLOB };

struct cell {
    enum cell_kind kind;
    int64_t number;    /* CELL_INT */
    struct view bytes; /* CELL_TEXT, CELL_BLOB; borrowed */
};

/* An index of texts (server/text_index.h) that a table has, and the columns it stands on. */
struct row_texts {
    const struct text_index *index;
    uint64_t columns; /* bit i: column i */
};

struct row_table {
    const char *name;
    const char *const *columns;
    unsigned count;
    const struct row_texts *texts; /* ended by one without an index; NULL: none */
};

struct row {
    const struct row_table *table;
    struct guid id;
    bool stored;
    int64_t row;        /* the key; of a new row: what its maker sets, or 0 for the next one */
    int64_t row_before; /* of a stored row: the key it has in the file */
    struct cell cells[ROW_COLUMNS_MAX];
    uint64_t changed; /* bit i: cells[i] differs from what is stored */
    struct arena texts;
};

extern const struct cell cell_null;
struct cell cell_int(int64_t n);
struct cell cell_text(struct view v);
struct cell cell_guid(const struct guid *g); /* borrows *g */
bool cell_same(const struct cell *a, const struct cell *b);
bool cell_is(const struct cell *c, const char *text);         /* a text, and that one */
void cell_bind(const struct cell *c, struct sqlite_query *q); /* the next parameter */
bool cell_get_guid(const struct cell *c, struct guid *out);   /* false: null */

/* Fills r with the row of that id, or an empty one with stored false. row_done frees it. */
void row_load(struct row *r, struct sqlite *db, const struct row_table *table,
              const struct guid *id);
void row_done(struct row *r);
void row_set(struct row *r, unsigned column, struct cell value); /* copies */
/* Inserts or updates; nothing where nothing changed. */
void row_save(struct row *r, struct sqlite *db);

#endif
