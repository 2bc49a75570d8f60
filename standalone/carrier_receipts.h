/*
 * carrier_receipts: the receipts of the pretend carrier: for each message that it has accepted, one
 * that says delivered, to /receipts/NAME of serve, signed as the webhook channel's are (Standard
 * Webhooks). A receipt that is not taken comes again, a few times.
 */
#ifndef STANDALONE_CARRIER_RECEIPTS_H
#define STANDALONE_CARRIER_RECEIPTS_H

#include "bridge/core/fault.h"
#include "bridge/core/view.h"

#define CARRIER_RECEIPTS_MAX   100000 /* that wait; further ones are not sent */
#define CARRIER_RECEIPTS_TRIES 10
#define CARRIER_RECEIPTS_SLOTS 16
#define CARRIER_RECEIPT_ID_MAX 64

struct uv_loop_s;
struct carrier_receipts;

/* url: of serve's receipts for the channel; secret: "whsec_…". NULL with a fault. */
struct carrier_receipts *carrier_receipts_new(struct uv_loop_s *loop, const char *url,
                                              const char *secret, struct fault *f);
/* id: what the request had as its id; provider_id: what the answer to it has. */
void carrier_receipts_add(struct carrier_receipts *r, struct view id, const char *provider_id);
/* Drops what waits. The memory goes with the loop's next turns. NULL is fine. */
void carrier_receipts_close(struct carrier_receipts *r);

#endif
