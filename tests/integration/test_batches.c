/* Batches of history events on their way from Kafka into the history: what is odd about one event
 * is that one's alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/core/token.h"
#include "tests/fakes/history_feed.h"
#include "tests/fakes/probe.h"

#include <stdio.h>
#include <string.h>

#define BATCH "Content-Type: application/cloudevents-batch+json\r\n"

/* id and source are filled up to that many bytes; deep: how deep the data of one is nested. */
static void put_event(struct buf *to, int n, size_t id, size_t source, unsigned deep)
{
    char filling[1024];

    memset(filling, 'x', sizeof filling);
    buf_printf(to, "%s{\"specversion\":\"1.0\",\"id\":\"%04d%.*s\",\"source\":\"/%.*s\",",
               n > 0 ? "," : "[", n, (int)id - 4, filling, (int)source - 1, filling);
    buf_printf(to,
               "\"type\":\"contact.received\",\"subject\":\"contacts/c%d\",\"partitionkey\":"
               "\"k%d\",\"time\":\"2024-03-04T08:00:20Z\",\"data\":{\"channel\":\"PHONE\",\"type\":"
               "\"CallIn\",\"source\":\"1\",\"destination\":\"2\",\"note\":",
               n, n);
    for (unsigned i = 1; i < deep; i++)
        buf_put_char(to, '[');
    if (deep <= 1)
        buf_put_char(to, '0');
    for (unsigned i = 1; i < deep; i++)
        buf_put_char(to, ']');
    buf_put_text(to, "}}");
}

/* Nothing that consume passes is too deep for the server, and the answer to a full batch of long
 * names is understood. One feed for both: it leaves threads behind that a rig's fork can't have. */
static void all_that_consume_passes_is_stored(void **state)
{
    struct history_rig rig;
    struct buf deep;
    struct buf long_names;
    struct view batches[2];

    (void)state;
    rig_init(&rig);
    rig_start(&rig);
    buf_init(&deep, 1 << 20);
    for (int i = 0; i < 100; i++)
        put_event(&deep, i, 10, 10, i == 60 ? TOKEN_DEPTH_MAX - 1 : i == 70 ? TOKEN_DEPTH_MAX : 1);
    buf_put_char(&deep, ']');
    buf_init(&long_names, 2 << 20);
    for (int i = 0; i < 400; i++)
        put_event(&long_names, i, 250, 1000, 1);
    buf_put_char(&long_names, ']');
    batches[0] = buf_view(&deep);
    batches[1] = buf_view(&long_names);
    history_feed(&rig, batches, 2);
    buf_done(&deep);
    buf_done(&long_names);
    rig_stop(&rig);
    rig_done(&rig);
}

static void what_is_wrong_inside_of_an_event_refuses_that_one(void **state)
{
    static const char *const inside[] = {"nul", "{\"id\":\"x\",\"data\":01}", "{\"\xff\":1}",
                                         "{\"id\":\"\\ud800\"}"};

    (void)state;
    for (size_t i = 0; i <= sizeof inside / sizeof *inside; i++) {
        struct history_rig rig;
        struct probe_reply r;
        struct buf events;

        rig_init(&rig);
        rig_start(&rig);
        buf_init(&events, 1 << 16);
        put_event(&events, 0, 4, 1, 1);
        if (i < sizeof inside / sizeof *inside)
            buf_printf(&events, ",%s", inside[i]);
        else
            put_event(&events, 1, 4, 1, TOKEN_DEPTH_MAX + 1);
        put_event(&events, 2, 4, 1, 1);
        buf_put_char(&events, ']');
        r = probe_ask(rig.port, "POST", "/ingest", BATCH, buf_text(&events));
        assert_int_equal(r.status, 200);
        assert_non_null(strstr(r.body.p, "[{\"id\":\"0000\",\"source\":\"/\",\"status\":204},{"));
        assert_non_null(strstr(r.body.p, "\"status\":400,\"error\":\""));
        assert_non_null(strstr(r.body.p, "},{\"id\":\"0002\",\"source\":\"/\",\"status\":204}]"));
        probe_done(&r);
        buf_done(&events);
        rig_stop(&rig);
        rig_done(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_inside_of_an_event_refuses_that_one),
        cmocka_unit_test(all_that_consume_passes_is_stored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
