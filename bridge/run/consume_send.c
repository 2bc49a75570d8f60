#include "bridge/run/consume_state.h"

#include "bridge/core/datetime.h"
#include "bridge/core/echo.h"
#include "bridge/core/json_out.h"
#include "bridge/core/mask.h"
#include "bridge/core/mem.h"

#include <assert.h>
#include <string.h>

#define BATCH_TOKEN (UINT64_C(1) << 63) /* marks the token of a batch */

bool consume_send_is_batch(uint64_t token)
{
    return (token & BATCH_TOKEN) != 0;
}

/* ---- what waits for a destination ---- */

void consume_send_queue(struct consume *c, struct delivery *d)
{
    struct delivery_list *list =
        d->type->is_write ? &d->destination->writes : &d->destination->ingests;

    (void)c;
    d->list = list;
    d->prev = list->back;
    d->next = NULL;
    if (list->back != NULL)
        list->back->next = d;
    else
        list->front = d;
    list->back = d;
    list->count++;
}

void consume_send_unqueue(struct delivery *d)
{
    struct delivery_list *list = d->list;

    if (d->prev != NULL)
        d->prev->next = d->next;
    else
        list->front = d->next;
    if (d->next != NULL)
        d->next->prev = d->prev;
    else
        list->back = d->prev;
    list->count--;
    d->prev = NULL;
    d->next = NULL;
    d->list = NULL;
}

static void slot_take(struct delivery *d)
{
    d->holds_slot = true;
    d->destination->out++;
    breaker_sent(&d->destination->breaker);
}

void consume_send_slot_free(struct delivery *d)
{
    if (!d->holds_slot)
        return;
    d->holds_slot = false;
    d->destination->out--;
    breaker_back(&d->destination->breaker);
}

/* ---- one write ---- */

static bool put_path(struct delivery *d, struct fault *f)
{
    buf_clear(&d->path);
    return event_type_path(d->type, view_of(d->id), d->ref, &d->path, f);
}

static size_t put_headers(struct delivery *d)
{
    size_t n = 0;

    d->headers[n++] = (struct http_header){VIEW("Idempotency-Key"), view_of(d->key)};
    if (d->body.n > 0)
        d->headers[n++] = (struct http_header){
            VIEW("Content-Type"),
            d->type->data == EVENT_DATA_TEXT ? VIEW("text/plain") : VIEW("application/json")};
    if (d->trace[0] != '\0')
        d->headers[n++] = (struct http_header){VIEW("traceparent"), view_of(d->trace)};
    if (d->trace[0] != '\0' && d->event.tracestate.n > 0)
        d->headers[n++] = (struct http_header){VIEW("tracestate"), d->event.tracestate};
    return n;
}

static void send_one(struct consume *c, struct delivery *d)
{
    struct http_call call = {.token = consume_token(d),
                             .destination = d->destination->conf->http,
                             .method = d->type->method};

    consume_move(c, d, DELIVERY_ON_SEND);
    if (!put_path(d, &d->fault)) {
        consume_send_slot_free(d);
        consume_bury(c, d, REFUSED);
        return;
    }
    call.path = buf_view(&d->path);
    call.headers = d->headers;
    call.header_count = put_headers(d);
    call.body = d->body;
    d->successes_seen = d->attempts == 0 ? d->destination->successes : d->successes_seen;
    d->attempts++;
    if (d->attempts == 1)
        d->first_sent_ms = consume_now(c);
    if (!c->port.http.submit(c->port.http.ctx, &call, &d->fault)) {
        consume_send_slot_free(d);
        if (d->fault.cls == FAULT_REJECT) {
            consume_bury(c, d, REFUSED);
        } else {
            d->wait_ms = CONSUME_AGAIN_MS;
            consume_move(c, d, DELIVERY_ON_FAIL);
        }
        return;
    }
    d->asked++;
}

void consume_send_noted(struct consume *c, struct delivery *d)
{
    send_one(c, d);
}

/* ---- a batch of ingest events ---- */

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

