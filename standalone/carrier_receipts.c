#include "standalone/carrier_receipts.h"

#include "bridge/core/datetime.h"
#include "bridge/core/guid.h"
#include "bridge/core/json_out.h"
#include "bridge/core/mem.h"
#include "bridge/core/signature.h"
#include "bridge/io/crypto.h"
#include "bridge/io/http_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <uv.h>

#define BODY_MAX   1024
#define AGAIN_MS   500
#define TIMEOUT_MS 5000
#define HEADERS    4

struct receipt {
    struct receipt *next;
    char id[CARRIER_RECEIPT_ID_MAX];
    char provider_id[CARRIER_RECEIPT_ID_MAX];
    unsigned tries;
    /* of the request under way */
    char webhook_id[GUID_TEXT_MAX];
    char timestamp[24];
    char signature[SIGNATURE_TEXT_MAX];
    struct http_header headers[HEADERS];
    struct buf body;
};

struct carrier_receipts {
    struct uv_loop_s *loop;
    uv_timer_t timer; /* of those that come again */
    struct http_client *http;
    struct buf key;
    struct receipt *first;
    struct receipt *last;
    size_t waiting;
    struct receipt *slots[CARRIER_RECEIPTS_SLOTS];
    bool closing;
    int open; /* handles */
};

static int64_t wall_ms(void)
{
    uv_timeval64_t t;

    (void)uv_gettimeofday(&t);
    return t.tv_sec * 1000 + t.tv_usec / 1000;
}

static void drop(struct receipt *x)
{
    buf_done(&x->body);
    mem_free(x);
}

/* ---- one request ---- */

static void put_body(struct receipt *x)
{
    struct json_out j;
    char time[DATETIME_TEXT_MAX];

    datetime_format(wall_ms(), time);
    buf_clear(&x->body);
    json_out_init(&j, &x->body);
    json_object(&j);
    json_key(&j, "id");
    json_text(&j, x->id);
    json_key(&j, "status");
    json_text(&j, "delivered");
    json_key(&j, "time");
    json_text(&j, time);
    json_key(&j, "provider_id");
    json_text(&j, x->provider_id);
    json_object_end(&j);
}

static void sign(const struct carrier_receipts *r, struct receipt *x)
{
    struct guid id = crypto_guid_random();
    int64_t now_s = wall_ms() / 1000;

    guid_hex(&id, x->webhook_id);
    (void)snprintf(x->timestamp, sizeof x->timestamp, "%" PRId64, now_s);
    signature_make(crypto_hmac_sha256, buf_view(&r->key), view_of(x->webhook_id), now_s,
                   buf_view(&x->body), x->signature);
    x->headers[0] = (struct http_header){VIEW("Content-Type"), VIEW("application/json")};
    x->headers[1] = (struct http_header){VIEW("webhook-id"), view_of(x->webhook_id)};
    x->headers[2] = (struct http_header){VIEW("webhook-timestamp"), view_of(x->timestamp)};
    x->headers[3] = (struct http_header){VIEW("webhook-signature"), view_of(x->signature)};
}

static bool submit(struct carrier_receipts *r, size_t slot, struct receipt *x)
{
    const struct http_port port = http_client_port(r->http);
    struct http_call call = {.token = slot, .method = "POST", .header_count = HEADERS};
    struct fault f = {0};

    put_body(x);
    sign(r, x);
    call.headers = x->headers;
    call.body = buf_view(&x->body);
    x->tries++;
    return port.submit(port.ctx, &call, &f);
}

/* ---- the line ---- */

static void queue(struct carrier_receipts *r, struct receipt *x)
{
    x->next = NULL;
    if (r->last != NULL)
        r->last->next = x;
    else
        r->first = x;
    r->last = x;
    r->waiting++;
}

static struct receipt *take(struct carrier_receipts *r)
{
    struct receipt *x = r->first;

    r->first = x->next;
    if (r->first == NULL)
        r->last = NULL;
    r->waiting--;
    return x;
}

static void send_waiting(struct carrier_receipts *r)
{
    for (size_t i = 0; i < CARRIER_RECEIPTS_SLOTS && r->first != NULL && !r->closing; i++) {
        if (r->slots[i] != NULL)
            continue;
        r->slots[i] = take(r);
        if (!submit(r, i, r->slots[i])) {
            drop(r->slots[i]);
            r->slots[i] = NULL;
        }
    }
}

static void on_timer(uv_timer_t *timer)
{
    send_waiting(timer->data);
}

static void on_reply(void *owner, const struct http_reply *reply)
{
    struct carrier_receipts *r = owner;
    struct receipt *x = r->slots[reply->token];
    bool taken = reply->fate == HTTP_ANSWERED && reply->status >= 200 && reply->status <= 299;

    r->slots[reply->token] = NULL;
    if (taken || r->closing || x->tries >= CARRIER_RECEIPTS_TRIES) {
        if (!taken && !r->closing)
            fprintf(stderr, "cmibridge carrier: a receipt was not taken: %s %d\n",
                    reply->error != NULL ? reply->error : "status", reply->status);
        drop(x);
        send_waiting(r);
        return;
    }
    queue(r, x);
    uv_timer_start(&r->timer, on_timer, AGAIN_MS, 0);
}

void carrier_receipts_add(struct carrier_receipts *r, struct view id, const char *provider_id)
{
    struct receipt *x;

    if (r->waiting >= CARRIER_RECEIPTS_MAX || id.n >= CARRIER_RECEIPT_ID_MAX)
        return;
    x = mem_zeroed(1, sizeof *x);
    buf_init(&x->body, BODY_MAX);
    view_copy(id, x->id, sizeof x->id);
    view_copy(view_of(provider_id), x->provider_id, sizeof x->provider_id);
    queue(r, x);
    send_waiting(r);
}

/* ---- life ---- */

struct carrier_receipts *carrier_receipts_new(struct uv_loop_s *loop, const char *url,
                                              const char *secret, struct fault *f)
{
    const struct http_destination to = {.url = url,
                                        .slots = CARRIER_RECEIPTS_SLOTS,
                                        .timeout_ms = TIMEOUT_MS,
                                        .connect_timeout_ms = TIMEOUT_MS};
    struct carrier_receipts *r = mem_zeroed(1, sizeof *r);

    r->loop = loop;
    buf_init(&r->key, SIGNATURE_KEY_MAX);
    if (signature_key(view_of(secret), &r->key, f))
        r->http = http_client_new(loop, &to, 1, on_reply, r, f);
    if (r->http == NULL) {
        buf_done(&r->key);
        mem_free(r);
        return NULL;
    }
    uv_timer_init(loop, &r->timer);
    r->timer.data = r;
    r->open = 2;
    return r;
}

static void gone(struct carrier_receipts *r)
{
    if (--r->open > 0)
        return;
    while (r->first != NULL)
        drop(take(r));
    buf_done(&r->key);
    mem_free(r);
}

static void on_timer_closed(uv_handle_t *handle)
{
    gone(handle->data);
}

static void on_http_closed(void *ctx)
{
    gone(ctx);
}

void carrier_receipts_close(struct carrier_receipts *r)
{
    if (r == NULL || r->closing)
        return;
    r->closing = true;
    uv_close((uv_handle_t *)&r->timer, on_timer_closed);
    http_client_close(r->http, on_http_closed, r);
}
