/* place: things of one millisecond stand in the order of their ids, whatever the order they came
 * in; none is refused, none is walked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "bridge/core/rng.h"
#include "server/erased.h"
#include "server/leg.h"
#include "server/person_sweep.h"
#include "server/place.h"
#include "server/row.h"
#include "server/sqlite.h"
#include "tests/fakes/ingest_hand.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIME_MS    INT64_C(1714903200000) /* 2024-05-05T10:00:00Z */
#define EVENTS     40
#define MANY       3000
#define LOOK_STEPS 100
#define LOOKS_EACH 40 /* of LOOK_STEPS, for one that comes, with its share of what is moved */

/* ---- ids, and the orders in which they come ---- */

enum ids { IDS_RANDOM, IDS_V7, IDS_HIGH, IDS_LOW, IDS_KINDS };
enum order { ORDER_UP, ORDER_DOWN, ORDER_SHUFFLED, ORDER_INTERLEAVED, ORDERS };

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct guid));
}

static void fill(struct guid *ids, size_t n, enum ids kind, struct rng *r)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t b = 0; b < sizeof ids->bytes; b++)
            ids[i].bytes[b] = (uint8_t)rng_below(r, 256);
        if (kind == IDS_V7) {
            memcpy(ids[i].bytes, "\x01\x8f\x48\x90\xe4\x00\x7a", 7);
        } else if (kind == IDS_HIGH) {
            memset(ids[i].bytes, 0xff, 14);
        } else if (kind == IDS_LOW) {
            memset(ids[i].bytes, 0, 14);
        }
        if (kind == IDS_HIGH || kind == IDS_LOW) {
            ids[i].bytes[14] = (uint8_t)(i >> 8);
            ids[i].bytes[15] = (uint8_t)i;
        }
    }
    qsort(ids, n, sizeof *ids, by_id);
}

static void put_in_order(struct guid *ids, size_t n, enum order order, struct rng *r)
{
    struct guid *sorted = mem_zeroed(n, sizeof *sorted);

    memcpy(sorted, ids, n * sizeof *ids);
    for (size_t i = 0; i < n; i++) {
        if (order == ORDER_DOWN)
            ids[i] = sorted[n - 1 - i];
        if (order == ORDER_INTERLEAVED) /* from both ends to the middle */
            ids[i] = sorted[i % 2 == 0 ? i / 2 : n - 1 - i / 2];
    }
    for (size_t i = n; order == ORDER_SHUFFLED && i-- > 1;) {
        size_t other = rng_below(r, (uint32_t)i + 1);
        struct guid kept = ids[i];

        ids[i] = ids[other];
        ids[other] = kept;
    }
    mem_free(sorted);
}

/* ---- events ---- */

static const struct kind {
    const char *table;
    const char *type;
    const char *subject;
    const char *data;
} kinds[] = {
    {"contacts", "contact.received", "contacts",
     "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"+358401234567\",\"destination\":"
     "\"152\",\"subject\":\"an included word\"}"},
    {"contacts", "email.received", "emails",
     "{\"from_queue\":{\"id\":\"" QUEUE "\"},\"title\":\"an included word\",\"content\":\"c\","
     "\"originator\":\"a@b.fi\",\"destination\":\"c@d.fi\"}"},
    {"call_recordings", "callrecording.created", "callRecordings",
     "{\"call_id\":\"" OTHER "\",\"contact_id\":\"" LEG "\",\"owner_id\":\"" AGENT
     "\",\"owner_type\":\"user\",\"owner_name\":\"n\",\"file_name\":\"f\"}"},
    {"script_results", "scriptresult.saved", "scriptResults",
     "{\"script_id\":\"" OTHER "\",\"name\":\"n\",\"contact_id\":\"" LEG
     "\",\"scriptquestions\":[]}"},
};

static void tell(struct sqlite *db, const struct kind *kind, const struct guid *id)
{
    char subject[64];
    char hex[GUID_TEXT_MAX];

    guid_hex(id, hex);
    snprintf(subject, sizeof subject, "%s/%s", kind->subject, hex);
    ingest_hand_must(db, ingest_hand_event(kind->type, subject, 0, kind->data));
}

