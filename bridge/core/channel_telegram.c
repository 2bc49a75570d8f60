/* telegram: sendMessage of the Bot API. The base URL is https://api.telegram.org; an address is a
 * chat's id or @name, never a phone number. */
#include "bridge/core/ascii.h"
#include "bridge/core/channel_kit.h"
#include "bridge/core/json_pick.h"
#include "bridge/core/num.h"

static bool check(const struct channel_setup *s, struct fault *f)
{
    struct view token = view_of(s->token);

    if (!channel_needs(s->token, "token", f))
        return false;
    for (size_t i = 0; i < token.n; i++) {
        char c = token.p[i];

        if (!ascii_is_alnum(c) && !view_has(VIEW(":_-"), c))
            return fault_set(f, FAULT_STOP, "token is none of a bot: digits, ':' and letters");
    }
    return true;
}

static bool build(const struct channel_setup *s, const struct channel_send *m,
                  struct channel_request *out, struct fault *f)
{
    char ref[CHANNEL_REF_MAX];
    struct view chat = phone_trim(m->to);
    struct view text = VIEW_NONE;
    int64_t number = 0;
    struct json_out j;

    if (!channel_plain_text(m->content, &text, f))
        return false;
    channel_ref_text(&m->ref, ref);
    channel_post_json(out, view_of(ref), &j);
    buf_put_text(&out->path, "/bot");
    buf_put_text(&out->path, s->token);
    buf_put_text(&out->path, "/sendMessage");
    json_object(&j);
    json_key(&j, "chat_id");
    if (num_int(chat, &number))
        json_int(&j, number);
    else
        json_string(&j, chat);
    channel_member(&j, "text", text);
    json_object_end(&j);
    return channel_built(out, f);
}

/* 401 and 404 are a wrong token; 403 is a chat that does not want the bot. */
static enum channel_verdict verdict_of(int64_t code)
{
    return code == 403 ? CHANNEL_REFUSED : channel_verdict_of_status(code);
}

static void handled(struct view json, struct channel_outcome *out)
{
    int64_t id = 0;

    channel_handled(out, VIEW_NONE);
    if (json_pick_int(json, "result.message_id", &id))
        channel_handled(out, json_pick(json, "result.message_id"));
}

static void judge(const struct channel_reply *reply, struct channel_outcome *out)
{
    struct view json = channel_reply_json(reply);
    struct view ok = json_pick(json, "ok");
    char text[FAULT_TEXT_MAX];
    int64_t code = 0;
    int64_t after_s = 0;

    if (channel_is_success(reply->status) && view_is(ok, "true")) {
        handled(json, out);
        return;
    }
    if (!view_is(ok, "false") || !json_pick_int(json, "error_code", &code)) {
        if (channel_is_success(reply->status))
            channel_not_understood(out, reply);
        else
            channel_judge_as(out, channel_verdict_of_status(reply->status), reply);
        return;
    }
    (void)json_pick_text(json, "description", text, sizeof text);
    channel_verdict_set(out, verdict_of(code), reply, code, view_of(text));
    if (!json_pick_int(json, "parameters.retry_after", &after_s))
        return;
    if (after_s > CHANNEL_WAIT_MAX_MS / 1000)
        after_s = CHANNEL_WAIT_MAX_MS / 1000;
    if (after_s > 0 && after_s * 1000 > out->wait_ms)
        out->wait_ms = after_s * 1000;
}

const struct channel channel_telegram = {
    .name = "telegram",
    .check = check,
    .build = build,
    .judge = judge,
};
