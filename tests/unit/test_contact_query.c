/* contact_query: a page begins and ends where its bounds are, and what lies beyond is not walked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/datetime.h"
#include "server/contact_query.h"
#include "server/history_schema.h"
#include "server/place.h"
#include "server/rights.h"
#include "server/search.h"
#include "server/sqlite.h"
#include "server/sqlite_migrate.h"
#include "server/visible.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define STEPS_BEFORE_SEARCH 6

#define CONTACTS 20000
#define PAGE     20
#define T0_MS    INT64_C(1700000000000)
#define APART_MS 600000 /* so that a day, which contacts may last, is not many */

#define LOOK_STEPS 100 /* of SQLite's machine */
#define LOOKS_MAX                                                                                  \
    100 /* a page of 20 rows takes some twenty; each row walked is one step at least */
#define NEWEST_LOOKS_MAX 500 /* where what the newest have is gathered, and not what all have */

/* All with the same words, in subjects and in what every other one, an email or a chat, holds; the
 * search's step fills the indexes. */
static const char fill[] =
    "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19999)"
    " INSERT INTO contacts (row, id, group_id, channel, status, source, subject, arrival_ms,"
    " disconnect_ms, leads, stamps)"
    " SELECT (1700000000000 + i * 600000) << 20, CAST(printf('%016d', i) AS BLOB),"
    " CAST(printf('%016d', i) AS BLOB), CASE i % 2 WHEN 1 THEN 'CHAT' ELSE 'EMAIL' END, 'Handled', "
    "'+358401234567', "
    "'an included word', 1700000000000 + i * 600000,"
    " 1700000000000 + i * 600000 + 1000, 1, x'' FROM n;"
    "INSERT INTO emails (id, content, remarks, stamps) SELECT id, 'a common word', 'common', x''"
    " FROM contacts WHERE channel = 'EMAIL' ORDER BY row;"
    "INSERT INTO chat_messages (key, chat, at_ms, tie, message, originator, system, type)"
    " SELECT id, id, arrival_ms, x'', 'a common word', 'a', 0, 'text'"
    " FROM contacts WHERE channel = 'CHAT' ORDER BY row;";

static struct sqlite *db;
static unsigned looks;

static bool look(void *ctx)
{
    (void)ctx;
    looks++;
    return true;
}

static int set_up(void **state)
{
    struct fault f = {0};

    (void)state;
    db = sqlite_open(":memory:", false, &f);
    if (db == NULL || !sqlite_migrate(db, history_schema, STEPS_BEFORE_SEARCH, &f))
        return -1;
    sqlite_script(db, fill);
    if (!sqlite_check(db, &f) || !sqlite_migrate(db, history_schema, history_schema_steps, &f))
        return -1;
    search_install(db);
    sqlite_watch(db, LOOK_STEPS, look, NULL);
    return sqlite_check(db, &f) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    sqlite_close(db);
    return 0;
}

static int64_t place_of(int64_t i)
{
    return (T0_MS + i * APART_MS) << PLACE_BITS;
}

struct asked {
    int64_t start; /* startTime is that contact's arrival; -1: not given */
    int64_t end;
    bool ascending;
    int64_t after; /* that contact was the last one shown */
    int64_t first; /* to be shown; -1: none is */
};

