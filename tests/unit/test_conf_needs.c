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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_demands_what_it_can_t_do_without),
        cmocka_unit_test(schedule_needs_brokers_for_a_topic_of_outcomes_only),
        cmocka_unit_test(brokers_given_wrongly_are_not_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
