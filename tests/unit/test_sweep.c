/* sweep, history_remove, ages: what is kept long enough goes, whole, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/crypto.h"
#include "server/erased.h"
#include "server/history_schema.h"
#include "server/ingest.h"
#include "server/person_sweep.h"
#include "server/sqlite.h"
#include "server/sqlite_migrate.h"
#include "server/sweep.h"

#include <stdio.h>
#include <string.h>

#define EVENT_MAX 4096
#define DAY       INT64_C(86400000)
#define NOW_MS    INT64_C(1714903200000) /* 2024-05-05T10:00:00Z */
#define STEPS_MAX 10000

static struct sqlite *open_empty(void)
{
    struct fault f = {0};
    struct sqlite *db = sqlite_open(":memory:", false, &f);

    if (db == NULL || !sqlite_migrate(db, history_schema, history_schema_steps, &f))
        fail_msg("%s", f.text);
    return db;
}

/* An event of so many days ago. */
static void take(struct sqlite *db, const char *type, const char *subject, int days,
                 const char *data)
{
    static unsigned id;
    char json[EVENT_MAX];
    struct ingest_event e;
    struct arena a;
    struct buf text;
    struct fault f = {0};
    int hidden = 0;

    snprintf(json, sizeof json,
             "{\"specversion\":\"1.0\",\"id\":\"e%u\",\"source\":\"/cc/test\",\"type\":\"%s\","
             "\"subject\":\"%s\",\"data\":%s}",
             ++id, type, subject, data);
    arena_init(&a);
    buf_init(&text, EVENT_MAX);
    ingest_read(&e, view_of(json), NOW_MS - days * DAY, NULL, &a, &text);
    if (e.fault.cls != FAULT_NONE)
        fail_msg("%s\n%s", e.fault.text, json);
    e.kind->apply(&e, db, &hidden);
    if (!sqlite_check(db, &f))
        fail_msg("%s", f.text);
    arena_done(&a);
    buf_done(&text);
}

static int64_t count(struct sqlite *db, const char *sql)
{
    struct sqlite_query q = sqlite_query(db, sql);
    struct fault f;
    int64_t n = -1;

    if (sqlite_row(&q))
        n = sqlite_int(&q, 0);
    sqlite_end(&q);
    if (!sqlite_check(db, &f))
        fail_msg("%s: %s", sql, f.text);
    return n;
}

static void name(char out[33], unsigned n)
{
    snprintf(out, 33, "%032X", n);
}

static void call(struct sqlite *db, unsigned n, int days)
{
    char id[33];
    char subject[64];

    name(id, n);
    snprintf(subject, sizeof subject, "contacts/%s", id);
    take(db, "contact.received", subject, days,
         "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"+358401234567\","
         "\"destination\":\"100\",\"subject\":\"broken zebra\"}");
    take(db, "contact.accepted", subject, days,
         "{\"agentId\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}");
}

static void transfer(struct sqlite *db, unsigned from, unsigned to, int days)
{
    char id[33];
    char subject[64];
    char data[64];

    name(id, to);
    snprintf(subject, sizeof subject, "contacts/%s", id);
    name(id, from);
    snprintf(data, sizeof data, "{\"previousId\":\"%s\"}", id);
    take(db, "contact.transferred", subject, days, data);
}

static void line(struct sqlite *db, unsigned chat, int days)
{
    char id[33];
    char subject[64];

    name(id, chat);
    snprintf(subject, sizeof subject, "chats/%s", id);
    take(db, "chat.message.added", subject, days,
         "{\"message\":\"an okapi came by\",\"originator\":\"sam\"}");
}

static void chat(struct sqlite *db, unsigned n, int days, unsigned lines)
{
    char id[33];
    char subject[64];

    name(id, n);
    snprintf(subject, sizeof subject, "contacts/%s", id);
    take(db, "contact.received", subject, days,
         "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"sam\",\"destination\":\"desk\"}");
    snprintf(subject, sizeof subject, "chats/%s", id);
    take(db, "chat.participant.added", subject, days, "{\"alias\":\"Sam\",\"uniquekey\":\"sam\"}");
    for (unsigned i = 0; i < lines; i++)
        line(db, n, days);
}

