/* ingest, erased_kin, person_sweep: of somebody who was erased nothing is left, in whatever order
 * events come, before and after; and of everybody else everything is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/crypto.h"
#include "server/erased.h"
#include "server/erased_kin.h"
#include "server/ingest.h"
#include "server/person_sweep.h"
#include "server/sqlite.h"
#include "tests/fakes/ingest_hand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW_MS     INT64_C(1714903200000) /* 2024-05-05T10:00:00Z */
#define WHO        "+358401234567"
#define ORDERS     150
#define STEPS_MAX  1000
#define EVENTS_MAX 32

#define X      "A0000000000000000000000000000001"
#define Y      "A0000000000000000000000000000002"
#define Z      "A0000000000000000000000000000003"
#define MAIL   "A0000000000000000000000000000004"
#define MAIL_2 "A0000000000000000000000000000005"
#define GROUP  "A0000000000000000000000000000006"
#define REC    "A0000000000000000000000000000007"
#define REC_Z  "A0000000000000000000000000000008"
#define SCR    "A0000000000000000000000000000009"
#define SCR_Y  "A000000000000000000000000000000A"
#define REC_W  "A000000000000000000000000000000B"
#define GROUP2 "A000000000000000000000000000000C"
#define LEG_G  "A000000000000000000000000000000D"
#define LEG_0  "A000000000000000000000000000000E"
#define REC_0  "A000000000000000000000000000000F"
#define BY     "B0000000000000000000000000000001"
#define BY_2   "B0000000000000000000000000000002"
#define BY_REC "B0000000000000000000000000000003"
#define BY_SCR "B0000000000000000000000000000004"
#define AFTER  "B0000000000000000000000000000006"
#define OUT    "A0000000000000000000000000000010"
#define OUT_2  "A0000000000000000000000000000011"
#define OUT_3  "A0000000000000000000000000000012"
#define GROUP3 "A0000000000000000000000000000013"
#define LEG_3  "A0000000000000000000000000000014"
#define REC_3  "A0000000000000000000000000000015"
#define LEADS  "A0000000000000000000000000000016"
#define LED    "B0000000000000000000000000000007"

struct told {
    const char *type;
    const char *subject;
    const char *data;
};

#define RECORDING(contact, call, file)                                                             \
    "{\"call_id\":\"" call "\",\"contact_id\":\"" contact "\",\"owner_id\":\"" QUEUE               \
    "\",\"owner_type\":\"queue\",\"owner_name\":\"Q\",\"file_name\":\"" file "\"}"
#define RESULT(contact)                                                                            \
    "{\"script_id\":\"" QUEUE "\",\"name\":\"s\",\"contact_id\":\"" contact                        \
    "\",\"scriptquestions\":[]}"
#define CHAT(from)                                                                                 \
    "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"" from "\",\"destination\":\"desk\"}"
#define FROM_CALL(month)                                                                           \
    "{\"previousId\":\"" BY "\",\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"a\","        \
    "\"destination\":\"b\",\"arrivalTime\":\"2024-" month "-01T00:00:00Z\"}"
#define LETTER(to, more)                                                                           \
    "{\"from_queue\":{\"id\":\"" QUEUE "\"},\"title\":\"t\",\"content\":\"c\",\"originator\":"     \
    "\"a@x\",\"destination\":\"d@x\",\"cc_address\":[{\"address\":\"" to "\"}]" more "}"

/* One chat of the person, transferred twice; an email that only mentions whom in a copy, and the
 * reply to it, which is of its group and was transferred from it; and what was transferred, into
 * groups of their own, from legs of somebody else. */
