#include "bridge/io/http_transfer.h"

#include "bridge/ports/fault_point.h"

#include <stdio.h>
#include <string.h>

void http_received_init(struct http_received *r, size_t body_max)
{
    http_head_init(&r->head);
    buf_init(&r->body, body_max);
}

void http_received_fit(struct http_received *r, size_t body_max)
{
    if (r->body.cap > body_max + 1)
        buf_done(&r->body);
    r->body.max = body_max;
}

void http_received_done(struct http_received *r)
{
    http_head_done(&r->head);
    buf_done(&r->body);
}

/* ---- what libcurl calls ---- */

static void has_left(struct http_transfer *t)
{
    if (t->sent)
        return;
    t->sent = true;
    FAULT_POINT(REQUEST_SENT);
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
    struct http_transfer *t = ctx;

    has_left(t); /* the reply can be there before libcurl waits for it */
    t->refused = http_head_line(&t->received.head, (struct view){p, size * n});
    return t->refused == NULL ? size * n : 0;
}

/* The status is known by then: what is too much of the body is not waited for. */
static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
    struct http_received *r = &((struct http_transfer *)ctx)->received;
    size_t room = r->body.max - r->body.n;
    size_t kept = size * n < room ? size * n : room;

    buf_put(&r->body, (struct view){p, kept});
    r->cut = kept < size * n;
    return kept;
}

static bool nothing_left(const struct http_transfer *t)
{
    long bytes = 1;

    return curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &bytes) == CURLE_OK && bytes == 0;
}

/* Before each sending of a request. The second would be libcurl's own repetition; it is the first
 * only if nothing of the first has left. */
static int on_request(void *ctx, char *remote, char *local, int remote_port, int local_port)
{
    struct http_transfer *t = ctx;

    (void)remote, (void)local, (void)remote_port, (void)local_port;
    if (t->begun && !nothing_left(t)) {
        t->refused = "the connection was closed before a reply came";
        return CURL_PREREQFUNC_ABORT;
    }
    t->begun = true;
    return CURL_PREREQFUNC_OK;
}

/* Only where a test wants the process killed half way: gives the body in two pieces. */
static size_t read_body(char *to, size_t size, size_t n, void *ctx)
{
    struct http_transfer *t = ctx;
    size_t piece = t->half_read ? t->unread.n : (t->unread.n + 1) / 2;

    if (t->half_read)
        FAULT_POINT(REQUEST_HALF_SENT);
    t->half_read = true;
    if (piece > size * n)
        piece = size * n;
    if (piece > 0)
        memcpy(to, t->unread.p, piece);
    t->unread = view_skip(t->unread, piece);
    return piece;
}

struct http_transfer *http_transfer_of(CURL *easy)
{
    char *t = NULL;

    http_multi_must(curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t), "transfer");
    return (struct http_transfer *)(void *)t;
}

void http_transfer_listening(CURL *easy)
{
    struct http_transfer *t = http_transfer_of(easy);

    if (t->begun)
        has_left(t);
}

/* ---- the handle ---- */

/* Parsed once, or libcurl parses it for each request. What it can't parse it shall refuse itself,
 * in its own words. */
static void set_url(struct http_transfer *t)
{
    const char *url = t->target->conf.url;

    t->url = curl_url();
    http_multi_must(t->url != NULL ? CURLE_OK : CURLE_OUT_OF_MEMORY, "a URL");
    if (curl_url_set(t->url, CURLUPART_URL, url, 0) == CURLUE_OK)
        HTTP_SET(t->easy, CURLOPT_CURLU, t->url);
    else
        HTTP_SET(t->easy, CURLOPT_URL, url);
}

