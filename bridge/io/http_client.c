#include "bridge/io/http_client.h"

#include "bridge/core/mem.h"
#include "bridge/io/http_head.h"
#include "bridge/io/http_multi.h"
#include "bridge/io/http_request.h"
#include "bridge/io/http_target.h"
#include "bridge/ports/fault_point.h"

#include <assert.h>
#include <signal.h>
#include <string.h>
#include <uv.h>

/* What a reply brings. */
struct store {
    struct http_head head;
    struct buf body;
};

struct slot {
    struct destination *to;
    CURL *easy;        /* made at first use */
    struct slot *next; /* unused ones */
    bool busy;
    bool cancelled;
    bool begun; /* there is a connection, and the request begins to leave */
    bool sent;  /* all of it has left */
    bool has_body;
    uint64_t token;
    int64_t start_ms;
    const char *method; /* that the handle is set up for */
    struct view unread; /* of the body, where read_body hands it out */
    bool half_read;
    struct http_request request;
    struct store reply;
    const char *refused; /* why we ended it ourselves; static storage */
    char error[CURL_ERROR_SIZE];
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
    struct http_multi *multi;
    struct destination *to;
    size_t count;
    http_on_reply *on_reply;
    void *owner;
    struct store spare; /* the reply that the owner is hearing of */
    uv_idle_t turn;     /* runs once after a cancel */
    bool closing;
    unsigned parts; /* not yet gone: the multi handle and the idle handle */
    void (*closed)(void *owner);
    void *closed_owner;
};

/* ---- what libcurl calls ---- */

static void has_left(struct slot *s)
{
    if (s->sent)
        return;
    s->sent = true;
    FAULT_POINT(REQUEST_SENT);
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
    struct slot *s = ctx;

    has_left(s); /* the reply can be there before libcurl waits for it */
    s->refused = http_head_line(&s->reply.head, (struct view){p, size * n});
    return s->refused == NULL ? size * n : 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
    struct slot *s = ctx;

    if (buf_put(&s->reply.body, (struct view){p, size * n}))
        return size * n;
    s->refused = "the reply's body is longer than allowed";
    return 0;
}

static bool nothing_left(const struct slot *s)
{
    long bytes = 1;

    return curl_easy_getinfo(s->easy, CURLINFO_REQUEST_SIZE, &bytes) == CURLE_OK && bytes == 0;
}

/* Before each sending of a request. The second would be libcurl's own repetition; it is the first
 * only if nothing of the first has left. */
static int on_request(void *ctx, char *remote, char *local, int remote_port, int local_port)
{
    struct slot *s = ctx;

    (void)remote, (void)local, (void)remote_port, (void)local_port;
    if (s->begun && !nothing_left(s)) {
        s->refused = "the connection was closed before a reply came";
        return CURL_PREREQFUNC_ABORT;
    }
    s->begun = true;
    return CURL_PREREQFUNC_OK;
}

/* Only where a test wants the process killed half way: gives the body in two pieces. */
static size_t read_body(char *to, size_t size, size_t n, void *ctx)
{
    struct slot *s = ctx;
    size_t piece = s->half_read ? s->unread.n : (s->unread.n + 1) / 2;

    if (s->half_read)
        FAULT_POINT(REQUEST_HALF_SENT);
    s->half_read = true;
    if (piece > size * n)
        piece = size * n;
    if (piece > 0)
        memcpy(to, s->unread.p, piece);
    s->unread = view_skip(s->unread, piece);
    return piece;
}

static struct slot *slot_of(CURL *easy)
{
    char *slot = NULL;

    http_multi_must(curl_easy_getinfo(easy, CURLINFO_PRIVATE, &slot), "slot");
    return (struct slot *)(void *)slot;
}

static void on_listening(CURL *easy)
{
    struct slot *s = slot_of(easy);

    if (s->begun)
        has_left(s);
}

/* ---- the end of a call ---- */