static const struct told persons[] = {
    {"contact.received", "contacts/" X, CHAT(WHO)},
    {"contact.updated", "contacts/" X, "{\"subject\":\"secret\"}"},
    {"contact.transferred", "contacts/" Y, "{\"previousId\":\"" X "\"}"},
    {"contact.updated", "contacts/" Y,
     "{\"source\":\"a\",\"destination\":\"b\",\"channel\":\"CHAT\",\"type\":\"ChatIn\","
     "\"arrivalTime\":\"2024-05-05T09:00:00Z\",\"status\":\"Handled\"}"},
    {"contact.transferred", "contacts/" Z,
     "{\"previousId\":\"" Y "\",\"contactGroupId\":\"" GROUP "\",\"source\":\"a\"}"},
    {"contact.ended", "contacts/" Z, "{}"},
    {"chat.message.added", "chats/" X, "{\"message\":\"secret\",\"originator\":\"sam\"}"},
    {"chat.participant.added", "chats/" X, "{\"alias\":\"Agent\",\"uniquekey\":\"agent\"}"},
    {"chat.message.added", "chats/" GROUP, "{\"message\":\"secret\",\"originator\":\"sam\"}"},
    {"callrecording.created", "callRecordings/" REC, RECORDING(X, Y, "a.wav")},
    {"callrecording.created", "callRecordings/" REC_Z, RECORDING(Z, Z, "a.wav")},
    {"callrecording.created", "callRecordings/" REC_W, RECORDING(BY, GROUP, "a.wav")},
    {"scriptresult.saved", "scriptResults/" SCR, RESULT(X)},
    {"scriptresult.saved", "scriptResults/" SCR_Y, RESULT(Y)},
    {"email.received", "emails/" MAIL, LETTER(WHO, "")},
    {"email.updated", "emails/" MAIL, "{\"title\":\"secret\"}"},
    {"email.sent", "emails/" MAIL_2, LETTER("b@x", ",\"contactGroupId\":\"" MAIL "\"")},
    /* only a participant of its group says whose it is */
    {"contact.transferred", "contacts/" LEG_G,
     "{\"previousId\":\"" LEG_0 "\",\"contactGroupId\":\"" GROUP2 "\"}"},
    {"chat.participant.added", "chats/" GROUP2, "{\"alias\":\"Sam\",\"uniquekey\":\"" WHO "\"}"},
    {"contact.transferred", "contacts/" OUT,
     "{\"previousId\":\"" BY_2 "\",\"contactGroupId\":\"" GROUP3 "\",\"destination\":\"" WHO "\"}"},
};

/* Somebody else's call, of which one recording says in its name that it is not; and a leg from
 * which many are transferred, another's among them. */
static const struct told others[] = {
    {"contact.received", "contacts/" BY,
     "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"+358409999999\","
     "\"destination\":\"100\"}"},
    {"contact.transferred", "contacts/" BY_2, "{\"previousId\":\"" BY "\"}"},
    {"callrecording.created", "callRecordings/" BY_REC, RECORDING(BY, BY, "b.wav")},
    {"scriptresult.saved", "scriptResults/" BY_SCR, RESULT(BY_2)},
    {"contact.received", "contacts/" LEG_0, CHAT("web")},
    {"contact.transferred", "contacts/" AFTER,
     "{\"previousId\":\"" LEG_0 "\",\"contactGroupId\":\"" AFTER "\",\"source\":\"z\"}"},
    {"callrecording.created", "callRecordings/" REC_0, RECORDING(LEG_0, LEG_0, "c.wav")},
    {"contact.transferred", "contacts/" LED, FROM_CALL("02")},
};
static const struct told named = {"callrecording.created",
                                  "callRecordings/B0000000000000000000000000000005",
                                  RECORDING(BY, BY, "of 358401234567.wav")};

