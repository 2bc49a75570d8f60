/* kannel: sendsms of Kannel's smsbox (its user guide, "Using SMS"). The base URL ends before
 * "/sendsms"; one request is one receiver, and one part of a text: Kannel itself splits only as far
 * as its max-messages says, which is 1, cuts off the rest, and parts surrogate pairs. */
#include "bridge/core/ascii.h"
#include "bridge/core/channel_kit.h"
#include "bridge/core/parts.h"
#include "bridge/core/percent.h"
#include "bridge/core/receipt.h"

#include <stdio.h>

/* Delivered 1, undelivered 2, rejected by the SMSC 16. A text is delivered when its last part is,
 * and has failed when any has. */
#define DLR_MASK_LAST  "19"
#define DLR_MASK_OTHER "18"

#define TOTAL_MAX 255 /* parts that the header has numbers for */

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

/* Kannel puts values for '%' and a letter, and '%' for "%%". */
static void put_as_it_is(struct view ours, struct buf *to)
{
    for (size_t i = 0; i < ours.n; i++) {
        if (ours.p[i] == '%' && i + 1 < ours.n && ascii_is_letter(ours.p[i + 1]))
            (void)buf_put_char(to, '%');
        (void)buf_put_char(to, ours.p[i]);
    }
}

/* The values that Kannel puts are encoded already. */
static void put_dlr(const struct channel_setup *s, const struct channel_send *m, bool is_last,
                    struct buf *to)
{
    char ref[CHANNEL_REF_MAX];
    struct buf ours;
    struct buf url;

    channel_ref_text(&m->ref, ref);
    buf_init(&ours, CHANNEL_PATH_MAX);
    buf_init(&url, CHANNEL_PATH_MAX);
    buf_put_text(&ours, s->receipts_url);
    put(&ours, "?ref=", view_of(ref));
    put(&ours, "&token=", view_of(s->receipts_secret));
    put_as_it_is(buf_view(&ours), &url);
    buf_put_text(&url, "&type=%d&time=%T&answer=%A&id=%F");
    if (!is_last)
        buf_printf(&url, "&part=%u", m->part + 1);
    put(to, "&dlr-mask=", is_last ? VIEW(DLR_MASK_LAST) : VIEW(DLR_MASK_OTHER));
    put(to, "&dlr-url=", buf_view(&url));
    buf_done(&url);
    buf_done(&ours);
}

static struct view part_of(struct view text, const struct parts *all, unsigned number)
{
    struct view part = VIEW_NONE;

    for (unsigned i = 0; i <= number; i++)
        (void)parts_next(all, &text, &part);
    return part;
}

/* By which a phone knows what belongs together: the same when one attempt is repeated, another one
 * at the next. */
static unsigned char number_of(const struct channel_send *m)
{
    unsigned sum = m->ref.destination + m->attempt;

    for (size_t i = 0; i < sizeof m->ref.message.bytes; i++)
        sum += m->ref.message.bytes[i];
    return (unsigned char)sum;
}

/* 3GPP TS 23.040, 9.2.3.24.1: concatenated short messages, 8-bit reference number. */
static void put_udh(const struct channel_send *m, unsigned total, struct buf *to)
{
    const unsigned char header[] = {
        5, 0, 3, number_of(m), (unsigned char)total, (unsigned char)(m->part + 1)};

    put(to, "&udh=", (struct view){(const char *)header, sizeof header});
}

/* Requests that differ must not pass for one. */
static void put_key(const struct channel_send *m, unsigned total, struct channel_request *out)
{
    char ref[CHANNEL_REF_MAX];
    char key[CHANNEL_REF_MAX + 8];

    channel_ref_text(&m->ref, ref);
    (void)snprintf(key, sizeof key, total > 1 ? "%s/%u" : "%s", ref, m->part + 1);
    channel_header(out, "Idempotency-Key", view_of(key));
}

/* Kannel sends to each word of `to`: one destination would be several. */
static bool check_words(struct view number, struct fault *f)
{
    for (size_t i = 0; i < number.n; i++)
        if ((unsigned char)number.p[i] <= ' ')
            return fault_set(f, FAULT_REJECT,
                             "the destination's address has a blank in it, and "
                             "Kannel takes such for several");
    return true;
}

static bool build(const struct channel_setup *s, const struct channel_send *m,
                  struct channel_request *out, struct fault *f)
{
    char room[PHONE_NORMAL_MAX + 1];
    struct view number = VIEW_NONE;
    struct view text = VIEW_NONE;
    struct parts all;

    if (!channel_number(m->to, true, room, &number, f) || !check_words(number, f) ||
        !channel_plain_text(m->content, &text, f))
        return false;
    all = parts_of(text);
    if (all.count > TOTAL_MAX)
        return fault_set(f, FAULT_REJECT, "the text has %u parts, and an SMS has at most %d",
                         all.count, TOTAL_MAX);
    out->method = "GET";
    put_key(m, all.count, out);
    put(&out->path, "/sendsms?username=", view_of(s->user));
    put(&out->path, "&password=", view_of(s->password));
    put(&out->path, "&from=", channel_sender(s->sender, m->source));
    put(&out->path, "&to=", number);
    put(&out->path, "&charset=UTF-8&coding=", all.coding == PARTS_GSM7 ? VIEW("0") : VIEW("2"));
    if (all.count > 1)
        put_udh(m, all.count, &out->path);
    put(&out->path, "&text=", part_of(text, &all, m->part));
    if (s->receipts_url != NULL)
        put_dlr(s, m, m->part + 1 == all.count, &out->path);
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

/* 404: there is no sendsms there. A 403 is the last word on a receiver where it says "Not routable.
 * Do not try again.", and about our account where authorization failed; any other is not Kannel's
 * own, but of something in front of it. */
static enum channel_verdict failure(const struct channel_reply *reply)
{
    if (reply->status != 403 || says(reply, VIEW("Authorization failed")))
        return channel_verdict_of_status(reply->status);
    return says(reply, VIEW("Not routable")) ? CHANNEL_REFUSED : CHANNEL_FORBIDDEN;
}

/* "0: Accepted for delivery", "3: Queued for later delivery", "Sent.", perhaps with those denied
 * behind it: there is only one. */
static void judge(const struct channel_reply *reply, struct channel_outcome *out)
{
    if (!channel_is_success(reply->status)) {
        channel_judge_as(out, failure(reply), reply);
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
    .splits = true,
};
