/* serve: `cmibridge serve`, from the configuration to the exit code. */
#include "bridge/commands.h"
#include "bridge/core/mem.h"
#include "bridge/io/admin.h"
#include "bridge/io/crypto.h"
#include "bridge/io/notice_log.h"
#include "bridge/io/signals.h"
#include "config/conf.h"
#include "config/conf_redis.h"
#include "config/reload.h"
#include "config/schema.h"
#include "server/access.h"
#include "server/backup.h"
#include "server/consents_move.h"
#include "server/control.h"
#include "server/erase.h"
#include "server/foundation.h"
#include "server/history.h"
#include "server/openapi.h"
#include "server/purge.h"
#include "server/queues.h"
#include "server/receipts.h"
#include "server/retention.h"
#include "server/scripts.h"
#include "server/translations.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#define NS_PER_S        UINT64_C(1000000000)
#define TROUBLE_SHOWN_S 30

struct serve {
    struct server server;
    uv_loop_t loop;
    uv_timer_t stop;
    struct conf *conf;
    struct reload reload;
    struct notice_log *log;
    struct queues *queues;
    struct receipts *receipts;
    struct access access;
    struct translations *translations;
    struct front *front;
    struct foundation foundation;
    struct purge *purge;
    struct consents_move *consents_move;
    struct retention *retention;
    struct erase *erase;
    struct backup *backup;
    struct control *control;
    struct http_server *http;
    struct admin *admin;
    struct signals *signals;
    struct stat *connections;
    struct stat *under_way;
    struct stat *store_up;
    uint64_t drain_ms; /* for what is under way to end, at a stop */
    bool draining;
    bool stopped;
    int exit_code;
};

/* ---- configuration ---- */

/* "translations.fi.InQueue" */
static void read_translation(void *ctx, const char *path, const char *text, bool secret,
                             const char *origin)
{
    struct view rest = view_of(path);
    struct view language = VIEW_NONE;

    (void)secret;
    (void)origin;
    if (!view_is(view_cut(&rest, '.'), "translations"))
        return;
    language = view_cut(&rest, '.');
    translations_add(ctx, language, rest, view_of(text));
}

static void read_translations(struct serve *s)
{
    s->translations = translations_new();
    conf_each(s->conf, read_translation, s->translations);
    s->server.translations = s->translations;
}

static void read_settings(struct serve *s)
{
    const struct conf *c = s->conf;

    s->drain_ms = (uint64_t)conf_ms(c, "server.drain");
    s->server.remarks_max_bytes = conf_bytes(c, "limits.remarks");
    s->server.body_max_bytes = conf_bytes(c, "limits.body");
    s->server.callback_delay_ms = conf_ms(c, "callbacks.delay");
    s->server.callback_retry_delay_ms = conf_ms(c, "callbacks.retry_delay");
    s->server.callback_max_calls = conf_int(c, "callbacks.max_calls");
    s->server.callback_ivr = conf_text(c, "callbacks.ivr_number");
    s->server.retention_ms = conf_ms(c, "retention");
    s->server.wrapup_max_ms = conf_ms(c, "wrapup.max");
    for (unsigned i = 0; i < AGE_KINDS; i++) {
        char path[64];

        snprintf(path, sizeof path, "history.retention.%s", age_name(i));
        s->server.ages.ms[i] = conf_has(c, path) ? conf_ms(c, path) : 0;
    }
}

/* ---- the end ---- */

static void stop(struct serve *s)
{
    if (s->stopped)
        return;
    s->stopped = true;
    purge_free(s->purge);
    consents_move_free(s->consents_move);
    foundation_stop(&s->foundation);
    retention_free(s->retention);
    erase_free(s->erase);
    backup_free(s->backup);
    control_free(s->control);
    /* Whoever waits is answered here, so that every visit has ended. */
    access_stop(&s->access);
    history_close(s->server.history, NULL, NULL);
    if (s->server.redis != NULL)
        redis_close(s->server.redis, NULL, NULL);
    http_server_free(s->http);
    admin_free(s->admin);
    signals_free(s->signals);
    uv_close((uv_handle_t *)&s->stop, NULL);
}

static void on_stop(uv_timer_t *timer)
{
    stop(timer->data);
}

