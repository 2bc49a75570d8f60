/* tracker, lanes, heap, gate, budget, outcome, delivery: what the consume loop decides by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/budget.h"
#include "bridge/core/delivery.h"
#include "bridge/core/gate.h"
#include "bridge/core/heap.h"
#include "bridge/core/lanes.h"
#include "bridge/core/outcome.h"
#include "bridge/core/route.h"
#include "bridge/core/tracker.h"

#include <stdio.h>
#include <string.h>

/* ---- tracker ---- */

static void commits_only_behind_the_longest_run_of_ended_records(void **state)
{
    struct tracker t;
    uint64_t ticket[4];

    (void)state;
    tracker_init(&t, 1, 10);
    assert_int_equal(tracker_position(&t), 10);
    for (int i = 0; i < 4; i++)
        assert_true(tracker_take(&t, 10 + i, 100 + i, &ticket[i]));
    assert_false(tracker_end(&t, ticket[2]));
    assert_false(tracker_end(&t, ticket[1]));
    assert_int_equal(tracker_position(&t), 10);
    assert_int_equal(tracker_oldest_ms(&t), 100);
    assert_true(tracker_end(&t, ticket[0]));
    assert_int_equal(tracker_position(&t), 13);
    assert_int_equal(tracker_oldest_ms(&t), 103);
    assert_true(tracker_end(&t, ticket[3]));
    assert_int_equal(tracker_position(&t), 14);
    assert_int_equal(tracker_oldest_ms(&t), -1);
    tracker_done(&t);
}

static void offsets_may_have_gaps_but_not_go_back(void **state)
{
    struct tracker t;
    uint64_t a;
    uint64_t b;

    (void)state;
    tracker_init(&t, 1, 0);
    assert_true(tracker_take(&t, 5, 0, &a));
    assert_false(tracker_take(&t, 5, 0, &b));
    assert_false(tracker_take(&t, 4, 0, &b));
    assert_true(tracker_take(&t, 900, 0, &b));
    assert_true(tracker_end(&t, a));
    assert_int_equal(tracker_position(&t), 6);
    assert_true(tracker_end(&t, b));
    assert_int_equal(tracker_position(&t), 901);
    assert_false(tracker_take(&t, 900, 0, &a));
    tracker_done(&t);
}

static void a_tracker_grows_to_its_limit_and_no_further(void **state)
{
    struct tracker t;
    uint64_t first = 0;
    uint64_t ticket;

    (void)state;
    tracker_init(&t, 1, 0);
    for (int64_t i = 0; i < TRACKER_OPEN_MAX; i++) {
        assert_true(tracker_take(&t, i, i, &ticket));
        if (i == 0)
            first = ticket;
        else
            assert_false(tracker_end(&t, ticket));
    }
    assert_false(tracker_take(&t, TRACKER_OPEN_MAX, 0, &ticket));
    assert_true(tracker_end(&t, first));
    assert_int_equal(tracker_position(&t), TRACKER_OPEN_MAX);
    assert_int_equal(tracker_open(&t), 0);
    assert_true(tracker_take(&t, TRACKER_OPEN_MAX, 0, &ticket));
    tracker_done(&t);
}

/* ---- lanes ---- */

static void one_key_is_a_queue_and_other_keys_are_not_behind_it(void **state)
{
    struct lanes *l = lanes_new(8, 42);
    struct lane_item a1;
    struct lane_item a2;
    struct lane_item a3;
    struct lane_item b;
    struct lane_item other_slot;

    (void)state;
    assert_true(lanes_join(l, &a1, 0, VIEW("a")));
    assert_false(lanes_join(l, &a2, 0, VIEW("a")));
    assert_false(lanes_join(l, &a3, 0, VIEW("a")));
    assert_true(lanes_join(l, &b, 0, VIEW("b")));
    assert_true(lanes_join(l, &other_slot, 1, VIEW("a")));
    assert_int_equal(lanes_count(l), 3);
    assert_null(lanes_leave(l, &a2)); /* from the middle: the front stays */
    assert_ptr_equal(lanes_front(&a1), &a1);
    assert_ptr_equal(lanes_front(&a3), &a1);
    assert_ptr_equal(lanes_leave(l, &a1), &a3);
    assert_null(lanes_leave(l, &a3));
    assert_null(a3.lane);
    assert_null(lanes_leave(l, &b));
    assert_null(lanes_leave(l, &other_slot));
    assert_int_equal(lanes_count(l), 0);
    lanes_free(l);
}

