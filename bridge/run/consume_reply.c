#include "bridge/run/consume_state.h"

#include "bridge/core/datetime.h"
#include "bridge/core/echo.h"
#include "bridge/core/mask.h"

#include <assert.h>

/* ---- how a destination does ---- */

static void say_breaker(struct consume *c, struct destination *to)
{
    stat_set(to->stat_breaker, (int64_t)to->breaker.state);
    notice_say(c->port.log, to->breaker.state == BREAKER_CLOSED ? NOTICE_INFO : NOTICE_WARN,
               "breaker", NOTICE_TEXT("target", to->conf->name),
               NOTICE_TEXT("state", breaker_state_name(to->breaker.state)),
               NOTICE_TEXT("reason", to->trouble),
               NOTICE_INT("wait_ms", to->breaker.state == BREAKER_OPEN
                                         ? to->breaker.until_ms - consume_now(c)
                                         : 0));
}

static void set_trouble(struct destination *to, const char *text)
{
    view_copy(view_of(text), to->trouble, sizeof to->trouble);
}

void consume_destination_ok(struct consume *c, struct destination *to)
{
    bool was_closed = to->breaker.state == BREAKER_CLOSED;

    breaker_ok(&to->breaker);
    to->held_stops = false;
    to->trouble[0] = '\0';
    if (!was_closed)
        say_breaker(c, to);
}

void consume_destination_failed(struct consume *c, struct destination *to, uint64_t number,
                                const char *why)
{
    set_trouble(to, why);
    if (breaker_failed(&to->breaker, number, consume_now(c), consume_random(c)))
        say_breaker(c, to);
}

static void destination_refuses(struct consume *c, struct destination *to, uint64_t number,
                                const char *why)
{
    set_trouble(to, why);
    if (breaker_refused(&to->breaker, number, consume_now(c), consume_random(c)))
        say_breaker(c, to);
}

static void destination_stop(struct consume *c, const struct delivery *d, const char *why)
{
    struct destination *to = d->destination;

    set_trouble(to, why);
    if (breaker_stop(&to->breaker, d->number, consume_now(c), consume_random(c)))
        say_breaker(c, to);
}

/* ---- what a reply means ---- */

/* Whether this 403 is of the third different key in a row. */
static bool forbidden_too_often(struct destination *to, uint64_t key_hash)
{
    for (int i = 0; i < to->forbidden_count; i++)
        if (to->forbidden[i] == key_hash)
            return to->forbidden_count >= CONSUME_FORBIDDEN_KEYS;
    if (to->forbidden_count < CONSUME_FORBIDDEN_KEYS)
        to->forbidden[to->forbidden_count++] = key_hash;
    return to->forbidden_count >= CONSUME_FORBIDDEN_KEYS;
}

void consume_destination_budget(struct consume *c, struct destination *to)
{
    struct delivery *d = to->held_front;
    int64_t now = consume_now(c);

    if (d == NULL || d->state != DELIVERY_WAITING || !budget_has(&to->budget, 1))
        return;
    heap_remove(&c->timers, &d->timer);
    heap_put(&c->timers, &d->timer, d->held_until_ms > now ? d->held_until_ms : now);
}

static void put_held(struct delivery *d)
{
    struct destination *to = d->destination;

    d->held = true;
    to->held++;
    stat_set(to->stat_held, (int64_t)to->held);
    d->held_before = to->held_back;
    if (d->held_before != NULL)
        d->held_before->held_after = d;
    else
        to->held_front = d;
    to->held_back = d;
}

void consume_destination_left(struct consume *c, struct delivery *d)
{
    struct destination *to = d->destination;

    if (!d->held)
        return;
    d->held = false;
    to->held--;
    stat_set(to->stat_held, (int64_t)to->held);
    if (d->held_before != NULL)
        d->held_before->held_after = d->held_after;
    else
        to->held_front = d->held_after;
    if (d->held_after != NULL)
        d->held_after->held_before = d->held_before;
    else
        to->held_back = d->held_before;
    d->held_before = d->held_after = NULL;
    consume_destination_budget(c, to);
}

static void say_held(struct consume *c, struct destination *to, const char *why)
{
    int64_t now = consume_now(c);

    if (now < to->held_say_ms)
        return;
    to->held_say_ms = now + CONSUME_SAY_MS;
    notice_say(c->port.log, NOTICE_WARN, "held_back", NOTICE_TEXT("target", to->conf->name),
               NOTICE_TEXT("reason", why), NOTICE_INT("waiting", (int64_t)to->held));
}