static void email(struct sqlite *db, unsigned n, int days)
{
    char id[33];
    char subject[64];

    name(id, n);
    snprintf(subject, sizeof subject, "emails/%s", id);
    take(db, "email.received", subject, days,
         "{\"from_queue\":{\"id\":\"BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB\",\"name\":\"Q\"},"
         "\"title\":\"t\",\"content\":\"the gnu\",\"originator\":\"a@b.example\","
         "\"destination\":\"c@d.example\",\"to_address\":[{\"address\":\"c@d.example\"}]}");
}

static void recording(struct sqlite *db, unsigned n, unsigned contact, int days)
{
    char id[33];
    char subject[64];
    char data[512];

    name(id, contact);
    snprintf(data, sizeof data,
             "{\"call_id\":\"%s\",\"contact_id\":\"%s\",\"owner_id\":\"%s\",\"owner_type\":"
             "\"queue\",\"owner_name\":\"Q\",\"file_name\":\"a.wav\"}",
             id, id, id);
    name(id, n);
    snprintf(subject, sizeof subject, "callRecordings/%s", id);
    take(db, "callrecording.created", subject, days, data);
}

static void script(struct sqlite *db, unsigned n, unsigned contact, int days)
{
    char id[33];
    char subject[64];
    char data[512];

    name(id, contact);
    snprintf(data, sizeof data,
             "{\"script_id\":\"%s\",\"name\":\"s\",\"contact_id\":\"%s\",\"scriptquestions\":"
             "[{\"id\":\"%s\",\"data\":\"q\",\"controltype\":\"radio\",\"datatype\":\"string\","
             "\"ordinal\":1,\"scriptanswers\":[{\"id\":\"%s\",\"answerdata\":\"a\","
             "\"ordinal\":1}]}]}",
             id, id, id, id);
    name(id, n);
    snprintf(subject, sizeof subject, "scriptResults/%s", id);
    take(db, "scriptresult.saved", subject, days, data);
}

static struct sweep run(struct sqlite *db, struct ages ages)
{
    struct sweep s = {.ages = ages, .now_ms = NOW_MS, .merges = true};
    struct fault f;
    int steps = 0;

    while (sweep_step(&s, db))
        assert_true(++steps < STEPS_MAX);
    if (!sqlite_check(db, &f))
        fail_msg("%s", f.text);
    return s;
}

/* The indexes hold exactly what the tables do. */
static void check_indexes(struct sqlite *db)
{
    static const char *const indexes[] = {"address_words", "subject_words", "email_words",
                                          "chat_words"};
    struct fault f;

    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        char sql[128];

        snprintf(sql, sizeof sql, "INSERT INTO %s (%s, rank) VALUES ('integrity-check', 1)",
                 indexes[i], indexes[i]);
        sqlite_script(db, sql);
        if (!sqlite_check(db, &f))
            fail_msg("%s: %s", indexes[i], f.text);
    }
}

