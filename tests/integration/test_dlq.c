/* cmibridge dlq, the program itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "producers/dlq_put.h"
#include "tests/fakes/dlq_rig.h"
#include "tests/fakes/load.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char *const origin[] = {DLQ_RIG_EVENTS};
static const char *const dead[] = {DLQ_RIG_DEAD};

#define MESSAGE  "message.requested"
#define CALLBACK "callback.requested"

/* Buried in another order than they came. */
static void start(struct kafka_rig *rig)
{
    static const struct dlq_rig_letter letters[] = {
        {"e9", "messages/3", MESSAGE, "exhausted", "30", "2026-05-04T12:00:03Z", NULL},
        {"e1", "messages/1", MESSAGE, "refused", "10", "2026-05-04T12:00:01Z", NULL},
        {"e2", "callbacks/2", CALLBACK, "poison", "20", "2026-05-04T12:00:02Z", NULL},
        {"e0", "messages/1", MESSAGE, "refused", "5", "2026-05-04T12:00:00Z", NULL},
    };

    dlq_rig_start(rig);
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
        dlq_rig_bury(rig, &letters[i]);
    kafka_rig_send(rig, dead[0], "stranger", "not a dead letter");
    kafka_rig_flush(rig);
    assert_int_equal(rig->undelivered, 0);
}

static unsigned count_lines(const char *text)
{
    unsigned n = 0;

    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

static unsigned count_words(const char *text, const char *word)
{
    unsigned n = 0;

    while ((text = strstr(text, word)) != NULL) {
        n++;
        text += strlen(word);
    }
    return n;
}

static void the_list_is_filtered_and_masks_numbers(void **state)
{
    static const struct {
        const char *options;
        unsigned lines;
    } rows[] = {
        {"", 4},
        {"--type message.*", 3},
        {"--type callback.requested", 1},
        {"--disposition refused", 2},
        {"--disposition refused --disposition poison", 3},
        {"--class retry --class reject", 4},
        {"--class retry", 1}, /* says that there is none */
        {"--since 2026-05-04T12:00:02Z", 2},
        {"--since 2026-05-04T12:00:01Z --until 2026-05-04T12:00:03Z", 2},
        {"--type message.* --disposition exhausted", 1},
    };
    struct kafka_rig rig;
    const char *output;
    char arguments[256];

    (void)state;
    start(&rig);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(arguments, sizeof arguments, "dlq list %s", rows[i].options);
        assert_int_equal(kafka_rig_command(&rig, "", arguments, &output), COMMAND_OK);
        if (count_lines(output) != rows[i].lines)
            fail_msg("%s:\n%s", rows[i].options, output);
        assert_null(strstr(output, "0612345678"));
    }
    assert_int_equal(kafka_rig_command(&rig, "CMIBRIDGE_EVENTS_TYPE_PREFIX=message.",
                                       "dlq list --type requested", &output),
                     COMMAND_OK);
    assert_int_equal(count_lines(output), 3);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq list --json", &output), COMMAND_OK);
    assert_int_equal(count_lines(output), 4);
    assert_int_equal(count_words(output, "\"type\":\"message.requested\""), 3);
    assert_int_equal(count_words(output, "\"replayed\":false"), 4);
    assert_int_equal(count_words(output, "\"status\":400,\"attempts\":1,"), 4);
    kafka_rig_stop(&rig);
}

#define PLACE_MAX 16

/* Of a list's first line. */
static void take_place(const char *line, char place[PLACE_MAX])
{
    size_t n = strcspn(line, " ");

    assert_in_range(n, 3, PLACE_MAX - 1);
    memcpy(place, line, n);
    place[n] = '\0';
}

