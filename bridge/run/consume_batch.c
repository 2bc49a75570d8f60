#include "bridge/run/consume_state.h"

#include "bridge/core/json_out.h"
#include "bridge/core/mem.h"

#include <assert.h>

/* Of each event id and source, escaped (no control characters are in them), and a sentence. */
static_assert(CONSUME_BATCH_MAX * (2 * 2 * CLOUDEVENT_ATTRIBUTE_MAX + 6 * FAULT_TEXT_MAX + 64) <=
                  CONSUME_BATCH_REPLY_MAX,
              "our server's answer to a batch is never cut");

#define BATCH_TOKEN (UINT64_C(1) << 63) /* marks the token of a batch */

bool consume_is_batch(uint64_t token)
{
    return (token & BATCH_TOKEN) != 0;
}

/* ---- out ---- */

static struct batch *batch_new(struct consume *c)
{
    size_t i = 0;

    while (c->batches[i].used)
        i++;
    assert(i < c->batch_count); /* there is one for each slot of each destination */
    return &c->batches[i];
}

static void put_event(struct json_out *j, const struct delivery *d)
{
    cloudevent_write_json(j, &d->event, d->type->name, d->body, d->type->data);
}

static size_t together(const struct delivery *d)
{
    return d->together > 0 ? d->together : CONSUME_BATCH_MAX;
}

void consume_batch_send(struct consume *c, struct destination *to)
{
    struct batch *b = batch_new(c);
    struct json_out j;
    struct http_call call = {.destination = to->conf->http_ingest, .method = "POST"};
    static const struct http_header headers[] = {
        {{"Content-Type", 12}, {"application/cloudevents-batch+json", 34}},
    };
    struct fault f = {0};
    size_t most = CONSUME_BATCH_MAX;

    b->used = true;
    b->destination = to;
    b->count = 0;
    b->sent_ms = consume_now(c);
    b->number = breaker_sent(&to->breaker);
    buf_clear(&b->body);
    json_out_init(&j, &b->body);
    json_array(&j);
    while (to->ingests.front != NULL && b->count < most &&
           (b->count == 0 || (b->count < together(to->ingests.front) &&
                              b->body.n + to->ingests.front->body.n < to->batch_bytes))) {
        struct delivery *d = to->ingests.front;

        most = together(d) < most ? together(d) : most;
        consume_move(c, d, DELIVERY_ON_SEND);
        if (d->attempts++ == 0) {
            d->first_sent_ms = b->sent_ms;
            d->successes_seen = to->successes;
        }
        d->number = b->number;
        d->asked++;
        put_event(&j, d);
        b->items[b->count++] = consume_token(d);
    }
    json_array_end(&j);
    assert(!b->body.full);
    call.token = BATCH_TOKEN | (uint64_t)(b - c->batches);
    call.headers = headers;
    call.header_count = 1;
    call.body = buf_view(&b->body);
    to->out++;
    if (!c->port.http.submit(c->port.http.ctx, &call, &f)) {
        struct http_reply reply = {.token = call.token, .fate = HTTP_NOT_SENT, .error = f.text};

        consume_on_reply(c, &reply);
    }
}

/* ---- back ---- */

/* Reads [{"status":204,"error":"…"}, …]: one object for each event, in order. */
struct batch_reader {
    struct {
        int status;
        char error[FAULT_TEXT_MAX];
    } of[CONSUME_BATCH_MAX];
    size_t count;
    unsigned depth;
    enum { KEY_OTHER, KEY_STATUS, KEY_ERROR } key;
};

static bool read_batch(void *ctx, const struct token *t, struct fault *f)
{
    struct batch_reader *r = ctx;

    switch (t->kind) {
    case TOKEN_OBJECT:
    case TOKEN_ARRAY:
        if (t->kind == TOKEN_OBJECT && r->depth == 1 && r->count++ >= CONSUME_BATCH_MAX)
            return fault_set(f, FAULT_RETRY, "more answers than events");
        r->depth++;
        r->key = KEY_OTHER;
        return true;
    case TOKEN_OBJECT_END:
    case TOKEN_ARRAY_END:
        r->depth--;
        return true;
    case TOKEN_KEY:
        r->key = view_is(t->text, "status")  ? KEY_STATUS
                 : view_is(t->text, "error") ? KEY_ERROR
                                             : KEY_OTHER;
        return true;
    case TOKEN_INTEGER:
        if (r->depth == 2 && r->key == KEY_STATUS && t->integer > 0 && t->integer < 1000)
            r->of[r->count - 1].status = (int)t->integer;
        return true;
    case TOKEN_STRING:
        if (r->depth == 2 && r->key == KEY_ERROR)
            view_copy(t->text, r->of[r->count - 1].error, FAULT_TEXT_MAX);
        return true;
    case TOKEN_NUMBER:
    case TOKEN_BOOL:
    case TOKEN_NULL:
        return true;
    }
    return true;
}

