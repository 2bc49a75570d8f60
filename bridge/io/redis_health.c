#include "bridge/io/redis_health.h"

void redis_health_begin(struct redis_health *h, int64_t now_ms)
{
    h->refusal.text[0] = '\0';
    h->checked_ms = now_ms;
}

bool redis_health_check_due(struct redis_health *h, int64_t now_ms)
{
    if (now_ms - h->checked_ms < REDIS_CHECK_MS)
        return false;
    h->checked_ms = now_ms;
    return true;
}

bool redis_health_is_code(const struct redis_value *value, struct view code)
{
    return value->kind == REDIS_ERROR && view_starts(value->text, code) &&
           (value->text.n == code.n || value->text.p[code.n] == ' ');
}

bool redis_health_wont_do(const struct redis_value *value)
{
    return redis_health_is_code(value, VIEW("LOADING")) ||
           redis_health_is_code(value, VIEW("READONLY")) ||
           redis_health_is_code(value, VIEW("MASTERDOWN"));
}

/* Its memory or its disk is full, or replicas that it insists on are gone. */
void redis_health_mind(struct redis_health *h, const char *address, const struct redis_value *value,
                       int64_t now_ms)
{
    static const struct view codes[] = {{"OOM", 3}, {"MISCONF", 7}, {"NOREPLICAS", 10}};

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (redis_health_is_code(value, codes[i])) {
            fault_set(&h->refusal, FAULT_RETRY, "Redis at %s refuses to write: %.*s", address,
                      VIEW_ARG(value->text));
            h->refused_ms = now_ms;
        }
}

const char *redis_health_refusal(const struct redis_health *h, int64_t now_ms)
{
    return now_ms - h->refused_ms < REDIS_REFUSAL_MS ? h->refusal.text : "";
}