static void the_last_of_a_lane_may_leave_and_another_join(void **state)
{
    struct lanes *l = lanes_new(3, 1);
    struct lane_item a;
    struct lane_item b;
    struct lane_item c;

    (void)state;
    assert_true(lanes_join(l, &a, 0, VIEW("")));
    assert_false(lanes_join(l, &b, 0, VIEW_NONE));
    assert_null(lanes_leave(l, &b));
    assert_false(lanes_join(l, &c, 0, VIEW("")));
    assert_ptr_equal(lanes_leave(l, &a), &c);
    assert_null(lanes_leave(l, &c));
    lanes_free(l);
}

/* As many keys as there are buckets or more: some share one, and each leaves its own. */
static void lanes_that_share_a_bucket_are_kept_apart(void **state)
{
    enum { KEYS = 64 };
    struct lanes *l = lanes_new(2 * KEYS, 7);
    struct lane_item items[2 * KEYS];
    char keys[KEYS][4];

    (void)state;
    for (size_t i = 0; i < 2 * KEYS; i++) {
        snprintf(keys[i % KEYS], sizeof keys[0], "%zu", i % KEYS);
        assert_int_equal(lanes_join(l, &items[i], 0, view_of(keys[i % KEYS])), i < KEYS);
    }
    assert_int_equal(lanes_count(l), KEYS);
    for (size_t i = 0; i < KEYS; i++)
        assert_ptr_equal(lanes_leave(l, &items[i]), &items[i + KEYS]);
    for (size_t i = KEYS; i < 2 * KEYS; i++)
        assert_null(lanes_leave(l, &items[i]));
    assert_int_equal(lanes_count(l), 0);
    lanes_free(l);
    lanes_free(NULL);
}

/* ---- heap ---- */

static void the_heap_gives_the_earliest_whatever_was_taken_out(void **state)
{
    struct heap h;
    struct heap_item items[200];
    unsigned seed = 7;
    int64_t last = -1;
    size_t left = 200;

    (void)state;
    heap_init(&h);
    for (size_t i = 0; i < 200; i++) {
        items[i].place = 0;
        seed = seed * 1103515245u + 12345u;
        heap_put(&h, &items[i], (int64_t)(seed >> 16) % 50);
    }
    for (size_t i = 0; i < 200; i += 3) {
        heap_remove(&h, &items[i]);
        heap_remove(&h, &items[i]);
        left--;
    }
    while (heap_first(&h) != NULL) {
        struct heap_item *first = heap_first(&h);

        assert_true(first->at_ms >= last);
        last = first->at_ms;
        heap_remove(&h, first);
        left--;
    }
    assert_int_equal(left, 0);
    heap_done(&h);
}

/* ---- gate, budget ---- */

/* The only one has all of it: half as its part, half as the pool. */
static void the_gate_shuts_at_the_limit_and_opens_an_eighth_below(void **state)
{
    struct gate g;
    struct gate_share one = {0};

    (void)state;
    gate_init(&g, 32, 2000);
    gate_divide(&g, 1);
    gate_count(&g, &one);
    for (int i = 1; i < 32; i++)
        assert_false(gate_enter(&g, &one, 1));
    assert_false(gate_stops(&g, &one));
    assert_true(gate_enter(&g, &one, 1));
    assert_true(gate_stops(&g, &one));
    assert_false(gate_enter(&g, &one, 1)); /* more may come in while the pause takes effect */
    assert_false(gate_leave(&g, &one, 1));
    assert_false(gate_leave(&g, &one, 1));
    assert_true(gate_leave(&g, &one, 1)); /* the pool has 14 of 16 */
    assert_false(gate_stops(&g, &one));
    assert_int_equal(g.held.records, 30);
    assert_true(gate_grow(&g, &one, 1970)); /* by bytes */
    assert_true(gate_stops(&g, &one));
    assert_false(gate_leave(&g, &one, 1));
    assert_true(gate_leave(&g, &one, 1969));
    assert_false(gate_stops(&g, &one));
}

