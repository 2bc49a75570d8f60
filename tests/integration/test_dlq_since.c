/* cmibridge dlq replay: what was written since is passed over (D3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "bridge/core/datetime.h"
#include "bridge/core/mem.h"
#include "tests/fakes/dlq_rig.h"
#include "tests/fakes/load.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const origin[] = {DLQ_RIG_EVENTS};

#define GIVEN_UP "2026-05-04T12:00:01.700Z"

static int64_t now_ms(void)
{
    uv_timeval64_t now;

    assert_int_equal(uv_gettimeofday(&now), 0);
    return now.tv_sec * 1000;
}

/* Refused, at this offset. */
static void bury(struct kafka_rig *rig, const char *id, const char *subject, const char *type,
                 const char *offset, const char *published)
{
    dlq_rig_bury(rig, &(struct dlq_rig_letter){.id = id,
                                               .subject = subject,
                                               .type = type,
                                               .disposition = "refused",
                                               .offset = offset,
                                               .time = GIVEN_UP,
                                               .published = published});
}

static void assert_planned(const char *plan, const char *offset, const char *fate)
{
    char line[96];

    snprintf(line, sizeof line, DLQ_RIG_EVENTS "[0] offset %s  %s\n", offset, fate);
    if (strstr(plan, line) == NULL)
        fail_msg("%s is not in:\n%s", line, plan);
}

static void what_was_written_since_is_passed_over_unless_forced(void **state)
{
    static const struct dlq_rig_result reported[] = {
        {DLQ_RIG_DONE, "later", "messages/1", 7, 0, NULL, NULL},       /* after e0, before e1 */
        {DLQ_RIG_DONE, "e2", "callbacks/2", 20, 0, NULL, NULL},        /* the event itself */
        {DLQ_RIG_REJECTED, "later", "messages/3", 100, 0, NULL, NULL}, /* was not written */
        {DLQ_RIG_DONE, "other", "messages/4", 100, 0, NULL, NULL},
    };
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    const char *output;

    (void)state;
    dlq_rig_start(&rig);
    bury(&rig, "e9", "messages/3", "message.requested", "30", NULL);
    bury(&rig, "e1", "messages/1", "message.requested", "10", NULL);
    bury(&rig, "e2", "callbacks/2", "callback.requested", "20", NULL);
    bury(&rig, "e0", "messages/1", "message.requested", "5", NULL);
    for (size_t i = 0; i < sizeof reported / sizeof reported[0]; i++)
        dlq_rig_report(&rig, &reported[i]);
    kafka_rig_flush(&rig);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay", &output), COMMAND_OK);
    assert_string_equal(output,
                        "replayed 2 of 2; passed over: 0 replayed before, 2 written since\n");
    conf = kafka_rig_conf(&rig, origin);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 2);
    assert_non_null(strstr(r.got[0].headers, "ce_id=e1\n"));
    assert_non_null(strstr(r.got[1].headers, "ce_id=e9\n"));
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay --force", &output), COMMAND_OK);
    assert_string_equal(output,
                        "replayed 4 of 4; passed over: 0 replayed before, 0 written since\n");
    reader_await(&r, 6);
    reader_done(&r);
    kafka_rig_stop(&rig);
}

#define HYPHENS(last) "853E0000-0000-4000-8000-00000000000" last
#define PLAIN(last)   "853e000000004000800000000000000" last

/* Contract 4, 5, 18: an address by its digits, a GUID in either form and any case, a thing by its
 * reference or by its id. */
