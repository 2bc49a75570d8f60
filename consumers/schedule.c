/*
 * schedule: the program that sends messages and makes callbacks when they are due: Redis, libcurl
 * and librdkafka around the loop of bridge/run/schedule.h, on one thread.
 */
#include "bridge/commands.h"
#include "bridge/io/crypto.h"
#include "bridge/io/kafka_sink.h"
#include "bridge/io/redis_fsck.h"
#include "bridge/io/redis_schedule.h"
#include "bridge/io/redis_wake.h"
#include "config/schema.h"
#include "consumers/schedule_conf.h"
#include "consumers/service.h"

#include <string.h>

#define FSCK_PACE_MS 20      /* between two things that are checked */
#define FSCK_REST_MS 3600000 /* between two rounds */
#define CLOSE_MS     5000    /* beyond schedule.drain, for the brokers' answers */
#define TOKENS_MS    500     /* at the start, for the channels' access tokens */

struct program {
    struct service service; /* the first */
    uv_timer_t deadline;    /* of the drain */
    struct schedule_plan plan;
    struct redis *redis;
    struct redis_schedule *store;
    struct redis_wake *hints;
    struct redis_fsck *fsck;
    struct tokens *http;
    int64_t begin_ms;        /* whatever tokens are there: by the loop's clock */
    struct kafka_sink *sink; /* NULL: outcomes are not told */
    struct schedule *schedule;
    bool closing;
};