static void try_later(struct consume *c, struct delivery *d, int64_t least_wait_ms)
{
    d->wait_ms = backoff_wait_ms(&c->conf.retry, d->attempts > 0 ? (unsigned)d->attempts - 1 : 0,
                                 least_wait_ms, consume_random(c));
    consume_move(c, d, DELIVERY_ON_FAIL);
}

/* It waits by itself, and counts as one failure of its destination. To hear the same of it again is
 * no news: of a destination that is being tried it only puts off the next trial a little. */
static void hold_back(struct consume *c, struct delivery *d, const char *why, int64_t least_wait_ms)
{
    struct destination *to = d->destination;

    if (!d->held) {
        put_held(d);
        say_held(c, to, why);
        destination_refuses(c, to, d->number, why);
    } else if (to->breaker.state != BREAKER_CLOSED) {
        breaker_hold(&to->breaker, consume_now(c), c->conf.breaker.open.base_ms);
    }
    d->held_until_ms = consume_now(c) + least_wait_ms;
    try_later(c, d, least_wait_ms);
}

/* Who has waited for the budget longest comes first: it holds up all that is committed behind it.
 * Another has its turn only where there is enough for all that wait. */
static bool in_budget(const struct delivery *d)
{
    const struct destination *to = d->destination;

    return budget_has(&to->budget, d == to->held_front ? 1 : to->held + (d->held ? 0 : 1));
}

static void bury_in_budget(struct consume *c, struct delivery *d, enum disposition why,
                           int64_t least_wait_ms)
{
    struct destination *to = d->destination;

    if (!in_budget(d) || !budget_spend(&to->budget)) {
        hold_back(c, d,
                  why == EXHAUSTED
                      ? "dead-lettering is held back (dead_letters.budget): too much of what it "
                        "gets fails again and again"
                      : "it refuses so much that dead-lettering is held back "
                        "(dead_letters.budget)",
                  least_wait_ms);
        return;
    }
    if (why == REFUSED)
        consume_destination_ok(c, to);
    consume_bury(c, d, why);
}

/* A failure counts against the record only if another key has succeeded meanwhile. */
static void failed(struct consume *c, struct delivery *d, int64_t least_wait_ms)
{
    struct destination *to = d->destination;

    if (to->successes != d->successes_seen) {
        d->successes_seen = to->successes;
        d->charged++;
    }
    if (d->charged >= c->conf.attempts_max) {
        bury_in_budget(c, d, EXHAUSTED, least_wait_ms);
        return;
    }
    try_later(c, d, least_wait_ms);
    d->held_until_ms = consume_now(c) + d->wait_ms; /* if it is held: it is not refused just now */
}

/* Without it, what was created can't be found by its name later. */
static void read_created(struct consume *c, struct delivery *d, const struct http_reply *reply)
{
    d->created[0] = '\0';
    if (!d->type->returns_id)
        return;
    view_copy(outcome_created(reply->body, reply->location), d->created, sizeof d->created);
    if (d->created[0] != '\0')
        return;
    stat_add(c->stat_nameless, 1);
    notice_say(c->port.log, NOTICE_WARN, "no_id", NOTICE_TEXT("target", d->destination->conf->name),
               NOTICE_TEXT("type", d->type->name), NOTICE_INT("status", reply->status),
               NOTICE_INT("body_bytes", (int64_t)reply->body.n));
}

static void done(struct consume *c, struct delivery *d)
{
    struct destination *to = d->destination;

    consume_destination_ok(c, to);
    to->successes++;
    to->forbidden_count = 0;
    budget_earn(&to->budget);
    consume_destination_budget(c, to);
    if (!d->type->is_write)
        consume_move(c, d, DELIVERY_ON_FINISH);
    else if ((d->type->keeps_id && d->created[0] != '\0') || d->noted)
        consume_move(c, d, DELIVERY_ON_KEEP);
    else
        consume_move(c, d, DELIVERY_ON_DONE);
}

void consume_not_answered(struct consume *c, struct delivery *d, const struct http_reply *reply)
{
    char said[160];

    d->status = 0;
    if (reply->fate == HTTP_UNKNOWN && !d->destination->conf->honours_key)
        d->possible_duplicate = true;
    fault_set(&d->fault, FAULT_RETRY, "no answer from %s: %s", d->destination->conf->name,
              mask_sentence(view_of(reply->error), said, sizeof said));
    failed(c, d, 0);
}

/* What the destination says, without what it repeats of the event (D11). */
static const char *masked(const struct consume *c, const struct delivery *d, int status,
                          struct view said, char *out, size_t size)
{
    struct buf privates;

