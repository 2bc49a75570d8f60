#include "bridge/core/channel_kit.h"

#include "bridge/core/datetime.h"
#include "bridge/core/echo.h"
#include "bridge/core/json_pick.h"
#include "bridge/core/outcome.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CODE_MAX     999999 /* a larger one might be a phone number */
#define SENTENCE_MAX 160    /* bytes that are shown of what a gateway says */
#define SECRETS_MAX  65536  /* bytes of all that a setup has */

/* ---- requests ---- */

void channel_header(struct channel_request *r, const char *name, struct view value)
{
    char *to = r->values + r->value_bytes;

    assert(r->header_count < CHANNEL_HEADERS_MAX);
    assert(value.n < CHANNEL_VALUES_MAX - r->value_bytes);
    view_copy(value, to, CHANNEL_VALUES_MAX - r->value_bytes);
    r->value_bytes += value.n + 1;
    r->headers[r->header_count++] = (struct http_field){view_of(name), {to, value.n}};
}

void channel_post_json(struct channel_request *r, struct view key, struct json_out *j)
{
    r->method = "POST";
    channel_header(r, "Content-Type", VIEW("application/json"));
    channel_header(r, "Idempotency-Key", key);
    json_out_init(j, &r->body);
}

void channel_member(struct json_out *j, const char *key, struct view value)
{
    if (value.p == NULL)
        return;
    json_key(j, key);
    json_string(j, value);
}

void channel_sign(const struct channel_setup *s, struct channel_request *r, struct view id,
                  int64_t wall_ms)
{
    char all[CHANNEL_KEYS_MAX * SIGNATURE_TEXT_MAX] = "";
    char seconds[24];
    size_t n = 0;

    for (size_t i = 0; i < CHANNEL_KEYS_MAX; i++) {
        if (s->keys[i].n == 0)
            continue;
        if (n > 0)
            all[n++] = ' ';
        signature_make(s->hmac_sha256, s->keys[i], id, wall_ms / 1000, buf_view(&r->body), all + n);
        n += strlen(all + n);
    }
    if (n == 0)
        return;
    (void)snprintf(seconds, sizeof seconds, "%" PRId64, wall_ms / 1000);
    channel_header(r, "webhook-id", id);
    channel_header(r, "webhook-timestamp", view_of(seconds));
    channel_header(r, "webhook-signature", view_of(all));
}

bool channel_built(const struct channel_request *r, struct fault *f)
{
    if (r->path.full)
        return fault_set(f, FAULT_REJECT, "the request's path has more than %d bytes",
                         CHANNEL_PATH_MAX);
    if (r->body.full)
        return fault_set(f, FAULT_REJECT, "the request's body has more than %d bytes",
                         CHANNEL_BODY_MAX);
    return true;
}

struct view channel_sender(const char *configured, struct view source)
{
    return configured != NULL ? view_of(configured) : view_trim(view_cut(&source, '@'));
}

bool channel_number(struct view to, bool plus, char out[PHONE_NORMAL_MAX + 1], struct view *number,
                    struct fault *f)
{
    struct view given = phone_trim(to);
    bool international = phone_is_international(given);

    out[0] = '+';
    if (!phone_normal(given, out + 1, number, f))
        return fault_add(f, "the destination's address");
    if (phone_is_name(given) || number->p[0] < '0' || number->p[0] > '9')
        *number = given; /* an id of the gateway's own: its case counts */
    else if (plus && international)
        *number = (struct view){out, number->n + 1};
    return true;
}

bool channel_plain_text(const struct channel_content *c, struct view *text, struct fault *f)
{
    *text = c->text;
    if (c->is_template && text->n == 0)
        return fault_set(f, FAULT_REJECT,
                         "this channel has no templates, and the template has no template_body to "
                         "send as text");
    return true;
}

bool channel_needs(const char *value, const char *setting, struct fault *f)
{
    if (value != NULL && value[0] != '\0')
        return true;
    return fault_set(f, FAULT_STOP, "%s is missing", setting);
}

/* ---- replies ---- */

bool channel_is_success(int status)
{
    return status >= 200 && status <= 299;
}

int64_t channel_retry_after(const struct channel_reply *reply)
{
    int64_t wait_ms = 0;

    if (reply->retry_after.n > 0 &&
        datetime_retry_after(reply->retry_after, reply->wall_ms, CHANNEL_WAIT_MAX_MS, &wait_ms))
        return wait_ms;
    return 0;
}

static bool is_redirect(int64_t status)
{
    return status >= 300 && status <= 399;
}

