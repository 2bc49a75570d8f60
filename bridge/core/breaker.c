#include "bridge/core/breaker.h"

#include <stddef.h>

void breaker_init(struct breaker *b, struct breaker_policy policy)
{
    *b = (struct breaker){.policy = policy, .state = BREAKER_CLOSED};
}

bool breaker_allows(struct breaker *b, int64_t now_ms)
{
    if (now_ms < b->until_ms)
        return false;
    if (b->state == BREAKER_OPEN)
        b->state = BREAKER_PROBING;
    return b->state == BREAKER_CLOSED || !b->probe_out;
}

int64_t breaker_wake_ms(const struct breaker *b, int64_t now_ms)
{
    if (b->state == BREAKER_PROBING && b->probe_out)
        return INT64_MAX;
    return b->until_ms > now_ms ? b->until_ms : now_ms;
}

void breaker_sent(struct breaker *b)
{
    if (b->state == BREAKER_PROBING)
        b->probe_out = true;
}

void breaker_back(struct breaker *b)
{
    b->probe_out = false;
}

void breaker_ok(struct breaker *b)
{
    b->state = BREAKER_CLOSED;
    b->failures = 0;
    b->opened = 0;
    b->probe_out = false;
}

static bool open_up(struct breaker *b, int64_t now_ms, uint64_t random)
{
    /* Half of the base at least: a jitter of nothing would probe in the same millisecond. */
    int64_t until =
        now_ms + backoff_wait_ms(&b->policy.open, b->opened, b->policy.open.base_ms / 2, random);
    bool was_open = b->state == BREAKER_OPEN;

    /* Replies to what was sent before it opened change nothing. */
    if (was_open)
        return false;
    b->state = BREAKER_OPEN;
    b->probe_out = false;
    b->failures = 0;
    if (b->opened < 32)
        b->opened++;
    if (until > b->until_ms)
        b->until_ms = until;
    return true;
}

bool breaker_failed(struct breaker *b, int64_t now_ms, uint64_t random)
{
    b->failures++;
    if (b->state == BREAKER_CLOSED && b->failures < b->policy.failures)
        return false;
    return open_up(b, now_ms, random);
}

bool breaker_stop(struct breaker *b, int64_t now_ms, uint64_t random)
{
    return open_up(b, now_ms, random);
}

void breaker_shut(struct breaker *b, int64_t until_ms)
{
    if (b->probe_out)
        return;
    b->state = BREAKER_OPEN;
    b->until_ms = until_ms;
}

void breaker_hold(struct breaker *b, int64_t now_ms, int64_t wait_ms)
{
    if (now_ms + wait_ms > b->until_ms)
        b->until_ms = now_ms + wait_ms;
}

const char *breaker_state_name(enum breaker_state s)
{
    static const char *const names[] = {
#define BREAKER_NAME(name, text) text,
        BREAKER_STATES(BREAKER_NAME)
#undef BREAKER_NAME
    };

    return names[s];
}
