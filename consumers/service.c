#include "consumers/service.h"

#include "bridge/commands.h"
#include "bridge/io/admin.h"
#include "bridge/io/crypto.h"
#include "bridge/io/notice_log.h"
#include "bridge/io/signals.h"
#include "consumers/kafka_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

const struct notice *service_log(const struct service *s)
{
    return notice_log_port(s->log);
}

unsigned service_admin_port(const struct service *s)
{
    return admin_port(s->admin);
}

/* ---- the clock ---- */

static int64_t turn_ms(void *ctx)
{
    return (int64_t)uv_now(&((struct service *)ctx)->loop);
}

/* Counts what the machine slept through: a process that was stopped must see that its leases have
 * ended. */
static int64_t boot_ms(void *ctx)
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
    return rng_next(&((struct service *)ctx)->rng);
}

struct clock_port service_clock(struct service *s)
{
    return (struct clock_port){s, s->kind->clock_in_turn ? boot_ms : turn_ms, wall_ms, random_bits};
}

/* ---- the turn ---- */

static void on_wake(uv_timer_t *timer)
{
    (void)timer; /* the turn comes with the loop's next iteration */
}

static void on_turn(uv_prepare_t *prepare)
{
    struct service *s = prepare->data;
    int64_t wait_ms;

    if (s->ended)
        return;
    wait_ms = s->kind->turn(s);
    if (s->ended)
        return;
    if (wait_ms < 0)
        uv_timer_stop(&s->wake);
    else
        uv_timer_start(&s->wake, on_wake, (uint64_t)wait_ms, 0);
}

void service_stop(struct service *s, const char *why)
{
    if (s->stopping)
        return;
    s->stopping = true;
    snprintf(s->why, sizeof s->why, "%s", why);
    notice_say(service_log(s), NOTICE_INFO, "stopping", NOTICE_TEXT("reason", why));
    s->kind->stop(s);
}