static void send_batch(struct consume *c, struct destination *to)
{
    struct batch *b = batch_new(c);
    struct json_out j;
    struct http_call call = {.destination = to->conf->http_ingest, .method = "POST"};
    static const struct http_header headers[] = {
        {{"Content-Type", 12}, {"application/cloudevents-batch+json", 34}},
    };
    struct fault f = {0};

    b->used = true;
    b->destination = to;
    b->count = 0;
    b->sent_ms = consume_now(c);
    buf_clear(&b->body);
    json_out_init(&j, &b->body);
    json_array(&j);
    while (to->ingests.front != NULL && b->count < CONSUME_BATCH_MAX &&
           (b->count == 0 || b->body.n + to->ingests.front->body.n < to->batch_bytes)) {
        struct delivery *d = to->ingests.front;

        consume_move(c, d, DELIVERY_ON_SEND);
        if (d->attempts++ == 0) {
            d->first_sent_ms = b->sent_ms;
            d->successes_seen = to->successes;
        }
        d->asked++;
        put_event(&j, d);
        b->items[b->count++] = d;
    }
    json_array_end(&j);
    assert(!b->body.full);
    call.token = BATCH_TOKEN | (uint64_t)(b - c->batches);
    call.headers = headers;
    call.header_count = 1;
    call.body = buf_view(&b->body);
    to->out++;
    breaker_sent(&to->breaker);
    if (!c->port.http.submit(c->port.http.ctx, &call, &f)) {
        struct http_reply reply = {.token = call.token, .fate = HTTP_NOT_SENT, .error = f.text};

        consume_on_reply(c, &reply);
    }
}

/* ---- what may go ---- */

static bool may_send(struct destination *to, int64_t now)
{
    return (to->writes.front != NULL || to->ingests.front != NULL) &&
           to->out < to->conf->concurrency && breaker_allows(&to->breaker, now);
}

static void say_breaker(struct consume *c, struct destination *to)
{
    stat_set(to->stat_breaker, (int64_t)to->breaker.state);
    notice_say(c->port.log, to->breaker.state == BREAKER_CLOSED ? NOTICE_INFO : NOTICE_WARN,
               "breaker", NOTICE_TEXT("target", to->conf->name),
               NOTICE_TEXT("state", breaker_state_name(to->breaker.state)),
               NOTICE_TEXT("reason", to->trouble),
               NOTICE_INT("wait_ms", to->breaker.state == BREAKER_OPEN
                                         ? to->breaker.until_ms - consume_now(c)
                                         : 0));
}

/* One kind after the other, so that neither starves. */
static void send_next(struct consume *c, struct destination *to)
{
    struct delivery *d = to->writes.front;

    if (d == NULL || (to->ingests.front != NULL && to->ingest_next)) {
        to->ingest_next = false;
        send_batch(c, to);
        return;
    }
    to->ingest_next = true;
    slot_take(d);
    if (!to->conf->honours_key && !d->noted)
        consume_move(c, d, DELIVERY_ON_NOTE);
    else
        send_one(c, d);
}

void consume_send_due(struct consume *c)
{
    int64_t now = consume_now(c);

    if (!c->port.memory.up(c->port.memory.ctx))
        return;
    for (size_t i = 0; i < c->conf.destination_count; i++) {
        struct destination *to = &c->destinations[i];

        while (may_send(to, now))
            send_next(c, to);
    }
}

int64_t consume_send_wake_ms(struct consume *c)
{
    int64_t now = consume_now(c);
    int64_t wake = INT64_MAX;

    for (size_t i = 0; i < c->conf.destination_count; i++) {
        struct destination *to = &c->destinations[i];

        if ((to->writes.front != NULL || to->ingests.front != NULL) &&
            to->out < to->conf->concurrency) {
            int64_t at = breaker_wake_ms(&to->breaker, now);

            /* Already allowed, yet not sent: the memory is down, which comes back by an input. */
            if (at > now && at < wake)
                wake = at;
        }
    }
    return wake;
}

/* ---- what a reply means ---- */

static void set_trouble(struct destination *to, const char *text)
{
    view_copy(view_of(text), to->trouble, sizeof to->trouble);
}