static void each_resource_goes_by_its_own_age(void **state)
{
    static const struct {
        struct ages ages;
        int64_t contacts, chats, lines, participants, emails, recordings, scripts;
    } rows[] = {
        {{{0}}, 6, 2, 4, 2, 2, 2, 2},
        {{{10 * DAY}}, 5, 2, 4, 2, 2, 2, 2},
        {{{[AGE_OF_CHATS] = 10 * DAY}}, 5, 1, 2, 1, 2, 2, 2},
        {{{[AGE_OF_EMAILS] = 10 * DAY}}, 5, 2, 4, 2, 1, 2, 2},
        {{{[AGE_OF_RECORDINGS] = 10 * DAY}}, 6, 2, 4, 2, 2, 1, 2},
        {{{[AGE_OF_SCRIPTS] = 10 * DAY}}, 6, 2, 4, 2, 2, 2, 1},
        {{{10 * DAY, 10 * DAY, 10 * DAY, 10 * DAY, 10 * DAY}}, 3, 1, 2, 1, 1, 1, 1},
        {{{21 * DAY, 21 * DAY, 21 * DAY, 21 * DAY, 21 * DAY}}, 6, 2, 4, 2, 2, 2, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sqlite *db = open_empty();
        struct sweep s;

        call(db, 1, 20);
        call(db, 2, 5);
        chat(db, 3, 20, 2);
        chat(db, 4, 5, 2);
        email(db, 5, 20);
        email(db, 6, 5);
        recording(db, 7, 2, 20); /* of a contact that stays */
        recording(db, 8, 1, 5);  /* of one that goes */
        script(db, 9, 2, 20);
        script(db, 10, 1, 5);
        s = run(db, rows[i].ages);
        assert_int_equal(count(db, "SELECT count(*) FROM contacts"), rows[i].contacts);
        assert_int_equal(
            count(db, "SELECT count(*) FROM contacts WHERE channel = 'CHAT' AND leads = 1"),
            rows[i].chats);
        assert_int_equal(count(db, "SELECT count(*) FROM chat_messages"), rows[i].lines);
        assert_int_equal(count(db, "SELECT count(*) FROM chat_participants"), rows[i].participants);
        assert_int_equal(count(db, "SELECT count(*) FROM emails"), rows[i].emails);
        assert_int_equal(count(db, "SELECT count(*) FROM email_addresses"), rows[i].emails);
        assert_int_equal(count(db, "SELECT count(*) FROM call_recordings"), rows[i].recordings);
        assert_int_equal(count(db, "SELECT count(*) FROM script_results"), rows[i].scripts);
        assert_int_equal(count(db, "SELECT count(*) FROM script_answers"), rows[i].scripts);
        assert_int_equal(s.removed.contacts, 6 - rows[i].contacts);
        assert_int_equal(s.removed.chats, 2 - rows[i].chats);
        assert_int_equal(s.removed.emails, 2 - rows[i].emails);
        assert_int_equal(s.removed.recordings, 2 - rows[i].recordings);
        assert_int_equal(s.removed.script_results, 2 - rows[i].scripts);
        /* A contact whose recording has gone says so. */
        assert_int_equal(
            count(db, "SELECT ifnull(max(record), 0) FROM contacts WHERE hex(id) LIKE '%2'"),
            rows[i].recordings == 2);
        check_indexes(db);
        sqlite_close(db);
    }
}

static void a_group_goes_when_its_newest_leg_is_too_old(void **state)
{
    const struct ages ages = {{10 * DAY}};
    struct sqlite *db = open_empty();
    struct sweep s;

    (void)state;
    call(db, 1, 20);
    transfer(db, 1, 2, 5);
    call(db, 3, 20);
    transfer(db, 3, 4, 15);
    s = run(db, ages);
    assert_int_equal(s.removed.contacts, 2);
    assert_int_equal(count(db, "SELECT count(*) FROM contacts WHERE hex(id) LIKE '%1'"), 1);
    assert_int_equal(count(db, "SELECT count(*) FROM contacts WHERE hex(id) LIKE '%2'"), 1);
    check_indexes(db);
    sqlite_close(db);
}

static void transfer_to_group(struct sqlite *db, unsigned from, unsigned to, unsigned group,
                              int days)
{
    char of[33];
    char id[33];
    char subject[64];
    char data[128];

    name(id, to);
    snprintf(subject, sizeof subject, "contacts/%s", id);
    name(id, from);
    name(of, group);
    snprintf(data, sizeof data, "{\"previousId\":\"%s\",\"contactGroupId\":\"%s\"}", id, of);
    take(db, "contact.transferred", subject, days, data);
}

static int64_t shown(struct sqlite *db)
{
    return count(db, "SELECT count(*) FROM contacts WHERE row > 0");
}

static void accept(struct sqlite *db, unsigned n, int days)
{
    char id[33];
    char subject[64];

    name(id, n);
    snprintf(subject, sizeof subject, "contacts/%s", id);
    take(db, "contact.accepted", subject, days,
         "{\"agentId\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}");
}

/* What a leg has from the one before it stays for as long as it, whatever the groups are. */
static void a_leg_stays_while_one_after_it_does(void **state)
{
    const struct ages ages = {{30 * DAY}};
    struct sqlite *db = open_empty();

    (void)state;
    call(db, 1, 31);
    transfer_to_group(db, 1, 2, 0x92, 7);
    call(db, 3, 50);
    transfer_to_group(db, 3, 4, 0x94, 40);
    transfer_to_group(db, 4, 5, 0x95, 7); /* two after it */
    call(db, 6, 50);
    transfer_to_group(db, 6, 7, 0x97, 40); /* none is young */
    assert_int_equal(shown(db), 7);
    assert_int_equal(run(db, ages).removed.contacts, 2);
    accept(db, 2, 0);
    accept(db, 4, 0);
    accept(db, 5, 0);
    assert_int_equal(shown(db), 5);
    check_indexes(db);
    sqlite_close(db);
}

static void legs_of_a_circle_or_with_many_after_them_go_too(void **state)
{
    const struct ages ages = {{10 * DAY}};
    struct sqlite *db = open_empty();

    (void)state;
    call(db, 1, 20);
    transfer_to_group(db, 1, 2, 0x92, 20);
    transfer_to_group(db, 2, 1, 0x91, 19);
    call(db, 3, 21); /* it is come to first */
    for (unsigned i = 0; i <= SWEEP_KIN_MAX; i++)
        transfer_to_group(db, 3, 0x100 + i, 0x1000 + i, 20);
    run(db, ages);
    assert_int_equal(count(db, "SELECT count(*) FROM contacts"), 1);
    run(db, ages);
    assert_int_equal(count(db, "SELECT count(*) FROM contacts"), 0);
    check_indexes(db);
    sqlite_close(db);
}

/* Its other events may be still to come, and say that it is of what is kept longest. */
static void what_may_be_a_chat_stays_as_long_as_one(void **state)
{
    const struct ages ages = {{10 * DAY, 30 * DAY, 10 * DAY}};
    struct sqlite *db = open_empty();

    (void)state;
    line(db, 1, 20);
    accept(db, 1, 20);
    transfer(db, 1, 2, 19);
    accept(db, 3, 31);
    assert_int_equal(run(db, ages).removed.hidden, -1);
    chat(db, 1, 20, 0);
    assert_int_equal(shown(db), 2);
    assert_int_equal(count(db, "SELECT count(*) FROM contacts WHERE agent_id IS NOT NULL"), 1);
    assert_int_equal(count(db, "SELECT count(*) FROM chat_messages"), 1);
    assert_int_equal(run(db, ages).removed.contacts, 0);
    sqlite_close(db);
}

/* Not for ever, though an email would be: what said its channel was past its age and not stored. */
static void what_stays_unknown_goes_as_a_contact(void **state)
{
    const struct ages ages = {{10 * DAY, 30 * DAY}};
    char sql[128];
    struct sqlite *db = open_empty();

    (void)state;
    accept(db, 1, 20);
    assert_int_equal(run(db, ages).removed.contacts, 0);
    snprintf(sql, sizeof sql, "UPDATE contacts SET row = -(%lld << 20) - 7",
             (long long)(NOW_MS - DAY / 2));
    sqlite_script(db, sql);
    assert_int_equal(run(db, ages).removed.contacts, 0);
    accept(db, 2, 5);
    snprintf(sql, sizeof sql, "UPDATE contacts SET row = row + (%lld << 20)", (long long)DAY);
    sqlite_script(db, sql);
    assert_int_equal(run(db, ages).removed.contacts, 1);
    assert_int_equal(count(db, "SELECT count(*) FROM contacts WHERE hex(id) LIKE '%2'"), 1);
    sqlite_close(db);
}

static void tell_group(struct sqlite *db, unsigned n, unsigned group, int days)
{
    char of[33];
    char id[33];
    char subject[64];
    char data[128];

    name(id, n);
    snprintf(subject, sizeof subject, "contacts/%s", id);
    name(of, group);
    snprintf(data, sizeof data, "{\"contactGroupId\":\"%s\"}", of);
    take(db, "contact.updated", subject, days, data);
}

static void a_group_stays_for_a_leg_that_is_not_shown(void **state)
{
    const struct ages ages = {{10 * DAY, 30 * DAY}};
    struct sqlite *db = open_empty();

    (void)state;
    tell_group(db, 1, 0x91, 40); /* none is shown */
    tell_group(db, 2, 0x91, 5);
    call(db, 3, 20);
    tell_group(db, 4, 3, 5);
    call(db, 5, 20);
    tell_group(db, 6, 5, 15); /* a call's as its group is, not perhaps an email's */
    assert_int_equal(shown(db), 2);
    assert_int_equal(run(db, ages).removed.contacts, 2);
    assert_int_equal(count(db, "SELECT count(*) FROM contacts WHERE hex(id) GLOB '*[56]'"), 0);
    check_indexes(db);
    sqlite_close(db);
}

static void what_is_not_shown_goes_by_its_newest_event(void **state)
{
    const struct ages ages = {{10 * DAY, 10 * DAY, 10 * DAY}};
    struct sqlite *db = open_empty();
    struct sweep s;

    (void)state;
    take(db, "contact.closed", "contacts/old", 20, "{}");
    take(db, "contact.closed", "contacts/new", 20, "{}");
    take(db, "contact.queued", "contacts/new", 5,
         "{\"queueId\":\"BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB\"}");
    line(db, 7, 20); /* of chats of which nothing else is known */
    line(db, 8, 20);
    line(db, 8, 5);
    assert_int_equal(count(db, "SELECT count(*) FROM contacts WHERE row < 0"), 2);
    s = run(db, ages);
    assert_int_equal(count(db, "SELECT count(*) FROM contacts"), 1);
    assert_int_equal(s.removed.hidden, -1);
    assert_int_equal(count(db, "SELECT count(*) FROM chat_messages"), 2);
    check_indexes(db);
    sqlite_close(db);
}

static void what_is_large_goes_in_several_steps(void **state)
{
    const struct ages ages = {{10 * DAY, 10 * DAY}};
    struct sqlite *db = open_empty();
    struct sweep s = {.ages = ages, .now_ms = NOW_MS};
    int64_t most = 0;
    int64_t before;

    (void)state;
    chat(db, 1, 20, 2 * SWEEP_ROWS_MAX + 7);
    for (unsigned i = 0; i < 3 * SWEEP_GROUPS_MAX; i++)
        call(db, 2 + i, 20);
    call(db, 1000, 5);
    before = count(db, "SELECT (SELECT count(*) FROM contacts) + count(*) FROM chat_messages");
    for (bool more = true; more;) {
        int64_t after;

        more = sweep_step(&s, db);
        after = count(db, "SELECT (SELECT count(*) FROM contacts) + count(*) FROM chat_messages");
        most = before - after > most ? before - after : most;
        before = after;
    }
    assert_true(most > 0 && most <= SWEEP_ROWS_MAX + 128);
    assert_int_equal(before, 1);
    assert_int_equal(s.removed.chats, 1);
    check_indexes(db);
    sqlite_close(db);
}

static int64_t late(void *ctx)
{
    return *(int64_t *)ctx += SWEEP_STEP_MS;
}

static int64_t things(struct sqlite *db)
{
    return count(db, "SELECT (SELECT count(*) FROM contacts) + (SELECT count(*) FROM"
                     " call_recordings) + (SELECT count(*) FROM script_results)");
}

/* Whenever it looks at the clock, its time is over: each step does one piece, and all is done. */
static void a_step_ends_when_its_time_is_over(void **state)
{
    int64_t now = 0;
    const struct step_clock clock = {late, &now};
    struct sqlite *db = open_empty();
    struct sweep s = {.ages = {{10 * DAY, 10 * DAY, 10 * DAY, 10 * DAY, 10 * DAY}},
                      .now_ms = NOW_MS,
                      .clock = &clock};
    int64_t lines = 0;
    int64_t all = 0;
    int steps = 0;

    (void)state;
    chat(db, 1, 20, 200);
    transfer(db, 1, 2, 20);
    transfer(db, 2, 3, 20);
    call(db, 4, 20);
    call(db, 5, 20);
    take(db, "contact.closed", "contacts/hidden", 20, "{}");
    take(db, "contact.closed", "contacts/too", 20, "{}");
    recording(db, 6, 4, 20);
    recording(db, 7, 5, 20);
    script(db, 8, 4, 20);
    script(db, 9, 5, 20);
    line(db, 10, 20); /* of no chat that is known */
    line(db, 11, 20);
    lines = count(db, "SELECT count(*) FROM chat_messages");
    all = things(db);
    for (bool more = true; more;) {
        int64_t lines_left;
        int64_t left;

        more = sweep_step(&s, db);
        lines_left = count(db, "SELECT count(*) FROM chat_messages");
        left = things(db);
        assert_true(lines - lines_left <= 64 && all - left <= 1);
        lines = lines_left;
        all = left;
        assert_true(++steps < STEPS_MAX);
    }
    assert_int_equal(all, 0);
    assert_int_equal(lines, 0);
    assert_int_equal(s.removed.contacts, 7);
    assert_int_equal(s.removed.chats, 1);
    assert_int_equal(s.removed.recordings, 2);
    check_indexes(db);
    sqlite_close(db);
}

static struct person_sweep erase(struct sqlite *db, const struct person *who, struct erased *erased,
                                 bool dry)
{
    int64_t now = 0;
    const struct step_clock clock = {late, &now};
    struct person_sweep s = {.person = who, .erased = erased, .clock = &clock, .dry = dry};
    int64_t lines = count(db, "SELECT count(*) FROM chat_messages");
    int64_t all = count(db, "SELECT count(*) FROM contacts");
    int steps = 0;

    for (bool more = true; more;) {
        int64_t lines_left;
        int64_t left;

        more = person_sweep_step(&s, db);
        lines_left = count(db, "SELECT count(*) FROM chat_messages");
        left = count(db, "SELECT count(*) FROM contacts");
        assert_true(lines - lines_left <= 64 && all - left <= 1);
        lines = lines_left;
        all = left;
        assert_true(++steps < STEPS_MAX);
    }
    person_sweep_done(&s);
    return s;
}

static void a_person_goes_in_such_steps_and_a_dry_run_counts_the_same(void **state)
{
    struct sqlite *db = open_empty();
    struct fault f = {0};
    struct erased *erased = erased_load(db, &f);
    struct person_sweep dry;
    struct person_sweep wet;
    struct person who;

    (void)state;
    assert_non_null(erased);
    assert_true(person_init(&who, VIEW("+358401234567"), &f));
    call(db, 1, 20);
    transfer(db, 1, 2, 20);
    call(db, 3, 20);
    recording(db, 4, 2, 20);
    recording(db, 5, 3, 20);
    script(db, 6, 1, 20);
    chat(db, 7, 20, 200);
    take(db, "chat.participant.added", "chats/00000000000000000000000000000007", 20,
         "{\"alias\":\"x\",\"uniquekey\":\"00358 40 1234567\"}");
    take(db, "chat.message.added", "chats/00000000000000000000000000000007", 20,
         "{\"message\":\"call +358401234567\",\"originator\":\"+358401234567\"}");
    chat(db, 8, 20, 2);
    take(db, "chat.message.added", "chats/00000000000000000000000000000008", 20,
         "{\"message\":\"call +358401234567\",\"originator\":\"sam\"}");
    email(db, 9, 20);
    dry = erase(db, &who, erased, true);
    assert_int_equal(count(db, "SELECT count(*) FROM contacts"), 6);
    wet = erase(db, &who, erased, false);
    assert_int_equal(count(db, "SELECT count(*) FROM contacts"), 2);
    assert_int_equal(wet.removed.contacts, 4);
    assert_int_equal(wet.removed.chats, 1);
    assert_int_equal(wet.removed.recordings, 2);
    assert_int_equal(wet.removed.script_results, 1);
    assert_int_equal(wet.mentions, 1);
    assert_memory_equal(&dry.removed, &wet.removed, sizeof dry.removed);
    assert_int_equal(dry.mentions, wet.mentions);
    check_indexes(db);
    erased_free(erased);
    sqlite_close(db);
}

static bool has(struct sqlite *db, const char *sql, const char *text)
{
    struct sqlite_query q = sqlite_query(db, sql);
    bool found = false;

    while (sqlite_row(&q)) {
        struct view v = sqlite_text(&q, 0);

        for (size_t i = 0; i + strlen(text) <= v.n; i++)
            found = found || memcmp(v.p + i, text, strlen(text)) == 0;
    }
    sqlite_end(&q);
    return found;
}

static void its_words_leave_the_indexes_too(void **state)
{
    const struct ages ages = {{10 * DAY, 10 * DAY, 10 * DAY}};
    struct sqlite *db = open_empty();

    (void)state;
    call(db, 1, 20);
    email(db, 2, 20);
    chat(db, 3, 5, 1);
    assert_true(has(db, "SELECT block FROM subject_words_data", "zebra"));
    assert_true(has(db, "SELECT block FROM email_words_data", "gnu"));
    run(db, ages);
    assert_false(has(db, "SELECT block FROM subject_words_data", "zebra"));
    assert_false(has(db, "SELECT block FROM email_words_data", "gnu"));
    assert_int_equal(count(db, "SELECT count(*) FROM chat_words WHERE chat_words MATCH 'oka'"), 1);
    check_indexes(db);
    sqlite_close(db);
}

static void without_an_age_everything_stays(void **state)
{
    const struct ages none = {{0}};
    const struct ages some = {{5, 6, 0, 0, 0}};

    (void)state;
    assert_int_equal(age_cut(&none, AGE_OF_CHATS, 100), INT64_MIN);
    assert_int_equal(age_cut(&some, AGE_OF_CHATS, 100), 94);
    assert_int_equal(age_cut(&some, AGE_OF_ANY_CONTACT, 100), INT64_MIN); /* it may be an email */
    assert_int_equal(age_cut(&(struct ages){{5, 7, 6}}, AGE_OF_ANY_CONTACT, 100), 93);
    assert_int_equal(age_of_channel(VIEW("EMAIL")), AGE_OF_EMAILS);
    assert_int_equal(age_of_channel(VIEW("OTHER")), AGE_OF_CONTACTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_resource_goes_by_its_own_age),
        cmocka_unit_test(a_group_goes_when_its_newest_leg_is_too_old),
        cmocka_unit_test(a_leg_stays_while_one_after_it_does),
        cmocka_unit_test(legs_of_a_circle_or_with_many_after_them_go_too),
        cmocka_unit_test(what_may_be_a_chat_stays_as_long_as_one),
        cmocka_unit_test(what_stays_unknown_goes_as_a_contact),
        cmocka_unit_test(a_group_stays_for_a_leg_that_is_not_shown),
        cmocka_unit_test(what_is_not_shown_goes_by_its_newest_event),
        cmocka_unit_test(what_is_large_goes_in_several_steps),
        cmocka_unit_test(a_step_ends_when_its_time_is_over),
        cmocka_unit_test(a_person_goes_in_such_steps_and_a_dry_run_counts_the_same),
        cmocka_unit_test(its_words_leave_the_indexes_too),
        cmocka_unit_test(without_an_age_everything_stays),
    };

    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
