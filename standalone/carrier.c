/*
 * carrier: `cmibridge carrier`, the pretend carrier and dialler of `cmibridge dev`: what the
 * webhook channel and the webhook dialler speak to (contract 6). Part of dev, not for people.
 *
 * POST /messages: by the last digits of the destination, whatever stands between them
 *   0000  refused for good (400)
 *   0503  unavailable (503) at the first attempt
 *   0429  throttled (429) with Retry-After, always
 *   else  accepted (200 and an id), once a line is in the log: time_ms, source, to, parts,
 *         idempotency_key. A request that is repeated is accepted, and logged, again: a carrier
 *         that knows no keys.
 * POST /calls: the first call of a callback is BUSY, each later one SUCCESSFUL; so it is said once
 * a line is in the log of calls. GET /: 200, when it listens.
 */
#include "bridge/commands.h"
#include "bridge/core/json_out.h"
#include "bridge/core/json_scan.h"
#include "bridge/core/json_walk.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/io/crypto.h"
#include "bridge/io/http_server.h"
#include "bridge/io/signals.h"
#include "config/conf.h"
#include "standalone/carrier_log.h"
#include "standalone/carrier_receipts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define CONNECTIONS_MAX 4096
#define BODY_MAX        (1 << 20)
#define BODIES_MAX      (256 << 20)
#define LINE_MAX_BYTES  8192
#define FIELD_MAX       512
#define RETRY_AFTER     "2" /* seconds */
#define DELAY_MAX_MS    60000
#define REQUEST_TIME_MS 30000

struct arguments {
    const char *address;
    const char *log;
    const char *calls;    /* the log of calls */
    int64_t delay_ms;     /* before each answer */
    const char *receipts; /* where they go; NULL: none do */
    const char *config;   /* the channel's signing secret is in it */
};

struct carrier {
    struct arguments arguments;
    uv_loop_t loop;
    struct http_server *server;
    struct signals *signals;
    struct carrier_log *messages;
    struct carrier_log *calls;
    struct carrier_receipts *receipts;
    struct conf *conf;
    uint64_t accepted;
};

/* An answer that waits for the delay to be over. */
struct late {
    uv_timer_t timer;
    struct http_visit *visit;
    int status;
    char body[FIELD_MAX];
};

static const char usage[] = "usage: cmibridge carrier --listen ADDRESS --log FILE --calls FILE "
                            "[--delay-ms N] [--receipts URL --config FILE]\n";

/* ---- what is in a request ---- */

/* The text of the top-level member, or its bytes if it is no string; "" where there is none. */
static const char *member(struct view object, const char *key, char out[FIELD_MAX])
{
    struct json_walk w;
    struct view name;
    struct view value;
    struct view text;
    struct buf unescaped;

    out[0] = '\0';
    if (!json_walk_init(&w, object))
        return out;
    while (json_walk_next(&w, &name, &value)) {
        if (name.n != strlen(key) + 2 || memcmp(name.p + 1, key, name.n - 2) != 0)
            continue;
        buf_init(&unescaped, BODY_MAX);
        view_copy(json_walk_text(value, &unescaped, &text) ? text : value, out, FIELD_MAX);
        buf_done(&unescaped);
    }
    return out;
}

static int64_t member_int(struct view object, const char *key, int64_t otherwise)
{
    char text[FIELD_MAX];
    int64_t n;

    return num_int(view_of(member(object, key, text)), &n) ? n : otherwise;
}

/* Its last digits are these; what else is in it does not count. */
static bool ends_in(const char *text, const char *digits)
{
    size_t n = strlen(text);
    size_t m = strlen(digits);

    while (n > 0 && m > 0) {
        char c = text[--n];

        if (c >= '0' && c <= '9' && c != digits[--m])
            return false;
    }
    return m == 0;
}

/* ---- answers ---- */

static void answer_now(struct http_visit *v, int status, const char *body)
{
    const struct http_field headers[] = {
        {VIEW("Content-Type"), VIEW("application/json")},
        {VIEW("Retry-After"), VIEW(RETRY_AFTER)},
    };

    http_visit_answer(v, status, headers, status == 429 ? 2 : 1, view_of(body));
}

static void on_late_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static void on_late(uv_timer_t *timer)
{
    struct late *l = timer->data;

    answer_now(l->visit, l->status, l->body);
    uv_close((uv_handle_t *)timer, on_late_closed);
}

