/* fulltext, trigram: expressions for SQLite's FTS5, and that FTS5 takes every one of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/fulltext.h"
#include "bridge/core/fulltext_chars.h"
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
    sqlite_script(db, "CREATE VIRTUAL TABLE texts USING fts5(text, prefix = '2 3', tokenize = "
                      "'unicode61 remove_diacritics 2');" /* as server/history_schema.c has it */
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

    snprintf(sql, sizeof sql, "SELECT rowid FROM %s WHERE %s MATCH %s?", table, table,
             strcmp(table, "texts") == 0 ? "'text : ' || " : "");
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
        /* what has no letter or digit is passed over */
        {"quick - brown", 1},
        {"- & quick", 3},
        {"100 % of", 8},
        {"the 🎉 …", 1},
        {"-", 0},
        {"% - 🎉", 0},
        {"\"quick\" AND \"-\"", 3},
        {"\"-\" AND \"quick\"", 3},
        {"\"-\" OR \"fox\"", 1},
        {"\"fox\" OR \"-\"", 1},
        {"\"quick\" AND NOT \"-\"", 3},
        {"\"-\" AND NOT \"fox\" AND \"quick\"", 2},
        {"\"-\" AND NOT \"fox\"", 0},
        {"\"mich\" OR (\"-\" AND NOT \"fox\")", 4},
        {"\"the\" NEAR \"-\" NEAR \"fox\"", 1},
        {"NEAR(\"-\", \"fox\", 0)", 1},
        {"NEAR(\"-\" \"!\") OR \"fox\"", 1},
        {"(\"-\" OR \"!\") AND \"fox\"", 1},
        {"((\"-\"))", 0},
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

/* Every character: alone it is a word where fulltext_char says so. One row for each run of those
 * that are alike, blanks between them. */
static void letters_and_digits_are_those_of_fts5(void **state)
{
    struct sqlite_query q;
    struct fault f = {0};
    struct buf run;
    uint32_t next = 1;
    int64_t wanted = 0;

    (void)state;
    sqlite_script(db, "CREATE VIRTUAL TABLE runs USING fts5(text, tokenize = "
                      "'unicode61 remove_diacritics 2');"
                      "CREATE VIRTUAL TABLE words USING fts5vocab(runs, instance);");
    buf_init(&run, 8 << 20);
    while (next < UTF8_NO_CODE) {
        bool is = fulltext_char(next);
        uint32_t first = next;

        buf_clear(&run);
        for (; next < UTF8_NO_CODE && fulltext_char(next) == is; next++) {
            char bytes[4];
            size_t n = utf8_write(next, bytes);

            if (n == 0)
                continue; /* a surrogate */
            assert_int_equal(fulltext_has_char((struct view){bytes, n}), is);
            buf_put(&run, (struct view){bytes, n});
            buf_put_char(&run, ' ');
            wanted += is;
        }
        q = sqlite_query(db, "INSERT INTO runs (rowid, text) VALUES (?, ?)");
        sqlite_bind_int(&q, is ? first : -(int64_t)first);
        sqlite_bind_text(&q, buf_view(&run));
        sqlite_run(&q);
    }
    buf_done(&run);
    q = sqlite_query(db, "SELECT count(*), min(doc) FROM words");
    assert_true(sqlite_row(&q));
    assert_int_equal(sqlite_int(&q, 0), wanted);
    assert_true(sqlite_int(&q, 1) > 0); /* the others make none */
    sqlite_end(&q);
    assert_true(sqlite_check(db, &f));
}

/* ---- what is passed over ---- */

static const char *const nothings[] = {"-", "🎉", "% &", "!!!", "", "…", "\"\"", "¨"};
static const char *const somethings[] = {"quick", "fox", "the", "a",   "mich",
                                         "of",    "it",  "100", "an*", "quick brown"};
#define PICK(r, list) (list)[rng_below(r, sizeof(list) / sizeof *(list))]

static void put_phrase(struct buf *to, const char *text)
{
    buf_printf(to, "\"%s\"", text);
}