static void what_is_spelt_differently_is_the_same_subject(void **state)
{
    static const struct {
        const char *subject;
        const char *type;
        const char *offset;
        const char *fate;
    } letters[] = {
        {"customerConsents/whatsapp_+358 50 1234567", "customerconsent.changed", "10",
         "written since"},
        {"customerConsents/recording_+358501234567", "customerconsent.changed", "11", "replay"},
        {"contacts/" PLAIN("1"), "contact.remarks.updated", "12", "written since"},
        {"callbacks/gg", "callback.updated", "13", "written since"},
        {"callbacks/hh", "callback.updated", "14", "replay"},
        {"messages/" PLAIN("4"), "message.cancelled", "15", "written since"},
        {"messages/" PLAIN("2"), "message.cancelled", "16", "replay"},
    };
    static const struct dlq_rig_result reported[] = {
        {DLQ_RIG_DONE, "r0", "customerConsents/whatsapp_00358501234567", 100, 0, NULL, NULL},
        {DLQ_RIG_DONE, "r2", "contacts/" HYPHENS("1"), 100, 0, NULL,
         "\"type\":\"contact.remarks.updated\",\"path\":\"/contacts/" HYPHENS("1") "/remarks\""},
        {DLQ_RIG_DONE, "r3", "callbacks/" HYPHENS("2"), 100, 0, NULL,
         "\"type\":\"callback.updated\",\"path\":\"/callbacks/" HYPHENS("2") "\""},
        /* that `gg` is that callback, and `hh` another one, is told only now */
        {DLQ_RIG_REJECTED, "e3", "callbacks/gg", 13, 0, NULL,
         "\"type\":\"callback.updated\",\"path\":\"/callbacks/" PLAIN("2") "\""},
        {DLQ_RIG_DONE, "r4", "callbacks/hh", 1, 0, NULL,
         "\"type\":\"callback.requested\",\"path\":\"/callbacks\",\"created\":\"" HYPHENS(
             "3") "\""},
        {DLQ_RIG_DONE, "r5", "messages/order 7", 100, 0, NULL,
         "\"type\":\"shop.message.updated\",\"path\":\"/messages/" HYPHENS("4") "\""},
    };
    static const char prefix[] = "CMIBRIDGE_EVENTS_TYPE_PREFIX=shop.";
    struct kafka_rig rig;
    const char *output;
    char id[4];

    (void)state;
    dlq_rig_start(&rig);
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        snprintf(id, sizeof id, "e%zu", i);
        bury(&rig, id, letters[i].subject, letters[i].type, letters[i].offset, NULL);
    }
    for (size_t i = 0; i < sizeof reported / sizeof reported[0]; i++)
        dlq_rig_report(&rig, &reported[i]);
    kafka_rig_flush(&rig);
    assert_int_equal(kafka_rig_command(&rig, prefix, "dlq replay --dry-run", &output), COMMAND_OK);
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
        assert_planned(output, letters[i].offset, letters[i].fate);
    assert_int_equal(kafka_rig_command(&rig, prefix, "dlq replay", &output), COMMAND_OK);
    assert_string_equal(output,
                        "replayed 3 of 3; passed over: 0 replayed before, 4 written since\n");
    kafka_rig_stop(&rig);
}

/* What creates the name that it waited for is no write that overtook it; any other is (D3). */
static void what_no_event_had_created_is_replayed_once_one_has(void **state)
{
#define CREATED(id)                                                                                \
    "\"type\":\"callback.requested\",\"path\":\"/callbacks\",\"created\":\"" PLAIN(id) "\""
    static const struct {
        const char *subject;
        const char *disposition;
        const char *offset;
        const char *fate;
    } letters[] = {
        {"callbacks/late", "unknown-ref", "10", "replay"},
        {"callbacks/elsewhere", "unknown-ref", "11", "replay"},
        {"callbacks/refused", "refused", "12", "written since"},
        {"callbacks/changed", "unknown-ref", "13", "written since"},
        {"callbacks/changed by id", "unknown-ref", "14", "written since"},
        {"callbacks/created anew", "unknown-ref", "15", "written since"},
        {"callbacks/there before", "unknown-ref", "16", "written since"},
    };
    static const struct dlq_rig_result reported[] = {
        {DLQ_RIG_DONE, "c0", "callbacks/late", 100, 0, NULL, CREATED("1")},
        {DLQ_RIG_DONE, "c0", "callbacks/late", 100, 0, NULL, CREATED("1")}, /* a crash repeats it */
        {DLQ_RIG_DONE, "c1", "callbacks/elsewhere", 3, 1, "2026-05-04T12:00:00Z", CREATED("2")},
        {DLQ_RIG_DONE, "c2", "callbacks/refused", 100, 0, NULL, CREATED("3")},
        {DLQ_RIG_DONE, "c3", "callbacks/changed", 100, 0, NULL, CREATED("4")},
        {DLQ_RIG_DONE, "u3", "callbacks/changed", 101, 0, NULL,
         "\"type\":\"callback.updated\",\"path\":\"/callbacks/" PLAIN("4") "\""},
        {DLQ_RIG_DONE, "u4", "callbacks/" PLAIN("5"), 101, 0, NULL,
         "\"type\":\"callback.updated\",\"path\":\"/callbacks/" PLAIN("5") "\""},
        {DLQ_RIG_DONE, "c4", "callbacks/changed by id", 100, 0, NULL, CREATED("5")},
        {DLQ_RIG_DONE, "c5", "callbacks/created anew", 100, 0, NULL, CREATED("6")},
        {DLQ_RIG_DONE, "d5", "callbacks/created anew", 101, 0, NULL, CREATED("7")},
        {DLQ_RIG_DONE, "c6", "callbacks/there before", 1, 0, NULL, CREATED("8")},
        {DLQ_RIG_DONE, "d6", "callbacks/there before", 100, 0, NULL, CREATED("9")},
    };
#undef CREATED
    struct kafka_rig rig;
    const char *output;
    char id[4];

    (void)state;
    dlq_rig_start(&rig);
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        snprintf(id, sizeof id, "e%zu", i);
        dlq_rig_bury(&rig, &(struct dlq_rig_letter){.id = id,
                                                    .subject = letters[i].subject,
                                                    .type = "callback.updated",
                                                    .disposition = letters[i].disposition,
                                                    .offset = letters[i].offset,
                                                    .time = GIVEN_UP,
                                                    .published = "2026-05-04T12:00:00Z"});
    }
    for (size_t i = 0; i < sizeof reported / sizeof reported[0]; i++)
        dlq_rig_report(&rig, &reported[i]);
    kafka_rig_flush(&rig);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay --dry-run", &output), COMMAND_OK);
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
        assert_planned(output, letters[i].offset, letters[i].fate);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay", &output), COMMAND_OK);
    assert_string_equal(output,
                        "replayed 2 of 2; passed over: 0 replayed before, 5 written since\n");
    kafka_rig_stop(&rig);
}

