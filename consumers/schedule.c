/*
 * schedule: the program that sends messages and makes callbacks when they are due: Redis, libcurl
 * and librdkafka around the loop of bridge/run/schedule.h, on one thread.
 */
#include "bridge/commands.h"
#include "bridge/core/rng.h"
#include "bridge/io/admin.h"
#include "bridge/io/crypto.h"
#include "bridge/io/kafka_sink.h"
#include "bridge/io/notice_log.h"
#include "bridge/io/redis_fsck.h"
#include "bridge/io/redis_schedule.h"
#include "bridge/io/redis_wake.h"
#include "bridge/io/signals.h"
#include "config/schema.h"
#include "consumers/schedule_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#define MISTAKES_MAX 65536
#define FSCK_PACE_MS 20      /* between two things that are checked */
#define FSCK_REST_MS 3600000 /* between two rounds */
#define CLOSE_MS     5000    /* beyond schedule.drain, for the brokers' answers */

struct program {
    const char *file;
    uv_loop_t loop;
    uv_prepare_t turn;
    uv_timer_t wake;
    uv_timer_t deadline; /* of the drain */
    struct rng rng;
    struct conf *conf;
    struct schedule_plan plan;
    struct notice_log *log;
    struct stats *stats;
    struct redis *redis;
    struct redis_schedule *store;
    struct redis_wake *hints;
    struct redis_fsck *fsck;
    struct http_client *http;
    struct kafka_sink *sink;
    struct schedule *schedule;
    struct admin *admin;
    struct signals *signals;
    bool stopping;
    bool closing;
};

/* ---- the clock ---- */

/* Read anew each time, and counting what the machine slept through: a process that was stopped must
 * see that its leases have ended. */
