#include "tests/fakes/send_world_in.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/num.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- a dialler that says "RESULT" or "RESULT next-call-time" ---- */

static bool build_call(const struct channel_setup *s, const struct dialler_call *call,
                       struct channel_request *out, struct fault *f)
{
    (void)s, (void)f;
    out->method = "POST";
    buf_printf(&out->body, "%u %.*s", call->attempt, VIEW_ARG(call->customer_number));
    return true;
}

static void judge_call(const struct channel_reply *reply, struct dialler_outcome *out)
{
    struct view rest = reply->body;

    assert_int_not_equal(reply->told->private_count, 0);
    *out = (struct dialler_outcome){.verdict = reply->status == 200   ? DIALLER_RESULT
                                               : reply->status == 202 ? DIALLER_LATER
                                               : reply->status == 503 ? DIALLER_NOT_DIALLED
                                               : reply->status == 401 ? DIALLER_STOPPED
                                               : reply->status == 403 ? DIALLER_FORBIDDEN
                                                                      : DIALLER_REFUSED,
                                    .next_call_ms = -1};
    (void)snprintf(out->reason, sizeof out->reason, "%d", reply->status);
    if (reply->status != 200)
        return;
    assert_true(callback_result_parse(view_cut(&rest, ' '), &out->result));
    if (rest.n > 0)
        assert_true(num_int(rest, &out->next_call_ms));
}

static const struct dialler fake_dialler = {
    .name = "fake", .build = build_call, .judge = judge_call};

const struct dialler *world_dialler(void)
{
    return &fake_dialler;
}

/* ---- calls ---- */

void world_call_begun(struct send_world *w, struct action *a, struct view customer)
{
    char id[GUID_TEXT_MAX];
    struct world_call *c;

    view_copy(customer, id, sizeof id);
    a->message = (size_t)(send_store_find(&w->model, id) - w->model.messages);
    c = &w->calls[a->message];
    if (c->unsettled)
        fail_msg("callback %zu is called again before its last call has an end", a->message);
    if (c->out)
        fail_msg("callback %zu is called twice at once", a->message);
    if (a->attempt <= c->number && c->begun > 0)
        fail_msg("callback %zu: call %u is made again", a->message, a->attempt);
    if (send_world_store_ms(w) < w->model.messages[a->message].callback.next_call_ms)
        fail_msg("callback %zu is called before its time", a->message);
    if (hours_open_ms(&w->conf.call_hours, w->conf.call_zone, send_world_store_ms(w)) !=
        send_world_store_ms(w))
        fail_msg("callback %zu is called outside the hours", a->message);
    c->begun_ms = send_world_store_ms(w);
    c->said = CALLBACK_ADDED;
    c->put_on = false;
    memset(c->told_ms, 0, sizeof c->told_ms);
}

/* What the customer or the agent makes of it; of some results with a time for the next call. */
static void say(struct send_world *w, struct world_call *c, char *out, size_t size)
{
    static const char *const results[] = {"BUSY",      "NO_ANSWER", "SUCCESSFUL",  "HANDLED",
                                          "VOICEMAIL", "OTHER",     "CUSTOM_TIME", "RESCHEDULE"};
    const char *result = results[rng_below(&w->rng, w->days ? 8 : 4)];

    assert_true(callback_result_parse(view_of(result), &c->said));
    c->said_next_ms = -1;
    if ((c->said == CALLBACK_CUSTOM_TIME || c->said == CALLBACK_RESCHEDULE) &&
        world_chance(w, 700)) {
        c->said_next_ms = send_world_store_ms(w) + (int64_t)rng_below(&w->rng, 86400000);
        if (world_chance(w, 200)) /* it errs, or has another clock */
            c->said_next_ms -= 86400000;
        (void)snprintf(out, size, "%s %" PRId64, result, c->said_next_ms);
    } else {
        (void)snprintf(out, size, "%s", result);
    }
}

/* A call that is made goes on for a while; its result comes with the reply, or later, or never. */
void world_call_arrives(struct send_world *w, struct action *a)
{
    struct world_call *c = &w->calls[a->message];

    if (a->message < w->shunned_calls) {
        a->status = w->shunned_as;
        c->said = CALLBACK_OTHER;
    } else if (world_chance(w, w->faults.error_500)) {
        a->status = 503;
    } else if (world_chance(w, w->faults.refuse)) {
        a->status = 400;
        c->said = CALLBACK_OTHER;
    } else {
        if (c->out)
            fail_msg("callback %zu: two calls at once", a->message);
        c->out = true;
        c->unsettled = true;
        c->begun++;
        c->number = a->attempt;
        a->status = world_chance(w, 300) ? 202 : 200;
        if (a->status == 200)
            say(w, c, a->body, sizeof a->body);
    }
    if (world_chance(w, w->faults.reply_lost))
        a->fate = HTTP_UNKNOWN;
}

