/* How long `cmibridge serve` keeps what it holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/serve_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH "Content-Type: application/cloudevents-batch+json\r\n"
#define OLD   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1"
#define NEW   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA2"
#define LATE  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA3"

/* A call of a customer; more: "\"time\":…," and the like, or ""; arrival: "\"arrivalTime\":…," or
 * "". */
static void ingest_call(struct serve_rig *rig, const char *id, const char *more,
                        const char *arrival)
{
    char batch[1024];
    struct probe_reply r;

    snprintf(batch, sizeof batch,
             "[{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/t\",\"type\":"
             "\"contact.received\",\"subject\":\"contacts/%s\",%s\"data\":{%s\"channel\":\"PHONE\","
             "\"type\":\"CallIn\",\"source\":\"+358401234567\",\"destination\":\"100\"}}]",
             id, id, more, arrival);
    r = probe_ask(rig->port, "POST", "/ingest", BATCH, batch);
    if (r.status != 200 || strstr(r.body.p, "\"status\":204") == NULL)
        fail_msg("%d %.*s", r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

static void expect_metric(struct serve_rig *rig, const char *line)
{
    struct probe_reply r = probe_ask(rig->admin_port, "GET", "/metrics", "", NULL);

    if (strstr(r.body.p, line) == NULL)
        fail_msg("/metrics lacks '%s'", line);
    probe_done(&r);
}

static void a_contact_goes_at_its_age_and_no_late_event_brings_it_back(void **state)
{
    struct serve_rig rig;

    (void)state;
    setenv("CMIBRIDGE_HISTORY_RETENTION_CONTACTS", "30d", 1);
    serve_rig_start(&rig, "");
    /* What arrived long ago and is told only now is stored, and goes with the next pass. */
    ingest_call(&rig, OLD, "", "\"arrivalTime\":\"2020-01-01T00:00:00Z\",");
    ingest_call(&rig, NEW, "", "");
    serve_expect(&rig, "GET", "/contacts/" OLD, "", NULL, 200, NULL);
    serve_rig_stop(&rig);
    serve_rig_restart(&rig);
    assert_true(serve_rig_await(&rig, "event=history_retention contacts=1 chats=0"));
    serve_expect(&rig, "GET", "/contacts/" OLD, "", NULL, 404, NULL);
    serve_expect(&rig, "GET", "/contacts/" NEW, "", NULL, 200, NULL);
    expect_metric(&rig, "cmibridge_history_expired_total{resource=\"contacts\"} 1\n");
    ingest_call(&rig, OLD, "\"time\":\"2020-01-01T00:00:00Z\",", "");
    ingest_call(&rig, LATE, "\"time\":\"2020-01-01T00:00:00Z\",", "");
    serve_expect(&rig, "GET", "/contacts/" OLD, "", NULL, 404, NULL);
    serve_expect(&rig, "GET", "/contacts/" LATE, "", NULL, 404, NULL);
    expect_metric(&rig, "cmibridge_ingest_events_total{result=\"expired\"} 2\n");
    expect_metric(&rig, "cmibridge_history_incomplete_contacts 0\n");
    serve_rig_done(&rig);
    unsetenv("CMIBRIDGE_HISTORY_RETENTION_CONTACTS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_contact_goes_at_its_age_and_no_late_event_brings_it_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
