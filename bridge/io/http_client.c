#include "bridge/io/http_client.h"

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "bridge/ports/fault_point.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define HEADER_VALUE_MAX 1024  /* kept of a reply's header */
#define REQUEST_HEAD_MAX 16384 /* bytes of a call's headers and target */
#define WATCH_BUCKETS    1024
#define OWN_HEADERS      4 /* beside the call's: authorization, Expect, Accept, Content-Type */

struct value {
    char text[HEADER_VALUE_MAX];
    size_t n;
    bool found;
};

struct slot {
    struct destination *to;
    CURL *easy;
    struct slot *next; /* unused ones */
    bool busy;
    bool begun; /* the request has begun to leave */
    bool cancelled;
    uint64_t token;
    int64_t start_ms;
    const char *method; /* of the last call */
    struct view body;
    size_t body_sent;
    struct buf head; /* the texts of the headers and the target */
    struct curl_slist lines[HTTP_HEADERS_MAX + OWN_HEADERS];
    struct buf reply;
    size_t header_bytes;
    struct value retry_after;
    struct value location;
    struct value content_type;
    const char *refused; /* why we ended it ourselves */
    char error[CURL_ERROR_SIZE];
};

struct destination {
    struct http_client *client;
    char *target; /* the base URL's path */
    char *auth_line;
    struct slot *slots;
    struct slot *unused;
    int slot_count;
};

struct watch;

struct http_client {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    uv_timer_t cancel_timer;
    struct destination *to;
    size_t count;
    http_on_reply *on_reply;
    void *owner;
    void (*closed)(void *owner);
    void *closed_owner;
    struct watch *watches[WATCH_BUCKETS]; /* by the low bits of the socket's number */
    int handles;                          /* open uv handles */
};

/* One of a connection's socket. libcurl stops watching it after each request; the poll goes on, so
 * that the next request needs no call to the kernel. */
struct watch {
    uv_poll_t poll;
    struct http_client *client;
    struct watch *next;
    curl_socket_t fd;
    int events; /* what the poll waits for; 0: nothing */
    bool idle;  /* libcurl does not want to know */
};

/* ---- replies ---- */

static void reset_reply(struct slot *s)
{
    buf_clear(&s->reply);
    s->header_bytes = 0;
    s->retry_after.found = s->location.found = s->content_type.found = false;
    s->refused = NULL;
    s->error[0] = '\0';
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
    struct slot *s = ctx;

    if (buf_put(&s->reply, (struct view){p, size * n}))
        return size * n;
    s->refused = "the reply's body is longer than 65536 bytes";
    return 0;
}

static bool keep_value(struct value *v, struct view line)
{
    if (line.n >= sizeof v->text)
        return false;
    memcpy(v->text, line.p, line.n);
    v->n = line.n;
    v->found = true;
    return true;
}

static bool has_control(struct view v)
{
    for (size_t i = 0; i < v.n; i++)
        if (((unsigned char)v.p[i] < 0x20 && v.p[i] != '\t') || v.p[i] == 0x7f)
            return true;
    return false;
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
    struct slot *s = ctx;
    struct view rest = {p, size * n};
    struct view name;
    struct value *v;

    s->header_bytes += rest.n;
    if (s->header_bytes > HTTP_CLIENT_REPLY_HEADER_MAX) {
        s->refused = "the reply's header is longer than 65536 bytes";
        return 0;
    }
    while (rest.n > 0 && (rest.p[rest.n - 1] == '\r' || rest.p[rest.n - 1] == '\n'))
        rest.n--;
    name = view_cut(&rest, ':');
    v = view_eq_nocase(name, VIEW("retry-after"))    ? &s->retry_after
        : view_eq_nocase(name, VIEW("location"))     ? &s->location
        : view_eq_nocase(name, VIEW("content-type")) ? &s->content_type
                                                     : NULL;
    rest = view_trim(rest);
    if (v != NULL && (has_control(rest) || !keep_value(v, rest))) {
        s->refused = "a header of the reply is too long or holds control characters";
        return 0;
    }
    return size * n;
}

static struct view view_of_value(const struct value *v)
{
    return v->found ? (struct view){v->text, v->n} : VIEW_NONE;
}

