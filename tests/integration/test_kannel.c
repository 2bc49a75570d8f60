/* A campaign through a real Kannel: `cmibridge serve` and `schedule`, bearerbox, smsbox, and
 * fakesmsc as the operator; every text arrives there once, and every delivery report comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/kafka_broker.h"
#include "tests/fakes/kannel.h"
#include "tests/fakes/serve_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COUNT    60
#define PAUSE_NS 20000000L
#define LOOKS    1500

static struct serve_rig serve;
static struct kannel kannel;
static struct kafka_broker *kafka;
static char config[128];
static pid_t schedule;
static unsigned operator_has; /* parts, of the tests so far */

static const char channel[] =
    "channels:\n"
    "  op: {type: kannel, url: 'http://127.0.0.1:%d/cgi-bin', user: " KANNEL_USER
    ",\n       password: " KANNEL_PASSWORD ", sender: '555', receipts_secret: geheim/schlüssel-é,\n"
    "       receipts_url: 'http://127.0.0.1:%u'}\n";

static void write_config(void)
{
    FILE *file;

    snprintf(config, sizeof config, "%s/schedule.yaml", serve.dir);
    file = fopen(config, "w");
    assert_non_null(file);
    fprintf(file,
            "kafka: {brokers: '%s'}\nredis: {address: '%s', timeout: 2s}\n"
            "admin: {listen: '127.0.0.1:0'}\n"
            "chats:\n  queues:\n"
            "    sms: {id: 00000000000000000000000000000001, channel: sms, name: SMS, via: op,\n"
            "          address: 12345678@sms.social365.com}\n",
            kafka_broker_bootstrap(kafka), serve.redis->address);
    fprintf(file, channel, kannel.sendsms_port, serve.port);
    assert_int_equal(fclose(file), 0);
}

static void run_schedule(void)
{
    const char *binary = getenv("CMIBRIDGE_BIN");

    assert_non_null(binary);
    schedule = fork();
    assert_true(schedule >= 0);
    if (schedule > 0)
        return;
    execl(binary, binary, "schedule", "--config", config, (char *)NULL);
    _exit(127);
}

static int start(void **state)
{
    struct fault f = {0};
    char more[512];
    size_t n;

    (void)state;
    kannel_need();
    kannel_start(&kannel);
    kafka = kafka_broker_start(1, &f);
    assert_non_null(kafka);
    n = (size_t)snprintf(more, sizeof more, channel, kannel.sendsms_port, 1U);
    snprintf(more + n, sizeof more - n, "chats.queues.sms.via: op\n");
    serve_rig_start(&serve, more);
    write_config();
    run_schedule();
    return 0;
}

static int stop(void **state)
{
    int status = 0;

    (void)state;
    assert_int_equal(kill(schedule, SIGTERM), 0);
    assert_int_equal(waitpid(schedule, &status, 0), schedule);
    assert_int_equal(status, 0);
    unlink(config);
    serve_rig_done(&serve);
    kafka_broker_stop(kafka);
    kannel_stop(&kannel);
    return 0;
}

static void post(const char *text, unsigned first, unsigned count, char id[33])
{
    char body[16384];
    size_t n = (size_t)snprintf(body, sizeof body,
                                "{\"message\":\"%s\",\"source\":\"12345678@sms.social365.com\","
                                "\"subType\":\"sms\",\"destinations\":[",
                                text);

    for (unsigned i = first; i < first + count; i++)
        n += (size_t)snprintf(body + n, sizeof body - n, "%s{\"address\":\"+35840%07u\"}",
                              i > first ? "," : "", i);
    snprintf(body + n, sizeof body - n, "]}");
    serve_create(&serve, "/messages", "", body, id);
}

/* Receipts of that kind that serve has counted. */
static unsigned receipts(const char *what)
{
    struct probe_reply page = probe_ask(serve.admin_port, "GET", "/metrics", "", NULL);
    unsigned sum = 0;

    for (const char *at = page.all; (at = strstr(at, "\ncmibridge_receipts_total{")) != NULL;
         at++) {
        const char *end = strchr(at + 1, '\n');
        const char *value = end;
        const char *word = strstr(at, what);

        if (end == NULL || word == NULL || word > end)
            continue;
        while (value[-1] != ' ')
            value--;
        sum += (unsigned)strtoul(value, NULL, 10);
    }
    probe_done(&page);
    return sum;
}

