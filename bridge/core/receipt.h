/*
 * receipt: what gateways report afterwards: that a message was delivered, read or failed, and what
 * customers wrote back. One reader a channel (struct channel.receipts); pure: the request comes as
 * bytes, time is an argument, HMAC and comparison are handed in.
 *
 * A receipt is matched by the ref that the request carried (channel.h); one without it was not
 * caused by us, or by an earlier system, and is only counted.
 *
 * Usage: `verify` over the raw bytes; then `read`. What `verify` calls `once` must not count twice
 * within RECEIPT_ONCE_MS: it is answered as done, without effect.
 */
#ifndef BRIDGE_CORE_RECEIPT_H
#define BRIDGE_CORE_RECEIPT_H

#include "bridge/core/channel.h"

#define RECEIPT_ONCE_MS   (2 * SIGNATURE_TOLERANCE_MS)
#define RECEIPT_BODY_MAX  (4 * 1024 * 1024) /* bytes; the Cloud API sends up to 3 MB */
#define RECEIPT_ITEMS_MAX 4096              /* of one request; more are refused */
#define RECEIPT_FROM_MAX  64                /* bytes of a sender's address, with the NUL */
#define RECEIPT_TEXT_MAX  256 /* bytes of a text, with the NUL; longer ones hold no stop word */
#define RECEIPT_NAME_MAX  512 /* bytes of what names a text, with the NUL */

enum receipt_status {
    RECEIPT_ACCEPTED, /* on its way: nothing changes */
    RECEIPT_DELIVERED,
    RECEIPT_READ,
    RECEIPT_FAILED,
};

struct receipt {
    bool has_ref;
    struct channel_ref ref;
    enum receipt_status status;
    bool of_part; /* FAILED: of a text in parts, one that is not the last, whose delivery is its */
    char id[CHANNEL_ID_MAX];     /* the gateway's; "" where it named none */
    char reason[FAULT_TEXT_MAX]; /* FAILED: for people, masked; else "" */
    int64_t time_ms;             /* -1: not told */
};

/* A text of a customer. */
struct receipt_inbound {
    struct view sub_type;        /* "whatsapp", "sms", … as a queue's channel */
    char from[RECEIPT_FROM_MAX]; /* as the gateway writes it */
    char text[RECEIPT_TEXT_MAX]; /* "" where it was longer */
    char name[RECEIPT_NAME_MAX]; /* the gateway's, the same however often it comes; "": none */
};

struct receipt_visitor {
    void *ctx;
    void (*receipt)(void *ctx, const struct receipt *r);
    void (*inbound)(void *ctx, const struct receipt_inbound *i);
    /* The number of one in a list, from 1, that makes no sense, and why: the others do. */
    void (*nonsense)(void *ctx, size_t number, const struct fault *f);
};

struct receipt_request {
    struct view query; /* raw, behind '?' */
    const struct http_field *headers;
    size_t header_count;
    struct view body;
    int64_t wall_ms;
};

struct receipt_setup {
    const struct channel_setup *channel; /* keys, receipts_secret */
    const char *verify_token;
    struct signature_crypto crypto;
};

struct receipt_reader {
    const char *method; /* that receipts come by: "POST" */
    /* Is it from the gateway, and of now? *once: a view into the request, or VIEW_NONE where it may
     * come twice without harm. false (REJECT): why not, for the log and nobody else. */
    bool (*verify)(const struct receipt_setup *s, const struct receipt_request *r,
                   struct view *once, struct fault *f);
    /* Hands over each receipt and text. false (REJECT): not what this gateway sends, nothing of it;
     * what was handed over by then must not be acted on. */
    bool (*read)(const struct receipt_request *r, const struct receipt_visitor *to,
                 struct fault *f);
    /* The GET by which a gateway makes sure of us, answered with *answer (decoded into `room`,
     * which has query.n bytes). NULL: it has none. */
    bool (*challenge)(const struct receipt_setup *s, struct view query, char *room,
                      struct view *answer);
};

const char *receipt_status_name(enum receipt_status s); /* "delivered" */

extern const struct receipt_reader receipt_webhook;
extern const struct receipt_reader receipt_kannel;
extern const struct receipt_reader receipt_sinch;
extern const struct receipt_reader receipt_whatsapp;

/* ---- for the readers' files ---- */

struct view receipt_header(const struct receipt_request *r, const char *name);
/* The value of that name in the query, decoded into `room`; VIEW_NONE where it is not there, is
 * there twice, or can't be decoded. */
struct view receipt_param(struct view query, const char *name, char *room);
/* Sets id, status, has_ref and ref; what is no ref is none. */
void receipt_name(struct receipt *r, struct view id, struct view ref);
/* Sets the time, told as RFC 3339. false: it is none; the time is as it was. One before 1970 is as
 * good as none. */
bool receipt_time(struct receipt *r, struct view text, struct fault *f) MUST_CHECK;
/* Sets the reason to "CODE: sentence", masked. */
void receipt_reason(struct receipt *r, struct view code, struct view sentence);
/* Counts one more; false (REJECT): there are too many. */
bool receipt_count(size_t *n, struct fault *f) MUST_CHECK;

#endif
