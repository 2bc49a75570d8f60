#include "server/front.h"

#include "bridge/core/hex.h"
#include "bridge/core/mem.h"
#include "bridge/core/receipt.h"
#include "bridge/core/traceparent.h"
#include "server/checks.h"
#include "server/cors.h"
#include "server/keys.h"
#include "server/rights.h"
#include "server/sign_on.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <uv.h>

#define ALLOW_BYTES_MAX 64
#define LABELS_MAX      256

struct front {
    struct server *server;
    struct sign_on *sign_on;
    struct routes routes;
    struct route_entry nowhere; /* what no path of ours counts under */
    struct keys keys;
    struct cors *cors;
    size_t under_way;
    uint64_t came; /* requests, ever */
    uint64_t mark; /* so many had come at front_mark */
    size_t marked; /* of these, under way */
};

/* ---- what is under way ---- */

static void come(struct front *f, struct pending *p)
{
    f->under_way++;
    p->number = f->came++;
}

static void go(struct front *f, const struct pending *p)
{
    f->under_way--;
    f->marked -= p->number < f->mark;
}

/* ---- counting and logging ---- */

static struct stat *count_of(struct front *f, struct route_entry *e, struct view method, int status)
{
    size_t i = 0;
    struct buf labels;

    while (i < ROUTES_STATUSES_MAX && e->counts[i].count != NULL && e->counts[i].status != status)
        i++;
    if (i == ROUTES_STATUSES_MAX)
        return e->counts[i - 1].count; /* there are fewer statuses than that */
    if (e->counts[i].count == NULL) {
        buf_init(&labels, LABELS_MAX);
        stats_label(&labels, "route", view_of(e->route->path));
        stats_label(&labels, "method", method);
        buf_printf(&labels, ",status=\"%d\"", status);
        e->counts[i].status = status;
        e->counts[i].count =
            stats_get(f->server->stats, STAT_COUNTER, "cmibridge_http_requests_total",
                      buf_text(&labels), "Requests answered, by route, method and status.");
        buf_done(&labels);
    }
    return e->counts[i].count;
}

static struct stat *seconds_of(struct front *f, struct route_entry *e, struct view method)
{
    struct buf labels;

    if (e->seconds == NULL) {
        buf_init(&labels, LABELS_MAX);
        stats_label(&labels, "route", view_of(e->route->path));
        stats_label(&labels, "method", method);
        e->seconds = stats_get(f->server->stats, STAT_HISTOGRAM, "cmibridge_http_request_seconds",
                               buf_text(&labels), "From the whole request to its answer.");
        buf_done(&labels);
    }
    return e->seconds;
}

/* Nothing of a person: the route instead of the path, an id only where it is a GUID (D11). */
static void log_answer(const struct pending *p, const struct route_entry *e, int status,
                       int64_t took_ms)
{
    const struct notice *log = p->front->server->log;
    enum notice_level level = status >= 500 ? NOTICE_WARN : NOTICE_INFO;
    struct notice_field fields[8] = {
        NOTICE_TEXT("method", p->x.method), NOTICE_TEXT("route", e->route->path),
        NOTICE_INT("status", status),       NOTICE_INT("bytes", (int64_t)p->x.body.n),
        NOTICE_INT("ms", took_ms),
    };
    size_t n = 5;
    char id[GUID_TEXT_MAX] = "";
    struct guid g;

    if (level < log->least)
        return;
    if (guid_parse(p->x.id, &g))
        guid_hex(&g, id);
    else if (status == 201)
        guid_hex(&p->x.new_id, id);
    if (id[0] != '\0')
        fields[n++] = NOTICE_TEXT("id", id);
    if (p->x.user != NULL && p->x.user->rights != NULL) /* not the anonymous one */
        fields[n++] = NOTICE_TEXT("user", p->x.user->login);
    if (p->trace[0] != '\0')
        fields[n++] = NOTICE_TEXT("trace", p->trace);
    log->say(log->ctx, level, "request", fields, n);
}

void pending_done(struct pending *p, int status)
{
    struct front *f = p->front;
    struct route_entry *e = p->route != NULL ? p->route : &f->nowhere;
    struct view method = view_of(e->route->method);
    int64_t took_ms = (int64_t)(uv_hrtime() / 1000000) - p->begun_ms;

    stat_add(count_of(f, e, method, status), 1);
    stat_observe_ms(seconds_of(f, e, method), took_ms);
    if (p->route != NULL && (status >= 500 || strcmp(p->x.method, "GET") != 0))
        log_answer(p, e, status, took_ms);
    if (p->x.key_hash[0] != '\0')
        keys_let_go(&f->keys, p);
    go(f, p);
    users_let_go(p->users);
    mem_free(p->text);
    mem_free(p->params);
    buf_done(&p->values);
    mem_free(p);
}