/* Legs that have their group from somebody else's, as far as is known when an event names whom. */
static const struct told late[] = {
    {"contact.transferred", "contacts/" OUT,
     "{\"previousId\":\"" BY_2 "\",\"destination\":\"" WHO "\"}"},
    {"contact.transferred", "contacts/" OUT_2, "{\"previousId\":\"" LEG_0 "\"}"},
    {"contact.updated", "contacts/" OUT_2, "{\"source\":\"" WHO "\"}"},
    {"contact.transferred", "contacts/" X, "{\"previousId\":\"" OUT_2 "\",\"source\":\"a\"}"},
    {"callrecording.created", "callRecordings/" REC, RECORDING(X, X, "a.wav")},
    {"callrecording.created", "callRecordings/" REC_Z, RECORDING(OUT_2, BY, "a.wav")},
    {"contact.transferred", "contacts/" OUT_3,
     "{\"previousId\":\"" BY "\",\"source\":\"" WHO "\"}"},
    {"contact.updated", "contacts/" OUT_3, "{\"contactGroupId\":\"" GROUP3 "\"}"},
    {"contact.received", "contacts/" LEG_3, CHAT("a\",\"contactGroupId\":\"" GROUP3)},
    {"callrecording.created", "callRecordings/" REC_3, RECORDING(LEG_3, LEG_3, "a.wav")},
    /* it leads a chat; then another does */
    {"contact.transferred", "contacts/" LEADS, FROM_CALL("01")},
    {"contact.updated", "contacts/" LEADS, "{\"source\":\"" WHO "\"}"},
};

static struct person who(void)
{
    struct person p;
    struct fault f;

    assert_true(person_init(&p, VIEW(WHO), &f));
    return p;
}

static void take(struct sqlite *db, struct erased *erased, const struct told *t, unsigned id)
{
    char json[INGEST_HAND_EVENT_MAX];
    struct ingest_event e;
    struct arena a;
    struct buf text;
    struct fault f = {0};
    int hidden = 0;

    snprintf(json, sizeof json,
             "{\"specversion\":\"1.0\",\"id\":\"e%u\",\"source\":\"/t\",\"type\":\"%s\","
             "\"subject\":\"%s\",\"data\":%s}",
             id, t->type, t->subject, t->data);
    arena_init(&a);
    buf_init(&text, sizeof json);
    ingest_read(&e, view_of(json), NOW_MS + id * 1000, erased, &a, &text);
    if (e.fault.cls != FAULT_NONE)
        fail_msg("%s\n%s", e.fault.text, json);
    ingest_apply(&e, erased, db, &hidden);
    if (!sqlite_check(db, &f))
        fail_msg("%s", f.text);
    arena_done(&a);
    buf_done(&text);
}

static struct person_sweep sweep(struct sqlite *db, struct erased *erased, bool dry)
{
    static struct person p;
    struct person_sweep s = {.person = &p, .erased = erased, .dry = dry};
    struct fault f;
    int steps = 0;

    p = who();
    while (person_sweep_step(&s, db))
        assert_true(++steps < STEPS_MAX);
    person_sweep_done(&s);
    if (!sqlite_check(db, &f))
        fail_msg("%s", f.text);
    return s;
}

static void erase(struct sqlite *db, struct erased *erased)
{
    const struct person p = who();

    erased_add(erased, person_normal(&p));
    erased_store(erased, db, person_normal(&p), NOW_MS);
    (void)sweep(db, erased, false);
}

static void finish(struct sqlite *db, struct erased *erased)
{
    struct history_removed n = {0};
    int steps = 0;

    for (bool more = true; more;) {
        struct allowance left = allowance_of(1, NULL, 0);

        more = erased_kin_step(erased, db, &left, &n);
        assert_true(++steps < STEPS_MAX);
    }
}

/* Told in that order; the person is erased before the event of that number. */
static void tell(struct sqlite *db, const struct told *events[], const unsigned order[],
                 size_t count, size_t erase_at, struct buf *dump)
{
    struct fault f = {0};
    struct erased *erased;

    ingest_hand_begin(db);
    erased = erased_load(db, &f);
    assert_non_null(erased);
    for (size_t i = 0; i <= count; i++) {
        if (i == erase_at)
            erase(db, erased);
        if (i < count)
            take(db, erased, events[order[i]], order[i]);
    }
    finish(db, erased);
    assert_string_equal(ingest_hand_ask(db, "SELECT count(*) FROM erased_rest"), "0");
    ingest_hand_dump(db, dump);
    erased_free(erased);
    ingest_hand_undo(db);
}