static void answer(struct carrier *c, struct http_visit *v, int status, const char *body)
{
    struct late *l;

    if (c->arguments.delay_ms == 0) {
        answer_now(v, status, body);
        return;
    }
    l = mem_zeroed(1, sizeof *l);
    l->visit = v;
    l->status = status;
    view_copy(view_of(body), l->body, sizeof l->body);
    uv_timer_init(&c->loop, &l->timer);
    l->timer.data = l;
    uv_timer_start(&l->timer, on_late, (uint64_t)c->arguments.delay_ms, 0);
}

/* ---- what is logged ---- */

/* Taken, and said to be once the log has it. */
struct taken {
    struct carrier *carrier;
    struct http_visit *visit;
    char answer[FIELD_MAX];
    /* of its receipt, where there is one */
    char id[FIELD_MAX];
    char provider_id[CARRIER_RECEIPT_ID_MAX]; /* "": there is none */
};

static struct taken *take(struct carrier *c, struct http_visit *v)
{
    struct taken *t = mem_zeroed(1, sizeof *t);

    t->carrier = c;
    t->visit = v;
    return t;
}

static void on_kept(void *ctx, bool kept)
{
    struct taken *t = ctx;
    struct carrier *c = t->carrier;

    if (kept)
        answer(c, t->visit, 200, t->answer);
    else
        answer(c, t->visit, 503, "{\"error\":\"the log can't be written\"}");
    if (kept && c->receipts != NULL && t->provider_id[0] != '\0')
        carrier_receipts_add(c->receipts, view_of(t->id), t->provider_id);
    mem_free(t);
}

/* ---- messages ---- */

static int64_t wall_ms(void)
{
    uv_timeval64_t t;

    (void)uv_gettimeofday(&t);
    return t.tv_sec * 1000 + t.tv_usec / 1000;
}

static void put_message(const struct http_request *r, const char *to, struct buf *line)
{
    size_t keys;
    struct view key = http_field_find(r->headers, r->header_count, "Idempotency-Key", &keys);
    struct json_out j;
    char text[FIELD_MAX];

    json_out_init(&j, line);
    json_object(&j);
    json_key(&j, "time_ms");
    json_int(&j, wall_ms());
    json_key(&j, "source");
    json_text(&j, member(r->body, "source", text));
    json_key(&j, "to");
    json_text(&j, to);
    json_key(&j, "parts");
    json_int(&j, member_int(r->body, "parts", 1));
    json_key(&j, "idempotency_key");
    json_string(&j, key);
    json_object_end(&j);
    buf_put_char(line, '\n');
}

static void accept_message(struct carrier *c, struct http_visit *v, const struct http_request *r,
                           const char *to)
{
    struct taken *t = take(c, v);
    struct buf line;

    member(r->body, "id", t->id);
    (void)snprintf(t->provider_id, sizeof t->provider_id, "carrier-%" PRIu64, ++c->accepted);
    (void)snprintf(t->answer, sizeof t->answer, "{\"id\":\"%s\"}", t->provider_id);
    buf_init(&line, LINE_MAX_BYTES);
    put_message(r, to, &line);
    carrier_log_add(c->messages, buf_view(&line), on_kept, t);
    buf_done(&line);
}

static void take_message(struct carrier *c, struct http_visit *v, const struct http_request *r)
{
    char to[FIELD_MAX];

    member(r->body, "to", to);
    if (ends_in(to, "0000"))
        answer(c, v, 400, "{\"error\":\"the number is not in use\"}");
    else if (ends_in(to, "0503") && member_int(r->body, "attempt", 1) == 1)
        answer(c, v, 503, "{\"error\":\"unavailable\"}");
    else if (ends_in(to, "0429"))
        answer(c, v, 429, "{\"error\":\"too fast\"}");
    else
        accept_message(c, v, r, to);
}

/* ---- calls ---- */

static void put_call(const struct http_request *r, const char *result, struct buf *line)
{
    struct json_out j;
    char text[FIELD_MAX];

    json_out_init(&j, line);
    json_object(&j);
    json_key(&j, "time_ms");
    json_int(&j, wall_ms());
    json_key(&j, "callback_id");
    json_text(&j, member(r->body, "callbackId", text));
    json_key(&j, "attempt");
    json_int(&j, member_int(r->body, "attempt", 0));
    json_key(&j, "result");
    json_text(&j, result);
    json_object_end(&j);
    buf_put_char(line, '\n');
}

static void take_call(struct carrier *c, struct http_visit *v, const struct http_request *r)
{
    const char *result = member_int(r->body, "attempt", 1) == 1 ? "BUSY" : "SUCCESSFUL";
    struct taken *t = take(c, v);
    struct buf line;

    (void)snprintf(t->answer, sizeof t->answer, "{\"result\":\"%s\"}", result);
    buf_init(&line, LINE_MAX_BYTES);
    put_call(r, result, &line);
    carrier_log_add(c->calls, buf_view(&line), on_kept, t);
    buf_done(&line);
}

