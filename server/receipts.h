/*
 * receipts: POST and GET /receipts/<channel>: what gateways report afterwards (core/receipt.h), and
 * /receipts/dialler (server/receipt_call.h).
 * Nobody signs on here: a gateway proves itself by its signature or token, over the raw bytes.
 *
 * A receipt is answered 200 once all that it says is durable; without the store 503, and the
 * gateway comes again. What comes twice, out of order, before the message's own reply was recorded
 * or for nobody changes nothing that it should not (server/redis/receipt.lua): only what was
 * handled can still fail, and is not sent again (contract 17).
 */
#ifndef SERVER_RECEIPTS_H
#define SERVER_RECEIPTS_H

#include "bridge/core/receipt.h"
#include "bridge/core/stop_words.h"
#include "config/conf.h"
#include "server/exchange.h"

struct receipts;

/* Every channel of the configuration that has receipts. Texts are the conf's, which must hold as
 * long. NULL with a fault (REJECT) where a channel or a list of stop words is no good. */
struct receipts *receipts_new(const struct conf *c, struct fault *f);
void receipts_free(struct receipts *r);

/* ---- for the files of receipts ---- */

#define RECEIPTS_DIALLER "dialler" /* in place of a channel's name; none may have it */
#define RECEIPTS_TOTAL   "cmibridge_receipts_total"
#define RECEIPTS_HELP    "Receipts, by channel and what became of them."

struct receipts_channel {
    const char *name;
    const struct receipt_reader *reader;
    struct receipt_setup setup;
};

/* NULL: none such, or one that has no receipts. The dialler's only proves, it reads no receipts. */
const struct receipts_channel *receipts_channel(const struct receipts *r, struct view name);
const struct stop_words *receipts_stop_words(const struct receipts *r);

#endif
