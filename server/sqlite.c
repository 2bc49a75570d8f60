#include "server/sqlite.h"

#include "bridge/core/mem.h"

#include <assert.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct sqlite_statement {
    char *sql; /* owned; NULL: the place is free */
    void *note;
    sqlite3_stmt *stmt;
    bool busy;
};

struct sqlite {
    sqlite3 *handle;
    bool (*goes_on)(void *ctx);
    void *goes_on_ctx;
    bool failed;
    struct fault trouble;
    void *owners;
    struct sqlite_statement kept[SQLITE_STATEMENTS_KEPT];
};

static enum fault_class class_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_INTERRUPT:
    case SQLITE_PROTOCOL:
        return FAULT_RETRY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return FAULT_STOP;
    case SQLITE_TOOBIG:
        return FAULT_REJECT;
    default:
        return FAULT_BUG;
    }
}

bool sqlite_is_damage(const struct fault *f)
{
    return (f->sys & 0xff) == SQLITE_CORRUPT || (f->sys & 0xff) == SQLITE_NOTADB;
}

const char *sqlite_unwritten(const struct fault *f)
{
    if ((f->sys & 0xff) == SQLITE_FULL)
        return "the disk is full";
    if ((f->sys & 0xff) != SQLITE_IOERR || f->sys == SQLITE_IOERR_READ ||
        f->sys == SQLITE_IOERR_SHORT_READ)
        return NULL;
    return "disk I/O error";
}

static void fail(struct sqlite *db, int code)
{
    if (db->failed)
        return;
    db->failed = true;
    fault_set(&db->trouble, class_of(code), "history: %s", sqlite3_errmsg(db->handle));
    db->trouble.sys = code;
}

bool sqlite_check(struct sqlite *db, struct fault *f)
{
    if (!db->failed)
        return true;
    db->failed = false;
    *f = db->trouble;
    return false;
}

void sqlite_damaged(struct sqlite *db, const char *what)
{
    if (db->failed)
        return;
    db->failed = true;
    fault_set(&db->trouble, FAULT_STOP, "history: %s", what);
}

void sqlite_refuse(struct sqlite *db, const char *what)
{
    if (db->failed)
        return;
    db->failed = true;
    fault_set(&db->trouble, FAULT_REJECT, "%s", what);
}

void sqlite_script(struct sqlite *db, const char *sql)
{
    int code;

    if (db->failed)
        return;
    code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK)
        fail(db, code);
}

bool sqlite_in_transaction(const struct sqlite *db)
{
    return sqlite3_get_autocommit(db->handle) == 0;
}

/* The file holds what people wrote: nobody but its owner reads it. SQLite gives the same mode to
 * the files beside it. */
static void make_private(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
}

struct sqlite *sqlite_open(const char *path, bool read_only, struct fault *f)
{
    struct sqlite *db = mem_zeroed(1, sizeof *db);
    int flags = SQLITE_OPEN_NOMUTEX |
                (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    int code;

    if (!read_only && strcmp(path, ":memory:") != 0)
        make_private(path);
    code = sqlite3_open_v2(path, &db->handle, flags, NULL);
    if (code != SQLITE_OK) {
        fault_set(f, class_of(code), "history file %s: %s", path,
                  db->handle != NULL ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code));
        sqlite_close(db);
        return NULL;
    }
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, SQLITE_BUSY_WAIT_MS);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    /* A journal of statements in memory is a list that SQLite walks at the end of each: with a
     * thousand events in one savepoint that is most of the work. A file (unlinked) is not. */
    if (read_only)
        sqlite_script(db, "PRAGMA temp_store = MEMORY;");
    else
        sqlite_script(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                          "PRAGMA temp_store = FILE;");
    sqlite_script(db, "PRAGMA foreign_keys = ON; PRAGMA cache_size = -32768;");
    if (!sqlite_check(db, f)) {
        fault_add(f, "file %s", path);
        sqlite_close(db);
        return NULL;
    }
    return db;
}

static void forget(struct sqlite_statement *s)
{
    sqlite3_finalize(s->stmt);
    mem_free(s->sql);
    mem_free(s->note);
    *s = (struct sqlite_statement){0};
}

