#include "bridge/core/mem.h"
#include "bridge/io/http_last_word.h"
#include "bridge/io/http_server_in.h"
#include "bridge/io/tls.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* A header field that was not sent: see hide_parts. */
static const char no_cookies_name[] = "Cookie";
static const char no_cookies[] = "-";

/* libmicrohttpd makes a record of each of the query's parameters and of each cookie in its memory
 * of the connection; where they are too many for that it answers nothing at all. Nobody reads them
 * there. So it is shown an end of the text where the query begins (`target` is its copy, which it
 * changes itself next), and, before those that come, a Cookie field that has nothing to take apart,
 * since it looks at the first one only. */
static void hide_parts(char *target, struct MHD_Connection *mhd)
{
    char *query = strchr(target, '?');

    if (query != NULL && query[1] != '\0')
        query[1] = '\0';
    (void)MHD_set_connection_value_n(mhd, MHD_HEADER_KIND, no_cookies_name,
                                     sizeof no_cookies_name - 1, no_cookies, sizeof no_cookies - 1);
}

struct http_visit *http_visit_new(struct http_connection *c, char *target)
{
    struct http_visit *v = mem_zeroed(1, sizeof *v);

    v->connection = c;
    v->target = mem_text(target, strlen(target));
    hide_parts(target, c->mhd);
    c->visit = v;
    return v;
}

void http_visit_free(struct http_visit *v)
{
    struct http_server *s = NULL;

    if (v == NULL)
        return;
    s = v->connection->server;
    s->bodies_bytes -= v->body.n;
    s->answers_bytes -= v->answer_bytes;
    buf_done(&v->body);
    mem_free(v->target);
    mem_free(v->headers);
    if (v->answer != NULL)
        MHD_destroy_response(v->answer);
    v->connection->visit = NULL;
    mem_free(v);
}

static void visit_drop_body(struct http_visit *v)
{
    v->connection->server->bodies_bytes -= v->body.n;
    buf_done(&v->body);
}

static void count_answer(struct http_visit *v, size_t bytes)
{
    struct http_server *s = v->connection->server;

    s->answers_bytes = s->answers_bytes - v->answer_bytes + bytes;
    v->answer_bytes = bytes;
}

bool http_visit_holds(struct http_visit *v, size_t bytes)
{
    const struct http_server *s = v->connection->server;
    size_t others = s->answers_bytes - v->answer_bytes;

    if (bytes > HTTP_SERVER_ANSWER_SMALL && others > HTTP_SERVER_ANSWER_SMALL &&
        s->conf.answers_max_bytes > 0 && others + bytes > s->conf.answers_max_bytes)
        return false;
    count_answer(v, bytes);
    return true;
}

void http_visit_answer(struct http_visit *v, int status, const struct http_field *headers,
                       size_t header_count, struct view body)
{
    struct http_server *s = v->connection->server;

    assert(v->answer == NULL && header_count <= HTTP_SERVER_ANSWER_HEADERS_MAX);
    count_answer(v, body.n);
    v->answer_body = (struct view){mem_copy(body.p, body.n), body.n};
    v->answer = MHD_create_response_from_buffer(body.n, (void *)(uintptr_t)v->answer_body.p,
                                                MHD_RESPMEM_MUST_FREE);
    assert(v->answer != NULL);
    for (size_t i = 0; i < header_count; i++) {
        char *name = mem_text(headers[i].name.p, headers[i].name.n);
        char *value = mem_text(headers[i].value.p, headers[i].value.n);
        enum MHD_Result ok = MHD_add_response_header(v->answer, name, value);

        assert(ok == MHD_YES); /* else it holds a line break: the owner's defect */
        (void)ok;
        mem_free(name);
        mem_free(value);
    }
    if (s->draining)
        (void)MHD_add_response_header(v->answer, "Connection", "close");
    v->status = status;
    v->phase = VISIT_ANSWERED;
    if (v->suspended) {
        v->suspended = false;
        MHD_resume_connection(v->connection->mhd);
        /* All that is answered in one turn of the loop goes out in one run. */
        http_server_run_soon(s);
    }
}