/* The page of what was asked for together with `name`=`value`, which all contacts meet. */
static void expect_page(const struct asked *a, const char *name, const char *value)
{
    struct exchange_user user = {.login = "tester", .language = "en"};
    struct exchange_param params[6] = {{VIEW("limit"), VIEW("20")}};
    struct exchange x = {.params = params, .param_count = 1, .user = &user, .wall_ms = T0_MS};
    char start[DATETIME_TEXT_MAX];
    char end[DATETIME_TEXT_MAX];
    char after[24];
    struct contact_query c;
    struct sqlite_query q;
    struct fault f = {0};
    int64_t n = 0;

    datetime_format(T0_MS + a->start * APART_MS, start);
    datetime_format(T0_MS + a->end * APART_MS, end);
    snprintf(after, sizeof after, "%" PRId64, place_of(a->after));
    if (name != NULL)
        params[x.param_count++] = (struct exchange_param){view_of(name), view_of(value)};
    if (a->start >= 0)
        params[x.param_count++] = (struct exchange_param){VIEW("startTime"), view_of(start)};
    if (a->end >= 0)
        params[x.param_count++] = (struct exchange_param){VIEW("endTime"), view_of(end)};
    if (a->ascending)
        params[x.param_count++] = (struct exchange_param){VIEW("sort"), VIEW("arrivalTime")};
    if (a->after >= 0)
        params[x.param_count++] = (struct exchange_param){VIEW("after"), view_of(after)};
    contact_query_init(&c);
    if (!contact_query_read(&c, &x, &f))
        fail_msg("%s", f.text);
    looks = 0;
    q = contact_query_open(&c, &x, 3600000, &contact_query_all, db);
    while (sqlite_row(&q)) {
        assert_int_equal(sqlite_int(&q, 0), place_of(a->first + (a->ascending ? n : -n)));
        n++;
    }
    if (!sqlite_check(db, &f))
        fail_msg("%s", f.text);
    assert_int_equal(n, a->first < 0 ? 0 : PAGE + 1); /* one tells that there are more */
    if (looks > LOOKS_MAX)
        fail_msg("%s from %s to %s after %s: %u looks", name, start, end, after, looks);
    contact_query_done(&c);
}

static void a_page_walks_only_what_is_within_its_bounds(void **state)
{
    static const struct asked asked[] = {
        {-1, -1, false, -1, CONTACTS - 1},
        {-1, -1, false, 100, 99},
        {-1, -1, true, -1, 0},
        {-1, -1, true, CONTACTS - 100, CONTACTS - 99},
        {CONTACTS - 100, -1, false, -1, CONTACTS - 1},
        {CONTACTS + 10, -1, false, -1, -1},
        {CONTACTS + 10, -1, true, -1, -1},
        {CONTACTS + 10, -1, true, CONTACTS - 100, -1},
        {100, -1, true, CONTACTS - 100, CONTACTS - 99},
        {-1, 100, false, -1, 100},
        {-1, CONTACTS - 100, false, 200, 199},
        {-1, 200, true, -1, 0},
        {CONTACTS - 500, CONTACTS - 400, false, -1, CONTACTS - 400},
        {300, 400, false, 390, 389},
    };
    static const char *const with[][2] = {{NULL, NULL},
                                          {"subject", "included"},
                                          {"source", "+3584*"},
                                          {"search", "*1234*,x"},
                                          {"source", "+358401234567"}};

    (void)state;
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        for (size_t w = 0; w < sizeof with / sizeof *with; w++)
            expect_page(&asked[i], with[w][0], with[w][1]);
}

/* The places of a page of that part; how many. */
static size_t page_of(struct contact_query *c, const struct exchange *x,
                      const struct contact_part *part, int64_t places[PAGE + 1])
{
    struct sqlite_query q = contact_query_open(c, x, 3600000, part, db);
    struct fault f = {0};
    size_t n = 0;

    while (sqlite_row(&q)) {
        assert_true(n <= PAGE);
        places[n++] = sqlite_int(&q, 0);
    }
    if (!sqlite_check(db, &f))
        fail_msg("%s", f.text);
    return n;
}

