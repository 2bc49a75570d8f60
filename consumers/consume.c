/*
 * consume: the program that turns contact events into CMI writes: librdkafka, libcurl and Redis
 * around the loop of bridge/run/consume.h, which runs on one thread.
 */
#include "bridge/commands.h"
#include "bridge/core/rng.h"
#include "bridge/io/admin.h"
#include "bridge/io/crypto.h"
#include "bridge/io/json_in.h"
#include "bridge/io/kafka_sink.h"
#include "bridge/io/kafka_source.h"
#include "bridge/io/msgpack_in.h"
#include "bridge/io/notice_log.h"
#include "bridge/io/redis_memory.h"
#include "bridge/io/signals.h"
#include "config/schema.h"
#include "consumers/consume_conf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define MISTAKES_MAX 65536
#define CLOSE_MS     5000 /* beyond consume.drain, for the brokers' answers */

struct program {
    const char *file;
    uv_loop_t loop;
    uv_prepare_t turn;
    uv_timer_t wake;
    struct rng rng;
    struct conf *conf;
    struct consume_plan plan;
    struct notice_log *log;
    struct stats *stats;
    struct redis *redis;
    struct redis_memory *memory;
    struct http_client *http;
    struct kafka_sink *sink;
    struct kafka_source *source;
    struct consume *consume;
    struct admin *admin;
    struct signals *signals;
    bool stopping;
    int exit_code;
};

/* ---- the clock ---- */

static int64_t mono_ms(void *ctx)
{
    return (int64_t)uv_now(&((struct program *)ctx)->loop);
}

static int64_t wall_ms(void *ctx)
{
    uv_timeval64_t t;

    (void)ctx;
    (void)uv_gettimeofday(&t);
    return t.tv_sec * 1000 + t.tv_usec / 1000;
}

