/* receipts of the Conversation API: MESSAGE_DELIVERY, and what customers write (MESSAGE_INBOUND).
 * Signed: base64 of HMAC-SHA256 over body.nonce.timestamp. */
#include "bridge/core/ascii.h"
#include "bridge/core/datetime.h"
#include "bridge/core/json_pick.h"
#include "bridge/core/num.h"
#include "bridge/core/receipt.h"

#include <string.h>

#define NONCE_MAX 128
#define WORD_MAX  64

static bool verify(const struct receipt_setup *s, const struct receipt_request *r,
                   struct view *once, struct fault *f)
{
    struct view secret = view_of(s->channel->receipts_secret);
    struct view nonce = receipt_header(r, "x-sinch-webhook-signature-nonce");
    struct view timestamp = receipt_header(r, "x-sinch-webhook-signature-timestamp");
    struct view signature = receipt_header(r, "x-sinch-webhook-signature");
    int64_t timestamp_s = 0;
    struct buf data;
    bool fits = false;

    if (secret.n == 0)
        return fault_set(f, FAULT_REJECT, "receipts_secret is not configured");
    if (nonce.n == 0 || nonce.n > NONCE_MAX || signature.n == 0)
        return fault_set(f, FAULT_REJECT, "the signature or its nonce is missing or too long");
    if (!num_in(timestamp, 0, DATETIME_MAX_MS / 1000, &timestamp_s) ||
        !signature_is_now(timestamp_s, r->wall_ms))
        return fault_set(f, FAULT_REJECT,
                         "the signature's timestamp is missing, or more than 5 minutes off");
    buf_init(&data, r->body.n + nonce.n + timestamp.n + 2);
    buf_put(&data, r->body);
    buf_put_char(&data, '.');
    buf_put(&data, nonce);
    buf_put_char(&data, '.');
    buf_put(&data, timestamp);
    fits = signature_is_base64(&s->crypto, secret, buf_view(&data), signature);
    buf_done(&data);
    *once = nonce;
    return fits || fault_set(f, FAULT_REJECT, "the signature was not made with our secret");
}

static enum receipt_status status_of(const char *status)
{
    return strcmp(status, "DELIVERED") == 0 ? RECEIPT_DELIVERED
           : strcmp(status, "READ") == 0    ? RECEIPT_READ
           : strcmp(status, "FAILED") == 0  ? RECEIPT_FAILED
                                            : RECEIPT_ACCEPTED; /* or on its way elsewhere */
}

static void read_report(struct view json, struct view report, const struct receipt_visitor *to)
{
    struct receipt one = {.time_ms = -1};
    char status[WORD_MAX];
    char ref[CHANNEL_REF_MAX];
    char id[CHANNEL_ID_MAX];
    char code[WORD_MAX];
    char sentence[FAULT_TEXT_MAX];
    struct fault ignored = {0};
    bool told = false;

    (void)json_pick_text(report, "status", status, sizeof status);
    (void)json_pick_text(report, "message_id", id, sizeof id);
    (void)json_pick_text(report, "metadata", ref, sizeof ref);
    one.status = status_of(status);
    receipt_name(&one, view_of(id), view_of(ref));
    if (one.status == RECEIPT_FAILED) {
        (void)json_pick_text(report, "reason.code", code, sizeof code);
        (void)json_pick_text(report, "reason.description", sentence, sizeof sentence);
        receipt_reason(&one, view_of(code), view_of(sentence));
    }
    if (json_pick_text(json, "event_time", sentence, sizeof sentence))
        told = receipt_time(&one, view_of(sentence), &ignored);
    (void)told; /* without it the report is as good */
    to->receipt(to->ctx, &one);
}

/* A choice says what was sent with it: where nothing was, the message's id, `_` and its words. */
static void read_choice(struct view choice, char text[RECEIPT_TEXT_MAX])
{
    char id[CHANNEL_ID_MAX];
    char data[RECEIPT_TEXT_MAX];
    struct view words = VIEW_NONE;

    if (!json_pick_text(choice, "postback_data", data, sizeof data))
        return;
    words = view_of(data);
    if (json_pick_text(choice, "message_id", id, sizeof id) && view_starts(words, view_of(id)) &&
        view_starts(view_skip(words, strlen(id)), VIEW("_")))
        words = view_skip(words, strlen(id) + 1);
    view_copy(words, text, RECEIPT_TEXT_MAX);
}

static void read_inbound(struct view message, const struct receipt_visitor *to)
{
    struct receipt_inbound one = {.sub_type = VIEW_NONE};
    struct view contact = json_pick(message, "contact_message");
    char channel[WORD_MAX];

    (void)json_pick_text(message, "channel_identity.channel", channel, sizeof channel);
    for (char *c = channel; *c != '\0'; c++)
        *c = ascii_lower(*c);
    one.sub_type = view_of(channel);
    if (!json_pick_text(message, "channel_identity.identity", one.from, sizeof one.from))
        return;
    (void)json_pick_text(message, "id", one.name, sizeof one.name);
    if (!json_pick_text(contact, "text_message.text", one.text, sizeof one.text))
        read_choice(json_pick(contact, "choice_response_message"), one.text);
    to->inbound(to->ctx, &one);
}

static bool read(const struct receipt_request *r, const struct receipt_visitor *to, struct fault *f)
{
    struct view json = json_pick_root(r->body);
    struct view report = json_pick(json, "message_delivery_report");
    struct view message = json_pick(json, "message");

    if (json.n == 0)
        return fault_set(f, FAULT_REJECT, "the body is no JSON object");
    if (report.n > 0)
        read_report(json, report, to);
    if (message.n > 0)
        read_inbound(message, to);
    return true; /* other triggers are nothing to us */
}

const struct receipt_reader receipt_sinch = {"POST", verify, read, NULL};