static void refused(struct http_server *s, int status)
{
    if (s->owner.refused != NULL)
        s->owner.refused(s->owner.ctx, status);
}

static void visit_refuse(struct http_visit *v, int status, const char *why)
{
    const struct http_server_owner *owner = &v->connection->server->owner;
    struct http_field headers[2 + HTTP_SERVER_REFUSAL_HEADERS_MAX] = {
        {VIEW("Content-Type"), VIEW("text/plain")}, {VIEW("Retry-After"), VIEW("1")}};
    size_t count = status == 503 ? 2 : 1;
    struct buf text;

    buf_init(&text, FAULT_TEXT_MAX + 2);
    buf_printf(&text, "%s\n", why);
    if (owner->refusal != NULL)
        count += owner->refusal(owner->ctx, v->headers, v->header_count, headers + count);
    http_visit_answer(v, status, headers, count, buf_view(&text));
    buf_done(&text);
    refused(v->connection->server, status);
}

static void refuse_long_body(struct http_visit *v)
{
    char why[80];

    (void)snprintf(why, sizeof why, "the body is too large; %zu bytes are allowed", v->body.max);
    visit_refuse(v, 413, why);
}

/* What is known of a request that is not read to its end, or that it took too long. */
static void visit_last_word(struct http_visit *v)
{
    struct view body = view_is(v->request.method, "HEAD") ? VIEW_NONE : v->answer_body;

    http_last_word(v->connection->mhd, v->status, v->answer, body);
}

/* libmicrohttpd sees the end of the stream and closes. */
void http_connection_cut(struct http_connection *c)
{
    struct http_visit *v = c->visit;

    if (c->cut)
        return;
    c->cut = true;
    if (v != NULL && v->answer == NULL)
        visit_refuse(v, 408, "the request did not arrive in time");
    if (v != NULL && !v->queued)
        visit_last_word(v);
    shutdown(c->fd, SHUT_RDWR);
}

static enum MHD_Result visit_queue(struct http_visit *v)
{
    struct http_server *s = v->connection->server;

    visit_drop_body(v);
    v->queued = true;
    http_connection_limit(v->connection,
                          s->conf.request_time_ms +
                              (int64_t)(v->answer_body.n * 1000 / HTTP_SERVER_SLOWEST_BYTES_S));
    return MHD_queue_response(v->connection->mhd, (unsigned)v->status, v->answer);
}

static enum MHD_Result add_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                  size_t name_n, const char *value, size_t value_n)
{
    struct http_visit *v = cls;

    (void)kind;
    if (value == no_cookies)
        return MHD_YES;
    if (v->header_count == v->headers_max)
        return MHD_NO;
    v->headers[v->header_count++] = (struct http_field){{name, name_n}, {value, value_n}};
    return MHD_YES;
}

/* What http_head's came_bytes asks for; libmicrohttpd 0.9 hands its texts out where they came. */
static size_t came_bytes(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    return info != NULL && MHD_VERSION < 0x01000000 ? info->header_size : 0;
}

/* Once a connection, when its handshake is over, and again when other files were read: who was
 * taken out must not stay for as long as he asks. */
static const char *certificate_of(struct http_connection *c)
{
    const union MHD_ConnectionInfo *info = NULL;
    char subject[TLS_SUBJECT_MAX];

    struct tls *tls = c->server->conf.tls;

    if (tls == NULL || (c->looked_at && c->looked_by == tls_generation(tls)))
        return c->certificate;
    c->looked_at = true;
    c->looked_by = tls_generation(tls);
    mem_free(c->certificate);
    c->certificate = NULL;
    info = MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info != NULL && tls_peer(tls, info->tls_session, subject))
        c->certificate = mem_text(subject, strlen(subject));
    return c->certificate;
}

/* A refusal before the body can be sent only now or after the body, so a short body is read over
 * and the connection lives on; anything else ends with the answer. */
static bool worth_reading_over(const struct http_visit *v)
{
    return !v->framing.expects_continue &&
           (!v->framing.has_length || v->framing.length <= HTTP_SERVER_READ_OVER_MAX);
}

