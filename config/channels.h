/*
 * channels: the channels and the dialler of the configuration, as the core takes them.
 */
#ifndef CONFIG_CHANNELS_H
#define CONFIG_CHANNELS_H

#include "bridge/core/channel.h"
#include "bridge/core/dialler.h"
#include "config/conf.h"

/* How much of one sender goes out, and when. Texts are the conf's, which must hold as long. */
struct sending_conf {
    int64_t rate; /* parts a second; 0: no limit */
    int64_t burst;
    int64_t recipient_gap_ms; /* between two messages to one recipient; -1: what is usual */
    const char *hours;        /* NULL: always */
    const char *zone;
    bool expire_outside; /* of its hours what is due ends as failed instead of waiting */
};

/* Texts are the conf's, which must hold as long. */
struct channel_conf {
    struct channel_setup setup;  /* hmac_sha256 is left to whoever has one */
    const char *verify_token;    /* of whatsapp-cloud's receipts; NULL: none */
    struct sending_conf sending; /* of each queue that says nothing else */
    struct buf owned;            /* what `setup` has that is not the conf's: keys */
    char *receipts_url;          /* owned */
};

/* Entry i of "channels". false (STOP): the fault names the setting that is missing or no good. */
bool channels_read(const struct conf *c, size_t i, struct channel_conf *out,
                   struct fault *f) MUST_CHECK;
/* callbacks.dialler; *kind is NULL where none is configured (then there is nothing to free). */
bool channels_read_dialler(const struct conf *c, const struct dialler **kind,
                           struct channel_conf *out, struct fault *f) MUST_CHECK;
void channels_done(struct channel_conf *c);
/* Of entry i of "chats.queues": what it says itself, and of its channel what it does not say. */
struct sending_conf channels_sending(const struct conf *c, size_t i,
                                     const struct sending_conf *of_channel);

/* Index of the entry of that name, or the count of them. */
size_t channels_find(const struct conf *c, const char *name);

#endif
