/* fulltext, trigram: expressions for SQLite's FTS5, and that FTS5 takes every one of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/fulltext.h"
#include "bridge/core/rng.h"
#include "bridge/core/trigram.h"
#include "bridge/core/utf8.h"
#include "server/sqlite.h"

#include <stdio.h>
#include <string.h>

static struct sqlite *db;

static int set_up(void **state)
{
    struct fault f = {0};

    (void)state;
    db = sqlite_open(":memory:", false, &f);
    assert_non_null(db);
    sqlite_script(db, "CREATE VIRTUAL TABLE texts USING fts5(text, prefix = '2 3');"
                      "CREATE VIRTUAL TABLE pieces USING fts5(text, detail = none, tokenize = "
                      "'trigram');"
                      "INSERT INTO texts VALUES ('the quick brown fox'), ('a quick start'),"
                      " ('Grüße an mich'), ('100% of \"it\"');"
                      "INSERT INTO pieces SELECT * FROM texts;");
    assert_true(sqlite_check(db, &f));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sqlite_close(db);
    return 0;
}

/* Rows that match, as a bit each. */
static unsigned found(const char *table, struct buf *expression)
{
    char sql[128];
    struct sqlite_query q;
    struct fault f = {0};
    unsigned bits = 0;

    snprintf(sql, sizeof sql, "SELECT rowid FROM %s WHERE %s MATCH ?", table, table);
    q = sqlite_query(db, sql);
    sqlite_bind_text(&q, buf_view(expression));
    while (sqlite_row(&q))
        bits |= 1U << (sqlite_int(&q, 0) - 1);
    if (!sqlite_check(db, &f))
        fail_msg("FTS5 does not take %s: %s", buf_text(expression), f.text);
    return bits;
}

static void expressions_find_what_they_say(void **state)
{
    static const struct {
        const char *value;
        unsigned rows;
    } rows[] = {
        {"quick", 3},
        {"QUI", 3},
        {"  qui   fo ", 1},
        {"uick", 0},
        {"gru", 4}, /* letters with and without marks are alike */
        {"100%", 8},
        {"text:quick", 0},
        {"qui*", 3},
        {"^the", 1}, /* what FTS5 would read as its own is a character like any other */
        {"NOT", 0},
        {"\"quick brown\"", 1},
        {"\"brown quick\"", 0},
        {"\"qui\"", 0},
        {"\"qui*\"", 3},
        {"\"qui\"*", 3},
        {"\"quick bro*\"", 1},
        {"\"quick\" AND \"fox\"", 1},
        {"\"quick\" and not \"fox\"", 2},
        {"\"quick\" AND NOT \"fox\" AND NOT \"start\"", 0},
        {"\"fox\" OR \"start\"", 3},
        {"\"mich\" OR \"quick\" AND \"fox\"", 5},
        {"(\"mich\" OR \"quick\") AND \"fox\"", 1},
        {"\"quick\" AND NOT (\"fox\" OR \"mich\")", 2},
        {"\"the\" NEAR \"fox\"", 1},
        {"NEAR(\"the\", \"fox\")", 1},
        {"NEAR(\"the\" \"fox\", 1)", 0},
        {"NEAR((\"the\", \"fox\"), 2)", 1},
        {"\"of \"\"it\"\"\"", 8},
        {"\"\"", 0},
        {"\"!!!\"", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fault f = {0};
        struct buf to;

        buf_init(&to, FULLTEXT_EXPRESSION_MAX);
        if (!fulltext_expression(view_of(rows[i].value), &to, &f))
            fail_msg("%s: %s", rows[i].value, f.text);
        if (found("texts", &to) != rows[i].rows)
            fail_msg("%s, as %s, finds %u", rows[i].value, buf_text(&to), found("texts", &to));
        buf_done(&to);
    }
}

static void what_is_no_expression_is_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "   ",
        "\"a",
        "a \"b\"",
        "\"a\" \"b\"",
        "\"a\" AND",
        "AND \"a\"",
        "NOT \"a\"",
        "\"a\" OR NOT \"b\"",
        "(\"a\"",
        "\"a\")",
        "\"a\" NEAR",
        "NEAR(\"a\")",
        "NEAR \"a\"",
        "\"a\" & \"b\"",
        "\"a\" AND b",
        "\"a\" ORDER \"b\"",
        "NEAR((\"a\", \"b\")",
        "\"a\" * \"b\"",
        "NEAR(\"a\", \"b\", -1)",
        "NEAR(\"a\", \"b\", 1001)",
        "-\"a\"",
        "text:\"a\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fault f = {0};
        struct buf to;

        buf_init(&to, FULLTEXT_EXPRESSION_MAX);
        if (fulltext_expression(view_of(rows[i]), &to, &f))
            fail_msg("%s is taken", rows[i]);
        assert_int_equal(f.cls, FAULT_REJECT);
        buf_done(&to);
    }
}

