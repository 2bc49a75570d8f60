#include "bridge/run/schedule_state.h"

/*
 * How fast each sender goes, whatever its rate: what it has begun between two looks, where what was
 * marked at the first was more than that, and all slots are taken. Only then it is its gateway that
 * holds it up. One that begins all that it may keeps up, and how little that is says nothing; nor
 * does what waits for the store.
 *
 * It is taken up quickly and down slowly, to 31: a gateway may answer in bursts, a store may pause.
 * For a while after it was behind a sender is taken for one that still is. One that its gateway
 * tells to wait is behind, too, though it has slots left; what it begins between two pauses is
 * taken up as slowly as it is taken down, since only both together are its pace.
 *
 * What is held of a sender that takes longer than one look is slow: it counts for nobody else's
 * room (D8). So is what waits for a channel that fails, as its probe may take as long as a request,
 * and for a gateway that has said to wait.
 * How much of it is held, claims are told (schedule_closed.c).
 */

#define UP   4
#define DOWN 32

int64_t schedule_pace_of(const struct schedule *s, const struct sender *from)
{
    return schedule_now(s) < from->behind_ms + SCHEDULE_NEXT_MS ? from->pace : 0;
}

/* Its gateway says to wait, or did a while ago. */
static bool is_throttled(const struct sender *from, int64_t now)
{
    return now < from->pacer.held_to_ms + SCHEDULE_NEXT_MS;
}

static void look(const struct schedule *s, struct sender *from, int64_t now)
{
    int64_t pace = schedule_pace_of(s, from);
    int64_t went = from->begun * 1000 / (now - s->pace_ms);
    bool throttled = is_throttled(from, now);
    bool behind = from->waited > from->begun && (from->channel->full || throttled);

    if (behind)
        from->behind_ms = now;
    if (behind && pace == 0)
        pace = went > SCHEDULE_PACE_FIRST ? went : SCHEDULE_PACE_FIRST;
    else if (went > pace && pace > 0)
        pace += (went - pace) / (throttled ? DOWN : UP);
    else if (behind)
        pace -= (pace - went) / DOWN;
    from->pace = pace;
    from->begun = 0;
    from->waited = from->ready;
}

void schedule_pace_throttled(const struct schedule *s, struct sender *from)
{
    from->pace = schedule_pace_of(s, from);
    if (from->pace == 0)
        from->pace = SCHEDULE_PACE_FIRST;
    from->behind_ms = schedule_now(s);
}

bool schedule_is_slow(const struct schedule *s, const struct sender *from)
{
    int64_t rate = from->conf->rate;
    int64_t pace = schedule_pace_of(s, from);

    return schedule_channel_fails(from->channel) || schedule_now(s) < from->pacer.held_to_ms ||
           (rate > 0 && from->held * 1000 / rate > SCHEDULE_NEXT_MS) ||
           (pace > 0 && from->held * 1000 / pace > SCHEDULE_PACE_MS);
}

/* What was claimed before it was known. */
static void make_room(struct schedule *s)
{
    for (size_t i = 0; i < s->holding_count && s->blocked > 0; i++) {
        struct holding *h = s->holdings[i];

        if (h->sender != NULL && !h->slow && schedule_is_slow(s, h->sender))
            schedule_hold_slow(s, h);
    }
}

void schedule_pace_look(struct schedule *s)
{
    int64_t now = schedule_now(s);

    if (now < s->pace_ms + SCHEDULE_PACE_MS)
        return;
    for (size_t i = 0; i < s->conf.channel_count; i++) {
        struct sender *from = s->channels[i].busy;

        for (size_t k = 0; k < s->channels[i].busy_count; k++, from = from->next)
            look(s, from, now);
    }
    s->pace_ms = now;
    make_room(s);
}

/* Others look when they claim. */
int64_t schedule_pace_wake_ms(const struct schedule *s)
{
    return s->blocked > 0 && !s->ending ? s->pace_ms + SCHEDULE_PACE_MS : INT64_MAX;
}
