#include "tests/fakes/send_rig_in.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/json_walk.h"
#include "bridge/core/num.h"
#include "bridge/io/kafka_reader.h"
#include "standalone/file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOG_MAX (16u << 20)

/* ---- what is in a line ---- */

static struct view member(struct view object, const char *key)
{
    struct json_walk w;
    struct view name;
    struct view value;

    assert_true(json_walk_init(&w, object));
    while (json_walk_next(&w, &name, &value))
        if (name.n == strlen(key) + 2 && memcmp(name.p + 1, key, name.n - 2) == 0)
            return value.n >= 2 && value.p[0] == '"' ? (struct view){value.p + 1, value.n - 2}
                                                     : value;
    return VIEW_NONE;
}

static int64_t member_int(struct view object, const char *key)
{
    int64_t n = 0;

    return num_int(member(object, key), &n) ? n : 0;
}

static size_t message_of(const struct send_rig *rig, struct view id)
{
    size_t i = 0;

    while (i < rig->message_count && !view_is(id, rig->messages[i].id))
        i++;
    assert_true(i < rig->message_count);
    return i;
}

/* ---- what the carrier saw ---- */

/* Of a key as the webhook channel makes it: message, hyphen, destination. */
static struct send_rig_seen *destination_of(struct send_rig *rig, struct view key, size_t *message)
{
    int64_t dest = 0;

    *message = message_of(rig, view_cut(&key, '-'));
    assert_true(num_in(key, 0, (int64_t)rig->messages[*message].count - 1, &dest));
    return &rig->messages[*message].seen[dest];
}

static struct send_rig_seen *see(struct send_rig *rig, struct view key, int64_t time_ms)
{
    size_t at;
    struct send_rig_seen *seen = destination_of(rig, key, &at);

    if (time_ms < rig->messages[at].send_ms)
        fail_msg("message %zu was sent %d ms too early", at,
                 (int)(rig->messages[at].send_ms - time_ms));
    seen->requests++;
    rig->lines++;
    if (rig->lines == 1 || time_ms < rig->first_line_ms)
        rig->first_line_ms = time_ms;
    if (time_ms > rig->last_line_ms)
        rig->last_line_ms = time_ms;
    return seen;
}

static void look_at_log(struct send_rig *rig)
{
    struct buf text;
    struct view rest;
    struct fault f = {0};

    if (access(rig->log, F_OK) != 0)
        return; /* nothing was sent yet */
    buf_init(&text, LOG_MAX);
    assert_true(file_get(rig->log, &text, &f));
    rest = buf_view(&text);
    while (view_has(rest, '\n')) { /* the last one may be half written */
        struct view line = view_cut(&rest, '\n');

        see(rig, member(line, "idempotency_key"), member_int(line, "time_ms"))->accepted++;
    }
    buf_done(&text);
}

/* Its answer counts as one. */
static bool is_answered(enum hostile_act act)
{
    return act == HOSTILE_CMI || act == HOSTILE_REPLY || act == HOSTILE_HOLD ||
           act == HOSTILE_REPLY_AND_CLOSE || act == HOSTILE_BYTES || act == HOSTILE_TOO_LONG ||
           act == HOSTILE_HUGE_BODY || act == HOSTILE_CHUNKS;
}

/* The number of the attempt goes up as far as it may, retryDelay after the one before; the same one
 * again is a repetition of what came to nothing, and one that is left out has never arrived. */
static void check_attempt(const struct send_rig_sent *m, struct send_rig_seen *seen,
                          unsigned attempt, int64_t time_ms)
{
    if (attempt < seen->attempt || attempt < 1)
        fail_msg("message %s: attempt %u after %u", m->id, attempt, seen->attempt);
    if (attempt > 1 + (unsigned)m->as.retries)
        fail_msg("message %s: attempt %u of %d", m->id, attempt, 1 + m->as.retries);
    if (attempt > seen->attempt && attempt > 1 && time_ms < seen->at_ms + m->as.retry_ms)
        fail_msg("message %s: attempt %u comes %d ms after the one before", m->id, attempt,
                 (int)(time_ms - seen->at_ms));
    seen->attempt = attempt;
}

static void look_at_requests(struct send_rig *rig)
{
    size_t count = hostile_http_count(rig->options.carrier);

    for (size_t i = 0; i < count; i++) {
        const struct hostile_request *r = hostile_http_request(rig->options.carrier, i);
        struct view key = hostile_request_header(r, "Idempotency-Key");
        int64_t time_ms = r->time_ms + rig->clock_ms;
        struct send_rig_seen *seen = see(rig, key, time_ms);
        size_t at;

        (void)destination_of(rig, key, &at);
        check_attempt(&rig->messages[at], seen, (unsigned)member_int(r->body, "attempt"), time_ms);
        seen->at_ms = time_ms;
        seen->accepted += r->effect;
        seen->lost += r->effect && !is_answered(r->act);
        seen->unclear += (r->status >= 500 && r->status != 501 && r->status != 503) ||
                         (r->status >= 300 && r->status <= 303);
    }
}