    buf_init(&privates, ECHO_PRIVATE_MAX);
    echo_gather(d->type, d->body, d->ref, c->port.codec.json, &privates);
    echo_mask(said, outcome_phrase(status), &privates, d->destination->conf->secrets, out, size);
    buf_done(&privates);
    return out;
}

void consume_replied(struct consume *c, struct delivery *d, int status, struct view text,
                     bool has_wait, int64_t wait_ms)
{
    struct destination *to = d->destination;
    enum outcome outcome = outcome_of_status(status, d->type->method, has_wait);
    char said[160];

    d->status = status;
    stat_add(to->stat_outcome[outcome], 1);
    if (outcome == OUTCOME_DONE) {
        done(c, d);
        return;
    }
    fault_set(&d->fault, outcome == OUTCOME_RETRY ? FAULT_RETRY : FAULT_REJECT,
              "%s answered %d: %s", to->conf->name, status,
              masked(c, d, status, text, said, sizeof said));
    if (outcome_may_be_done(status) && !to->conf->honours_key)
        d->possible_duplicate = true;
    if (outcome == OUTCOME_FORBID && forbidden_too_often(to, d->lane.hash))
        outcome = OUTCOME_STOP;
    if (outcome != OUTCOME_FORBID && outcome != OUTCOME_STOP)
        to->forbidden_count = 0;
    if (outcome != OUTCOME_STOP)
        to->held_stops = false;
    switch (outcome) {
    case OUTCOME_DONE:
        return;
    case OUTCOME_RETRY:
        if (status == 409) {
            consume_destination_ok(c, to);
        } else {
            consume_destination_failed(c, to, d->number, d->fault.text);
            if (has_wait && (status == 429 || status == 503))
                breaker_hold(&to->breaker, consume_now(c), wait_ms);
        }
        failed(c, d, has_wait ? wait_ms : 0);
        return;
    case OUTCOME_REFUSE:
    case OUTCOME_FORBID:
        bury_in_budget(c, d, REFUSED, 0);
        return;
    case OUTCOME_STOP:
        to->held_stops = to->held_stops || d == to->held_front;
        destination_stop(c, d, d->fault.text);
        consume_move(c, d, DELIVERY_ON_HOLD);
        return;
    }
}

/* Why a success of that write can't be believed (docs/decisions/0019), or NULL. */
static const char *disbelief(const struct http_reply *reply, const struct event_type *type)
{
    if (outcome_is_page(reply->status, reply->body))
        return "it answered with a page, as no CMI does";
    if (reply->cut && reply->status >= 200 && reply->status <= 299 && type != NULL &&
        type->returns_id && outcome_created(reply->body, reply->location).n == 0)
        return "its body is longer than allowed, and has no id";
    return NULL;
}

void consume_on_reply(void *consume, const struct http_reply *reply)
{
    struct consume *c = consume;
    bool is_batch = consume_is_batch(reply->token);
    struct delivery *d = is_batch ? NULL : consume_find(c, reply->token);
    struct http_reply none = {
        .token = reply->token, .fate = HTTP_UNKNOWN, .elapsed_ms = reply->elapsed_ms};
    int64_t wait_ms = 0;
    bool has_wait = reply->fate == HTTP_ANSWERED && reply->retry_after.n > 0;

    assert(is_batch || d != NULL); /* what its request borrows is kept until now */
    if (has_wait &&
        !datetime_retry_after(reply->retry_after, c->port.clock.wall_ms(c->port.clock.ctx),
                              c->conf.retry_after_max_ms, &wait_ms))
        wait_ms = 0; /* nobody knows how long */
    if (reply->fate == HTTP_ANSWERED)
        none.error = disbelief(reply, is_batch ? NULL : d->type);
    if (none.error != NULL)
        reply = &none;
    if (is_batch) {
        consume_batch_replied(c, reply, has_wait, wait_ms);
        return;
    }
    stat_observe_ms(d->destination->stat_time, reply->elapsed_ms);
    consume_send_slot_free(d);
    /* The probe's end must be known even if its event is somebody else's now; but what is unknown
     * since we gave it up says nothing of the destination. */
    if (d->state == DELIVERY_DROPPED && reply->fate == HTTP_NOT_SENT)
        consume_destination_failed(c, d->destination, d->number, reply->error);
    if (consume_answered(c, reply->token) == NULL)
        return;
    if (reply->fate != HTTP_ANSWERED) {
        consume_destination_failed(c, d->destination, d->number, reply->error);
        consume_not_answered(c, d, reply);
        return;
    }
    if (reply->status >= 200 && reply->status <= 299)
        read_created(c, d, reply);
    consume_replied(c, d, reply->status, reply->body, has_wait, wait_ms);
}
