/* whatsapp-cloud: messages of the WhatsApp Cloud API. The base URL has the version:
 * https://graph.facebook.com/v25.0 */
#include "bridge/core/channel_kit.h"
#include "bridge/core/json_pick.h"
#include "bridge/core/percent.h"
#include "bridge/core/receipt.h"

#define PAIR_WAIT_MS 6000 /* one message in 6 s to one customer */

static bool check(const struct channel_setup *s, struct fault *f)
{
    (void)s; /* without phone_number_id the source has it */
    (void)f;
    return true;
}

static bool put_content(struct json_out *j, const struct channel_content *c, struct fault *f)
{
    channel_member(j, "type", c->is_template ? VIEW("template") : VIEW("text"));
    if (c->is_template) {
        json_key(j, "template");
        return template_to_cloud(&c->tpl, j, f);
    }
    json_key(j, "text");
    json_object(j);
    channel_member(j, "body", c->text);
    json_object_end(j);
    return true;
}

static bool build(const struct channel_setup *s, const struct channel_send *m,
                  struct channel_request *out, struct fault *f)
{
    char room[PHONE_NORMAL_MAX + 1];
    char ref[CHANNEL_REF_MAX];
    struct view number = VIEW_NONE;
    struct json_out j;

    if (!channel_number(m->to, false, room, &number, f))
        return false;
    channel_ref_text(&m->ref, ref);
    channel_post_json(out, view_of(ref), &j);
    buf_put_char(&out->path, '/');
    percent_encode(channel_sender(s->phone_number_id, m->source), &out->path);
    buf_put_text(&out->path, "/messages");
    json_object(&j);
    channel_member(&j, "messaging_product", VIEW("whatsapp"));
    channel_member(&j, "recipient_type", VIEW("individual"));
    channel_member(&j, "to", number);
    if (!put_content(&j, m->content, f))
        return false;
    channel_member(&j, "biz_opaque_callback_data", view_of(ref)); /* comes back in the receipts */
    json_object_end(&j);
    return channel_built(out, f);
}

/* By the code of the error, whatever status it came with. */
static const struct {
    int64_t from;
    int64_t to;
    enum channel_verdict verdict;
} codes[] = {
    {0, 0, CHANNEL_STOPPED},             /* authentication */
    {1, 2, CHANNEL_TRANSIENT},           /* unknown; temporarily down */
    {3, 3, CHANNEL_STOPPED},             /* capability */
    {4, 4, CHANNEL_THROTTLED},           /* the app's calls */
    {10, 10, CHANNEL_STOPPED},           /* permission */
    {190, 190, CHANNEL_STOPPED},         /* the token is over */
    {200, 299, CHANNEL_STOPPED},         /* permission */
    {368, 368, CHANNEL_STOPPED},         /* blocked for a breach of policy */
    {80007, 80007, CHANNEL_THROTTLED},   /* the account's messages */
    {130429, 130429, CHANNEL_THROTTLED}, /* the number's messages a second */
    {131000, 131000, CHANNEL_TRANSIENT}, /* something went wrong */
    {131005, 131005, CHANNEL_STOPPED},   /* permission */
    {131016, 131016, CHANNEL_TRANSIENT}, /* temporarily down */
    {131031, 131031, CHANNEL_STOPPED},   /* the account is locked */
    {131042, 131042, CHANNEL_STOPPED},   /* payment */
    {131045, 131045, CHANNEL_STOPPED},   /* the number is not registered */
    {131048, 131048, CHANNEL_THROTTLED}, /* too many were reported as spam */
    {131056, 131056, CHANNEL_TRANSIENT}, /* too many to this customer */
    {131057, 131057, CHANNEL_TRANSIENT}, /* the account is in maintenance */
    {133004, 133004, CHANNEL_TRANSIENT}, /* temporarily down */
    {133010, 133010, CHANNEL_STOPPED},   /* the number is not registered */
    {133016, 133016, CHANNEL_THROTTLED}, /* too many registrations */
};

static enum channel_verdict verdict_of(int64_t code, int64_t sub_code, int status)
{
    if (code == 100)
        return sub_code == 33 ? CHANNEL_STOPPED : CHANNEL_REFUSED; /* 33: no such number of ours */
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (code >= codes[i].from && code <= codes[i].to)
            return codes[i].verdict;
    /* A code of theirs is about this message, unless the status says more. */
    return code >= 130000 && status < 500 ? CHANNEL_REFUSED : channel_verdict_of_status(status);
}

static void judge_error(struct view json, int64_t code, const struct channel_reply *reply,
                        struct channel_outcome *out)
{
    char text[FAULT_TEXT_MAX];
    int64_t sub_code = 0;

    (void)json_pick_int(json, "error.error_subcode", &sub_code);
    if (!json_pick_text(json, "error.error_data.details", text, sizeof text))
        (void)json_pick_text(json, "error.message", text, sizeof text);
    channel_verdict_set(out, verdict_of(code, sub_code, reply->status), reply, code, view_of(text));
    if (code == 131056 && out->wait_ms < PAIR_WAIT_MS)
        out->wait_ms = PAIR_WAIT_MS;
}

static void judge(const struct channel_reply *reply, struct channel_outcome *out)
{
    struct view json = channel_reply_json(reply);
    char id[CHANNEL_ID_MAX];
    int64_t code = 0;

    if (json_pick_int(json, "error.code", &code)) {
        judge_error(json, code, reply, out);
    } else if (!channel_is_success(reply->status)) {
        channel_judge_as(out, channel_verdict_of_status(reply->status), reply);
    } else if (json_pick_text(json, "messages.0.id", id, sizeof id) && id[0] != '\0') {
        channel_handled(out, view_of(id));
    } else {
        channel_not_understood(out, reply);
    }
}

static const char *sub_type(size_t i)
{
    return i == 0 ? "whatsapp" : NULL;
}

const struct channel channel_whatsapp = {
    .name = "whatsapp-cloud",
    .check = check,
    .build = build,
    .judge = judge,
    .receipts = &receipt_whatsapp,
    .sub_type = sub_type,
};