void sqlite_close(struct sqlite *db)
{
    if (db == NULL)
        return;
    for (size_t i = 0; i < SQLITE_STATEMENTS_KEPT; i++)
        forget(&db->kept[i]);
    sqlite3_close(db->handle);
    mem_free(db);
}

static int on_progress(void *p)
{
    const struct sqlite *db = p;

    return db->goes_on(db->goes_on_ctx) ? 0 : 1;
}

void sqlite_watch(struct sqlite *db, int steps, bool (*goes_on)(void *ctx), void *ctx)
{
    db->goes_on = goes_on;
    db->goes_on_ctx = ctx;
    sqlite3_progress_handler(db->handle, steps, on_progress, db);
}

/* ---- functions and orders of our own ---- */

struct addition {
    sqlite_test *test;
    sqlite_compare *compare;
    sqlite_change *change;
    size_t max; /* bytes of a change */
    bool bytes; /* … which is a blob */
    void *ctx;
    void (*free_ctx)(void *ctx);
};

static void drop_addition(void *p)
{
    struct addition *a = p;

    if (a->free_ctx != NULL)
        a->free_ctx(a->ctx);
    mem_free(a);
}

static struct view value_text(sqlite3_value *v)
{
    const char *p = (const char *)sqlite3_value_text(v); /* before its length: it may convert */

    return (struct view){p, p == NULL ? 0 : (size_t)sqlite3_value_bytes(v)};
}

static void on_test(sqlite3_context *call, int count, sqlite3_value **values)
{
    const struct addition *a = sqlite3_user_data(call);

    (void)count;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL ||
        sqlite3_value_type(values[1]) == SQLITE_NULL)
        sqlite3_result_null(call);
    else
        sqlite3_result_int(call, a->test(a->ctx, value_text(values[0]), value_text(values[1])));
}

static void on_change(sqlite3_context *call, int count, sqlite3_value **values)
{
    const struct addition *a = sqlite3_user_data(call);
    struct buf changed;

    (void)count;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL) {
        sqlite3_result_null(call);
        return;
    }
    buf_init(&changed, a->max);
    a->change(value_text(values[0]), &changed);
    if (changed.full)
        sqlite3_result_error_toobig(call);
    else if (a->bytes)
        sqlite3_result_blob64(call, buf_text(&changed), changed.n, SQLITE_TRANSIENT);
    else
        sqlite3_result_text64(call, buf_text(&changed), changed.n, SQLITE_TRANSIENT, SQLITE_UTF8);
    buf_done(&changed);
}

static int on_compare(void *p, int a_n, const void *a_p, int b_n, const void *b_p)
{
    const struct addition *a = p;

    return a->compare(a->ctx, (struct view){a_p, (size_t)a_n}, (struct view){b_p, (size_t)b_n});
}

static struct addition *addition(struct addition what)
{
    return mem_copy(&what, sizeof what);
}

void sqlite_add_test(struct sqlite *db, const char *name, sqlite_test *test, void *ctx,
                     void (*free_ctx)(void *ctx))
{
    int code = sqlite3_create_function_v2(
        db->handle, name, 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
        addition((struct addition){.test = test, .ctx = ctx, .free_ctx = free_ctx}), on_test, NULL,
        NULL, drop_addition);

    if (code != SQLITE_OK)
        fail(db, code);
}

static void add_change(struct sqlite *db, const char *name, struct addition what)
{
    int code = sqlite3_create_function_v2(db->handle, name, 1,
                                          SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
                                          addition(what), on_change, NULL, NULL, drop_addition);

    if (code != SQLITE_OK)
        fail(db, code);
}

void sqlite_add_change(struct sqlite *db, const char *name, sqlite_change *change, size_t max)
{
    add_change(db, name, (struct addition){.change = change, .max = max});
}

void sqlite_add_bytes(struct sqlite *db, const char *name, sqlite_change *change, size_t max)
{
    add_change(db, name, (struct addition){.change = change, .max = max, .bytes = true});
}