/* Those that found their destination, before its reply was recorded or after. */
static unsigned delivered(void)
{
    return receipts("result=\"done\"") + receipts("result=\"early\"");
}

static void await_delivered(unsigned count)
{
    for (int i = 0; i < LOOKS; i++) {
        if (delivered() >= count)
            return;
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    fail_msg("%u receipts found their destination, %u were wanted", delivered(), count);
}

static void await_handled(const char *id, unsigned count)
{
    char path[64];

    snprintf(path, sizeof path, "/RI/cmi/messages/%s", id);
    for (int i = 0; i < LOOKS; i++) {
        struct probe_reply r = probe_ask(serve.port, "GET", path, "", NULL);
        unsigned handled = 0;

        assert_int_equal(r.status, 200);
        for (const char *at = r.all; (at = strstr(at, "\"HANDLED\"")) != NULL; at++)
            handled++;
        probe_done(&r);
        if (handled == count)
            return;
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    fail_msg("%s was not handled", id);
}

static void a_campaign_arrives_once_and_is_reported_delivered(void **state)
{
    char id[33];
    char line[128];

    (void)state;
    post("hei", 1, COUNT, id);
    await_handled(id, COUNT);
    kannel_await(&kannel, COUNT);
    for (unsigned i = 1; i <= COUNT; i++) {
        snprintf(line, sizeof line, "555 +35840%07u text hei", i);
        assert_int_equal(kannel_taken(&kannel, line), 1);
    }
    await_delivered(COUNT);
}

/* Kannel's max-messages is 1 unless somebody sets it: it would cut them. */
static void long_texts_arrive_whole_and_are_reported_once(void **state)
{
    static const struct {
        const char *head, *unit;
        unsigned units, parts;
        bool ucs2;
    } texts[] = {
        {"", "0123 56 89", 20, 2, false},
        {"", "[1234 6789", 200, 15, false},
        {"", "жизнь ещё ", 80, 12, true},
        {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "😀", 30, 2, true},
    };
    const unsigned count = sizeof texts / sizeof texts[0];
    unsigned before = delivered();
    unsigned parts = 0;
    struct buf text, shown;
    char number[32];
    char id[33];

    (void)state;
    buf_init(&text, 8192);
    buf_init(&shown, 8192);
    for (unsigned i = 0; i < count; i++) {
        buf_clear(&text);
        buf_put_text(&text, texts[i].head);
        for (unsigned k = 0; k < texts[i].units; k++)
            buf_put_text(&text, texts[i].unit);
        post(buf_text(&text), 500 + i, 1, id);
        await_handled(id, 1);
        parts += texts[i].parts;
        kannel_await(&kannel, COUNT + parts);
        buf_clear(&shown);
        snprintf(number, sizeof number, "+35840%07u", 500 + i);
        assert_int_equal(kannel_joined(&kannel, number, texts[i].ucs2, &shown), texts[i].parts);
        assert_string_equal(buf_text(&shown), buf_text(&text));
    }
    post("hei", 600, 1, id); /* what was reported before it has come when its report has */
    await_delivered(before + count + 1);
    assert_int_equal(delivered(), before + count + 1);
    assert_int_equal(receipts("result=\"again\""), 0);
    operator_has = COUNT + parts + 1;
    kannel_await(&kannel, operator_has);
    buf_done(&text);
    buf_done(&shown);
}

static void while_the_operator_is_away_texts_wait_in_the_gateway(void **state)
{
    unsigned before = delivered();
    char id[33];

    (void)state;
    kannel_operator_away(&kannel);
    post("later", 1000, 5, id);
    await_handled(id, 5);
    kannel_operator_back(&kannel);
    kannel_await(&kannel, operator_has + 5);
    await_delivered(before + 5);
    assert_int_equal(delivered(), before + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_campaign_arrives_once_and_is_reported_delivered),
        cmocka_unit_test(long_texts_arrive_whole_and_are_reported_once),
        cmocka_unit_test(while_the_operator_is_away_texts_wait_in_the_gateway),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