static void who_takes_the_pool_leaves_the_others_their_parts(void **state)
{
    struct gate g;
    struct gate_share stuck = {0};
    struct gate_share other = {0};
    int held = 0;

    (void)state;
    gate_init(&g, 40, 4000);
    gate_divide(&g, 2);
    for (; !gate_stops(&g, &stuck); held++)
        (void)gate_enter(&g, &stuck, 10);
    assert_int_equal(held, 30); /* the pool, and its part of 10 */
    for (int i = 0; i < 9; i++) {
        (void)gate_enter(&g, &other, 10);
        assert_false(gate_stops(&g, &other));
    }
    (void)gate_enter(&g, &other, 10);
    assert_true(gate_stops(&g, &other));
    assert_int_equal(g.held.records, 40); /* never more */
    (void)gate_leave(&g, &other, 10);
    assert_false(gate_stops(&g, &other)); /* an eighth below its part, whatever the pool is */
    assert_true(gate_stops(&g, &stuck));

    gate_divide(&g, 1); /* the other one has gone */
    gate_count(&g, &stuck);
    assert_false(gate_stops(&g, &stuck));
    assert_int_equal(g.used.records, 10);
    for (; held > 0; held--)
        (void)gate_leave(&g, &stuck, 10);
    assert_int_equal(g.used.records, 0);
    assert_int_equal(g.used.bytes, 0);
}

static void partitions_that_come_late_have_parts_up_to_a_limit(void **state)
{
    enum { SHARES = 64, MAX = 8192 };
    struct gate g;
    struct gate_share shares[SHARES] = {{0}};
    size_t first_alone;

    (void)state;
    gate_init(&g, MAX, 1 << 30);
    for (size_t n = 1; n <= SHARES; n++) { /* of a target that is down: nothing leaves */
        gate_divide(&g, n);
        for (size_t i = 0; i < n; i++)
            gate_count(&g, &shares[i]);
        while (!gate_stops(&g, &shares[n - 1]))
            (void)gate_enter(&g, &shares[n - 1], 1);
        assert_true(shares[n - 1].held.records > 0);
        for (size_t i = 0; i < n; i++)
            assert_true(gate_stops(&g, &shares[i]));
        assert_true(g.held.records <= MAX + GATE_LATE_RECORDS + (int64_t)n);
    }
    assert_int_equal(shares[SHARES - 1].held.records, 1);
    for (first_alone = 0; shares[first_alone].held.records > 1; first_alone++)
        ;
    assert_true(first_alone > 1); /* the first of them have parts */
    assert_true(g.crowded);
    while (g.crowded)
        (void)gate_leave(&g, &shares[0], 1);
    assert_false(gate_stops(&g, &shares[SHARES - 1]));
}

static void more_partitions_than_may_be_held_have_one_each(void **state)
{
    struct gate g;
    struct gate_share shares[3] = {{0}};

    (void)state;
    gate_init(&g, 1, 1000);
    gate_divide(&g, 3);
    for (int i = 0; i < 3; i++)
        gate_count(&g, &shares[i]);
    assert_false(gate_stops(&g, &shares[0]));
    (void)gate_enter(&g, &shares[0], 1);
    (void)gate_enter(&g, &shares[0], 1);
    assert_true(gate_stops(&g, &shares[0]));
    assert_false(gate_stops(&g, &shares[1])); /* one each, whatever the others wait for */
    (void)gate_enter(&g, &shares[1], 1);
    assert_true(gate_stops(&g, &shares[1]));
    (void)gate_leave(&g, &shares[1], 1);
    (void)gate_enter(&g, &shares[2], 2000); /* but no more bytes than may be */
    for (int i = 0; i < 3; i++)
        assert_true(gate_stops(&g, &shares[i]));
    (void)gate_leave(&g, &shares[2], 2000);
    (void)gate_leave(&g, &shares[0], 1);
    (void)gate_leave(&g, &shares[0], 1);
    for (int i = 0; i < 3; i++)
        assert_false(gate_stops(&g, &shares[i]));
}