/* A call that was made ends, whoever is told; those of 202 and of lost replies by a PUT, if ever.
 */
void world_call_over(struct send_world *w, const struct action *a)
{
    struct world_call *c = &w->calls[a->message];
    struct send_store_message *m = &w->model.messages[a->message];

    c->out = false;
    if (a->status == 202 && !c->put_on && world_chance(w, 700)) {
        c->unsettled = false;
        send_store_put_result(&w->model, m, &(struct callback_put){.result = CALLBACK_BUSY},
                              send_world_store_ms(w), w->conf.callback_retry_ms);
    }
}

void send_world_put(struct send_world *w, size_t message)
{
    static const enum callback_result results[] = {CALLBACK_BUSY, CALLBACK_SUCCESSFUL,
                                                   CALLBACK_CUSTOM_TIME, CALLBACK_RESCHEDULE,
                                                   CALLBACK_RESCHEDULE};
    struct world_call *c = &w->calls[message];
    struct callback_put put = {.result = results[rng_below(&w->rng, 5)]};

    if (!c->out && !c->unsettled)
        return;
    if (put.result == CALLBACK_CUSTOM_TIME || put.result == CALLBACK_RESCHEDULE) {
        put.has_next_call = world_chance(w, 800);
        put.next_call_ms = send_world_store_ms(w) + (int64_t)rng_below(&w->rng, 8000);
    }
    c->unsettled = false;
    c->put_on = true;
    send_store_put_result(&w->model, &w->model.messages[message], &put, send_world_store_ms(w),
                          w->conf.callback_retry_ms);
}

/* ---- what a result must lead to (contract 16) ---- */

static bool is_failure(enum callback_result r)
{
    return r == CALLBACK_BUSY || r == CALLBACK_NO_ANSWER || r == CALLBACK_VOICEMAIL ||
           r == CALLBACK_OTHER;
}

static bool is_end(enum callback_result r)
{
    return r == CALLBACK_SUCCESSFUL || r == CALLBACK_HANDLED;
}

/* Of a wish: it may have been for no time, or for one that is past. */
static bool may_be_idle(enum callback_result r)
{
    return r == CALLBACK_CUSTOM_TIME || r == CALLBACK_RESCHEDULE;
}

/* When its result was known, at least: one who says OTHER instead of what was said, because nobody
 * was told or could write it down, has waited for it. */
static int64_t known_ms(const struct send_world *w, const struct action *a,
                        const struct world_call *c)
{
    int64_t told = c->told_ms[a->process];
    int64_t over = c->begun_ms + w->conf.callback_handling_ms - SCHEDULE_MARKED_MS;

    if (told > 0 && a->call.last == c->said)
        return told;
    assert_int_equal(a->call.last, CALLBACK_OTHER);
    if (send_world_store_ms(w) < over)
        fail_msg("callback %zu: nobody waited for its result", a->message);
    return over;
}

void world_call_ended(struct send_world *w, const struct action *a,
                      const struct callback_state *was, bool wished)
{
    size_t at = (size_t)(send_store_find(&w->model, a->lease.id) - w->model.messages);
    const struct callback_state *is = &w->model.messages[at].callback;
    struct world_call *c = &w->calls[at];
    int64_t known = known_ms(w, a, c);
    int64_t idle;

    c->unsettled = false;
    memset(c->told_ms, 0, sizeof c->told_ms);
    assert_int_equal(is->failures, was->failures + is_failure(is->last));
    assert_int_equal(is->max_calls, was->max_calls);
    assert_true(is->failures <= is->max_calls);
    idle = is->idle - was->idle;
    assert_in_range(idle, may_be_idle(is->last) && c->said_next_ms < c->begun_ms,
                    may_be_idle(is->last) && c->said_next_ms <= send_world_store_ms(w));
    if (is_end(is->last) || is->failures == is->max_calls ||
        ((idle > 0 || is_failure(is->last)) && is->failures + is->idle >= is->max_calls)) {
        assert_false(is->open);
        return;
    }
    assert_true(is->open);
    if (wished)
        assert_true(is->next_call_ms == was->next_call_ms);
    else if (is->next_call_ms < known + w->conf.callback_retry_ms)
        fail_msg("callback %zu: its next call is too soon", at);
    else if (!is_failure(is->last) && c->said_next_ms >= 0 && is->next_call_ms != c->said_next_ms &&
             c->said_next_ms >= send_world_store_ms(w) + w->conf.callback_retry_ms)
        fail_msg("callback %zu: its next call is not when it was wished for", at);
}
