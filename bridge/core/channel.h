/*
 * channel: how one destination of one message becomes a request to a gateway, and what the
 * gateway's reply means (contract 6, design.md 6, 7). One row a channel; a further one is a file
 * channel_<name>.c and its row in channel.c. No clock, no socket: time is an argument, the HMAC a
 * function that is handed in.
 *
 * Usage, once a message: channel_content_init. For each destination, channel_requests times, until
 * one is not HANDLED: channel_request_clear, kind->build, send it under the destination's base URL,
 * kind->judge the reply. Without a whole reply there is nothing to judge: the fate is transient,
 * and where the request may have arrived a repeat is a possible duplicate. So it is where parts
 * before it were HANDLED: a further attempt sends all of them again.
 */
#ifndef BRIDGE_CORE_CHANNEL_H
#define BRIDGE_CORE_CHANNEL_H

#include "bridge/core/buf.h"
#include "bridge/core/guid.h"
#include "bridge/core/http_rules.h"
#include "bridge/core/signature.h"
#include "bridge/core/template.h"

#include <stdint.h>

#define CHANNEL_REF_MAX     48      /* with the NUL */
#define CHANNEL_ID_MAX      160     /* of a gateway's id, with the NUL; a longer one is not kept */
#define CHANNEL_HEADERS_MAX 8       /* of one request */
#define CHANNEL_VALUES_MAX  512     /* bytes of their values together */
#define CHANNEL_PATH_MAX    32768   /* a text of 2000 characters, percent-encoded, fits */
#define CHANNEL_BODY_MAX    65536   /* the same escaped in JSON, with all around it */
#define CHANNEL_WAIT_MAX_MS 3600000 /* a longer Retry-After is cut to this */
#define CHANNEL_KEYS_MAX    2       /* signing keys in force at once, while they are exchanged */

/* ---- what goes out ---- */

struct channel;
struct receipt_reader;

/* What all destinations of a message have in common; made once, read many times. */
struct channel_content {
    struct view text; /* as stored, or the template's template_body; may be empty there */
    bool is_template;
    struct template tpl; /* holds only where is_template */
    unsigned parts;      /* what the sender's rate counts: parts of an SMS, else 1 */
};

/* body is borrowed as long as the content. It is counted in parts if its channel sends SMS only, or
 * sub_type is "sms" (any case). kind: NULL where its channel is not known. false: a template that
 * is none (REJECT); nothing is to be freed then. */
bool channel_content_init(struct channel_content *c, struct view body, bool is_template,
                          const struct channel *kind, struct view sub_type,
                          struct fault *f) MUST_CHECK;
void channel_content_done(struct channel_content *c);

/* Names one destination of one message, the same at every attempt: idempotency key, and what comes
 * back in a receipt. "<id, 32 upper-case hex>-<number of the destination from 0>". */
struct channel_ref {
    struct guid message;
    uint32_t destination; /* 0 … in the message, repeats not counted */
};
void channel_ref_text(const struct channel_ref *ref, char out[CHANNEL_REF_MAX]);
bool channel_ref_parse(struct view text, struct channel_ref *out) MUST_CHECK;

/* One destination, one attempt, one part. Borrowed during build. */
struct channel_send {
    struct channel_ref ref;
    unsigned attempt; /* 1 … */
    unsigned part;    /* 0 …, below channel_requests */
    struct view source;
    struct view to;
    struct view sub_type;
    const struct channel_content *content;
    int64_t wall_ms; /* for the signature */
};

/* One configured channel. Texts and keys are borrowed; NULL or empty where not given. Which of them
 * a kind needs, says its check. How to sign on by a header is the HTTP destination's business, not
 * the channel's. */
struct channel_setup {
    const char *name;           /* of the configuration's entry; it stands in the receipts' path */
    const struct channel *kind; /* NULL for a dialler */
    const char *user;           /* kannel */
    const char *password;       /* kannel */
    const char *token;          /* telegram */
    const char *api_key; /* of the HTTP destination, as token and password may be: kept out of
                            what is said of its replies */
    const char *sender;  /* kannel, Conversation API with SMS: shown as the sender;
                            NULL: what stands before '@' in the source */
    const char *app_id;  /* sinch-conversation; NULL: as sender */
    const char *phone_number_id; /* whatsapp-cloud; NULL: as sender */
    const char *queue_id;        /* cmi-chat: from_queue.id on the other CMI */
    const char *receipts_url;    /* kannel: where it may fetch its dlr-url; NULL: no receipts */
    const char *receipts_secret; /* kannel: the token in it */
    struct view keys[CHANNEL_KEYS_MAX]; /* webhook: signs with each of them, decoded */
    signature_hmac *hmac_sha256;        /* webhook, where there are keys */
};