/* Terms joined by AND and AND NOT, and the same without what has no letter or digit. */
static void put_terms(struct rng *r, struct buf *with, struct buf *without)
{
    uint64_t count = 1 + rng_below(r, 3);
    bool first = true;

    for (uint64_t i = 0; i < count; i++) {
        const char *text = PICK(r, somethings);
        const char *joint = i == 0 ? "" : rng_below(r, 2) ? " AND " : " AND NOT ";

        while (rng_below(r, 3) == 0) {
            buf_put_text(with, first ? "" : rng_below(r, 2) ? " AND " : " AND NOT ");
            put_phrase(with, PICK(r, nothings));
            first = false;
        }
        buf_put_text(with, i == 0 && !first ? " AND " : joint);
        buf_put_text(without, joint);
        if (rng_below(r, 4) == 0) {
            buf_printf(with, "(\"%s\" OR \"%s\")", PICK(r, nothings), text);
        } else {
            put_phrase(with, text);
            if (rng_below(r, 4) == 0)
                buf_printf(with, " NEAR \"%s\"", PICK(r, nothings));
        }
        put_phrase(without, text);
        first = false;
    }
}

static void put_either(struct rng *r, struct buf *with, struct buf *without)
{
    uint64_t count = 1 + rng_below(r, 3);
    bool first = true;

    for (uint64_t i = 0; i < count; i++) {
        while (rng_below(r, 3) == 0) {
            buf_put_text(with, first ? "" : " OR ");
            put_phrase(with, PICK(r, nothings));
            first = false;
        }
        buf_put_text(with, first ? "" : " OR ");
        buf_put_text(without, i == 0 ? "" : " OR ");
        put_terms(r, with, without);
        first = false;
    }
}

static void put_words(struct rng *r, struct buf *with, struct buf *without)
{
    for (uint64_t n = 1 + rng_below(r, 4); n > 0; n--) {
        const char *text = PICK(r, somethings);

        while (rng_below(r, 3) == 0)
            buf_printf(with, " %s ", nothings[rng_below(r, 4)]);
        buf_printf(with, "%s ", text);
        buf_printf(without, "%s ", text);
    }
}

static unsigned found_by(struct buf *value)
{
    struct fault f = {0};
    struct buf to;
    unsigned bits = 0;

    buf_init(&to, FULLTEXT_EXPRESSION_MAX);
    if (!fulltext_expression(buf_view(value), &to, &f))
        fail_msg("%s: %s", buf_text(value), f.text);
    bits = found("texts", &to);
    buf_done(&to);
    return bits;
}

static void what_has_no_letter_or_digit_changes_nothing(void **state)
{
    struct rng r = rng_of(2);
    unsigned hits = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct buf without;
        struct buf with;

        buf_init(&with, FULLTEXT_BYTES_MAX);
        buf_init(&without, FULLTEXT_BYTES_MAX);
        if (i % 2 == 0)
            put_words(&r, &with, &without);
        else
            put_either(&r, &with, &without);
        if (found_by(&with) != found_by(&without))
            fail_msg("%s finds other rows than %s", buf_text(&with), buf_text(&without));
        hits += found_by(&without) != 0;
        buf_done(&with);
        buf_done(&without);
    }
    assert_true(hits > 2000);
}

/* FTS5's parser has a stack of 100 symbols. */
static void the_deepest_is_taken(void **state)
{
    static const char *const levels[] = {"\"b\" OR \"c\" AND \"quick\" AND NOT (",
                                         "\"b\" OR \"c\" AND NOT \"x\" AND (", "\"b\" OR (",
                                         "\"-\" AND NOT ("};

    (void)state;
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
        struct buf value;

        buf_init(&value, FULLTEXT_BYTES_MAX);
        for (int i = 0; i < FULLTEXT_DEPTH_MAX; i++)
            buf_put_text(&value, levels[l]);
        buf_put_text(&value, "\"b\" OR \"c\" AND \"x\" AND NOT NEAR(\"fox jumps\" \"dog*\", 9)");
        for (int i = 0; i < FULLTEXT_DEPTH_MAX; i++)
            buf_put_char(&value, ')');
        (void)found_by(&value);
        buf_done(&value);
    }
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
        cmocka_unit_test(letters_and_digits_are_those_of_fts5),
        cmocka_unit_test(what_has_no_letter_or_digit_changes_nothing),
        cmocka_unit_test(the_deepest_is_taken),
        cmocka_unit_test(trigrams_are_those_of_the_literal_runs),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
