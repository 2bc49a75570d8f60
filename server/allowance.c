#include "server/allowance.h"

#include <stddef.h>

struct allowance allowance_of(int64_t rows, const struct step_clock *clock, int64_t ms)
{
    return (struct allowance){.rows = rows,
                              .clock = clock,
                              .until_ms = clock != NULL ? clock->now_ms(clock->ctx) + ms : 0};
}

bool allowance_is_over(const struct allowance *a)
{
    return a->rows <= 0 || (a->clock != NULL && a->clock->now_ms(a->clock->ctx) >= a->until_ms);
}
