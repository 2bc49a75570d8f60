#include "bridge/io/http_client.h"

#include "bridge/core/mem.h"
#include "bridge/io/http_target.h"
#include "bridge/io/http_transfer.h"
#include "bridge/io/http_worker.h"
#include "bridge/ports/fault_point.h"

#include <assert.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <uv.h>

struct slot {
    struct http_transfer transfer;
    struct destination *to;
    struct slot *next; /* unused ones */
    bool busy;
    bool cancelled;
    uint64_t token;
    int64_t start_ms;
};

struct destination {
    struct http_client *client;
    struct http_target target;
    struct slot *slots;
    struct slot *unused;
    int slot_count;
};

struct http_client {
    struct uv_loop_s *loop;
    struct http_worker *worker;
    struct destination *to;
    size_t count;
    http_on_reply *on_reply;
    void *owner;
    struct http_received spare; /* the reply that the owner is hearing of */
    uv_async_t ended;           /* the worker has something for us */
    bool closing;
    void (*closed)(void *owner);
    void *closed_owner;
};

/* ---- replies ---- */

static struct slot *slot_of(struct http_transfer *t)
{
    return (void *)((char *)t - offsetof(struct slot, transfer));
}

/* The slot is free again when the owner hears of it, which may give it the next call at once: so
 * what the reply points to is taken out of it. */
static const struct http_received *take_out(struct slot *s)
{
    struct http_client *h = s->to->client;
    struct http_received taken = s->transfer.received;

    http_received_fit(&h->spare, s->to->target.conf.reply_max);
    s->transfer.received = h->spare;
    h->spare = taken;
    return &h->spare;
}

static void answer(struct slot *s)
{
    struct http_client *h = s->to->client;
    const struct http_transfer *t = &s->transfer;
    struct http_reply r = {.token = s->token, .fate = s->cancelled ? HTTP_UNKNOWN : t->fate};
    const struct http_received *from = take_out(s);
    char error[CURL_ERROR_SIZE];

    if (r.fate == HTTP_ANSWERED) {
        FAULT_POINT(REPLY_READ);
        r.status = from->head.status;
        r.retry_after = http_head_get(&from->head, HTTP_HEAD_RETRY_AFTER);
        r.location = http_head_get(&from->head, HTTP_HEAD_LOCATION);
        r.content_type = http_head_get(&from->head, HTTP_HEAD_CONTENT_TYPE);
        r.body = buf_view(&from->body);
        r.cut = from->cut;
    } else {
        view_copy(view_of(s->cancelled ? "it was given up" : t->why), error, sizeof error);
        r.error = error;
    }
    r.elapsed_ms = (int64_t)uv_now(h->loop) - s->start_ms;
    s->busy = false;
    s->next = s->to->unused;
    s->to->unused = s;
    h->on_reply(h->owner, &r);
}

/* The owner may close us in any of them; then closing takes the rest. */
static void on_ended(uv_async_t *ended)
{
    struct http_client *h = ended->data;
    struct http_transfer *t;

    while (!h->closing && (t = http_worker_take(h->worker)) != NULL)
        answer(slot_of(t));
}

static void wake(void *owner)
{
    struct http_client *h = owner;

    (void)uv_async_send(&h->ended);
}

/* ---- calls ---- */

static bool submit(void *ctx, const struct http_call *call, struct fault *f)
{
    struct http_client *h = ctx;
    struct destination *to = &h->to[call->destination];
    struct slot *s = to->unused;

    assert(call->destination < h->count && !h->closing);
    if (s == NULL)
        return fault_set(f, FAULT_RETRY, "all %d slots are in use", to->slot_count);
    if (!http_transfer_set(&s->transfer, call, f))
        return false;
    to->unused = s->next;
    s->token = call->token;
    s->busy = true;
    s->cancelled = false;
    s->start_ms = (int64_t)uv_now(h->loop);
    http_worker_give(h->worker, &s->transfer);
    return true;
}

static void cancel(void *ctx, uint64_t token)
{
    struct http_client *h = ctx;

    for (size_t i = 0; i < h->count; i++)
        for (int k = 0; k < h->to[i].slot_count; k++) {
            struct slot *s = &h->to[i].slots[k];

            if (!s->busy || s->cancelled || s->token != token)
                continue;
            s->cancelled = true;
            http_worker_cancel(h->worker, &s->transfer);
        }
}

struct http_port http_client_port(struct http_client *h)
{
    return (struct http_port){h, submit, cancel};
}

/* ---- making and unmaking ---- */

static void free_all(struct http_client *h)
{
    for (size_t i = 0; i < h->count; i++) {
        for (int k = 0; k < h->to[i].slot_count; k++)
            http_transfer_done(&h->to[i].slots[k].transfer);
        mem_free(h->to[i].slots);
        http_target_done(&h->to[i].target);
    }
    http_received_done(&h->spare);
    mem_free(h->to);
    mem_free(h);
}

static void on_gone(uv_handle_t *handle)
{
    struct http_client *h = handle->data;
    void (*closed)(void *owner) = h->closed;
    void *closed_owner = h->closed_owner;

    free_all(h);
    if (closed != NULL)
        closed(closed_owner);
}

/* A reply that the owner is hearing of now stays where it is: the handle goes later. */
void http_client_close(struct http_client *h, void (*closed)(void *owner), void *owner)
{
    struct http_received heard = h->spare;
    struct http_transfer *t;

    h->closing = true;
    h->closed = closed;
    h->closed_owner = owner;
    http_worker_stop(h->worker);
    http_received_init(&h->spare, HTTP_REPLY_BODY_MAX);
    while ((t = http_worker_take(h->worker)) != NULL)
        answer(slot_of(t));
    http_worker_free(h->worker);
    http_received_done(&h->spare);
    h->spare = heard;
    uv_close((uv_handle_t *)&h->ended, on_gone);
}

static void make_slots(struct http_client *h, struct destination *to)
{
    to->client = h;
    to->slot_count = to->target.conf.slots;
    to->slots = mem_zeroed((size_t)to->slot_count, sizeof *to->slots);
    for (int i = to->slot_count - 1; i >= 0; i--) {
        struct slot *s = &to->slots[i];

        s->to = to;
        http_transfer_init(&s->transfer, &to->target);
        s->next = to->unused;
        to->unused = s;
    }
}

struct http_client *http_client_new(struct uv_loop_s *loop, const struct http_destination *to,
                                    size_t count, http_on_reply *on_reply, void *owner,
                                    struct fault *f)
{
    struct http_client *h = mem_zeroed(1, sizeof *h);
    unsigned slots = 0;

    h->loop = loop;
    h->on_reply = on_reply;
    h->owner = owner;
    h->to = mem_zeroed(count, sizeof *h->to);
    http_received_init(&h->spare, HTTP_REPLY_BODY_MAX);
    for (; h->count < count; h->count++) {
        if (!http_target_init(&h->to[h->count].target, &to[h->count], f)) {
            free_all(h);
            return NULL;
        }
        make_slots(h, &h->to[h->count]);
        slots += (unsigned)to[h->count].slots;
    }
    (void)signal(SIGPIPE, SIG_IGN); /* TLS writes to lost connections without MSG_NOSIGNAL */
    if (uv_async_init(loop, &h->ended, on_ended) != 0)
        abort(); /* without a file descriptor at the start nothing else would work either */
    h->ended.data = h;
    h->worker = http_worker_start(slots, wake, h);
    return h;
}