static void one_is_shown_whole(void **state)
{
    static const struct dlq_rig_letter strange = {
        "e7", "x\xffy", CALLBACK, "unknown-ref", "40", "2026-05-04T12:00:04Z", NULL};
    struct kafka_rig rig;
    const char *output;
    char arguments[64];
    char place[PLACE_MAX];

    (void)state;
    start(&rig);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq list --type callback.*", &output),
                     COMMAND_OK);
    take_place(output, place);
    snprintf(arguments, sizeof arguments, "dlq show %s", place);
    assert_int_equal(kafka_rig_command(&rig, "", arguments, &output), COMMAND_OK);
    assert_non_null(strstr(output, "from       contact-events[0] offset 20\n"));
    assert_non_null(strstr(output, "key        callbacks/2\n"));
    assert_non_null(strstr(output, "header     cmi_error_status: 400\n"));
    assert_non_null(strstr(output, "{\"a\":1}\n"));
    snprintf(arguments, sizeof arguments, "dlq show --json %s", place);
    assert_int_equal(kafka_rig_command(&rig, "", arguments, &output), COMMAND_OK);
    assert_non_null(strstr(output, "{\"name\":\"mine\",\"value\":\"kept\"}"));
    assert_non_null(strstr(output, "\"value\":\"{\\\"a\\\":1}\""));
    dlq_rig_bury(&rig, &strange);
    kafka_rig_flush(&rig);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq list --disposition unknown-ref", &output),
                     COMMAND_OK);
    take_place(output, place);
    snprintf(arguments, sizeof arguments, "dlq show %s", place);
    assert_int_equal(kafka_rig_command(&rig, "", arguments, &output), COMMAND_OK);
    assert_non_null(strstr(output, "key        x?y\n")); /* the terminal gets text alone */
    snprintf(arguments, sizeof arguments, "dlq show %s %s", place, place);
    assert_int_equal(kafka_rig_command(&rig, "", arguments, &output), COMMAND_OK);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq show 0:999", &output), COMMAND_FAILED);
    assert_string_equal(output, "cmibridge dlq: 1 of 1 are no dead letters, or are gone\n");
    assert_int_equal(kafka_rig_command(&rig, "", "dlq show 0-1", &output), COMMAND_USAGE);
    kafka_rig_stop(&rig);
}

static void a_replay_keeps_the_order_and_the_event_and_happens_once(void **state)
{
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    const char *output;

    (void)state;
    start(&rig);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay --dry-run", &output), COMMAND_OK);
    assert_int_equal(count_lines(output), 5);
    assert_non_null(strstr(output, "would replay 4 of 4"));
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay --type message.*", &output),
                     COMMAND_OK);
    assert_string_equal(output,
                        "replayed 3 of 3; passed over: 0 replayed before, 0 written since\n");
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay", &output), COMMAND_OK);
    assert_string_equal(output,
                        "replayed 1 of 1; passed over: 3 replayed before, 0 written since\n");
    assert_int_equal(kafka_rig_command(&rig, "", "dlq list", &output), COMMAND_OK);
    assert_non_null(strstr(output, "no dead letters that were not replayed"));
    assert_int_equal(kafka_rig_command(&rig, "", "dlq list --all --json", &output), COMMAND_OK);
    assert_int_equal(count_words(output, "\"replayed\":true"), 4);

    conf = kafka_rig_conf(&rig, origin);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 4);
    assert_non_null(strstr(r.got[0].headers, "ce_id=e0\n"));
    assert_non_null(strstr(r.got[1].headers, "ce_id=e1\n"));
    assert_non_null(strstr(r.got[2].headers, "ce_id=e9\n"));
    assert_non_null(strstr(r.got[3].headers, "ce_id=e2\n"));
    assert_string_equal(r.got[0].key, "messages/1");
    assert_string_equal(r.got[0].value, "{\"a\":1}");
    assert_non_null(strstr(r.got[0].headers, "mine=kept\nnull\nempty=\n"));
    assert_non_null(strstr(r.got[0].headers, "ce_source=/shop\n"));
    assert_non_null(strstr(r.got[0].headers, "\ncmi_replay="));
    assert_non_null(strstr(r.got[0].headers, "\ncmi_replay_origin=0:5\n"));
    assert_null(strstr(r.got[0].headers, "cmi_error"));
    reader_done(&r);
    kafka_rig_stop(&rig);
}

