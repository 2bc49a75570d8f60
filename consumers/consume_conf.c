#include "consumers/consume_conf.h"

#include "bridge/core/gate.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/io/kafka_slots.h"
#include "config/conf_redis.h"
#include "consumers/http_secrets.h"

#include <assert.h>
#include <string.h>

static_assert(CONF_TOPICS_MAX == KAFKA_TOPICS_MAX, "kafka.topics has what a source takes");
static_assert(CONF_TARGETS_MAX == CONSUME_DESTINATIONS_MAX, "targets are the loop's destinations");

#define FETCHED_KIB    12288              /* queued.max.messages.kbytes of kafka_conf.c */
#define FETCHING_BYTES (4 * 1024 * 1024)  /* and its fetch.max.bytes: what comes beyond that */
#define PRODUCED_BYTES (16 * 1024 * 1024) /* what may wait for its delivery report */
#define DELIVERY_BYTES 4096               /* one event held, beside its record */

static enum http_auth auth_of(const char *name)
{
    static const struct {
        const char *name;
        enum http_auth auth;
    } rows[] = {
        {"none", HTTP_AUTH_NONE},
        {"basic", HTTP_AUTH_BASIC},
        {"bearer", HTTP_AUTH_BEARER},
        {"api-key", HTTP_AUTH_API_KEY},
        {"certificate", HTTP_AUTH_CERTIFICATE},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(name, rows[i].name) == 0)
            return rows[i].auth;
    return HTTP_AUTH_NONE;
}

/* The ingest endpoint stands beside the CMI: same host, its own path. */
static char *ingest_url(const char *url, const char *path)
{
    const char *host = strstr(url, "://");
    const char *base = host != NULL ? strchr(host + 3, '/') : NULL;
    struct buf b;
    char *text;

    buf_init(&b, 8192);
    buf_put(&b, base != NULL ? (struct view){url, (size_t)(base - url)} : view_of(url));
    buf_put_text(&b, path);
    text = mem_text(b.p, b.n);
    buf_done(&b);
    return text;
}

static void make_http(const struct conf *conf, size_t i, struct http_destination *to)
{
    static const char map[] = "targets";

    *to = (struct http_destination){
        .url = conf_entry_text(conf, map, i, "url"),
        .slots = (int)conf_entry_int(conf, map, i, "concurrency"),
        .timeout_ms = conf_entry_ms(conf, map, i, "timeout"),
        .connect_timeout_ms = conf_entry_ms(conf, map, i, "connect_timeout"),
        .auth = auth_of(conf_entry_text(conf, map, i, "auth")),
        .user = conf_entry_text(conf, map, i, "user"),
        .key_header = conf_entry_text(conf, map, i, "api_key_header"),
        .certificate = conf_entry_text(conf, map, i, "certificate"),
        .key = conf_entry_text(conf, map, i, "key"),
        .ca = conf_entry_text(conf, map, i, "ca"),
    };
    to->secret = conf_entry_text(conf, map, i,
                                 to->auth == HTTP_AUTH_BASIC    ? "password"
                                 : to->auth == HTTP_AUTH_BEARER ? "token"
                                                                : "api_key");
}

static void make_destinations(const struct conf *conf, struct consume_plan *p)
{
    size_t count = conf_count(conf, "targets");

    p->http_count = count;
    for (size_t i = 0; i < count; i++) {
        struct consume_destination *d = &p->destinations[i];
        const char *ingest = conf_entry_text(conf, "targets", i, "ingest");

        make_http(conf, i, &p->http[i]);
        http_secrets_init(&p->secrets[i]);
        http_secrets_add(&p->secrets[i], &p->http[i]);
        d->secrets = buf_view(&p->secrets[i]);
        d->name = conf_name(conf, "targets", i);
        d->url = p->http[i].url;
        d->concurrency = p->http[i].slots;
        d->honours_key = conf_entry_bool(conf, "targets", i, "honours_key");
        d->http = (unsigned)i;
        d->takes_ingest = ingest != NULL;
        if (ingest == NULL)
            continue;
        d->http_ingest = (unsigned)p->http_count;
        p->ingest_urls[i] = ingest_url(p->http[i].url, ingest);
        p->http[p->http_count] = p->http[i];
        p->http[p->http_count].reply_max = CONSUME_BATCH_REPLY_MAX;
        p->http[p->http_count++].url = p->ingest_urls[i];
    }
    p->consume.destinations = p->destinations;
    p->consume.destination_count = count;
}

