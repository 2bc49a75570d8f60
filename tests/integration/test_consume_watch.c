/*
 * cmibridge consume, watched and stopped: what an operator is told when an event does not end, of
 * names that nobody knows and of a Redis that refuses; how long an end may take.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "tests/fakes/consume_rig.h"
#include "tests/fakes/rights_doc.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define CALLBACK "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+35840000\"}"
#define CHANGED  "{\"customerNumber\":\"+35840000\",\"lastResult\":\"BUSY\",\"notes\":\"\"}"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Each of a key of its own. */
static const struct consume_rig_event independent[] = {
    {.key = "a", .type = "callback.requested", .subject = "callbacks/1", .body = CALLBACK},
    {.key = "b", .type = "callback.requested", .subject = "callbacks/2", .body = CALLBACK},
    {.key = "c", .type = "callback.requested", .subject = "callbacks/3", .body = CALLBACK},
    {.key = "d", .type = "callback.requested", .subject = "callbacks/4", .body = CALLBACK},
};

/* The consumer has as many requests out as there are events, and no reply comes. */
static void start_and_hold(struct consume_rig *rig, const struct consume_rig_options *options)
{
    consume_rig_begin(rig, options);
    hostile_http_default(rig->cmi, (struct hostile_step){.act = HOSTILE_HOLD});
    consume_rig_publish(rig, independent, COUNT(independent));
    consume_rig_look(rig); /* where each event lies */
    consume_rig_run(rig, NULL);
    hostile_http_wait(rig->cmi, COUNT(independent));
}

static void let_all_go(struct consume_rig *rig)
{
    hostile_http_default(rig->cmi, (struct hostile_step){.act = HOSTILE_CMI});
    hostile_http_release(rig->cmi);
}

/* ---- an event that does not end ---- */

static bool is_at_nothing(struct consume_rig_wait *w)
{
    return consume_rig_lives(w->rig) && consume_rig_metric(w->rig, w->text) == 0;
}

static void until_at_nothing(struct consume_rig *rig, const char *metric)
{
    consume_rig_until(&(struct consume_rig_wait){.rig = rig, .text = metric}, is_at_nothing,
                      "until there is nothing left of");
}

/* Its name, of the partition in which the event lies. */
static void name_lag(const struct consume_rig *rig, size_t event, char name[96])
{
    (void)snprintf(name, 96, "cmibridge_lag{topic=\"%s\",partition=\"%d\"}", rig->events_topic,
                   (int)rig->seen[event].partition);
}

static int64_t count_beside(const struct consume_rig *rig, size_t event)
{
    int64_t count = 0;

    for (size_t i = 0; i < rig->count; i++)
        count += rig->seen[i].partition == rig->seen[event].partition;
    return count;
}

static void what_stands_still_is_told_and_counted(void **state)
{
    struct consume_rig *rig = *state;
    char name[96];
    char expected[128];

    start_and_hold(rig, &(struct consume_rig_options){.consume = "  head_of_line: 1s\n"});
    (void)snprintf(expected, sizeof expected,
                   "event=head_of_line topic=%s partition=%d offset=0 age_ms=", rig->events_topic,
                   (int)rig->seen[0].partition);
    consume_rig_until_said(rig, expected);
    consume_rig_until_metric(rig, "cmibridge_head_of_line_seconds", 1);
    for (size_t i = 0; i < COUNT(independent); i++) {
        name_lag(rig, i, name);
        consume_rig_until_metric(rig, name, count_beside(rig, i));
        assert_int_equal(consume_rig_metric(rig, name), count_beside(rig, i));
    }
    let_all_go(rig);
    assert_true(consume_rig_until_done(rig));
    until_at_nothing(rig, "cmibridge_head_of_line_seconds");
    for (size_t i = 0; i < COUNT(independent); i++) {
        name_lag(rig, i, name);
        until_at_nothing(rig, name);
    }
    consume_rig_check_end(rig, 0);
}

/* ---- its end ---- */

/* What was out is done again by the next one, and said to be perhaps done twice. */
static void expect_the_next_to_end_it(struct consume_rig *rig)
{
    let_all_go(rig);
    consume_rig_run(rig, NULL);
    assert_true(consume_rig_until_done(rig));
    consume_rig_check_end(rig, 0);
    for (size_t i = 0; i < rig->count; i++)
        assert_true(rig->seen[i].said_duplicate);
}

