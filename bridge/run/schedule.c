#include "bridge/run/schedule_state.h"

#include "bridge/core/mem.h"

#include <assert.h>
#include <string.h>

/* So long after its time a source counts as there: what there is of it is claimed again by then. */
#define STRANGER_SOUGHT_MS (5 * SCHEDULE_POLL_MS)

/* ---- clocks ---- */

int64_t schedule_now(const struct schedule *s)
{
    return s->port.clock.mono_ms(s->port.clock.ctx);
}

int64_t schedule_store_at(const struct schedule *s, int64_t now_ms)
{
    return now_ms + s->clock.ahead_ms;
}

int64_t schedule_store_ms(const struct schedule *s)
{
    return schedule_store_at(s, schedule_now(s));
}

int64_t schedule_store_most_ms(const struct schedule *s)
{
    return schedule_now(s) + s->clock.most_ms;
}

int64_t schedule_mono_of(const struct schedule *s, int64_t store_ms)
{
    return store_ms - s->clock.ahead_ms;
}

bool schedule_up(const struct schedule *s)
{
    return s->port.schedule.up(s->port.schedule.ctx);
}

/* ---- what comes in ---- */

struct schedule_answers schedule_answers_of(struct schedule *s)
{
    return (struct schedule_answers){
        .owner = s,
        .claimed = schedule_claimed,
        .written = schedule_written,
        .granted = schedule_granted,
        .recipients = schedule_recipients_told,
        .outbox = schedule_outbox,
        .woken = schedule_woken,
    };
}

void schedule_on_report(void *schedule, uint64_t token, bool delivered, const char *error)
{
    struct schedule *s = schedule;

    assert(TOKEN_KIND_OF(token) == TOKEN_SHARD);
    if (!delivered)
        notice_say(s->port.log, NOTICE_WARN, "produce_failed",
                   NOTICE_TEXT("to", s->conf.outcomes_topic), NOTICE_TEXT("reason", error));
    schedule_relay_report(s, TOKEN_REST(token), delivered, error);
}

/* ---- the turn ---- */

static int64_t wake_ms(struct schedule *s)
{
    int64_t at = schedule_claim_wake_ms(s);
    const int64_t others[] = {
        schedule_send_wake_ms(s),
        schedule_call_wake_ms(s),
        schedule_relay_wake_ms(s),
        heap_first(&s->timers) != NULL ? heap_first(&s->timers)->at_ms : INT64_MAX,
    };

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i] < at)
            at = others[i];
    return at;
}

/* One whose time is over may stand there again, as found anew. */
static bool is_found_anew(const struct schedule *s, const struct stranger *old)
{
    for (size_t i = 0; i < SCHEDULE_STRANGERS_MAX; i++)
        if (s->strangers[i].until_ms > old->until_ms &&
            strcmp(s->strangers[i].source, old->source) == 0)
            return true;
    return false;
}

static void count_strangers(struct schedule *s)
{
    int64_t gone_ms = schedule_now(s) - STRANGER_SOUGHT_MS;
    int64_t count = 0;

    for (size_t i = 0; i < SCHEDULE_STRANGERS_MAX; i++) {
        const struct stranger *one = &s->strangers[i];

        count += one->until_ms != 0 && one->until_ms > gone_ms && !is_found_anew(s, one);
    }
    stat_set(s->stat_strangers, count);
}

int64_t schedule_turn(struct schedule *s)
{
    int64_t at;
    int64_t now;

    schedule_claim_due(s);
    schedule_hold_look_all(s);
    schedule_send_due(s);
    schedule_call_due(s);
    schedule_hold_look_all(s); /* what was begun or refused just now */
    schedule_relay_due(s);
    schedule_claim_due(s); /* there may be room again */
    count_strangers(s);
    s->port.schedule.flush(s->port.schedule.ctx);
    at = wake_ms(s);
    now = schedule_now(s);
    if (at == INT64_MAX)
        return -1;
    return at > now ? at - now : 0;
}

/* ---- the end ---- */

void schedule_drain(struct schedule *s)
{
    if (s->ending)
        return;
    s->ending = true;
    for (size_t i = 0; i < s->holding_count; i++)
        if (s->holdings[i]->content != NULL)
            schedule_hold_dirty(s, s->holdings[i]);
    schedule_relay_hurry(s);
}

void schedule_give_up(struct schedule *s)
{
    s->over = true;
}

bool schedule_drained(const struct schedule *s)
{
    if (!s->ending || s->holdings_used > 0 || !schedule_relay_idle(s))
        return false;
    for (unsigned i = 0; i < SHARD_COUNT; i++)
        if (s->shards[i].claiming)
            return false;
    return true;
}

/* ---- what an operator sees ---- */