static void answer(struct http_client *h, struct slot *s, CURLcode result)
{
    struct http_reply reply = {.token = s->token,
                               .retry_after = view_of_value(&s->retry_after),
                               .location = view_of_value(&s->location),
                               .content_type = view_of_value(&s->content_type),
                               .body = buf_view(&s->reply),
                               .elapsed_ms = (int64_t)uv_now(h->loop) - s->start_ms};
    long status = 0;

    if (result == CURLE_OK) {
        FAULT_POINT(REPLY_READ);
        curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
        reply.status = (int)status;
    } else {
        reply.fate = s->begun ? HTTP_UNKNOWN : HTTP_NOT_SENT;
        reply.error = s->refused != NULL    ? s->refused
                      : s->error[0] != '\0' ? s->error
                                            : curl_easy_strerror(result);
    }
    s->busy = false;
    s->next = s->to->unused;
    s->to->unused = s;
    h->on_reply(h->owner, &reply);
}

static void collect(struct http_client *h)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(h->multi, &left)) != NULL) {
        struct slot *s;
        CURLcode result;

        if (message->msg != CURLMSG_DONE)
            continue;
        result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&s);
        curl_multi_remove_handle(h->multi, s->easy);
        answer(h, s, result);
    }
}

/* ---- the loop ---- */

static void closed_one(struct http_client *h)
{
    void (*closed)(void *owner) = h->closed;
    void *owner = h->closed_owner;

    if (--h->handles > 0 || h->multi != NULL)
        return;
    mem_free(h->to);
    mem_free(h);
    if (closed != NULL)
        closed(owner);
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct watch *w = handle->data;
    struct http_client *h = w->client;

    mem_free(w);
    closed_one(h);
}

static struct watch **find_watch(struct http_client *h, curl_socket_t fd)
{
    struct watch **at = &h->watches[(unsigned)fd % WATCH_BUCKETS];