/* `stuck` of the partitions, one after the other, read all they may of records that wait: is there
 * room for another's? */
static bool others_go_on(int64_t bytes_max, size_t partitions, size_t stuck, int64_t record)
{
    struct gate g;
    struct gate_share shares[32] = {{0}};

    gate_init(&g, 65536, bytes_max);
    gate_divide(&g, partitions);
    for (size_t i = 0; i < partitions; i++)
        gate_count(&g, &shares[i]);
    for (size_t i = 0; i < stuck; i++)
        while (!gate_stops(&g, &shares[i]))
            (void)gate_enter(&g, &shares[i], record);
    return !gate_stops(&g, &shares[stuck]);
}

/* docs/OPERATIONS.md says so at cmibridge_paused. */
static void records_as_large_as_a_part_stop_all_unless_there_is_room_for_them(void **state)
{
    const int64_t mib = 1 << 20;

    (void)state;
    assert_true(others_go_on(16 * mib, 32, 31, 1000));
    assert_false(others_go_on(16 * mib, 32, 16, mib));
    for (int64_t record = mib - 5000; record <= mib; record += 100) {
        assert_true(others_go_on(2 * 32 * mib, 32, 16, record));
        assert_true(others_go_on(4 * 32 * mib, 32, 21, record));
    }
    assert_false(others_go_on(2 * 32 * mib, 32, 24, mib - 1));
}

static void dead_letters_are_earned_by_successes(void **state)
{
    struct budget b;

    (void)state;
    budget_init(&b, 2, 500);
    assert_true(budget_spend(&b));
    assert_true(budget_spend(&b));
    assert_false(budget_spend(&b));
    budget_earn(&b);
    assert_false(budget_spend(&b));
    budget_earn(&b);
    assert_true(budget_spend(&b));
    for (int i = 0; i < 100; i++)
        budget_earn(&b);
    assert_true(budget_spend(&b));
    assert_true(budget_spend(&b));
    assert_false(budget_spend(&b));
    budget_init(&b, 2, 0);
    assert_true(budget_spend(&b) && budget_spend(&b));
    budget_tune(&b, 3, 0); /* one more */
    assert_true(budget_spend(&b));
    assert_false(budget_spend(&b));
    budget_tune(&b, 1, 0);
    assert_false(budget_spend(&b));
    budget_tune(&b, 3, 0);
    assert_true(budget_spend(&b) && budget_spend(&b));
    assert_false(budget_spend(&b));
}

/* ---- outcome ---- */