static void destination_ok(struct consume *c, struct destination *to)
{
    bool was_closed = to->breaker.state == BREAKER_CLOSED;

    breaker_ok(&to->breaker);
    to->trouble[0] = '\0';
    if (!was_closed)
        say_breaker(c, to);
}

static void destination_failed(struct consume *c, struct destination *to, const char *why)
{
    set_trouble(to, why);
    if (breaker_failed(&to->breaker, consume_now(c), consume_random(c)))
        say_breaker(c, to);
}

static void destination_stop(struct consume *c, struct destination *to, const char *why)
{
    set_trouble(to, why);
    if (breaker_stop(&to->breaker, consume_now(c), consume_random(c)))
        say_breaker(c, to);
}

/* Whether this 403 is of the third different key in a row. */
static bool forbidden_too_often(struct destination *to, uint64_t key_hash)
{
    for (int i = 0; i < to->forbidden_count; i++)
        if (to->forbidden[i] == key_hash)
            return to->forbidden_count >= CONSUME_FORBIDDEN_KEYS;
    if (to->forbidden_count < CONSUME_FORBIDDEN_KEYS)
        to->forbidden[to->forbidden_count++] = key_hash;
    return to->forbidden_count >= CONSUME_FORBIDDEN_KEYS;
}

static void bury_in_budget(struct consume *c, struct delivery *d, enum disposition why)
{
    struct destination *to = d->destination;

    if (budget_spend(&to->budget)) {
        if (why == REFUSED)
            destination_ok(c, to);
        consume_bury(c, d, why);
        return;
    }
    destination_stop(c, to,
                     "it refuses so much that dead-lettering is held back (dead_letters.budget)");
    consume_move(c, d, DELIVERY_ON_HOLD);
}

/* A failure counts against the record only if another key has succeeded meanwhile. */
static void failed(struct consume *c, struct delivery *d, int64_t least_wait_ms)
{
    struct destination *to = d->destination;

    if (to->successes != d->successes_seen) {
        d->successes_seen = to->successes;
        d->charged++;
    }
    if (d->charged >= c->conf.attempts_max) {
        bury_in_budget(c, d, EXHAUSTED);
        return;
    }
    d->wait_ms = backoff_wait_ms(&c->conf.retry, d->attempts > 0 ? (unsigned)d->attempts - 1 : 0,
                                 least_wait_ms, consume_random(c));
    consume_move(c, d, DELIVERY_ON_FAIL);
}

static void read_created(struct delivery *d, const struct http_reply *reply)
{
    d->created[0] = '\0';
    if (d->type->returns_id)
        view_copy(outcome_created(reply->body, reply->location), d->created, sizeof d->created);
}

static void done(struct consume *c, struct delivery *d)
{
    struct destination *to = d->destination;

    destination_ok(c, to);
    to->successes++;
    to->forbidden_count = 0;
    budget_earn(&to->budget);
    if (!d->type->is_write)
        consume_move(c, d, DELIVERY_ON_FINISH);
    else if ((d->type->keeps_id && d->created[0] != '\0') || d->noted)
        consume_move(c, d, DELIVERY_ON_KEEP);
    else
        consume_move(c, d, DELIVERY_ON_DONE);
}

static void not_answered(struct consume *c, struct delivery *d, const struct http_reply *reply)
{
    char said[160];

    d->status = 0;
    if (reply->fate == HTTP_UNKNOWN && !d->destination->conf->honours_key)
        d->possible_duplicate = true;
    fault_set(&d->fault, FAULT_RETRY, "no answer from %s: %s", d->destination->conf->name,
              mask_sentence(view_of(reply->error), said, sizeof said));
    failed(c, d, 0);
}

/* What the destination says, without what it repeats of the event (D11). */
static const char *masked(const struct consume *c, const struct delivery *d, int status,
                          struct view said, char *out, size_t size)
{
    struct buf privates;

    buf_init(&privates, ECHO_PRIVATE_MAX);
    echo_gather(d->type, d->body, d->ref, c->port.codec.json, &privates);
    echo_mask(said, outcome_phrase(status), &privates, d->destination->conf->secrets, out, size);
    buf_done(&privates);
    return out;
}

