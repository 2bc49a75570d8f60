/* receipts of Kannel: the dlr-url that we gave it (channel_kannel.c), fetched by GET. It proves
 * itself by the token in it; twice does no harm. */
#include "bridge/core/datetime.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/core/receipt.h"

/* Room for one decoded value of the query: freed by the caller. */
static char *room_of(struct view query)
{
    return mem_zeroed(query.n + 1, 1);
}

static bool verify(const struct receipt_setup *s, const struct receipt_request *r,
                   struct view *once, struct fault *f)
{
    struct view secret = view_of(s->channel->receipts_secret);
    char *room = room_of(r->query);
    bool fits = secret.n > 0 && s->crypto.same(receipt_param(r->query, "token", room), secret);

    mem_free(room);
    *once = VIEW_NONE;
    return fits || fault_set(f, FAULT_REJECT, "the token in the dlr-url is not ours");
}

/* Kannel's gw/dlr.h: 1 delivered, 2 undelivered, 4 queued, 8 accepted, 16 rejected by the SMSC; 32
 * and more say that it is not the last word, but for 34, expired. */
static enum receipt_status status_of(int64_t type)
{
    return type == 1                               ? RECEIPT_DELIVERED
           : type == 2 || type == 16 || type == 34 ? RECEIPT_FAILED
                                                   : RECEIPT_ACCEPTED;
}

/* "id:… stat:UNDELIV err:001 text:…": the text is somebody's, so only stat and err are taken. */
static struct view word_of(struct view answer, struct view name)
{
    while (answer.n > 0) {
        struct view word = view_cut(&answer, ' ');

        if (view_is(word, "text:") || view_starts_nocase(word, VIEW("text:")))
            break;
        if (view_starts_nocase(word, name))
            return view_skip(word, name.n);
    }
    return VIEW_NONE;
}

static bool read(const struct receipt_request *r, const struct receipt_visitor *to, struct fault *f)
{
    struct receipt one = {.time_ms = -1};
    char *room = room_of(r->query);
    char *other = room_of(r->query);
    int64_t number = 0;
    bool ok = num_in(receipt_param(r->query, "type", room), 0, 65535, &number);

    if (ok) {
        one.status = status_of(number);
        receipt_name(&one, receipt_param(r->query, "id", room),
                     receipt_param(r->query, "ref", other));
        if (num_in(receipt_param(r->query, "time", room), 0, DATETIME_MAX_MS / 1000, &number))
            one.time_ms = number * 1000;
        if (one.status == RECEIPT_FAILED) {
            struct view answer = receipt_param(r->query, "answer", room);
            struct view stat = word_of(answer, VIEW("stat:"));

            one.of_part = receipt_param(r->query, "part", other).n > 0;
            receipt_reason(&one, stat.n > 0 ? stat : receipt_param(r->query, "type", other),
                           word_of(answer, VIEW("err:")));
        }
        to->receipt(to->ctx, &one);
    }
    mem_free(room);
    mem_free(other);
    return ok || fault_set(f, FAULT_REJECT, "type is not what Kannel puts for %%d");
}

const struct receipt_reader receipt_kannel = {"GET", verify, read, NULL};