static void shuffle(unsigned order[], size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t at = (size_t)rand() % i;
        unsigned one = order[i - 1];

        order[i - 1] = order[at];
        order[at] = one;
    }
}

static bool holds(struct buf *dump, const struct told *t)
{
    char id[40];
    const char *hex = strchr(t->subject, '/') + 1;
    size_t n = strlen(hex);

    assert_true(n < sizeof id);
    for (size_t i = 0; i <= n; i++)
        id[i] = (char)(hex[i] >= 'A' && hex[i] <= 'F' ? hex[i] - 'A' + 'a' : hex[i]);
    return strstr(buf_text(dump), id) != NULL;
}

/* Of those of the person nothing is left, of the others all: in any order the same. The first
 * `some` of the orders have the person erased before all events. */
static void whatever_the_order(const struct told persons_own[], size_t own, unsigned some)
{
    const size_t besides = sizeof others / sizeof *others;
    struct sqlite *db = ingest_hand_open();
    const struct told *events[EVENTS_MAX];
    unsigned order[EVENTS_MAX];
    size_t count = 0;
    struct buf wanted;
    struct buf got;

    for (size_t i = 0; i < besides; i++)
        events[count++] = &others[i];
    events[count++] = &named;
    for (size_t i = 0; i < own; i++)
        events[count++] = &persons_own[i];
    for (size_t i = 0; i < EVENTS_MAX; i++)
        order[i] = (unsigned)i;
    buf_init(&wanted, INGEST_HAND_DUMP_MAX);
    buf_init(&got, INGEST_HAND_DUMP_MAX);
    tell(db, events, order, count, some == ORDERS ? 0 : count, &wanted);
    for (size_t i = 0; i < count; i++)
        if (holds(&wanted, events[i]) != (i < besides))
            fail_msg("%s in\n%s", events[i]->subject, buf_text(&wanted));
    srand(7);
    for (unsigned run = 0; run < ORDERS; run++) {
        size_t erase_at = run < some ? 0 : (size_t)rand() % (count + 1);

        buf_clear(&got);
        tell(db, events, order, count, erase_at, &got);
        if (!view_eq(buf_view(&wanted), buf_view(&got))) {
            for (size_t i = 0; i < count; i++)
                print_message("%s%s %s\n", i == erase_at ? "(erased)\n" : "",
                              events[order[i]]->type, events[order[i]]->subject);
            fail_msg("run %u left\n%s\ninstead of\n%s", run, buf_text(&got), buf_text(&wanted));
        }
        shuffle(order, count);
    }
    buf_done(&wanted);
    buf_done(&got);
    sqlite_close(db);
}

static void whatever_the_order_nothing_is_left(void **state)
{
    (void)state;
    whatever_the_order(persons, sizeof persons / sizeof *persons, ORDERS / 2);
}

static void what_comes_later_takes_nothing_of_the_leg_before(void **state)
{
    (void)state;
    whatever_the_order(late, sizeof late / sizeof *late, ORDERS);
}

/* The leg before ends with a transfer that is not stored itself. */
static void the_leg_before_ends(void **state)
{
    const struct told call = {"contact.received", "contacts/" BY,
                              "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"a\","
                              "\"destination\":\"b\"}"};
    const struct told out = {"contact.transferred", "contacts/" OUT,
                             "{\"previousId\":\"" BY "\",\"destination\":\"" WHO "\"}"};
    const struct told again = {"contact.transferred", "contacts/" BY_2,
                               "{\"previousId\":\"" BY "\"}"};

    (void)state;
    for (unsigned first = 0; first < 2; first++) {
        struct sqlite *db = ingest_hand_open();
        struct fault f = {0};
        struct erased *erased = erased_load(db, &f);

        assert_non_null(erased);
        erase(db, erased);
        take(db, erased, first == 0 ? &call : &out, first == 0 ? 1 : 2);
        take(db, erased, first == 0 ? &out : &call, first == 0 ? 2 : 1);
        assert_string_equal(ingest_hand_leg(db, BY, "status"), "Handled");
        assert_string_equal(ingest_hand_leg(db, BY, "disconnect_ms"), "1714903202000");
        assert_string_equal(ingest_hand_leg(db, OUT, "1"), "(none)");
        take(db, erased, &again, 3);
        assert_string_equal(ingest_hand_leg(db, BY_2, "source"), "a");
        erased_free(erased);
        sqlite_close(db);
    }
}