static void on_refused(void *ctx, int status)
{
    struct front *f = ctx;

    stat_add(count_of(f, &f->nowhere, VIEW("-"), status), 1);
}

static size_t refusal(void *ctx, const struct http_field *headers, size_t header_count,
                      struct http_field *out)
{
    const struct front *f = ctx;

    return cors_fields(f->cors, headers, header_count, out);
}

/* ---- a request ---- */

static void refuse_method(struct pending *p)
{
    struct buf allow;

    buf_init(&allow, ALLOW_BYTES_MAX);
    routes_allow(&p->front->routes, p->request->path, &allow);
    exchange_header(&p->x, "Allow", buf_view(&allow));
    cors_answer(p->front->cors, p, buf_view(&allow));
    if (view_is(p->request->method, "OPTIONS"))
        exchange_answer(&p->x, 204, NULL, VIEW_NONE);
    else
        exchange_error(&p->x, 405, "this takes %s only", buf_text(&allow));
    buf_done(&allow);
}

/* Receipts come from servers, and are judged by what they bring. */
static bool may_be_meant(struct pending *p)
{
    if ((p->route->route->need & ROUTE_OPEN) != 0 || checks_is_read(p->route->route) ||
        cors_may_write(p->front->cors, p->x.headers, p->x.header_count))
        return true;
    exchange_error(&p->x, 403,
                   "a page of another origin may not %s this unless server.cors.origins names it",
                   p->x.method);
    return false;
}

/* A page may read what is said of a path that is none, too: its preflight must come through. */
static void refuse_path(struct pending *p)
{
    struct view any = VIEW("GET, HEAD, POST, PUT, DELETE, OPTIONS");

    cors_answer(p->front->cors, p, any);
    if (cors_is_preflight(p->front->cors, p->request))
        exchange_answer(&p->x, 204, NULL, VIEW_NONE);
    else
        exchange_error(&p->x, 404, "HTTP 404 Not Found");
}

static void read_trace(struct pending *p)
{
    size_t count = 0;
    struct view text =
        http_field_find(p->request->headers, p->request->header_count, "traceparent", &count);
    struct traceparent trace;

    if (count != 1 || !traceparent_parse(text, &trace))
        return;
    hex_write(trace.trace_id, sizeof trace.trace_id, p->trace);
}

