/* rights: what users may do and see; the same asked in C and in SQL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/exchange.h"
#include "server/rights.h"
#include "server/sqlite.h"

#include <string.h>

static struct guid guid_of(unsigned char first)
{
    struct guid g = {{first}};

    return g;
}

static void a_path_is_of_a_resource(void **state)
{
    static const struct {
        const char *path;
        enum rights_resource resource;
    } rows[] = {
        {"/emails", RIGHTS_EMAILS},
        {"/emails/{id}", RIGHTS_EMAILS},
        {"/scriptResults/{id}", RIGHTS_SCRIPT_RESULTS},
        {"/chats", RIGHTS_CHATS},
        {"/callRecordings/{id}/listenLog", RIGHTS_CALL_RECORDINGS},
        {"/callbacks/{id}", RIGHTS_CALLBACKS},
        {"/contacts/{id}/remarks", RIGHTS_CONTACTS},
        {"/messages", RIGHTS_MESSAGES},
        {"/customerConsents/{id}", RIGHTS_CONSENTS},
        {"/ingest", RIGHTS_INGEST},
        {"/openapi.json", RIGHTS_ANYBODY},
        {"/receipts/{id}", RIGHTS_OTHER},
        {"/chatsx", RIGHTS_OTHER},
        {"", RIGHTS_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rights_resource_of(view_of(rows[i].path)) != rows[i].resource)
            fail_msg("%s", rows[i].path);
}

/* A route that rights do not know is served to those with all of them only; none is yet. */
static void every_route_is_of_a_resource_and_a_method(void **state)
{
    static const struct route *const all[] = {
        callback_routes, message_routes, consent_routes, chat_routes,          recording_routes,
        remarks_routes,  contact_routes, email_routes,   script_result_routes, ingest_routes};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (const struct route *row = all[i]; row->method != NULL; row++)
            if (rights_resource_of(view_of(row->path)) >= RIGHTS_RESOURCES ||
                rights_method_of(view_of(row->method)) == 0)
                fail_msg("%s %s", row->method, row->path);
}

static void nobody_may_anything_at_first(void **state)
{
    struct guid self = guid_of(1);
    struct rights *r = rights_new(&self);

    (void)state;
    rights_allow(r, RIGHTS_CHATS, RIGHTS_GET | RIGHTS_POST);
    rights_allow(r, RIGHTS_CONSENTS, RIGHTS_DELETE);
    rights_settle(r);
    assert_true(rights_may(r, RIGHTS_CHATS, RIGHTS_GET));
    assert_true(rights_may(r, RIGHTS_CHATS, RIGHTS_POST));
    assert_false(rights_may(r, RIGHTS_CHATS, RIGHTS_PUT));
    assert_false(rights_may(r, RIGHTS_EMAILS, RIGHTS_GET));
    assert_false(rights_may(r, RIGHTS_INGEST, RIGHTS_POST));
    assert_false(rights_may(r, RIGHTS_OTHER, RIGHTS_GET));
    assert_true(rights_may(r, RIGHTS_ANYBODY, RIGHTS_GET));
    assert_false(rights_may(r, RIGHTS_CHATS, rights_method_of(VIEW("PATCH"))));
    /* Deleting a consent takes seeing it. */
    assert_false(rights_may(r, RIGHTS_CONSENTS, RIGHTS_DELETE));
    rights_free(r);
    r = rights_new(&self);
    rights_allow_everything(r);
    rights_settle(r);
    for (unsigned i = 0; i <= RIGHTS_OTHER; i++)
        assert_true(rights_may(r, (enum rights_resource)i, RIGHTS_DELETE));
    rights_free(r);
    assert_true(rights_may(NULL, RIGHTS_OTHER, RIGHTS_GET));
}

/* queue, agent: 0 for none. */
static const struct {
    unsigned char queue;
    unsigned char agent;
    bool seen;
} things[] = {
    {10, 0, true},                                               /* a queue that is shown */
    {11, 0, true},  {12, 0, false}, {0, 0, false}, {0, 1, true}, /* one's own */
    {12, 1, true},  {12, 2, true},                               /* a colleague who is shown */
    {12, 3, false}, {10, 3, true},
};
#define THINGS (sizeof things / sizeof things[0])

static struct rights *some(void)
{
    struct guid ids[] = {guid_of(1), guid_of(2), guid_of(11), guid_of(10)};
    struct rights *r = rights_new(&ids[0]);

    rights_allow(r, RIGHTS_CHATS, RIGHTS_GET);
    rights_show_agent(r, RIGHTS_CHATS, &ids[1]);
    rights_show_queue(r, RIGHTS_CHATS, &ids[2]);
    rights_show_queue(r, RIGHTS_CHATS, &ids[3]);
    rights_show_number(r, RIGHTS_CALLBACKS, VIEW("153"));
    rights_serve_queue(r, &ids[2]);
    rights_settle(r);
    return r;
}

