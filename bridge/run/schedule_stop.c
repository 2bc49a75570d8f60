#include "bridge/run/schedule_state.h"

#include "bridge/core/mask.h"

#include <stdio.h>

#define WHY_MAX  200 /* of the reason in the gate */
#define GATE_MAX 280

/*
 * A channel that can't be reached or fails is left alone by this process, by its breaker. One that
 * says that nothing of ours is welcome is stopped for all processes, by its gate in the store: one
 * request at a time tries it, by whoever the gate gives the probe to, until one succeeds.
 */

static struct view gate_of(const struct channel_of *c, char text[GATE_MAX])
{
    (void)snprintf(text, GATE_MAX, "channel:%s", c->conf->name);
    return view_of(text);
}

static uint64_t token_of(const struct schedule *s, const struct channel_of *c)
{
    return TOKEN(TOKEN_CHANNEL, (uint64_t)(c - s->channels));
}

static uint64_t random_bits(const struct schedule *s)
{
    return s->port.clock.random(s->port.clock.ctx);
}

static void set_trouble(struct channel_of *c, struct view why)
{
    view_copy(why, c->trouble, sizeof c->trouble);
}

static void say(struct schedule *s, const struct channel_of *c)
{
    enum breaker_state state = c->breaker.state;
    int64_t wait_ms = c->breaker.until_ms - schedule_now(s);

    stat_set(c->stat_state, c->stopped ? 3 : (int64_t)state);
    notice_say(s->port.log, state == BREAKER_CLOSED ? NOTICE_INFO : NOTICE_WARN, "channel",
               NOTICE_TEXT("channel", c->conf->name),
               NOTICE_TEXT("state", c->stopped ? "stopped" : breaker_state_name(state)),
               NOTICE_TEXT("reason", c->trouble),
               NOTICE_INT("wait_ms", state == BREAKER_OPEN && wait_ms > 0 ? wait_ms : 0));
}

/* ---- what replies say of it ---- */

static void works(struct schedule *s, struct channel_of *c)
{
    bool was_closed = c->breaker.state == BREAKER_CLOSED;

    breaker_ok(&c->breaker);
    c->breaker.until_ms = 0;
    c->unwelcome_count = 0;
    c->stopped = c->probe = false;
    c->trouble[0] = '\0';
    if (!was_closed)
        say(s, c);
}

void schedule_channel_ok(struct schedule *s, const struct send *d)
{
    struct channel_of *c = d->channel;
    char text[GATE_MAX];

    if (c->stopped && !d->probe)
        return; /* it was sent before the channel stopped */
    if (c->stopped) {
        c->writes++;
        s->port.schedule.open(s->port.schedule.ctx, token_of(s, c), gate_of(c, text));
    }
    works(s, c);
}

/* Whether it works for others is asked at once, and is hoped for until that is known. */
static void opened(struct schedule *s, struct channel_of *c)
{
    if (c->breaker.opened == 1) {
        c->look_ms = schedule_now(s);
        c->others_ms = c->look_ms + SCHEDULE_OTHERS_MS;
    }
    say(s, c);
}

void schedule_channel_failed(struct schedule *s, const struct send *d, const char *why)
{
    struct channel_of *c = d->channel;

    set_trouble(c, view_of(why));
    if (breaker_failed(&c->breaker, d->number, schedule_now(s), random_bits(s)))
        opened(s, c);
}

void schedule_channel_lost(struct schedule *s, const struct send *d, const char *why)
{
    struct channel_of *c = d->channel;

    set_trouble(c, view_of(why));
    if (breaker_stop(&c->breaker, d->number, schedule_now(s), random_bits(s)))
        opened(s, c);
}

static bool is_same(const struct channel_ref *one, const struct channel_ref *other)
{
    return one->destination == other->destination && guid_eq(&one->message, &other->message);
}

/* NULL: it is none. */
static const struct stopper *stopper_of(const struct channel_of *c, const struct channel_ref *who)
{
    for (unsigned i = 0; i < STOPPERS_MAX && i < c->stopper_count; i++)
        if (is_same(&c->stoppers[i].who, who))
            return &c->stoppers[i];
    return NULL;
}

static void note_stopper(struct channel_of *c, const struct channel_ref *who, bool by_it)
{
    const struct stopper *known = stopper_of(c, who);
    size_t at = known != NULL ? (size_t)(known - c->stoppers) : c->stopper_count++ % STOPPERS_MAX;

    by_it = by_it || (known != NULL && known->by_it);
    c->stoppers[at] = (struct stopper){*who, by_it};
}

void schedule_channel_stop(struct schedule *s, const struct send *d, const char *why)
{
    struct channel_of *c = d->channel;
    int64_t now = schedule_now(s);
    char text[GATE_MAX];
    struct schedule_shut shut = {
        .token = token_of(s, c), .gate = gate_of(c, text), .why = view_of(why)};
    bool by_it;

    set_trouble(c, shut.why);
    by_it = breaker_stop(&c->breaker, d->number, now, random_bits(s)) || !c->stopped;
    note_stopper(c, &d->ref, by_it);
    if (!by_it)
        return; /* one of those that were out when it stopped */
    c->stopped = true;
    c->probe = false;
    say(s, c);
    shut.probe_ms = 1 + c->breaker.policy.open.base_ms / 2;
    if (c->breaker.until_ms - now > shut.probe_ms) /* else a probe was out when that came */
        shut.probe_ms = c->breaker.until_ms - now;
    if (shut.why.n > WHY_MAX)
        shut.why.n = WHY_MAX;
    c->writes++;
    s->port.schedule.shut(s->port.schedule.ctx, &shut);
}