static enum MHD_Result visit_begin(struct http_visit *v, const char *method, const char *version)
{
    struct http_server *s = v->connection->server;
    struct http_head head = {.method = view_of(method),
                             .target = view_of(v->target),
                             .version = view_of(version),
                             .max_bytes = s->conf.head_max_bytes,
                             .came_bytes = came_bytes(v->connection->mhd)};
    struct MHD_Connection *mhd = v->connection->mhd;
    struct fault f = {0};
    size_t body_max = 0;
    int headers = MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, NULL, NULL);
    int status = 0;

    v->phase = VISIT_READING;
    if (headers > HTTP_RULES_HEADERS_MAX + 1)
        headers = HTTP_RULES_HEADERS_MAX + 1; /* one too many is enough to know */
    head.headers = v->headers = mem_zeroed((size_t)headers + 1, sizeof *v->headers);
    v->headers_max = (size_t)headers;
    MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, add_header, v);
    head.header_count = v->header_count;
    status = http_rules_check(&head, &v->framing, &f);
    /* Not before: length and coding are taken only as libmicrohttpd reads them. */
    for (size_t i = 0; i < v->header_count; i++)
        v->headers[i].value = view_trim(v->headers[i].value);
    if (status != 0) {
        visit_refuse(v, status, f.text);
        return visit_queue(v);
    }
    v->request = (struct http_request){.method = head.method,
                                       .path = v->framing.path,
                                       .query = v->framing.query,
                                       .headers = v->headers,
                                       .header_count = v->header_count,
                                       .source = v->connection->source,
                                       .certificate = certificate_of(v->connection)};
    body_max = s->owner.admit(s->owner.ctx, v, &v->request);
    if (v->answer == NULL) {
        v->body.max = body_max;
        if (v->framing.has_length && (uint64_t)v->framing.length > body_max)
            refuse_long_body(v);
    }
    return v->answer != NULL && !worth_reading_over(v) ? visit_queue(v) : MHD_YES;
}

void http_visit_may_fill(struct http_visit *v)
{
    v->may_fill = true;
}

static enum MHD_Result visit_take(struct http_visit *v, const char *data, size_t *n)
{
    struct http_server *s = v->connection->server;
    size_t came = *n;
    size_t room = s->conf.bodies_max_bytes - (v->may_fill ? 0 : s->conf.bodies_kept_bytes);

    *n = 0;
    if (v->answer != NULL) {
        v->read_over_bytes += came;
        if (v->read_over_bytes > HTTP_SERVER_READ_OVER_MAX)
            http_connection_cut(v->connection);
        return v->connection->cut ? MHD_NO : MHD_YES;
    }
    if (s->bodies_bytes + came > room) {
        visit_drop_body(v);
        visit_refuse(v, 503, HTTP_SERVER_FULL);
    } else if (!buf_put(&v->body, (struct view){data, came})) {
        visit_drop_body(v);
        refuse_long_body(v);
    } else {
        s->bodies_bytes += came;
    }
    return MHD_YES;
}

static enum MHD_Result visit_serve(struct http_visit *v)
{
    struct http_server *s = v->connection->server;

    v->phase = VISIT_WHOLE;
    v->request.body = buf_view(&v->body);
    http_connection_limit_none(v->connection);
    s->owner.serve(s->owner.ctx, v, &v->request);
    if (v->answer != NULL)
        return visit_queue(v);
    v->suspended = true;
    MHD_suspend_connection(v->connection->mhd);
    return MHD_YES;
}

enum MHD_Result http_visit_go_on(struct http_visit *v, const char *method, const char *version,
                                 const char *data, size_t *data_n)
{
    if (v->connection->cut)
        return MHD_NO;
    if (v->phase == VISIT_HEAD)
        return visit_begin(v, method, version);
    if (*data_n > 0)
        return visit_take(v, data, data_n);
    if (v->answer != NULL)
        return visit_queue(v);
    return v->phase == VISIT_READING ? visit_serve(v) : MHD_YES;
}
