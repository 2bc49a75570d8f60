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
    return b->probe == 0;
}

int64_t breaker_wake_ms(const struct breaker *b, int64_t now_ms)
{
    if (b->probe != 0)
        return INT64_MAX;
    return b->until_ms > now_ms ? b->until_ms : now_ms;
}

uint64_t breaker_sent(struct breaker *b)
{
    if (b->state == BREAKER_OPEN || b->probe != 0)
        return 0;
    b->sent++;
    if (b->state == BREAKER_PROBING)
        b->probe = b->sent;
    return b->sent;
}

void breaker_back(struct breaker *b, uint64_t number)
{
    if (b->probe == number)
        b->probe = 0;
}

void breaker_ok(struct breaker *b)
{
    b->state = BREAKER_CLOSED;
    b->failures = 0;
    b->opened = 0;
    b->probe = 0;
}

static void open_up(struct breaker *b)
{
    b->state = BREAKER_OPEN;
    b->stale = b->sent;
    b->probe = 0;
    b->failures = 0;
}

static void open_and_wait(struct breaker *b, int64_t now_ms, uint64_t random)
{
    /* Half of the base at least: a jitter of nothing would probe in the same millisecond. */
    int64_t until =
        now_ms + backoff_wait_ms(&b->policy.open, b->opened, b->policy.open.base_ms / 2, random);

    open_up(b);
    if (b->opened < 32)
        b->opened++;
    if (until > b->until_ms)
        b->until_ms = until;
}

/* Whether it is to open by it. */
static bool counts(struct breaker *b, uint64_t number)
{
    if (number <= b->stale || number == b->failed)
        return false;
    b->failed = number;
    return b->state != BREAKER_CLOSED || ++b->failures >= b->policy.failures;
}

bool breaker_failed(struct breaker *b, uint64_t number, int64_t now_ms, uint64_t random)
{
    if (!counts(b, number))
        return false;
    open_and_wait(b, now_ms, random);
    return true;
}

bool breaker_refused(struct breaker *b, uint64_t number, int64_t now_ms, uint64_t random)
{
    if (!counts(b, number))
        return false;
    b->opened = 0;
    open_and_wait(b, now_ms, random);
    return true;
}

bool breaker_stop(struct breaker *b, uint64_t number, int64_t now_ms, uint64_t random)
{
    if (number <= b->stale && b->state != BREAKER_CLOSED)
        return false;
    open_and_wait(b, now_ms, random);
    return true;
}

void breaker_shut(struct breaker *b, int64_t until_ms)
{
    if (b->probe != 0)
        return;
    open_up(b);
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