static struct program *program_of(struct service *s)
{
    return (struct program *)s;
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

static void redis_gone(void *ctx)
{
    struct program *p = ctx;

    redis_schedule_free(p->store);
    p->redis = NULL;
    uv_close((uv_handle_t *)&p->deadline, NULL);
    service_end(&p->service);
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

    tokens_close(p->http, http_gone, p);
}

/* Drained, or out of time: what is still out is said by whoever takes it over. */
static void close_all(struct program *p)
{
    if (p->closing)
        return;
    p->closing = true;
    schedule_give_up(p->schedule);
    if (p->sink != NULL)
        kafka_sink_close(p->sink, CLOSE_MS, sink_gone, p);
    else
        sink_gone(p);
}

static void on_deadline(uv_timer_t *timer)
{
    struct program *p = timer->data;

    notice_say(service_log(&p->service), NOTICE_WARN, "drain_ended",
               NOTICE_TEXT("reason", "schedule.drain is over; what is still out is repeated, and "
                                     "said to be, when its leases have ended"));
    close_all(p);
}

static void stop(struct service *s)
{
    struct program *p = program_of(s);

    schedule_drain(p->schedule);
    uv_timer_start(&p->deadline, on_deadline, (uint64_t)p->plan.schedule.drain_ms, 0);
}

/* ---- the turn ---- */

/* What is due at the start does not go without its channel's token; but one that does not come
 * keeps its own channel waiting, not the others: that one is out of reach until then. */
static int64_t tokens_wait_ms(const struct program *p)
{
    int64_t wait_ms = p->begin_ms - (int64_t)uv_now(&p->service.loop);

    return tokens_settled(p->http) || p->service.stopping || wait_ms < 0 ? 0 : wait_ms;
}

static int64_t turn(struct service *s)
{
    struct program *p = program_of(s);
    int64_t wait_ms;

    if (p->closing)
        return -1;
    wait_ms = tokens_wait_ms(p);
    if (wait_ms > 0)
        return wait_ms;
    wait_ms = schedule_turn(p->schedule);
    if (s->stopping && schedule_drained(p->schedule)) {
        close_all(p);
        return -1;
    }
    return wait_ms;
}

static void retune(struct service *s, const struct conf *fresh)
{
    struct program *p = program_of(s);
    struct schedule_conf tuning = p->plan.schedule;

    schedule_plan_tuning(fresh, &tuning);
    schedule_retune(p->schedule, &tuning);
}

/* ---- what an operator sees ---- */

static bool ready(struct service *s, struct buf *why)
{
    struct program *p = program_of(s);
    bool is_ready = schedule_ready(p->schedule, why);

    is_ready = tokens_ready(p->http, why) && is_ready;
    if (p->sink != NULL && kafka_sink_trouble(p->sink)[0] != '\0')
        is_ready = !buf_printf(why, "Kafka, outcomes: %s\n", kafka_sink_trouble(p->sink));
    if (redis_trouble(p->redis)[0] != '\0')
        is_ready = !buf_printf(why, "Redis: %s\n", redis_trouble(p->redis));
    if (redis_refusal(p->redis)[0] != '\0')
        is_ready = !buf_printf(why, "%s\n", redis_refusal(p->redis));
    return is_ready;
}

/* ---- the schedule checks itself, at the start and slowly from then on ---- */

static void on_repaired(void *ctx, const char *id_hex, struct view word, int64_t count,
                        int64_t left)
{
    struct program *p = ctx;
    struct buf labels;

    buf_init(&labels, 128);
    stats_label(&labels, "what", word);
    stat_add(stats_get(p->service.stats, STAT_COUNTER, "cmibridge_schedule_repairs_total",
                       buf_text(&labels), "What was wrong in the schedule, and was repaired"),
             count - left);
    buf_done(&labels);
    notice_say(service_log(&p->service), left > 0 ? NOTICE_ERROR : NOTICE_WARN,
               left > 0 ? "schedule_not_repaired" : "schedule_repaired", NOTICE_TEXT("id", id_hex),
               NOTICE_VIEW("what", word), NOTICE_INT("count", count));
}

static void on_checked(void *ctx, int64_t checked, int64_t found, int64_t left)
{
    struct program *p = ctx;

    notice_say(service_log(&p->service), NOTICE_INFO, "schedule_checked",
               NOTICE_INT("things", checked), NOTICE_INT("found", found), NOTICE_INT("left", left));
    stat_set(stats_get(p->service.stats, STAT_GAUGE, "cmibridge_schedule_damaged", "",
                       "Damaged, and not to be repaired, at the last look at all of the schedule"),
             left);
}

static void start_fsck(struct program *p)
{
    const struct redis_fsck_conf conf = {
        .repair = true, .pace_ms = FSCK_PACE_MS, .rest_ms = FSCK_REST_MS};

    p->fsck = redis_fsck_new(&p->service.loop, p->redis, &conf,
                             (struct redis_fsck_owner){p, on_repaired, on_checked});
}

/* ---- the beginning ---- */

static bool make(struct service *s, struct fault *f)
{
    return schedule_plan_make(s->conf, service_clock(s).wall_ms(s), &program_of(s)->plan, f);
}

static bool start_store(struct program *p, struct fault *f)
{
    const struct notice *log = service_log(&p->service);
    struct redis_schedule_conf conf = {.retention_ms = p->plan.schedule.retention_ms,
                                       .outbox_max = p->plan.outbox_max};
    const struct schedule_answers to = {
        p, on_claimed, on_written, on_granted, on_recipients, on_outbox, on_woken};

    crypto_random(conf.owner, sizeof conf.owner);
    p->redis = redis_new(&p->service.loop, &p->plan.redis, log, f);
    if (p->redis == NULL)
        return fault_add(f, "redis.address");
    p->store = redis_schedule_new(p->redis, &conf, &to, log);
    p->hints = redis_wake_new(&p->service.loop, p->redis, &p->plan.redis, on_woken, p);
    start_fsck(p);
    return true;
}

static bool start_sink(struct program *p, struct sink_port *port, struct fault *f)
{
    const char *topics[1] = {p->plan.schedule.outcomes_topic};

    if (topics[0] == NULL)
        return true;
    p->sink = kafka_sink_new(&p->service.loop, &p->plan.kafka, topics, 1, service_log(&p->service),
                             on_report, p, f);
    if (p->sink == NULL)
        return fault_add(f, "kafka");
    *port = kafka_sink_port(p->sink);
    return true;
}

static bool start(struct service *s, struct fault *f)
{
    struct program *p = program_of(s);
    const struct notice *log = service_log(s);
    struct schedule_ports ports = {.clock = service_clock(s), .log = log, .stats = s->stats};

    if (!start_store(p, f))
        return false;
    p->http = tokens_new(&s->loop, p->plan.http, p->plan.tokens, p->plan.channels.route_count,
                         on_reply, p, log, f);
    if (p->http == NULL)
        return fault_add(f, "channels");
    p->begin_ms = (int64_t)uv_now(&s->loop) + TOKENS_MS;
    if (!start_sink(p, &ports.sink, f))
        return false;
    ports.schedule = redis_schedule_port(p->store);
    ports.http = tokens_port(p->http);
    p->schedule = schedule_new(&p->plan.schedule, &ports);
    uv_timer_init(&s->loop, &p->deadline);
    p->deadline.data = p;
    return true;
}

static void started(struct service *s)
{
    struct program *p = program_of(s);

    notice_say(service_log(s), NOTICE_INFO, "started", NOTICE_TEXT("version", CMIBRIDGE_VERSION),
               NOTICE_INT("channels", (int64_t)p->plan.channels.channel_count),
               NOTICE_INT("senders", (int64_t)p->plan.schedule.sender_count),
               NOTICE_TEXT("dialler", p->plan.schedule.dialler >= 0 ? "yes" : "no"),
               NOTICE_INT("lease_ms", p->plan.schedule.lease_ms),
               NOTICE_INT("admin_port", service_admin_port(s)));
}

static void done(struct service *s)
{
    schedule_free(program_of(s)->schedule);
    schedule_plan_done(&program_of(s)->plan);
}

static const struct service_kind kind = {
    .name = "schedule",
    .help = "usage: cmibridge schedule [-c FILE | --config FILE]\n"
            "       cmibridge schedule fsck [OPTION]...\n\n"
            "Sends messages through channels and makes callbacks through a dialler, when they "
            "are\ndue. Any number of processes share the work. SIGTERM ends it when what is "
            "under way has\nended (schedule.drain at most); SIGHUP reads the configuration "
            "again.\n\n"
            "Exit code: 0 asked to end; 3 mistakes in the configuration; 4 a port or peer could "
            "not\nbe had.\n",
    .users = USED_SCHEDULE,
    .repeated = "asked to twice; what was under way is repeated when its leases have ended, under "
                "the same keys",
    .clock_in_turn = true,
    .make = make,
    .start = start,
    .started = started,
    .turn = turn,
    .stop = stop,
    .retune = retune,
    .ready = ready,
    .done = done,
};

int command_schedule(int argc, char **argv)
{
    static struct program program;

    if (argc > 1 && strcmp(argv[1], "fsck") == 0)
        return command_fsck(argc - 1, argv + 1);
    return service_main(&program.service, &kind, argc, argv);
}
