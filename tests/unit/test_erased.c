/* erased: who was erased is known again, by hashes, after a new start, and in a file of before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/crypto.h"
#include "server/erased.h"
#include "server/history_schema.h"
#include "server/sqlite.h"
#include "server/sqlite_migrate.h"

#include <string.h>

static struct sqlite *open_empty(void)
{
    struct fault f = {0};
    struct sqlite *db = sqlite_open(":memory:", false, &f);

    if (db == NULL || !sqlite_migrate(db, history_schema, history_schema_steps, &f))
        fail_msg("%s", f.text);
    return db;
}

static struct erased *load(struct sqlite *db)
{
    struct fault f = {0};
    struct erased *e = erased_load(db, &f);

    if (e == NULL)
        fail_msg("%s", f.text);
    return e;
}

static void check(const struct erased *e, const char *text, const char *without)
{
    struct buf to;

    buf_init(&to, 1000);
    if (erased_without(e, view_of(text), &to) != (strcmp(text, without) != 0))
        fail_msg("'%s': a mention is%s found", text, strcmp(text, without) != 0 ? " not" : "");
    if (strcmp(text, without) != 0)
        assert_string_equal(buf_text(&to), without);
    buf_done(&to);
}

static void check_all(const struct erased *e)
{
    assert_int_equal(erased_count(e), 2);
    assert_true(erased_has(e, VIEW("00358 40 1234567")));
    assert_true(erased_has(e, VIEW("Sam <SAM@x.example>")));
    assert_false(erased_has(e, VIEW("+358401234568")));
    assert_false(erased_has(e, VIEW("")));
    check(e, "call +358 40 1234567, 358401234568 or sam@x.example", "call …, 358401234568 or …");
    check(e, "nobody, 358401234568", "nobody, 358401234568");
}

static void who_was_erased_is_known_by_hashes(void **state)
{
    struct sqlite *db = open_empty();
    struct erased *e = load(db);
    struct fault f = {0};

    (void)state;
    assert_false(erased_has(NULL, VIEW("358401234567")));
    check(NULL, "call 358401234567", "call 358401234567");
    check(e, "call 358401234567", "call 358401234567");
    erased_add(e, VIEW("358401234567"));
    erased_add(e, VIEW("sam@x.example"));
    erased_store(e, db, VIEW("358401234567"), 1);
    erased_store(e, db, VIEW("sam@x.example"), 1);
    check_all(e);
    erased_free(e);
    e = load(db);
    check_all(e);
    erased_lift(e, VIEW("358401234567"));
    check(e, "358401234567, sam@x.example", "358401234567, …");
    assert_true(sqlite_check(db, &f));
    erased_free(e);
    sqlite_close(db);
}

static int without_bits(struct sqlite *db)
{
    struct sqlite_query q =
        sqlite_query(db, "SELECT count(*) FROM erased_people WHERE quick IS NULL OR part IS NULL");
    int count = sqlite_row(&q) ? (int)sqlite_int(&q, 0) : -1;

    sqlite_end(&q);
    return count;
}

/* Its hashes have no quick bits, or none of the parts of addresses. */
static void a_file_of_before_has_them_too(void **state)
{
    static const char *const befores[] = {"UPDATE erased_people SET quick = NULL, part = NULL",
                                          "UPDATE erased_people SET part = NULL"};

    (void)state;
    for (size_t i = 0; i < sizeof befores / sizeof *befores; i++) {
        struct sqlite *db = open_empty();
        struct erased *e = load(db);
        struct fault f = {0};

        erased_store(e, db, VIEW("358401234567"), 1);
        sqlite_script(db, befores[i]);
        erased_store(e, db, VIEW("sam@x.example"), 1);
        assert_int_equal(without_bits(db), 1);
        erased_free(e);
        e = load(db);
        check_all(e);
        erased_store(e, db, VIEW("358401234567"), 2); /* again */
        assert_int_equal(without_bits(db), 0);
        erased_free(e);
        e = load(db);
        check_all(e);
        assert_true(sqlite_check(db, &f));
        erased_free(e);
        sqlite_close(db);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_was_erased_is_known_by_hashes),
        cmocka_unit_test(a_file_of_before_has_them_too),
    };

    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