/* status, body: of the reply, or of this event's part of a batch's reply. */
static void replied(struct consume *c, struct delivery *d, int status, struct view text,
                    bool has_wait, int64_t wait_ms)
{
    struct destination *to = d->destination;
    enum outcome outcome = outcome_of_status(status, d->type->method, has_wait);
    char said[160];

    d->status = status;
    stat_add(to->stat_outcome[outcome], 1);
    if (outcome == OUTCOME_DONE) {
        done(c, d);
        return;
    }
    fault_set(&d->fault, outcome == OUTCOME_RETRY ? FAULT_RETRY : FAULT_REJECT,
              "%s answered %d: %s", to->conf->name, status,
              masked(c, d, status, text, said, sizeof said));
    /* Some of it may have happened behind a proxy's or a crash's 5xx. */
    if (status >= 500 && status != 503 && !to->conf->honours_key)
        d->possible_duplicate = true;
    if (outcome == OUTCOME_FORBID && forbidden_too_often(to, d->lane.hash))
        outcome = OUTCOME_STOP;
    if (outcome != OUTCOME_FORBID && outcome != OUTCOME_STOP)
        to->forbidden_count = 0;
    switch (outcome) {
    case OUTCOME_DONE:
        return;
    case OUTCOME_RETRY:
        if (status == 409) {
            destination_ok(c, to);
        } else {
            destination_failed(c, to, d->fault.text);
            if (has_wait && (status == 429 || status == 503))
                breaker_hold(&to->breaker, consume_now(c), wait_ms);
        }
        failed(c, d, has_wait ? wait_ms : 0);
        return;
    case OUTCOME_REFUSE:
    case OUTCOME_FORBID:
        bury_in_budget(c, d, REFUSED);
        return;
    case OUTCOME_STOP:
        destination_stop(c, to, d->fault.text);
        consume_move(c, d, DELIVERY_ON_HOLD);
        return;
    }
}

/* ---- replies to batches ---- */

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

/* 413 to several events says nothing of any one of them: they go again, fewer at a time. */
static bool is_too_large_together(const struct batch *b, const struct http_reply *reply)
{
    return b->count > 1 && reply->fate == HTTP_ANSWERED && reply->status == 413;
}

static void halve_batches(struct consume *c, const struct batch *b)
{
    struct destination *to = b->destination;

    destination_ok(c, to);
    if (b->body.n / 2 >= to->batch_bytes)
        return; /* another has said so before */
    to->batch_bytes = b->body.n / 2;
    notice_say(c->port.log, NOTICE_WARN, "batch_too_large", NOTICE_TEXT("target", to->conf->name),
               NOTICE_INT("bytes", (int64_t)b->body.n),
               NOTICE_INT("from_now_on", (int64_t)to->batch_bytes));
}

static void batch_replied(struct consume *c, struct batch *b, const struct http_reply *reply,
                          bool has_wait, int64_t wait_ms)
{
    struct batch_reader *r = mem_zeroed(1, sizeof *r);
    struct http_reply failure = {.fate = HTTP_UNKNOWN};
    struct fault f = {0};
    bool whole = reply->fate == HTTP_ANSWERED && reply->status == 200;

    if (whole && (!c->port.codec.json(reply->body, (struct token_sink){read_batch, r}, &f) ||
                  r->count != b->count)) {
        whole = false;
        failure.error = "its answer does not list one result for each event";
        reply = &failure;
    }
    if (reply->fate != HTTP_ANSWERED)
        destination_failed(c, b->destination, reply->error);
    if (is_too_large_together(b, reply))
        halve_batches(c, b);
    for (size_t i = 0; i < b->count; i++) {
        struct delivery *d = b->items[i];

        if (d->state == DELIVERY_DROPPED) {
            consume_late(c, d);
            continue;
        }
        d->asked--;
        if (reply->fate != HTTP_ANSWERED)
            not_answered(c, d, reply);
        else if (is_too_large_together(b, reply))
            consume_move(c, d, DELIVERY_ON_HOLD);
        else if (whole)
            replied(c, d, r->of[i].status, view_of(r->of[i].error), has_wait, wait_ms);
        else
            replied(c, d, reply->status, reply->body, has_wait, wait_ms);
    }
    mem_free(r);
}

