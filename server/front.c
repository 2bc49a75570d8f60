#include "server/front.h"

#include "bridge/core/accept.h"
#include "bridge/core/mem.h"
#include "bridge/core/percent.h"
#include "bridge/core/traceparent.h"
#include "bridge/io/crypto.h"
#include "server/pending.h"
#include "server/user.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <uv.h>

#define KEY_BUCKETS      256
#define ACCEPT_BYTES_MAX 4096
#define ALLOW_BYTES_MAX  64
#define LABELS_MAX       256

struct front {
    struct server *server;
    const struct users *users;
    struct routes routes;
    struct route_entry nowhere; /* what no path of ours counts under */
    bool has_secret;
    uint8_t secret[FRONT_SECRET_BYTES];
    struct pending *running[KEY_BUCKETS]; /* writes under way that have a key */
    size_t under_way;
};

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
    char id[GUID_TEXT_MAX] = "";
    struct guid g;

    if (guid_parse(p->x.id, &g))
        guid_hex(&g, id);
    else if (status == 201)
        guid_hex(&p->x.new_id, id);
    notice_say(log, level, "request", NOTICE_TEXT("method", p->x.method),
               NOTICE_TEXT("route", e->route->path), NOTICE_INT("status", status),
               NOTICE_TEXT("id", id), NOTICE_INT("bytes", (int64_t)p->x.body.n),
               NOTICE_INT("ms", took_ms), NOTICE_TEXT("trace", p->trace));
}

static unsigned bucket_of(const char *key_hash)
{
    return ((unsigned char)key_hash[0] * 31u + (unsigned char)key_hash[1] * 7u +
            (unsigned char)key_hash[2]) %
           KEY_BUCKETS;
}

static void stop_running(struct pending *p)
{
    struct pending **at = &p->front->running[bucket_of(p->x.key_hash)];

    while (*at != NULL && *at != p)
        at = &(*at)->next_running;
    if (*at != NULL)
        *at = p->next_running;
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
        stop_running(p);
    f->under_way--;
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

/* ---- checks; each answers and returns false, or returns true ---- */

static bool decode_id(struct pending *p, struct view encoded, char **text)
{
    struct fault f = {0};

    if (!percent_decode_segment(encoded, *text, &p->x.id, &f)) {
        exchange_error(&p->x, 400, "the path: %s", f.text);
        return false;
    }
    if (p->x.id.n > EXCHANGE_SEGMENT_MAX) {
        exchange_error(&p->x, 404, "HTTP 404 Not Found");
        return false;
    }
    *text += p->x.id.n;
    return true;
}

static bool decode_params(struct pending *p, char **text)
{
    struct view query = p->request->query;
    struct view name = VIEW_NONE;
    struct view value = VIEW_NONE;
    struct fault f = {0};

    if (query.n > 0)
        p->x.params = p->params = mem_zeroed(EXCHANGE_PARAMS_MAX, sizeof *p->params);
    while (percent_next_pair(&query, &name, &value)) {
        struct exchange_param *one = NULL;

        if (p->x.param_count == EXCHANGE_PARAMS_MAX) {
            exchange_error(&p->x, 400, "there are more than %d parameters", EXCHANGE_PARAMS_MAX);
            return false;
        }
        one = &p->params[p->x.param_count];
        if (!percent_decode_query(name, *text, &one->name, &f)) {
            exchange_error(&p->x, 400, "a parameter's name: %s", f.text);
            return false;
        }
        *text += one->name.n;
        if (!percent_decode_query(value, *text, &one->value, &f)) {
            exchange_error(&p->x, 400, "%.*s: %s", VIEW_ARG(one->name), f.text);
            return false;
        }
        *text += one->value.n;
        p->x.param_count++;
    }
    return true;
}

static bool knows_param(const struct route *r, struct view name)
{
    if (view_is(name, "limit") || view_is(name, "language"))
        return true;
    if ((r->need & ROUTE_LIST) != 0 && view_is(name, "after"))
        return true;
    for (size_t i = 0; r->params != NULL && r->params[i] != NULL; i++)
        if (view_is(name, r->params[i]))
            return true;
    return false;
}

static bool is_language(struct view v)
{
    for (size_t i = 0; i < v.n; i++)
        if ((v.p[i] | 0x20) < 'a' || (v.p[i] | 0x20) > 'z')
            return false;
    return v.n == 2;
}

/* Contract 10. */
static bool check_params(struct pending *p)
{
    for (size_t i = 0; i < p->x.param_count; i++) {
        struct view name = p->params[i].name;

        if (name.n > 0 && name.p[0] == '_')
            continue;
        if (!knows_param(p->route->route, name)) {
            exchange_error(&p->x, 400, "there is no parameter '%.*s' here", VIEW_ARG(name));
            return false;
        }
        for (size_t j = 0; j < i; j++)
            if (view_eq(p->params[j].name, name)) {
                exchange_error(&p->x, 400, "%.*s is given twice", VIEW_ARG(name));
                return false;
            }
        if (view_is(name, "language") && !is_language(p->params[i].value)) {
            exchange_error(&p->x, 400, "language is two letters (ISO 639)");
            return false;
        }
    }
    return true;
}

/* The one place that chooses an answer's representation. */
static bool check_accept(struct pending *p)
{
    struct buf all;
    enum accept choice = ACCEPT_NEITHER;

    if ((p->route->route->need & ROUTE_TEXT_ANSWER) != 0)
        return true;
    buf_init(&all, ACCEPT_BYTES_MAX);
    for (size_t i = 0; i < p->request->header_count; i++) {
        if (!view_eq_nocase(p->request->headers[i].name, VIEW("Accept")))
            continue;
        if (all.n > 0)
            buf_put_char(&all, ',');
        buf_put(&all, p->request->headers[i].value);
    }
    choice = all.full ? ACCEPT_JSON : accept_choose(buf_view(&all));
    buf_done(&all);
    if (choice == ACCEPT_JSON)
        return true;
    exchange_error(&p->x, 406, "only application/json is served here");
    return false;
}

static bool is_utf8_name(struct view charset)
{
    return charset.n == 0 || view_eq_nocase(charset, VIEW("utf-8")) ||
           view_eq_nocase(charset, VIEW("us-ascii"));
}

static bool check_content_type(struct pending *p)
{
    static const struct {
        unsigned need;
        const char *type;
        bool must;
    } types[] = {
        {ROUTE_BODY_JSON, "application/json", false},
        {ROUTE_BODY_TEXT, "text/plain", false},
        {ROUTE_BODY_BATCH, "application/cloudevents-batch+json", true},
    };
    unsigned need = p->route->route->need;
    struct view charset = VIEW_NONE;
    size_t count = 0;
    struct view coding =
        http_field_find(p->request->headers, p->request->header_count, "Content-Encoding", &count);
    struct view type = VIEW_NONE;

    if (count > 0 && !view_eq_nocase(coding, VIEW("identity"))) {
        exchange_error(&p->x, 415, "Content-Encoding is not taken");
        return false;
    }
    type = http_field_find(p->request->headers, p->request->header_count, "Content-Type", &count);
    p->x.content_type = accept_media_type(type, &charset);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if ((need & types[i].need) == 0)
            continue;
        if (count > 1 || !is_utf8_name(charset) ||
            (count == 0 ? types[i].must
                        : !view_eq_nocase(p->x.content_type, view_of(types[i].type)))) {
            exchange_error(&p->x, 415, "the body must be %s in UTF-8", types[i].type);
            return false;
        }
        if (p->x.body.n == 0 && types[i].need != ROUTE_BODY_TEXT) {
            exchange_error(&p->x, 400, "the body is missing");
            return false;
        }
    }
    return true;
}

