/* Lists of things of one millisecond: their ids break the tie, and pages lead through all of them,
 * once each, though others come between and move them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/core/guid.h"
#include "tests/fakes/history_ask.h"
#include "tests/fakes/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX (64 << 10) /* bytes of a batch */
#define TARGET_MAX 1024
#define FIRST      12    /* things at first, so far apart in their last bytes: */
#define APART      0x100 /* what comes between goes on halving that */
#define ALL_MAX    (FIRST + FIRST * 8)
#define KEPT       "018F4890E4007A00ABCD" /* how an id of UUIDv7 begins, for days */
#define HIGH       "FFFFFFFFFFFFFFFFFFFF"

struct kind {
    const char *type;
    const char *subject;
    const char *data;
};

static const struct kind chat = {
    "contact.received", "contacts",
    "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"+358401234567\",\"destination\":"
    "\"2\",\"subject\":\"an included word\",\"queueId\":\"" RIG_QUEUE_ID "\"}"};
static const struct kind email = {
    "email.received", "emails",
    "{\"from_queue\":{\"id\":\"" RIG_QUEUE_ID "\"},\"title\":\"t\",\"content\":\"c\","
    "\"originator\":\"a@b.fi\",\"destination\":\"c@d.fi\",\"case_id\":\"C1\"}"};
static const struct kind recording = {
    "callrecording.created", "callRecordings",
    "{\"call_id\":\"AA000000000000000000000000000001\",\"contact_id\":"
    "\"AA000000000000000000000000000002\",\"owner_id\":\"AA000000000000000000000000000003\","
    "\"owner_type\":\"user\",\"owner_name\":\"n\",\"file_name\":\"f\"}"};
static const struct kind script = {
    "scriptresult.saved", "scriptResults",
    "{\"script_id\":\"AA000000000000000000000000000001\",\"name\":\"n\",\"contact_id\":"
    "\"AA000000000000000000000000000002\",\"scriptquestions\":[]}"};

static const struct list {
    const struct kind *of;
    const char *target;
    bool down; /* ids, from the greatest on */
} lists[] = {
    {&chat, "/contacts?", false},
    {&chat, "/contacts?sort=-arrivalTime&", false},
    {&chat, "/contacts?sort=arrivalTime&", true},
    {&chat, "/contacts?sort=source&", false},
    {&chat, "/contacts?sort=-agentName&", false},
    {&chat, "/contacts?source=*4567&", false},
    {&chat, "/contacts?subject=included&", false},
    {&chat, "/contacts?subject=included&source=%2B358*&", false},
    {&chat, "/chats?", false},
    {&chat, "/chats?originator=%2B358401234567&", false},
    {&email, "/emails?", false},
    {&email, "/emails?case_id=C1&", false},
    {&recording, "/callRecordings?", false},
    {&script, "/scriptResults?", false},
};

static struct history_rig rig;

/* ---- what is stored ---- */

static void put_event(struct buf *to, const struct kind *kind, const char *prefix, unsigned low)
{
    static unsigned count;

    buf_printf(to,
               "%s{\"specversion\":\"1.0\",\"id\":\"%u\",\"source\":\"/cc\",\"type\":\"%s\","
               "\"subject\":\"%s/%s%012X\",\"time\":\"2024-05-05T10:00:00Z\",\"data\":%s}",
               to->n == 0 ? "[" : ",", ++count, kind->type, kind->subject, prefix, low, kind->data);
}

static void ingest(struct buf *events)
{
    buf_put_char(events, ']');
    history_ask_ingest(&rig, buf_text(events));
    buf_done(events);
}

/* In one of several orders. */
static void store(const struct kind *kind, const char *prefix, size_t order)
{
    struct buf events;

    buf_init(&events, EVENTS_MAX);
    for (unsigned i = 0; i < FIRST; i++) {
        const unsigned at[] = {i, FIRST - 1 - i, i * 5 % FIRST};

        put_event(&events, kind, prefix, (at[order % 3] + 1) * APART);
    }
    ingest(&events);
}

/* Each nearer to it, on both sides, until there is no room between. */
static void store_beside(const struct kind *kind, const char *prefix, unsigned low)
{
    struct buf events;

    buf_init(&events, EVENTS_MAX);
    for (unsigned by = APART / 2; by > 8; by /= 2) {
        put_event(&events, kind, prefix, low + by);
        put_event(&events, kind, prefix, low - by + 1);
    }
    ingest(&events);
}

