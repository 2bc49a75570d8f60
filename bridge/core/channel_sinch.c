/* sinch-conversation: messages:send of the Conversation API. The base URL is the whole one:
 * https://eu.conversation.api.sinch.com/v1/projects/PROJECT/messages:send */
#include "bridge/core/channel_kit.h"
#include "bridge/core/json_pick.h"
#include "bridge/core/receipt.h"

#define APP_ID_MAX 128

static bool check(const struct channel_setup *s, struct fault *f)
{
    (void)s; /* without app_id the source has it */
    (void)f;
    return true;
}

/* By the queue's channel: what the Conversation API calls it. */
static const struct row {
    const char *sub_type;
    const char *channel;
    bool numbers; /* its identities are phone numbers; others' are ids, of digits or not */
} rows[] = {
    {"sms", "SMS", true},
    {"whatsapp", "WHATSAPP", true},
    {"rcs", "RCS", true},
    {"mms", "MMS", true},
    {"telegram", "TELEGRAM", false},
    {"viber", "VIBERBM", true},
    {"facebook", "MESSENGER", false},
    {"messenger", "MESSENGER", false},
    {"instagram", "INSTAGRAM", false},
    {"line", "LINE", false},
    {"wechat", "WECHAT", false},
    {"kakaotalk", "KAKAOTALK", false},
    {"kakaotalkchat", "KAKAOTALKCHAT", false},
    {"applebc", "APPLEBC", false},
};

static const struct row *row_of(struct view sub_type)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (view_eq_nocase(sub_type, view_of(rows[i].sub_type)))
            return &rows[i];
    return NULL;
}

/* The local part of a queue's address is the app's id, in any case; the API wants upper case. */
static struct view app_id(const struct channel_setup *s, const struct channel_send *m,
                          char room[APP_ID_MAX])
{
    struct view id = channel_sender(s->app_id, m->source);

    if (s->app_id != NULL || id.n >= APP_ID_MAX)
        return id;
    for (size_t i = 0; i < id.n; i++)
        room[i] = id.p[i] >= 'a' && id.p[i] <= 'z' ? (char)(id.p[i] - 'a' + 'A') : id.p[i];
    return (struct view){room, id.n};
}

static void put_recipient(struct json_out *j, struct view channel, struct view identity)
{
    json_key(j, "recipient");
    json_object(j);
    json_key(j, "identified_by");
    json_object(j);
    json_key(j, "channel_identities");
    json_array(j);
    json_object(j);
    channel_member(j, "channel", channel);
    channel_member(j, "identity", identity);
    json_object_end(j);
    json_array_end(j);
    json_object_end(j);
    json_object_end(j);
}

static bool put_message(struct json_out *j, bool whatsapp, const struct channel_content *c,
                        struct fault *f)
{
    struct view text = VIEW_NONE;

    json_key(j, "message");
    json_object(j);
    if (c->is_template && whatsapp) {
        json_key(j, "template_message");
        json_object(j);
        json_key(j, "channel_template");
        json_object(j);
        json_key(j, "WHATSAPP");
        template_to_conversation(&c->tpl, j);
        json_object_end(j);
        json_object_end(j);
    } else {
        if (!channel_plain_text(c, &text, f))
            return false;
        json_key(j, "text_message");
        json_object(j);
        channel_member(j, "text", text);
        json_object_end(j);
    }
    json_object_end(j);
    return true;
}

static bool build(const struct channel_setup *s, const struct channel_send *m,
                  struct channel_request *out, struct fault *f)
{
    const struct row *row = row_of(m->sub_type);
    char room[PHONE_NORMAL_MAX + 1];
    char app[APP_ID_MAX];
    char ref[CHANNEL_REF_MAX];
    struct view identity = phone_trim(m->to);
    struct view channel = VIEW_NONE;
    struct json_out j;

    if (row == NULL)
        return fault_set(f, FAULT_REJECT,
                         "the source's channel is none that the Conversation API has");
    if (row->numbers && !channel_number(m->to, true, room, &identity, f))
        return false;
    channel = view_of(row->channel);
    channel_ref_text(&m->ref, ref);
    channel_post_json(out, view_of(ref), &j);
    json_object(&j);
    channel_member(&j, "app_id", app_id(s, m, app));
    put_recipient(&j, channel, identity);
    if (!put_message(&j, view_is(channel, "WHATSAPP"), m->content, f))
        return false;
    if (s->sender != NULL && view_is(channel, "SMS")) {
        json_key(&j, "channel_properties");
        json_object(&j);
        channel_member(&j, "SMS_SENDER", view_of(s->sender));
        json_object_end(&j);
    }
    channel_member(&j, "message_metadata", view_of(ref)); /* comes back in the receipts */
    channel_member(&j, "correlation_id", view_of(ref));
    json_object_end(&j);
    return channel_built(out, f);
}

static void judge(const struct channel_reply *reply, struct channel_outcome *out)
{
    struct view json = channel_reply_json(reply);
    char text[CHANNEL_ID_MAX];

    if (channel_is_success(reply->status)) {
        if (json_pick_text(json, "message_id", text, sizeof text) && text[0] != '\0')
            channel_handled(out, view_of(text));
        else
            channel_not_understood(out, reply);
        return;
    }
    /* 404 is the project of another region. */
    if (json_pick_text(json, "error.message", text, sizeof text))
        channel_verdict_set(out, channel_verdict_of_status(reply->status), reply, reply->status,
                            view_of(text));
    else
        channel_judge_as(out, channel_verdict_of_status(reply->status), reply);
}

static const char *sub_type(size_t i)
{
    return i < sizeof rows / sizeof rows[0] ? rows[i].sub_type : NULL;
}

const struct channel channel_sinch = {
    .name = "sinch-conversation",
    .check = check,
    .build = build,
    .judge = judge,
    .receipts = &receipt_sinch,
    .sub_type = sub_type,
};
