#include "bridge/run/schedule_state.h"

/*
 * What claims are told of sources that this process can't send from now, or not more than so much.
 * Where there are few senders, all of them are told of. Of thousands only those of which something
 * is held, as far as they find room, and of the others all the same: a slice of each message, and
 * not more than there is room for of one sender. What comes in spite of it, since many claims are
 * out at once and none of them knows of the others, is put down again (schedule_closed_full_ms).
 */

#define FEW          (SCHEDULE_CLOSED_MAX - SCHEDULE_STRANGERS_MAX) /* senders */
#define LEASES_AHEAD 2 /* of what its rate lets through, small messages are held so far ahead */
/* Of one that has no rate, of what its gateway does: many small messages that are held cost less
 * than many that are looked at again and again. */
#define SMALL_MS 60000

static int64_t above_zero(int64_t n)
{
    return n > 0 ? n : 0;
}

static void put(struct schedule *s, struct schedule_closed closed)
{
    if (s->closed_count < SCHEDULE_CLOSED_MAX)
        s->closed[s->closed_count++] = closed;
}

/* Message parts a second; 0: as many as there are. It may be another one at the next reading of the
 * clock. */
static int64_t rate_of(const struct schedule *s, const struct sender *from)
{
    return from->conf->rate > 0 ? from->conf->rate : schedule_pace_of(s, from);
}

/* An eighth of what it takes to send all that is held: by then there is room, or not yet. A rate
 * stays what it is; a gateway may go fast again at any time. */
static int64_t rest_ms(const struct sender *from, int64_t rate)
{
    int64_t most = from->conf->rate > 0 ? SCHEDULE_FULL_MOST_MS : SCHEDULE_FULL_PACE_MS;
    int64_t rest = from->held * 1000 / rate / 8;

    if (rest < SCHEDULE_FULL_MS)
        return SCHEDULE_FULL_MS;
    return rest < most ? rest : most;
}

static int64_t in_lease(const struct schedule *s, int64_t rate)
{
    return s->conf.lease_ms * rate / 1000;
}

static bool is_slow_full(const struct schedule *s)
{
    return s->slow >= SCHEDULE_SLOW_MAX || s->slow_count >= SCHEDULE_SLOW_HOLDINGS;
}

/* It needs so many more soon. */
static int64_t more(const struct sender *from, int64_t rate)
{
    return above_zero(SCHEDULE_NEXT_MS * rate / 1000 - from->held);
}

/* For messages of which nothing is held. */
static int64_t room(const struct schedule *s, const struct sender *from, int64_t rate)
{
    int64_t first = is_slow_full(s) ? 0 : SCHEDULE_NEWCOMERS;

    if (s->slow >= SCHEDULE_SLOW_MAX || (from->conf->rate > 0 && first == 0))
        return more(from, rate);
    if (from->conf->rate > 0)
        return above_zero(LEASES_AHEAD * in_lease(s, rate) + first - from->held);
    return above_zero(SMALL_MS * rate / 1000 + first - from->held);
}

/* What else waits was not sent, and is in doubt all the same where this process dies. So it is what
 * can begin soon, by all claims of this turn and those that are out. */
static int64_t head_start(const struct schedule *s, const struct sender *from)
{
    int64_t most = schedule_window_most(from);

    if (most > from->channel->conf->slots)
        most = from->channel->conf->slots;
    return above_zero(most - from->held) / (int64_t)(s->claims_out + s->claims_due);
}

/* A rate shares one sender out among the messages of which something is held (D8). So each has one
 * slice here, more only where the rate needs it soon, and there is room for those that come: the
 * smaller one is, the longer. Where the gateway is slower than what comes, that is the rate. */
static struct schedule_closed paced(const struct schedule *s, const struct sender *from,
                                    int64_t rate)
{
    return (struct schedule_closed){
        .source = view_of(from->source),
        .until_ms = schedule_store_ms(s) + rest_ms(from, rate),
        .more = more(from, rate),
        .room = room(s, from, rate),
        .head_start = head_start(s, from),
        .rate = from->conf->rate,
        /* Each process that has some of a large one takes its part of the rate for that. */
        .alone = from->conf->rate > 0 && rate <= SCHEDULE_ALONE_RATE};
}

/* One request at a time shows whether its channel works again: little is held for that, of its
 * messages a slice each. The rest is looked at the more seldom, the more often it was in vain. */
static int64_t probe_rest_ms(const struct sender *from)
{
    int64_t rest = SCHEDULE_POLL_MS * (1 + (int64_t)from->channel->breaker.opened);

    return rest < SCHEDULE_FULL_PACE_MS ? rest : SCHEDULE_FULL_PACE_MS;
}

/* Less than is_slow_full: it lasts as long as the outage, and keeps those that are paced waiting.
 */
