/* conf: what a command can't do without is demanded of it, and of no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/conf.h"
#include "config/schema.h"

#define MISTAKES_MAX (1 << 20)
#define NO_BROKERS                                                                                 \
    "f: kafka.brokers is missing: brokers to ask first, host:port with commas between\n"

static void expect(const char *yaml, unsigned users, const char *mistakes)
{
    struct buf b;

    buf_init(&b, MISTAKES_MAX);
    conf_free(conf_parse("f", view_of(yaml), users, &b));
    assert_string_equal(buf_text(&b), mistakes);
    buf_done(&b);
}

static void a_command_demands_what_it_can_t_do_without(void **state)
{
    (void)state;
    expect("", 0, "");
    expect("", USED_CONSUME, NO_BROKERS "f: targets is empty: where to write is not known\n");
    expect("", USED_SERVE,
           "f: server.users is missing: the users and their rights; or "
           "server.anonymous.login: the user that every caller is\n");
    expect("kafka: {brokers: a}\ntargets: {a: {url: http://a}, b: {url: http://b}}\n", USED_CONSUME,
           "f: routes is empty: which of the 2 targets takes what is not known\n");
}

static void schedule_needs_brokers_for_a_topic_of_outcomes_only(void **state)
{
    (void)state;
    expect("", USED_SCHEDULE, NO_BROKERS);
    expect("kafka: {outcomes_topic: o}\n", USED_SCHEDULE, NO_BROKERS);
    expect("kafka: {outcomes_topic: ''}\n", USED_SCHEDULE, "");
    expect("kafka: {outcomes_topic: ''}\n", USED_SCHEDULE | USED_PUBLISH, NO_BROKERS);
    expect("kafka: {outcomes_topic: ''}\n", USED_DLQ, NO_BROKERS);
    expect("kafka: {brokers: a}\n", USED_SCHEDULE, "");
}

/* It is not said twice. */
static void brokers_given_wrongly_are_not_missing(void **state)
{
    (void)state;
    expect("kafka: {brokers: 'a:1,'}\n", USED_SCHEDULE, "f:1: kafka.brokers ends in a comma\n");
}

#define MARK                                                                                       \
    "anchors (&), aliases (*) and tags (!) are not taken here; a text that begins so needs "       \
    "quotes\n"

/* A setting by an alias is as one given wrongly. */
static void an_alias_hides_no_other_mistake_and_makes_none(void **state)
{
    static const struct {
        const char *yaml;
        const char *mistakes;
    } rows[] = {
        {"kafka:\n  brokers: *b\n  offset_reset: *r\n  topics: *t\n  results_topic: one\n"
         "  dead_letters_topic: one\n"
         "targets:\n  main: {timeout: *t}\n  other: {url: *u, user: bob}\n"
         "routes:\n  message.*: mian\n  chat.*: *c\n  message.requestd: *m\n",
         "f:2: " MARK "f:3: " MARK "f:4: " MARK
         "f:5: kafka.results_topic and kafka.dead_letters_topic are both 'one'; they must differ\n"
         "f:8: " MARK "f:8: targets.main.url is missing: base address of the CMI\n"
         "f:9: " MARK "f:9: targets.other.user is given, but auth is none; it belongs to auth: "
         "basic\n"
         "f:11: routes.message.* names the target 'mian', which is not in targets; did you mean "
         "main?\n"
         "f:12: " MARK "f:13: " MARK
         "f:13: routes.message.requestd: there is no event type 'message.requestd'; "
         "did you mean message.requested?\n"},
        {"kafka: {brokers: a, topics: [*t, cmi-results]}\ntargets: {main: {url: 'http://a'}}\n",
         "f:1: " MARK
         "f:1: kafka.results_topic is 'cmi-results', which kafka.topics reads: a loop\n"},
        {"kafka: {brokers: a, topics: [*t]}\ntargets: {main: {url: 'http://a'}}\n", "f:1: " MARK},
        {"kafka: {brokers: a, grup: *x}\ntargets: {main: {timeout: 3s}}\nroutes: {'*': mian}\n",
         "f:1: " MARK "f:1: kafka.grup is no setting; did you mean kafka.group?\n"
         "f:2: targets.main.url is missing: base address of the CMI\n"
         "f:3: routes.* names the target 'mian', which is not in targets; did you mean main?\n"},
        /* what else is in a map that stands there by an alias, or is merged in, is not known */
        {"kafka: *k\n", "f:1: " MARK},
        {"targets: *t\nroutes: {'*': main}\n", "f:1: " MARK},
        {"kafka: {brokers: a}\ntargets:\n  main: {<<: *m, user: bob}\n", "f:3: " MARK},
        {"kafka: {brokers: a}\ntargets:\n  main: *m\n", "f:3: " MARK},
        {"*k : v\nretry: {base: 2min}\n", "f:1: " MARK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(rows[i].yaml, USED_CONSUME, rows[i].mistakes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_demands_what_it_can_t_do_without),
        cmocka_unit_test(schedule_needs_brokers_for_a_topic_of_outcomes_only),
        cmocka_unit_test(brokers_given_wrongly_are_not_missing),
        cmocka_unit_test(an_alias_hides_no_other_mistake_and_makes_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