/* Not at once: the callers are in the middle of what is to be closed. */
static void stop_soon(void *ctx)
{
    struct serve *s = ctx;

    if (!s->stopped)
        uv_timer_start(&s->stop, on_stop, 0, 0);
}

static void drain(void *ctx)
{
    struct serve *s = ctx;

    if (s->draining)
        return;
    s->draining = true;
    notice_say(s->server.log, NOTICE_INFO, "draining",
               NOTICE_INT("under_way", (int64_t)front_under_way(s->front)));
    uv_timer_start(&s->stop, on_stop, s->drain_ms, 0);
    http_server_drain(s->http, stop_soon, s);
}

static void on_unsound(void *ctx, const struct fault *f)
{
    struct serve *s = ctx;

    notice_say(s->server.log, NOTICE_ERROR, "store_unsound", NOTICE_TEXT("error", f->text));
    s->exit_code = COMMAND_STOPPED;
    stop_soon(s);
}

/* Each by itself: what has a mistake holds nothing else up. */
static void reload(void *ctx)
{
    struct serve *s = ctx;
    const struct conf *fresh = reload_read(&s->reload, s->server.log);

    if (fresh != NULL) {
        notice_log_set_least(s->log, notice_log_level_of(conf_text(fresh, "log.level")));
        reload_say_taken(&s->reload, s->server.log);
    }
    access_reload(&s->access);
}

/* ---- admin ---- */

/* Only writes find out whether the disk is well again, so what one of them told is believed for a
 * while only: who sends nothing to a server that is not ready would wait for ever. */
static void put_history_trouble(const struct serve *s, struct buf *why)
{
    uint64_t at_ns;
    const char *trouble = history_trouble(s->server.history, &at_ns);
    uint64_t ago_s = (uv_hrtime() - at_ns) / NS_PER_S;

    if (history_damage(s->server.history) != NULL)
        buf_printf(why, "the history is damaged: %s\n", history_damage(s->server.history));
    else if (trouble != NULL && ago_s < TROUBLE_SHOWN_S)
        buf_printf(why, "a write failed %d s ago: %s\n", (int)ago_s, trouble);
}

static bool ready(void *ctx, struct buf *why)
{
    const struct serve *s = ctx;

    if (s->draining)
        buf_put_text(why, "the server is draining\n");
    if (!redis_up(s->server.redis))
        buf_printf(why, "Redis is away: %s\n", redis_trouble(s->server.redis));
    else if (!s->foundation.sound)
        buf_put_text(why, "what Redis holds is being looked at\n");
    if (redis_refusal(s->server.redis)[0] != '\0')
        buf_printf(why, "%s\n", redis_refusal(s->server.redis));
    put_history_trouble(s, why);
    return why->n == 0;
}

static void refresh(void *ctx)
{
    struct serve *s = ctx;

    stat_set(s->connections, (int64_t)http_server_connections(s->http));
    stat_set(s->under_way, (int64_t)front_under_way(s->front));
    stat_set(s->store_up, s->foundation.sound && redis_refusal(s->server.redis)[0] == '\0');
}

/* ---- the start ---- */

static bool start_redis(struct serve *s, struct fault *f)
{
    struct redis_conf conf = conf_redis(s->conf);

    conf.scheduled = true;
    scripts_init();
    s->server.redis = redis_new(&s->loop, &conf, s->server.log, f);
    if (s->server.redis == NULL)
        return false;
    s->foundation = (struct foundation){
        .server = &s->server, .front = s->front, .unsound = on_unsound, .ctx = s};
    foundation_start(&s->foundation);
    s->purge = purge_new(&s->server);
    s->consents_move = consents_move_new(&s->foundation);
    return true;
}

static bool start_http(struct serve *s, struct fault *f)
{
    const struct conf *c = s->conf;
    struct http_server_conf conf = {.address = conf_text(c, "server.listen"),
                                    .connections_max = (size_t)conf_int(c, "limits.connections"),
                                    .head_max_bytes = (size_t)conf_bytes(c, "limits.headers"),
                                    .bodies_max_bytes = (size_t)conf_bytes(c, "limits.bodies"),
                                    .answers_max_bytes = (size_t)conf_bytes(c, "limits.answers"),
                                    .bodies_kept_bytes = RECEIPT_BODY_MAX,
                                    .request_time_ms = conf_ms(c, "limits.request_time"),
                                    .tls = s->access.tls,
                                    .log = s->server.log};

    s->http = http_server_new(&s->loop, &conf, front_owner(s->front), f);
    return s->http != NULL;
}