static bool is_fail_full(const struct schedule *s)
{
    return s->slow >= SCHEDULE_SLOW_MAX / 2 || s->slow_count >= SCHEDULE_FAIL_HOLDINGS;
}

/* Where others can send it, something to try it with is all that is held here, and nothing else
 * while that is out. */
static struct schedule_closed probed(const struct schedule *s, const struct sender *from)
{
    int64_t now = schedule_now(s);
    bool own = schedule_channel_fails_here(from->channel, now);
    bool enough = (is_fail_full(s) && from->channel->busy_count > 0) ||
                  (own && (from->held > 0 || schedule_channel_tries(from->channel, now)));

    return (struct schedule_closed){
        .source = view_of(from->source),
        .until_ms = schedule_store_ms(s) + probe_rest_ms(from),
        .room = enough ? 0 : above_zero(SCHEDULE_NEWCOMERS - from->held),
        .own = own,
    };
}

/* Of one whose channel fails, which nothing else shuts. */
static struct schedule_closed failing(const struct schedule *s, const struct sender *from,
                                      int64_t now)
{
    int64_t until = from->channel->breaker.until_ms;

    if (until <= now + (schedule_channel_fails_here(from->channel, now) ? 0 : SCHEDULE_POLL_MS))
        return probed(s, from);
    return (struct schedule_closed){
        .source = view_of(from->source), .until_ms = schedule_store_at(s, until), .own = true};
}

/* Needs more soon: it is told of before those that only have enough. */
static bool runs_dry(const struct schedule *s, const struct sender *from)
{
    int64_t rate = rate_of(s, from);

    return rate == 0 || more(from, rate) > 0;
}

static void put_strangers(struct schedule *s, int64_t now)
{
    for (size_t i = 0; i < SCHEDULE_STRANGERS_MAX; i++)
        if (s->strangers[i].until_ms > now)
            put(s,
                (struct schedule_closed){.source = view_of(s->strangers[i].source),
                                         .until_ms = schedule_store_at(s, s->strangers[i].until_ms),
                                         .unknown = true});
}

/* open: one without a rate is told of, too, as the others are not as free. */
static void put_sender(struct schedule *s, struct sender *from, int64_t now, bool open)
{
    int64_t until = schedule_sender_shut_to_all_ms(s, from, now);
    int64_t rate = rate_of(s, from);

    if (until > now + SCHEDULE_POLL_MS)
        put(s, (struct schedule_closed){.source = view_of(from->source),
                                        .until_ms = schedule_store_at(s, until)});
    else if (schedule_channel_fails(from->channel))
        put(s, failing(s, from, now));
    else if (rate > 0)
        put(s, paced(s, from, rate));
    else if (open)
        put(s, (struct schedule_closed){.source = view_of(from->source)});
}

static void put_busy(struct schedule *s, int64_t now, bool dry)
{
    for (size_t i = 0; i < s->conf.channel_count; i++) {
        struct sender *from = s->channels[i].busy;

        for (size_t k = 0; k < s->channels[i].busy_count; k++, from = from->next)
            if (runs_dry(s, from) == dry && s->closed_count < SCHEDULE_CLOSED_MAX)
                put_sender(s, from, now, s->has_others);
    }
}

void schedule_closed_look(struct schedule *s)
{
    int64_t now = schedule_now(s);

    s->closed_count = 0;
    put_strangers(s, now);
    if (s->conf.sender_count <= FEW) {
        for (size_t i = 0; i < s->conf.sender_count; i++)
            put_sender(s, &s->senders[i], now, false);
        return;
    }
    s->has_others = s->has_rates;
    s->others = (struct schedule_closed){.until_ms = schedule_store_at(s, now) + SCHEDULE_FULL_MS,
                                         .room = is_slow_full(s) ? 0 : SCHEDULE_NEWCOMERS,
                                         .head_start = 1,
                                         .alone = true};
    put_busy(s, now, true);
    put_busy(s, now, false);
}

/* Twice as much: so that what comes of claims that were out together is not put down for that. */
int64_t schedule_closed_full_ms(const struct schedule *s, const struct sender *from)
{
    int64_t rate = rate_of(s, from);

    if (schedule_channel_fails(from->channel) && is_fail_full(s) &&
        (from->held > 0 || from->channel->busy_count > 1))
        return probe_rest_ms(from);
    if (!s->has_others || rate == 0 ||
        from->held <= 2 * (LEASES_AHEAD * in_lease(s, rate) + SCHEDULE_NEWCOMERS))
        return 0;
    return rest_ms(from, rate);
}

/* A claim that can't be told of all senders would bring it again at once. */
int64_t schedule_closed_own_ms(const struct schedule *s, const struct holding *h, int64_t most_ms)
{
    if (s->conf.sender_count <= FEW)
        return 0;
    return schedule_claim_rest_ms(
        s, h, most_ms < SCHEDULE_STRANGER_MOST_MS ? most_ms : SCHEDULE_STRANGER_MOST_MS);
}
