#include "tests/fakes/send_world_in.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/num.h"
#include "bridge/core/parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool build(const struct channel_setup *s, const struct channel_send *m,
                  struct channel_request *out, struct fault *f)
{
    (void)s, (void)f;
    out->method = "POST";
    buf_printf(&out->body, "%u %u %.*s", m->attempt, m->part, VIEW_ARG(m->to));
    return true;
}

/* What is judged is told what the request said to whom, and what it was signed on with, so that it
 * can keep it to itself (D11). */
static void judge(const struct channel_reply *reply, struct channel_outcome *out)
{
    int64_t wait_ms = 700;

    assert_int_equal(reply->told->private_count, 2);
    assert_string_equal(reply->told->secrets[CHANNEL_SECRETS_MAX - 1], "of this request");
    if (reply->status == 429 && reply->body.n > 0)
        assert_true(num_int(reply->body, &wait_ms));
    *out = (struct channel_outcome){.verdict = reply->status == 200   ? CHANNEL_HANDLED
                                               : reply->status == 400 ? CHANNEL_REFUSED
                                               : reply->status == 401 ? CHANNEL_STOPPED
                                               : reply->status == 403 ? CHANNEL_FORBIDDEN
                                               : reply->status == 429 ? CHANNEL_THROTTLED
                                                                      : CHANNEL_TRANSIENT,
                                    .wait_ms = reply->status == 429 ? wait_ms : 0};
    (void)snprintf(out->reason, sizeof out->reason, "%d", reply->status);
}

static const struct channel fake_channel = {
    .name = "fake", .build = build, .judge = judge, .is_sms = true, .splits = true};

static unsigned world_parts(const struct send_store_message *m)
{
    return parts_of(view_of(m->body)).count;
}

bool world_closed(const struct send_world *w, const struct send_store_message *m, int64_t store_ms)
{
    const struct schedule_sender *from = &w->senders[strcmp(m->source, w->senders[0].address) != 0];

    return hours_open_ms(&from->hours, from->zone, store_ms) != store_ms;
}

bool world_outdated(const struct send_world *w, const struct send_store_message *m,
                    int64_t store_ms)
{
    return w->conf.valid_for_ms > 0 && store_ms >= m->at_ms + w->conf.valid_for_ms;
}

/* Since then, when its slices were marked so far, nothing more of it may be handed over: what was,
 * begins within a second of its mark. */
static bool is_overdue(const struct send_world *w, int64_t since_ms, const uint16_t *marks,
                       size_t dest)
{
    return since_ms > 0 && (dest % SEND_STORE_SLICE >= marks[dest / SEND_STORE_SLICE] ||
                            w->now_ms > since_ms + SCHEDULE_MARKED_MS + 2 * w->faults.latency_ms);
}

/* A request begins. After a death it may be under a number that was tried before. */
static void count_try(struct send_world *w, const struct send_store_message *m,
                      struct world_seen *seen, unsigned attempt)
{
    if (attempt > seen->attempts)
        seen->tries = 0;
    if (seen->tries > 0)
        w->repeats[m->source == w->senders[1].address]++;
    seen->attempts = attempt;
    seen->tries++;
    seen->requests++;
}

/* The carrier would not look at it, or was not reached: no attempt is lost. */
static void uncount_try(struct world_seen *seen)
{
    seen->requests--;
    if (seen->tries > 0)
        seen->tries--;
}