static enum http_fate fate_of(const struct slot *s, CURLcode result)
{
    if (s->cancelled)
        return HTTP_UNKNOWN;
    if (result == CURLE_OK && s->reply.head.whole)
        return HTTP_ANSWERED;
    return s->begun && !nothing_left(s) ? HTTP_UNKNOWN : HTTP_NOT_SENT;
}

static const char *error_of(const struct slot *s, CURLcode result)
{
    return s->cancelled          ? "it was given up"
           : s->refused != NULL  ? s->refused
           : s->error[0] != '\0' ? s->error
           : result != CURLE_OK  ? curl_easy_strerror(result)
                                 : "the reply has no status";
}

/* The slot is free again when the owner hears of it, which may give it the next call at once: so
 * what the reply points to is taken out of it. While closing there is no next call. */
static const struct store *take_out(struct slot *s)
{
    struct http_client *h = s->to->client;
    struct store taken = s->reply;

    if (h->closing)
        return &s->reply;
    s->reply = h->spare;
    h->spare = taken;
    return &h->spare;
}

static void answer(struct slot *s, CURLcode result)
{
    struct http_client *h = s->to->client;
    struct http_reply r = {.token = s->token, .fate = fate_of(s, result)};
    const struct store *from;
    char error[CURL_ERROR_SIZE];

    if (r.fate != HTTP_ANSWERED) {
        struct view why = view_of(error_of(s, result));

        why.n = why.n < sizeof error ? why.n : sizeof error - 1;
        memcpy(error, why.p, why.n);
        error[why.n] = '\0';
        r.error = error;
    }
    from = take_out(s);
    if (r.fate == HTTP_ANSWERED) {
        FAULT_POINT(REPLY_READ);
        r.status = from->head.status;
        r.retry_after = http_head_get(&from->head, HTTP_HEAD_RETRY_AFTER);
        r.location = http_head_get(&from->head, HTTP_HEAD_LOCATION);
        r.content_type = http_head_get(&from->head, HTTP_HEAD_CONTENT_TYPE);
        r.body = buf_view(&from->body);
    }
    r.elapsed_ms = (int64_t)uv_now(h->loop) - s->start_ms;
    s->busy = false;
    s->next = s->to->unused;
    s->to->unused = s;
    h->on_reply(h->owner, &r);
}

static void on_done(void *owner, CURL *easy, CURLcode result)
{
    (void)owner;
    answer(slot_of(easy), result);
}

/* ---- calls ---- */