static unsigned destination_named(const struct consume_plan *p, const char *name)
{
    unsigned i = 0;

    while (i < p->consume.destination_count && strcmp(p->destinations[i].name, name) != 0)
        i++;
    return i;
}

static bool make_routes(const struct conf *conf, struct consume_plan *p, struct fault *f)
{
    size_t count = conf_count(conf, "routes");

    p->routes = mem_zeroed(count + 1, sizeof *p->routes);
    for (size_t i = 0; i < count; i++) {
        p->routes[i].pattern = conf_name(conf, "routes", i);
        p->routes[i].destination = destination_named(p, conf_item(conf, "routes", i));
        if (p->routes[i].destination == p->consume.destination_count)
            return fault_set(f, FAULT_REJECT, "routes.%s: there is no target '%s'",
                             p->routes[i].pattern, conf_item(conf, "routes", i));
    }
    p->consume.routes = p->routes;
    p->consume.route_count = count;
    return true;
}

static const char *unless_empty(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

/* What we write ourselves, or the scheduler does. */
static void make_never(const struct conf *conf, struct consume_plan *p)
{
    static const char *const ours[] = {"kafka.results_topic", "kafka.dead_letters_topic",
                                       "kafka.outcomes_topic"};

    p->kafka.never = p->never;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        const char *topic = unless_empty(conf_text(conf, ours[i]));

        if (topic != NULL)
            p->never[p->kafka.never_count++] = topic;
    }
}

static void make_kafka(const struct conf *conf, struct consume_plan *p)
{
    const char *reset = conf_text(conf, "kafka.offset_reset");
    size_t topics = conf_count(conf, "kafka.topics");
    size_t properties = conf_count(conf, "kafka.properties");

    p->topics = mem_zeroed(topics, sizeof(*p->topics));
    for (size_t i = 0; i < topics; i++)
        p->topics[i] = conf_item(conf, "kafka.topics", i);
    p->properties = mem_zeroed(properties, sizeof *p->properties);
    for (size_t i = 0; i < properties; i++)
        p->properties[i] = (struct kafka_property){conf_name(conf, "kafka.properties", i),
                                                   conf_item(conf, "kafka.properties", i)};
    p->kafka = (struct kafka_conf){
        .brokers = conf_text(conf, "kafka.brokers"),
        .client_id = conf_text(conf, "kafka.client_id"),
        .group = conf_text(conf, "kafka.group"),
        .topics = p->topics,
        .topic_count = topics,
        .offset_reset = strcmp(reset, "error") == 0      ? KAFKA_RESET_ERROR
                        : strcmp(reset, "earliest") == 0 ? KAFKA_RESET_EARLIEST
                                                         : KAFKA_RESET_LATEST,
        .assign = strcmp(conf_text(conf, "kafka.assign"), "all") == 0 ? KAFKA_ASSIGN_ALL
                                                                      : KAFKA_ASSIGN_GROUP,
        .session_timeout_ms = conf_ms(conf, "kafka.session_timeout"),
        .instance_id = conf_text(conf, "kafka.instance_id"),
        .properties = p->properties,
        .property_count = properties,
    };
    make_never(conf, p);
    /* on_gap: continue is the wish to go on at the log's start after a loss. */
    if (p->kafka.offset_reset == KAFKA_RESET_ERROR &&
        strcmp(conf_text(conf, "events.on_gap"), "continue") == 0)
        p->kafka.offset_reset = KAFKA_RESET_EARLIEST;
}