static void what_many_have_is_found_among_the_newest(void **state)
{
    static const struct {
        const char *params[2][2];
        bool helps;
    } rows[] = {
        {{{"body", "common"}}, true},
        {{{"body", "on"}}, true}, /* too short for an index */
        {{{"body", "common"}, {"subject", "included"}}, true},
        {{{"source", "+3584*"}, {"subject", "included"}}, true},
        {{{"remarks", "common"}, {"subject", "word"}}, true},
        {{{"subject", "word"}}, false}, /* leads, and ends at the limit */
        {{{"body", "common"}, {"sort", "arrivalTime"}}, false},
        {{{"body", "common"}, {"sort", "subject"}}, false},
        {{{"body", "common"}, {"endTime", "2024-01-01T00:00:00Z"}}, false},
    };

    (void)state;
    for (size_t i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
        struct exchange_user user = {.login = "tester", .language = "en"};
        struct exchange_param params[5] = {{VIEW("limit"), VIEW("20")}};
        struct exchange x = {.params = params, .param_count = 1, .user = &user, .wall_ms = T0_MS};
        int64_t places[2][PAGE + 1];
        struct contact_query c;
        struct contact_part part;
        struct fault f = {0};
        char after[24];

        for (size_t p = 0; p < 2 && rows[i / 2].params[p][0] != NULL; p++)
            params[x.param_count++] = (struct exchange_param){view_of(rows[i / 2].params[p][0]),
                                                              view_of(rows[i / 2].params[p][1])};
        snprintf(after, sizeof after, "%" PRId64, place_of(5000));
        if (i % 2 == 1 && rows[i / 2].helps)
            params[x.param_count++] = (struct exchange_param){VIEW("after"), view_of(after)};
        contact_query_init(&c);
        if (!contact_query_read(&c, &x, &f))
            fail_msg("%s", f.text);
        looks = 0;
        assert_int_equal(contact_query_newest(&c, db, &part), rows[i / 2].helps);
        if (rows[i / 2].helps) {
            assert_int_equal(page_of(&c, &x, &part, places[0]), PAGE + 1);
            if (looks > NEWEST_LOOKS_MAX)
                fail_msg("row %zu: %u looks", i / 2, looks);
            assert_int_equal(page_of(&c, &x, &contact_query_all, places[1]), PAGE + 1);
            assert_memory_equal(places[0], places[1], sizeof places[0]);
        }
        contact_query_done(&c);
    }
}

/* ---- to when durations count ---- */

/* A pipeline may page for hours: only in the order of a duration does the time of its first page
 * stand still. */