static void an_end_waits_for_what_is_out_as_long_as_it_may(void **state)
{
    struct consume_rig *rig = *state;

    start_and_hold(rig, &(struct consume_rig_options){.drain_ms = 200});
    consume_rig_signal(rig, SIGTERM);
    assert_int_equal(consume_rig_ended(rig), COMMAND_OK);
    assert_true(consume_rig_said(rig, "event=drain_deadline topic=events-"));
    expect_the_next_to_end_it(rig);
}

static void who_is_told_twice_ends_at_once(void **state)
{
    struct consume_rig *rig = *state;

    start_and_hold(rig, NULL); /* which may take 20 s */
    consume_rig_signal(rig, SIGTERM);
    consume_rig_until_said(rig, "event=stopping");
    consume_rig_signal(rig, SIGTERM);
    assert_int_equal(consume_rig_ended(rig), COMMAND_FAILED);
    assert_true(consume_rig_said(rig, "event=stopped_at_once"));
    assert_false(consume_rig_said(rig, "event=drain_deadline"));
    expect_the_next_to_end_it(rig);
}

/* ---- what Redis lets it do ---- */

static void ask(struct consume_rig *rig, const char *command)
{
    assert_string_equal(redis_server_ask(rig->redis, command), "+OK");
}

static void a_right_that_is_taken_away_is_named(void **state)
{
    static const struct consume_rig_event events[] = {
        {.key = "a", .type = "callback.requested", .subject = "callbacks/a", .body = CALLBACK},
        {.key = "a", .type = "callback.updated", .subject = "callbacks/a", .body = CHANGED},
        {.key = "a", .type = "callback.updated", .subject = "callbacks/a", .body = CHANGED},
    };
    static const char refused[] = "references and the ledger: Redis refused it: NOPERM\n";
    static const char lacking[] =
        "its user may not run GETEX on the keys cmi:*, which consume needs";
    struct consume_rig *rig = *state;
    struct rights_doc doc;
    char command[RIGHTS_DOC_MAX + 64];
    const char *why;

    rights_doc_read(&doc);
    (void)snprintf(command, sizeof command, "ACL SETUSER bridge reset on >p ~cmi:*%s", doc.all);
    ask(rig, command);
    consume_rig_begin(rig,
                      &(struct consume_rig_options){.redis = "  user: bridge\n  password: p\n"});
    consume_rig_publish(rig, events, 2);
    consume_rig_run(rig, NULL);
    assert_true(consume_rig_until_done(rig));
    consume_rig_check_end(rig, 0);
    consume_rig_until_ready(rig);

    ask(rig, "ACL SETUSER bridge -getex");
    consume_rig_publish(rig, events + 2, 1);
    consume_rig_until_said(rig, "event=memory_failed reason=\"Redis refused it: NOPERM\"");
    assert_false(consume_rig_ready(rig, &why));
    if (strstr(why, refused) == NULL)
        fail_msg("'%s'", why);
    ask(rig, "ACL SETUSER bridge +getex");
    assert_true(consume_rig_until_done(rig));
    consume_rig_check_end(rig, 0);
    consume_rig_until_ready(rig);
    consume_rig_signal(rig, SIGTERM);
    assert_int_equal(consume_rig_ended(rig), COMMAND_OK);

    ask(rig,
        "ACL SETUSER bridge -getex"); /* at its start it is told before anything stands still */
    consume_rig_run(rig, NULL);
    consume_rig_until_said(rig, lacking);
    assert_false(consume_rig_ready(rig, &why));
    if (strstr(why, lacking) == NULL)
        fail_msg("'%s'", why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_still_is_told_and_counted),
        cmocka_unit_test(an_end_waits_for_what_is_out_as_long_as_it_may),
        cmocka_unit_test(who_is_told_twice_ends_at_once),
        cmocka_unit_test(a_right_that_is_taken_away_is_named),
    };

    return cmocka_run_group_tests(tests, consume_rig_set_up, consume_rig_tear_down);
}
