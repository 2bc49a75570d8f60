#include "bridge/run/consume_state.h"

#include "bridge/core/mem.h"

#include <assert.h>
#include <string.h>

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
    d->number = breaker_sent(&d->destination->breaker);
}

void consume_send_slot_free(struct delivery *d)
{
    if (!d->holds_slot)
        return;
    d->holds_slot = false;
    d->destination->out--;
    breaker_back(&d->destination->breaker, d->number);
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

/* ---- what may go ---- */

static bool may_send(struct destination *to, int64_t now)
{
    return (to->writes.front != NULL || to->ingests.front != NULL) &&
           to->out < to->conf->concurrency && breaker_allows(&to->breaker, now);
}

static void to_the_front(struct delivery *d)
{
    struct delivery_list *list = d->list;

    consume_send_unqueue(d);
    d->list = list;
    d->next = list->front;
    if (list->front != NULL)
        list->front->prev = d;
    else
        list->back = d;
    list->front = d;
    list->count++;
}

/* Whom to try a destination with. Those that came first may be just the ones that it refuses. */
enum whom { NEVER_ASKED, NOT_HELD, ANY };

static bool is_one(const struct delivery *d, enum whom whom)
{
    return whom == ANY || (!d->held && (whom == NOT_HELD || d->attempts == 0));
}

static uint64_t count_of(const struct delivery_list *list, enum whom whom)
{
    uint64_t n = 0;

    for (const struct delivery *d = list->front; d != NULL; d = d->next)
        n += is_one(d, whom);
    return n;
}

static bool choose(struct consume *c, struct delivery_list *list, enum whom whom)
{
    uint64_t left = count_of(list, whom);
    struct delivery *d = list->front;

    if (left == 0)
        return false;
    for (left = consume_random(c) % left + 1; !is_one(d, whom) || --left > 0; d = d->next)
        ;
    to_the_front(d);
    return true;
}

/* Who may be given up now goes first, or nothing of what is held back ever ends while others wait.
 */
static void choose_next(struct consume *c, struct destination *to)
{
    struct delivery *held = to->held_front;
    enum whom whom = NOT_HELD;
    bool write;
    bool ingest;

    if (held != NULL && held->list != NULL && !to->held_stops && budget_has(&to->budget, 1)) {
        to_the_front(held);
        to->ingest_next = held->list == &to->ingests;
        return;
    }
    if (to->held == 0 || to->breaker.state == BREAKER_CLOSED)
        return;
    /* The first of those held stops it: another's answer lets that one be asked again. All that are
     * not held may stop it, too. But who was never asked is two trials away at most. */
    if (to->held_stops && budget_has(&to->budget, 1))
        whom = ANY;
    to->newest_next = !to->newest_next;
    if (to->newest_next &&
        count_of(&to->writes, NEVER_ASKED) + count_of(&to->ingests, NEVER_ASKED) > 0)
        whom = NEVER_ASKED;
    write = choose(c, &to->writes, whom);
    ingest = choose(c, &to->ingests, whom);
    if (write != ingest)
        to->ingest_next = ingest;
}

/* One kind after the other, so that neither starves. */
static void send_next(struct consume *c, struct destination *to)
{
    struct delivery *d = to->writes.front;

    if (d == NULL || (to->ingests.front != NULL && to->ingest_next)) {
        to->ingest_next = false;
        consume_batch_send(c, to);
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

        while (may_send(to, now)) {
            choose_next(c, to);
            send_next(c, to);
        }
        stat_set(to->stat_breaker, (int64_t)to->breaker.state); /* it may be probing now */
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
        to->stat_held =
            stats_get(c->port.stats, STAT_GAUGE, "cmibridge_held_back", buf_text(&labels),
                      "Events whose dead letter waits for dead_letters.budget");
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