static bool has(const struct channel_ref *refs, unsigned count, const struct channel_ref *who)
{
    for (unsigned i = 0; i < count; i++)
        if (is_same(&refs[i], who))
            return true;
    return false;
}

bool schedule_channel_unwelcome(struct channel_of *c, const struct channel_ref *who)
{
    if (c->unwelcome_count < UNWELCOME_MAX && !has(c->unwelcome, c->unwelcome_count, who))
        c->unwelcome[c->unwelcome_count++] = *who;
    return c->unwelcome_count == UNWELCOME_MAX;
}

bool schedule_channel_stops_again(const struct channel_of *c, const struct channel_ref *who)
{
    const struct stopper *known = stopper_of(c, who);

    return !c->stopped /* by another, or it is what tries it */ && known != NULL && known->by_it;
}

bool schedule_channel_tries_last(const struct channel_of *c, const struct channel_ref *who)
{
    return c->stopped && stopper_of(c, who) != NULL;
}

/* ---- what its gate says ---- */

static void ask(struct schedule *s, struct channel_of *c, unsigned want)
{
    char text[GATE_MAX];
    struct schedule_ask a = {.token = token_of(s, c),
                             .gate = gate_of(c, text),
                             .want = want,
                             .works = !c->stopped && !schedule_channel_fails(c),
                             .fails = !c->stopped && schedule_channel_fails(c)};

    c->asked = true;
    c->asked_ms = schedule_now(s);
    s->port.schedule.ask(s->port.schedule.ctx, &a);
}

void schedule_channel_written(struct schedule *s, uint64_t token_rest)
{
    s->channels[token_rest].writes--; /* one that was not done shows at the next look */
}

void schedule_channel_told(struct schedule *s, const struct schedule_grant *g)
{
    struct channel_of *c = &s->channels[TOKEN_REST(g->token)];
    int64_t now = schedule_now(s);
    bool was_stopped = c->stopped;

    c->asked = false;
    c->look_ms = now + (g->state == SCHEDULE_DONE ? SCHEDULE_LOOK_MS : SCHEDULE_AGAIN_MS);
    if (g->state != SCHEDULE_DONE || c->writes > 0)
        return;
    c->known = true;
    c->known_ms = c->asked_ms;
    if (g->works && schedule_channel_fails(c))
        c->others_ms = now + SCHEDULE_OTHERS_MS;
    c->stopped = g->stopped;
    c->probe = g->stopped && g->granted > 0; /* one that was not used by now has gone */
    if (!g->stopped) {
        if (was_stopped) /* another process has found that it works */
            works(s, c);
        return;
    }
    if (!c->probe && (!was_stopped || g->wait_ms > 0)) /* a wait that is over ended when it did */
        breaker_shut(&c->breaker, now + g->wait_ms);
    if (!was_stopped) {
        set_trouble(c, g->why);
        say(s, c);
    }
}

/* What is known of its gate is not too old. */
static bool is_known(const struct channel_of *c, int64_t now_ms)
{
    return c->known && now_ms - c->known_ms <= SCHEDULE_LOOK_OLD_MS;
}

bool schedule_channel_fails(const struct channel_of *c)
{
    return c->breaker.state != BREAKER_CLOSED;
}

bool schedule_channel_fails_here(const struct channel_of *c, int64_t now_ms)
{
    return schedule_channel_fails(c) && !c->stopped && now_ms < c->others_ms;
}

bool schedule_channel_tries(const struct channel_of *c, int64_t now_ms)
{
    return schedule_channel_fails_here(c, now_ms) && c->breaker.probe != 0;
}

bool schedule_channel_allows(struct schedule *s, struct channel_of *c, int64_t now_ms)
{
    if (!is_known(c, now_ms) || !breaker_allows(&c->breaker, now_ms))
        return false;
    if (c->stopped && !c->probe && !c->asked)
        ask(s, c, 1);
    return !c->stopped || c->probe;
}

int64_t schedule_channel_wake_ms(const struct channel_of *c, int64_t now_ms)
{
    if (!is_known(c, now_ms) || (c->stopped && c->asked))
        return INT64_MAX;
    return breaker_wake_ms(&c->breaker, now_ms);
}

void schedule_channels_look(struct schedule *s)
{
    for (size_t i = 0; i < s->conf.channel_count; i++)
        if (!s->channels[i].asked && schedule_now(s) >= s->channels[i].look_ms)
            ask(s, &s->channels[i], 0);
}

int64_t schedule_channels_wake_ms(const struct schedule *s)
{
    int64_t at = INT64_MAX;

    for (size_t i = 0; i < s->conf.channel_count; i++)
        if (!s->channels[i].asked && s->channels[i].look_ms < at)
            at = s->channels[i].look_ms;
    return schedule_up(s) ? at : INT64_MAX;
}
