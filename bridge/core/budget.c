#include "bridge/core/budget.h"

void budget_init(struct budget *b, int64_t burst, int64_t per_success_milli)
{
    *b = (struct budget){burst * 1000, per_success_milli, burst * 1000};
}

void budget_tune(struct budget *b, int64_t burst, int64_t per_success_milli)
{
    int64_t left = b->left_milli + burst * 1000 - b->burst_milli;

    *b = (struct budget){burst * 1000, per_success_milli, left > 0 ? left : 0};
}

void budget_earn(struct budget *b)
{
    b->left_milli += b->per_success_milli;
    if (b->left_milli > b->burst_milli)
        b->left_milli = b->burst_milli;
}

bool budget_has(const struct budget *b, size_t letters)
{
    return b->left_milli / 1000 >= (int64_t)letters;
}

bool budget_spend(struct budget *b)
{
    if (!budget_has(b, 1))
        return false;
    b->left_milli -= 1000;
    return true;
}
