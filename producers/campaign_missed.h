/*
 * campaign_missed: who was not reached, as CSV (RFC 4180), slice by slice, so in constant memory.
 */
#ifndef PRODUCERS_CAMPAIGN_MISSED_H
#define PRODUCERS_CAMPAIGN_MISSED_H

#include "producers/campaign_row.h"

#include <stdio.h>

/* A line of headings, then one a destination that is not HANDLED: address, status, attempts,
 * reason, provider's id. *missed: how many. *gone: destinations of which the store no longer knows
 * who they were, as the message is on its way out. Addresses are whole: whoever
 * may read the store may read them. It ends early where `to` can't be written (ferror), which is
 * the caller's to see. */
bool campaign_missed(struct store_ask *s, const struct campaign_row *c, FILE *to, int64_t *missed,
                     int64_t *gone, struct fault *f) MUST_CHECK;

#endif