static int64_t mono_ms(void *ctx)
{
    struct timespec t;

    (void)ctx;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
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

static struct schedule_answers answers(struct program *p)
{
    return schedule_answers_of(p->schedule);
}

static void on_claimed(void *owner, const struct schedule_claimed *c)
{
    answers(owner).claimed(((struct program *)owner)->schedule, c);
}

static void on_written(void *owner, uint64_t token, enum schedule_state state)
{
    answers(owner).written(((struct program *)owner)->schedule, token, state);
}

static void on_granted(void *owner, const struct schedule_grant *g)
{
    answers(owner).granted(((struct program *)owner)->schedule, g);
}

static void on_recipients(void *owner, const struct schedule_recipients_answer *a)
{
    answers(owner).recipients(((struct program *)owner)->schedule, a);
}

static void on_outbox(void *owner, const struct schedule_outbox *o)
{
    answers(owner).outbox(((struct program *)owner)->schedule, o);
}

static void on_woken(void *owner, unsigned shard, int64_t due_ms)
{
    answers(owner).woken(((struct program *)owner)->schedule, shard, due_ms);
}

static void on_reply(void *owner, const struct http_reply *reply)
{
    schedule_on_reply(((struct program *)owner)->schedule, reply);
}

static void on_report(void *owner, uint64_t token, bool delivered, const char *error)
{
    schedule_on_report(((struct program *)owner)->schedule, token, delivered, error);
}

/* ---- the end, in the order of what depends on what ---- */

static void on_closed(uv_handle_t *handle)
{
    (void)handle;
}

static void redis_gone(void *ctx)
{
    struct program *p = ctx;

    redis_schedule_free(p->store);
    p->redis = NULL;
    admin_free(p->admin);
    signals_free(p->signals);
    uv_close((uv_handle_t *)&p->turn, on_closed);
    uv_close((uv_handle_t *)&p->wake, on_closed);
    uv_close((uv_handle_t *)&p->deadline, on_closed);
}

static void http_gone(void *ctx)
{
    struct program *p = ctx;

    redis_wake_free(p->hints);
    redis_fsck_free(p->fsck);
    redis_close(p->redis, redis_gone, p);
}

static void sink_gone(void *ctx)
{
    struct program *p = ctx;

    http_client_close(p->http, http_gone, p);
}

/* Drained, or out of time: what is still out is said by whoever takes it over. */
static void close_all(struct program *p)
{
    if (p->closing)
        return;
    p->closing = true;
    kafka_sink_close(p->sink, CLOSE_MS, sink_gone, p);
}

static void on_deadline(uv_timer_t *timer)
{
    struct program *p = timer->data;

    notice_say(notice_log_port(p->log), NOTICE_WARN, "drain_ended",
               NOTICE_TEXT("reason", "schedule.drain is over; what is still out is repeated, and "
                                     "said to be, when its leases have ended"));
    close_all(p);
}

static void stop(struct program *p, const char *why)
{
    if (p->stopping)
        return;
    p->stopping = true;
    notice_say(notice_log_port(p->log), NOTICE_INFO, "stopping", NOTICE_TEXT("reason", why));
    schedule_drain(p->schedule);
    uv_timer_start(&p->deadline, on_deadline, (uint64_t)p->plan.schedule.drain_ms, 0);
}

/* ---- the turn ---- */

static void on_wake(uv_timer_t *timer)
{
    (void)timer; /* the turn comes with the loop's next iteration */
}

static void on_turn(uv_prepare_t *prepare)
{
    struct program *p = prepare->data;
    int64_t wait_ms;

    if (p->closing)
        return;
    wait_ms = schedule_turn(p->schedule);
    if (p->stopping && schedule_drained(p->schedule)) {
        close_all(p);
        return;
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
               NOTICE_TEXT("reason", "asked to twice; what was under way is repeated when its "
                                     "leases have ended, under the same keys"));
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
    struct schedule_conf tuning = p->plan.schedule;

    buf_init(&mistakes, MISTAKES_MAX);
    fresh = conf_load_for(p->file, USED_SCHEDULE, &mistakes);
    if (fresh == NULL) {
        notice_say(notice_log_port(p->log), NOTICE_ERROR, "reload_refused",
                   NOTICE_TEXT("reason", buf_text(&mistakes)));
        buf_done(&mistakes);
        return;
    }
    buf_done(&mistakes);
    conf_diff(p->conf, fresh, on_difference, p);
    schedule_plan_tuning(fresh, &tuning);
    schedule_retune(p->schedule, &tuning);
    notice_log_set_least(p->log, notice_log_level_of(conf_text(fresh, "log.level")));
    conf_free(fresh);
}

/* ---- what an operator sees ---- */

static bool on_ready(void *ctx, struct buf *why)
{
    struct program *p = ctx;
    bool ready = schedule_ready(p->schedule, why);

    if (kafka_sink_trouble(p->sink)[0] != '\0')
        ready = !buf_printf(why, "Kafka, outcomes: %s\n", kafka_sink_trouble(p->sink));
    if (redis_trouble(p->redis)[0] != '\0')
        ready = !buf_printf(why, "Redis: %s\n", redis_trouble(p->redis));
    return ready;
}

/* ---- the schedule checks itself, at the start and slowly from then on ---- */

static void on_repaired(void *ctx, const char *id_hex, struct view word, int64_t count)
{
    struct program *p = ctx;
    struct buf labels;

    buf_init(&labels, 128);
    stats_label(&labels, "what", word);
    stat_add(stats_get(p->stats, STAT_COUNTER, "cmibridge_schedule_repairs_total",
                       buf_text(&labels), "What was wrong in the schedule, and was repaired"),
             count);
    buf_done(&labels);
    notice_say(notice_log_port(p->log), NOTICE_WARN, "schedule_repaired", NOTICE_TEXT("id", id_hex),
               NOTICE_VIEW("what", word), NOTICE_INT("count", count));
}

static void on_checked(void *ctx, int64_t checked, int64_t found)
{
    struct program *p = ctx;

    notice_say(notice_log_port(p->log), NOTICE_INFO, "schedule_checked",
               NOTICE_INT("things", checked), NOTICE_INT("found", found));
}

static void start_fsck(struct program *p)
{
    const struct redis_fsck_conf conf = {
        .repair = true, .pace_ms = FSCK_PACE_MS, .rest_ms = FSCK_REST_MS};

    p->fsck = redis_fsck_new(&p->loop, p->redis, &conf,
                             (struct redis_fsck_owner){p, on_repaired, on_checked});
}

/* ---- the beginning ---- */

static void say_start(struct program *p)
{
    notice_say(notice_log_port(p->log), NOTICE_INFO, "started",
               NOTICE_TEXT("version", CMIBRIDGE_VERSION),
               NOTICE_INT("channels", (int64_t)p->plan.channels.channel_count),
               NOTICE_INT("senders", (int64_t)p->plan.schedule.sender_count),
               NOTICE_TEXT("dialler", p->plan.schedule.dialler >= 0 ? "yes" : "no"),
               NOTICE_INT("lease_ms", p->plan.schedule.lease_ms),
               NOTICE_INT("admin_port", admin_port(p->admin)));
}

static bool start_store(struct program *p, struct fault *f)
{
    const struct notice *log = notice_log_port(p->log);
    struct redis_schedule_conf conf = {.retention_ms = p->plan.schedule.retention_ms,
                                       .outbox_max = p->plan.outbox_max};
    const struct schedule_answers to = {
        p, on_claimed, on_written, on_granted, on_recipients, on_outbox, on_woken};

    crypto_random(conf.owner, sizeof conf.owner);
    p->redis = redis_new(&p->loop, &p->plan.redis, log, f);
    if (p->redis == NULL)
        return fault_add(f, "redis.address");
    p->store = redis_schedule_new(p->redis, &conf, &to, log);
    p->hints = redis_wake_new(&p->loop, p->redis, &p->plan.redis, on_woken, p);
    start_fsck(p);
    return true;
}

static bool start_peers(struct program *p, struct fault *f)
{
    const struct notice *log = notice_log_port(p->log);
    const char *topics[1] = {p->plan.schedule.outcomes_topic};
    struct admin_owner owner = {p, on_ready, NULL};
    struct signals_owner signals = {p, on_drain, on_stop, on_reload};
    struct schedule_ports ports = {
        .clock = {p, mono_ms, wall_ms, random_bits}, .log = log, .stats = p->stats};

    if (!start_store(p, f))
        return false;
    p->http = http_client_new(&p->loop, p->plan.http, p->plan.channels.route_count, on_reply, p, f);
    if (p->http == NULL)
        return fault_add(f, "channels");
    p->sink = kafka_sink_new(&p->loop, &p->plan.kafka, topics, topics[0] != NULL ? 1 : 0, log,
                             on_report, p, f);
    if (p->sink == NULL)
        return fault_add(f, "kafka");
    ports.schedule = redis_schedule_port(p->store);
    ports.http = http_client_port(p->http);
    ports.sink = kafka_sink_port(p->sink);
    p->schedule = schedule_new(&p->plan.schedule, &ports);
    p->admin = admin_new(&p->loop, conf_text(p->conf, "admin.listen"), p->stats, owner, f);
    if (p->admin == NULL)
        return fault_add(f, "admin.listen");
    p->signals = signals_new(&p->loop, &signals, f);
    return p->signals != NULL;
}

static int run(struct program *p)
{
    struct fault f = {0};

    uv_loop_init(&p->loop);
    crypto_random(&p->rng.state, sizeof p->rng.state);
    p->stats = stats_new();
    if (!start_peers(p, &f)) {
        fprintf(stderr, "cmibridge schedule: %s\n", f.text);
        /* Half-made parts go with the process. */
        fflush(stderr);
        _Exit(f.cls == FAULT_REJECT ? COMMAND_CONFIG : COMMAND_UNAVAILABLE);
    }
    uv_timer_init(&p->loop, &p->wake);
    uv_timer_init(&p->loop, &p->deadline);
    p->deadline.data = p;
    uv_prepare_init(&p->loop, &p->turn);
    p->turn.data = p;
    uv_prepare_start(&p->turn, on_turn);
    say_start(p);
    uv_run(&p->loop, UV_RUN_DEFAULT);
    notice_say(notice_log_port(p->log), NOTICE_INFO, "stopped", NOTICE_INT("exit_code", 0));
    schedule_free(p->schedule);
    stats_free(p->stats);
    uv_loop_close(&p->loop);
    return COMMAND_OK;
}

static int load_and_run(struct program *p)
{
    struct buf mistakes;
    struct fault f = {0};
    int code = COMMAND_CONFIG;

    buf_init(&mistakes, MISTAKES_MAX);
    p->conf = conf_load_for(p->file, USED_SCHEDULE, &mistakes);
    if (p->conf == NULL) {
        fputs(buf_text(&mistakes), stderr);
    } else if (!schedule_plan_make(p->conf, wall_ms(NULL), &p->plan, &f)) {
        fprintf(stderr, "%s: %s\n", p->file != NULL ? p->file : "configuration", f.text);
    } else {
        p->log = notice_log_new(&(struct notice_log_conf){
            .fd = 2,
            .format = notice_log_format_of(conf_text(p->conf, "log.format")),
            .least = notice_log_level_of(conf_text(p->conf, "log.level"))});
        code = run(p);
        notice_log_free(p->log);
        schedule_plan_done(&p->plan);
    }
    conf_free(p->conf);
    buf_done(&mistakes);
    return code;
}

static void print_help(FILE *to)
{
    fputs(
        "usage: cmibridge schedule [--config FILE]\n"
        "       cmibridge schedule fsck [OPTION]...\n\n"
        "Sends messages through channels and makes callbacks through a dialler, when they are\n"
        "due. Any number of processes share the work. SIGTERM ends it when what is under way has\n"
        "ended (schedule.drain at most); SIGHUP reads the configuration again.\n\n"
        "Exit code: 0 asked to end; 3 mistakes in the configuration; 4 a port or peer could not\n"
        "be had.\n",
        to);
}

int command_schedule(int argc, char **argv)
{
    static struct program program;

    if (argc > 1 && strcmp(argv[1], "fsck") == 0)
        return command_fsck(argc - 1, argv + 1);
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_help(stdout);
        return COMMAND_OK;
    }
    if (argc == 3 && strcmp(argv[1], "--config") == 0) {
        program.file = argv[2];
    } else if (argc != 1) {
        print_help(stderr);
        return COMMAND_USAGE;
    }
    crypto_init();
    return load_and_run(&program);
}