static void a_place_that_is_no_dead_letter_is_told(void **state)
{
    struct kafka_rig rig;
    const char *output;
    char arguments[64];
    char place[PLACE_MAX];

    (void)state;
    start(&rig);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay 3:99", &output), COMMAND_FAILED);
    assert_non_null(strstr(output, "1 of 1 are no dead letters, or are gone\n"));
    assert_int_equal(kafka_rig_command(&rig, "", "dlq list --type callback.*", &output),
                     COMMAND_OK);
    take_place(output, place);
    snprintf(arguments, sizeof arguments, "dlq replay --dry-run %s 3:99", place);
    assert_int_equal(kafka_rig_command(&rig, "", arguments, &output), COMMAND_FAILED);
    assert_non_null(strstr(output, "would replay 1 of 1; "));
    assert_non_null(strstr(output, "1 of 2 are no dead letters, or are gone\n"));
    snprintf(arguments, sizeof arguments, "dlq replay %s 3:99", place);
    assert_int_equal(kafka_rig_command(&rig, "", arguments, &output), COMMAND_FAILED);
    assert_non_null(strstr(output, "replayed 1 of 1; "));
    assert_non_null(strstr(output, "1 of 2 are no dead letters, or are gone\n"));
    snprintf(arguments, sizeof arguments, "dlq replay %s %s", place, place);
    assert_int_equal(kafka_rig_command(&rig, "", arguments, &output), COMMAND_OK);
    assert_non_null(strstr(output, "passed over: 1 replayed before"));
    kafka_rig_stop(&rig);
}

static void a_replay_that_is_refused_says_so_and_can_be_repeated(void **state)
{
    struct kafka_rig rig;
    const char *output;
    int code = COMMAND_FAILED;

    (void)state;
    broker_embedded_only("this Apache Kafka lets everybody write");
    start(&rig);
    /* 29: TOPIC_AUTHORIZATION_FAILED */
    broker_fail(rig.broker, KAFKA_REQUEST_PRODUCE, 29, DLQ_PUT_TRIES);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay --timeout 2s", &output),
                     COMMAND_FAILED);
    assert_non_null(strstr(output, " was not replayed: Broker: Topic authorization failed; it came "
                                   "from contact-events[0] offset 5\n"));
    assert_non_null(strstr(output, "replayed 0 of 4; "));
    assert_non_null(strstr(output, ", 1 refused, 3 left behind what was refused\n"));
    for (unsigned i = 0; i < DLQ_PUT_TRIES && code != COMMAND_OK; i++) /* some may be left */
        code = kafka_rig_command(&rig, "", "dlq replay", &output);
    assert_int_equal(code, COMMAND_OK);
    assert_non_null(strstr(output, "replayed 4 of 4"));
    kafka_rig_stop(&rig);
}

static void a_missing_topic_is_told(void **state)
{
    struct kafka_rig rig;
    const char *output;

    (void)state;
    start(&rig);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay --results ''", &output),
                     COMMAND_FAILED);
    assert_non_null(strstr(output, "--force"));
    assert_int_equal(kafka_rig_command(&rig, "", "dlq", &output), COMMAND_USAGE);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq list --class rejected", &output),
                     COMMAND_USAGE);
    assert_non_null(strstr(output, "--class is one of retry, reject, stop, bug"));
    assert_int_equal(kafka_rig_command(&rig, "", "dlq list --disposition dead", &output),
                     COMMAND_USAGE);
    assert_non_null(strstr(
        output, "--disposition is one of poison, refused, exhausted, unknown-ref, unrouted"));
    kafka_rig_stop(&rig);
}

/* A letter has the most headers that an event may have, and those of its end; one beside it was too
 * large for its value to be kept. */