/* Between partitions what counts is when the dead event was published, not when it was given up. */
static void what_was_written_before_it_was_given_up_may_be_newer(void **state)
{
    static const char published[] = "2026-05-04T12:00:00Z";
    static const struct dlq_rig_result reported[] = {
        {DLQ_RIG_DONE, "r0", "messages/0", 3, 1, "2026-05-04T12:00:00.500Z", NULL},
        {DLQ_RIG_DONE, "r1", "messages/1", 99, 1, "2026-05-04T11:58:59.999Z", NULL},
        {DLQ_RIG_DONE, "r2", "messages/2", 3, 1, "2026-05-04T12:00:00Z", NULL},
        {DLQ_RIG_DONE, "r3", "messages/3", 5, 0, "2026-05-04T13:00:00Z", NULL},
    };
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    const char *output;
    int64_t began_ms = now_ms();

    (void)state;
    dlq_rig_start(&rig);
    bury(&rig, "e0", "messages/0", "message.requested", "10", published);
    bury(&rig, "e1", "messages/1", "message.requested", "11", published);
    bury(&rig, "e2", "messages/2", "message.requested", "12", published);
    bury(&rig, "e3", "messages/3", "message.requested", "13", published);
    for (size_t i = 0; i < sizeof reported / sizeof reported[0]; i++)
        dlq_rig_report(&rig, &reported[i]);
    kafka_rig_flush(&rig);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay --dry-run", &output), COMMAND_OK);
    assert_planned(output, "10", "written since");
    assert_planned(output, "11", "replay");
    assert_planned(output, "12", "perhaps written since");
    assert_planned(output, "13", "replay"); /* within a partition the offsets tell */
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay", &output), COMMAND_OK);
    assert_non_null(strstr(output, "replayed 2 of 2; passed over: 0 replayed before, 1 written "
                                   "since, 1 perhaps written since: "));
    conf = kafka_rig_conf(&rig, origin);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 2);
    assert_non_null(strstr(r.got[0].headers, "ce_id=e1\n"));
    assert_non_null(strstr(r.got[1].headers, "ce_id=e3\n"));
    assert_non_null(strstr(r.got[0].headers, "\ncmi_replay_published=2026-05-04T12:00:00.000Z\n"));
    assert_true(r.got[0].timestamp_ms >= began_ms); /* or retention might drop it unread */
    reader_done(&r);
    kafka_rig_stop(&rig);
}

static int64_t ms_of(const char *time)
{
    struct fault f;
    int64_t ms = 0;

    assert_true(datetime_parse(view_of(time), &ms, &f));
    return ms;
}

/* Pushes the first results out: the embedded broker keeps 5 MiB of a partition, and Apache Kafka
 * what it is told to keep. Those that are left are of that time. */
static void drop_results(struct kafka_rig *rig, int64_t before, const char *time)
{
    enum { LARGE = 10 };
    char *large = mem_zeroed(1, 900000);

    for (unsigned i = 0; i < LARGE; i++) {
        kafka_rig_produce(rig, &(struct sink_record){.topic = DLQ_RIG_RESULTS,
                                                     .has_value = true,
                                                     .value = {large, 900000},
                                                     .timestamp_ms = ms_of(time)});
        kafka_rig_flush(rig);
    }
    if (broker_is_apache())
        broker_drop_before(rig->broker, DLQ_RIG_RESULTS, 0, before + LARGE - 1);
    mem_free(large);
}