    while (*at != NULL && (*at)->fd != fd)
        at = &(*at)->next;
    return at;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void want(struct watch *w, int events)
{
    if (w->events == events)
        return;
    w->events = events;
    if (events == 0)
        uv_poll_stop(&w->poll);
    else
        uv_poll_start(&w->poll, events, on_poll);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    struct http_client *h = w->client;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    int running;

    if (w->idle) { /* the peer has closed it, or said what nobody asked: libcurl will see */
        want(w, 0);
        return;
    }
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    curl_multi_socket_action(h->multi, w->fd, flags, &running);
    collect(h);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
    struct http_client *h = ctx;
    struct watch **at = find_watch(h, fd);
    struct watch *w = *at;

    (void)easy, (void)known;
    if (what == CURL_POLL_REMOVE) {
        if (w != NULL)
            w->idle = true;
        return 0;
    }
    if (w == NULL) {
        w = mem_zeroed(1, sizeof *w);
        w->client = h;
        w->fd = fd;
        if (uv_poll_init_socket(h->loop, &w->poll, fd) != 0) {
            mem_free(w);
            return -1;
        }
        w->poll.data = w;
        h->handles++;
        *at = w;
    }
    w->idle = false;
    want(w, (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0));
    return 0;
}

/* The watch must go before the socket does: its number may be another's at once. */
static int on_close_socket(void *ctx, curl_socket_t fd)
{
    struct http_client *h = ctx;
    struct watch **at = find_watch(h, fd);
    struct watch *w = *at;

    if (w != NULL) {
        *at = w->next;
        uv_close((uv_handle_t *)&w->poll, on_watch_closed);
    }
    return close(fd);
}

static void on_timeout(uv_timer_t *timer)
{
    struct http_client *h = timer->data;
    int running;

    curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(h);
}

static int on_timer(CURLM *multi, long ms, void *ctx)
{
    struct http_client *h = ctx;

    (void)multi;
    if (ms < 0)
        uv_timer_stop(&h->timer);
    else
        uv_timer_start(&h->timer, on_timeout, (uint64_t)ms, 0);
    return 0;
}

/* ---- calls ---- */

/* Called before each sending of a request: the second time would be libcurl's own repetition. */
static int on_request(void *ctx, char *remote, char *local, int remote_port, int local_port)
{
    struct slot *s = ctx;

    (void)remote, (void)local, (void)remote_port, (void)local_port;
    if (s->begun) {
        s->refused = "the connection was closed before a reply came";
        return CURL_PREREQFUNC_ABORT;
    }
    s->begun = true;
    return CURL_PREREQFUNC_OK;
}

/* Only where a test wants the process killed half way: gives the body in two pieces. */
static size_t on_read(char *to, size_t size, size_t n, void *ctx)
{
    struct slot *s = ctx;
    size_t piece = s->body_sent == 0 ? (s->body.n + 1) / 2 : s->body.n - s->body_sent;

    if (s->body_sent > 0)
        FAULT_POINT(REQUEST_HALF_SENT);
    if (piece > size * n)
        piece = size * n;
    memcpy(to, s->body.p + s->body_sent, piece);
    s->body_sent += piece;
    return piece;
}

static int on_debug(CURL *easy, curl_infotype type, char *p, size_t n, void *ctx)
{
    (void)easy, (void)p, (void)n, (void)ctx;
    if (type == CURLINFO_DATA_OUT)
        FAULT_POINT(REQUEST_SENT);
    return 0;
}

static bool put_line(struct slot *s, size_t *count, struct view name, struct view value,
                     struct fault *f)
{
    if (has_control(name) || has_control(value))
        return fault_set(f, FAULT_REJECT, "the header %.*s holds a control character",
                         VIEW_ARG(name));
    if (*count == sizeof s->lines / sizeof s->lines[0])
        return fault_set(f, FAULT_BUG, "a call has more than %d headers", HTTP_HEADERS_MAX);
    /* Offsets for now: the buffer may still move. */
    s->lines[(*count)++].data = (char *)s->head.n;
    buf_put(&s->head, name);
    buf_put_text(&s->head, ": ");
    buf_put(&s->head, value);
    buf_put_char(&s->head, '\0');
    return true;
}

static bool put_head(struct slot *s, const struct http_call *call, struct fault *f)
{
    size_t count = 0;
    size_t target = 0;

    buf_clear(&s->head);
    buf_put_text(&s->head, s->to->target);
    buf_put(&s->head, call->path);
    buf_put_char(&s->head, '\0');
    for (size_t i = 0; i < call->header_count; i++)
        if (!put_line(s, &count, call->headers[i].name, call->headers[i].value, f))
            return false;
    s->lines[count++].data = (char *)s->head.n;
    buf_put_text(&s->head, "Expect:");
    buf_put_char(&s->head, '\0');
    if (s->to->auth_line != NULL) {
        s->lines[count++].data = (char *)s->head.n;
        buf_put_text(&s->head, s->to->auth_line);
        buf_put_char(&s->head, '\0');
    }
    if (s->head.full)
        return fault_set(f, FAULT_REJECT, "the request's head is longer than %d bytes",
                         REQUEST_HEAD_MAX);
    for (size_t i = 0; i < count; i++) {
        s->lines[i].data = s->head.p + (size_t)s->lines[i].data;
        s->lines[i].next = i + 1 < count ? &s->lines[i + 1] : NULL;
    }
    curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->lines);
    curl_easy_setopt(s->easy, CURLOPT_REQUEST_TARGET, s->head.p + target);
    return true;
}

static void set_body(struct slot *s, const struct http_call *call)
{
    if (call->body.n == 0) {
        curl_easy_setopt(s->easy, CURLOPT_HTTPGET, 1L);
    } else if (fault_point_armed(FAULT_POINT_REQUEST_HALF_SENT)) {
        curl_easy_setopt(s->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, NULL);
        curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.n);
        curl_easy_setopt(s->easy, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(s->easy, CURLOPT_READDATA, s);
    } else {
        curl_easy_setopt(s->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.n);
        curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, call->body.p);
    }
    if (s->method != call->method)
        curl_easy_setopt(s->easy, CURLOPT_CUSTOMREQUEST, call->method);
    s->method = call->method;
}

