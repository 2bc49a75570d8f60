/* receipts of the WhatsApp Cloud API: statuses, and what customers write. Signed:
 * X-Hub-Signature-256 over the body alone, so that nothing in it tells a replay; what it reports
 * may come twice, and each text has an id. */
#include "bridge/core/datetime.h"
#include "bridge/core/json_pick.h"
#include "bridge/core/json_walk.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/core/receipt.h"

#include <string.h>

#define WORD_MAX 64

static bool verify(const struct receipt_setup *s, const struct receipt_request *r,
                   struct view *once, struct fault *f)
{
    struct view secret = view_of(s->channel->receipts_secret);
    struct view signature = receipt_header(r, "x-hub-signature-256");
    struct view prefix = VIEW("sha256=");

    *once = VIEW_NONE;
    if (secret.n == 0)
        return fault_set(f, FAULT_REJECT, "receipts_secret is not configured");
    if (!view_starts(signature, prefix))
        return fault_set(f, FAULT_REJECT, "X-Hub-Signature-256 is missing");
    return signature_is_hex(&s->crypto, secret, r->body, view_skip(signature, prefix.n)) ||
           fault_set(f, FAULT_REJECT, "the signature was not made with our secret");
}

static enum receipt_status status_of(const char *status)
{
    return strcmp(status, "delivered") == 0 ? RECEIPT_DELIVERED
           : strcmp(status, "read") == 0    ? RECEIPT_READ
           : strcmp(status, "failed") == 0  ? RECEIPT_FAILED
                                            : RECEIPT_ACCEPTED; /* sent */
}

static void read_status(struct view status, const struct receipt_visitor *to)
{
    struct receipt one = {.time_ms = -1};
    char text[FAULT_TEXT_MAX];
    char id[CHANNEL_ID_MAX];
    int64_t seconds = 0;

    (void)json_pick_text(status, "status", text, sizeof text);
    one.status = status_of(text);
    (void)json_pick_text(status, "id", id, sizeof id);
    (void)json_pick_text(status, "biz_opaque_callback_data", text, sizeof text);
    receipt_name(&one, view_of(id), view_of(text));
    if (json_pick_text(status, "timestamp", text, sizeof text) &&
        num_in(view_of(text), 0, DATETIME_MAX_MS / 1000, &seconds))
        one.time_ms = seconds * 1000;
    if (one.status == RECEIPT_FAILED) {
        if (!json_pick_text(status, "errors.0.error_data.details", text, sizeof text))
            (void)json_pick_text(status, "errors.0.title", text, sizeof text);
        receipt_reason(&one, json_pick(status, "errors.0.code"), view_of(text));
    }
    to->receipt(to->ctx, &one);
}

/* A text, or the button or line of a list that was chosen instead. */
static void read_message(struct view message, const struct receipt_visitor *to)
{
    static const char *const texts[] = {"text.body", "button.text",
                                        "interactive.button_reply.title",
                                        "interactive.list_reply.title"};
    struct receipt_inbound one = {.sub_type = VIEW("whatsapp")};

    if (!json_pick_text(message, "from", one.from, sizeof one.from))
        return;
    (void)json_pick_text(message, "id", one.name, sizeof one.name);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && one.text[0] == '\0'; i++)
        (void)json_pick_text(message, texts[i], one.text, sizeof one.text);
    to->inbound(to->ctx, &one);
}

struct reading {
    const struct receipt_visitor *to;
    size_t count;
};

/* Each item of the list, if it is one. */
static bool each(struct reading *g, struct view list,
                 bool (*take)(struct reading *g, struct view item, struct fault *f),
                 struct fault *f)
{
    struct json_walk walk;
    struct view key = VIEW_NONE;
    struct view item = VIEW_NONE;

    if (!json_walk_init(&walk, list) || walk.object)
        return true;
    while (json_walk_next(&walk, &key, &item))
        if (!take(g, item, f))
            return false;
    return true;
}

static bool take_status(struct reading *g, struct view item, struct fault *f)
{
    if (!receipt_count(&g->count, f))
        return false;
    read_status(item, g->to);
    return true;
}

static bool take_message(struct reading *g, struct view item, struct fault *f)
{
    if (!receipt_count(&g->count, f))
        return false;
    read_message(item, g->to);
    return true;
}

static bool take_change(struct reading *g, struct view change, struct fault *f)
{
    return each(g, json_pick(change, "value.statuses"), take_status, f) &&
           each(g, json_pick(change, "value.messages"), take_message, f);
}

static bool take_entry(struct reading *g, struct view entry, struct fault *f)
{
    return each(g, json_pick(entry, "changes"), take_change, f);
}

static bool read(const struct receipt_request *r, const struct receipt_visitor *to, struct fault *f)
{
    struct view json = json_pick_root(r->body);
    struct reading g = {.to = to};

    if (json.n == 0)
        return fault_set(f, FAULT_REJECT, "the body is no JSON object");
    return each(&g, json_pick(json, "entry"), take_entry, f);
}

static bool challenge(const struct receipt_setup *s, struct view query, char *room,
                      struct view *answer)
{
    struct view token = view_of(s->verify_token);

    if (token.n == 0 || !view_is(receipt_param(query, "hub.mode", room), "subscribe") ||
        !s->crypto.same(receipt_param(query, "hub.verify_token", room), token))
        return false;
    *answer = receipt_param(query, "hub.challenge", room);
    for (size_t i = 0; i < answer->n; i++)
        if (answer->p[i] < '0' || answer->p[i] > '9')
            return false; /* nothing else of a stranger's is put into an answer */
    return answer->n > 0;
}

const struct receipt_reader receipt_whatsapp = {"POST", verify, read, challenge};
