/*
 * consume: the program that turns contact events into CMI writes: librdkafka, libcurl and Redis
 * around the loop of bridge/run/consume.h, which runs on one thread.
 */
#include "bridge/commands.h"
#include "bridge/io/crypto.h"
#include "bridge/io/json_in.h"
#include "bridge/io/kafka_sink.h"
#include "bridge/io/kafka_source.h"
#include "bridge/io/msgpack_in.h"
#include "bridge/io/redis_memory.h"
#include "config/schema.h"
#include "consumers/check_routes.h"
#include "consumers/consume_conf.h"
#include "consumers/service.h"

/* Beyond consume.drain, for the brokers' answers, to the source and then to the sink. Both and
 * SERVICE_END_MS are the 10 s that the help names. */
#define CLOSE_MS ((10000 - SERVICE_END_MS) / 2)

struct program {
    struct service service; /* the first */
    struct consume_plan plan;
    struct redis *redis;
    struct redis_memory *memory;
    struct http_client *http;
    struct kafka_sink *sink;
    struct kafka_source *source;
    struct consume *consume;
    int64_t repeats; /* of the source, that are in the figures */
};

static struct program *program_of(struct service *s)
{
    return (struct program *)s;
}

/* ---- what comes in: the loop is made after those who answer it ---- */

static void on_reply(void *owner, const struct http_reply *reply)
{
    consume_on_reply(((struct program *)owner)->consume, reply);
}

static void on_answer(void *owner, const struct memory_answer *answer)
{
    consume_on_answer(((struct program *)owner)->consume, answer);
}

static void on_report(void *owner, uint64_t token, bool delivered, const char *error)
{
    consume_on_report(((struct program *)owner)->consume, token, delivered, error);
}

/* ---- the end, in the order of what depends on what ---- */

static void redis_gone(void *ctx)
{
    struct program *p = ctx;

    redis_memory_free(p->memory);
    p->redis = NULL;
    service_end(&p->service);
}

static void http_gone(void *ctx)
{
    struct program *p = ctx;

    redis_close(p->redis, redis_gone, p);
}

static void sink_gone(void *ctx)
{
    struct program *p = ctx;

    http_client_close(p->http, http_gone, p);
}

static void source_gone(void *ctx)
{
    struct program *p = ctx;

    kafka_sink_close(p->sink, CLOSE_MS, sink_gone, p);
}

static void stop(struct service *s)
{
    struct program *p = program_of(s);

    consume_drain(p->consume);
    kafka_source_close(p->source, p->plan.consume.drain_ms + CLOSE_MS, source_gone, p);
}

/* ---- the turn ---- */

static int64_t turn(struct service *s)
{
    struct consume *c = program_of(s)->consume;
    int64_t wait_ms = consume_turn(c);
    const struct fault *failure = consume_failure(c);

    if (failure != NULL && !s->stopping) {
        s->exit_code = COMMAND_STOPPED;
        service_stop(s, failure->text);
    }
    return wait_ms;
}

static void retune(struct service *s, const struct conf *fresh)
{
    struct program *p = program_of(s);
    struct consume_conf tuning = p->plan.consume;

    consume_plan_tuning(fresh, &tuning);
    consume_retune(p->consume, &tuning);
}

/* ---- what an operator sees ---- */

static bool ready(struct service *s, struct buf *why)
{
    struct program *p = program_of(s);
    bool is_ready = consume_ready(p->consume, why);

    if (kafka_source_trouble(p->source)[0] != '\0')
        is_ready = !buf_printf(why, "Kafka: %s\n", kafka_source_trouble(p->source));
    if (kafka_sink_trouble(p->sink)[0] != '\0')
        is_ready = !buf_printf(why, "Kafka, results: %s\n", kafka_sink_trouble(p->sink));
    if (redis_trouble(p->redis)[0] != '\0')
        is_ready = !buf_printf(why, "Redis: %s\n", redis_trouble(p->redis));
    if (redis_refusal(p->redis)[0] != '\0')
        is_ready = !buf_printf(why, "%s\n", redis_refusal(p->redis));
    return is_ready;
}

#define LAG "cmibridge_lag"

static void show_lag(void *ctx, const struct kafka_figures *k)
{
    struct program *p = ctx;
    struct buf labels;
    int64_t committed = k->committed >= 0 ? k->committed : k->position;

    if (k->high < 0)
        return;
    buf_init(&labels, 512);
    stats_label(&labels, "topic", view_of(k->topic));
    stats_label(&labels, "partition", VIEW(""));
    labels.n--; /* the number goes between the quotes */
    buf_put_int(&labels, k->partition);
    buf_put_char(&labels, '"');
    stat_set(stats_get(p->service.stats, STAT_GAUGE, LAG, buf_text(&labels),
                       "Records in the partition that are not committed"),
             k->high - committed);
    buf_done(&labels);
}