/* ---- what is listed ---- */

static size_t ids_of(const struct probe_reply *r, const char *prefix, unsigned *lows)
{
    char mark[64];
    size_t n = 0;

    snprintf(mark, sizeof mark, "\"id\":\"%s", prefix);
    for (const char *at = strstr(r->body.p, mark); at != NULL; at = strstr(at + 1, mark)) {
        assert_true(n < ALL_MAX);
        lows[n++] = (unsigned)strtoul(at + strlen(mark), NULL, 16);
    }
    return n;
}

static bool next_of(struct probe_reply *r, char target[TARGET_MAX])
{
    const char *link = probe_header(r, "Link");
    size_t n = strcspn(link, ">");

    if (n == 0)
        return false;
    assert_true(n < TARGET_MAX);
    memcpy(target, link + 1, n - 1);
    target[n - 1] = '\0';
    return true;
}

static void walk(const struct list *list, const char *prefix, int limit, bool meanwhile)
{
    char target[TARGET_MAX];
    unsigned lows[ALL_MAX];
    unsigned last = list->down ? UINT32_MAX : 0;
    size_t first = 0;

    snprintf(target, sizeof target, BASE "%slimit=%d", list->target, limit);
    for (bool more = true; more;) {
        struct probe_reply r = probe_ask(rig.port, "GET", target, "", NULL);
        size_t n = ids_of(&r, prefix, lows);

        if (r.status != 200)
            fail_msg("%s: %d %.*s", target, r.status, VIEW_ARG(r.body));
        for (size_t i = 0; i < n; last = lows[i++]) {
            if (list->down ? lows[i] >= last : lows[i] <= last)
                fail_msg("%s: %X after %X", target, lows[i], last);
            first += lows[i] % APART == 0;
        }
        more = next_of(&r, target);
        if (meanwhile && n > 0 && last % APART == 0)
            store_beside(list->of, prefix, last);
        probe_done(&r);
    }
    if (first != FIRST)
        fail_msg("%s: %zu of %d", list->target, first, FIRST);
}

static void pages_lead_through_a_tie_though_others_come_between(void **state)
{
    static const char *const prefixes[] = {KEPT, HIGH};

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        rig_init(&rig);
        rig_start(&rig);
        for (size_t p = 0; p < 2; p++) {
            store(lists[i].of, prefixes[p], i + p);
            if (p == 0)
                walk(&lists[i], prefixes[p], 1000, false);
            walk(&lists[i], prefixes[p], p == 0 ? 1 : 3, true);
            walk(&lists[i], prefixes[p], p == 0 ? 3 : 1, false);
        }
        rig_stop(&rig);
        rig_done(&rig);
    }
}

/* ---- POST …/listenLog: ids and times are the server's ---- */

#define LOG_ENTRIES 30

static void a_recording_s_logs_are_listed_once_each(void **state)
{
    char target[TARGET_MAX] = BASE "/callRecordings/" KEPT "000000000100/listenLog?limit=1";
    char ids[LOG_ENTRIES][GUID_HEX_LEN + 1];
    size_t seen = 0;

    (void)state;
    rig_init(&rig);
    rig_start(&rig);
    store(&recording, KEPT, 0);
    for (int i = 0; i < LOG_ENTRIES; i++) {
        struct probe_reply r =
            probe_ask(rig.port, "POST", BASE "/callRecordings/" KEPT "000000000100/listenLog",
                      "Content-Type: application/json\r\n",
                      "{\"description\":\"d\",\"userSessionId\":\"s\"}");

        assert_int_equal(r.status, 201);
        snprintf(ids[i], sizeof ids[i], "%.*s", VIEW_ARG(r.body));
        probe_done(&r);
    }
    for (bool more = true; more; seen++) {
        struct probe_reply r = probe_ask(rig.port, "GET", target, "", NULL);
        int found = 0;

        assert_int_equal(r.status, 200);
        for (int i = 0; i < LOG_ENTRIES; i++)
            if (ids[i][0] != '-' && strstr(r.body.p, ids[i]) != NULL) {
                ids[i][0] = '-';
                found++;
            }
        assert_int_equal(found, 1);
        more = next_of(&r, target);
        probe_done(&r);
    }
    assert_int_equal(seen, LOG_ENTRIES);
    rig_stop(&rig);
    rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_lead_through_a_tie_though_others_come_between),
        cmocka_unit_test(a_recording_s_logs_are_listed_once_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