/* One request. The caller's, used again for the next one. */
struct channel_request {
    const char *method;
    struct buf path; /* behind the base URL, escaped, with its query; may be empty */
    struct buf body;
    struct http_field
        headers[CHANNEL_HEADERS_MAX]; /* views into static storage, `values`, `body` */
    size_t header_count;
    char values[CHANNEL_VALUES_MAX];
    size_t value_bytes;
};
void channel_request_init(struct channel_request *r);
void channel_request_clear(struct channel_request *r);
void channel_request_done(struct channel_request *r);

/* ---- what comes back ---- */

#define CHANNEL_TOLD_MAX    (TEMPLATE_PARAMETERS_MAX + 4)
#define CHANNEL_SECRETS_MAX 5

/* What a request told its gateway that is somebody's, or secret: its answer may repeat it (D11).
 * Borrowed. */
struct channel_told {
    struct view privates[CHANNEL_TOLD_MAX];
    size_t private_count;
    const char *secrets[CHANNEL_SECRETS_MAX]; /* NULL: none */
};
/* Of one message to one destination. */
void channel_told(const struct channel_setup *s, const struct channel_content *c, struct view to,
                  struct channel_told *out);
/* All but the last, which is the request's own, if it has one. */
void channel_told_secrets(const struct channel_setup *s, struct channel_told *out);
void channel_told_add(struct channel_told *told, struct view value); /* an empty one is none */

struct channel_reply {
    const struct channel_told *told; /* NULL: nothing that is anybody's */
    int status;
    struct view retry_after; /* header values, VIEW_NONE where absent */
    struct view content_type;
    struct view body; /* any bytes at all */
    bool cut;         /* there was more of it than is kept */
    int64_t wall_ms;  /* when it came, for a Retry-After that is a date */
};

#define CHANNEL_VERDICTS(X)                                                                        \
    X(HANDLED, "handled")       /* the gateway has taken it */                                     \
    X(REFUSED, "refused")       /* this destination will never do: no further attempt */           \
    X(TRANSIENT, "transient")   /* may pass: the next attempt after max(retryDelay, wait_ms) */    \
    X(THROTTLED, "throttled")   /* transient, and the sender waits wait_ms with everything */      \
    X(FORBIDDEN, "forbidden")   /* refused; three destinations in a row stop the channel */        \
    X(REDIRECTED, "redirected") /* transient; three destinations in a row stop the channel */      \
    X(STOPPED, "stopped")       /* transient; nothing goes through until someone mends it */

enum channel_verdict {
#define CHANNEL_VERDICT_ENUM(name, text) CHANNEL_##name,
    CHANNEL_VERDICTS(CHANNEL_VERDICT_ENUM)
#undef CHANNEL_VERDICT_ENUM
};

struct channel_outcome {
    enum channel_verdict verdict;
    /* The gateway may have taken it though it did not say so in its words: a repeat is a possible
     * duplicate. Only with TRANSIENT and REDIRECTED. */
    bool unknown;
    int64_t wait_ms;         /* 0: it named no wait; at most CHANNEL_WAIT_MAX_MS */
    char id[CHANNEL_ID_MAX]; /* HANDLED: the gateway's id, printable ASCII; "" if it gave none */
    char reason[FAULT_TEXT_MAX]; /* else: a sentence for people, "131026: …", masked (D11) */
};

const char *channel_verdict_name(enum channel_verdict v);

/* ---- the channels ---- */

struct channel {
    const char *name;
    /* Are the settings that it needs there? The fault (STOP) names the one that is not:
     * "phone_number_id is missing; …". */
    bool (*check)(const struct channel_setup *s, struct fault *f);
    /* Fills a cleared request. false (REJECT): this destination can't be sent to; FAILED at once,
     * nothing was sent. The sentence is masked. */
    bool (*build)(const struct channel_setup *s, const struct channel_send *m,
                  struct channel_request *out, struct fault *f);
    /* Total: every reply has a verdict. */
    void (*judge)(const struct channel_reply *reply, struct channel_outcome *out);
    /* The i-th subType (a queue's channel) that it carries, in any case; NULL after the last. No
     * function: any. */
    const char *(*sub_type)(size_t i);
    const struct receipt_reader *receipts; /* receipt.h; NULL: this channel has none */
    bool is_sms;                           /* all that it sends */
    bool splits; /* with is_sms: each part of a text is a request, sent when the one before is
                    HANDLED; the last one's reply is that of the attempt */
};

/* How many requests take that to one destination; 1 where its gateway takes any text whole. */
unsigned channel_requests(const struct channel *kind, const struct channel_content *c);

extern const struct channel *const channels[]; /* the table; NULL-terminated */
extern const char *const channel_names[];      /* theirs, NULL-terminated */
/* NULL: none such. */
const struct channel *channel_find(const char *name);

extern const struct channel channel_webhook;
extern const struct channel channel_kannel;
extern const struct channel channel_sinch;
extern const struct channel channel_whatsapp;
extern const struct channel channel_telegram;
extern const struct channel channel_cmi_chat;

#endif