static void a_thing_is_seen_by_its_queue_or_its_agent(void **state)
{
    struct rights *r = some();
    struct guid other = guid_of(99);

    (void)state;
    for (size_t i = 0; i < THINGS; i++) {
        struct guid queue = guid_of(things[i].queue);
        struct guid agent = guid_of(things[i].agent);

        if (rights_see(r, RIGHTS_CHATS, things[i].queue != 0 ? &queue : NULL,
                       things[i].agent != 0 ? &agent : NULL) != things[i].seen)
            fail_msg("thing %zu", i);
    }
    assert_false(rights_limited(r, RIGHTS_EMAILS)); /* not limited: all of them */
    assert_true(rights_see(r, RIGHTS_EMAILS, &other, NULL));
    assert_true(rights_see(NULL, RIGHTS_CHATS, &other, NULL));
    assert_true(rights_see_number(r, RIGHTS_CALLBACKS, VIEW("153")));
    assert_false(rights_see_number(r, RIGHTS_CALLBACKS, VIEW("15")));
    assert_false(rights_see_number(r, RIGHTS_CALLBACKS, VIEW("")));
    assert_true(rights_see_number(NULL, RIGHTS_CALLBACKS, VIEW("1")));
    rights_free(r);
}

static void an_empty_limit_shows_one_s_own_only(void **state)
{
    struct guid self = guid_of(1);
    struct guid other = guid_of(2);
    struct rights *r = rights_new(&self);

    (void)state;
    rights_limit(r, RIGHTS_CONTACTS);
    rights_settle(r);
    assert_true(rights_see(r, RIGHTS_CONTACTS, NULL, &self));
    assert_false(rights_see(r, RIGHTS_CONTACTS, &other, &other));
    assert_false(rights_see(r, RIGHTS_CONTACTS, NULL, NULL));
    rights_free(r);
}

static void bind_guid(struct sqlite_query *q, unsigned char first)
{
    struct guid g = guid_of(first);

    if (first == 0)
        sqlite_bind_null(q);
    else
        sqlite_bind_guid(q, &g);
}

static struct sqlite *table_of_things(void)
{
    struct fault f = {0};
    struct sqlite *db = sqlite_open(":memory:", false, &f);

    assert_non_null(db);
    sqlite_script(db, "CREATE TABLE things (i INTEGER PRIMARY KEY, queue BLOB, agent BLOB)");
    for (size_t i = 0; i < THINGS; i++) {
        struct sqlite_query q = sqlite_query(db, "INSERT INTO things VALUES (?, ?, ?)");

        sqlite_bind_int(&q, (int64_t)i);
        bind_guid(&q, things[i].queue);
        bind_guid(&q, things[i].agent);
        sqlite_run(&q);
    }
    assert_true(sqlite_check(db, &f));
    return db;
}

static void sql_sees_what_c_sees(void **state)
{
    struct rights *r = some();
    struct sqlite *db = table_of_things();
    struct fault f = {0};
    struct sqlite_query q;
    struct buf sql;
    size_t seen = 0;

    (void)state;
    buf_init(&sql, 1024);
    buf_put_text(&sql, "SELECT i FROM things WHERE i >= ?");
    rights_where(r, RIGHTS_CHATS, "queue", "agent", &sql);
    buf_put_text(&sql, " AND i < ?");
    q = sqlite_query(db, buf_text(&sql));
    sqlite_bind_int(&q, 0);
    rights_bind(r, RIGHTS_CHATS, true, &q);
    sqlite_bind_int(&q, 100);
    for (; sqlite_row(&q); seen++)
        assert_true(things[sqlite_int(&q, 0)].seen);
    assert_true(sqlite_check(db, &f));
    assert_int_equal(seen, 6);
    buf_clear(&sql);
    buf_put_text(&sql, "SELECT count(*) FROM things WHERE 1");
    rights_where_served(r, "queue", &sql);
    q = sqlite_query(db, buf_text(&sql));
    rights_bind_served(r, &q);
    assert_true(sqlite_row(&q));
    assert_int_equal(sqlite_int(&q, 0), 1); /* queue 11 */
    sqlite_end(&q);
    assert_true(sqlite_check(db, &f));
    buf_done(&sql);
    sqlite_close(db);
    rights_free(r);
}

static void who_sees_all_costs_nothing(void **state)
{
    struct guid self = guid_of(1);
    struct rights *r = rights_new(&self);
    struct buf sql;

    (void)state;
    rights_settle(r);
    buf_init(&sql, 1024);
    rights_where(NULL, RIGHTS_CHATS, "queue", "agent", &sql);
    rights_where(r, RIGHTS_CHATS, "queue", "agent", &sql);
    rights_where_served(NULL, "queue", &sql);
    assert_int_equal(sql.n, 0);
    rights_bind(NULL, RIGHTS_CHATS, true, NULL); /* binds nothing */
    rights_bind(r, RIGHTS_CHATS, true, NULL);
    rights_bind_served(NULL, NULL);
    assert_true(rights_serves(NULL, &self));
    assert_false(rights_serves(r, &self));
    rights_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_of_a_resource),
        cmocka_unit_test(every_route_is_of_a_resource_and_a_method),
        cmocka_unit_test(nobody_may_anything_at_first),
        cmocka_unit_test(a_thing_is_seen_by_its_queue_or_its_agent),
        cmocka_unit_test(an_empty_limit_shows_one_s_own_only),
        cmocka_unit_test(sql_sees_what_c_sees),
        cmocka_unit_test(who_sees_all_costs_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
