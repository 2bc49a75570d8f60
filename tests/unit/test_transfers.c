/* Transfers: chains of legs, cycles of them, and what a new leg has from the one before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "bridge/core/rng.h"
#include "bridge/io/crypto.h"
#include "server/leg.h"
#include "server/sqlite.h"
#include "tests/fakes/ingest_hand.h"

#include <stdio.h>
#include <string.h>

#define RECEIVED "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"a\",\"destination\":\"b\"}"

#define LEGS_MAX   (LEG_CHAIN_MAX + 20)
#define ORDERS     4
#define EVENTS_MAX LEGS_MAX

struct story {
    char *events[EVENTS_MAX];
    size_t count;
};

static void add(struct story *s, const char *json)
{
    assert_true(s->count < EVENTS_MAX);
    s->events[s->count++] = mem_text(json, strlen(json));
}

static void received(struct story *s, unsigned leg, int second)
{
    char subject[64];

    snprintf(subject, sizeof subject, "contacts/leg-%u", leg);
    add(s, ingest_hand_event("contact.received", subject, second, RECEIVED));
}

static void transferred(struct story *s, unsigned from, unsigned to, int second)
{
    char subject[64];
    char data[64];

    snprintf(subject, sizeof subject, "contacts/leg-%u", to);
    snprintf(data, sizeof data, "{\"previousId\":\"leg-%u\"}", from);
    add(s, ingest_hand_event("contact.transferred", subject, second, data));
}

static void swap(struct story *s, size_t a, size_t b)
{
    char *kept = s->events[a];

    s->events[a] = s->events[b];
    s->events[b] = kept;
}

/* As they were added, in reverse, then as chance has it: always the same history. Returns the last
 * file. */
static struct sqlite *tell(struct story *s)
{
    struct rng rng = rng_of(7);
    struct sqlite *db = NULL;
    struct buf first;
    struct buf other;

    buf_init(&first, INGEST_HAND_DUMP_MAX);
    for (unsigned order = 0; order < ORDERS; order++) {
        sqlite_close(db);
        db = ingest_hand_open();
        for (size_t i = 0; order == 1 && i < s->count / 2; i++)
            swap(s, i, s->count - 1 - i);
        for (size_t i = s->count; order > 1 && i > 1; i--)
            swap(s, i - 1, rng_below(&rng, i));
        for (size_t i = 0; i < s->count; i++)
            ingest_hand_must(db, s->events[i]);
        buf_init(&other, INGEST_HAND_DUMP_MAX);
        ingest_hand_dump(db, order == 0 ? &first : &other);
        if (order > 0 && !view_eq(buf_view(&first), buf_view(&other)))
            fail_msg("in order:\n%s\nin another (%u):\n%s", buf_text(&first), order,
                     buf_text(&other));
        buf_done(&other);
    }
    buf_done(&first);
    for (size_t i = 0; i < s->count; i++)
        mem_free(s->events[i]);
    return db;
}

#define GROUPS "SELECT count(DISTINCT group_id) FROM contacts"

/* Back to a leg of its group: the group is still that leg's. */
static void a_cycle_ends_in_one_group_in_any_order(void **state)
{
    struct story s = {.count = 0};
    struct sqlite *db = NULL;

    (void)state;
    received(&s, 1, 0);
    transferred(&s, 1, 2, 10);
    transferred(&s, 2, 1, 20);
    db = tell(&s);
    assert_string_equal(ingest_hand_ask(db, GROUPS), "1");
    assert_string_equal(ingest_hand_ask(db, "SELECT count(*) FROM contacts WHERE row > 0"), "2");
    assert_string_equal(ingest_hand_ask(db, "SELECT count(*) FROM contacts WHERE id = group_id"
                                            " AND arrival_ms = 1714903220000"),
                        "1");
    sqlite_close(db);
}

