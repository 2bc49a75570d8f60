/* shard, routes, filter, queues: the small parts of the server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/shard.h"
#include "server/filter.h"
#include "server/queues.h"
#include "server/routes.h"
#include "server/store.h"

#include <string.h>

static void a_shard_is_redis_cluster_s_crc16_of_the_id(void **state)
{
    char out[SHARD_KEY_MAX];

    (void)state;
    assert_int_equal(shard_of(VIEW("123456789")), 0x31C3 % SHARD_COUNT);
    assert_int_equal(shard_of(VIEW("")), 0);
    assert_true(view_is(shard_key(7, "due", VIEW_NONE, out), "s:{07}:due"));
    assert_true(view_is(shard_key(63, "m", VIEW("AB"), out), "s:{63}:m:AB"));
}

static void members_order_by_time_and_name_their_id(void **state)
{
    char early[STORE_MEMBER_MAX];
    char late[STORE_MEMBER_MAX];

    (void)state;
    store_member(999, "0123456789ABCDEF0123456789ABCDEF", early);
    store_member(1000, "0123456789ABCDEF0123456789ABCDEF", late);
    assert_true(strcmp(early, late) < 0);
    assert_true(view_is(store_member_id(view_of(late)), "0123456789ABCDEF0123456789ABCDEF"));
}

static void nothing(struct exchange *x)
{
    (void)x;
}

static const struct route rows[] = {
    {"GET", "/things", 0, NULL, nothing},
    {"POST", "/things", 0, NULL, nothing},
    {"GET", "/things/{id}", 0, NULL, nothing},
    {"PUT", "/things/{id}/part", 0, NULL, nothing},
    {NULL, NULL, 0, NULL, NULL},
};

static void a_path_finds_its_row(void **state)
{
    static const struct {
        const char *method;
        const char *path;
        enum routes_found found;
        const char *id;
    } asked[] = {
        {"GET", "/a/things", ROUTES_FOUND, ""},
        {"HEAD", "/a/things", ROUTES_FOUND, ""},
        {"GET", "/a/thing%73", ROUTES_FOUND, ""},
        {"GET", "/a/things/x%2Fy", ROUTES_FOUND, "x%2Fy"},
        {"PUT", "/a/things/x/part", ROUTES_FOUND, "x"},
        {"DELETE", "/a/things/x", ROUTES_NO_METHOD, "x"},
        {"GET", "/a/things/x/part", ROUTES_NO_METHOD, "x"},
        {"GET", "/a/things/", ROUTES_NO_PATH, ""},
        {"GET", "/a/things/x/", ROUTES_NO_PATH, ""},
        {"GET", "/a/things//part", ROUTES_NO_PATH, ""},
        {"GET", "/things", ROUTES_NO_PATH, ""},
        {"GET", "/athings", ROUTES_NO_PATH, ""},
        {"GET", "/a%2Fthings", ROUTES_NO_PATH, ""},
        {"GET", "*", ROUTES_NO_PATH, ""},
    };
    struct routes r;

    (void)state;
    memset(&r, 0, sizeof r);
    routes_add(&r, "/a", rows);
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        struct route_entry *e = NULL;
        struct view id = VIEW_NONE;

        if (routes_find(&r, view_of(asked[i].method), view_of(asked[i].path), &e, &id) !=
            asked[i].found)
            fail_msg("%s %s", asked[i].method, asked[i].path);
        if (asked[i].found != ROUTES_NO_PATH)
            assert_true(view_is(id, asked[i].id));
    }
}

static void a_search_value_matches_as_the_contract_says(void **state)
{
    (void)state;
    assert_true(filter_matches(VIEW("*987654"), VIEW("+358987654")));
    assert_true(filter_matches(VIEW("abc"), VIEW(" ABC ")));
    assert_true(filter_matches(VIEW(" 358*"), VIEW("+358987654")));
    assert_true(filter_matches(VIEW(" 358"), VIEW("358")));
    assert_false(filter_matches(VIEW(" x"), VIEW("+x")));
    assert_false(filter_matches(VIEW("358"), VIEW("+358")));
    assert_true(filter_matches_address(VIEW("358"), VIEW("+3-5-8")));
    assert_true(filter_matches_address(VIEW("+3*"), VIEW("+3-5-8")));
    assert_true(filter_matches_address(VIEW("3*"), VIEW("+3-5-8")));
    assert_true(filter_matches_address(VIEW("+35?"), VIEW("003 58")));
    assert_true(filter_matches_address(VIEW("*5-8"), VIEW("+358")));
    assert_true(filter_matches_address(VIEW("Sam*"), VIEW("sam_i@greeneggs.ham")));
    assert_false(filter_matches_address(VIEW("5*"), VIEW("+3-5-8")));
    assert_false(filter_matches_address(VIEW("35"), VIEW("+358")));
    assert_false(filter_matches_address(VIEW("359"), VIEW("+358")));
}

/* What falls away from a number must not fall away from a pattern that says nothing else. */
static void a_pattern_finds_nobody_whom_it_does_not_name(void **state)
{
    static const char *const stored[] = {"+8541255455", "0401234567", "sam@x.fi", "3com@x.fi",
                                         "00358401",    "(09) 123",   "+123-99"};
    static const struct {
        const char *pattern;
        const char *found; /* a digit a row of stored: is it found? */
    } asked[] = {
        {"+*", "1000001"},    {"+??????????", "1000000"}, {"00*", "0000100"},
        {"-*", "0000000"},    {"(*", "0000010"},          {" (*", "0000010"},
        {"+?*", "1000001"},   {"00??????", "0000100"},    {"+-*", "0000000"},
        {"0-0*", "0000000"},  {"+00*", "0000000"},        {"*-*", "0000001"},
        {"+3*", "0000100"},   {"3*", "0001100"},          {"00 (3)*", "0000100"},
        {"+*5", "1000000"},   {"(*3", "0000010"},         {"*5 455", "1000000"},
        {"09-1*", "0000010"}, {"*9-9", "0000001"},        {"\u2010*", "0000000"},
        {"*@*", "0011000"},   {"+ 854 *", "1000000"},     {"*", "1111111"},
        {"?*", "1111111"},    {"#*", "0000000"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        for (size_t k = 0; k < sizeof stored / sizeof *stored; k++)
            if (filter_matches_address(view_of(asked[i].pattern), view_of(stored[k])) !=
                (asked[i].found[k] == '1'))
                fail_msg("%s and %s", asked[i].pattern, stored[k]);
}

static void queues_are_found_by_what_names_them(void **state)
{
    struct queues *q = queues_new();
    struct chat_queue sms = {.address = " A@sms.x", .name = "SMS", .channel = "sms"};
    struct chat_queue none = {.address = NULL, .name = "Chat", .channel = "text"};
    struct callback_queue own = {.number = "505"};
    struct callback_queue other = {
        .number = "153", .original_number = "152", .original_name = "Sales"};

    (void)state;
    none.id.bytes[0] = 1;
    queues_add_chat(q, &sms);
    queues_add_chat(q, &none);
    queues_add_callback(q, &own);
    queues_add_callback(q, &other);
    assert_string_equal(queues_chat_by_address(q, VIEW("a@SMS.x "))->name, "SMS");
    assert_null(queues_chat_by_address(q, VIEW("")));
    assert_null(queues_chat_by_address(q, VIEW("b@sms.x")));
    assert_string_equal(queues_chat_by_id(q, &none.id)->name, "Chat");
    none.id.bytes[0] = 2;
    assert_null(queues_chat_by_id(q, &none.id));
    assert_string_equal(queues_callback(q, VIEW("505"))->original_number, "505");
    assert_null(queues_callback(q, VIEW("505"))->original_name);
    assert_string_equal(queues_callback(q, VIEW("153"))->original_number, "152");
    assert_null(queues_callback(q, VIEW("15")));
    queues_free(q);
    queues_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shard_is_redis_cluster_s_crc16_of_the_id),
        cmocka_unit_test(members_order_by_time_and_name_their_id),
        cmocka_unit_test(a_path_finds_its_row),
        cmocka_unit_test(a_search_value_matches_as_the_contract_says),
        cmocka_unit_test(a_pattern_finds_nobody_whom_it_does_not_name),
        cmocka_unit_test(queues_are_found_by_what_names_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
