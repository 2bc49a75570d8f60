/* text_merge: what came piece by piece is in one, and nothing is written anew for little. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/history_schema.h"
#include "server/sqlite.h"
#include "server/sqlite_migrate.h"
#include "server/text_index.h"
#include "server/text_merge.h"

#include <stdio.h>

#define BATCHES   11
#define PER_BATCH 200
#define STEPS_MAX 1000

static int set_up(void **state)
{
    struct fault f = {0};
    struct sqlite *db = sqlite_open(":memory:", false, &f);

    if (db == NULL || !sqlite_migrate(db, history_schema, history_schema_steps, &f))
        return -1;
    *state = db;
    return 0;
}

static int tear_down(void **state)
{
    sqlite_close(*state);
    return 0;
}

/* No two have the same address. */
static void add_contacts(struct sqlite *db, int first, int count)
{
    sqlite_do(db, "BEGIN");
    for (int i = first; i < first + count; i++) {
        struct guid id = {{(uint8_t)(i >> 8), (uint8_t)i}};
        char source[32];
        struct sqlite_query q =
            sqlite_query(db, "INSERT INTO contacts (row, id, group_id, leads, stamps, source,"
                             " subject) VALUES (?, ?, x'', 1, x'', ?, ?)");

        snprintf(source, sizeof source, "+%09u", (unsigned)i * 48271u % 999999937u);
        sqlite_bind_int(&q, i + 1);
        sqlite_bind_guid(&q, &id);
        sqlite_bind_text(&q, view_of(source));
        sqlite_bind_text(&q, view_of(source));
        sqlite_run(&q);
        text_index_add(db, &text_index_of_addresses, i + 1);
        text_index_add(db, &text_index_of_subjects, i + 1);
    }
    sqlite_do(db, "COMMIT");
}

static int64_t number(struct sqlite *db, const char *sql)
{
    struct sqlite_query q = sqlite_query(db, sql);
    int64_t n = -1;

    if (sqlite_row(&q))
        n = sqlite_int(&q, 0);
    sqlite_end(&q);
    return n;
}

#define PIECES(index) "SELECT count(DISTINCT segid) FROM " index "_idx"

static int merge_all(struct sqlite *db)
{
    struct text_merge m;
    int steps = 0;
    bool more = true;

    for (text_merge_init(&m); more && steps < STEPS_MAX; steps++) {
        sqlite_do(db, "BEGIN");
        more = text_merge_step(&m, db);
        sqlite_do(db, "COMMIT");
    }
    assert_false(more);
    return steps;
}

static void many_pieces_become_one_that_holds_the_same(void **state)
{
    struct sqlite *db = *state;
    struct fault f = {0};

    for (int i = 0; i < BATCHES; i++)
        add_contacts(db, i * PER_BATCH, PER_BATCH);
    assert_true(number(db, PIECES("address_words")) > 1);
    assert_true(number(db, PIECES("subject_words")) > 1);
    assert_true(merge_all(db) > 2); /* not all of it in one step */
    assert_int_equal(number(db, PIECES("address_words")), 1);
    assert_int_equal(number(db, PIECES("subject_words")), 1);
    sqlite_do(db, "INSERT INTO address_words (address_words, rank) VALUES ('integrity-check', 1)");
    sqlite_do(db, "INSERT INTO subject_words (subject_words, rank) VALUES ('integrity-check', 1)");
    if (!sqlite_check(db, &f))
        fail_msg("%s", f.text);
}

static void a_little_more_is_left_beside_it(void **state)
{
    struct sqlite *db = *state;
    struct fault f = {0};

    for (int i = 0; i < BATCHES; i++)
        add_contacts(db, i * PER_BATCH, PER_BATCH);
    (void)merge_all(db);
    add_contacts(db, BATCHES * PER_BATCH, 1);
    assert_int_equal(merge_all(db), 1);
    assert_int_equal(number(db, PIECES("address_words")), 2);
    for (int i = 1; i < BATCHES; i++)
        add_contacts(db, (BATCHES + i) * PER_BATCH, PER_BATCH);
    (void)merge_all(db);
    assert_int_equal(number(db, PIECES("address_words")), 1);
    assert_true(sqlite_check(db, &f));
}

static void an_empty_history_has_nothing_to_merge(void **state)
{
    assert_int_equal(merge_all(*state), 1);
}

int main(void)
{
#define ON_A_HISTORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ON_A_HISTORY(many_pieces_become_one_that_holds_the_same),
        ON_A_HISTORY(a_little_more_is_left_beside_it),
        ON_A_HISTORY(an_empty_history_has_nothing_to_merge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
