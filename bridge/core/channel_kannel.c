/* kannel: sendsms of Kannel's smsbox (its user guide, "Using SMS"). The base URL ends before
 * "/sendsms"; one request is one receiver. Kannel itself splits long texts. */
#include "bridge/core/channel_kit.h"
#include "bridge/core/parts.h"
#include "bridge/core/percent.h"
#include "bridge/core/receipt.h"

#define DLR_MASK "19" /* delivered 1, undelivered 2, rejected by the SMSC 16 */

static bool check(const struct channel_setup *s, struct fault *f)
{
    return channel_needs(s->user, "user", f) && channel_needs(s->password, "password", f) &&
           (s->receipts_url == NULL || channel_needs(s->receipts_secret, "receipts_secret", f));
}

static void put(struct buf *to, const char *name, struct view value)
{
    buf_put_text(to, name);
    percent_encode(value, to);
}

/* Kannel puts values, encoded already, for what begins with '%', so those stay out of ours. */
static void put_dlr(const struct channel_setup *s, const struct channel_send *m, struct buf *to)
{
    char ref[CHANNEL_REF_MAX];
    struct buf url;

    channel_ref_text(&m->ref, ref);
    buf_init(&url, CHANNEL_PATH_MAX);
    buf_put_text(&url, s->receipts_url);
    put(&url, "?ref=", view_of(ref));
    put(&url, "&token=", view_of(s->receipts_secret));
    buf_put_text(&url, "&type=%d&time=%T&answer=%A&id=%F");
    put(to, "&dlr-mask=" DLR_MASK "&dlr-url=", buf_view(&url));
    buf_done(&url);
}

static bool build(const struct channel_setup *s, const struct channel_send *m,
                  struct channel_request *out, struct fault *f)
{
    char room[PHONE_NORMAL_MAX + 1];
    char ref[CHANNEL_REF_MAX];
    struct view number = VIEW_NONE;
    struct view text = VIEW_NONE;

    if (!channel_number(m->to, true, room, &number, f) || !channel_plain_text(m->content, &text, f))
        return false;
    channel_ref_text(&m->ref, ref);
    out->method = "GET";
    channel_header(out, "Idempotency-Key", view_of(ref));
    put(&out->path, "/sendsms?username=", view_of(s->user));
    put(&out->path, "&password=", view_of(s->password));
    put(&out->path, "&from=", channel_sender(s->sender, m->source));
    put(&out->path, "&to=", number);
    put(&out->path,
        "&charset=UTF-8&coding=", parts_of(text).coding == PARTS_GSM7 ? VIEW("0") : VIEW("2"));
    put(&out->path, "&text=", text);
    if (s->receipts_url != NULL)
        put_dlr(s, m, &out->path);
    return channel_built(out, f);
}

static bool says(const struct channel_reply *reply, struct view beginning)
{
    return view_starts_nocase(view_trim(reply->body), beginning);
}

static bool mentions(struct view text, struct view words)
{
    for (; text.n >= words.n; text = view_skip(text, 1))
        if (view_starts_nocase(text, words))
            return true;
    return false;
}

/* "0: Accepted for delivery", "3: Queued for later delivery", "Sent.", perhaps with those denied
 * behind it: there is only one. */
static void judge(const struct channel_reply *reply, struct channel_outcome *out)
{
    bool stranger = reply->status == 403 && !says(reply, VIEW("Authorization failed"));

    if (!channel_is_success(reply->status)) {
        /* 403 is also "Not routable. Do not try again."; 404: there is no sendsms there. */
        channel_judge_as(out, stranger ? CHANNEL_REFUSED : channel_verdict_of_status(reply->status),
                         reply);
    } else if (mentions(reply->body, VIEW("Denied receivers are"))) {
        channel_verdict_set(out, CHANNEL_REFUSED, reply, reply->status,
                            VIEW("the receiver is denied"));
    } else if (says(reply, VIEW("0:")) || says(reply, VIEW("3:")) || says(reply, VIEW("Sent."))) {
        channel_handled(out, VIEW_NONE);
    } else {
        channel_not_understood(out, reply);
    }
}

const struct channel channel_kannel = {
    .name = "kannel",
    .check = check,
    .build = build,
    .judge = judge,
    .receipts = &receipt_kannel,
    .is_sms = true,
};