/* The erasure itself takes a group as it is stored, though a leg has it from the one before. */
static void an_erasure_takes_the_whole_group(void **state)
{
    struct sqlite *db = ingest_hand_open();
    struct fault f = {0};
    struct erased *erased = erased_load(db, &f);
    struct person_sweep dry;
    struct person_sweep wet;

    (void)state;
    assert_non_null(erased);
    for (unsigned i = 0; i < 3; i++)
        take(db, erased, &others[i], i);
    take(db, erased, &late[0], 3);
    dry = sweep(db, erased, true);
    wet = sweep(db, erased, false);
    assert_memory_equal(&dry.removed, &wet.removed, sizeof dry.removed);
    assert_int_equal(wet.removed.contacts, 3);
    assert_int_equal(wet.removed.recordings, 1);
    erased_free(erased);
    sqlite_close(db);
}

static void a_dry_run_counts_all_that_would_go(void **state)
{
    struct sqlite *db = ingest_hand_open();
    struct fault f = {0};
    struct erased *erased = erased_load(db, &f);
    struct person_sweep dry;
    struct person_sweep wet;

    (void)state;
    assert_non_null(erased);
    for (unsigned i = 0; i < sizeof persons / sizeof *persons; i++)
        take(db, erased, &persons[i], i);
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        take(db, erased, &others[i], 100 + i);
    dry = sweep(db, erased, true);
    wet = sweep(db, erased, false);
    assert_memory_equal(&dry.removed, &wet.removed, sizeof dry.removed);
    assert_int_equal(wet.removed.contacts, 7);
    assert_int_equal(wet.removed.emails, 2);
    assert_int_equal(wet.removed.recordings, 3);
    assert_int_equal(wet.removed.script_results, 2);
    erased_free(erased);
    sqlite_close(db);
}

/* What came before is more than one event may take. */
static void what_is_much_goes_in_several_steps(void **state)
{
    const struct told line = {"chat.message.added", "chats/" X,
                              "{\"message\":\"m\",\"originator\":\"sam\"}"};
    struct sqlite *db = ingest_hand_open();
    struct fault f = {0};
    struct erased *erased = erased_load(db, &f);

    (void)state;
    assert_non_null(erased);
    erase(db, erased);
    for (unsigned i = 0; i < 2 * ERASED_KIN_ROWS_MAX; i++)
        take(db, erased, &line, 100 + i);
    take(db, erased, &persons[2], 2);
    take(db, erased, &persons[9], 9);
    take(db, erased, &persons[0], 0);
    assert_string_not_equal(ingest_hand_ask(db, "SELECT count(*) FROM erased_rest"), "0");
    assert_string_not_equal(ingest_hand_ask(db, "SELECT count(*) FROM chat_messages"), "0");
    erased_free(erased); /* a new start */
    erased = erased_load(db, &f);
    assert_non_null(erased);
    finish(db, erased);
    assert_string_equal(ingest_hand_ask(db, "SELECT (SELECT count(*) FROM chat_messages)"
                                            " + (SELECT count(*) FROM contacts)"
                                            " + (SELECT count(*) FROM call_recordings)"
                                            " + (SELECT count(*) FROM erased_rest)"),
                        "0");
    erased_free(erased);
    sqlite_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_the_order_nothing_is_left),
        cmocka_unit_test(what_comes_later_takes_nothing_of_the_leg_before),
        cmocka_unit_test(the_leg_before_ends),
        cmocka_unit_test(an_erasure_takes_the_whole_group),
        cmocka_unit_test(a_dry_run_counts_all_that_would_go),
        cmocka_unit_test(what_is_much_goes_in_several_steps),
    };

    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