/* What never changes between the calls of a slot. */
static void set_up(struct slot *s)
{
    const struct http_destination *conf = &s->to->target.conf;
    CURL *e = s->easy = curl_easy_init();

    http_multi_must(e != NULL ? CURLE_OK : CURLE_OUT_OF_MEMORY, "a handle");
    http_request_init(&s->request);
    http_multi_prepare(s->to->client->multi, e);
    HTTP_SET(e, CURLOPT_PRIVATE, s);
    HTTP_SET(e, CURLOPT_ERRORBUFFER, s->error);
    HTTP_SET(e, CURLOPT_URL, conf->url);
    HTTP_SET(e, CURLOPT_PROTOCOLS_STR, "http,https");
    HTTP_SET(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    HTTP_SET(e, CURLOPT_PROXY, "");
    HTTP_SET(e, CURLOPT_NOSIGNAL, 1L);
    HTTP_SET(e, CURLOPT_TCP_NODELAY, 1L);
    HTTP_SET(e, CURLOPT_TCP_KEEPALIVE, 1L);
    HTTP_SET(e, CURLOPT_MAXAGE_CONN, (long)HTTP_CLIENT_IDLE_S);
    HTTP_SET(e, CURLOPT_MAXLIFETIME_CONN, (long)HTTP_CLIENT_LIFETIME_S);
    HTTP_SET(e, CURLOPT_USERAGENT, "cmibridge/" CMIBRIDGE_VERSION);
    HTTP_SET(e, CURLOPT_HTTPHEADER, s->request.lines);
    HTTP_SET(e, CURLOPT_READFUNCTION, read_body);
    HTTP_SET(e, CURLOPT_READDATA, s);
    HTTP_SET(e, CURLOPT_HEADERFUNCTION, on_header);
    HTTP_SET(e, CURLOPT_HEADERDATA, s);
    HTTP_SET(e, CURLOPT_WRITEFUNCTION, on_body);
    HTTP_SET(e, CURLOPT_WRITEDATA, s);
    HTTP_SET(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)HTTP_REPLY_BODY_MAX);
    HTTP_SET(e, CURLOPT_PREREQFUNCTION, on_request);
    HTTP_SET(e, CURLOPT_PREREQDATA, s);
    HTTP_SET(e, CURLOPT_TIMEOUT_MS, (long)conf->timeout_ms);
    HTTP_SET(e, CURLOPT_CONNECTTIMEOUT_MS, (long)conf->connect_timeout_ms);
    if (conf->low_speed_ms > 0) {
        HTTP_SET(e, CURLOPT_LOW_SPEED_LIMIT, (long)conf->low_speed_bytes);
        HTTP_SET(e, CURLOPT_LOW_SPEED_TIME, (long)((conf->low_speed_ms + 999) / 1000));
    }
    HTTP_SET(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (conf->ca != NULL)
        HTTP_SET(e, CURLOPT_CAINFO, conf->ca);
    if (conf->auth == HTTP_AUTH_CERTIFICATE) {
        HTTP_SET(e, CURLOPT_SSLCERT, conf->certificate);
        HTTP_SET(e, CURLOPT_SSLKEY, conf->key);
    }
    if (conf->auth == HTTP_AUTH_BASIC) {
        HTTP_SET(e, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        HTTP_SET(e, CURLOPT_USERNAME, conf->user);
        HTTP_SET(e, CURLOPT_PASSWORD, conf->secret);
    }
}

static void set_method(struct slot *s, const char *method, bool has_body)
{
    if (s->method != NULL && strcmp(s->method, method) == 0 && s->has_body == has_body)
        return;
    s->method = method;
    s->has_body = has_body;
    if (has_body)
        HTTP_SET(s->easy, CURLOPT_POST, 1L);
    else
        HTTP_SET(s->easy, CURLOPT_HTTPGET, 1L);
    HTTP_SET(s->easy, CURLOPT_CUSTOMREQUEST, method);
}

/* As one piece the body leaves in one packet with the headers. */
static void set_body(struct slot *s, struct view body)
{
    s->unread = body;
    s->half_read = false;
    HTTP_SET(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
    if (fault_point_armed(FAULT_POINT_REQUEST_HALF_SENT))
        HTTP_SET(s->easy, CURLOPT_POSTFIELDS, NULL);
    else
        HTTP_SET(s->easy, CURLOPT_POSTFIELDS, body.n > 0 ? body.p : "");
}

static bool submit(void *ctx, const struct http_call *call, struct fault *f)
{
    struct http_client *h = ctx;
    struct destination *to = &h->to[call->destination];
    struct slot *s = to->unused;
    bool has_body =
        call->body.n > 0 || strcmp(call->method, "POST") == 0 || strcmp(call->method, "PUT") == 0;

    assert(call->destination < h->count && !h->closing);
    if (s == NULL)
        return fault_set(f, FAULT_RETRY, "all %d slots are in use", to->slot_count);
    if (s->easy == NULL)
        set_up(s);
    if (!http_request_set(&s->request, to->target.base, to->target.own_line, call, f))
        return false;
    to->unused = s->next;
    HTTP_SET(s->easy, CURLOPT_REQUEST_TARGET, s->request.target);
    set_method(s, call->method, has_body);
    if (has_body)
        set_body(s, call->body);
    http_head_clear(&s->reply.head);
    buf_clear(&s->reply.body);
    s->token = call->token;
    s->busy = true;
    s->cancelled = s->begun = s->sent = false;
    s->refused = NULL;
    s->error[0] = '\0';
    s->start_ms = (int64_t)uv_now(h->loop);
    http_multi_add(h->multi, s->easy);
    return true;
}

static void give_up(struct slot *s)
{
    http_multi_remove(s->to->client->multi, s->easy);
    s->cancelled = true;
}

static void on_turn(uv_idle_t *turn)
{
    struct http_client *h = turn->data;

    (void)uv_idle_stop(turn);
    for (size_t i = 0; i < h->count; i++)
        for (int k = 0; k < h->to[i].slot_count && !h->closing; k++)
            if (h->to[i].slots[k].busy && h->to[i].slots[k].cancelled)
                answer(&h->to[i].slots[k], CURLE_ABORTED_BY_CALLBACK);
}

static void cancel(void *ctx, uint64_t token)
{
    struct http_client *h = ctx;

    for (size_t i = 0; i < h->count; i++)
        for (int k = 0; k < h->to[i].slot_count; k++) {
            struct slot *s = &h->to[i].slots[k];

            if (!s->busy || s->cancelled || s->token != token)
                continue;
            give_up(s);
            (void)uv_idle_start(&h->turn, on_turn);
        }
}

struct http_port http_client_port(struct http_client *h)
{
    return (struct http_port){h, submit, cancel};
}

/* ---- making and unmaking ---- */

static void free_destination(struct destination *to)
{
    for (int i = 0; i < to->slot_count; i++) {
        struct slot *s = &to->slots[i];

        curl_easy_cleanup(s->easy);
        http_request_done(&s->request);
        http_head_done(&s->reply.head);
        buf_done(&s->reply.body);
    }
    mem_free(to->slots);
    http_target_done(&to->target);
}

static void free_all(struct http_client *h)
{
    for (size_t i = 0; i < h->count; i++)
        free_destination(&h->to[i]);
    http_head_done(&h->spare.head);
    buf_done(&h->spare.body);
    mem_free(h->to);
    mem_free(h);
}

static void part_gone(void *owner)
{
    struct http_client *h = owner;
    void (*closed)(void *owner) = h->closed;
    void *closed_owner = h->closed_owner;

    if (--h->parts > 0)
        return;
    free_all(h);
    if (closed != NULL)
        closed(closed_owner);
}

static void on_turn_gone(uv_handle_t *handle)
{
    part_gone(handle->data);
}

void http_client_close(struct http_client *h, void (*closed)(void *owner), void *owner)
{
    h->closing = true;
    h->closed = closed;
    h->closed_owner = owner;
    for (size_t i = 0; i < h->count; i++)
        for (int k = 0; k < h->to[i].slot_count; k++) {
            struct slot *s = &h->to[i].slots[k];

            if (!s->busy)
                continue;
            if (!s->cancelled)
                give_up(s);
            answer(s, CURLE_ABORTED_BY_CALLBACK);
        }
    http_multi_close(h->multi, part_gone, h);
    uv_close((uv_handle_t *)&h->turn, on_turn_gone);
}

static void make_slots(struct http_client *h, struct destination *to)
{
    to->client = h;
    to->slot_count = to->target.conf.slots;
    to->slots = mem_zeroed((size_t)to->slot_count, sizeof *to->slots);
    for (int i = to->slot_count - 1; i >= 0; i--) {
        struct slot *s = &to->slots[i];

        s->to = to;
        http_head_init(&s->reply.head);
        buf_init(&s->reply.body, HTTP_REPLY_BODY_MAX);
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
    http_head_init(&h->spare.head);
    buf_init(&h->spare.body, HTTP_REPLY_BODY_MAX);
    for (; h->count < count; h->count++) {
        if (!http_target_init(&h->to[h->count].target, &to[h->count], f)) {
            free_all(h);
            return NULL;
        }
        make_slots(h, &h->to[h->count]);
        slots += (unsigned)to[h->count].slots;
    }
    (void)signal(SIGPIPE, SIG_IGN); /* TLS writes to lost connections without MSG_NOSIGNAL */
    h->multi = http_multi_new(loop, slots, on_done, h, on_listening);
    (void)uv_idle_init(loop, &h->turn); /* never fails */
    h->turn.data = h;
    h->parts = 2;
    return h;
}
