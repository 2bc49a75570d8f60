#include "server/row.h"

#include "bridge/core/buf.h"
#include "server/sqlite.h"
#include "server/text_index.h"

#include <assert.h>
#include <string.h>

#define STATEMENT_MAX 4096

const struct cell cell_null = {CELL_NULL, 0, {NULL, 0}};

struct cell cell_int(int64_t n)
{
    return (struct cell){CELL_INT, n, VIEW_NONE};
}

struct cell cell_text(struct view v)
{
    return (struct cell){CELL_TEXT, 0, v};
}

struct cell cell_guid(const struct guid *g)
{
    return (struct cell){CELL_BLOB, 0, {(const char *)g->bytes, sizeof g->bytes}};
}

bool cell_same(const struct cell *a, const struct cell *b)
{
    return a->kind == b->kind && a->number == b->number && view_eq(a->bytes, b->bytes);
}

bool cell_is(const struct cell *c, const char *text)
{
    return c->kind == CELL_TEXT && view_is(c->bytes, text);
}

bool cell_get_guid(const struct cell *c, struct guid *out)
{
    if (c->kind != CELL_BLOB || c->bytes.n != sizeof out->bytes)
        return false;
    memcpy(out->bytes, c->bytes.p, sizeof out->bytes);
    return true;
}

static void put_columns(const struct row_table *table, struct buf *to)
{
    for (unsigned i = 0; i < table->count; i++)
        buf_printf(to, ", %s", table->columns[i]);
}

static struct cell cell_of(const struct sqlite_query *q, int column, struct arena *texts)
{
    struct sqlite_cell stored = sqlite_cell(q, column);

    switch (stored.kind) {
    case SQLITE_KIND_NULL:
        return cell_null;
    case SQLITE_KIND_INT:
        return cell_int(stored.number);
    case SQLITE_KIND_TEXT:
        return cell_text(arena_view(texts, stored.bytes));
    case SQLITE_KIND_BLOB:
        return (struct cell){CELL_BLOB, 0, arena_view(texts, stored.bytes)};
    }
    return cell_null;
}

void row_load(struct row *r, struct sqlite *db, const struct row_table *table,
              const struct guid *id)
{
    struct sqlite_query q;
    struct buf sql;

    assert(table->count <= ROW_COLUMNS_MAX);
    *r = (struct row){.table = table, .id = *id};
    arena_init(&r->texts);
    buf_init(&sql, STATEMENT_MAX);
    buf_put_text(&sql, "SELECT row");
    put_columns(table, &sql);
    buf_printf(&sql, " FROM %s WHERE id = ?", table->name);
    q = sqlite_query(db, buf_text(&sql));
    buf_done(&sql);
    sqlite_bind_guid(&q, id);
    if (sqlite_row(&q)) {
        r->stored = true;
        r->row = r->row_before = sqlite_int(&q, 0);
        for (unsigned i = 0; i < table->count; i++)
            r->cells[i] = cell_of(&q, (int)i + 1, &r->texts);
    }
    sqlite_end(&q);
}

void row_done(struct row *r)
{
    arena_done(&r->texts);
}

void row_set(struct row *r, unsigned column, struct cell value)
{
    if (cell_same(&r->cells[column], &value))
        return;
    if (value.kind == CELL_TEXT || value.kind == CELL_BLOB)
        value.bytes = arena_view(&r->texts, value.bytes);
    r->cells[column] = value;
    r->changed |= UINT64_C(1) << column;
}

void cell_bind(const struct cell *c, struct sqlite_query *q)
{
    switch (c->kind) {
    case CELL_NULL:
        sqlite_bind_null(q);
        return;
    case CELL_INT:
        sqlite_bind_int(q, c->number);
        return;
    case CELL_TEXT:
        sqlite_bind_text(q, c->bytes);
        return;
    case CELL_BLOB:
        sqlite_bind_blob(q, c->bytes);
        return;
    }
}

static void insert(struct row *r, struct sqlite *db)
{
    struct sqlite_query q;
    struct buf sql;

    buf_init(&sql, STATEMENT_MAX);
    buf_printf(&sql, "INSERT INTO %s (row, id", r->table->name);
    put_columns(r->table, &sql);
    buf_put_text(&sql, ") VALUES (?, ?");
    for (unsigned i = 0; i < r->table->count; i++)
        buf_put_text(&sql, ", ?");
    buf_put_char(&sql, ')');
    q = sqlite_query(db, buf_text(&sql));
    buf_done(&sql);
    if (r->row != 0)
        sqlite_bind_int(&q, r->row);
    else
        sqlite_bind_null(&q); /* SQLite gives the next one */
    sqlite_bind_guid(&q, &r->id);
    for (unsigned i = 0; i < r->table->count; i++)
        cell_bind(&r->cells[i], &q);
    sqlite_run(&q);
}

static void update(struct row *r, struct sqlite *db)
{
    struct sqlite_query q;
    struct buf sql;
    const char *comma = "";

    buf_init(&sql, STATEMENT_MAX);
    buf_printf(&sql, "UPDATE %s SET ", r->table->name);
    if (r->row != r->row_before) {
        buf_put_text(&sql, "row = ?");
        comma = ", ";
    }
    for (unsigned i = 0; i < r->table->count; i++)
        if ((r->changed >> i & 1) != 0) {
            buf_printf(&sql, "%s%s = ?", comma, r->table->columns[i]);
            comma = ", ";
        }
    buf_put_text(&sql, " WHERE row = ?");
    q = sqlite_query(db, buf_text(&sql));
    buf_done(&sql);
    if (r->row != r->row_before)
        sqlite_bind_int(&q, r->row);
    for (unsigned i = 0; i < r->table->count; i++)
        if ((r->changed >> i & 1) != 0)
            cell_bind(&r->cells[i], &q);
    sqlite_bind_int(&q, r->row_before);
    sqlite_run(&q);
}

/* Are the texts of that index others now, or elsewhere? */
static bool touches(const struct row *r, const struct row_texts *w)
{
    return r->row != r->row_before || (r->changed & w->columns) != 0;
}

static void change(struct row *r, struct sqlite *db)
{
    const struct row_texts *w = NULL;

    for (w = r->table->texts; w != NULL && w->index != NULL; w++)
        if (touches(r, w))
            text_index_remove(db, w->index, r->row_before);
    update(r, db);
    for (w = r->table->texts; w != NULL && w->index != NULL; w++)
        if (touches(r, w))
            text_index_add(db, w->index, r->row);
}

static void add(struct row *r, struct sqlite *db)
{
    insert(r, db);
    if (r->row == 0)
        r->row = sqlite_last_row(db);
    for (const struct row_texts *w = r->table->texts; w != NULL && w->index != NULL; w++)
        text_index_add(db, w->index, r->row);
}

void row_save(struct row *r, struct sqlite *db)
{
    if (!r->stored)
        add(r, db);
    else if (r->changed != 0 || r->row != r->row_before)
        change(r, db);
    r->stored = true;
    r->row_before = r->row;
    r->changed = 0;
}