static void a_letter_of_many_headers_is_replayed_and_a_cut_one_is_not(void **state)
{
    enum { LETTERS = 6 };
    struct record_header headers[RECORD_HEADERS_MAX + 7] = {
        {VIEW("content-type"), VIEW("application/json")},
        {VIEW("ce_specversion"), VIEW("1.0")},
        {VIEW("ce_id"), VIEW("many")},
        {VIEW("ce_source"), VIEW("/shop")},
        {VIEW("ce_type"), VIEW(MESSAGE)},
        {VIEW("ce_subject"), VIEW("messages/7")},
    };
    const struct record_header about[] = {
        {VIEW("cmi_error_class"), VIEW("reject")},       {VIEW("cmi_error_text"), VIEW("no")},
        {VIEW("cmi_error_disposition"), VIEW("poison")}, {VIEW("cmi_error_topic"), VIEW("events")},
        {VIEW("cmi_error_partition"), VIEW("2")},        {VIEW("cmi_error_offset"), VIEW("7")},
        {VIEW("cmi_error_cut"), VIEW("value")}, /* only of the last one */
    };
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    const char *output;

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, "events", 3);
    kafka_rig_topic(&rig, dead[0], 1);
    for (size_t i = 6; i < RECORD_HEADERS_MAX; i++)
        headers[i] = (struct record_header){VIEW("mine"), VIEW("x")};
    for (size_t l = 0; l <= LETTERS; l++) {
        size_t n = RECORD_HEADERS_MAX;
        bool cut = l == LETTERS;

        for (size_t i = 0; i < (cut ? 7 : 6); i++)
            headers[n++] = about[i];
        kafka_rig_produce(&rig, &(struct sink_record){.topic = dead[0],
                                                      .has_value = !cut,
                                                      .value = VIEW("{}"),
                                                      .headers = headers,
                                                      .header_count = n});
    }
    kafka_rig_flush(&rig);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq list", &output), COMMAND_OK);
    assert_int_equal(count_words(output, MESSAGE " messages/7"), LETTERS + 1);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay --force", &output), COMMAND_FAILED);
    assert_non_null(strstr(output, "0:6 can't be replayed: it was too large to be kept whole; it "
                                   "came from events[2] offset 7\n"));
    assert_non_null(strstr(output, "replayed 6 of 6; "));
    assert_non_null(strstr(output, ", 1 can't be replayed\n"));
    conf = kafka_rig_conf(&rig, (const char *const[]){"events"});
    reader_start(&r, &rig, &conf);
    reader_await(&r, LETTERS);
    for (size_t l = 0; l < LETTERS; l++) { /* back in their partition, though they have no key */
        assert_int_equal(r.got[l].partition, 2);
        assert_int_equal(r.got[l].header_count, RECORD_HEADERS_MAX + 3);
    }
    reader_done(&r);
    kafka_rig_stop(&rig);
}

static void bury_of(struct kafka_rig *rig, const char *topic, const char *partition, const char *id)
{
    dlq_rig_bury_bare(
        rig,
        &(struct dlq_rig_bare){
            .id = id, .topic = topic, .partition = partition, .offset = "7", .value = VIEW("{}")});
}

/* It is told, with its place, and those behind it are replayed. */
static void what_has_no_place_to_go_back_to_holds_up_no_other(void **state)
{
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    const char *output;

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, "halved", 1);
    kafka_rig_topic(&rig, "zoo", 1);
    kafka_rig_topic(&rig, dead[0], 1);
    bury_of(&rig, "halved", "0", "e0");
    bury_of(&rig, "halved", "3", "e1");
    bury_of(&rig, "zoo", "0", "e2");
    bury_of(&rig, broker_is_apache() ? "vanished" : "^.*", "0", "e3"); /* none is called so */
    kafka_rig_flush(&rig);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay --force --dry-run", &output),
                     COMMAND_FAILED);
    assert_non_null(strstr(output, "halved[3] offset 7  can't be replayed\n"));
    assert_non_null(strstr(output, "would replay 2 of 2; "));
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay --force", &output), COMMAND_FAILED);
    assert_non_null(strstr(output, "0:1 can't be replayed: its topic has 1 partition now; it came "
                                   "from halved[3] offset 7\n"));
    assert_non_null(strstr(output, "0:3 can't be replayed: its topic does not exist any more; "));
    assert_non_null(strstr(output, "replayed 2 of 2; "));
    assert_non_null(strstr(output, ", 2 can't be replayed\n"));
    conf = kafka_rig_conf(&rig, (const char *const[]){"zoo"});
    reader_start(&r, &rig, &conf);
    reader_await(&r, 1);
    assert_non_null(strstr(r.got[0].headers, "ce_id=e2\n"));
    reader_done(&r);
    kafka_rig_stop(&rig);
}

