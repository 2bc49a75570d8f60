#include "bridge/core/pacer.h"

void pacer_init(struct pacer *p, int64_t rate)
{
    *p = (struct pacer){.rate = rate};
}

bool pacer_take(struct pacer *p, int64_t parts, int64_t now_ms)
{
    if (now_ms < p->held_to_ms)
        return false;
    if (p->rate == 0)
        return true;
    if (p->parts < parts)
        return false;
    p->parts -= parts;
    return true;
}

void pacer_put_back(struct pacer *p, int64_t parts)
{
    if (p->rate != 0)
        p->parts += parts;
}

int64_t pacer_ask(struct pacer *p, int64_t wanted, int64_t now_ms)
{
    int64_t grant = p->rate * PACER_GRANT_MS / 1000;
    int64_t lack = wanted - p->parts;

    if (p->rate == 0 || p->asked || lack <= 0 || now_ms < p->ask_at_ms || now_ms < p->held_to_ms)
        return 0;
    p->asked = true;
    if (grant < 1)
        grant = 1;
    return lack < grant ? lack : grant;
}

bool pacer_watch(struct pacer *p, int64_t now_ms)
{
    if (p->rate != 0 || p->asked || now_ms < p->ask_at_ms)
        return false;
    p->asked = true;
    return true;
}

void pacer_granted(struct pacer *p, int64_t parts, int64_t wait_ms, int64_t now_ms)
{
    p->asked = false;
    if (p->rate == 0) {
        p->ask_at_ms = now_ms + PACER_WATCH_MS;
        if (parts == 0)
            (void)pacer_hold(p, wait_ms, now_ms);
        return;
    }
    p->parts += parts;
    p->ask_at_ms = now_ms + wait_ms;
}

void pacer_lost(struct pacer *p, int64_t now_ms)
{
    p->asked = false;
    p->ask_at_ms = now_ms + PACER_AGAIN_MS;
}

bool pacer_hold(struct pacer *p, int64_t wait_ms, int64_t now_ms)
{
    bool was_free = now_ms >= p->held_to_ms;

    if (now_ms + wait_ms > p->held_to_ms)
        p->held_to_ms = now_ms + wait_ms;
    return was_free && now_ms < p->held_to_ms;
}

int64_t pacer_wake_ms(const struct pacer *p, int64_t now_ms)
{
    if (now_ms < p->held_to_ms)
        return p->held_to_ms;
    if (p->rate == 0)
        return now_ms;
    return p->asked ? INT64_MAX : p->ask_at_ms;
}