static bool start_admin(struct serve *s, struct fault *f)
{
    struct admin_owner owner = {s, ready, refresh};

    s->connections = stats_get(s->server.stats, STAT_GAUGE, "cmibridge_http_connections", "",
                               "Connections open.");
    s->under_way = stats_get(s->server.stats, STAT_GAUGE, "cmibridge_http_requests_under_way", "",
                             "Requests whole and not yet answered.");
    s->store_up = stats_get(s->server.stats, STAT_GAUGE, "cmibridge_store_up", "",
                            "1 while Redis can be written to.");
    s->admin = admin_new(&s->loop, conf_text(s->conf, "admin.listen"), s->server.stats, owner, f);
    return s->admin != NULL;
}

static void on_control(void *ctx, struct control_call *call, struct view verb, struct view argument)
{
    struct serve *s = ctx;
    struct fault f;

    if (erase_takes(verb) && s->foundation.sound) {
        erase_ask(s->erase, call, verb, argument);
    } else if (view_is(verb, "backup")) {
        backup_ask(s->backup, call, argument);
    } else {
        fault_set(&f, FAULT_RETRY, "%s",
                  erase_takes(verb) ? "Redis is away" : "this cmibridge serve knows no such verb");
        control_fail(call, &f);
    }
}

/* Without the socket all else goes on. */
static void start_control(struct serve *s)
{
    const char *history = conf_text(s->conf, "history.file");
    struct fault f;

    s->erase = erase_new(&s->server, s->front, history);
    s->backup = backup_new(&s->server, history);
    s->control = control_new(&s->loop, history, on_control, s, &f);
    if (s->control == NULL)
        notice_say(s->server.log, NOTICE_WARN, "control_unavailable", NOTICE_TEXT("error", f.text));
}

static bool start(struct serve *s, struct fault *f)
{
    struct signals_owner signals = {s, drain, stop_soon, reload};
    struct history_conf history = {.file = conf_text(s->conf, "history.file"),
                                   .readers = (int)conf_int(s->conf, "history.readers"),
                                   .read_time_ms = conf_ms(s->conf, "history.read_time")};
    struct sign_on_conf sign_on = {
        .loop = &s->loop, .log = s->server.log, .stats = s->server.stats};

    if (!access_open(&s->access, s->conf, s->queues, &sign_on, f))
        return false;
    s->front = front_new(&s->server, s->access.sign_on);
    s->server.api_key_header = conf_text(s->conf, "server.api_key_header");
    front_allow_header(s->front, s->server.api_key_header);
    for (size_t i = 0; i < conf_count(s->conf, "server.cors.origins"); i++)
        front_allow_origin(s->front, conf_item(s->conf, "server.cors.origins", i));
    if (conf_has(s->conf, "server.tls.certificate"))
        front_https(s->front);
    for (size_t i = 0; openapi_tables[i] != NULL; i++)
        front_add(s->front, FRONT_BASE, openapi_tables[i]);
    front_add(s->front, FRONT_BASE, openapi_routes);
    front_add(s->front, "", ingest_routes);
    front_add(s->front, "", receipt_routes);
    if ((s->receipts = receipts_new(s->conf, f)) == NULL)
        return false;
    s->server.receipts = s->receipts;
    s->server.history = history_open(&s->loop, &history, s->server.log, s->server.stats, f);
    if (s->server.history == NULL)
        return false;
    s->retention = retention_new(&s->server);
    start_control(s);
    if (!start_redis(s, f) || !start_http(s, f) || !start_admin(s, f))
        return false;
    if ((s->signals = signals_new(&s->loop, &signals, f)) == NULL)
        return false;
    for (size_t i = 0; conf_warning(s->conf, i) != NULL; i++)
        notice_say(s->server.log, NOTICE_WARN, "setting_doubtful",
                   NOTICE_TEXT("what", conf_warning(s->conf, i)));
    notice_say(s->server.log, NOTICE_INFO, "listening",
               NOTICE_TEXT("cmi", conf_text(s->conf, "server.listen")),
               NOTICE_INT("cmi_port", http_server_port(s->http)),
               NOTICE_TEXT("admin", conf_text(s->conf, "admin.listen")),
               NOTICE_INT("admin_port", admin_port(s->admin)));
    return true;
}

