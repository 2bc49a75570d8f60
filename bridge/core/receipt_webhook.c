/*
 * receipts of our own webhook: Standard Webhooks, signed with the channel's signing secret. The
 * body is one object or a list of them:
 *
 *   {"id": what the request had, "status": "accepted" | "delivered" | "read" | "failed",
 *    "reason": …, "time": RFC 3339, "provider_id": …}
 *   {"from": the customer's address, "subType": "whatsapp", "text": what was written}
 */
#include "bridge/core/json_pick.h"
#include "bridge/core/json_walk.h"
#include "bridge/core/receipt.h"

#include <stdio.h>
#include <string.h>

static bool verify(const struct receipt_setup *s, const struct receipt_request *r,
                   struct view *once, struct fault *f)
{
    struct view keys[CHANNEL_KEYS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < CHANNEL_KEYS_MAX; i++)
        if (s->channel->keys[i].n > 0)
            keys[count++] = s->channel->keys[i];
    if (count == 0)
        return fault_set(f, FAULT_REJECT, "signing_secret is not configured");
    *once = receipt_header(r, "webhook-id");
    return signature_check(&s->crypto, keys, count, *once, receipt_header(r, "webhook-timestamp"),
                           receipt_header(r, "webhook-signature"), r->body, r->wall_ms, f);
}

static bool status_of(const char *text, enum receipt_status *status)
{
    static const enum receipt_status all[] = {RECEIPT_ACCEPTED, RECEIPT_DELIVERED, RECEIPT_READ,
                                              RECEIPT_FAILED};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        *status = all[i];
        if (strcmp(text, receipt_status_name(all[i])) == 0)
            return true;
    }
    return false;
}

/* One request, and the number of what is read in its list. */
struct place {
    const struct receipt_request *request;
    size_t number;
};

static bool read_inbound(struct view json, const struct place *at, const struct receipt_visitor *to,
                         struct fault *f)
{
    struct receipt_inbound one = {.sub_type = VIEW_NONE};
    struct view id = receipt_header(at->request, "webhook-id");
    char sub_type[32];

    if (!json_pick_text(json, "from", one.from, sizeof one.from))
        return fault_set(f, FAULT_REJECT, "neither status nor from is a text");
    if (!json_pick_text(json, "subType", sub_type, sizeof sub_type))
        return fault_set(f, FAULT_REJECT, "subType is missing, or no text");
    one.sub_type = view_of(sub_type);
    (void)json_pick_text(json, "text", one.text, sizeof one.text);
    if (id.n > 0 && id.n <= SIGNATURE_ID_MAX)
        (void)snprintf(one.name, sizeof one.name, "%zu/%.*s", at->number, VIEW_ARG(id));
    to->inbound(to->ctx, &one);
    return true;
}

static bool read_one(struct view json, const struct place *at, const struct receipt_visitor *to,
                     struct fault *f)
{
    struct receipt one = {.time_ms = -1};
    char text[FAULT_TEXT_MAX];
    char id[CHANNEL_ID_MAX];

    if (!json_pick_text(json, "status", text, sizeof text))
        return read_inbound(json, at, to, f);
    if (!status_of(text, &one.status))
        return fault_set(f, FAULT_REJECT, "status is none of accepted, delivered, read, failed");
    if (!json_pick_text(json, "id", text, sizeof text))
        return fault_set(f, FAULT_REJECT, "id is missing, or no text");
    (void)json_pick_text(json, "provider_id", id, sizeof id);
    receipt_name(&one, view_of(id), view_of(text));
    if (json_pick_text(json, "time", text, sizeof text) && !receipt_time(&one, view_of(text), f))
        return fault_add(f, "time");
    if (one.status == RECEIPT_FAILED) {
        (void)json_pick_text(json, "reason", text, sizeof text);
        receipt_reason(&one, VIEW_NONE, view_of(text));
    }
    to->receipt(to->ctx, &one);
    return true;
}

/* One that makes no sense must not keep the others from their effect: the list would come again, as
 * it is, for as long as the gateway has patience. */
static bool read_list(struct json_walk *walk, const struct receipt_request *r,
                      const struct receipt_visitor *to, struct fault *f)
{
    struct view key = VIEW_NONE;
    struct view item = VIEW_NONE;
    struct fault first = {0};
    struct place at = {r, 0};
    size_t bad = 0;

    while (json_walk_next(walk, &key, &item)) {
        struct fault why = {0};

        if (!receipt_count(&at.number, f))
            return false;
        if (read_one(item, &at, to, &why))
            continue;
        if (bad++ == 0)
            first = why;
        to->nonsense(to->ctx, at.number, &why);
    }
    if (bad == 0 || bad < at.number)
        return true;
    *f = first;
    return false;
}

static bool read(const struct receipt_request *r, const struct receipt_visitor *to, struct fault *f)
{
    struct view json = json_pick_root(r->body);
    struct place first = {r, 1};
    struct json_walk walk;

    if (json.n == 0 || !json_walk_init(&walk, json))
        return fault_set(f, FAULT_REJECT, "the body is no JSON object or list of them");
    return walk.object ? read_one(json, &first, to, f) : read_list(&walk, r, to, f);
}

const struct receipt_reader receipt_webhook = {"POST", verify, read, NULL};
