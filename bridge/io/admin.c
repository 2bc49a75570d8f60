#include "bridge/io/admin.h"

#include "bridge/core/mem.h"
#include "bridge/io/http_server.h"

struct admin {
    struct http_server *http;
    struct stats *stats;
    struct admin_owner owner;
};

static void answer(struct http_visit *v, int status, const char *type, struct view body)
{
    struct http_field header = {VIEW("Content-Type"), view_of(type)};

    http_visit_answer(v, status, &header, 1, body);
}

static void answer_metrics(struct admin *a, struct http_visit *v)
{
    struct buf text;

    if (a->owner.refresh != NULL)
        a->owner.refresh(a->owner.ctx);
    buf_init(&text, ADMIN_ANSWER_MAX);
    stats_render(a->stats, &text);
    if (text.full)
        answer(v, 500, "text/plain", VIEW("there are more metrics than fit an answer\n"));
    else
        answer(v, 200, "text/plain; version=0.0.4", buf_view(&text));
    buf_done(&text);
}

static void answer_ready(struct admin *a, struct http_visit *v)
{
    struct buf why;

    buf_init(&why, 4096);
    if (a->owner.ready(a->owner.ctx, &why)) {
        answer(v, 200, "text/plain", VIEW("ready\n"));
    } else {
        if (why.n == 0 || why.p[why.n - 1] != '\n')
            buf_put_char(&why, '\n');
        answer(v, 503, "text/plain", buf_view(&why));
    }
    buf_done(&why);
}

static size_t admit(void *ctx, struct http_visit *v, const struct http_request *r)
{
    struct http_field headers[2] = {{VIEW("Content-Type"), VIEW("text/plain")},
                                    {VIEW("Allow"), VIEW("GET, HEAD")}};

    (void)ctx;
    if (!view_is(r->method, "GET") && !view_is(r->method, "HEAD"))
        http_visit_answer(v, 405, headers, 2, VIEW("only GET is served here\n"));
    return 0;
}

static void serve(void *ctx, struct http_visit *v, const struct http_request *r)
{
    struct admin *a = ctx;

    if (view_is(r->path, "/metrics"))
        answer_metrics(a, v);
    else if (view_is(r->path, "/healthz"))
        answer(v, 200, "text/plain", VIEW("ok\n"));
    else if (view_is(r->path, "/readyz"))
        answer_ready(a, v);
    else
        answer(v, 404, "text/plain", VIEW("there are /metrics, /healthz and /readyz\n"));
}

struct admin *admin_new(struct uv_loop_s *loop, const char *address, struct stats *stats,
                        struct admin_owner owner, struct fault *f)
{
    struct admin *a = mem_zeroed(1, sizeof *a);
    struct http_server_conf conf = {.address = address,
                                    .connections_max = ADMIN_CONNECTIONS_MAX,
                                    .head_max_bytes = ADMIN_HEAD_MAX,
                                    .request_time_ms = ADMIN_TIME_MS};
    struct http_server_owner http_owner = {.ctx = a, .admit = admit, .serve = serve};

    a->stats = stats;
    a->owner = owner;
    a->http = http_server_new(loop, &conf, http_owner, f);
    if (a->http != NULL)
        return a;
    mem_free(a);
    return NULL;
}

unsigned admin_port(const struct admin *a)
{
    return http_server_port(a->http);
}

void admin_free(struct admin *a)
{
    if (a == NULL)
        return;
    http_server_free(a->http);
    mem_free(a);
}