static bool is_key(struct view key)
{
    for (size_t i = 0; i < key.n; i++)
        if (key.p[i] < ' ' || key.p[i] > '~')
            return false;
    return key.n > 0 && key.n <= EXCHANGE_KEY_MAX;
}

/* What a key is for, bound to the user who sent it. */
static void key_mac(const struct front *f, const struct exchange_user *user, const char *purpose,
                    struct view key, uint8_t mac[CRYPTO_SHA256_LEN])
{
    char hex[GUID_TEXT_MAX];
    struct buf text;

    guid_hex(&user->id, hex);
    buf_init(&text, EXCHANGE_KEY_MAX + LABELS_MAX);
    buf_printf(&text, "%s\n%s\n", purpose, hex);
    buf_put(&text, key);
    assert(!text.full);
    crypto_hmac_sha256((struct view){(const char *)f->secret, sizeof f->secret}, buf_view(&text),
                       mac);
    buf_done(&text);
}

static void hash_key(struct pending *p)
{
    uint8_t mac[CRYPTO_SHA256_LEN];
    struct buf all;

    key_mac(p->front, p->x.user, "id", p->x.key, mac);
    p->x.new_id = guid_v4_of_random(mac);
    key_mac(p->front, p->x.user, "key", p->x.key, mac);
    for (size_t i = 0; i < 16; i++)
        snprintf(p->x.key_hash + 2 * i, 3, "%02x", mac[i]);
    crypto_sha256_hex(p->x.body, p->x.digest);
    buf_init(&all, p->request->path.n + LABELS_MAX);
    buf_printf(&all, "%s\n%s\n", p->x.method, p->x.digest);
    buf_put(&all, p->request->path);
    assert(!all.full);
    crypto_sha256_hex(buf_view(&all), p->x.digest);
    buf_done(&all);
}