void consume_plan_tuning(const struct conf *conf, struct consume_conf *out)
{
    out->retry = (struct backoff){conf_ms(conf, "retry.base"), conf_ms(conf, "retry.max")};
    out->retry_after_max_ms = conf_ms(conf, "retry.retry_after_max");
    out->attempts_max = (int)conf_int(conf, "retry.attempts");
    out->breaker.failures = (int)conf_int(conf, "breaker.failures");
    out->breaker.open =
        (struct backoff){conf_ms(conf, "breaker.open_min"), conf_ms(conf, "breaker.open_max")};
    out->budget_burst = conf_int(conf, "dead_letters.budget");
    out->budget_per_success_milli = 10 * conf_int(conf, "dead_letters.budget_per_success");
    out->refs_wait_ms = conf_ms(conf, "refs.wait");
    out->head_of_line_ms = conf_ms(conf, "consume.head_of_line");
    out->unrouted_to_dead_letters = strcmp(conf_text(conf, "events.unrouted"), "dead-letter") == 0;
    out->unknown_to_dead_letters = strcmp(conf_text(conf, "events.unknown"), "dead-letter") == 0;
}

bool consume_plan_make(const struct conf *conf, struct consume_plan *p, struct fault *f)
{
    *p = (struct consume_plan){
        .consume = {.type_prefix = conf_text(conf, "events.type_prefix"),
                    .results_topic = unless_empty(conf_text(conf, "kafka.results_topic")),
                    .dead_letters_topic = conf_text(conf, "kafka.dead_letters_topic"),
                    .in_flight = conf_int(conf, "consume.in_flight"),
                    .in_flight_bytes = conf_bytes(conf, "consume.in_flight_bytes"),
                    .commit_interval_ms = conf_ms(conf, "kafka.commit_interval"),
                    .drain_ms = conf_ms(conf, "consume.drain")},
        .redis = conf_redis(conf),
        .refs_keep_ms = conf_ms(conf, "refs.keep"),
    };
    p->redis.remembers = true;
    consume_plan_tuning(conf, &p->consume);
    make_kafka(conf, p);
    make_destinations(conf, p);
    if (make_routes(conf, p, f))
        return true;
    consume_plan_done(p);
    return false;
}

void consume_plan_done(struct consume_plan *p)
{
    for (size_t i = 0; i < CONSUME_DESTINATIONS_MAX; i++) {
        mem_free(p->ingest_urls[i]);
        http_secrets_done(&p->secrets[i]);
    }
    mem_free(p->routes);
    mem_free(p->topics);
    mem_free(p->properties);
    *p = (struct consume_plan){0};
}

/* What Kafka's client fetches ahead. */
static int64_t fetched_bytes(const struct kafka_conf *conf)
{
    int64_t kib = FETCHED_KIB;

    for (size_t i = 0; i < conf->property_count; i++)
        if (strcmp(conf->properties[i].name, "queued.max.messages.kbytes") == 0)
            (void)!num_int(view_of(conf->properties[i].value), &kib); /* it was checked */
    return kib * 1024 + FETCHING_BYTES;
}

int64_t consume_plan_memory(const struct consume_plan *p)
{
    int64_t replies = 0;

    for (size_t i = 0; i < p->http_count; i++)
        replies += p->http[i].slots *
                   (int64_t)(p->http[i].reply_max > 0 ? p->http[i].reply_max : HTTP_REPLY_BODY_MAX);
    return fetched_bytes(&p->kafka) + KAFKA_HELD_ALL_MAX + PRODUCED_BYTES +
           p->consume.in_flight_bytes +
           (p->consume.in_flight + GATE_LATE_RECORDS) * DELIVERY_BYTES + replies;
}