/* What the gateway says, without what it repeats of the request. */
static void mask_said(const struct channel_reply *reply, struct view sentence,
                      char out[SENTENCE_MAX])
{
    static const struct channel_told nothing = {.private_count = 0};
    const struct channel_told *told = reply->told != NULL ? reply->told : &nothing;
    struct buf privates;
    struct buf secrets;

    buf_init(&privates, ECHO_PRIVATE_MAX);
    buf_init(&secrets, SECRETS_MAX);
    for (size_t i = 0; i < told->private_count; i++)
        echo_add(&privates, told->privates[i]);
    for (size_t i = 0; i < CHANNEL_SECRETS_MAX; i++)
        echo_add_secret(&secrets, told->secrets[i]);
    privates.full = privates.full || secrets.full;
    echo_mask(sentence, outcome_phrase(reply->status), &privates, buf_view(&secrets), out,
              SENTENCE_MAX);
    buf_done(&privates);
    buf_done(&secrets);
}

void channel_verdict_set(struct channel_outcome *out, enum channel_verdict verdict,
                         const struct channel_reply *reply, int64_t code, struct view sentence)
{
    bool is_code = code >= 0 && code <= CODE_MAX;
    char masked[SENTENCE_MAX] = "";
    char number[24] = "?";

    *out = (struct channel_outcome){
        .verdict = verdict,
        .unknown = (verdict == CHANNEL_TRANSIENT || verdict == CHANNEL_REDIRECTED) &&
                   outcome_may_be_done(reply->status),
        .wait_ms = channel_retry_after(reply)};
    if (verdict == CHANNEL_THROTTLED && out->wait_ms < CHANNEL_THROTTLE_MS)
        out->wait_ms = CHANNEL_THROTTLE_MS;
    mask_said(reply, sentence, masked);
    if (is_code)
        (void)snprintf(number, sizeof number, "%" PRId64, code);
    (void)snprintf(out->reason, sizeof out->reason, "%s%s%s", number, masked[0] != '\0' ? ": " : "",
                   masked);
}

static bool is_page(const struct channel_reply *reply)
{
    return view_starts_nocase(reply->content_type, VIEW("text/html")) ||
           view_starts(view_trim(reply->body), VIEW("<"));
}

static struct view sentence_of(const struct channel_reply *reply)
{
    if (is_page(reply))
        return VIEW("an HTML page");
    return (struct view){reply->body.p, reply->body.n < 1024 ? reply->body.n : 1024};
}

void channel_judge_status(const struct channel_reply *reply, struct channel_outcome *out)
{
    static const enum channel_verdict verdicts[] = {
        [OUTCOME_DONE] = CHANNEL_HANDLED,   [OUTCOME_RETRY] = CHANNEL_TRANSIENT,
        [OUTCOME_REFUSE] = CHANNEL_REFUSED, [OUTCOME_FORBID] = CHANNEL_FORBIDDEN,
        [OUTCOME_STOP] = CHANNEL_STOPPED,
    };
    enum outcome o = outcome_of_status(reply->status, "POST", reply->retry_after.n > 0);

    if (o == OUTCOME_DONE)
        channel_handled(out, VIEW_NONE);
    else
        channel_judge_as(out,
                         reply->status == 429         ? CHANNEL_THROTTLED
                         : is_redirect(reply->status) ? CHANNEL_REDIRECTED
                                                      : verdicts[o],
                         reply);
}

void channel_judge_as(struct channel_outcome *out, enum channel_verdict verdict,
                      const struct channel_reply *reply)
{
    channel_verdict_set(out, verdict, reply, reply->status, sentence_of(reply));
}

enum channel_verdict channel_verdict_of_status(int64_t status)
{
    if (status == 401 || status == 403 || status == 404)
        return CHANNEL_STOPPED;
    if (is_redirect(status))
        return CHANNEL_REDIRECTED;
    if (status == 429)
        return CHANNEL_THROTTLED;
    if (status >= 400 && status <= 499 && status != 408 && status != 425)
        return CHANNEL_REFUSED;
    return CHANNEL_TRANSIENT;
}

void channel_not_understood(struct channel_outcome *out, const struct channel_reply *reply)
{
    if (reply->cut && !is_page(reply)) { /* its success was read whole: once more would be twice */
        channel_handled(out, VIEW_NONE);
        return;
    }
    channel_verdict_set(out, CHANNEL_TRANSIENT, reply, reply->status,
                        is_page(reply) ? VIEW("an HTML page instead of this gateway's answer")
                                       : VIEW("not what this gateway answers"));
    out->unknown = true;
}

void channel_handled(struct channel_outcome *out, struct view id)
{
    bool kept = id.n < sizeof out->id;

    for (size_t i = 0; i < id.n && kept; i++)
        kept = id.p[i] > ' ' && id.p[i] < 0x7f;
    *out = (struct channel_outcome){.verdict = CHANNEL_HANDLED};
    if (kept)
        view_copy(id, out->id, sizeof out->id);
}

struct view channel_reply_json(const struct channel_reply *reply)
{
    return json_pick_root(reply->body);
}