void sqlite_add_order(struct sqlite *db, const char *name, sqlite_compare *compare, void *ctx,
                      void (*free_ctx)(void *ctx))
{
    struct addition *a =
        addition((struct addition){.compare = compare, .ctx = ctx, .free_ctx = free_ctx});
    int code =
        sqlite3_create_collation_v2(db->handle, name, SQLITE_UTF8, a, on_compare, drop_addition);

    if (code != SQLITE_OK) { /* unlike a function, it is then not dropped */
        drop_addition(a);
        fail(db, code);
    }
}

void sqlite_keep(struct sqlite *db, void *kept)
{
    db->owners = kept;
}

void *sqlite_kept(const struct sqlite *db)
{
    return db->owners;
}

/* ---- statements ---- */

/* FNV-1a, by eight bytes at a time: statements are long, and found anew for each request. */
static uint64_t hash_of(const char *sql, size_t n)
{
    uint64_t h = UINT64_C(14695981039346656037) ^ n;
    uint64_t word = 0;

    for (; n > 0; sql += sizeof word) {
        size_t some = n < sizeof word ? n : sizeof word;

        word = 0;
        memcpy(&word, sql, some);
        h = (h ^ word) * UINT64_C(1099511628211);
        h ^= h >> 32;
        n -= some;
    }
    return h;
}

/* The kept statement of that text that is not in use, else a place to keep it, else NULL: all
 * places are in use, which no work of ours comes near. */
static struct sqlite_statement *place_for(struct sqlite *db, const char *sql)
{
    uint64_t at = hash_of(sql, strlen(sql));
    struct sqlite_statement *place = NULL;

    for (size_t i = 0; i < SQLITE_STATEMENTS_KEPT; i++) {
        struct sqlite_statement *s = &db->kept[(at + i) % SQLITE_STATEMENTS_KEPT];

        if (s->busy)
            continue;
        if (s->sql != NULL && strcmp(s->sql, sql) == 0)
            return s;
        if (place == NULL)
            place = s;
        if (s->sql == NULL || i >= 8) /* a short look is enough for a cache */
            break;
    }
    if (place != NULL)
        forget(place);
    return place;
}

struct sqlite_query sqlite_query(struct sqlite *db, const char *sql)
{
    struct sqlite_query q = {db, NULL, 0};
    struct sqlite_statement *s;

    if (db->failed)
        return q;
    s = place_for(db, sql);
    assert(s != NULL);
    if (s->sql == NULL) {
        int code =
            sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL);

        if (code != SQLITE_OK) {
            fail(db, code);
            return q;
        }
        s->sql = mem_text(sql, strlen(sql));
    }
    s->busy = true;
    q.statement = s;
    return q;
}

void sqlite_note(struct sqlite_query *q, const void *note, size_t size)
{
    if (q->statement == NULL)
        return;
    mem_free(q->statement->note);
    q->statement->note = mem_copy(note, size);
}

const void *sqlite_noted(const struct sqlite_query *q)
{
    return q->statement != NULL ? q->statement->note : NULL;
}

static void bound(struct sqlite_query *q, int code)
{
    if (code == SQLITE_OK)
        return;
    fail(q->db, code);
    sqlite_end(q);
}

void sqlite_bind_int(struct sqlite_query *q, int64_t n)
{
    if (q->statement != NULL)
        bound(q, sqlite3_bind_int64(q->statement->stmt, ++q->bound, n));
}

void sqlite_bind_text(struct sqlite_query *q, struct view text)
{
    if (q->statement != NULL)
        bound(q, sqlite3_bind_text64(q->statement->stmt, ++q->bound, text.p != NULL ? text.p : "",
                                     text.n, SQLITE_STATIC, SQLITE_UTF8));
}

void sqlite_bind_blob(struct sqlite_query *q, struct view bytes)
{
    if (q->statement != NULL)
        bound(q, sqlite3_bind_blob64(q->statement->stmt, ++q->bound, bytes.p != NULL ? bytes.p : "",
                                     bytes.n, SQLITE_STATIC));
}

