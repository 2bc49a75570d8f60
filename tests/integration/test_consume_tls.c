/* A target over TLS, from the configuration to the request: its authorities and our certificate are
 * those that the configuration names, for `consume` and for `check --connect`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/certificates.h"
#include "tests/fakes/consume_rig.h"
#include "tests/fakes/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct certificates made;

static const struct consume_rig_event events[] = {
    {.key = "ann",
     .type = "callback.requested",
     .subject = "callbacks/a",
     .body = "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+35840000\"}"},
    {.key = "ben",
     .type = "contact.queued",
     .subject = "contacts/00000000-0000-4000-8000-000000000001",
     .body = "{\"queueId\":\"F5168FBDD6914C8DB1C6D0BD64563A39\"}"},
};

#define EVENTS (sizeof events / sizeof events[0])

/* What `check --connect` says of the target, and of its ingest endpoint. */
static void check_says(const struct consume_rig *rig, const char *word)
{
    static const char *const peers[] = {"target cmi", "target cmi ingest"};
    char command[256];
    struct buf said;

    buf_init(&said, 1 << 16);
    snprintf(command, sizeof command,
             "\"$CMIBRIDGE_BIN\" check --config %s/cmibridge.yaml --for consume --connect 2>&1; :",
             rig->dir);
    assert_int_equal(shell_run(command, &said), 0);
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        char line[64];

        snprintf(line, sizeof line, "%-20s %-6s ", peers[i], word);
        if (strstr(buf_text(&said), line) == NULL)
            fail_msg("%sis not in:\n%s", line, buf_text(&said));
    }
    buf_done(&said);
}

/* A CMI of our authority that asks for a client's certificate of it; and one of each kind of event,
 * for the CMI and for its ingest endpoint. `who`: whose certificate is shown; NULL: none. `ca`:
 * whose servers are trusted; NULL: the system's. */
static void begin(struct consume_rig *rig, const char *who, const char *ca)
{
    char target[512] = "";
    char name[2][32];
    size_t n = 0;

    if (who != NULL) {
        snprintf(name[0], sizeof name[0], "%s.pem", who);
        snprintf(name[1], sizeof name[1], "%s.key", who);
        n = (size_t)snprintf(target, sizeof target,
                             "    auth: certificate\n    certificate: %s\n    key: %s\n",
                             certificates_file(&made, name[0]), certificates_file(&made, name[1]));
    }
    if (ca != NULL)
        snprintf(target + n, sizeof target - n, "    ca: %s\n", certificates_file(&made, ca));
    consume_rig_begin(rig,
                      &(struct consume_rig_options){.target = target,
                                                    .tls = {certificates_file(&made, "server.pem"),
                                                            certificates_file(&made, "server.key"),
                                                            certificates_file(&made, "ours.pem")}});
    consume_rig_publish(rig, events, EVENTS);
    consume_rig_run(rig, NULL);
}

static void the_certificate_and_the_authority_that_are_named_are_used(void **state)
{
    struct consume_rig *rig = *state;

    begin(rig, "client", "ours.pem");
    assert_true(consume_rig_until_done(rig));
    consume_rig_check_end(rig, 0);
    assert_int_equal(hostile_http_count(rig->cmi), EVENTS);
    check_says(rig, "ok");
}

/* Neither a request nor a password goes to whom only others trust. */
static void without_them_nothing_is_written(void **state)
{
    static const struct {
        const char *who;
        const char *ca;
        const char *why; /* NULL: that is the server's to say */
    } rows[] = {
        {"client", NULL, "certificate"},
        {"client", "theirs.pem", "certificate"},
        {"stranger", "ours.pem", NULL},
        {NULL, "ours.pem", NULL},
    };
    struct consume_rig *rig = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *why;

        begin(rig, rows[i].who, rows[i].ca);
        consume_rig_until_said(rig, "event=breaker target=cmi state=open");
        assert_false(consume_rig_ready(rig, &why));
        if (strstr(why, "target cmi: ") == NULL ||
            (rows[i].why != NULL && strstr(why, rows[i].why) == NULL))
            fail_msg("row %zu: %s", i, why);
        if (i == 0) /* the plan is one; each look at the brokers takes its seconds */
            check_says(rig, "FAILED");
        assert_int_equal(hostile_http_count(rig->cmi), 0);
    }
}

static int set_up(void **state)
{
    struct consume_rig *rig = malloc(sizeof *rig);

    certificates_make(&made);
    consume_rig_start(rig);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    consume_rig_stop(*state);
    free(*state);
    certificates_remove(&made);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_certificate_and_the_authority_that_are_named_are_used),
        cmocka_unit_test(without_them_nothing_is_written),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
