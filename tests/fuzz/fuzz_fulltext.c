/* What is taken as full text, FTS5 takes; what is not, has a sentence. */
#include "bridge/core/fulltext.h"
#include "bridge/core/trigram.h"
#include "server/sqlite.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct sqlite *db, const char *sql, const struct buf *expression)
{
    struct sqlite_query q = sqlite_query(db, sql);
    struct fault f = {0};

    sqlite_bind_text(&q, buf_view(expression));
    sqlite_run(&q);
    assert(sqlite_check(db, &f));
    (void)f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sqlite *db;
    struct view value = {(const char *)data, size};
    struct fault f = {0};
    struct buf to;

    if (db == NULL) {
        db = sqlite_open(":memory:", false, &f);
        assert(db != NULL);
        sqlite_script(db, "CREATE VIRTUAL TABLE t USING fts5(a, b);"
                          "CREATE VIRTUAL TABLE g USING fts5(a, detail = none, tokenize = "
                          "'trigram'); INSERT INTO t VALUES ('a b', 'c'); INSERT INTO g VALUES"
                          " ('abcdef');");
    }
    buf_init(&to, FULLTEXT_EXPRESSION_MAX);
    if (fulltext_expression(value, &to, &f))
        ask(db, "SELECT rowid FROM t WHERE t MATCH 'a : ' || ?", &to);
    else
        assert(f.cls == FAULT_REJECT && f.text[0] != '\0');
    buf_clear(&to);
    if (size < 1024 && !view_has(value, '\0') && trigram_expression(value, &to))
        ask(db, "SELECT rowid FROM g WHERE g MATCH ?", &to);
    buf_done(&to);
    return 0;
}
