/* cmi-chat: an outbound chat on another CMI. The base URL is that CMI's (…/RI/cmi). */
#include "bridge/core/channel_kit.h"

static bool check(const struct channel_setup *s, struct fault *f)
{
    struct guid queue;

    if (!channel_needs(s->queue_id, "queue_id", f))
        return false;
    return guid_parse(view_of(s->queue_id), &queue) ||
           fault_set(f, FAULT_STOP, "queue_id is no GUID of 32 hex digits");
}

static bool build(const struct channel_setup *s, const struct channel_send *m,
                  struct channel_request *out, struct fault *f)
{
    char ref[CHANNEL_REF_MAX];
    struct view text = VIEW_NONE;
    struct json_out j;

    if (!channel_plain_text(m->content, &text, f))
        return false;
    channel_ref_text(&m->ref, ref);
    channel_post_json(out, view_of(ref), &j);
    buf_put_text(&out->path, "/chats");
    json_object(&j);
    channel_member(&j, "channel_type", VIEW("chatout"));
    channel_member(&j, "channel_sub_type", m->sub_type);
    channel_member(&j, "originator", m->source);
    channel_member(&j, "destination", m->to);
    channel_member(&j, "title", VIEW(""));
    json_key(&j, "from_queue");
    json_object(&j);
    channel_member(&j, "id", view_of(s->queue_id));
    channel_member(&j, "name", m->source); /* required, and ignored (contract 19) */
    json_object_end(&j);
    json_key(&j, "transcript");
    json_object(&j);
    json_key(&j, "messages");
    json_array(&j);
    json_object(&j);
    channel_member(&j, "message", text);
    channel_member(&j, "originator", m->source);
    channel_member(&j, "type", VIEW("text"));
    json_object_end(&j);
    json_array_end(&j);
    json_object_end(&j);
    json_object_end(&j);
    return channel_built(out, f);
}

/* 201 and the bare id (contract 2). A 2xx without one was not said by a CMI. */
static void judge(const struct channel_reply *reply, struct channel_outcome *out)
{
    struct view body = reply->body;
    struct guid id;
    char hex[GUID_TEXT_MAX];

    while (body.n > 0 && (body.p[body.n - 1] == '\n' || body.p[body.n - 1] == '\r'))
        body.n--;
    if (reply->status == 404) { /* no CMI answers POST /chats so (contract 3): there is none */
        channel_judge_as(out, CHANNEL_STOPPED, reply);
        return;
    }
    channel_judge_status(reply, out);
    if (out->verdict != CHANNEL_HANDLED)
        return;
    if (guid_parse(view_trim(body), &id)) {
        guid_hex(&id, hex);
        channel_handled(out, view_of(hex));
    } else if (reply->status != 201) {
        channel_not_understood(out, reply);
    }
}

const struct channel channel_cmi_chat = {
    .name = "cmi-chat",
    .check = check,
    .build = build,
    .judge = judge,
};