/* ---- the server ---- */

static size_t on_admit(void *ctx, struct http_visit *v, const struct http_request *r)
{
    (void)ctx, (void)v, (void)r;
    return BODY_MAX;
}

static void on_serve(void *ctx, struct http_visit *v, const struct http_request *r)
{
    struct carrier *c = ctx;
    struct fault f = {0};

    if (view_is(r->method, "GET"))
        answer_now(v, 200, "{}");
    else if (!view_is(r->method, "POST"))
        answer_now(v, 405, "{}");
    else if (!json_scan_all(r->body, &f))
        answer_now(v, 400, "{\"error\":\"the body is no JSON\"}");
    else if (view_is(r->path, "/messages"))
        take_message(c, v, r);
    else if (view_is(r->path, "/calls"))
        take_call(c, v, r);
    else
        answer_now(v, 404, "{}");
}

static void on_drained(void *ctx)
{
    struct carrier *c = ctx;

    http_server_free(c->server);
    signals_free(c->signals);
    carrier_log_close(c->messages);
    carrier_log_close(c->calls);
    carrier_receipts_close(c->receipts);
}

static void on_drain(void *ctx)
{
    struct carrier *c = ctx;

    http_server_drain(c->server, on_drained, c);
}

static void on_stop(void *ctx)
{
    (void)ctx;
    _Exit(COMMAND_FAILED);
}

static bool start_receipts(struct carrier *c, struct fault *f)
{
    struct buf mistakes;

    if (c->arguments.receipts == NULL)
        return true;
    buf_init(&mistakes, BODY_MAX);
    c->conf = conf_load(c->arguments.config, &mistakes);
    if (c->conf == NULL)
        fault_set(f, FAULT_REJECT, "%.200s", buf_text(&mistakes));
    else
        c->receipts =
            carrier_receipts_new(&c->loop, c->arguments.receipts,
                                 conf_text(c->conf, "channels.carrier.signing_secret"), f);
    buf_done(&mistakes);
    return c->receipts != NULL;
}

static int run(struct carrier *c)
{
    const struct http_server_conf conf = {.address = c->arguments.address,
                                          .connections_max = CONNECTIONS_MAX,
                                          .head_max_bytes = 16384,
                                          .bodies_max_bytes = BODIES_MAX,
                                          .request_time_ms = REQUEST_TIME_MS};
    const struct signals_owner hand = {c, on_drain, on_stop, NULL};
    struct fault f = {0};

    uv_loop_init(&c->loop);
    c->messages = carrier_log_new(&c->loop, c->arguments.log);
    c->calls = carrier_log_new(&c->loop, c->arguments.calls);
    c->server = http_server_new(
        &c->loop, &conf, (struct http_server_owner){.ctx = c, .admit = on_admit, .serve = on_serve},
        &f);
    if (c->server != NULL && start_receipts(c, &f))
        c->signals = signals_new(&c->loop, &hand, &f);
    if (c->signals == NULL) {
        fprintf(stderr, "cmibridge carrier: %s\n", f.text);
        return COMMAND_UNAVAILABLE;
    }
    printf("http://127.0.0.1:%u\n", http_server_port(c->server));
    (void)fflush(stdout);
    uv_run(&c->loop, UV_RUN_DEFAULT);
    uv_loop_close(&c->loop);
    conf_free(c->conf);
    return COMMAND_OK;
}

static bool read_arguments(int argc, char **argv, struct arguments *out)
{
    *out = (struct arguments){0};
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--listen") == 0)
            out->address = value;
        else if (strcmp(argv[i], "--log") == 0)
            out->log = value;
        else if (strcmp(argv[i], "--calls") == 0)
            out->calls = value;
        else if (strcmp(argv[i], "--receipts") == 0)
            out->receipts = value;
        else if (strcmp(argv[i], "--config") == 0)
            out->config = value;
        else if (strcmp(argv[i], "--delay-ms") != 0 ||
                 !num_in(view_of(value), 0, DELAY_MAX_MS, &out->delay_ms))
            return false;
    }
    return out->address != NULL && out->log != NULL && out->calls != NULL &&
           (out->receipts == NULL) == (out->config == NULL);
}

int command_carrier(int argc, char **argv)
{
    static struct carrier carrier;

    if (command_asks_help(argc, argv)) {
        fputs(usage, stdout);
        return COMMAND_OK;
    }
    if (!read_arguments(argc, argv, &carrier.arguments)) {
        fputs(usage, stderr);
        return COMMAND_USAGE;
    }
    crypto_init();
    return run(&carrier);
}