static bool submit(void *ctx, const struct http_call *call, struct fault *f)
{
    struct http_client *h = ctx;
    struct destination *to = &h->to[call->destination];
    struct slot *s = to->unused;

    if (s == NULL)
        return fault_set(f, FAULT_RETRY, "all %d slots are in use", to->slot_count);
    s->body = call->body;
    s->body_sent = 0;
    if (!put_head(s, call, f))
        return false;
    to->unused = s->next;
    reset_reply(s);
    s->busy = true;
    s->begun = s->cancelled = false;
    s->token = call->token;
    s->start_ms = (int64_t)uv_now(h->loop);
    set_body(s, call);
    if (curl_multi_add_handle(h->multi, s->easy) == CURLM_OK)
        return true;
    s->busy = false;
    s->next = to->unused;
    to->unused = s;
    return fault_set(f, FAULT_BUG, "libcurl takes no further request");
}

static void on_cancelled(uv_timer_t *timer)
{
    struct http_client *h = timer->data;

    for (size_t i = 0; i < h->count; i++)
        for (int k = 0; k < h->to[i].slot_count; k++) {
            struct slot *s = &h->to[i].slots[k];

            if (!s->cancelled)
                continue;
            s->cancelled = false;
            s->refused = "it was given up";
            answer(h, s, CURLE_ABORTED_BY_CALLBACK);
        }
}

static void cancel_slot(struct http_client *h, struct slot *s)
{
    curl_multi_remove_handle(h->multi, s->easy);
    s->cancelled = true;
    uv_timer_start(&h->cancel_timer, on_cancelled, 0, 0);
}

static void cancel(void *ctx, uint64_t token)
{
    struct http_client *h = ctx;

    for (size_t i = 0; i < h->count; i++)
        for (int k = 0; k < h->to[i].slot_count; k++) {
            struct slot *s = &h->to[i].slots[k];

            if (s->busy && !s->cancelled && s->token == token)
                cancel_slot(h, s);
        }
}

struct http_port http_client_port(struct http_client *h)
{
    return (struct http_port){h, submit, cancel};
}

/* ---- making and unmaking ---- */

/* What never changes between the calls of a slot. */
static bool set_up(struct http_client *h, struct slot *s, const struct http_destination *d)
{
    CURL *e = s->easy = curl_easy_init();
    bool ok = e != NULL;

    buf_init(&s->head, REQUEST_HEAD_MAX);
    buf_init(&s->reply, HTTP_REPLY_BODY_MAX);
    if (!ok)
        return false;
    ok &= curl_easy_setopt(e, CURLOPT_URL, d->url) == CURLE_OK;
    ok &= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_PRIVATE, s);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, s);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, h);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, s);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, s->error);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)d->timeout_ms);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)d->connect_timeout_ms);
    curl_easy_setopt(e, CURLOPT_MAXLIFETIME_CONN, (long)HTTP_CLIENT_LIFETIME_S);
    ok &= curl_easy_setopt(e, CURLOPT_USERAGENT, "cmibridge/" CMIBRIDGE_VERSION) == CURLE_OK;
    if (d->auth == HTTP_AUTH_BASIC) {
        curl_easy_setopt(e, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        ok &= curl_easy_setopt(e, CURLOPT_USERNAME, d->user) == CURLE_OK;
        ok &= curl_easy_setopt(e, CURLOPT_PASSWORD, d->secret) == CURLE_OK;
    }
    if (d->auth == HTTP_AUTH_CERTIFICATE) {
        ok &= curl_easy_setopt(e, CURLOPT_SSLCERT, d->certificate) == CURLE_OK;
        ok &= curl_easy_setopt(e, CURLOPT_SSLKEY, d->key) == CURLE_OK;
    }
    if (d->ca != NULL)
        ok &= curl_easy_setopt(e, CURLOPT_CAINFO, d->ca) == CURLE_OK;
    if (fault_point_armed(FAULT_POINT_REQUEST_SENT)) {
        curl_easy_setopt(e, CURLOPT_DEBUGFUNCTION, on_debug);
        curl_easy_setopt(e, CURLOPT_VERBOSE, 1L);
    }
    return ok;
}