bool schedule_ready(const struct schedule *s, struct buf *why)
{
    bool ready = true;

    if (s->ending)
        ready = !buf_put_text(why, "ending\n");
    if (!schedule_up(s))
        ready = !buf_put_text(why, "the schedule's store can't be used: nothing is sent\n");
    else if (!s->clock.known)
        ready = !buf_put_text(why, "the schedule was not looked at yet\n");
    if (s->outboxes_full > 0)
        ready = !buf_put_text(why, "the outbox is full: outcomes don't get to Kafka\n");
    for (size_t i = 0; i < s->conf.channel_count; i++) {
        const struct channel_of *c = &s->channels[i];

        if (c->breaker.state != BREAKER_CLOSED)
            ready = !buf_printf(why, "channel %s is %s: %s\n", c->conf->name,
                                c->stopped ? "stopped" : breaker_state_name(c->breaker.state),
                                c->trouble);
    }
    return ready;
}

void schedule_retune(struct schedule *s, const struct schedule_conf *conf)
{
    s->conf.breaker = conf->breaker;
    s->conf.valid_for_ms = conf->valid_for_ms;
    s->outcome_refused = SIZE_MAX; /* the topic's limit may be another one now, too */
    for (size_t i = 0; i < s->conf.channel_count; i++)
        s->channels[i].breaker.policy = conf->breaker;
}

/* ---- the beginning ---- */

static void name_stats(struct schedule *s)
{
    struct stats *to = s->port.stats;

    s->stat_lateness = stats_get(to, STAT_HISTOGRAM, "cmibridge_lateness_seconds", "",
                                 "From a slice's due time to the begin of its first request");
    s->stat_sent = stats_get(to, STAT_COUNTER, "cmibridge_sent_total", "",
                             "Requests to gateways and diallers");
    s->stat_handled = stats_get(to, STAT_COUNTER, "cmibridge_destinations_total",
                                "outcome=\"handled\"", "Destinations, by what came of an attempt");
    s->stat_failed = stats_get(to, STAT_COUNTER, "cmibridge_destinations_total",
                               "outcome=\"failed\"", "Destinations, by what came of an attempt");
    s->stat_retried = stats_get(to, STAT_COUNTER, "cmibridge_destinations_total",
                                "outcome=\"retry\"", "Destinations, by what came of an attempt");
    s->stat_overtaken = stats_get(to, STAT_COUNTER, "cmibridge_consent_refused_total", "",
                                  "Destinations not sent to for want of consent");
    s->stat_doubtful = stats_get(to, STAT_COUNTER, "cmibridge_possible_duplicates_total", "",
                                 "Requests that may have been sent before, by a process that died");
    s->stat_in_flight = stats_get(to, STAT_GAUGE, "cmibridge_in_flight", "", "Requests under way");
    s->stat_held =
        stats_get(to, STAT_GAUGE, "cmibridge_held", "", "Destinations claimed and not settled");
    s->stat_calls = stats_get(to, STAT_COUNTER, "cmibridge_calls_total", "",
                              "Callbacks' attempts that have ended");
    s->stat_fenced = stats_get(to, STAT_COUNTER, "cmibridge_fenced_total", "",
                               "Slices lost to another process while they were held");
    s->stat_damaged = stats_get(to, STAT_COUNTER, "cmibridge_schedule_damaged_total", "",
                                "Messages and slices that claims found damaged and put aside");
    s->stat_unreadable =
        stats_get(to, STAT_COUNTER, "cmibridge_outcomes_unreadable_total", "",
                  "Entries of the outbox that could not be read and were put aside");
    s->stat_told =
        stats_get(to, STAT_COUNTER, "cmibridge_outcomes_total", "", "Outcomes given to Kafka");
    s->stat_strangers =
        stats_get(to, STAT_GAUGE, "cmibridge_sources_without_channel", "",
                  "Sources of messages that are due and wait: no queue with a channel has them");
    s->stat_outbox_full = stats_get(to, STAT_GAUGE, "cmibridge_outbox_full", "",
                                    "1: of a shard nothing is claimed until outcomes have left");
}

struct schedule *schedule_new(const struct schedule_conf *conf, const struct schedule_ports *ports)
{
    struct schedule *s = mem_zeroed(1, sizeof *s);

    s->conf = *conf;
    s->port = *ports;
    heap_init(&s->timers);
    slot_pool_init(&s->slots, conf->in_flight, conf->channel_count);
    s->holdings = mem_zeroed(SCHEDULE_HOLDINGS_MAX, sizeof(*s->holdings));
    name_stats(s);
    schedule_send_init(s);
    schedule_claim_init(s);
    schedule_relay_init(s);
    return s;
}

static void let_go(struct schedule *s, struct holding *h)
{
    h->count[HANDOVER_SENDING] = 0; /* nobody will answer */
    schedule_hold_free(s, h);
}

void schedule_free(struct schedule *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->holding_count; i++) {
        if (s->holdings[i]->content != NULL)
            let_go(s, s->holdings[i]);
    }
    for (size_t i = 0; i < s->holding_count; i++)
        mem_free(s->holdings[i]);
    schedule_relay_done(s);
    schedule_claim_done(s);
    schedule_send_done(s);
    heap_done(&s->timers);
    mem_free(s->holdings);
    mem_free(s);
}
