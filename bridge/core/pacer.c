#include "bridge/core/pacer.h"

#define US_A_MS INT64_C(1000)
#define US_A_S  INT64_C(1000000)

void pacer_init(struct pacer *p, int64_t rate, int64_t burst)
{
    *p = (struct pacer){.rate = rate, .burst = burst};
}

/* ---- what was granted ---- */

static void join(struct pacer *p)
{
    if (p->then > 0 && p->then_us > p->next_us)
        p->next_us = p->then_us;
    p->parts += p->then;
    p->then = 0;
}

/* So much later than it might have gone may one go without those behind it going later, too. */
static int64_t slack_us(const struct pacer *p)
{
    int64_t burst_us = (p->burst - 1) * US_A_S / p->rate;

    return burst_us > PACER_SLACK_MS * US_A_MS ? burst_us : PACER_SLACK_MS * US_A_MS;
}

bool pacer_take(struct pacer *p, int64_t parts, int64_t now_ms)
{
    int64_t now_us = now_ms * US_A_MS;

    if (now_ms < p->held_to_ms)
        return false;
    if (p->rate == 0)
        return now_ms < p->known_to_ms;
    if (p->parts < parts)
        join(p);
    if (p->parts < parts || now_us < p->next_us)
        return false;
    if (p->next_us < now_us - slack_us(p))
        p->next_us = now_us - slack_us(p);
    p->next_us += parts * US_A_S / p->rate;
    p->parts -= parts;
    return true;
}

void pacer_put_back(struct pacer *p, int64_t parts)
{
    if (p->rate == 0)
        return;
    p->parts += parts;
    p->next_us -= parts * US_A_S / p->rate;
}

/* ---- asking ---- */

int64_t pacer_ask(struct pacer *p, int64_t first, int64_t wanted, int64_t now_ms)
{
    int64_t grant = p->rate * PACER_GRANT_MS / 1000;
    int64_t lack = wanted - p->parts;

    if (p->rate == 0 || p->asked || p->then > 0 || lack <= 0 || now_ms < p->ask_at_ms ||
        now_ms < p->held_to_ms)
        return 0;
    if (p->parts >= first && p->parts > grant / 2)
        return 0;
    p->asked = true;
    if (grant < 1)
        grant = 1;
    return lack < grant ? lack : grant;
}

bool pacer_watch(struct pacer *p, int64_t now_ms)
{
    if (p->rate != 0 || p->asked || now_ms < p->held_to_ms ||
        (now_ms < p->ask_at_ms && now_ms < p->known_to_ms))
        return false;
    p->asked = true;
    return true;
}

/* When it is over it is looked whether it was made longer elsewhere. */
static void hold(struct pacer *p, int64_t to_ms)
{
    if (to_ms <= p->held_to_ms)
        return;
    p->held_to_ms = to_ms;
    p->known_to_ms = 0;
}

void pacer_granted(struct pacer *p, int64_t parts, int64_t lead_us, int64_t wait_ms, int64_t now_ms)
{
    p->asked = false;
    if (p->rate == 0) {
        p->ask_at_ms = now_ms + PACER_WATCH_MS;
        p->known_to_ms = now_ms + PACER_KNOWN_MS;
        if (parts == 0 && wait_ms > 0) {
            hold(p, now_ms + wait_ms);
            p->told_to_ms = now_ms + wait_ms; /* that, and no more */
        }
        return;
    }
    p->then = parts;
    p->then_us = now_ms * US_A_MS + lead_us;
    if (p->parts == 0)
        join(p);
    p->ask_at_ms = parts > 0 ? now_ms : now_ms + wait_ms;
}

void pacer_lost(struct pacer *p, int64_t now_ms)
{
    p->asked = false;
    p->ask_at_ms = now_ms + PACER_AGAIN_MS;
    p->known_to_ms = now_ms + PACER_BLIND_MS;
}

bool pacer_hold(struct pacer *p, int64_t wait_ms, int64_t now_ms)
{
    hold(p, now_ms + wait_ms);
    if (p->held_to_ms <= p->told_to_ms + PACER_SAME_MS)
        return false;
    p->told_to_ms = p->held_to_ms;
    return true;
}

void pacer_untold(struct pacer *p)
{
    p->told_to_ms = 0;
}

int64_t pacer_wake_ms(const struct pacer *p, int64_t first, int64_t now_ms)
{
    if (now_ms < p->held_to_ms)
        return p->held_to_ms;
    if (p->rate == 0)
        return now_ms >= p->known_to_ms && p->asked ? INT64_MAX : now_ms;
    if (p->parts >= first)
        return (p->next_us + US_A_MS - 1) / US_A_MS;
    if (p->then > 0)
        return now_ms; /* pacer_take joins them */
    return p->asked ? INT64_MAX : p->ask_at_ms;
}