static void check_message(struct send_world *w, struct send_store_message *m, size_t at,
                          size_t dest, unsigned attempt)
{
    struct world_seen *seen = &w->seen[at][dest];
    const struct slice *slice = &m->slice[dest / SEND_STORE_SLICE].slice;

    if (send_world_store_ms(w) < m->at_ms)
        fail_msg("message %zu is sent before its time", at); /* D5 */
    if (world_closed(w, m, send_world_store_ms(w)))
        fail_msg("message %zu is sent outside its hours", at);
    if (world_outdated(w, m, send_world_store_ms(w)))
        fail_msg("message %zu is sent when it is out of date", at);
    if (attempt > m->attempts_max)
        fail_msg("message %zu: attempt %u of %u", at, attempt, m->attempts_max); /* D6 */
    assert_int_equal(attempt, slice->attempt);
    if (attempt < seen->attempts)
        fail_msg("message %zu: attempt %u after %u", at, attempt, seen->attempts);
    if (attempt > seen->attempts) {
        assert_int_equal(attempt, seen->attempts + 1);
        if (attempt > 1 && send_world_store_ms(w) < seen->again_ms)
            fail_msg("message %zu: attempt %u comes too early", at, attempt);
        if (attempt == 1 && send_world_store_ms(w) - m->at_ms > w->lateness_ms)
            w->lateness_ms = send_world_store_ms(w) - m->at_ms;
    }
    if (*world_last_to(w, m, dest) > 0 &&
        w->now_ms < *world_last_to(w, m, dest) + w->senders[world_sender(w, m)].gap_ms)
        fail_msg("message %zu: %zu had another one %d ms ago", at, m->number + dest,
                 (int)(w->now_ms - *world_last_to(w, m, dest)));
    if (is_overdue(w, w->deleted_ms[at], w->deleted_mark[at], dest)) /* D7 */
        fail_msg("message %zu is sent to %zu after it was deleted", at, dest);
    if (is_overdue(w, w->paused_ms[at], w->paused_mark[at], dest))
        fail_msg("message %zu is sent to %zu while it is paused", at, dest);
    if (seen->withdrawn_ms > 0 &&
        w->now_ms > seen->withdrawn_ms + SCHEDULE_MARKED_MS + w->faults.latency_ms)
        fail_msg("message %zu is sent to %zu without consent", at, dest);
    if (seen->withdrawn_ms > 0 && !seen->overtaken)
        fail_msg("message %zu is sent to %zu, and the withdrawal did not list it", at, dest);
    count_try(w, m, seen, attempt);
}

/* The further parts of a text: whatever has come over it, in order, after the one before is known
 * to be accepted, and while nobody else may send it. */
static void check_part(const struct world_process *p, const struct send_store_message *m,
                       const struct action *a)
{
    const struct send_world *w = p->world;
    const struct world_seen *seen = &w->seen[a->message][a->dest];
    const struct send_store_slice *slice = &m->slice[a->dest / SEND_STORE_SLICE];

    if (seen->going[p->index].life != p->life || seen->going[p->index].attempt != a->attempt ||
        seen->going[p->index].taken != a->part)
        fail_msg("message %zu: part %u of attempt %u to %zu, and the one before was not taken",
                 a->message, a->part, a->attempt, a->dest);
    assert_int_equal(a->attempt, slice->slice.attempt);
    if (memcmp(slice->slice.holder, seen->going[p->index].holder, SLICE_HOLDER_BYTES) != 0 ||
        send_world_store_ms(w) >= slice->lease_ends_ms)
        fail_msg("message %zu: part %u to %zu without a lease", a->message, a->part, a->dest);
}

static void check_request(struct world_process *p, struct send_store_message *m,
                          const struct action *a)
{
    struct world_seen *seen;

    seen = &p->world->seen[a->message][a->dest];
    seen->going[p->index].token = a->token;
    if (a->part > 0) {
        check_part(p, m, a);
        return;
    }
    check_message(p->world, m, a->message, a->dest, a->attempt);
    seen->going[p->index].life = p->life;
    seen->going[p->index].attempt = a->attempt;
    seen->going[p->index].taken = 0;
    memcpy(seen->going[p->index].holder, m->slice[a->dest / SEND_STORE_SLICE].slice.holder,
           SLICE_HOLDER_BYTES);
}

/* A stopped channel is tried by one request at a time, by whoever has the probe; nobody sends on
 * what it knew long ago. */
static void check_stop(struct send_world *w, const struct world_process *p, unsigned channel)
{
    if (!w->model.stop[channel].stopped || w->now_ms <= w->model.stop[channel].since_ms +
                                                            SCHEDULE_LOOK_OLD_MS +
                                                            2 * w->faults.latency_ms)
        return;
    if (!w->model.stop[channel].granted[p->index])
        fail_msg("channel %u is stopped, and gets more than its probe", channel);
    w->model.stop[channel].granted[p->index] = false;
}

static void note_to(struct send_world *w, struct action *a)
{
    int64_t *last = world_last_to(w, &w->model.messages[a->message], a->dest);

    a->before_ms = *last;
    a->begun_ms = *last = w->now_ms > 0 ? w->now_ms : 1;
}

