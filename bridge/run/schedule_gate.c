#include "bridge/run/schedule_state.h"

/*
 * A sender's gate in the store, which all processes share: it lends what its rate lets through, and
 * is shut while the gateway has told it to wait. Where there is no rate nothing has to be asked
 * for; so it is looked at before something is sent, and now and then while it is.
 */

#define THROTTLED_MS 1000 /* a pause where the gateway names none */

static uint64_t token_of(const struct schedule *s, const struct sender *from)
{
    return TOKEN(TOKEN_SENDER, (uint64_t)(from - s->senders));
}

/* ---- asking ---- */

static void ask(struct schedule *s, struct sender *from, int64_t parts)
{
    struct schedule_ask ask = {
        .token = token_of(s, from),
        .gate = view_of(from->conf->address),
        .rate = (double)from->conf->rate,
        .burst = (double)from->conf->burst,
        .want = (unsigned)parts,
    };

    s->port.schedule.ask(s->port.schedule.ctx, &ask);
}

void schedule_gate_look(struct schedule *s, struct sender *from, int64_t now_ms)
{
    if (pacer_watch(&from->pacer, now_ms))
        ask(s, from, 1);
}

void schedule_gate_ask(struct schedule *s, struct sender *from, int64_t first, int64_t now_ms)
{
    int64_t parts = pacer_ask(&from->pacer, first, from->ready, now_ms);

    if (parts > 0)
        ask(s, from, parts);
}

void schedule_granted(void *schedule, const struct schedule_grant *g)
{
    struct schedule *s = schedule;
    struct sender *from = &s->senders[TOKEN_REST(g->token)];

    if (TOKEN_KIND_OF(g->token) == TOKEN_CHANNEL) {
        schedule_channel_told(s, g);
        return;
    }
    if (g->state == SCHEDULE_DONE) {
        pacer_granted(&from->pacer, g->granted, g->lead_us, g->wait_ms, schedule_now(s));
        if (g->why.n > 0) /* another process was told to wait */
            schedule_pace_throttled(s, from);
    } else {
        pacer_lost(&from->pacer, schedule_now(s));
    }
}

/* ---- pauses ---- */

/* Only those that were paused are shown: there may be thousands that never are. */
static struct stat *stat_of_pauses(struct schedule *s, const struct sender *from)
{
    struct stat *stat;
    struct buf labels;
    char shown[MASK_TEXT_MAX];

    buf_init(&labels, 256);
    stats_label(&labels, "sender", view_of(mask_address(view_of(from->conf->address), shown)));
    stat = stats_get(s->port.stats, STAT_COUNTER, "cmibridge_sender_pauses_total",
                     buf_text(&labels), "Times the gateway has paused the sender");
    buf_done(&labels);
    return stat;
}

/* Of those that are out together each may say something else. */
void schedule_gate_throttled(struct schedule *s, struct sender *from,
                             const struct channel_outcome *o)
{
    struct schedule_shut shut = {
        .token = token_of(s, from),
        .gate = view_of(from->conf->address),
        .why = VIEW("throttled"),
    };
    int64_t wait_ms = o->wait_ms > 0 ? o->wait_ms : THROTTLED_MS;
    int64_t now = schedule_now(s);
    char shown[MASK_TEXT_MAX];

    schedule_pace_throttled(s, from);
    if (now >= from->pacer.held_to_ms)
        stat_add(stat_of_pauses(s, from), 1);
    if (!pacer_hold(&from->pacer, wait_ms, now))
        return;
    shut.for_ms = from->pacer.held_to_ms - now;
    notice_say(s->port.log, NOTICE_WARN, "sender_paused",
               NOTICE_TEXT("sender", mask_address(view_of(from->conf->address), shown)),
               NOTICE_TEXT("reason", o->reason), NOTICE_INT("wait_ms", shut.for_ms));
    s->port.schedule.shut(s->port.schedule.ctx, &shut);
}

void schedule_gate_written(struct schedule *s, uint64_t token_rest, enum schedule_state state)
{
    if (state != SCHEDULE_DONE) /* the next Retry-After tells them again */
        pacer_untold(&s->senders[token_rest].pacer);
}
