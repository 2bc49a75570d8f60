/* How long a contact has lasted, waited, been handled and wrapped up: against the current time,
 * which is read before and after each answer, while that goes on (contract 20). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/datetime.h"
#include "bridge/core/num.h"
#include "tests/fakes/serve_rig.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define BATCH   "Content-Type: application/cloudevents-batch+json\r\n"
#define MINUTE  INT64_C(60000)
#define WRAP_UP (30 * MINUTE) /* wrapup.max; the default is in test_history_gets */
#define NEVER   INT64_MIN

static struct serve_rig rig;

static int start(void **state)
{
    (void)state;
    serve_rig_start(&rig, "wrapup: {max: 30min}\n");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec t;

    assert_int_equal(clock_gettime(CLOCK_REALTIME, &t), 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

enum { RECEIVED, ACCEPTED, ENDED, CLOSED, EVENTS };
static const char *const types[EVENTS] = {"received", "accepted", "ended", "closed"};
static const char *const data[EVENTS] = {
    "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"1\",\"destination\":\"2\"}",
    "{\"agentId\":\"A1000000000000000000000000000000\"}", "{}", "{}"};

static void ingest(const char *id, unsigned event, int64_t at_ms)
{
    char time[DATETIME_TEXT_MAX];
    char batch[512];
    struct probe_reply r;

    datetime_format(at_ms, time);
    snprintf(
        batch, sizeof batch,
        "[{\"specversion\":\"1.0\",\"id\":\"%s-%u\",\"source\":\"/cc\",\"type\":\"contact.%s\","
        "\"subject\":\"contacts/%s\",\"time\":\"%s\",\"data\":%s}]",
        id, event, types[event], id, time, data[event]);
    r = probe_ask(rig.port, "POST", "/ingest", BATCH, batch);
    if (r.status != 200 || strstr(r.body.p, "error") != NULL)
        fail_msg("%s of %s: %d %.*s", types[event], id, r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

/* ---- what must be shown ---- */

struct span {
    const char *name;
    int64_t from_ms; /* NEVER: it is not shown */
    int64_t to_ms;   /* NEVER: to the time of the answer */
    int64_t most_ms; /* of what has no end; 0: no bound */
};

/* At that time; -1: it is not shown. */
static int64_t length(const struct span *s, int64_t now)
{
    int64_t ms = 0;

    if (s->from_ms == NEVER)
        return -1;
    ms = (s->to_ms != NEVER ? s->to_ms : now) - s->from_ms;
    if (s->to_ms == NEVER && s->most_ms > 0 && ms > s->most_ms)
        return s->most_ms;
    return ms > 0 ? ms : 0;
}

/* The number of that name in JSON or XML; -1: there is none. */
static int64_t number_of(const struct probe_reply *r, const char *name, bool xml)
{
    char before[64];
    const char *at = NULL;
    struct view digits;
    int64_t n = -1;

    snprintf(before, sizeof before, xml ? "<%s>" : "\"%s\":", name);
    at = strstr(r->body.p, before);
    if (at == NULL)
        return -1;
    digits.p = at + strlen(before);
    digits.n = strspn(digits.p, "0123456789");
    assert_true(num_int(digits, &n));
    return n;
}

static void expect_span(const char *path, bool xml, const struct span *spans, size_t count)
{
    int64_t before = now_ms();
    struct probe_reply r =
        serve_ask(&rig, "GET", path, xml ? "Accept: application/xml\r\n" : "", NULL);
    int64_t after = now_ms();

    assert_int_equal(r.status, 200);
    for (size_t i = 0; i < count; i++) {
        int64_t shown = number_of(&r, spans[i].name, xml);

        if (shown < length(&spans[i], before) || shown > length(&spans[i], after))
            fail_msg("%s: %s is %lld, not %lld to %lld: %.*s", path, spans[i].name,
                     (long long)shown, (long long)length(&spans[i], before),
                     (long long)length(&spans[i], after), VIEW_ARG(r.body));
    }
    probe_done(&r);
}

/* What became of it how long ago; negative: by a clock that is ahead of the server's. */
static const struct {
    const char *id;
    int64_t ago[EVENTS];
} contacts[] = {
    /* it waits */
    {"D1000000000000000000000000000000", {2 * MINUTE, NEVER, NEVER, NEVER}},
    /* it is being handled */
    {"D2000000000000000000000000000000", {9 * MINUTE, 7 * MINUTE, NEVER, NEVER}},
    /* it is being wrapped up, and for longer than that may last */
    {"D3000000000000000000000000000000", {20 * MINUTE, 15 * MINUTE, 5 * MINUTE, NEVER}},
    {"D4000000000000000000000000000000", {90 * MINUTE, 80 * MINUTE, 50 * MINUTE, NEVER}},
    /* all is over */
    {"D5000000000000000000000000000000", {90 * MINUTE, 80 * MINUTE, 50 * MINUTE, 48 * MINUTE}},
    {"D6000000000000000000000000000000", {90 * MINUTE, NEVER, 88 * MINUTE, NEVER}},
    /* by that clock it begins, is accepted, ends in an hour or so */
    {"D7000000000000000000000000000000", {-60 * MINUTE, NEVER, NEVER, NEVER}},
    {"D8000000000000000000000000000000", {9 * MINUTE, -50 * MINUTE, NEVER, NEVER}},
    {"D9000000000000000000000000000000", {9 * MINUTE, 7 * MINUTE, -60 * MINUTE, NEVER}},
};

static void what_lasts_has_lasted_until_now(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof contacts / sizeof *contacts; i++) {
        int64_t begin = now_ms();
        int64_t at[EVENTS];
        char path[128];

        for (unsigned e = 0; e < EVENTS; e++) {
            at[e] = contacts[i].ago[e] == NEVER ? NEVER : begin - contacts[i].ago[e];
            if (at[e] != NEVER)
                ingest(contacts[i].id, e, at[e]);
        }
        const struct span spans[] = {
            {"totalDuration", at[RECEIVED], at[ENDED], 0},
            {"waitingDuration", at[RECEIVED], at[ACCEPTED] != NEVER ? at[ACCEPTED] : at[ENDED], 0},
            {"handlingDuration", at[ACCEPTED], at[ENDED], 0},
            {"wrapUpTotalDuration", at[ACCEPTED] != NEVER ? at[ENDED] : NEVER, at[CLOSED], WRAP_UP},
        };

        for (int xml = 0; xml < 2; xml++) {
            snprintf(path, sizeof path, "/contacts/%s?statistics=true", contacts[i].id);
            expect_span(path, xml, spans, 4);
            snprintf(path, sizeof path, "/contacts?id=%s&statistics=true", contacts[i].id);
            expect_span(path, xml, spans, 4);
            snprintf(path, sizeof path, "/contacts/%s", contacts[i].id);
            expect_span(path, xml, spans, 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lasts_has_lasted_until_now),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
