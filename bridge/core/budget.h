/*
 * budget: how many refused and exhausted events may be dead-lettered (D4). Tokens are earned by
 * successes, so a destination that suddenly refuses everything is seen as an outage and the topic
 * is not emptied into the dead letters. Poison is outside the budget.
 */
#ifndef BRIDGE_CORE_BUDGET_H
#define BRIDGE_CORE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct budget {
    int64_t burst_milli;       /* at most, and at the start */
    int64_t per_success_milli; /* earned by one success */
    int64_t left_milli;
};

/* per_success_milli: thousandths of a dead letter. */
void budget_init(struct budget *b, int64_t burst, int64_t per_success_milli);
/* A larger burst gives at once what it is larger by. */
void budget_tune(struct budget *b, int64_t burst, int64_t per_success_milli);
void budget_earn(struct budget *b);
bool budget_has(const struct budget *b, size_t letters);
bool budget_spend(struct budget *b); /* false: used up */

#endif
