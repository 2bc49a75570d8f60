/* webhook: the dialler that every user can build against (contract 6). */
#include "bridge/core/cmi_rules.h"
#include "bridge/core/datetime.h"
#include "bridge/core/dialler_kit.h"
#include "bridge/core/json_pick.h"

#define RESULT_MAX 32

static bool check(const struct channel_setup *s, struct fault *f)
{
    (void)s; /* signing is a wish */
    (void)f;
    return true;
}

static bool build(const struct channel_setup *s, const struct dialler_call *call,
                  struct channel_request *out, struct fault *f)
{
    char key[DIALLER_KEY_MAX];
    char id[GUID_TEXT_MAX];
    struct json_out j;

    dialler_key(call, "-", call->attempt, key);
    guid_hex(&call->callback, id);
    channel_post_json(out, view_of(key), &j);
    json_object(&j);
    channel_member(&j, "callbackId", view_of(id));
    json_key(&j, "attempt");
    json_int(&j, call->attempt);
    channel_member(&j, "customerNumber", call->customer_number);
    channel_member(&j, "callbackQueueNumber", call->callback_queue_number);
    channel_member(&j, "originalQueueNumber", call->original_queue_number);
    channel_member(&j, "gwPrefix", call->gw_prefix);
    channel_member(&j, "extraData", call->extra_data);
    channel_member(&j, "notes", call->notes);
    json_object_end(&j);
    if (!channel_built(out, f))
        return false;
    channel_sign(s, out, view_of(key), call->wall_ms);
    return true;
}

static void take_id(struct view json, struct dialler_outcome *out)
{
    struct channel_outcome kept = {.verdict = CHANNEL_HANDLED};
    char id[CHANNEL_ID_MAX];

    if (json_pick_text(json, "id", id, sizeof id))
        channel_handled(&kept, view_of(id));
    view_copy(view_of(kept.id), out->id, sizeof out->id);
}

/* A result now, or whatever else is a success: the result comes later. */
static void judge(const struct channel_reply *reply, struct dialler_outcome *out)
{
    struct view json = channel_reply_json(reply);
    char text[RESULT_MAX];
    char when[DATETIME_TEXT_MAX + 8];
    struct fault f = {0};

    if (!channel_is_success(reply->status)) {
        dialler_judge_failure(reply, out);
        return;
    }
    dialler_later(out, "");
    take_id(json, out);
    if (!json_pick_text(json, "result", text, sizeof text) ||
        !callback_result_parse(view_of(text), &out->result) || out->result == CALLBACK_ADDED)
        return;
    out->verdict = DIALLER_RESULT;
    if (!cmi_result_sets_time(view_of(text)) ||
        !json_pick_text(json, "nextCallTime", when, sizeof when) ||
        !datetime_parse(view_of(when), &out->next_call_ms, &f))
        out->next_call_ms = -1;
}

const struct dialler dialler_webhook = {"webhook", check, build, judge, false};