static bool has_four(void *ctx)
{
    const struct reader *r = ctx;

    return r->count == 4;
}

static bool has_two(void *ctx)
{
    const struct reader *r = ctx;

    return r->count == 2;
}

#define EVENT(id)                                                                                  \
    "{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"/shop\","                             \
    "\"type\":\"callback.requested\",\"subject\":\"callbacks/0\",\"data\":{"                       \
    "\"customerNumber\":\"0612345678\",\"callbackQueueNumber\":\"153\",\"notes\":\"" id "\"}}"

/* Of two dead letters of a key the first is replayed, and refused again: its new dead letter still
 * stands before the second one, so both together are replayed as they came (D3). */
static void what_is_refused_again_keeps_its_place_in_the_order(void **state)
{
    static const struct hostile_step refuse = {
        .act = HOSTILE_REPLY, .status = 400, .body = "Not now", .times = 3};
    static const char *const letters[] = {"orders-dead"};
    struct load l;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    struct consumer *c;
    const char *output;

    (void)state;
    redis_server_need();
    kafka_rig_start(&l.rig, 1);
    load_open(&l, "orders", 1, true);
    kafka_rig_topic(&l.rig, "orders", 1);
    kafka_rig_topic(&l.rig, "orders-results", 1);
    kafka_rig_topic(&l.rig, letters[0], 1);
    hostile_http_script(l.cmi, &refuse, 1);
    c = consumer_start(&l.conf);
    assert_int_equal(kafka_rig_command(&l.rig, "printf '%s\\n' '" EVENT("1") "' '" EVENT("2") "' |",
                                       "publish -t orders", &output),
                     COMMAND_OK);
    conf = kafka_rig_conf(&l.rig, letters);
    reader_start(&r, &l.rig, &conf);
    kafka_rig_until(&l.rig, has_two, &r);
    assert_int_equal(kafka_rig_command(&l.rig, "",
                                       "dlq replay -t orders-dead --results orders-results 0:0",
                                       &output),
                     COMMAND_OK);
    assert_non_null(strstr(output, "replayed 1 of 1"));
    kafka_rig_until(&l.rig, has_four, &r); /* and its mark, in either order */
    assert_true(strstr(r.got[2].headers, "\ncmi_replay_published=") != NULL ||
                strstr(r.got[3].headers, "\ncmi_replay_published=") != NULL);
    assert_int_equal(kafka_rig_command(
                         &l.rig, "", "dlq replay -t orders-dead --results orders-results", &output),
                     COMMAND_OK);
    assert_string_equal(output,
                        "replayed 2 of 2; passed over: 1 replayed before, 0 written since\n");
    load_await_effects(&l, 2);
    assert_int_equal(hostile_http_count(l.cmi), 5);
    assert_int_equal(load_event_of(hostile_http_request(l.cmi, 3)), 1);
    assert_int_equal(load_event_of(hostile_http_request(l.cmi, 4)), 2);
    reader_done(&r);
    assert_int_equal(consumer_end(c, SIGTERM), COMMAND_OK);
    consumer_free(c);
    load_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_filtered_and_masks_numbers),
        cmocka_unit_test(one_is_shown_whole),
        cmocka_unit_test(a_replay_keeps_the_order_and_the_event_and_happens_once),
        cmocka_unit_test(a_place_that_is_no_dead_letter_is_told),
        cmocka_unit_test(a_replay_that_is_refused_says_so_and_can_be_repeated),
        cmocka_unit_test(a_missing_topic_is_told),
        cmocka_unit_test(a_letter_of_many_headers_is_replayed_and_a_cut_one_is_not),
        cmocka_unit_test(what_has_no_place_to_go_back_to_holds_up_no_other),
        cmocka_unit_test(what_is_refused_again_keeps_its_place_in_the_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