static void expect_order(struct sqlite *db, const char *table, int64_t n)
{
    char sql[512];
    char expected[64];

    snprintf(expected, sizeof expected, "%" PRId64 " 0", n);
    snprintf(sql, sizeof sql,
             "SELECT count(*) || ' ' || ifnull(sum(id <= before), 0) FROM (SELECT id, lag(id) OVER"
             " (ORDER BY row DESC) AS before FROM %s WHERE row >> 20 = %" PRId64 ")",
             table, TIME_MS);
    assert_string_equal(ingest_hand_ask(db, sql), expected);
}

/* The indexes have each text where it stands. */
static void expect_found(struct sqlite *db, int64_t n)
{
    char expected[32];

    snprintf(expected, sizeof expected, "%" PRId64, n);
    assert_string_equal(ingest_hand_ask(db, "SELECT count(*) FROM subject_words d CROSS JOIN"
                                            " contacts c ON c.row = d.rowid"
                                            " WHERE d.subject_words MATCH 'included'"),
                        expected);
    sqlite_do(db, "INSERT INTO address_words (address_words, rank) VALUES ('integrity-check', 1)");
    sqlite_do(db, "INSERT INTO subject_words (subject_words, rank) VALUES ('integrity-check', 1)");
}

static void things_of_one_time_stand_by_their_ids(void **state)
{
    struct guid ids[EVENTS];
    struct rng r = rng_of(1);
    struct fault f;

    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (int kind = 0; kind < IDS_KINDS; kind++)
            for (int order = 0; order < ORDERS; order++) {
                struct sqlite *db = ingest_hand_open();

                fill(ids, EVENTS, (enum ids)kind, &r);
                put_in_order(ids, EVENTS, (enum order)order, &r);
                for (size_t i = 0; i < EVENTS; i++)
                    tell(db, &kinds[k], &ids[i]);
                expect_order(db, kinds[k].table, EVENTS);
                if (strcmp(kinds[k].table, "contacts") == 0)
                    expect_found(db, EVENTS);
                if (!sqlite_check(db, &f))
                    fail_msg("%s", f.text);
                sqlite_close(db);
            }
}

/* ---- many ---- */

static unsigned looks;

static bool look(void *ctx)
{
    (void)ctx;
    looks++;
    return true;
}

static const struct row_table logs = {.name = "listen_logs"};

static void take_many(enum ids kind, enum order order)
{
    struct guid *ids = mem_zeroed(MANY, sizeof *ids);
    struct sqlite *db = ingest_hand_open();
    struct rng r = rng_of(2);
    struct fault f;

    sqlite_watch(db, LOOK_STEPS, look, NULL);
    fill(ids, MANY, kind, &r);
    put_in_order(ids, MANY, order, &r);
    looks = 0;
    for (size_t i = 0; i < MANY; i++) {
        int64_t place = place_take(db, &logs, TIME_MS, &ids[i]);
        struct sqlite_query q =
            sqlite_query(db, "INSERT INTO listen_logs (row, id, recording, description, session,"
                             " at_ms) VALUES (?, ?, x'', '', '', 0)");

        sqlite_bind_int(&q, place);
        sqlite_bind_guid(&q, &ids[i]);
        sqlite_run(&q);
    }
    if (!sqlite_check(db, &f))
        fail_msg("ids %d, order %d: %s", (int)kind, (int)order, f.text);
    if (looks > LOOKS_EACH * MANY)
        fail_msg("ids %d, order %d: %u looks", (int)kind, (int)order, looks);
    expect_order(db, "listen_logs", MANY);
    sqlite_close(db);
    mem_free(ids);
}

static void of_many_of_one_time_few_are_touched(void **state)
{
    (void)state;
    for (int kind = 0; kind < IDS_KINDS; kind++)
        for (int order = 0; order < ORDERS; order++)
            take_many((enum ids)kind, (enum order)order);
}

