/* history_schema: a file of before is brought up, with what was in it in its new indexes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/history_schema.h"
#include "server/sqlite.h"
#include "server/sqlite_migrate.h"

#define STEPS_BEFORE_SEARCH 6

static int64_t count(struct sqlite *db, const char *sql)
{
    struct sqlite_query q = sqlite_query(db, sql);
    int64_t n = -1;

    if (sqlite_row(&q))
        n = sqlite_int(&q, 0);
    sqlite_end(&q);
    return n;
}

static void a_file_of_before_is_searched_like_a_new_one(void **state)
{
    struct fault f = {0};
    struct sqlite *db = sqlite_open(":memory:", false, &f);

    (void)state;
    assert_non_null(db);
    assert_true(sqlite_migrate(db, history_schema, STEPS_BEFORE_SEARCH, &f));
    sqlite_script(
        db, "INSERT INTO contacts (row, id, group_id, source, destination, subject, leads, stamps)"
            " VALUES (1, x'01', x'01', '\t+358401234567', 'Desk ', 'a red car', 1, x''),"
            " (-1, x'02', x'02', NULL, NULL, NULL, 0, x'');"
            "INSERT INTO emails (id, content, remarks, stamps) VALUES (x'01', 'zebras', NULL, x''),"
            " (x'02', NULL, NULL, x'');"
            "UPDATE emails SET case_id = ' C 1\t', cid = '\tC2' WHERE id = x'01';"
            "INSERT INTO chat_messages (key, chat, at_ms, tie, message, originator, system, type)"
            " VALUES (x'01', x'01', 1, x'', 'hello there', 'a', 0, 'text');");
    assert_true(sqlite_check(db, &f));
    if (!sqlite_migrate(db, history_schema, history_schema_steps, &f))
        fail_msg("%s", f.text);
    assert_int_equal(
        count(db, "SELECT count(*) FROM address_words WHERE address_words MATCH '\"123\"'"), 1);
    assert_int_equal(
        count(db, "SELECT count(*) FROM subject_words WHERE subject_words MATCH '\"ca\" *'"), 1);
    assert_int_equal(
        count(db, "SELECT count(*) FROM email_words WHERE email_words MATCH '\"zebra\" *'"), 1);
    assert_int_equal(count(db, "SELECT count(*) FROM chat_words WHERE chat_words MATCH '\"llo\"'"),
                     1);
    /* By these indexes, or it is an error. */
    assert_int_equal(count(db, "SELECT count(*) FROM contacts INDEXED BY contacts_by_source"
                               " WHERE " SQL_BARE("source") " = '+358401234567'"),
                     1);
    assert_int_equal(count(db, "SELECT count(*) FROM contacts INDEXED BY contacts_by_destination"
                               " WHERE " SQL_BARE("destination") " = 'desk'"),
                     1);
    assert_int_equal(count(db, "SELECT count(*) FROM emails INDEXED BY emails_by_case WHERE"
                               " case_id IS NOT NULL AND " SQL_TRIMMED("case_id") " = 'C 1'"),
                     1);
    assert_int_equal(count(db, "SELECT count(*) FROM emails INDEXED BY emails_by_cid WHERE"
                               " cid IS NOT NULL AND " SQL_TRIMMED("cid") " = 'C2'"),
                     1);
    /* What the index says is what the tables hold, and it can be taken out again. */
    sqlite_script(db, "INSERT INTO subject_words (subject_words, rank)"
                      " VALUES ('integrity-check', 1)");
    assert_true(sqlite_check(db, &f));
    assert_true(sqlite_migrate(db, history_schema, history_schema_steps, &f));
    assert_false(sqlite_migrate(db, history_schema, STEPS_BEFORE_SEARCH, &f));
    sqlite_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_before_is_searched_like_a_new_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