/* The carrier would not look at it. */
static void unnote_to(struct send_world *w, const struct action *a)
{
    int64_t *last = world_last_to(w, &w->model.messages[a->message], a->dest);

    if (*last == a->begun_ms)
        *last = a->before_ms;
}

static bool submit(void *ctx, const struct http_call *call, struct fault *f)
{
    struct world_process *p = ctx;
    struct send_world *w = p->world;
    struct view rest = call->body;
    int64_t attempt = 0;
    int64_t part = 0;
    struct action *a;

    (void)f;
    assert_true(num_int(view_cut(&rest, ' '), &attempt));
    a = world_soon(p, ARRIVE, call->token, w->faults.carrier_ms);
    a->channel = call->destination;
    a->attempt = (unsigned)attempt;
    p->out++;
    if (call->destination == 2) {
        world_call_begun(w, a, rest);
    } else {
        struct send_store_message *m;

        assert_true(num_int(view_cut(&rest, ' '), &part));
        m = send_store_of_address(&w->model, rest, &a->dest);
        a->message = (size_t)(m - w->model.messages);
        a->part = (unsigned)part;
        check_request(p, m, a);
    }
    if (a->part == 0)
        check_stop(w, p, a->channel);
    if (w->lost_ms[p->index] > 0) {
        a->fate = HTTP_NOT_SENT;
        a->kind = REPLY;
        heap_remove(&w->actions, &a->at);
        heap_put(&w->actions, &a->at, w->now_ms + w->lost_ms[p->index]);
    } else if (w->down[a->channel] || world_chance(w, w->faults.not_sent)) {
        a->fate = HTTP_NOT_SENT;
        a->kind = REPLY;
    } else if (world_chance(w, w->faults.request_lost)) {
        a->fate = HTTP_UNKNOWN;
        a->kind = REPLY;
    }
    if (a->part > 0)
        return true;
    if (a->kind == REPLY && a->channel != 2 && a->fate == HTTP_NOT_SENT)
        uncount_try(&w->seen[a->message][a->dest]);
    else if (a->channel == 1)
        note_to(w, a);
    return true;
}

static void cancel(void *ctx, uint64_t token)
{
    (void)ctx, (void)token;
}

/* It says until when it is busy. */
static void ask_to_wait(struct send_world *w, struct action *a)
{
    int64_t wait_ms = w->busy_to_ms[a->channel] - w->now_ms;

    if (w->asked_to_wait++ == 0 && w->first_wait_ms > 0)
        wait_ms = w->first_wait_ms;
    a->status = 429;
    (void)snprintf(a->body, sizeof a->body, "%" PRId64, wait_ms);
}

void world_arrive(struct send_world *w, struct action *a)
{
    struct world_seen *seen;

    a->fate = HTTP_ANSWERED;
    if (w->unauthorised[a->channel]) {
        a->status = 401;
        if (a->channel == 2)
            w->calls[a->message].said = CALLBACK_OTHER; /* to one who has stopped it before */
        if (a->channel != 2 && a->part == 0)
            uncount_try(&w->seen[a->message][a->dest]);
        if (a->channel == 1 && a->part == 0)
            unnote_to(w, a);
        return;
    }
    if (a->channel == 2) {
        world_call_arrives(w, a);
        return;
    }
    if (a->message == 0 && a->dest < w->shunned) {
        a->status = w->shunned_as;
        return;
    }
    if (w->now_ms < w->busy_to_ms[a->channel]) {
        ask_to_wait(w, a);
        return;
    }
    seen = &w->seen[a->message][a->dest];
    a->status = world_chance(w, w->faults.error_500)  ? 503
                : world_chance(w, w->faults.throttle) ? 429
                : world_chance(w, w->faults.refuse)   ? 400
                                                      : 200;
    if (a->status == 200 && a->part == 0)
        seen->started++;
    if (a->status == 200 && a->part + 1 == world_parts(&w->model.messages[a->message]))
        seen->accepted++;
    if (a->status == 400)
        seen->refused = true;
    if (world_chance(w, w->faults.reply_lost))
        a->fate = HTTP_UNKNOWN;
}

struct http_port world_http_port(struct world_process *p)
{
    return (struct http_port){p, submit, cancel};
}

const struct channel *world_channel(void)
{
    return &fake_channel;
}