/* Results that have aged out can't tell what was written. */
static void what_is_older_than_the_results_may_have_been_written_since(void **state)
{
    static const struct dlq_rig_result gone = {DLQ_RIG_DONE, "r0", "messages/0", 11, 0, NULL, NULL};
    static const struct dlq_rig_result left = {DLQ_RIG_DONE, "r3", "messages/3", 99, 0, NULL, NULL};
    struct kafka_rig rig;
    const char *output;

    (void)state;
    dlq_rig_start(&rig);
    bury(&rig, "e0", "messages/0", "message.requested", "10", "2026-05-04T10:00:00Z");
    bury(&rig, "e1", "messages/1", "message.requested", "11", "2026-05-04T11:00:59Z");
    bury(&rig, "e2", "messages/2", "message.requested", "12", "2026-05-04T11:01:01Z");
    bury(&rig, "e3", "messages/3", "message.requested", "13", "2026-05-04T10:00:00Z");
    bury(&rig, "e4", "contacts/4", "contact.received", "14", "2026-05-04T10:00:00Z"); /* history */
    dlq_rig_report(&rig, &gone);
    drop_results(&rig, 1, "2026-05-04T11:00:00Z");
    dlq_rig_report(&rig, &left);
    kafka_rig_flush(&rig);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay --dry-run", &output), COMMAND_OK);
    assert_planned(output, "10", "perhaps written since");
    assert_planned(output, "11", "perhaps written since"); /* clocks may differ by a minute */
    assert_planned(output, "12", "replay");
    assert_planned(output, "13", "written since");
    assert_planned(output, "14", "replay"); /* whenever it comes, it comes to the same */
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay", &output), COMMAND_OK);
    assert_non_null(strstr(output, "topic " DLQ_RIG_RESULTS " has dropped its results of before "
                                   "2026-05-04T11:00:00.000Z, so it is not known whether what 2 "
                                   "dead letters are about was written since\n"));
    assert_non_null(strstr(output, "replayed 2 of 2; passed over: 0 replayed before, 1 written "
                                   "since, 2 perhaps written since: "));
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay --force", &output), COMMAND_OK);
    assert_non_null(strstr(output, "replayed 5 of 5"));
    kafka_rig_stop(&rig);
}

static void an_empty_partition_hides_what_is_as_old_as_its_retention(void **state)
{
    static const struct dlq_rig_result gone = {DLQ_RIG_DONE, "r0", "messages/0", 11, 0, NULL, NULL};
    char now[DATETIME_TEXT_MAX];
    struct timespec t;
    struct kafka_rig rig;
    const char *output;

    (void)state;
    broker_apache_only("the embedded broker drops no partition's last records");
    clock_gettime(CLOCK_REALTIME, &t);
    datetime_format((int64_t)t.tv_sec * 1000, now);
    dlq_rig_start(&rig);
    bury(&rig, "e0", "messages/0", "message.requested", "10", "2026-05-04T10:00:00Z");
    dlq_rig_bury(&rig, &(struct dlq_rig_letter){.id = "e1",
                                                .subject = "messages/1",
                                                .type = "message.requested",
                                                .disposition = "refused",
                                                .offset = "11",
                                                .time = now,
                                                .published = now});
    dlq_rig_report(&rig, &gone);
    kafka_rig_flush(&rig);
    broker_drop_before(rig.broker, DLQ_RIG_RESULTS, 0, 1);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay --dry-run", &output), COMMAND_OK);
    assert_planned(output, "10", "perhaps written since");
    assert_planned(output, "11", "replay");
    kafka_rig_stop(&rig);
}

static void without_the_results_nobody_knows_what_was_written_since(void **state)
{
    struct kafka_rig rig;
    const char *output;

    (void)state;
    broker_apache_only("the embedded broker makes every topic that is asked for");
    dlq_rig_start(&rig);
    bury(&rig, "e0", "messages/0", "message.requested", "10", NULL);
    kafka_rig_flush(&rig);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay --results elsewhere", &output),
                     COMMAND_FAILED);
    assert_non_null(strstr(output, "topic elsewhere does not exist, so it is not known what was "
                                   "written since; --force replays all the same\n"));
    kafka_rig_stop(&rig);
}