static void durations_of_every_page_count_to_its_own_moment(void **state)
{
    static const struct {
        const char *sort;
        const char *after; /* begun a second before */
        bool stands_still;
    } rows[] = {
        {"arrivalTime", "1", false},
        {"source", "1.1699999999000.t31", false},
        {"-disconnectTime", "1.1699999999000.i5", false},
        {"connectTime", "1.1699999999000.n", false},
        {"totalDuration", "1.1699999999000.i5", true},
        {"-waitingDuration", "1.1699999999000.i5", true},
        {"handlingDuration", "1.1699999999000.n", true},
        {"wrapUpTotalDuration", "1.1699999999000.i5", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct exchange_user user = {.login = "tester", .language = "en"};
        struct exchange_param params[] = {{VIEW("limit"), VIEW("20")},
                                          {VIEW("sort"), view_of(rows[i].sort)},
                                          {VIEW("after"), view_of(rows[i].after)}};
        struct exchange x = {.params = params, .param_count = 3, .user = &user, .wall_ms = T0_MS};
        struct contact_query c;
        struct fault f = {0};

        contact_query_init(&c);
        if (!contact_query_read(&c, &x, &f))
            fail_msg("%s", f.text);
        if (c.sort.now_ms != (rows[i].stands_still ? T0_MS - 1000 : T0_MS))
            fail_msg("%s: %" PRId64, rows[i].sort, c.sort.now_ms);
        contact_query_done(&c);
    }
}

/* ---- who sees few ---- */

#define FEW_LOOKS_MAX  400  /* to find the few and to try each; to ask all takes thousands */
#define WORD_LOOKS_MAX 2000 /* to look at all that have the word, but at no contact */

/* Contacts of queue 7: a hundred, far apart; of queue 8: half of all; of agent 9: three. */
static const char allot[] =
    "UPDATE contacts SET queue_id = CAST('0000000000000007' AS BLOB)"
    "  WHERE (row >> 20) % 120000000 = (1700000000000 % 120000000);"
    "UPDATE contacts SET queue_id = CAST('0000000000000008' AS BLOB)"
    "  WHERE queue_id IS NULL AND (row >> 20) % 1200000 = 800000;"
    "UPDATE contacts SET agent_id = CAST('0000000000000009' AS BLOB)"
    "  WHERE row IN (SELECT row FROM contacts WHERE queue_id IS NULL ORDER BY row LIMIT 3);";

static struct rights *rights_of(const char *queue)
{
    struct guid self;
    struct guid id;
    struct rights *r;

    memcpy(self.bytes, "0000000000000009", sizeof self.bytes);
    r = rights_new(&self);
    rights_allow(r, RIGHTS_CONTACTS, RIGHTS_GET);
    rights_limit(r, RIGHTS_CONTACTS);
    if (queue != NULL) {
        memcpy(id.bytes, queue, sizeof id.bytes);
        rights_show_queue(r, RIGHTS_CONTACTS, &id);
    }
    rights_settle(r);
    return r;
}

/* By the plan that fits, and by asking each row: the same pages. */
static void who_sees_few_does_not_read_all(void **state)
{
    static const char *const asked[][2] = {
        {NULL, NULL},          {"source", "+358*"},     {"source", "+358401234567"},
        {"search", "*4567,x"}, {"subject", "included"}, {"body", "common"},
        {"sort", "-subject"},  {"sort", "arrivalTime"}, {"status", "Pending"},
        {"channel", "CHAT"},   {"id", "*00*"},          {"endTime", "2023-12-01T00:00:00Z"},
    };
    static const char *const queues[] = {"0000000000000007", "0000000000000008", NULL};

    (void)state;
    sqlite_script(db, allot);
    for (size_t i = 0; i < 3 * 2 * (sizeof asked / sizeof *asked); i++) {
        struct rights *r = rights_of(queues[i % 3]);
        struct exchange_user user = {.login = "tester", .language = "en", .rights = r};
        struct exchange_param params[3] = {{VIEW("limit"), VIEW("20")}};
        struct exchange x = {.params = params, .param_count = 1, .user = &user, .wall_ms = T0_MS};
        const char *const *one = asked[i / 6];
        int64_t places[2][PAGE + 1] = {{0}};
        size_t counts[2];
        struct contact_query c;
        struct fault f = {0};
        char after[24];

        snprintf(after, sizeof after, "%" PRId64, place_of(10000));
        if (one[0] != NULL)
            params[x.param_count++] = (struct exchange_param){view_of(one[0]), view_of(one[1])};
        if (i / 3 % 2 == 1 && (one[0] == NULL || strcmp(one[1], "-subject") != 0))
            params[x.param_count++] = (struct exchange_param){VIEW("after"), view_of(after)};
        contact_query_init(&c);
        if (!contact_query_read(&c, &x, &f))
            fail_msg("%s", f.text);
        counts[0] = page_of(&c, &x, &contact_query_all, places[0]);
        looks = 0;
        contact_query_sight(&c, &x, db);
        counts[1] = page_of(&c, &x, &contact_query_all, places[1]);
        if (looks > (c.search.leads != NULL ? WORD_LOOKS_MAX : FEW_LOOKS_MAX) && i % 3 != 1 &&
            !c.search.narrow)
            fail_msg("%s=%s: %u looks", one[0], one[1], looks);
        if (i % 3 == 1)
            assert_false(c.few);
        assert_int_equal(counts[0], counts[1]);
        assert_memory_equal(places[0], places[1], sizeof places[0]);
        contact_query_done(&c);
        rights_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_page_walks_only_what_is_within_its_bounds, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_many_have_is_found_among_the_newest, set_up,
                                        tear_down),
        cmocka_unit_test(durations_of_every_page_count_to_its_own_moment),
        cmocka_unit_test_setup_teardown(who_sees_few_does_not_read_all, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