static void refresh(struct service *s)
{
    struct program *p = program_of(s);

    stats_hide(s->stats, LAG); /* of partitions that somebody else has now */
    kafka_source_each(p->source, show_lag, s);
    stat_add(stats_get(s->stats, STAT_COUNTER, "cmibridge_kafka_repeats_total", "",
                       "Records passed over because librdkafka gave them before"),
             kafka_source_repeats(p->source) - p->repeats);
    p->repeats = kafka_source_repeats(p->source);
}

/* ---- the beginning ---- */

static bool make(struct service *s, struct fault *f)
{
    return consume_plan_make(s->conf, &program_of(s)->plan, f);
}

static bool start(struct service *s, struct fault *f)
{
    struct program *p = program_of(s);
    const struct notice *log = service_log(s);
    const char *topics[2] = {p->plan.consume.dead_letters_topic, p->plan.consume.results_topic};
    struct consume_ports ports = {
        .codec = {json_in_read, msgpack_in_read, crypto_sha256},
        .clock = service_clock(s),
        .log = log,
        .stats = s->stats,
    };

    p->redis = redis_new(&s->loop, &p->plan.redis, log, f);
    if (p->redis == NULL)
        return fault_add(f, "redis.address");
    p->http = http_client_new(&s->loop, p->plan.http, p->plan.http_count, on_reply, p, f);
    if (p->http == NULL)
        return fault_add(f, "targets");
    p->memory = redis_memory_new(p->redis, p->plan.refs_keep_ms, on_answer, p);
    p->sink = kafka_sink_new(&s->loop, &p->plan.kafka, topics, topics[1] != NULL ? 2 : 1, log,
                             on_report, p, f);
    if (p->sink == NULL)
        return fault_add(f, "kafka");
    p->source = kafka_source_new(&s->loop, &p->plan.kafka, log, f);
    if (p->source == NULL)
        return fault_add(f, "kafka");
    ports.source = kafka_source_port(p->source);
    ports.http = http_client_port(p->http);
    ports.sink = kafka_sink_port(p->sink);
    ports.memory = redis_memory_port(p->memory);
    p->consume = consume_new(&p->plan.consume, &ports);
    return true;
}

static void say_unrouted(struct service *s, const struct consume_conf *c)
{
    struct buf writes;
    struct buf history;

    buf_init(&writes, CHECK_ROUTES_MAX);
    buf_init(&history, CHECK_ROUTES_MAX);
    check_routes_none(c, true, &writes);
    check_routes_none(c, false, &history);
    if (writes.n + history.n > 0)
        notice_say(service_log(s), c->unrouted_to_dead_letters ? NOTICE_WARN : NOTICE_INFO,
                   "unrouted", NOTICE_TEXT("writes", buf_text(&writes)),
                   NOTICE_TEXT("history", buf_text(&history)),
                   NOTICE_TEXT("become", c->unrouted_to_dead_letters ? "dead-letter" : "skip"));
    buf_done(&writes);
    buf_done(&history);
}

static void started(struct service *s)
{
    struct program *p = program_of(s);
    const struct source_owner owner = consume_source_owner(p->consume);

    say_unrouted(s, &p->plan.consume);
    kafka_source_start(p->source, &owner);
    notice_say(service_log(s), NOTICE_INFO, "started", NOTICE_TEXT("version", CMIBRIDGE_VERSION),
               NOTICE_TEXT("brokers", p->plan.kafka.brokers),
               NOTICE_INT("targets", (int64_t)p->plan.consume.destination_count),
               NOTICE_INT("memory_bound_mib", consume_plan_memory(&p->plan) >> 20),
               NOTICE_INT("admin_port", service_admin_port(s)));
}

static void done(struct service *s)
{
    consume_free(program_of(s)->consume);
    consume_plan_done(&program_of(s)->plan);
}

static const struct service_kind kind = {
    .name = "consume",
    .help = "usage: cmibridge consume [-c FILE | --config FILE]\n\n"
            "Takes contact events from Kafka and turns them into CMI writes.\n"
            "SIGTERM ends it when what is under way has ended (consume.drain at most, and\n"
            "10 s where Kafka does not answer);\n"
            "SIGHUP reads the configuration again.\n\n"
            "Exit code: 0 asked to end; 3 mistakes in the configuration; 4 a port or peer could "
            "not\nbe had; 5 it stopped itself because going on would have lost something.\n",
    .users = USED_CONSUME,
    .repeated = "asked to twice; what was under way is repeated after the next start, under the "
                "same keys",
    .make = make,
    .start = start,
    .started = started,
    .turn = turn,
    .stop = stop,
    .retune = retune,
    .ready = ready,
    .refresh = refresh,
    .done = done,
};

int command_consume(int argc, char **argv)
{
    static struct program program;

    return service_main(&program.service, &kind, argc, argv);
}