static void long_cycles_with_legs_after_them_end_in_one_group_in_any_order(void **state)
{
    struct story s = {.count = 0};
    struct sqlite *db = NULL;

    (void)state;
    for (unsigned i = 1; i <= 5; i++)
        received(&s, i, 0); /* each knows all of itself: nothing but the group is carried on */
    for (unsigned i = 1; i < 5; i++)
        transferred(&s, i, i + 1, (int)(10 * i));
    transferred(&s, 5, 1, 60);
    transferred(&s, 3, 6, 70);
    transferred(&s, 6, 7, 80);
    transferred(&s, 8, 4, 5); /* older than what holds */
    transferred(&s, 6, 6 + 3, 90);
    db = tell(&s);
    assert_string_equal(ingest_hand_ask(db, GROUPS " WHERE row > 0"), "1");
    sqlite_close(db);
}

/* Up to the limit a leg has from the first one what it must have; past it all orders leave it
 * alone.
 */
static void a_long_chain_is_shown_up_to_the_limit_in_any_order(void **state)
{
    struct story s = {.count = 0};
    struct sqlite *db = NULL;
    char shown[24];

    (void)state;
    received(&s, 0, 0);
    for (unsigned i = 1; i < LEGS_MAX; i++)
        transferred(&s, i - 1, i, (int)i);
    db = tell(&s);
    snprintf(shown, sizeof shown, "%d", LEG_CHAIN_MAX + 1);
    assert_string_equal(ingest_hand_ask(db, "SELECT count(*) FROM contacts WHERE row > 0"), shown);
    sqlite_close(db);
}

static void a_new_leg_has_what_the_one_before_was_received_with(void **state)
{
    struct sqlite *db = ingest_hand_open();

    (void)state;
    ingest_hand_must(
        db, ingest_hand_event("contact.received", "contacts/" LEG, 0,
                              "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"1\","
                              "\"destination\":\"2\",\"record\":true,\"script\":true,"
                              "\"agentId\":\"" AGENT "\",\"requiredAgent\":{\"id\":\"" OTHER
                              "\",\"name\":\"n\",\"type\":1}}"));
    ingest_hand_must(db, ingest_hand_event("contact.transferred", "contacts/" NEXT, 1,
                                           "{\"previousId\":\"" LEG "\"}"));
    assert_string_equal(ingest_hand_leg(db, NEXT, "record"), "1");
    assert_string_equal(ingest_hand_leg(db, NEXT, "script"), "1");
    assert_string_equal(ingest_hand_leg(db, NEXT, "hex(required_id)"), OTHER);
    assert_string_equal(ingest_hand_leg(db, NEXT, "required_name || required_type"), "n1");
    assert_string_equal(ingest_hand_leg(db, NEXT, "agent_id"), "-");
    ingest_hand_must(db, ingest_hand_event("contact.transferred", "contacts/" NEXT, 2,
                                           "{\"previousId\":\"" LEG
                                           "\",\"record\":false,\"requiredAgent\":null}"));
    assert_string_equal(ingest_hand_leg(db, NEXT, "record"), "-");
    assert_string_equal(ingest_hand_leg(db, NEXT, "script"), "1");
    assert_string_equal(ingest_hand_leg(db, NEXT, "required_id"), "-");
    sqlite_close(db);
}

/* Told when the leg after it is there: each by itself, so that what it has of one thing does not
 * bring it another. */