static void on_left_behind(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* A worker may sit in a library that doesn't come back, and would hold the loop open. */
void service_end(struct service *s)
{
    s->ended = true;
    admin_free(s->admin);
    signals_free(s->signals);
    uv_close((uv_handle_t *)&s->prepare, NULL);
    uv_update_time(&s->loop);
    uv_timer_start(&s->wake, on_left_behind, SERVICE_END_MS, 0);
    uv_unref((uv_handle_t *)&s->wake);
}

/* ---- signals ---- */

static void on_drain(void *ctx)
{
    service_stop(ctx, "asked to");
}

static void on_stop(void *ctx)
{
    struct service *s = ctx;

    notice_say(service_log(s), NOTICE_WARN, "stopped_at_once",
               NOTICE_TEXT("reason", s->kind->repeated));
    notice_log_free(s->log);
    _Exit(COMMAND_FAILED);
}

/* The running conf stays the one that the texts of the plan come from; the new one only tunes. */
static void on_reload(void *ctx)
{
    struct service *s = ctx;
    const struct conf *fresh = reload_read(&s->reload, service_log(s));

    if (fresh == NULL)
        return;
    s->kind->retune(s, fresh);
    notice_log_set_least(s->log, notice_log_level_of(conf_text(fresh, "log.level")));
    reload_say_taken(&s->reload, service_log(s));
}

/* ---- the address for operators ---- */

static bool on_ready(void *ctx, struct buf *why)
{
    struct service *s = ctx;

    return s->kind->ready(s, why);
}

static void on_refresh(void *ctx)
{
    struct service *s = ctx;

    if (s->kind->refresh != NULL)
        s->kind->refresh(s);
}

/* ---- the beginning ---- */

static void say_warnings(struct service *s)
{
    for (size_t i = 0; conf_warning(s->conf, i) != NULL; i++)
        notice_say(service_log(s), NOTICE_WARN, "setting_doubtful",
                   NOTICE_TEXT("what", conf_warning(s->conf, i)));
}

static bool start(struct service *s, struct fault *f)
{
    const struct admin_owner admin = {s, on_ready, on_refresh};
    const struct signals_owner signals = {s, on_drain, on_stop, on_reload};

    if (!s->kind->start(s, f))
        return false;
    s->admin = admin_new(&s->loop, conf_text(s->conf, "admin.listen"), s->stats, admin, f);
    if (s->admin == NULL)
        return fault_add(f, "admin.listen");
    s->signals = signals_new(&s->loop, &signals, f);
    return s->signals != NULL;
}

/* The last line: of one that ended itself it says why, for who sees no other. */
static void say_stopped(struct service *s)
{
    if (s->exit_code == COMMAND_OK)
        notice_say(service_log(s), NOTICE_INFO, "stopped", NOTICE_INT("exit_code", s->exit_code));
    else
        notice_say(service_log(s), NOTICE_ERROR, "stopped", NOTICE_INT("exit_code", s->exit_code),
                   NOTICE_TEXT("reason", s->why));
}

static void run(struct service *s)
{
    struct fault f = {0};

    uv_loop_init(&s->loop);
    crypto_random(&s->rng.state, sizeof s->rng.state);
    s->stats = stats_new();
    if (!start(s, &f)) {
        fprintf(stderr, "cmibridge %s: %s\n", s->kind->name, f.text);
        /* Half-made parts go with the process. */
        fflush(stderr);
        _Exit(f.cls == FAULT_REJECT ? COMMAND_CONFIG : COMMAND_UNAVAILABLE);
    }
    uv_timer_init(&s->loop, &s->wake);
    uv_prepare_init(&s->loop, &s->prepare);
    s->prepare.data = s;
    uv_prepare_start(&s->prepare, on_turn);
    say_warnings(s);
    s->kind->started(s);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    say_stopped(s);
    if (uv_loop_alive(&s->loop)) { /* threads still use what would be freed */
        notice_log_free(s->log);
        _Exit(s->exit_code);
    }
    uv_close((uv_handle_t *)&s->wake, NULL);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    s->kind->done(s);
    stats_free(s->stats);
    uv_loop_close(&s->loop);
}

static int load_and_run(struct service *s, const char *file)
{
    struct buf mistakes;
    struct fault f = {0};

    buf_init(&mistakes, RELOAD_MISTAKES_MAX);
    s->conf = conf_load_checked(file, s->kind->users, kafka_check_properties, &mistakes);
    s->reload = (struct reload){
        .file = file, .users = s->kind->users, .also = kafka_check_properties, .runs = s->conf};
    if (s->conf == NULL) {
        fputs(buf_text(&mistakes), stderr);
        s->exit_code = COMMAND_CONFIG;
    } else if (!s->kind->make(s, &f)) {
        fprintf(stderr, "%s: %s\n", file != NULL ? file : "configuration", f.text);
        s->exit_code = COMMAND_CONFIG;
    } else {
        s->log = notice_log_new(&(struct notice_log_conf){
            .fd = 2,
            .format = notice_log_format_of(conf_text(s->conf, "log.format")),
            .least = notice_log_level_of(conf_text(s->conf, "log.level"))});
        run(s);
        notice_log_free(s->log);
    }
    reload_done(&s->reload);
    conf_free(s->conf);
    buf_done(&mistakes);
    return s->exit_code;
}

int service_main(struct service *s, const struct service_kind *kind, int argc, char **argv)
{
    const char *file = NULL;

    s->kind = kind;
    if (command_asks_help(argc, argv)) {
        fputs(kind->help, stdout);
        return COMMAND_OK;
    }
    if (argc == 3 && command_is_config(argv[1])) {
        file = argv[2];
    } else if (argc != 1) {
        fputs(kind->help, stderr);
        return COMMAND_USAGE;
    }
    signals_hold();
    crypto_init();
    return load_and_run(s, file);
}