size_t send_rig_destination(struct send_rig *rig, const struct hostile_request *r)
{
    size_t at;
    const struct send_rig_seen *seen =
        destination_of(rig, hostile_request_header(r, "Idempotency-Key"), &at);

    return (size_t)(seen - rig->messages[at].seen);
}

int64_t send_rig_parts(const struct hostile_request *r)
{
    return member_int(r->body, "parts");
}

void send_rig_look(struct send_rig *rig)
{
    for (size_t m = 0; m < rig->message_count; m++)
        for (size_t i = 0; i < rig->messages[m].count; i++) {
            struct send_rig_seen *seen = &rig->messages[m].seen[i];

            seen->requests = seen->accepted = seen->lost = seen->unclear = seen->attempt = 0;
            seen->at_ms = 0;
        }
    rig->lines = 0;
    if (rig->options.carrier != NULL)
        look_at_requests(rig);
    else
        look_at_log(rig);
}

void send_rig_until_lines(struct send_rig *rig, size_t count)
{
    for (int i = 0; i < SEND_RIG_LOOKS_MAX; i++) {
        send_rig_look(rig);
        if (rig->lines >= count)
            return;
        send_rig_pause();
    }
    send_rig_print_log(rig);
    fail_msg("the carrier has %zu messages; %zu were waited for", rig->lines, count);
}

/* ---- outcomes ---- */

static struct view header(const struct record *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (view_is(r->headers[i].name, name))
            return r->headers[i].value;
    return VIEW_NONE;
}

static void hear(struct send_rig *rig, size_t at, struct view type, struct view value)
{
    int64_t dest = member_int(value, "destination");
    struct send_rig_seen *seen;

    assert_true(dest >= 0 && (size_t)dest < rig->messages[at].count);
    seen = &rig->messages[at].seen[dest];
    if (view_is(member(value, "possible_duplicate"), "true"))
        seen->flagged = true;
    if (view_is(type, "message.destination.handled"))
        seen->handled = true;
    if (view_is(type, "message.destination.failed"))
        seen->failed = true;
    if (seen->handled || seen->failed)
        seen->ended = (unsigned)member_int(value, "attempt");
    view_copy(member(value, "reason"), seen->reason, sizeof seen->reason);
}

static bool on_outcome(void *ctx, const struct record *r, int64_t done, int64_t total,
                       struct fault *f)
{
    struct send_rig *rig = ctx;
    struct view type = header(r, "ce_type");
    size_t at;

    (void)done, (void)total, (void)f;
    if (view_starts(type, VIEW("callback."))) {
        rig->callback_results++;
        if (view_is(member(r->value, "possible_duplicate"), "true"))
            rig->callback_flagged++;
        rig->callback_over = rig->callback_over || !view_is(type, "callback.attempted");
        return true;
    }
    if (view_is(type, "consent.overtaken")) {
        rig->withdrawals++;
        view_copy(r->value, rig->overtaken, sizeof rig->overtaken);
        return true;
    }
    at = message_of(rig, member(r->value, "message"));
    if (view_starts(type, VIEW("message.destination."))) {
        hear(rig, at, type, r->value);
        return true;
    }
    rig->messages[at].completed |= view_is(type, "message.completed");
    rig->messages[at].cancelled |= view_is(type, "message.cancelled");
    rig->messages[at].handled = member_int(r->value, "handled");
    rig->messages[at].failed = member_int(r->value, "failed");
    rig->messages[at].in_flight = member_int(r->value, "inFlight");
    return true;
}

static void look_at_outcomes(struct send_rig *rig)
{
    const struct kafka_property quick = {"fetch.wait.max.ms", "10"};
    const struct kafka_conf conf = {
        .brokers = kafka_broker_bootstrap(rig->kafka), .properties = &quick, .property_count = 1};
    struct fault f = {0};
    struct kafka_reader *reader = kafka_reader_new(&conf, &f);
    char topic[32];

    assert_non_null(reader);
    rig->callback_results = rig->callback_flagged = rig->withdrawals = 0;
    (void)snprintf(topic, sizeof topic, "outcomes-%u", rig->number);
    if (!kafka_reader_scan(reader, topic, on_outcome, rig, NULL, &f))
        fail_msg("%s", f.text);
    kafka_reader_free(reader);
}