/* What never changes between the calls of a transfer. */
static void set_up(struct http_transfer *t, struct http_multi *m)
{
    const struct http_destination *conf = &t->target->conf;
    CURL *e = t->easy = curl_easy_init();

    http_multi_must(e != NULL ? CURLE_OK : CURLE_OUT_OF_MEMORY, "a handle");
    http_multi_prepare(m, e);
    HTTP_SET(e, CURLOPT_PRIVATE, t);
    HTTP_SET(e, CURLOPT_ERRORBUFFER, t->error);
    set_url(t);
    HTTP_SET(e, CURLOPT_PROTOCOLS_STR, "http,https");
    HTTP_SET(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    HTTP_SET(e, CURLOPT_PROXY, "");
    HTTP_SET(e, CURLOPT_NOPROXY, "*"); /* or it asks the environment at each request */
    HTTP_SET(e, CURLOPT_NOSIGNAL, 1L);
    HTTP_SET(e, CURLOPT_TCP_NODELAY, 1L);
    HTTP_SET(e, CURLOPT_TCP_KEEPALIVE, 1L);
    HTTP_SET(e, CURLOPT_MAXAGE_CONN, (long)HTTP_CLIENT_IDLE_S);
    HTTP_SET(e, CURLOPT_MAXLIFETIME_CONN, (long)HTTP_CLIENT_LIFETIME_S);
    HTTP_SET(e, CURLOPT_HTTPHEADER, t->request.lines);
    HTTP_SET(e, CURLOPT_READFUNCTION, read_body);
    HTTP_SET(e, CURLOPT_READDATA, t);
    HTTP_SET(e, CURLOPT_HEADERFUNCTION, on_header);
    HTTP_SET(e, CURLOPT_HEADERDATA, t);
    HTTP_SET(e, CURLOPT_WRITEFUNCTION, on_body);
    HTTP_SET(e, CURLOPT_WRITEDATA, t);
    HTTP_SET(e, CURLOPT_PREREQFUNCTION, on_request);
    HTTP_SET(e, CURLOPT_PREREQDATA, t);
    HTTP_SET(e, CURLOPT_TIMEOUT_MS, (long)conf->timeout_ms);
    HTTP_SET(e, CURLOPT_CONNECTTIMEOUT_MS, (long)conf->connect_timeout_ms);
    if (conf->low_speed_ms > 0) {
        HTTP_SET(e, CURLOPT_LOW_SPEED_LIMIT, (long)conf->low_speed_bytes);
        HTTP_SET(e, CURLOPT_LOW_SPEED_TIME, (long)((conf->low_speed_ms + 999) / 1000));
    }
    HTTP_SET(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (conf->ca != NULL) {
        HTTP_SET(e, CURLOPT_CAINFO, conf->ca);
        HTTP_SET(e, CURLOPT_CAPATH, NULL); /* the system's would be trusted beside them */
        /* Or it keeps for a day what it has read of the file; one that never does may say so. */
        (void)curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    }
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

static void set_method(struct http_transfer *t)
{
    if (t->set_method != NULL && strcmp(t->set_method, t->method) == 0 &&
        t->set_has_body == t->has_body)
        return;
    t->set_method = t->method;
    t->set_has_body = t->has_body;
    if (t->has_body)
        HTTP_SET(t->easy, CURLOPT_POST, 1L);
    else
        HTTP_SET(t->easy, CURLOPT_HTTPGET, 1L);
    HTTP_SET(t->easy, CURLOPT_CUSTOMREQUEST, t->method);
}

/* As one piece the body leaves in one packet with the headers. */
static void set_body(struct http_transfer *t)
{
    t->unread = t->body;
    t->half_read = false;
    HTTP_SET(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.n);
    if (fault_point_armed(FAULT_POINT_REQUEST_HALF_SENT))
        HTTP_SET(t->easy, CURLOPT_POSTFIELDS, NULL);
    else
        HTTP_SET(t->easy, CURLOPT_POSTFIELDS, t->body.n > 0 ? t->body.p : "");
}

/* ---- its life ---- */

void http_transfer_init(struct http_transfer *t, const struct http_target *target)
{
    *t = (struct http_transfer){.target = target};
    http_request_init(&t->request);
    http_received_init(&t->received, target->conf.reply_max);
}

void http_transfer_done(struct http_transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_url_cleanup(t->url);
    http_request_done(&t->request);
    http_received_done(&t->received);
}

bool http_transfer_set(struct http_transfer *t, const struct http_call *call, struct fault *f)
{
    if (!http_request_set(&t->request, t->target->base, t->target->own_line, call, f))
        return false;
    t->method = call->method;
    t->body = call->body;
    t->has_body =
        call->body.n > 0 || strcmp(call->method, "POST") == 0 || strcmp(call->method, "PUT") == 0;
    http_head_clear(&t->received.head);
    buf_clear(&t->received.body);
    t->received.cut = false;
    t->cancel = t->begun = t->sent = false;
    t->refused = t->why = NULL;
    t->error[0] = '\0';
    return true;
}

void http_transfer_begin(struct http_transfer *t, struct http_multi *m)
{
    if (t->easy == NULL)
        set_up(t, m);
    HTTP_SET(t->easy, CURLOPT_REQUEST_TARGET, t->request.target);
    set_method(t);
    if (t->has_body)
        set_body(t);
    http_multi_add(m, t->easy);
}

void http_transfer_end(struct http_transfer *t, CURLcode result, const char *no_socket)
{
    if ((result == CURLE_OK || t->received.cut) && t->received.head.whole) {
        t->fate = HTTP_ANSWERED;
        return;
    }
    t->fate = t->begun && !nothing_left(t) ? HTTP_UNKNOWN : HTTP_NOT_SENT;
    if (result == CURLE_COULDNT_CONNECT && no_socket != NULL)
        (void)snprintf(t->error, sizeof t->error, "no socket to connect with: %s", no_socket);
    t->why = t->refused != NULL    ? t->refused
             : t->error[0] != '\0' ? t->error
             : result != CURLE_OK  ? curl_easy_strerror(result)
                                   : "the reply has no status";
}
