/*
 * campaign_row: what the store says of one message: how many of its destinations are where.
 * added = handled + failed + cancelled + in flight + waiting, at every reading (D9).
 */
#ifndef PRODUCERS_CAMPAIGN_ROW_H
#define PRODUCERS_CAMPAIGN_ROW_H

#include "bridge/core/guid.h"
#include "config/conf.h"
#include "producers/store_ask.h"

#define CAMPAIGN_TEXT_MAX 260 /* bytes of a source or a reason, with the NUL */

enum campaign_state {
    CAMPAIGN_SCHEDULED, /* nothing of it has gone, and its time has not come */
    CAMPAIGN_SENDING,
    CAMPAIGN_RESTING, /* nothing of it is out, and nothing can go before next_ms: by its sender's
                         hours, rate or gateway */
    CAMPAIGN_PAUSED,
    CAMPAIGN_BEHIND, /* of a chat, and waits for the message before it to end */
    CAMPAIGN_COMPLETED,
    CAMPAIGN_CANCELLED,
};

struct campaign_row {
    char id[GUID_TEXT_MAX];
    enum campaign_state state;
    bool of_chat;               /* as far as `list` has seen: no message of GET /messages */
    char behind[GUID_TEXT_MAX]; /* CAMPAIGN_BEHIND: that message */
    int64_t version;
    int64_t created_ms;
    int64_t send_ms; /* 0: at once */
    int64_t next_ms; /* when the next of it is due and may go; 0: nothing waits */
    int64_t now_ms;  /* the store's clock, at the reading */
    int64_t destinations, handled, failed, cancelled, waiting;
    int64_t slices;
    int64_t attempts_max;
    int64_t retry_delay_s;
    char source[CAMPAIGN_TEXT_MAX];
    char sub_type[64];
    /* What shuts its source for now ("throttled"), "" where nothing does; until when. */
    char shut_why[CAMPAIGN_TEXT_MAX];
    int64_t shut_until_ms;
    /* The channel of its source, where that is stopped: nothing goes through it but one at a time,
     * then, that tries it. "": it is not */
    char channel[CAMPAIGN_TEXT_MAX];
    char channel_why[CAMPAIGN_TEXT_MAX];
    int64_t channel_until_ms;
};

const char *campaign_state_name(enum campaign_state s); /* "sending"; static storage */

/* conf says which sender and channel its source is of.
 * false: with a fault, or, where f->cls is FAULT_REJECT, there is no such message. */
bool campaign_row_read(struct store_ask *s, const struct conf *conf, const char *id_hex,
                       struct campaign_row *out, struct fault *f) MUST_CHECK;

#endif