static bool check_key(struct pending *p)
{
    struct front *f = p->front;
    size_t count = 0;
    struct view key =
        http_field_find(p->request->headers, p->request->header_count, "Idempotency-Key", &count);
    struct pending **bucket = NULL;

    if (count == 0) {
        p->x.new_id = crypto_guid_random();
        return true;
    }
    if (count > 1 || !is_key(key)) {
        exchange_error(&p->x, 400,
                       "Idempotency-Key is one key of 1 to %d printable ASCII characters",
                       EXCHANGE_KEY_MAX);
        return false;
    }
    if (!f->has_secret) {
        exchange_error(&p->x, 503, "the server is starting; try again");
        return false;
    }
    p->x.key = key;
    hash_key(p);
    bucket = &f->running[bucket_of(p->x.key_hash)];
    for (const struct pending *other = *bucket; other != NULL; other = other->next_running)
        if (strcmp(other->x.key_hash, p->x.key_hash) == 0) {
            exchange_header(&p->x, "Retry-After", VIEW("1"));
            exchange_error(&p->x, 409, "the first request with this Idempotency-Key still runs");
            return false;
        }
    p->next_running = *bucket;
    *bucket = p;
    return true;
}

/* ---- a request ---- */

static void refuse_method(struct pending *p)
{
    struct buf allow;

    buf_init(&allow, ALLOW_BYTES_MAX);
    routes_allow(&p->front->routes, p->request->path, &allow);
    exchange_header(&p->x, "Allow", buf_view(&allow));
    if (view_is(p->request->method, "OPTIONS"))
        exchange_answer(&p->x, 204, NULL, VIEW_NONE);
    else
        exchange_error(&p->x, 405, "this takes %s only", buf_text(&allow));
    buf_done(&allow);
}

static void read_trace(struct pending *p)
{
    size_t count = 0;
    struct view text =
        http_field_find(p->request->headers, p->request->header_count, "traceparent", &count);
    struct traceparent trace;

    if (count != 1 || !traceparent_parse(text, &trace))
        return;
    for (size_t i = 0; i < sizeof trace.trace_id; i++)
        snprintf(p->trace + 2 * i, 3, "%02x", trace.trace_id[i]);
}

static int64_t wall_now_ms(void)
{
    struct timespec now = {0, 0};

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_read(const struct route *r)
{
    return strcmp(r->method, "GET") == 0;
}

static void serve(void *ctx, struct http_visit *v, const struct http_request *r)
{
    struct front *f = ctx;
    struct pending *p = mem_zeroed(1, sizeof *p);
    struct view id = VIEW_NONE;
    enum routes_found found = routes_find(&f->routes, r->method, r->path, &p->route, &id);
    char *text = NULL;

    f->under_way++;
    p->front = f;
    p->visit = v;
    p->request = r;
    p->begun_ms = (int64_t)(uv_hrtime() / 1000000);
    text = p->text = mem_zeroed(r->path.n + r->query.n + 1, 1);
    p->x.server = f->server;
    p->x.body = r->body;
    p->x.wall_ms = wall_now_ms();
    if (found != ROUTES_FOUND) {
        p->route = NULL;
        p->x.method = "";
        if (found == ROUTES_NO_METHOD || view_is(r->path, "*"))
            refuse_method(p);
        else
            exchange_error(&p->x, 404, "HTTP 404 Not Found");
        return;
    }
    p->x.method = p->route->route->method;
    read_trace(p);
    p->x.user = users_find(f->users, r->headers, r->header_count);
    if (p->x.user == NULL) {
        exchange_error(&p->x, 401, "sign on");
        return;
    }
    if (id.n > 0 && !decode_id(p, id, &text))
        return;
    if (is_read(p->route->route) ? !check_accept(p) || !decode_params(p, &text) || !check_params(p)
                                 : !check_content_type(p) || !check_key(p))
        return;
    p->route->route->serve(&p->x);
}

static size_t admit(void *ctx, struct http_visit *v, const struct http_request *r)
{
    struct front *f = ctx;
    struct route_entry *e = NULL;
    struct view id = VIEW_NONE;

    (void)v;
    if (routes_find(&f->routes, r->method, r->path, &e, &id) != ROUTES_FOUND)
        return FRONT_IGNORED_BODY_MAX;
    if ((e->route->need & ROUTE_BODY_TEXT) != 0)
        return (size_t)f->server->remarks_max_bytes;
    if ((e->route->need & (ROUTE_BODY_JSON | ROUTE_BODY_BATCH)) != 0)
        return (size_t)f->server->body_max_bytes;
    return FRONT_IGNORED_BODY_MAX;
}

/* ---- birth and death ---- */

struct front *front_new(struct server *server, const struct users *users)
{
    static const struct route nowhere = {"-", "-", 0, NULL, NULL};
    struct front *f = mem_zeroed(1, sizeof *f);

    f->server = server;
    f->users = users;
    f->nowhere.route = &nowhere;
    return f;
}

void front_free(struct front *f)
{
    assert(f == NULL || f->under_way == 0);
    mem_free(f);
}

void front_add(struct front *f, const char *base, const struct route *rows)
{
    routes_add(&f->routes, base, rows);
}

void front_secret(struct front *f, const uint8_t secret[FRONT_SECRET_BYTES])
{
    memcpy(f->secret, secret, sizeof f->secret);
    f->has_secret = true;
}

bool front_has_secret(const struct front *f)
{
    return f->has_secret;
}

size_t front_under_way(const struct front *f)
{
    return f->under_way;
}

struct http_server_owner front_owner(struct front *f)
{
    return (struct http_server_owner){f, admit, serve, on_refused};
}