void sqlite_bind_guid(struct sqlite_query *q, const struct guid *g)
{
    if (q->statement != NULL)
        bound(q, sqlite3_bind_blob(q->statement->stmt, ++q->bound, g->bytes, sizeof g->bytes,
                                   SQLITE_TRANSIENT));
}

void sqlite_bind_null(struct sqlite_query *q)
{
    if (q->statement != NULL)
        bound(q, sqlite3_bind_null(q->statement->stmt, ++q->bound));
}

bool sqlite_row(struct sqlite_query *q)
{
    int code;

    if (q->statement == NULL)
        return false;
    if (q->db->failed) {
        sqlite_end(q);
        return false;
    }
    code = sqlite3_step(q->statement->stmt);
    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE)
        fail(q->db, code);
    sqlite_end(q);
    return false;
}

void sqlite_run(struct sqlite_query *q)
{
    while (sqlite_row(q))
        ;
}

void sqlite_end(struct sqlite_query *q)
{
    if (q->statement == NULL)
        return;
    sqlite3_reset(q->statement->stmt); /* repeats the code of a failed step, already taken */
    sqlite3_clear_bindings(q->statement->stmt);
    q->statement->busy = false;
    q->statement = NULL;
}

void sqlite_do(struct sqlite *db, const char *sql)
{
    struct sqlite_query q = sqlite_query(db, sql);

    sqlite_run(&q);
}

int64_t sqlite_changed(const struct sqlite *db)
{
    return sqlite3_changes64(db->handle);
}

int64_t sqlite_changed_ever(const struct sqlite *db)
{
    return sqlite3_total_changes64(db->handle);
}

int64_t sqlite_last_row(const struct sqlite *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

int sqlite_columns(const struct sqlite_query *q)
{
    return q->statement == NULL ? 0 : sqlite3_column_count(q->statement->stmt);
}

const char *sqlite_column_name(const struct sqlite_query *q, int column)
{
    return sqlite3_column_name(q->statement->stmt, column);
}

/* The value itself, which sqlite3_column_* look for anew in each call. That values are called
 * "unprotected" does not concern us: a connection is one thread's. */
static sqlite3_value *value_at(const struct sqlite_query *q, int column)
{
    return sqlite3_column_value(q->statement->stmt, column);
}

static struct view bytes_of(sqlite3_value *v)
{
    const char *p = sqlite3_value_blob(v); /* before its length: it may convert */

    return (struct view){p, (size_t)sqlite3_value_bytes(v)};
}

/* We store no floating-point numbers: those of the interface are kept as they were written. */
static enum sqlite_kind kind_of(sqlite3_value *v)
{
    switch (sqlite3_value_type(v)) {
    case SQLITE_INTEGER:
        return SQLITE_KIND_INT;
    case SQLITE_NULL:
        return SQLITE_KIND_NULL;
    case SQLITE_BLOB:
        return SQLITE_KIND_BLOB;
    default:
        return SQLITE_KIND_TEXT;
    }
}

struct sqlite_cell sqlite_cell(const struct sqlite_query *q, int column)
{
    sqlite3_value *v = value_at(q, column);
    struct sqlite_cell cell = {kind_of(v), 0, VIEW_NONE};

    if (cell.kind == SQLITE_KIND_INT)
        cell.number = sqlite3_value_int64(v);
    else if (cell.kind != SQLITE_KIND_NULL)
        cell.bytes = bytes_of(v);
    return cell;
}

enum sqlite_kind sqlite_kind(const struct sqlite_query *q, int column)
{
    return kind_of(value_at(q, column));
}

int64_t sqlite_int(const struct sqlite_query *q, int column)
{
    return sqlite3_value_int64(value_at(q, column));
}

struct view sqlite_text(const struct sqlite_query *q, int column)
{
    return bytes_of(value_at(q, column));
}

bool sqlite_guid(const struct sqlite_query *q, int column, struct guid *out)
{
    struct view v = sqlite_text(q, column);

    if (v.n != sizeof out->bytes)
        return false;
    memcpy(out->bytes, v.p, v.n);
    return true;
}