/* What is refused, or answered at too great a length, says nothing of any one of several events:
 * they go again, half as many together, until what is wrong with one is that one's alone. */
static bool is_of_all_together(const struct batch *b, const struct http_reply *reply)
{
    enum outcome outcome;

    if (b->count == 1 || reply->fate != HTTP_ANSWERED)
        return false;
    outcome = outcome_of_status(reply->status, "POST", reply->retry_after.n > 0);
    return outcome == OUTCOME_REFUSE || outcome == OUTCOME_FORBID ||
           (reply->status == 200 && reply->cut);
}

static void take_apart(const struct consume *c, const struct batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        struct delivery *d = consume_find(c, b->items[i]);

        if (d != NULL)
            d->together = (b->count + 1) / 2;
    }
}

static void halve_batches(struct consume *c, const struct batch *b)
{
    struct destination *to = b->destination;

    if (b->body.n / 2 >= to->batch_bytes)
        return; /* another has said so before */
    to->batch_bytes = b->body.n / 2;
    notice_say(c->port.log, NOTICE_WARN, "batch_too_large", NOTICE_TEXT("target", to->conf->name),
               NOTICE_INT("bytes", (int64_t)b->body.n),
               NOTICE_INT("from_now_on", (int64_t)to->batch_bytes));
}

static void said_of_all(struct consume *c, const struct batch *b, const struct http_reply *reply)
{
    take_apart(c, b);
    if (reply->status == 413 || reply->cut)
        halve_batches(c, b);
    notice_say(c->port.log, NOTICE_INFO, "batch_taken_apart",
               NOTICE_TEXT("target", b->destination->conf->name),
               NOTICE_INT("events", (int64_t)b->count), NOTICE_INT("status", reply->status));
}

static void hand_round(struct consume *c, struct batch *b, const struct http_reply *reply,
                       bool has_wait, int64_t wait_ms)
{
    struct batch_reader *r = mem_zeroed(1, sizeof *r);
    struct http_reply failure = {.fate = HTTP_UNKNOWN};
    struct fault f = {0};
    bool of_all = is_of_all_together(b, reply);
    bool whole = !of_all && reply->fate == HTTP_ANSWERED && reply->status == 200;

    if (whole && (!c->port.codec.json(reply->body, (struct token_sink){read_batch, r}, &f) ||
                  r->count != b->count)) {
        whole = false;
        failure.error = "its answer does not list one result for each event";
        reply = &failure;
        take_apart(c, b);
    }
    if (reply->fate != HTTP_ANSWERED)
        consume_destination_failed(c, b->destination, b->number, reply->error);
    if (of_all)
        said_of_all(c, b, reply);
    for (size_t i = 0; i < b->count; i++) {
        struct delivery *d = consume_answered(c, b->items[i]);

        if (d == NULL)
            continue;
        if (of_all)
            consume_move(c, d, DELIVERY_ON_HOLD);
        else if (reply->fate != HTTP_ANSWERED)
            consume_not_answered(c, d, reply);
        else if (whole)
            consume_replied(c, d, r->of[i].status, view_of(r->of[i].error), has_wait, wait_ms);
        else
            consume_replied(c, d, reply->status, reply->body, has_wait, wait_ms);
    }
    mem_free(r);
}

void consume_batch_replied(struct consume *c, const struct http_reply *reply, bool has_wait,
                           int64_t wait_ms)
{
    struct batch *b = &c->batches[reply->token & ~BATCH_TOKEN];

    assert(b->used);
    stat_observe_ms(b->destination->stat_time, reply->elapsed_ms);
    b->destination->out--;
    breaker_back(&b->destination->breaker, b->number);
    hand_round(c, b, reply, has_wait, wait_ms);
    b->used = false;
}