static char *path_of_url(const char *url)
{
    const char *host = strstr(url, "://");
    const char *path = host != NULL ? strchr(host + 3, '/') : NULL;
    struct view v = view_of(path);

    while (v.n > 0 && v.p[v.n - 1] == '/')
        v.n--;
    return mem_text(v.p, v.n);
}

static bool make_auth_line(struct destination *to, const struct http_destination *d,
                           struct fault *f)
{
    struct buf line;

    if (d->auth != HTTP_AUTH_BEARER && d->auth != HTTP_AUTH_API_KEY)
        return true;
    if (has_control(view_of(d->secret)))
        return fault_set(f, FAULT_REJECT, "the secret of %s holds a control character", d->url);
    buf_init(&line, REQUEST_HEAD_MAX / 2);
    if (d->auth == HTTP_AUTH_BEARER)
        buf_printf(&line, "Authorization: Bearer %s", d->secret);
    else
        buf_printf(&line, "%s: %s", d->key_header, d->secret);
    if (line.full) {
        buf_done(&line);
        return fault_set(f, FAULT_REJECT, "the secret of %s is too long", d->url);
    }
    to->auth_line = mem_text(line.p, line.n);
    buf_done(&line);
    return true;
}

static bool make_destination(struct http_client *h, struct destination *to,
                             const struct http_destination *d, struct fault *f)
{
    to->client = h;
    to->target = path_of_url(d->url);
    to->slot_count = d->slots;
    to->slots = mem_zeroed((size_t)d->slots, sizeof *to->slots);
    if (!make_auth_line(to, d, f))
        return false;
    for (int i = 0; i < d->slots; i++) {
        struct slot *s = &to->slots[i];

        s->to = to;
        if (!set_up(h, s, d))
            return fault_set(f, FAULT_REJECT, "libcurl can't use the settings for %s", d->url);
        s->next = to->unused;
        to->unused = s;
    }
    return true;
}

static void free_destination(struct destination *to)
{
    for (int i = 0; i < to->slot_count; i++) {
        curl_easy_cleanup(to->slots[i].easy);
        buf_done(&to->slots[i].head);
        buf_done(&to->slots[i].reply);
    }
    mem_free(to->slots);
    mem_free(to->target);
    mem_free(to->auth_line);
}

static void on_timer_closed(uv_handle_t *handle)
{
    closed_one(handle->data);
}

void http_client_close(struct http_client *h, void (*closed)(void *owner), void *owner)
{
    h->closed = closed;
    h->closed_owner = owner;
    for (size_t i = 0; i < h->count; i++)
        for (int k = 0; k < h->to[i].slot_count; k++)
            if (h->to[i].slots[k].busy && !h->to[i].slots[k].cancelled)
                cancel_slot(h, &h->to[i].slots[k]);
    on_cancelled(&h->cancel_timer);
    curl_multi_cleanup(h->multi);
    h->multi = NULL;
    for (size_t i = 0; i < h->count; i++)
        free_destination(&h->to[i]);
    uv_close((uv_handle_t *)&h->timer, on_timer_closed);
    uv_close((uv_handle_t *)&h->cancel_timer, on_timer_closed);
}

struct http_client *http_client_new(struct uv_loop_s *loop, const struct http_destination *to,
                                    size_t count, http_on_reply *on_reply, void *owner,
                                    struct fault *f)
{
    struct http_client *h = mem_zeroed(1, sizeof *h);
    long slots = 0;
    bool ok = true;

    curl_global_init(CURL_GLOBAL_DEFAULT);
    h->loop = loop;
    h->on_reply = on_reply;
    h->owner = owner;
    h->multi = curl_multi_init();
    h->to = mem_zeroed(count, sizeof *h->to);
    uv_timer_init(loop, &h->timer);
    uv_timer_init(loop, &h->cancel_timer);
    h->timer.data = h->cancel_timer.data = h;
    h->handles = 2;
    for (; ok && h->count < count; h->count++) {
        ok = make_destination(h, &h->to[h->count], &to[h->count], f);
        slots += to[h->count].slots;
    }
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, slots);
    if (ok)
        return h;
    http_client_close(h, NULL, NULL);
    return NULL;
}
