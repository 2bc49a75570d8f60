/*
 * receipt_rig: what gateways and diallers send to a serve_rig's receipts, and what a sending
 * process would have left in its store, by core/slice.h.
 */
#ifndef TESTS_FAKES_RECEIPT_RIG_H
#define TESTS_FAKES_RECEIPT_RIG_H

#include "bridge/core/slice.h"
#include "tests/fakes/serve_rig.h"

/* Each gives the answer's status. */
int receipt_rig_ask(const struct serve_rig *rig, const char *method, const char *path,
                    const char *headers, const char *body);
/* A Standard Webhook to /receipts/CHANNEL, signed at at_s with the channel's signing_secret. */
int receipt_rig_hook(const struct serve_rig *rig, const char *channel, const char *secret,
                     const char *event, const char *body, int64_t at_s);
/* Stores the first slice of that message or callback, which has none yet or one that goes. */
void receipt_rig_slice(const struct serve_rig *rig, const char *id, const struct slice *s);

#endif