/* timestamp_ms: 0 is now. */
static void send_consent(struct kafka_rig *rig, const char *topic, int32_t partition,
                         const char *address, int64_t timestamp_ms)
{
    char subject[64];
    char value[96];
    const struct record_header headers[] = {
        {VIEW("content-type"), VIEW("application/json")},
        {VIEW("ce_specversion"), VIEW("1.0")},
        {VIEW("ce_id"), view_of(address)},
        {VIEW("ce_source"), VIEW("/shop")},
        {VIEW("ce_type"), VIEW("customerconsent.changed")},
        {VIEW("ce_subject"),
         {subject,
          (size_t)snprintf(subject, sizeof subject, "customerConsents/whatsapp_%s", address)}},
    };

    snprintf(value, sizeof value, "{\"address\":\"%s\",\"usage\":\"whatsapp\",\"consent\":true}",
             address);
    kafka_rig_produce(rig,
                      &(struct sink_record){.topic = topic,
                                            .has_partition = true,
                                            .partition = partition,
                                            .has_value = true,
                                            .value = view_of(value),
                                            .timestamp_ms = timestamp_ms,
                                            .headers = headers,
                                            .header_count = sizeof headers / sizeof headers[0]});
}

static bool has_one(void *ctx)
{
    const struct reader *r = ctx;

    return r->count == 1;
}

/* A dead letter says its record's time, so what was written between that and its being given up is
 * known to be newer: as here, where it was published an hour before it was read. Its own is that of
 * its end, so that its topic's retention counts from there. */
static void a_dead_letter_keeps_when_its_event_was_published(void **state)
{
    static const struct hostile_step refuse = {
        .act = HOSTILE_REPLY, .status = 400, .body = "Not now"};
    static const char *const written[] = {"changes-results"};
    static const char *const letters[] = {"changes-dead"};
    struct load l;
    struct reader of_results = {.rig = NULL};
    struct reader of_letters = {.rig = NULL};
    struct kafka_conf conf;
    struct consumer *c;
    const char *output;
    char published[DATETIME_TEXT_MAX];
    int64_t now;

    (void)state;
    redis_server_need();
    kafka_rig_start(&l.rig, 1);
    load_open(&l, "changes", 2, true);
    kafka_rig_topic(&l.rig, "changes", 2);
    kafka_rig_topic(&l.rig, written[0], 1);
    kafka_rig_topic(&l.rig, letters[0], 1);
    c = consumer_start(&l.conf);
    conf = kafka_rig_conf(&l.rig, written);
    reader_start(&of_results, &l.rig, &conf);
    conf = kafka_rig_conf(&l.rig, letters);
    conf.group = "letters";
    reader_start(&of_letters, &l.rig, &conf);
    send_consent(&l.rig, "changes", 1, "+358501234567", 0);
    kafka_rig_until(&l.rig, has_one, &of_results);
    assert_string_equal(of_results.got[0].key, "customerConsents/whatsapp_+3585"); /* it had none */
    hostile_http_script(l.cmi, &refuse, 1);
    now = now_ms();
    send_consent(&l.rig, "changes", 0, "+358 50 1234567", now - 3600000);
    kafka_rig_until(&l.rig, has_one, &of_letters);
    assert_true(of_letters.got[0].timestamp_ms >= now);
    assert_int_equal(
        kafka_rig_command(
            &l.rig, "", "dlq replay --dry-run -t changes-dead --results changes-results", &output),
        COMMAND_OK);
    assert_non_null(strstr(output, "changes[0] offset 0  written since\n"));
    datetime_format(now - 3600000, published);
    assert_int_equal(kafka_rig_command(&l.rig, "", "dlq show -t changes-dead 0:0", &output),
                     COMMAND_OK);
    assert_non_null(strstr(output, published));
    reader_done(&of_results);
    reader_done(&of_letters);
    assert_int_equal(consumer_end(c, SIGTERM), COMMAND_OK);
    consumer_free(c);
    load_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_since_is_passed_over_unless_forced),
        cmocka_unit_test(what_is_spelt_differently_is_the_same_subject),
        cmocka_unit_test(what_no_event_had_created_is_replayed_once_one_has),
        cmocka_unit_test(what_was_written_before_it_was_given_up_may_be_newer),
        cmocka_unit_test(what_is_older_than_the_results_may_have_been_written_since),
        cmocka_unit_test(an_empty_partition_hides_what_is_as_old_as_its_retention),
        cmocka_unit_test(without_the_results_nobody_knows_what_was_written_since),
        cmocka_unit_test(a_dead_letter_keeps_when_its_event_was_published),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
