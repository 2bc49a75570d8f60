/* cmibridge check of a configuration, as an operator runs it: the binary, its words and its exit
 * code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "bridge/io/crypto.h"
#include "tests/fakes/check_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void every_mistake_is_told_at_once_and_the_code_is_3(void **state)
{
    struct check_rig *r = *state;

    check_rig_write(r, "kafka:\n  brokres: a\nretry:\n  base: 500\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_CONFIG);
    assert_string_equal(check_rig_out(r), "");
    check_rig_err_has(r, "c.yaml:2: kafka.brokres is no setting; did you mean kafka.brokers?\n");
    check_rig_err_has(r, "c.yaml:4: retry.base is '500'; write it with its unit");
    check_rig_err_has(r, "\n2 mistakes\n");
    check_rig_write(r,
                    "targets:\n  my target:\n    url: 'http://h/RI/cmi'\n    token: file:/nope\n");
    assert_int_equal(CHECK(r, "-c", "FILE"), COMMAND_CONFIG);
    check_rig_err_has(r, "c.yaml:2: ");
    check_rig_err_has(r, "c.yaml:4: targets.my target.token: ");
    check_rig_err_has(r, "\n2 mistakes\n");
    assert_int_equal(CHECK(r, "--config", "/nonexistent"), COMMAND_CONFIG);
    check_rig_err_has(r, "/nonexistent: can't be opened");
}

static void routes_that_part_what_belongs_together_are_warned_of(void **state)
{
    struct check_rig *r = *state;

#define TWO_TARGETS                                                                                \
    "kafka:\n  brokers: a\ntargets:\n  one:\n    url: http://h/RI/cmi\n    ingest: /ingest\n"      \
    "  two:\n    url: http://i/RI/cmi\nroutes:\n  '*': one\n"
    check_rig_write(r, TWO_TARGETS "  message.*: two\n");
    assert_int_equal(CHECK(r, "-c", "FILE"), COMMAND_OK);
    assert_string_equal(check_rig_err(r), "");
    check_rig_write(r, TWO_TARGETS "  message.*: two\n  message.cancelled: one\n");
    assert_int_equal(CHECK(r, "-c", "FILE"), COMMAND_OK);
    assert_string_equal(check_rig_err(r),
                        "warning: routes: message.requested goes to two and "
                        "message.cancelled to one; what is made in one is not there in "
                        "the other\n");
}

static void types_that_no_target_takes_are_warned_of(void **state)
{
    struct check_rig *r = *state;

#define A_VENDOR_S_WARNING                                                                         \
    "warning: routes: no target takes the history events contact.*, chat.*, email.*, "             \
    "callrecording.*, scriptresult.*: such events become dead letters (events.unrouted)\n"
#define A_VENDOR "kafka:\n  brokers: a\ntargets:\n  vendor:\n    url: http://h/RI/cmi\n"
    check_rig_write(r, A_VENDOR);
    assert_int_equal(CHECK(r, "-c", "FILE"), COMMAND_OK);
    assert_string_equal(check_rig_err(r), A_VENDOR_S_WARNING);
    check_rig_write(r, A_VENDOR "    ingest: /ingest\nroutes:\n  callback.*: vendor\n"
                                "  message.requested: vendor\n  contact.*: vendor\n");
    assert_int_equal(CHECK(r, "-c", "FILE"), COMMAND_OK);
    assert_string_equal(check_rig_err(r),
                        "warning: routes: no target takes the writes chat.*, "
                        "callrecording.*, message.updated, message.cancelled, "
                        "customerconsent.*: such events become dead letters "
                        "(events.unrouted)\n"
                        "warning: routes: no target takes the history events chat.*, "
                        "email.*, callrecording.*, scriptresult.*: such events become "
                        "dead letters (events.unrouted)\n");
    check_rig_write(r, A_VENDOR "events:\n  unrouted: skip\n");
    assert_int_equal(CHECK(r, "-c", "FILE"), COMMAND_OK);
    assert_string_equal(check_rig_err(r), "");
}

static void what_only_the_library_knows_to_be_wrong_is_told_too(void **state)
{
    struct check_rig *r = *state;

    check_rig_write(r, "kafka:\n  brokers: a\n  properties:\n"
                       "    partition.assignment.strategy: cooperative-sticky\n"
                       "    acks: 1\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_CONFIG);
    check_rig_err_has(r, "c.yaml:4: kafka.properties: cooperative-sticky");
    check_rig_err_has(r, "c.yaml:5: kafka.properties: acks must stay all");
    check_rig_write(r, "kafka:\n  brokers: a\n  properties:\n    no.such: x\n"
                       "    linger.ms: abc\n    lingr.ms: 3\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_CONFIG);
    check_rig_err_has(r, "c.yaml:4: kafka.properties: no.such is none of librdkafka's\n");
    check_rig_err_has(r, "c.yaml:5: kafka.properties: linger.ms: ");
    check_rig_err_has(r,
                      "c.yaml:6: kafka.properties: lingr.ms is none of librdkafka's; did you mean "
                      "linger.ms?\n");
    check_rig_err_has(r, "3 mistakes");
    check_rig_write(r, "kafka:\n  brokers: a\n  properties: {message.max.bytes: 999999999999}\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_CONFIG);
    check_rig_err_has(r,
                      "c.yaml:3: kafka.properties: message.max.bytes is 999999999999; it must be "
                      "1000 to 1000000000\n1 mistake\n");
    check_rig_write(r, "kafka:\n  brokers: a\n  properties: {message.max.bytes: 5}\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_CONFIG);
    check_rig_err_has(r, " is outside allowed range 1000..1000000000\n1 mistake\n");
}

/* What the settings' rules, the library and the files have to say, in one list by line. */
static void what_each_part_knows_is_told_together_in_the_order_of_the_file(void **state)
{
    struct check_rig *r = *state;
    char line[256];
    const char *rest;
    long last = 0;

    check_rig_write(r, "kafka:\n"
                       "  brokerz: a\n"
                       "  properties:\n"
                       "    enable.auto.comit: true\n"
                       "    acks: 1\n"
                       "    sasl.pasword: x\n"
                       "    group.id: g\n"
                       "    linger.ms: abc\n"
                       "  topics: ['^(']\n"
                       "  instance_id: x\n"
                       "  assign: all\n"
                       "targets:\n"
                       "  m: {url: https://a, ca: README.md}\n"
                       "  n: {url: https://a, ca: /nonexistent, key: README.md}\n"
                       "channels:\n"
                       "  c: {type: webhook, url: https://a, zone: No/Where, hours: Mo}\n"
                       "retry: {base: soon}\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_CONFIG);
    check_rig_err_has(r, "c.yaml:2: kafka.brokerz is no setting; did you mean kafka.brokers?\n");
    check_rig_err_has(r,
                      "c.yaml:4: kafka.properties: enable.auto.comit is none of librdkafka's; did "
                      "you mean enable.auto.commit?\n");
    check_rig_err_has(r, "c.yaml:5: kafka.properties: acks must stay all");
    check_rig_err_has(r,
                      "c.yaml:6: kafka.properties: sasl.pasword is none of librdkafka's; did you "
                      "mean sasl.password?\n");
    check_rig_err_has(r, "c.yaml:7: kafka.properties: group.id can't be set here");
    check_rig_err_has(r, "c.yaml:8: kafka.properties: linger.ms: ");
    check_rig_err_has(r, "c.yaml:9: kafka.topics[0] is '^(', which is no regular expression");
    check_rig_err_has(r, "c.yaml:10: kafka.instance_id goes with kafka.assign: group only\n");
    check_rig_err_has(r, "c.yaml:13: targets.m: README.md holds no certificate");
    check_rig_err_has(r, "c.yaml:14: targets.n.ca is /nonexistent, which can't be read");
    check_rig_err_has(r, "c.yaml:16: channels.c.zone: ");
    check_rig_err_has(r, "c.yaml:17: retry.base is 'soon'");
    for (rest = check_rig_err(r); (rest = strstr(rest, "c.yaml:")) != NULL;) {
        long at = strtol(rest + strlen("c.yaml:"), NULL, 10);

        rest += strlen("c.yaml:");

        assert_true(at >= last);
        last = at;
    }
    (void)snprintf(line, sizeof line, "%s",
                   strrchr(check_rig_err(r), '\n') - strlen("14 mistakes"));
    assert_string_equal(line, "14 mistakes\n");
}

/* What librdkafka would refuse only when `consume` starts. */
static void properties_that_do_not_go_together_are_told_all_at_once(void **state)
{
    struct check_rig *r = *state;

    check_rig_write(r, "kafka:\n  brokers: a\n  properties:\n"
                       "    max.poll.interval.ms: 1000\n"
                       "    linger.ms: 7\n"
                       "    retries: 0\n"
                       "    max.in.flight: 10\n"
                       "    fetch.max.bytes: 100\n"
                       "targets: {m: {url: https://a}}\n");
    assert_int_equal(CHECK(r, "--config", "FILE", "--for", "consume"), COMMAND_CONFIG);
    check_rig_err_has(r, "c.yaml:4: kafka.properties: max.poll.interval.ms: ");
    check_rig_err_has(r, "c.yaml:6: kafka.properties: retries: ");
    check_rig_err_has(r, "c.yaml:7: kafka.properties: max.in.flight: ");
    check_rig_err_has(r, "c.yaml:8: kafka.properties: fetch.max.bytes: ");
    check_rig_err_has(r, "\n4 mistakes\n");
    assert_string_equal(check_rig_out(r), "");
}

static void a_file_that_is_no_certificate_is_told(void **state)
{
    struct check_rig *r = *state;

    check_rig_write(r, "targets:\n  m:\n    url: https://a\n    ca: README.md\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_CONFIG);
    check_rig_err_has(r, "c.yaml:4: targets.m: README.md holds no certificate of an authority\n");
    check_rig_write(r,
                    "targets: {m: {url: 'https://a', auth: certificate, certificate: README.md,\n"
                    "              key: README.md}}\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_CONFIG);
    check_rig_err_has(r, "targets.m: README.md and README.md are no certificate and key in PEM");
}

static void it_says_which_commands_are_ready(void **state)
{
    struct check_rig *r = *state;

    check_rig_write(r, "kafka: {brokers: a}\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_OK);
    check_rig_out_has(r, "consume              lacks\n");
    check_rig_out_has(r, "targets is empty: where to write is not known");
    check_rig_out_has(r, "publish              ready\n");
    assert_string_equal(check_rig_err(r), "");
    assert_int_equal(CHECK(r, "--config", "FILE", "--for", "publish"), COMMAND_OK);
    assert_int_equal(CHECK(r, "--config", "FILE", "--for", "consume"), COMMAND_CONFIG);
    check_rig_err_has(r, "1 mistake\n");
}

static void values_are_shown_with_their_origin_but_no_secret_is(void **state)
{
    struct check_rig *r = *state;

    check_rig_write(r, "targets: {m: {url: https://a, auth: bearer, token: hunter2}}\n"
                       "kafka: {properties: {sasl.password: hunter3, security.protocol: SSL}}\n");
    assert_int_equal(CHECK(r, "--config", "FILE", "--print"), COMMAND_OK);
    check_rig_out_has(r, "targets.m.url                        https://a ");
    check_rig_out_has(r, "c.yaml:1\n");
    check_rig_out_has(r, "targets.m.token                      (secret) ");
    check_rig_out_has(r, "kafka.properties.security.protocol   SSL ");
    check_rig_out_has(r, "# default\n");
    assert_null(strstr(check_rig_out(r), "hunter"));
    assert_null(strstr(check_rig_err(r), "hunter"));
}

static void the_sample_that_it_prints_is_good_for_every_command(void **state)
{
    struct check_rig *r = *state;

    assert_int_equal(CHECK(r, "--print-sample"), COMMAND_OK);
    check_rig_write(r, check_rig_out(r));
    assert_int_equal(CHECK(r, "--config", "FILE", "--for", "consume", "--for", "serve", "--for",
                           "publish", "--for", "dlq"),
                     COMMAND_OK);
    assert_string_equal(check_rig_err(r), A_VENDOR_S_WARNING); /* its target may be a vendor's */
    assert_int_equal(CHECK(r, "--print-docs"), COMMAND_OK);
    check_rig_out_has(r, "# Configuration\n");
}

static void words_that_make_no_sense_are_refused(void **state)
{
    struct check_rig *r = *state;

    assert_int_equal(CHECK(r, "--conect"), COMMAND_USAGE);
    check_rig_err_has(r, "'--conect' makes no sense here");
    assert_int_equal(CHECK(r, "--config"), COMMAND_USAGE);
    assert_int_equal(CHECK(r, "--for", "nobody"), COMMAND_USAGE);
    assert_int_equal(CHECK(r, "--help"), COMMAND_OK);
    check_rig_out_has(r, "usage: cmibridge check");
}

static void hours_and_zones_of_channels_and_queues_are_checked(void **state)
{
    struct check_rig *r = *state;

    check_rig_write(
        r, "channels:\n"
           "  a: {type: webhook, url: 'http://127.0.0.1:1/x', hours: '8-20',\n"
           "      zone: Europe/Helsinky}\n"
           "  b: {type: webhook, url: 'http://127.0.0.1:1/x', hours: 'Mo-Fr 08:00-20:00',\n"
           "      zone: UTC}\n"
           "chats.queues:\n"
           "  q: {id: 5B2B1B4A6B7F4B1B8E0F1A2B3C4D5E6F, channel: sms, name: Q,\n"
           "      hours: noon, zone: Europe/Helsinki}\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_CONFIG);
    check_rig_err_has(r, ":2: channels.a.hours: ");
    check_rig_err_has(r, ":8: chats.queues.q.hours: ");
    check_rig_err_has(r, "3 mistakes\n");
    check_rig_err_has(r,
                      ":3: channels.a.zone: 'Europe/Helsinky' is no time zone of this system; did "
                      "you mean Europe/Helsinki?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK_RIG_TEST(every_mistake_is_told_at_once_and_the_code_is_3),
        CHECK_RIG_TEST(types_that_no_target_takes_are_warned_of),
        CHECK_RIG_TEST(routes_that_part_what_belongs_together_are_warned_of),
        CHECK_RIG_TEST(what_only_the_library_knows_to_be_wrong_is_told_too),
        CHECK_RIG_TEST(what_each_part_knows_is_told_together_in_the_order_of_the_file),
        CHECK_RIG_TEST(properties_that_do_not_go_together_are_told_all_at_once),
        CHECK_RIG_TEST(a_file_that_is_no_certificate_is_told),
        CHECK_RIG_TEST(it_says_which_commands_are_ready),
        CHECK_RIG_TEST(values_are_shown_with_their_origin_but_no_secret_is),
        CHECK_RIG_TEST(the_sample_that_it_prints_is_good_for_every_command),
        CHECK_RIG_TEST(words_that_make_no_sense_are_refused),
        CHECK_RIG_TEST(hours_and_zones_of_channels_and_queues_are_checked),
    };

    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
