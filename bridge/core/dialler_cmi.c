/* cmi: the request goes to another CMI's callbacks, which dials from then on. The base URL is that
 * CMI's (…/RI/cmi). A repeat has the key of what may have arrived, so it is answered with that.
 * 422, under this key it has the callback with other notes, is a refusal: some say it of what they
 * don't take at all. */
#include "bridge/core/dialler_kit.h"

static bool check(const struct channel_setup *s, struct fault *f)
{
    (void)s;
    (void)f;
    return true;
}

static bool build(const struct channel_setup *s, const struct dialler_call *call,
                  struct channel_request *out, struct fault *f)
{
    char key[DIALLER_KEY_MAX];
    struct json_out j;

    (void)s;
    if (call->anew == 0)
        dialler_key(call, "-", 1, key);
    else
        dialler_key(call, "-new-", call->anew, key);
    channel_post_json(out, view_of(key), &j);
    buf_put_text(&out->path, "/callbacks");
    json_object(&j);
    channel_member(&j, "callbackQueueNumber", call->callback_queue_number);
    channel_member(&j, "customerNumber", call->customer_number);
    channel_member(&j, "gwPrefix", call->gw_prefix);
    channel_member(&j, "extraData", call->extra_data);
    channel_member(&j, "notes", call->notes);
    json_object_end(&j);
    return channel_built(out, f);
}

/* 201 closes ours as HANDLED. Any other success was not said by a CMI: taken, perhaps. */
static void judge(const struct channel_reply *reply, struct dialler_outcome *out)
{
    struct view id = reply->body;

    if (!channel_is_success(reply->status)) {
        dialler_judge_failure(reply, out);
    } else if (reply->status == 201) {
        struct guid g;

        dialler_later(out, "");
        out->verdict = DIALLER_RESULT;
        out->result = CALLBACK_HANDLED;
        while (id.n > 0 && (id.p[id.n - 1] == '\n' || id.p[id.n - 1] == '\r'))
            id.n--;
        if (guid_parse(view_trim(id), &g))
            guid_hex(&g, out->id);
    } else {
        dialler_later(out, "not what a CMI answers");
    }
}

const struct dialler dialler_cmi = {"cmi", check, build, judge, true};