static void what_is_told_of_a_leg_later_the_one_after_it_has_too(void **state)
{
    static const struct {
        const char *told;
        const char *column;
        const char *seen;
    } rows[] = {
        {"{\"channel\":\"CHAT\"}", "channel", "CHAT"},
        {"{\"contactGroupId\":\"" OTHER "\"}", "hex(group_id)", OTHER},
        {"{\"contactGroupId\":\"11111111-1111-1111-1111-111111111111\"}", "group_text",
         "11111111-1111-1111-1111-111111111111"},
        {"{\"type\":\"CallOut\"}", "type", "CallOut"},
        {"{\"typeDetails\":\"t\"}", "type_details", "t"},
        {"{\"subtype\":\"sms\"}", "subtype", "sms"},
        {"{\"source\":\"3\"}", "source", "3"},
        {"{\"destination\":\"4\"}", "destination", "4"},
        {"{\"subject\":\"s\"}", "subject", "s"},
        {"{\"record\":true}", "record", "1"},
        {"{\"script\":true}", "script", "1"},
        {"{\"queueId\":\"" QUEUE "\"}", "hex(queue_id)", QUEUE},
        {"{\"queueName\":\"q\"}", "queue_name", "q"},
        {"{\"requiredAgent\":{\"id\":\"" OTHER "\",\"name\":\"m\",\"type\":1}}", "hex(required_id)",
         OTHER},
        {"{\"requiredAgent\":{\"id\":\"" AGENT "\",\"name\":\"n\",\"type\":1}}", "required_name",
         "n"},
        {"{\"requiredAgent\":{\"id\":\"" AGENT "\",\"name\":\"m\",\"type\":2}}", "required_type",
         "2"},
        {"{\"requiredAgent\":{\"id\":\"" AGENT "\",\"name\":\"m\",\"type\":1,"
         "\"expirationTime\":\"2024-05-05T10:00:00Z\"}}",
         "required_until_ms", "1714903200000"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sqlite *db = ingest_hand_open();

        ingest_hand_must(db,
                         ingest_hand_event("contact.received", "contacts/" LEG, 0,
                                           "{\"channel\":\"PHONE\",\"type\":\"CallIn\","
                                           "\"typeDetails\":\"x\",\"contactGroupId\":\"" LEG
                                           "\",\"source\":\"1\","
                                           "\"destination\":\"2\",\"requiredAgent\":"
                                           "{\"id\":\"" AGENT "\",\"name\":\"m\",\"type\":1}}"));
        ingest_hand_must(db, ingest_hand_event("contact.transferred", "contacts/" NEXT, 1,
                                               "{\"previousId\":\"" LEG "\"}"));
        ingest_hand_must(db,
                         ingest_hand_event("contact.updated", "contacts/" LEG, 2, rows[i].told));
        assert_string_equal(ingest_hand_leg(db, NEXT, rows[i].column), rows[i].seen);
        sqlite_close(db);
    }
}

static bool count(void *ctx)
{
    ++*(unsigned *)ctx;
    return true;
}

/* A placeholder that names no contact, a bot that hands on everybody: in SQLite's steps. */
static void of_one_leg_the_thousandth_transfer_is_no_more_work_than_the_tenth(void **state)
{
    static const char *const received_as[] = {NULL, "PHONE", "CHAT"};

    (void)state;
    for (size_t i = 0; i < sizeof received_as / sizeof *received_as; i++) {
        struct sqlite *db = ingest_hand_open();
        unsigned steps = 0;
        unsigned of_tenth = 0;
        unsigned before = 0;
        char text[128];

        if (received_as[i] != NULL) {
            snprintf(text, sizeof text,
                     "{\"channel\":\"%s\",\"type\":\"ChatIn\",\"source\":\"a\","
                     "\"destination\":\"b\"}",
                     received_as[i]);
            ingest_hand_must(db, ingest_hand_event("contact.received", "contacts/" LEG, 0, text));
        }
        sqlite_watch(db, 1, count, &steps);
        for (int nth = 1; nth <= 1000; nth++) {
            snprintf(text, sizeof text, "contacts/leg-%d", nth);
            before = steps;
            ingest_hand_must(db, ingest_hand_event("contact.transferred", text, nth,
                                                   "{\"previousId\":\"" LEG "\"}"));
            if (nth == 10)
                of_tenth = steps - before;
        }
        assert_in_range(steps - before, 1, 2 * of_tenth);
        sqlite_close(db);
    }
}

static int start(void **state)
{
    (void)state;
    crypto_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cycle_ends_in_one_group_in_any_order),
        cmocka_unit_test(long_cycles_with_legs_after_them_end_in_one_group_in_any_order),
        cmocka_unit_test(a_long_chain_is_shown_up_to_the_limit_in_any_order),
        cmocka_unit_test(a_new_leg_has_what_the_one_before_was_received_with),
        cmocka_unit_test(what_is_told_of_a_leg_later_the_one_after_it_has_too),
        cmocka_unit_test(of_one_leg_the_thousandth_transfer_is_no_more_work_than_the_tenth),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
