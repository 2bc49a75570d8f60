#include "consumers/check_peers.h"

#include "bridge/io/kafka_probe.h"
#include "config/schema.h"
#include "consumers/check_topics.h"
#include "consumers/http_secrets.h"

#include <stdarg.h>
#include <string.h>
#include <uv.h>

#define SHOWN_MAX 200 /* bytes of what another system said */
#define OURS      3   /* topics for results, dead letters and outcomes */
#define QUESTION  "/callbacks?limit=1"

struct peers {
    FILE *to;
    const struct consume_plan *plan;
    size_t failed;
    uv_loop_t loop;
    uv_timer_t patience;
    struct notice log;
    struct redis *redis;
    bool redis_said;
    struct http_client *http;
    size_t waiting; /* replies of targets */
};

static void say(struct peers *p, const char *peer, bool ok, const char *format, ...)
    PRINTF_LIKE(4, 5);
static void say(struct peers *p, const char *peer, bool ok, const char *format, ...)
{
    va_list args;

    fprintf(p->to, "%-20s %-6s ", peer, ok ? "ok" : "FAILED");
    va_start(args, format);
    (void)vfprintf(p->to, format, args);
    va_end(args);
    fputc('\n', p->to);
    (void)fflush(p->to);
    p->failed += !ok;
}

/* ---- kafka ---- */

static void try_kafka(struct peers *p, const char *outcomes)
{
    const struct kafka_conf *conf = &p->plan->kafka;
    const char *topics[KAFKA_TOPICS_MAX + OURS];
    size_t count = 0;
    struct buf found;
    struct buf missing;
    struct fault f = {0};

    for (size_t i = 0; i < conf->topic_count && i < KAFKA_TOPICS_MAX; i++)
        topics[count++] = conf->topics[i];
    if (p->plan->consume.results_topic != NULL)
        topics[count++] = p->plan->consume.results_topic;
    if (p->plan->consume.dead_letters_topic != NULL)
        topics[count++] = p->plan->consume.dead_letters_topic;
    if (outcomes != NULL)
        topics[count++] = outcomes;
    buf_init(&found, 1 << 16);
    buf_init(&missing, 1 << 16);
    if (kafka_probe(conf, topics, count, &found, &missing, &f)) {
        say(p, "kafka", true, "%s: %s", conf->brokers, buf_text(&found));
        if (missing.n > 0)
            say(p, "kafka", false, "%s; what reads or writes there waits until it is made",
                buf_text(&missing));
        check_topics(p->plan, outcomes, p->to);
    } else {
        say(p, "kafka", false, "%s: %s", conf->brokers, f.text);
    }
    buf_done(&found);
    buf_done(&missing);
}

/* ---- redis: whatever comes of it, the timer ends it, outside the connection's own calls ---- */

static void on_patience(uv_timer_t *timer)
{
    struct peers *p = timer->data;

    if (!p->redis_said)
        say(p, "redis", false, "%s", redis_trouble(p->redis));
    p->redis_said = true;
    redis_close(p->redis, NULL, NULL);
    uv_close((uv_handle_t *)timer, NULL);
}

static void end_redis(struct peers *p)
{
    p->redis_said = true;
    (void)uv_timer_start(&p->patience, on_patience, 0, 0);
}

static void on_fsync(void *owner, const struct redis_value *v)
{
    struct peers *p = owner;

    if (p->redis_said)
        return;
    if (v->kind == REDIS_LOST)
        say(p, "redis", false, "%.*s", VIEW_ARG(v->text));
    else if (v->kind == REDIS_ARRAY && v->count == 2 && view_is(v->items[1].text, "always"))
        say(p, "redis", true, "%s: it is up and keeps what it acknowledges (appendfsync always)",
            p->plan->redis.address);
    else
        say(p, "redis", true,
            "%s: it is up; appendfsync is not always: killed during a slow fsync it loses writes "
            "that it has acknowledged (with everysec up to 5191, measured)",
            p->plan->redis.address);
    end_redis(p);
}

static void on_redis(void *owner, bool up)
{
    static const struct view question[] = {{"CONFIG", 6}, {"GET", 3}, {"appendfsync", 11}};
    struct peers *p = owner;

    if (up && !p->redis_said)
        redis_command(p->redis, question, 3, on_fsync, p);
}

/* redis.c says what stands in the way, and would go on trying. */
static void on_notice(void *ctx, enum notice_level level, const char *event,
                      const struct notice_field *fields, size_t count)
{
    struct peers *p = ctx;

    (void)level;
    if (strcmp(event, "redis_down") != 0 || count == 0 || p->redis_said)
        return;
    say(p, "redis", false, "%.*s", VIEW_ARG(fields[0].text));
    end_redis(p);
}

