/* webhook: the channel that every user can build against (contract 6). */
#include "bridge/core/channel_kit.h"
#include "bridge/core/json_pick.h"
#include "bridge/core/receipt.h"

#include <stdio.h>

static bool check(const struct channel_setup *s, struct fault *f)
{
    (void)s; /* signing is a wish */
    (void)f;
    return true;
}

static bool build(const struct channel_setup *s, const struct channel_send *m,
                  struct channel_request *out, struct fault *f)
{
    char ref[CHANNEL_REF_MAX];
    char message[GUID_TEXT_MAX];
    struct json_out j;

    channel_ref_text(&m->ref, ref);
    guid_hex(&m->ref.message, message);
    channel_post_json(out, view_of(ref), &j);
    json_object(&j);
    channel_member(&j, "id", view_of(ref));
    channel_member(&j, "message_id", view_of(message));
    json_key(&j, "attempt");
    json_int(&j, m->attempt);
    channel_member(&j, "source", m->source);
    channel_member(&j, "to", m->to);
    channel_member(&j, "subType", m->sub_type);
    channel_member(&j, "contentType", m->content->is_template ? VIEW("template") : VIEW("text"));
    if (m->content->is_template) {
        json_key(&j, "template");
        json_raw(&j, m->content->tpl.json);
    } else {
        channel_member(&j, "text", m->content->text);
    }
    json_key(&j, "parts");
    json_int(&j, m->content->parts);
    json_object_end(&j);
    if (!channel_built(out, f))
        return false;
    channel_sign(s, out, view_of(ref), m->wall_ms);
    return true;
}

/* Any 2xx will do; its id, text or number, is kept. */
static void judge(const struct channel_reply *reply, struct channel_outcome *out)
{
    char id[CHANNEL_ID_MAX];
    int64_t number = 0;
    struct view json = VIEW_NONE;

    channel_judge_status(reply, out);
    if (out->verdict != CHANNEL_HANDLED)
        return;
    json = channel_reply_json(reply);
    if (json_pick_text(json, "id", id, sizeof id)) {
        channel_handled(out, view_of(id));
    } else if (json_pick_int(json, "id", &number)) {
        struct view digits = json_pick(json, "id");

        channel_handled(out, digits);
    }
}

const struct channel channel_webhook = {
    .name = "webhook",
    .check = check,
    .build = build,
    .judge = judge,
    .receipts = &receipt_webhook,
};