static void observe(const struct destination *to, const struct http_reply *reply)
{
    stat_observe_ms(to->stat_time, reply->elapsed_ms);
}

static void on_batch(struct consume *c, const struct http_reply *reply, bool has_wait,
                     int64_t wait_ms)
{
    struct batch *b = &c->batches[reply->token & ~BATCH_TOKEN];

    assert(b->used);
    observe(b->destination, reply);
    b->destination->out--;
    breaker_back(&b->destination->breaker);
    batch_replied(c, b, reply, has_wait, wait_ms);
    b->used = false;
}

void consume_on_reply(void *consume, const struct http_reply *reply)
{
    struct consume *c = consume;
    struct http_reply page = {.fate = HTTP_UNKNOWN,
                              .error = "it answered with a page, as no CMI does"};
    struct delivery *d;
    int64_t wait_ms = 0;
    bool has_wait =
        reply->fate == HTTP_ANSWERED && reply->retry_after.n > 0 &&
        datetime_retry_after(reply->retry_after, c->port.clock.wall_ms(c->port.clock.ctx),
                             c->conf.retry_after_max_ms, &wait_ms);

    if (reply->fate == HTTP_ANSWERED && outcome_is_page(reply->status, reply->body)) {
        page.token = reply->token;
        page.elapsed_ms = reply->elapsed_ms;
        reply = &page;
    }
    if (consume_send_is_batch(reply->token)) {
        on_batch(c, reply, has_wait, wait_ms);
        return;
    }
    d = consume_find(c, reply->token);
    observe(d->destination, reply);
    consume_send_slot_free(d);
    if (d->state == DELIVERY_DROPPED) {
        /* The probe's end must be known even if its event is somebody else's now. */
        if (reply->fate != HTTP_ANSWERED)
            destination_failed(c, d->destination, reply->error);
        consume_late(c, d);
        return;
    }
    d->asked--;
    if (reply->fate != HTTP_ANSWERED) {
        destination_failed(c, d->destination, reply->error);
        not_answered(c, d, reply);
        return;
    }
    if (reply->status >= 200 && reply->status <= 299)
        read_created(d, reply);
    replied(c, d, reply->status, reply->body, has_wait, wait_ms);
}

/* ---- at the start ---- */

void consume_send_init(struct consume *c)
{
    size_t slots = 0;
    struct buf labels;

    buf_init(&labels, 256);
    for (size_t i = 0; i < c->conf.destination_count; i++) {
        struct destination *to = &c->destinations[i];

        to->conf = &c->conf.destinations[i];
        to->batch_bytes = CONSUME_BATCH_BYTES;
        breaker_init(&to->breaker, c->conf.breaker);
        budget_init(&to->budget, c->conf.budget_burst, c->conf.budget_per_success_milli);
        slots += (size_t)to->conf->concurrency;
        buf_clear(&labels);
        stats_label(&labels, "target", view_of(to->conf->name));
        to->stat_breaker = stats_get(c->port.stats, STAT_GAUGE, "cmibridge_breaker",
                                     buf_text(&labels), "0 closed, 1 open, 2 probing");
        to->stat_time = stats_get(c->port.stats, STAT_HISTOGRAM, "cmibridge_request_seconds",
                                  buf_text(&labels), "From a request's begin to its reply");
        for (int o = OUTCOME_DONE; o <= OUTCOME_STOP; o++) {
            buf_clear(&labels);
            stats_label(&labels, "target", view_of(to->conf->name));
            stats_label(&labels, "outcome", view_of(outcome_name((enum outcome)o)));
            to->stat_outcome[o] =
                stats_get(c->port.stats, STAT_COUNTER, "cmibridge_replies_total", buf_text(&labels),
                          "Replies to events' writes, by what they mean");
        }
    }
    buf_done(&labels);
    c->batch_count = slots;
    c->batches = mem_zeroed(slots, sizeof(*c->batches));
    for (size_t i = 0; i < slots; i++)
        buf_init(&c->batches[i].body, 2 * (size_t)CONSUME_EVENT_MAX);
}