static void limits_are_named(void **state)
{
    char deep[] = "((((((((((((((((((((\"a\"))))))))))))))))))))";
    char many[2 * FULLTEXT_PHRASES_MAX + 3];
    char longest[FULLTEXT_BYTES_MAX + 2];
    struct fault f = {0};
    struct buf to;

    (void)state;
    memset(many, 'a', sizeof many);
    for (size_t i = 1; i < sizeof many; i += 2)
        many[i] = ' ';
    memset(longest, 'a', sizeof longest);
    buf_init(&to, FULLTEXT_EXPRESSION_MAX);
    assert_false(fulltext_expression(view_of(deep), &to, &f));
    assert_non_null(strstr(f.text, "deeper than 16"));
    assert_false(fulltext_expression((struct view){many, sizeof many}, &to, &f));
    assert_non_null(strstr(f.text, "more than 64"));
    assert_false(fulltext_expression((struct view){longest, FULLTEXT_BYTES_MAX + 1}, &to, &f));
    assert_non_null(strstr(f.text, "the maximum is 2048"));
    buf_done(&to);
}

/* Whatever is taken, FTS5 takes: no value is an error of the server's. */
static void nothing_that_is_taken_is_refused_by_fts5(void **state)
{
    static const char *const parts[] = {"\"", "\"a\"", "\"b*\"", "AND", "NOT", "OR",   "NEAR", "(",
                                        ")",  ",",     " ",      "*",   "x",   "ä",    "-",    "^",
                                        ":",  "+",     "{",      "}",   "10",  "\"\"", "'",    "."};
    struct rng r = rng_of(1);
    unsigned taken = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct fault f = {0};
        struct buf value;
        struct buf to;

        buf_init(&value, 1024);
        buf_init(&to, FULLTEXT_EXPRESSION_MAX);
        for (uint64_t n = 1 + rng_below(&r, 9); n > 0; n--) {
            buf_put_text(&value, parts[rng_below(&r, sizeof parts / sizeof *parts)]);
            buf_put_text(&value, rng_below(&r, 2) ? " " : "");
        }
        if (fulltext_expression(buf_view(&value), &to, &f)) {
            (void)found("texts", &to);
            taken++;
        }
        buf_done(&value);
        buf_done(&to);
    }
    assert_true(taken > 1000);
}

static void trigrams_are_those_of_the_literal_runs(void **state)
{
    static const struct {
        const char *pattern;
        const char *expression; /* "": none */
    } rows[] = {
        {"abc", "(\"abc\")"},
        {"*+358?", "(\"+35\" AND \"358\")"},
        {"abcdef*abcdefg", "(\"abc\" AND \"def\" AND \"abc\" AND \"def\" AND \"efg\")"},
        {"+35800000*", "(\"+35\" AND \"800\" AND \"000\")"},
        {"ab*cd?ef", ""},
        {"a\"bc*", "(\"a\"\"b\" AND \"\"\"bc\")"},
        {"äöü€", "(\"äöü\" AND \"öü€\")"},
        {"", ""},
        {"\xff\xff\xff", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf to;

        buf_init(&to, 4096);
        assert_int_equal(trigram_expression(view_of(rows[i].pattern), &to),
                         rows[i].expression[0] != '\0');
        assert_string_equal(buf_text(&to), rows[i].expression);
        if (to.n > 0)
            (void)found("pieces", &to);
        buf_done(&to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_find_what_they_say),
        cmocka_unit_test(what_is_no_expression_is_refused),
        cmocka_unit_test(limits_are_named),
        cmocka_unit_test(nothing_that_is_taken_is_refused_by_fts5),
        cmocka_unit_test(trigrams_are_those_of_the_literal_runs),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