static void every_status_has_its_class(void **state)
{
    static const struct {
        int status;
        const char *method;
        bool retry_after;
        enum outcome outcome;
    } rows[] = {
        {200, "POST", false, OUTCOME_DONE},    {201, "POST", false, OUTCOME_DONE},
        {204, "PUT", false, OUTCOME_DONE},     {299, "PUT", false, OUTCOME_DONE},
        {301, "POST", false, OUTCOME_STOP},    {307, "PUT", false, OUTCOME_STOP},
        {400, "POST", false, OUTCOME_REFUSE},  {401, "POST", false, OUTCOME_STOP},
        {403, "POST", false, OUTCOME_FORBID},  {404, "PUT", false, OUTCOME_REFUSE},
        {404, "DELETE", false, OUTCOME_DONE},  {408, "POST", false, OUTCOME_RETRY},
        {409, "POST", false, OUTCOME_REFUSE},  {409, "POST", true, OUTCOME_RETRY},
        {413, "POST", false, OUTCOME_REFUSE},  {422, "POST", false, OUTCOME_REFUSE},
        {425, "POST", false, OUTCOME_RETRY},   {429, "POST", false, OUTCOME_RETRY},
        {500, "POST", false, OUTCOME_RETRY},   {501, "POST", false, OUTCOME_REFUSE},
        {502, "POST", false, OUTCOME_RETRY},   {503, "POST", true, OUTCOME_RETRY},
        {599, "DELETE", false, OUTCOME_RETRY}, {100, "POST", false, OUTCOME_RETRY},
        {999, "POST", false, OUTCOME_RETRY},
    };
    static const struct {
        int status;
        bool may;
    } done[] = {
        {299, false}, {300, true},  {303, true},  {304, false}, {307, false}, {308, false},
        {400, false}, {429, false}, {499, false}, {500, true},  {501, false}, {502, true},
        {503, false}, {504, true},  {507, true},  {999, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(outcome_of_status(rows[i].status, rows[i].method, rows[i].retry_after),
                         rows[i].outcome);
    for (int status = 100; status <= 999; status++) /* Retry-After decides on 409 alone */
        if (status != 409)
            assert_int_equal(outcome_of_status(status, "POST", true),
                             outcome_of_status(status, "POST", false));
    for (size_t i = 0; i < sizeof done / sizeof done[0]; i++)
        assert_int_equal(outcome_may_be_done(done[i].status), done[i].may);
    assert_string_equal(outcome_name(OUTCOME_FORBID), "forbid");
    assert_string_equal(outcome_phrase(413), "Content Too Large");
    assert_string_equal(outcome_phrase(599), "");
}

static void a_page_is_no_answer_and_an_id_is_a_word(void **state)
{
    static const struct {
        int status;
        const char *body;
        bool page;
    } pages[] = {
        {200, "<html>", true},
        {204, " \r\n\t<!DOCTYPE html>", true},
        {202, "\xef\xbb\xbf<p>", true},
        {201, "<html>", false},
        {200, "", false},
        {200, "a < b", false},
        {404, "<html>", false},
        {503, "<html>", false},
    };
    static const struct {
        struct view body;
        const char *location;
        const char *id; /* "" for none */
    } ids[] = {
        {{"F5168FBDD6914C8DB1C6D0BD64563A39\r\n", 34}, "/x/1", "F5168FBDD6914C8DB1C6D0BD64563A39"},
        {{" urn:a.b_c~d-1 ", 15}, "", "urn:a.b_c~d-1"},
        {{"", 0}, "http://h/RI/cmi/callRecordings/1/listenLog/2", "2"},
        {{"<p>Login</p>", 12}, "/callbacks/3", "3"},
        {{"\xff\xfe\x80", 3}, "", ""},
        {{"ab\0cd", 5}, "/", ""},
        {{"abc\r\nX: y", 9}, "/a/%61", ""},
        {{"a b", 3}, "", ""},
        {{"\"a-1\"", 5}, "", "a-1"},
        {{"{\"ok\": 1, \"id\": \"a-2\"}", 22}, "/x", "a-2"},
        {{"{\"id\": 17}", 10}, "", "17"},
        {{"{\"id\": {}}", 10}, "/x/3", "3"},
        {{"{\"id\"", 5}, "/x/4/?a=/b", "4"},
    };
    char most[OUTCOME_ID_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        assert_int_equal(outcome_is_page(pages[i].status, view_of(pages[i].body)), pages[i].page);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        assert_true(view_is(outcome_created(ids[i].body, view_of(ids[i].location)), ids[i].id));
    memset(most, 'a', sizeof most);
    assert_int_equal(outcome_created((struct view){most, OUTCOME_ID_MAX}, VIEW_NONE).n,
                     OUTCOME_ID_MAX);
    assert_int_equal(outcome_created((struct view){most, sizeof most}, VIEW_NONE).n, 0);
}

/* ---- route ---- */

static void the_most_exact_route_counts(void **state)
{
    static const struct route_rule rules[] = {
        {"*", 0}, {"message.*", 1}, {"message.requested", 2}, {"message.req*", 3}, {"chat", 4},
    };

    (void)state;
    assert_int_equal(route_find(rules, 5, VIEW("message.requested"))->destination, 2);
    assert_int_equal(route_find(rules, 5, VIEW("message.reqx"))->destination, 3);
    assert_int_equal(route_find(rules, 5, VIEW("message.updated"))->destination, 1);
    assert_int_equal(route_find(rules, 5, VIEW("chat.created"))->destination, 0);
    assert_null(route_find(rules + 4, 1, VIEW("chat.created")));
}

/* ---- delivery ---- */

static void every_state_but_the_ends_can_be_dropped_and_the_ends_have_no_way_out(void **state)
{
    (void)state;
    for (int s = 0; s < DELIVERY_STATE_COUNT; s++) {
        bool is_end = s == DELIVERY_ENDED || s == DELIVERY_DROPPED;

        assert_int_equal(delivery_has((enum delivery_state)s, DELIVERY_ON_DROP), !is_end);
        for (int e = 0; is_end && e < DELIVERY_EVENT_COUNT; e++)
            assert_false(delivery_has((enum delivery_state)s, (enum delivery_event)e));
    }
}

static void the_end_is_reached_only_by_way_of_a_report_or_a_skip(void **state)
{
    (void)state;
    for (int s = 0; s < DELIVERY_STATE_COUNT; s++)
        for (int e = 0; e < DELIVERY_EVENT_COUNT; e++)
            if (delivery_has((enum delivery_state)s, (enum delivery_event)e) &&
                delivery_next((enum delivery_state)s, (enum delivery_event)e) == DELIVERY_ENDED)
                assert_true(e == DELIVERY_ON_FINISH &&
                            (s == DELIVERY_REPORTING || s == DELIVERY_BURYING ||
                             s == DELIVERY_SENDING || s == DELIVERY_QUEUED));
    assert_int_equal(delivery_next(DELIVERY_SENDING, DELIVERY_ON_FAIL), DELIVERY_WAITING);
    assert_string_equal(delivery_state_name(DELIVERY_BURYING), "burying");
    assert_string_equal(delivery_event_name(DELIVERY_ON_LOOK_UP), "look-up");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commits_only_behind_the_longest_run_of_ended_records),
        cmocka_unit_test(offsets_may_have_gaps_but_not_go_back),
        cmocka_unit_test(a_tracker_grows_to_its_limit_and_no_further),
        cmocka_unit_test(one_key_is_a_queue_and_other_keys_are_not_behind_it),
        cmocka_unit_test(the_last_of_a_lane_may_leave_and_another_join),
        cmocka_unit_test(lanes_that_share_a_bucket_are_kept_apart),
        cmocka_unit_test(the_heap_gives_the_earliest_whatever_was_taken_out),
        cmocka_unit_test(the_gate_shuts_at_the_limit_and_opens_an_eighth_below),
        cmocka_unit_test(who_takes_the_pool_leaves_the_others_their_parts),
        cmocka_unit_test(partitions_that_come_late_have_parts_up_to_a_limit),
        cmocka_unit_test(more_partitions_than_may_be_held_have_one_each),
        cmocka_unit_test(records_as_large_as_a_part_stop_all_unless_there_is_room_for_them),
        cmocka_unit_test(dead_letters_are_earned_by_successes),
        cmocka_unit_test(every_status_has_its_class),
        cmocka_unit_test(a_page_is_no_answer_and_an_id_is_a_word),
        cmocka_unit_test(the_most_exact_route_counts),
        cmocka_unit_test(every_state_but_the_ends_can_be_dropped_and_the_ends_have_no_way_out),
        cmocka_unit_test(the_end_is_reached_only_by_way_of_a_report_or_a_skip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
