/* fold: what the index of chats finds and what the texts themselves hold is the same, of every
 * letter; in a new history and in one of before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/utf8.h"
#include "server/fold.h"
#include "server/history_schema.h"
#include "server/search.h"
#include "server/sqlite.h"
#include "server/sqlite_migrate.h"
#include "server/text_index.h"

#include <stdio.h>
#include <string.h>

#define STEPS_BEFORE_FOLDED 16
#define PIECES_MAX          65536

static struct sqlite *open_at(int steps)
{
    struct fault f = {0};
    struct sqlite *db = sqlite_open(":memory:", false, &f);

    if (db == NULL || !sqlite_migrate(db, history_schema, steps, &f))
        fail_msg("%s", f.text);
    search_install(db);
    return db;
}

/* As server/transcript.c does, or, in a file of before, as it did. */
static int64_t add(struct sqlite *db, const char *text, bool folded)
{
    struct sqlite_query q = sqlite_query(
        db, "INSERT INTO chat_messages (key, chat, at_ms, tie, message, originator,"
            " system, type) VALUES (randomblob(16), x'01', 1, x'', ?, 'a', 0, 'text')");
    int64_t row;

    sqlite_bind_text(&q, view_of(text));
    sqlite_run(&q);
    row = sqlite_last_row(db);
    if (folded) {
        text_index_add(db, &text_index_of_chats, row);
    } else {
        q = sqlite_query(db, "INSERT INTO chat_words (rowid, message)"
                             " SELECT row, message FROM chat_messages WHERE row = ?");
        sqlite_bind_int(&q, row);
        sqlite_run(&q);
    }
    return row;
}

static bool is_there(struct sqlite *db, const char *sql, struct view value, int64_t row)
{
    struct sqlite_query q = sqlite_query(db, sql);
    struct fault f = {0};
    bool there;

    sqlite_bind_text(&q, value);
    sqlite_bind_int(&q, row);
    there = sqlite_row(&q);
    sqlite_end(&q);
    if (!sqlite_check(db, &f))
        fail_msg("%s", f.text);
    return there;
}

/* By the index alone; true where it says nothing of the value. */
static bool is_indexed(struct sqlite *db, struct view value, int64_t row)
{
    struct buf pieces;
    bool there = true;

    buf_init(&pieces, PIECES_MAX);
    if (fold_pieces(value, &pieces))
        there = is_there(db, "SELECT 1 FROM chat_words WHERE chat_words MATCH ? AND rowid = ?",
                         buf_view(&pieces), row);
    buf_done(&pieces);
    return there;
}

static bool is_held(struct sqlite *db, struct view value, int64_t row)
{
    return is_there(db, "SELECT 1 FROM chat_messages WHERE cmi_contains(?, message) AND row = ?",
                    value, row);
}

static const struct {
    const char *text;
    const char *value;
    bool held;
} rows[] = {
    {"Die Straße", "STRASSE", true},
    {"Die Straße", "strasse", true},
    {"Die Straße", "straße", true},
    {"Die Straße", "STRAẞE", true},
    {"Die Straße", "SS", true},
    {"Die Straße", "ß", true},
    {"DIE STRASSE", "straße", true},
    {"Die Straße", "stras", true},
    {"Die Straße", "strase", false},
    {"ﬁrst ﬂight", "First Flight", true},
    {"office", "oﬃce", true},
    {"ΟΔΟΣ Σ", "οδος", true},
    {"οδός", "ΟΔΌΣ", true},
    {"Привет", "ПРИВЕТ", true},
    {"\u212aelvin", "kelvin", true},
    {"mi\u017f\u017fing", "MISSING", true},
    {"\u0130stanbul", "i\u0307stanbul", true},
    {"\u1c90\u1c91\u1c92\u1c93", "აბგდ", true},
    {"Größe", "grösse ", false},
    {"plain", "PLAIN", true},
    {"plain", "plane", false},
};

static void an_index_finds_what_the_texts_hold(void **state)
{
    struct sqlite *db = open_at(history_schema_steps);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct view value = view_of(rows[i].value);
        int64_t row = add(db, rows[i].text, true);

        if (is_held(db, value, row) != rows[i].held)
            fail_msg("'%s' and '%s'", rows[i].text, rows[i].value);
        if (rows[i].held && !is_indexed(db, value, row))
            fail_msg("the index lacks '%s' of '%s'", rows[i].value, rows[i].text);
    }
    sqlite_close(db);
}

/* Every character that has another case, as it is and folded, each looked for in the other. */
static void every_letter_is_found_in_either_case(void **state)
{
    struct sqlite *db = open_at(history_schema_steps);
    unsigned letters = 0;

    (void)state;
    sqlite_script(db, "BEGIN");
    for (uint32_t c = 0x80; c < 0x20000; c++) {
        char text[16] = "xy";
        size_t n = utf8_write(c, text + 2);
        struct view value = {text, n + 2};
        struct buf folded;

        memcpy(text + 2 + n, "yx", 3);
        if (n == 0)
            continue;
        buf_init(&folded, 64);
        fold_text(view_of(text), &folded);
        value = buf_view(&folded);
        if (!view_is(value, text)) {
            int64_t row = add(db, text, true);
            int64_t other = add(db, buf_text(&folded), true);

            letters++;
            if (!is_held(db, value, row) || !is_indexed(db, value, row) ||
                !is_held(db, view_of(text), other) || !is_indexed(db, view_of(text), other))
                fail_msg("U+%04X", (unsigned)c);
        }
        buf_done(&folded);
    }
    sqlite_script(db, "COMMIT");
    assert_true(letters > 1300);
    sqlite_close(db);
}

static void a_history_of_before_is_searched_like_a_new_one(void **state)
{
    struct sqlite *db = open_at(STEPS_BEFORE_FOLDED);
    int64_t at[sizeof rows / sizeof *rows];
    struct fault f = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        at[i] = add(db, rows[i].text, false);
    assert_false(is_indexed(db, VIEW("STRASSE"), at[0]));
    if (!sqlite_migrate(db, history_schema, history_schema_steps, &f))
        fail_msg("%s", f.text);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].held && !is_indexed(db, view_of(rows[i].value), at[i]))
            fail_msg("the index lacks '%s' of '%s'", rows[i].value, rows[i].text);
    /* And nothing of a text is left in it that goes. */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        text_index_remove(db, &text_index_of_chats, at[i]);
    assert_true(sqlite_check(db, &f));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (utf8_count(view_of(rows[i].text)) >= 3)
            assert_false(is_indexed(db, view_of(rows[i].text), at[i]));
    sqlite_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_finds_what_the_texts_hold),
        cmocka_unit_test(every_letter_is_found_in_either_case),
        cmocka_unit_test(a_history_of_before_is_searched_like_a_new_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