static int64_t wall_now_ms(void)
{
    struct timespec now = {0, 0};

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool signed_on(struct pending *p, const struct sign_on_result *r)
{
    char seconds[24];

    p->x.user = r->user;
    p->users = r->users;
    switch (r->outcome) {
    case SIGN_ON_KNOWN:
        return true;
    case SIGN_ON_NOBODY:
        exchange_header(&p->x, "WWW-Authenticate",
                        VIEW("Basic realm=\"cmibridge\", charset=\"UTF-8\", Bearer"));
        exchange_error(&p->x, 401, "sign on");
        break;
    case SIGN_ON_SLOWED:
        snprintf(seconds, sizeof seconds, "%lld", (long long)r->retry_s);
        exchange_header(&p->x, "Retry-After", view_of(seconds));
        exchange_error(&p->x, 429, "too many tries to sign on; wait %s s", seconds);
        break;
    case SIGN_ON_BUSY:
        exchange_error(&p->x, 503, "too many sign on at once; try again");
        break;
    case SIGN_ON_WAITS:
        break;
    }
    return false;
}

/* The user is known. */
static void go_on(struct pending *p)
{
    struct front *f = p->front;
    bool reads = checks_is_read(p->route->route);
    char *text = p->text;

    if (!rights_may(p->x.user->rights, p->route->resource, p->route->method)) {
        exchange_error(&p->x, 403, "this user has no right to %s of this", p->x.method);
        return;
    }
    if (p->encoded_id.n > 0 && !checks_id(p, p->encoded_id, &text))
        return;
    if ((reads && !checks_accept(p)) || !checks_params(p, &text))
        return;
    if (!reads && (!checks_body(p) || !keys_take(&f->keys, p)))
        return;
    p->route->route->serve(&p->x);
}

static void on_signed_on(void *ctx, const struct sign_on_result *r)
{
    if (signed_on(ctx, r))
        go_on(ctx);
}

static void serve(void *ctx, struct http_visit *v, const struct http_request *r)
{
    struct front *f = ctx;
    struct pending *p = mem_zeroed(1, sizeof *p);
    enum routes_found found =
        routes_find(&f->routes, r->method, r->path, &p->route, &p->encoded_id);
    struct sign_on_result result;

    come(f, p);
    p->front = f;
    p->visit = v;
    p->request = r;
    p->begun_ms = (int64_t)(uv_hrtime() / 1000000);
    p->text = mem_zeroed(r->path.n + r->query.n + 1, 1);
    p->x.server = f->server;
    p->x.body = r->body;
    p->x.query = r->query;
    p->x.headers = r->headers;
    p->x.header_count = r->header_count;
    p->x.wall_ms = wall_now_ms();
    if (found != ROUTES_FOUND) {
        p->route = NULL;
        p->x.method = "";
        if (found == ROUTES_NO_METHOD || view_is(r->path, "*"))
            refuse_method(p);
        else
            refuse_path(p);
        return;
    }
    p->x.method = p->route->route->method;
    p->x.is_head = view_is(r->method, "HEAD");
    cors_answer(f->cors, p, VIEW_NONE);
    p->headers_kept = p->header_count;
    read_trace(p);
    if (!may_be_meant(p))
        return;
    if ((p->route->route->need & ROUTE_OPEN) != 0) {
        char *text = p->text;

        if (p->encoded_id.n == 0 || checks_id(p, p->encoded_id, &text))
            p->route->route->serve(&p->x);
        return;
    }
    if (!checks_count(p))
        return;
    result = sign_on_look(f->sign_on, r, on_signed_on, p);
    if (result.outcome != SIGN_ON_WAITS)
        on_signed_on(p, &result);
}

static size_t admit(void *ctx, struct http_visit *v, const struct http_request *r)
{
    struct front *f = ctx;
    struct route_entry *e = NULL;
    struct view id = VIEW_NONE;

    if (routes_find(&f->routes, r->method, r->path, &e, &id) != ROUTES_FOUND)
        return FRONT_IGNORED_BODY_MAX;
    if ((e->route->need & ROUTE_OPEN) != 0) {
        http_visit_may_fill(v);
        return RECEIPT_BODY_MAX;
    }
    if (!sign_on_may_be_known(f->sign_on, r))
        return FRONT_IGNORED_BODY_MAX;
    if ((e->route->need & ROUTE_BODY_TEXT) != 0)
        return (size_t)f->server->remarks_max_bytes;
    if ((e->route->need & (ROUTE_BODY_FIELDS | ROUTE_BODY_BATCH)) != 0)
        return (size_t)f->server->body_max_bytes;
    return FRONT_IGNORED_BODY_MAX;
}

/* ---- birth and death ---- */

struct front *front_new(struct server *server, struct sign_on *sign_on)
{
    static const struct route nowhere = {"-", "-", 0, NULL, NULL};
    struct front *f = mem_zeroed(1, sizeof *f);

    f->server = server;
    f->sign_on = sign_on;
    f->nowhere.route = &nowhere;
    f->cors = cors_new();
    return f;
}

void front_free(struct front *f)
{
    if (f == NULL)
        return;
    assert(f->under_way == 0);
    cors_free(f->cors);
    mem_free(f);
}

void front_add(struct front *f, const char *base, const struct route *rows)
{
    routes_add(&f->routes, base, rows);
}

void front_allow_origin(struct front *f, const char *origin)
{
    cors_allow(f->cors, origin);
}

void front_allow_header(struct front *f, const char *name)
{
    cors_allow_header(f->cors, name);
}

void front_https(struct front *f)
{
    cors_https(f->cors);
}

void front_secret(struct front *f, const uint8_t secret[FRONT_SECRET_BYTES])
{
    memcpy(f->keys.secret, secret, sizeof f->keys.secret);
    f->keys.known = true;
}

size_t front_under_way(const struct front *f)
{
    return f->under_way;
}

void front_mark(struct front *f)
{
    f->mark = f->came;
    f->marked = f->under_way;
}

bool front_marked(const struct front *f)
{
    return f->marked > 0;
}

struct http_server_owner front_owner(struct front *f)
{
    return (struct http_server_owner){f, admit, serve, on_refused, refusal};
}
