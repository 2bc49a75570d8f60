/* What the configuration and an event say, as it comes out of `cmibridge consume`: what it does
 * where events were lost, how its log looks, whose trace a request is of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "tests/fakes/broker.h"
#include "tests/fakes/consume_rig.h"
#include "tests/fakes/json_lines.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define CALLBACK                                                                                   \
    .type = "callback.requested", .subject = "callbacks/a",                                        \
    .body = "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+35840000\"}"
#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

/* Of one key, so of one partition. */
static const struct consume_rig_event one[] = {{.key = "ann", CALLBACK}};

static void until_one_more_is_done(struct consume_rig *rig, const struct consume_rig_event *events,
                                   size_t count)
{
    consume_rig_publish(rig, events, count);
    consume_rig_run(rig, NULL);
    assert_true(consume_rig_until_done(rig));
}

static void end(struct consume_rig *rig)
{
    consume_rig_signal(rig, SIGTERM);
    assert_int_equal(consume_rig_ended(rig), COMMAND_OK);
}

/* More than a partition keeps: what was there before is gone. */
static void overflow(struct consume_rig *rig)
{
    enum { EVENTS = 10, BYTES = 900000 };
    static char large[BYTES];
    struct consume_rig_event events[EVENTS];

    memset(large, 'x', sizeof large);
    for (size_t i = 0; i < EVENTS; i++)
        events[i] = (struct consume_rig_event){.key = "ann",
                                               .type = "nobody.knows",
                                               .subject = "x",
                                               .body = large,
                                               .body_bytes = sizeof large,
                                               .fate = RIG_PASSED_OVER};
    consume_rig_publish(rig, events, EVENTS);
}

static void where_events_were_lost_it_stops_unless_it_is_to_go_on(void **state)
{
    struct consume_rig *rig = *state;

    broker_embedded_only("Apache Kafka keeps what is written here");
    consume_rig_begin(rig, NULL);
    until_one_more_is_done(rig, one, 1);
    end(rig);
    overflow(rig);
    consume_rig_run(rig, NULL);
    assert_int_equal(consume_rig_ended(rig), COMMAND_STOPPED);
    assert_true(consume_rig_said(rig, "the broker dropped what was not read"));
    assert_int_equal(hostile_http_count(rig->cmi), 1);

    consume_rig_configure(rig,
                          &(struct consume_rig_options){.more = "events:\n  on_gap: continue\n"});
    until_one_more_is_done(rig, one, 1);
    assert_true(consume_rig_said(rig, "event=kafka_offset_reset topic=events-"));
    assert_int_equal(hostile_http_count(rig->cmi), 2);
    end(rig);
}

static void the_log_is_json_where_the_configuration_says_so(void **state)
{
    struct consume_rig *rig = *state;
    struct view said;

    setenv("CMIBRIDGE_LOG_FORMAT", "json", 1);
    consume_rig_begin(rig, NULL);
    until_one_more_is_done(rig, one, 1);
    end(rig);
    unsetenv("CMIBRIDGE_LOG_FORMAT");
    said = buf_view(&rig->log);
    assert_true(consume_rig_said(rig, "\"level\":\"info\",\"event\":\"started\","));
    assert_true(consume_rig_said(rig, "\"event\":\"stopped\",\"exit_code\":0"));
    json_log(said);
}

/* It tells more of a trace, so without one it means nothing. */
static void a_tracestate_goes_along_with_its_trace(void **state)
{
    static const struct {
        const char *traceparent;
        const char *tracestate;
        const char *sent; /* NULL: none */
    } rows[] = {
        {TRACE, "vendor=a1,other@b=2", "vendor=a1,other@b=2"},
        {TRACE, NULL, NULL},
        {NULL, "vendor=a1", NULL},
    };
    struct consume_rig *rig = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct consume_rig_event event = {.key = "ann",
                                                .traceparent = rows[i].traceparent,
                                                .tracestate = rows[i].tracestate,
                                                CALLBACK};
        struct view sent;

        consume_rig_begin(rig, NULL);
        until_one_more_is_done(rig, &event, 1);
        sent = hostile_request_header(hostile_http_request(rig->cmi, 0), "tracestate");
        if (rows[i].sent == NULL ? sent.p != NULL : !view_is(sent, rows[i].sent))
            fail_msg("row %zu: '%.*s'", i, VIEW_ARG(sent));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_events_were_lost_it_stops_unless_it_is_to_go_on),
        cmocka_unit_test(the_log_is_json_where_the_configuration_says_so),
        cmocka_unit_test(a_tracestate_goes_along_with_its_trace),
    };

    return cmocka_run_group_tests(tests, consume_rig_set_up, consume_rig_tear_down);
}