static void try_redis(struct peers *p)
{
    const struct redis_conf *conf = &p->plan->redis;
    int64_t patience_ms = 2 * conf->timeout_ms; /* for connecting, and for the answers */
    struct fault f = {0};

    p->log = (struct notice){p, NOTICE_WARN, on_notice};
    p->redis = redis_new(&p->loop, conf, &p->log, &f);
    if (p->redis == NULL) {
        say(p, "redis", false, "%s", f.text);
        return;
    }
    redis_watch(p->redis, on_redis, p);
    (void)uv_timer_init(&p->loop, &p->patience);
    p->patience.data = p;
    (void)uv_timer_start(&p->patience, on_patience,
                         (uint64_t)(patience_ms < CHECK_PEERS_MS ? patience_ms : CHECK_PEERS_MS),
                         0);
}

/* ---- targets ---- */

/* Every call is that of some destination: token is its place in plan->http. */
static const struct consume_destination *destination_of(const struct peers *p, uint64_t token)
{
    const struct consume_destination *d = p->plan->destinations;

    while (d->http != token && !(d->takes_ingest && d->http_ingest == token))
        d++;
    return d;
}

static bool is_page(struct view body)
{
    while (body.n > 0 && view_has(VIEW(" \t\r\n"), body.p[0]))
        body = view_skip(body, 1);
    return view_starts_nocase(body, VIEW("<!doctype html")) ||
           view_starts_nocase(body, VIEW("<html"));
}

/* What the answer says of address and credentials; NULL: all is well. */
static const char *objection(int status, struct view body, bool ingest)
{
    if (status == 401)
        return "the credentials are refused";
    if (status == 403)
        return "signed on, but not allowed to";
    if (status >= 300 && status < 400)
        return "it redirects elsewhere; the url must be the CMI's own";
    if (ingest && status == 405)
        return NULL; /* it is there, and knows no OPTIONS */
    if (status == 404)
        return "nothing is there; is the url right?";
    if (ingest && status >= 200 && status < 300)
        return NULL;
    if (is_page(body))
        return "that is a page, of a login, say, and no list of callbacks";
    return status == 200 ? NULL : "that is no answer of a working CMI";
}

static const struct buf *secrets_of(const struct peers *p, const struct consume_destination *d)
{
    return &p->plan->secrets[d - p->plan->destinations];
}

static void on_reply(void *owner, const struct http_reply *reply)
{
    struct peers *p = owner;
    const struct consume_destination *d = destination_of(p, reply->token);
    bool ingest = d->http != reply->token;
    const char *question = ingest ? "OPTIONS" : "GET " QUESTION;
    const char *url = p->plan->http[reply->token].url;
    const char *wrong = objection(reply->status, reply->body, ingest);
    char peer[SCHEMA_NAME_MAX + 32];
    char said[SHOWN_MAX];

    (void)snprintf(peer, sizeof peer, "target %s%s", d->name, ingest ? " ingest" : "");
    if (reply->fate != HTTP_ANSWERED)
        say(p, peer, false, "%s: %s", url, reply->error);
    else if (wrong == NULL)
        say(p, peer, true, "%s: %d to %s", url, reply->status, question);
    else
        say(p, peer, false, "%s: %d to %s: %s%s%s", url, reply->status, question, wrong,
            reply->body.n > 0 ? ": " : "",
            http_secrets_mask(secrets_of(p, d), reply->body, said, SHOWN_MAX));
    if (--p->waiting == 0)
        http_client_close(p->http, NULL, NULL);
}

static void submit(struct peers *p, size_t i)
{
    const struct http_port port = http_client_port(p->http);
    const struct consume_destination *d = destination_of(p, i);
    const bool ingest = d->http != i;
    const struct http_call call = {.token = i,
                                   .destination = (unsigned)i,
                                   .method = ingest ? "OPTIONS" : "GET",
                                   .path = ingest ? VIEW_NONE : VIEW(QUESTION)};
    struct fault f = {0};

    if (port.submit(port.ctx, &call, &f)) {
        p->waiting++;
        return;
    }
    say(p, d->name, false, "%s", f.text);
}

static void try_targets(struct peers *p)
{
    const struct consume_plan *plan = p->plan;
    struct http_destination to[2 * CONSUME_DESTINATIONS_MAX];
    struct fault f = {0};

    if (plan->http_count == 0)
        return;
    for (size_t i = 0; i < plan->http_count; i++) {
        to[i] = plan->http[i];
        to[i].slots = 1;
        if (to[i].timeout_ms > CHECK_PEERS_MS)
            to[i].timeout_ms = CHECK_PEERS_MS;
    }
    p->http = http_client_new(&p->loop, to, plan->http_count, on_reply, p, &f);
    if (p->http == NULL) {
        say(p, "targets", false, "%s", f.text);
        return;
    }
    for (size_t i = 0; i < plan->http_count; i++)
        submit(p, i);
    if (p->waiting == 0)
        http_client_close(p->http, NULL, NULL);
}

size_t check_peers(const struct consume_plan *plan, const char *outcomes, FILE *to)
{
    struct peers p = {.to = to, .plan = plan};

    if (plan->kafka.brokers != NULL)
        try_kafka(&p, outcomes);
    (void)uv_loop_init(&p.loop);
    if (plan->redis.address != NULL)
        try_redis(&p);
    try_targets(&p);
    (void)uv_run(&p.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&p.loop);
    return p.failed;
}