static void more_of_a_time_than_there_is_room_for_are_refused(void **state)
{
    struct sqlite *db = ingest_hand_open();
    struct sqlite_query q = sqlite_query(
        db, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO listen_logs (row, id, recording, description, session, at_ms)"
            " SELECT ? - i, CAST(printf('%015db', i) AS BLOB), x'', '', '', 0 FROM n");
    struct guid between;
    struct fault f = {0};

    (void)state;
    sqlite_bind_int(&q, PLACE_SAME_MAX);
    sqlite_bind_int(&q, place_after(TIME_MS));
    sqlite_run(&q);
    assert_true(sqlite_check(db, &f));
    memcpy(between.bytes, "000000000001000a", sizeof between.bytes);
    (void)place_take(db, &logs, TIME_MS, &between);
    assert_false(sqlite_check(db, &f));
    assert_int_equal(f.cls, FAULT_REJECT);
    assert_non_null(strstr(f.text, "of this millisecond"));
    assert_true(place_take(db, &logs, TIME_MS + 1, &between) > place_after(TIME_MS));
    assert_true(sqlite_check(db, &f));
    sqlite_close(db);
}

/* ---- who comes back later ---- */

#define WHO "+358401234567"

static void fill_a_millisecond(struct sqlite *db)
{
    struct sqlite_query q = sqlite_query(
        db, "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO contacts (row, id, group_id, source, leads, stamps)"
            " SELECT ? - i, CAST(printf('%016d', i + 1) AS BLOB), CAST(printf('%016d', i + 1) AS"
            " BLOB), CASE i WHEN 0 THEN '" WHO "' ELSE 'x' END, 1, x'' FROM n");

    sqlite_bind_int(&q, PERSON_LOOK_MAX);
    sqlite_bind_int(&q, place_after(TIME_MS));
    sqlite_run(&q);
    sqlite_do(db, "INSERT INTO address_words (address_words) VALUES ('rebuild')");
}

/* The only one left of the millisecond is moved to where the sweep has been. */
static void a_sweep_misses_none_that_is_moved(void **state)
{
    static const char where[] = "SELECT row FROM contacts WHERE source = '" WHO "'";
    struct sqlite *db = ingest_hand_open();
    struct fault f = {0};
    struct erased *erased = erased_load(db, &f);
    struct person who;
    struct person_sweep s = {.person = &who, .erased = erased};
    const struct guid least = {{0}};
    int64_t stood = 0;

    (void)state;
    assert_non_null(erased);
    assert_true(person_init(&who, VIEW(WHO), &f));
    fill_a_millisecond(db);
    assert_true(person_sweep_step(&s, db));
    stood = s.at.place;
    assert_true(stood < strtoll(ingest_hand_ask(db, where), NULL, 10));
    (void)place_take(db, &leg_table, TIME_MS, &least);
    assert_true(stood > strtoll(ingest_hand_ask(db, where), NULL, 10));
    while (person_sweep_step(&s, db))
        assert_true(s.removed.contacts <= 1);
    assert_string_equal(ingest_hand_ask(db, where), "(none)");
    assert_int_equal(s.removed.contacts, 1);
    person_sweep_done(&s);
    erased_free(erased);
    if (!sqlite_check(db, &f))
        fail_msg("%s", f.text);
    sqlite_close(db);
}

static void a_mark_is_a_place_and_an_id(void **state)
{
#define ID "0123456789ABCDEF0123456789ABCDEF"
    static const char *const good[] = {"0", "5", "9223372036854775807", "5-" ID};
    static const char *const bad[] = {"",
                                      "x",
                                      "05",
                                      "-5",
                                      "5-",
                                      "-" ID,
                                      "5-" ID "0",
                                      "5-0" ID,
                                      "5-xyz",
                                      "5 -" ID,
                                      "9223372036854775807-" ID};
    struct place_mark m;
    struct buf text;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        buf_init(&text, 64);
        assert_true(place_mark_read(view_of(good[i]), &m));
        place_mark_put(&m, &text);
        assert_string_equal(buf_text(&text), good[i]);
        buf_done(&text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (place_mark_read(view_of(bad[i]), &m))
            fail_msg("%s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(things_of_one_time_stand_by_their_ids),
        cmocka_unit_test(of_many_of_one_time_few_are_touched),
        cmocka_unit_test(more_of_a_time_than_there_is_room_for_are_refused),
        cmocka_unit_test(a_sweep_misses_none_that_is_moved),
        cmocka_unit_test(a_mark_is_a_place_and_an_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
