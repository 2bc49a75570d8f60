/* history_schema: a file of before is brought up, with what was in it in its new indexes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/history_schema.h"
#include "server/sqlite.h"
#include "server/sqlite_migrate.h"

#include <stdio.h>

#define STEPS_BEFORE_SEARCH 6
#define STEPS_BEFORE_PLACES 12
#define STEPS_BEFORE_CHATS  17

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

/* Places as they were given before: what came later stands lower, as long as there was room. */
static const char disordered[] =
    "INSERT INTO contacts (row, id, group_id, source, destination, subject, leads, stamps) VALUES"
    " ((1000 << 20) + 9, x'F1', x'AA', '+358401', 'desk', 'one', 0, x''),"
    " ((1000 << 20) + 8, x'F3', x'AA', '+358403', NULL, NULL, 1, x''),"
    " ((1000 << 20) + 7, x'F2', x'F2', '+358402', NULL, 'two', 1, x''),"
    " ((1000 << 20) + 6, x'F4', x'F4', NULL, NULL, 'four', 1, x''),"
    " ((1001 << 20) + 6, x'01', x'01', '+358405', NULL, 'five', 1, x''),"
    " ((1001 << 20) + 5, x'02', x'02', '+358406', NULL, 'six', 1, x''),"
    " (-1, x'03', x'03', NULL, NULL, NULL, 0, x'');"
    "INSERT INTO address_words (rowid, source, destination)"
    " SELECT row, source, destination FROM contacts"
    " WHERE (source IS NOT NULL OR destination IS NOT NULL);"
    "INSERT INTO subject_words (rowid, subject)"
    " SELECT row, subject FROM contacts WHERE subject IS NOT NULL;"
    "INSERT INTO call_recordings (row, id, call_id, contact_id, owner_id, owner_type, owner_name,"
    " file_name, file_path, created_ms, stamp) SELECT row, id, id, id, id, '', '', '', '', 0, x''"
    " FROM contacts WHERE row > 0;"
    "INSERT INTO script_results (row, id, script_id, name, contact_id, originalcontact_id,"
    " modified_ms, stamp) SELECT row, id, id, '', id, id, 0, x'' FROM contacts WHERE row > 0;"
    "INSERT INTO listen_logs (row, id, recording, description, session, at_ms)"
    " SELECT row, id, id, '', '', 0 FROM contacts WHERE row > 0;";

static void things_of_one_time_of_a_file_of_before_are_put_in_order(void **state)
{
    static const char *const tables[] = {"contacts", "call_recordings", "script_results",
                                         "listen_logs"};
    struct fault f = {0};
    struct sqlite *db = sqlite_open(":memory:", false, &f);
    char sql[256];

    (void)state;
    assert_non_null(db);
    assert_true(sqlite_migrate(db, history_schema, STEPS_BEFORE_PLACES, &f));
    sqlite_script(db, disordered);
    if (!sqlite_check(db, &f) || !sqlite_migrate(db, history_schema, history_schema_steps, &f))
        fail_msg("%s", f.text);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        snprintf(sql, sizeof sql,
                 "SELECT (SELECT group_concat(hex(id) || (row & 1048575) || (row >> 20)) FROM"
                 " (SELECT * FROM %s WHERE row > 0 ORDER BY row DESC))"
                 " = '0161001,0251001,F191000,F281000,F371000,F461000'",
                 tables[i]);
        assert_int_equal(count(db, sql), 1);
    }
    assert_int_equal(count(db, "SELECT count(*) FROM contacts WHERE row = -1 AND id = x'03'"), 1);
    assert_int_equal(count(db, "SELECT count(*) FROM contacts WHERE leads = 1"), 5);
    assert_int_equal(count(db, "SELECT leads FROM contacts WHERE id = x'F3'"), 1);
    assert_int_equal(count(db, "SELECT c.id = x'F2' FROM subject_words d CROSS JOIN contacts c"
                               " ON c.row = d.rowid WHERE d.subject_words MATCH 'two'"),
                     1);
    assert_int_equal(count(db, "SELECT c.id = x'F3' FROM address_words d CROSS JOIN contacts c"
                               " ON c.row = d.rowid WHERE d.address_words MATCH '\"403\"'"),
                     1);
    sqlite_script(db, "INSERT INTO subject_words (subject_words, rank)"
                      " VALUES ('integrity-check', 1);"
                      "INSERT INTO address_words (address_words, rank)"
                      " VALUES ('integrity-check', 1);");
    if (!sqlite_check(db, &f))
        fail_msg("%s", f.text);
    sqlite_close(db);
}

static void a_chat_of_a_file_of_before_that_began_as_a_call_is_led(void **state)
{
    struct fault f = {0};
    struct sqlite *db = sqlite_open(":memory:", false, &f);

    (void)state;
    assert_non_null(db);
    assert_true(sqlite_migrate(db, history_schema, STEPS_BEFORE_CHATS, &f));
    sqlite_script(
        db, "INSERT INTO contacts (row, id, group_id, channel, previous_id, leads, stamps) VALUES"
            " (1, x'01', x'A1', 'PHONE', NULL, 1, x''), (3, x'02', x'A1', 'CHAT', x'01', 0, x''),"
            " (2, x'03', x'A1', 'CHAT', x'02', 0, x''), (-1, x'04', x'A1', 'CHAT', NULL, 0, x''),"
            " (5, x'05', x'A2', 'CHAT', NULL, 1, x''), (6, x'06', x'A2', 'CHAT', x'05', 0, x''),"
            " (7, x'07', x'A3', 'PHONE', NULL, 1, x'');");
    if (!sqlite_check(db, &f) || !sqlite_migrate(db, history_schema, history_schema_steps, &f))
        fail_msg("%s", f.text);
    assert_int_equal(count(db, "SELECT group_concat(hex(id)) = '02,05' FROM (SELECT id FROM"
                               " contacts INDEXED BY chats WHERE channel = 'CHAT' AND leads = 1"
                               " ORDER BY id)"),
                     1);
    sqlite_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_before_is_searched_like_a_new_one),
        cmocka_unit_test(things_of_one_time_of_a_file_of_before_are_put_in_order),
        cmocka_unit_test(a_chat_of_a_file_of_before_that_began_as_a_call_is_led),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