void send_rig_until_outcomes(struct send_rig *rig, bool (*holds)(struct send_rig *rig))
{
    for (int i = 0; i < SEND_RIG_LOOKS_MAX; i++) {
        look_at_outcomes(rig);
        if (holds(rig))
            return;
        send_rig_pause();
    }
    send_rig_print_log(rig);
    fail_msg("an outcome was waited for in vain");
}

static bool all_are_completed(struct send_rig *rig)
{
    for (size_t i = 0; i < rig->message_count; i++)
        if (!rig->messages[i].completed && !rig->messages[i].cancelled)
            return false;
    return true;
}

void send_rig_until_ended(struct send_rig *rig)
{
    send_rig_until_outcomes(rig, all_are_completed);
}

/* ---- the verdict ---- */

static void check_destination(const struct send_rig *rig, size_t m, size_t d)
{
    const struct send_rig_seen *seen = &rig->messages[m].seen[d];

    if (seen->handled == seen->failed)
        fail_msg("message %zu: %zu has %s", m, d, seen->handled ? "ended twice" : "no end");
    if (seen->handled && seen->accepted == 0)
        fail_msg("message %zu: %zu was never sent to", m, d);
    if (seen->handled && rig->options.carrier != NULL && seen->accepted == seen->lost)
        fail_msg("message %zu: %zu is handled, and the carrier has never said so", m, d);
    if (seen->failed && seen->reason[0] == '\0')
        fail_msg("message %zu: %zu failed, and no outcome says why", m, d);
    if ((seen->accepted > 1 || seen->lost > 0) && !seen->flagged)
        fail_msg(
            "message %zu: %zu was taken %u times, %u without an answer, and no outcome says so", m,
            d, seen->accepted, seen->lost);
}

void send_rig_check_ended(struct send_rig *rig)
{
    unsigned duplicates = 0;

    send_rig_look(rig);
    look_at_outcomes(rig);
    for (size_t m = 0; m < rig->message_count; m++) {
        const struct send_rig_sent *sent = &rig->messages[m];

        if (sent->cancelled)
            continue;
        assert_int_equal(sent->handled + sent->failed, sent->count); /* D9 */
        for (size_t d = 0; d < sent->count; d++) {
            const struct send_rig_seen *seen = &sent->seen[d];

            check_destination(rig, m, d);
            if (seen->accepted > seen->lost + 1)
                duplicates += seen->accepted - seen->lost - 1;
        }
    }
    if (duplicates > rig->deaths * SEND_RIG_UNRECORDED)
        fail_msg("%u duplicates after %u deaths; %d requests can be unrecorded", duplicates,
                 rig->deaths, SEND_RIG_UNRECORDED);
}

void send_rig_check(struct send_rig *rig)
{
    send_rig_check_ended(rig);
    for (size_t m = 0; m < rig->message_count; m++)
        for (size_t d = 0; d < rig->messages[m].count && !rig->messages[m].cancelled; d++)
            if (rig->messages[m].seen[d].failed)
                fail_msg("message %zu: %zu failed: %s", m, d, rig->messages[m].seen[d].reason);
}

void send_rig_check_flags(const struct send_rig *rig)
{
    struct hostile_http *carrier = rig->options.carrier; /* NULL: one that swallows nothing */
    size_t left = carrier != NULL ? hostile_http_swallowed(carrier) : 0;

    for (size_t m = 0; m < rig->message_count; m++)
        for (size_t d = 0; d < rig->messages[m].count; d++) {
            const struct send_rig_seen *seen = &rig->messages[m].seen[d];

            if (seen->flagged && seen->lost + seen->unclear == 0 && left-- == 0)
                fail_msg("message %zu: %zu is said to be a duplicate, and can be none", m, d);
        }
}

void send_rig_check_calls(const struct send_rig *rig, int64_t most, int64_t apart_ms)
{
    struct buf text;
    struct view rest;
    struct fault f = {0};
    int64_t number = 0;
    int64_t at_ms = 0;

    buf_init(&text, LOG_MAX);
    assert_true(file_get(rig->calls, &text, &f));
    for (rest = buf_view(&text); view_has(rest, '\n');) {
        struct view line = view_cut(&rest, '\n');

        if (member_int(line, "attempt") <= number || member_int(line, "attempt") > most)
            fail_msg("call %d after call %d", (int)member_int(line, "attempt"), (int)number);
        if (member_int(line, "time_ms") < at_ms + apart_ms)
            fail_msg("call %d is %d ms after the one before", (int)number + 1,
                     (int)(member_int(line, "time_ms") - at_ms));
        number = member_int(line, "attempt");
        at_ms = member_int(line, "time_ms");
    }
    assert_true(number > 0);
    buf_done(&text);
}