static int run(struct serve *s)
{
    struct notice_log_conf log = {.fd = 2,
                                  .format = notice_log_format_of(conf_text(s->conf, "log.format")),
                                  .least = notice_log_level_of(conf_text(s->conf, "log.level"))};
    struct fault f = {0};
    int error = 0;

    s->log = notice_log_new(&log);
    s->server.log = notice_log_port(s->log);
    s->server.stats = stats_new();
    s->server.loop = &s->loop;
    error = uv_loop_init(&s->loop);
    assert(error == 0);
    (void)error;
    uv_timer_init(&s->loop, &s->stop);
    s->stop.data = s;
    read_settings(s);
    s->queues = access_queues(s->conf);
    read_translations(s);
    s->server.queues = s->queues;
    if (!start(s, &f)) {
        notice_say(s->server.log, NOTICE_ERROR, "not_started", NOTICE_TEXT("error", f.text));
        s->exit_code = f.cls == FAULT_REJECT ? COMMAND_CONFIG : COMMAND_UNAVAILABLE;
        stop(s);
    }
    uv_run(&s->loop, UV_RUN_DEFAULT);
    error = uv_loop_close(&s->loop);
    assert(error == 0); /* every handle was closed */
    notice_say(s->server.log, NOTICE_INFO, "stopped", NOTICE_INT("exit", s->exit_code));
    front_free(s->front);
    access_close(&s->access);
    queues_free(s->queues);
    receipts_free(s->receipts);
    translations_free(s->translations);
    stats_free(s->server.stats);
    notice_log_free(s->log);
    return s->exit_code;
}

static int print_openapi(void)
{
    struct buf text;
    bool ok;

    buf_init(&text, OPENAPI_MAX);
    openapi_write(OPENAPI_KEY_HEADER, &text);
    ok = puts(buf_text(&text)) >= 0 && fflush(stdout) == 0;
    buf_done(&text);
    return ok ? COMMAND_OK : COMMAND_UNAVAILABLE;
}

static const char usage[] =
    "usage: cmibridge serve [-c FILE | --config FILE]\n"
    "       cmibridge serve --print-openapi\n\n"
    "Serves the Contact Management Interface. SIGTERM ends it when the requests under way\n"
    "have been answered; SIGHUP reads the configuration, users and certificates again.\n\n"
    "  -c, --config FILE  the settings; without it, the environment alone\n"
    "  --print-openapi    print the description of what is served, and end\n\n"
    "Exit code: 0 asked to end; 2 wrong arguments; 3 mistakes in the configuration; 4 a port\n"
    "or peer could not be had; 5 it ended itself: what Redis holds is laid out otherwise.\n";

int command_serve(int argc, char **argv)
{
    struct serve s;
    struct buf mistakes;
    const char *file = NULL;
    int code = 0;

    if (command_asks_help(argc, argv)) {
        fputs(usage, stdout);
        return COMMAND_OK;
    }
    for (int i = 1; i < argc; i++) {
        if (command_is_config(argv[i]) && i + 1 < argc) {
            file = argv[++i];
        } else if (strcmp(argv[i], "--print-openapi") == 0) {
            return print_openapi();
        } else {
            fputs(usage, stderr);
            return COMMAND_USAGE;
        }
    }
    signals_hold();
    memset(&s, 0, sizeof s);
    crypto_init();
    buf_init(&mistakes, RELOAD_MISTAKES_MAX);
    s.conf = conf_load_for(file, USED_SERVE, &mistakes);
    if (s.conf == NULL) {
        fprintf(stderr, "%s", buf_text(&mistakes));
        buf_done(&mistakes);
        return COMMAND_CONFIG;
    }
    buf_done(&mistakes);
    s.reload = (struct reload){.file = file, .users = USED_SERVE, .runs = s.conf};
    code = run(&s);
    reload_done(&s.reload);
    conf_free(s.conf);
    return code;
}
