#include "bridge/run/schedule_state.h"

#include <assert.h>

/* Consents and gaps: what is asked of the recipients of a window, and what is let go of after. */

bool schedule_needs_recipients(const struct holding *h)
{
    return h->sender != NULL && (h->sender->conf->usage != NULL || h->sender->conf->gap_ms > 0);
}

static struct schedule_recipients recipients_of(struct schedule *s, const struct holding *h)
{
    const struct schedule_sender *from = h->sender->conf;

    return (struct schedule_recipients){
        .token = schedule_hold_token(h),
        .usage = from->usage != NULL ? view_of(from->usage) : VIEW_NONE,
        .needs_consent = from->needs_consent,
        /* From begin to begin; and one may begin as late as its mark allows. */
        .gap_ms = from->gap_ms > 0 ? from->gap_ms + SCHEDULE_MARKED_MS : 0,
        .sender = view_of(from->heard_as != NULL ? from->heard_as : from->address),
        .message = h->lease.id,
        .holder = {(const char *)h->slice.holder, sizeof h->slice.holder},
        .destinations = s->destinations,
        .addresses = s->addresses,
    };
}

static void add_recipient(struct schedule *s, struct schedule_recipients *to,
                          const struct holding *h, size_t i)
{
    s->destinations[to->count] = h->lease.slice * SLICE_DESTINATIONS_MAX + (uint32_t)i;
    s->addresses[to->count++] = schedule_address(h, i);
}

/* ---- letting go ---- */

/* HANDED: of the note beside the consent. RESERVED: of the gap. */
static bool is_kept(const struct holding *h, uint8_t flag)
{
    if (h->sender == NULL)
        return false;
    return flag == HANDED ? h->sender->conf->usage != NULL : h->sender->conf->gap_ms > 0;
}

static struct schedule_recipients letting_go(struct schedule *s, const struct holding *h,
                                             uint8_t flag)
{
    struct schedule_recipients these = recipients_of(s, h);

    if (flag == HANDED)
        these.gap_ms = 0;
    else
        these.usage = VIEW_NONE;
    return these;
}

static void let_go(struct schedule *s, struct schedule_recipients *of, struct holding *h, size_t i,
                   uint8_t flag)
{
    h->states[i] = (uint8_t)(h->states[i] & ~flag);
    add_recipient(s, of, h, i);
}

static void let_go_of(struct schedule *s, const struct schedule_recipients *these)
{
    if (these->count > 0)
        s->port.schedule.let_go(s->port.schedule.ctx, these);
}

static void let_go_these(struct schedule *s, struct holding *h, const struct batch *settled,
                         uint8_t flag)
{
    struct schedule_recipients these;

    if (!is_kept(h, flag))
        return;
    these = letting_go(s, h, flag);
    for (size_t i = 0; i < settled->count; i++)
        if ((h->states[settled->items[i].index] & flag) != 0)
            let_go(s, &these, h, settled->items[i].index, flag);
    let_go_of(s, &these);
}

void schedule_let_go_settled(struct schedule *s, struct holding *h, const struct batch *settled)
{
    let_go_these(s, h, settled, HANDED);
    let_go_these(s, h, settled, RESERVED); /* of what was sent it has gone (schedule_move) */
}

void schedule_give_back(struct schedule *s, struct holding *h)
{
    struct schedule_recipients these;

    if (!is_kept(h, RESERVED))
        return;
    these = letting_go(s, h, RESERVED);
    for (size_t i = 0; i < h->slice.count; i++)
        if ((h->states[i] & RESERVED) != 0)
            let_go(s, &these, h, i, RESERVED);
    let_go_of(s, &these);
}

void schedule_let_go_all(struct schedule *s, struct holding *h)
{
    struct schedule_recipients these;

    schedule_give_back(s, h);
    if (!is_kept(h, HANDED))
        return;
    these = letting_go(s, h, HANDED);
    for (size_t i = 0; i < h->slice.count; i++)
        if ((h->states[i] & HANDED) != 0 &&
            (schedule_state_of(h, i) != HANDOVER_STOPPED || !slice_doubtful(&h->slice, i) ||
             h->leaving == LEAVING_CANCELLED))
            let_go(s, &these, h, i, HANDED);
    let_go_of(s, &these);
}

/* ---- asking ---- */

void schedule_recipients_ask(struct schedule *s, struct holding *h)
{
    struct schedule_recipients ask = recipients_of(s, h);

    for (size_t i = 0; i < h->slice.count; i++)
        if (schedule_state_of(h, i) == HANDOVER_MARKING)
            add_recipient(s, &ask, h, i);
    h->recipients_asked = true;
    s->port.schedule.recipients(s->port.schedule.ctx, &ask);
}

static bool may_go_to(const struct schedule_sender *from, enum schedule_consent consent)
{
    return from->usage == NULL || consent == SCHEDULE_CONSENT_GIVEN ||
           (consent == SCHEDULE_CONSENT_NONE && !from->needs_consent);
}

/* They may be noted and reserved, or not: nobody knows. */
void schedule_recipients_give_up(struct schedule *s, struct holding *h)
{
    for (size_t i = 0; i < h->slice.count; i++)
        if (schedule_state_of(h, i) == HANDOVER_MARKING)
            h->states[i] |= HANDED | RESERVED;
    schedule_hold_unmark(s, h);
}

/* The record of the mark came first: so a withdrawal acknowledged before this look is seen, and one
 * acknowledged after it comes after the handing over (D7). */
void schedule_recipients_told(void *schedule, const struct schedule_recipients_answer *a)
{
    struct schedule *s = schedule;
    struct holding *h = schedule_hold_find(s, TOKEN_REST(a->token));
    int64_t now = schedule_now(s);
    size_t n = 0;

    assert(h != NULL && h->recipients_asked);
    h->recipients_asked = false;
    schedule_hold_dirty(s, h);
    if (a->state != SCHEDULE_DONE || h->leaving != LEAVING_NOT) {
        schedule_recipients_give_up(s, h);
        return;
    }
    for (size_t i = 0; i < h->slice.count && n < a->count; i++) {
        if (schedule_state_of(h, i) != HANDOVER_MARKING)
            continue;
        if (a->recipients[n].unknown) {
            h->states[i] |= HANDED | RESERVED;
            schedule_move(s, h, i, HANDOVER_ON_UNMARKED);
            schedule_window_defer(s, h, i, now + SCHEDULE_POLL_MS);
        } else if (!may_go_to(h->sender->conf, a->recipients[n].consent)) {
            schedule_move(s, h, i, HANDOVER_ON_REFUSE);
            schedule_settle(s, h, i,
                            &(struct settle){.state = SETTLEMENT_FAILED,
                                             .reason = VIEW("consent"),
                                             .possible_duplicate = slice_doubtful(&h->slice, i),
                                             .unasked = true});
        } else if (a->recipients[n].wait_ms > 0) {
            schedule_move(s, h, i, HANDOVER_ON_UNMARKED);
            h->states[i] = (uint8_t)(h->states[i] & ~RESERVED);
            schedule_window_defer(s, h, i, now + a->recipients[n].wait_ms);
        } else {
            h->states[i] |= HANDED | RESERVED;
        }
        n++;
    }
    schedule_window_marked(
        s, h, h->write_asked_ms); /* of the mark, whose look at the message is the older */
}