static uint64_t random_bits(void *ctx)
{
    return rng_next(&((struct program *)ctx)->rng);
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

static void on_closed(uv_handle_t *handle)
{
    (void)handle;
}

static void redis_gone(void *ctx)
{
    struct program *p = ctx;

    redis_memory_free(p->memory);
    p->redis = NULL;
    admin_free(p->admin);
    signals_free(p->signals);
    uv_close((uv_handle_t *)&p->turn, on_closed);
    uv_close((uv_handle_t *)&p->wake, on_closed);
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

static void stop(struct program *p, const char *why)
{
    if (p->stopping)
        return;
    p->stopping = true;
    notice_say(notice_log_port(p->log), NOTICE_INFO, "stopping", NOTICE_TEXT("reason", why));
    consume_drain(p->consume);
    kafka_source_close(p->source, p->plan.consume.drain_ms + CLOSE_MS, source_gone, p);
}

/* ---- the turn ---- */

static void on_wake(uv_timer_t *timer)
{
    (void)timer; /* the turn comes with the loop's next iteration */
}

static void on_turn(uv_prepare_t *prepare)
{
    struct program *p = prepare->data;
    int64_t wait_ms = consume_turn(p->consume);
    const struct fault *failure = consume_failure(p->consume);

    if (failure != NULL && !p->stopping) {
        p->exit_code = COMMAND_STOPPED;
        stop(p, failure->text);
    }
    if (wait_ms < 0)
        uv_timer_stop(&p->wake);
    else
        uv_timer_start(&p->wake, on_wake, (uint64_t)wait_ms, 0);
}

/* ---- signals ---- */

static void on_drain(void *ctx)
{
    stop(ctx, "asked to");
}

static void on_stop(void *ctx)
{
    struct program *p = ctx;

    notice_say(notice_log_port(p->log), NOTICE_WARN, "stopped_at_once",
               NOTICE_TEXT("reason", "asked to twice; what was under way is repeated after the "
                                     "next start, under the same keys"));
    notice_log_free(p->log);
    _Exit(COMMAND_FAILED);
}

static void on_difference(void *ctx, const char *path, bool reloadable)
{
    struct program *p = ctx;

    if (reloadable)
        notice_say(notice_log_port(p->log), NOTICE_INFO, "setting_changed",
                   NOTICE_TEXT("setting", path));
    else
        notice_say(notice_log_port(p->log), NOTICE_WARN, "setting_needs_restart",
                   NOTICE_TEXT("setting", path));
}

/* The running conf stays the one that the texts of the plan come from; the new one only tunes. */
static void on_reload(void *ctx)
{
    struct program *p = ctx;
    struct buf mistakes;
    struct conf *fresh;
    struct consume_conf tuning = p->plan.consume;

    buf_init(&mistakes, MISTAKES_MAX);
    fresh = conf_load_for(p->file, USED_CONSUME, &mistakes);
    if (fresh == NULL) {
        notice_say(notice_log_port(p->log), NOTICE_ERROR, "reload_refused",
                   NOTICE_TEXT("reason", buf_text(&mistakes)));
        buf_done(&mistakes);
        return;
    }
    buf_done(&mistakes);
    conf_diff(p->conf, fresh, on_difference, p);
    consume_plan_tuning(fresh, &tuning);
    consume_retune(p->consume, &tuning);
    notice_log_set_least(p->log, notice_log_level_of(conf_text(fresh, "log.level")));
    conf_free(fresh);
    notice_say(notice_log_port(p->log), NOTICE_INFO, "reloaded",
               NOTICE_TEXT("file", p->file != NULL ? p->file : "none"));
}

/* ---- what an operator sees ---- */

static bool on_ready(void *ctx, struct buf *why)
{
    struct program *p = ctx;
    bool ready = consume_ready(p->consume, why);

    if (kafka_source_trouble(p->source)[0] != '\0')
        ready = !buf_printf(why, "Kafka: %s\n", kafka_source_trouble(p->source));
    if (kafka_sink_trouble(p->sink)[0] != '\0')
        ready = !buf_printf(why, "Kafka, results: %s\n", kafka_sink_trouble(p->sink));
    if (redis_trouble(p->redis)[0] != '\0')
        ready = !buf_printf(why, "Redis: %s\n", redis_trouble(p->redis));
    return ready;
}

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
    stat_set(stats_get(p->stats, STAT_GAUGE, "cmibridge_lag", buf_text(&labels),
                       "Records in the partition that are not committed"),
             k->high - committed);
    buf_done(&labels);
}

static void on_refresh(void *ctx)
{
    struct program *p = ctx;

    kafka_source_each(p->source, show_lag, p);
}

/* ---- the beginning ---- */

static void say_start(struct program *p)
{
    notice_say(notice_log_port(p->log), NOTICE_INFO, "started",
               NOTICE_TEXT("version", CMIBRIDGE_VERSION),
               NOTICE_TEXT("brokers", p->plan.kafka.brokers),
               NOTICE_INT("targets", (int64_t)p->plan.consume.destination_count),
               NOTICE_INT("memory_bound_mib", consume_plan_memory(&p->plan) >> 20),
               NOTICE_INT("admin_port", admin_port(p->admin)));
}

static bool start_peers(struct program *p, struct fault *f)
{
    const struct notice *log = notice_log_port(p->log);
    const char *topics[2] = {p->plan.consume.dead_letters_topic, p->plan.consume.results_topic};
    struct admin_owner owner = {p, on_ready, on_refresh};
    struct signals_owner signals = {p, on_drain, on_stop, on_reload};
    struct consume_ports ports = {
        .codec = {json_in_read, msgpack_in_read, crypto_sha256},
        .clock = {p, mono_ms, wall_ms, random_bits},
        .log = log,
        .stats = p->stats,
    };
    struct source_owner source_owner;

    p->redis = redis_new(&p->loop, &p->plan.redis, log, f);
    if (p->redis == NULL)
        return fault_add(f, "redis.address");
    p->http = http_client_new(&p->loop, p->plan.http, p->plan.http_count, on_reply, p, f);
    if (p->http == NULL)
        return fault_add(f, "targets");
    p->memory = redis_memory_new(p->redis, p->plan.refs_keep_ms, on_answer, p);
    p->sink = kafka_sink_new(&p->loop, &p->plan.kafka, topics, topics[1] != NULL ? 2 : 1, log,
                             on_report, p, f);
    if (p->sink == NULL)
        return fault_add(f, "kafka");
    p->source = kafka_source_new(&p->loop, &p->plan.kafka, log, f);
    if (p->source == NULL)
        return fault_add(f, "kafka");
    ports.source = kafka_source_port(p->source);
    ports.http = http_client_port(p->http);
    ports.sink = kafka_sink_port(p->sink);
    ports.memory = redis_memory_port(p->memory);
    p->consume = consume_new(&p->plan.consume, &ports);
    p->admin = admin_new(&p->loop, conf_text(p->conf, "admin.listen"), p->stats, owner, f);
    if (p->admin == NULL)
        return fault_add(f, "admin.listen");
    p->signals = signals_new(&p->loop, &signals, f);
    if (p->signals == NULL)
        return false;
    source_owner = consume_source_owner(p->consume);
    kafka_source_start(p->source, &source_owner);
    return true;
}

static int run(struct program *p)
{
    struct fault f = {0};

    uv_loop_init(&p->loop);
    crypto_random(&p->rng.state, sizeof p->rng.state);
    p->stats = stats_new();
    if (!start_peers(p, &f)) {
        fprintf(stderr, "cmibridge consume: %s\n", f.text);
        /* Half-made parts go with the process. */
        fflush(stderr);
        _Exit(f.cls == FAULT_REJECT ? COMMAND_CONFIG : COMMAND_UNAVAILABLE);
    }
    uv_timer_init(&p->loop, &p->wake);
    uv_prepare_init(&p->loop, &p->turn);
    p->turn.data = p;
    uv_prepare_start(&p->turn, on_turn);
    say_start(p);
    uv_run(&p->loop, UV_RUN_DEFAULT);
    notice_say(notice_log_port(p->log), NOTICE_INFO, "stopped",
               NOTICE_INT("exit_code", p->exit_code));
    consume_free(p->consume);
    stats_free(p->stats);
    uv_loop_close(&p->loop);
    return p->exit_code;
}

static int load_and_run(struct program *p)
{
    struct buf mistakes;
    struct fault f = {0};
    int code = COMMAND_CONFIG;

    buf_init(&mistakes, MISTAKES_MAX);
    p->conf = conf_load_for(p->file, USED_CONSUME, &mistakes);
    if (p->conf == NULL) {
        fputs(buf_text(&mistakes), stderr);
    } else if (!consume_plan_make(p->conf, &p->plan, &f)) {
        fprintf(stderr, "%s: %s\n", p->file != NULL ? p->file : "configuration", f.text);
    } else {
        p->log = notice_log_new(&(struct notice_log_conf){
            .fd = 2,
            .format = notice_log_format_of(conf_text(p->conf, "log.format")),
            .least = notice_log_level_of(conf_text(p->conf, "log.level"))});
        code = run(p);
        notice_log_free(p->log);
        consume_plan_done(&p->plan);
    }
    conf_free(p->conf);
    buf_done(&mistakes);
    return code;
}

static void print_help(FILE *to)
{
    fputs("usage: cmibridge consume [-c FILE | --config FILE]\n\n"
          "Takes contact events from Kafka and turns them into CMI writes.\n"
          "SIGTERM ends it when what is under way has ended (consume.drain at most);\n"
          "SIGHUP reads the configuration again.\n\n"
          "Exit code: 0 asked to end; 3 mistakes in the configuration; 4 a port or peer could not\n"
          "be had; 5 it stopped itself because going on would have lost something.\n",
          to);
}

int command_consume(int argc, char **argv)
{
    static struct program program;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_help(stdout);
        return COMMAND_OK;
    }
    if (argc == 3 && command_is_config(argv[1])) {
        program.file = argv[2];
    } else if (argc != 1) {
        print_help(stderr);
        return COMMAND_USAGE;
    }
    crypto_init();
    return load_and_run(&program);
}
