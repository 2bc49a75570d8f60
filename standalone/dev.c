/*
 * dev: `cmibridge dev`, all of it on one machine: a Kafka broker and a Redis of its own, the CMI,
 * and the consumer between them, the scheduler and a pretend carrier (parts.h). It lives in one
 * directory (site.h).
 */
#include "bridge/commands.h"
#include "bridge/core/base64.h"
#include "bridge/core/num.h"
#include "bridge/io/crypto.h"
#include "bridge/io/signals.h"
#include "config/conf.h"
#include "config/schema.h"
#include "standalone/endpoints.h"
#include "standalone/settings.h"
#include "standalone/supervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

#define DEFAULT_DIR  ".cmibridge"
#define DEFAULT_PORT 8080
#define TELL_MAX     65536
#define LOOK_MS      100 /* between looks at whether it is to end, while it waits */
#define MISTAKES_MAX 65536

struct arguments {
    const char *dir;
    const char *config;
    int64_t cmi_port;
};

struct dev {
    struct plan plan;
    struct supervisor *supervisor; /* NULL: nothing was started yet */
    struct signals *signals;
    uv_loop_t loop;
    uv_idle_t turn; /* keeps the loop alive for a look */
    bool told;      /* to end */
    int exit;
};

static const char usage[] =
    "usage: cmibridge dev [--dir DIR] [-c FILE | --config FILE] [--cmi-port N]\n"
    "\n"
    "Runs everything on this machine, on loopback: a Kafka broker, a Redis, the CMI, the "
    "consumer,\nthe scheduler, and a pretend carrier and dialler.\n"
    "\n"
    "  --dir DIR      where it lives and keeps its things (" DEFAULT_DIR ")\n"
    "  --config FILE  settings of your own, laid over the built-in ones\n"
    "  --cmi-port N   the CMI's port (8080); 0 takes a free one\n"
    "\n"
    "When all is ready, DIR/endpoints.json says where. Ctrl-C ends it; what Redis and the history\n"
    "hold is kept in DIR for the next start, what the embedded Kafka broker holds is not.\n";

static int say(int code, const char *sentence)
{
    fprintf(stderr, "cmibridge dev: %s\n", sentence);
    return code;
}

/* COMMAND_OK: go on. */
static int read_arguments(int argc, char **argv, struct arguments *out)
{
    *out = (struct arguments){.dir = DEFAULT_DIR, .cmi_port = DEFAULT_PORT};
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--dir") == 0 && value[0] != '\0') {
            out->dir = value;
        } else if ((strcmp(argv[i], "-c") == 0 || strcmp(argv[i], "--config") == 0) &&
                   value[0] != '\0') {
            out->config = value;
        } else if (strcmp(argv[i], "--cmi-port") == 0) {
            if (!num_in(view_of(value), 0, 65535, &out->cmi_port))
                return say(COMMAND_USAGE, "--cmi-port wants a number, 0 to 65535");
        } else {
            fprintf(stderr, "cmibridge dev: %s%s\n\n%s", argv[i],
                    value[0] == '\0' ? " is not known, or lacks its value" : " is not known",
                    usage);
            return COMMAND_USAGE;
        }
    }
    return COMMAND_OK;
}

/* ---- the plan ---- */

/* The children read the environment after the file. path: as settings_drop's. */
static void own_environment(const char *path)
{
    char variable[SCHEMA_PATH_MAX];
    size_t n = strlen(schema_environment_name(path, variable));
    const bool all = path[strlen(path) - 1] == '.';
    char **e = environ;

    while (*e != NULL) {
        char name[SCHEMA_PATH_MAX];

        if (strncmp(*e, variable, n) != 0 || (!all && (*e)[n] != '=')) {
            e++;
            continue;
        }
        if (strcspn(*e, "=") >= sizeof name || strchr(*e, '=') == NULL) {
            e++; /* the name of no setting */
            continue;
        }
        view_copy((struct view){*e, strcspn(*e, "=")}, name, sizeof name);
        if (unsetenv(name) != 0) {
            e++;
            continue;
        }
        fprintf(stderr, "cmibridge dev: %s is not used; dev decides it\n", name);
        e = environ; /* which may have moved */
    }
}

static void own(struct plan *p, const char *path, const char *text)
{
    settings_set(p->settings, path, text);
    own_environment(path);
}

/* What decides where our Redis and our broker are, and how they are signed on to. */
static void own_connections(struct plan *p)
{
    static const char *const prefixes[] = {"redis.",
                                           "kafka.properties.security.protocol",
                                           "kafka.properties.sasl.",
                                           "kafka.properties.ssl.",
                                           "kafka.properties.enable.sasl.",
                                           "kafka.properties.enable.ssl."};

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        settings_drop(p->settings, prefixes[i]);
        own_environment(prefixes[i]);
    }
}

/* What the carrier's receipts are signed with: another one at each start. */
static void own_secret(struct plan *p)
{
    uint8_t key[32];
    struct buf text;

    crypto_random(key, sizeof key);
    buf_init(&text, 128);
    buf_put_text(&text, "whsec_");
    base64_encode((struct view){(const char *)key, sizeof key}, &text);
    own(p, "channels.carrier.signing_secret", buf_text(&text));
    buf_done(&text);
}

static void own_settings(struct plan *p)
{
    char text[SITE_PATH_MAX];

    own_connections(p);
    /* Until the broker has said where it is: complete, and no place that anything could reach. */
    own(p, "kafka.brokers", "127.0.0.1:1");
    (void)snprintf(text, sizeof text, "unix:%s", p->site.redis_socket);
    own(p, "redis.address", text);
    (void)snprintf(text, sizeof text, "127.0.0.1:%u", p->cmi.number);
    own(p, "server.listen", text);
    own(p, "admin.listen", "127.0.0.1:0"); /* each program is told its own (child.c) */
    (void)snprintf(text, sizeof text, "http://127.0.0.1:%u/RI/cmi", p->cmi.number);
    own(p, "targets.main.url", text);
    (void)snprintf(text, sizeof text, "http://127.0.0.1:%u/messages", p->carrier.number);
    own(p, "channels.carrier.url", text);
    own_secret(p);
    (void)snprintf(text, sizeof text, "http://127.0.0.1:%u/calls", p->carrier.number);
    own(p, "callbacks.dialler.url", text);
    own(p, "history.file", site_path(&p->site, "history.sqlite", text));
}

static void tell_replaced(const struct plan *p, const char *file)
{
    size_t at = 0;
    unsigned line;
    const char *path;

    while ((path = settings_replaced(p->settings, &at, &line)) != NULL)
        fprintf(stderr, "cmibridge dev: %s:%u: %s is not used; dev decides it\n", file, line, path);
}

/* A pattern names no topic that could be made: nothing would ever be read. */
static bool plan_topics(struct plan *p, const struct conf *c)
{
    size_t n = conf_count(c, "kafka.topics");

    for (size_t i = 0; i < n && i < PLAN_TOPICS_MAX; i++) {
        const char *topic = conf_item(c, "kafka.topics", i);

        if (topic[0] == '^') {
            fprintf(stderr,
                    "cmibridge dev: kafka.topics is the pattern '%s'; dev makes the topics, so it "
                    "needs their names\n",
                    topic);
            return false;
        }
        words_add(&p->topics, "%s:%d", topic, PLAN_PARTITIONS);
    }
    if (conf_text(c, "kafka.results_topic")[0] != '\0')
        words_add(&p->topics, "%s:%d", conf_text(c, "kafka.results_topic"), PLAN_ANSWER_PARTS);
    if (conf_text(c, "kafka.outcomes_topic")[0] != '\0')
        words_add(&p->topics, "%s:%d", conf_text(c, "kafka.outcomes_topic"), PLAN_ANSWER_PARTS);
    words_add(&p->topics, "%s:%d", conf_text(c, "kafka.dead_letters_topic"), PLAN_ANSWER_PARTS);
    return true;
}

static int plan_settings(struct plan *p, const char *file)
{
    struct buf mistakes;
    struct conf *c = NULL;
    bool ok;

    buf_init(&mistakes, MISTAKES_MAX);
    p->settings = settings_new(file, &mistakes);
    if (p->settings != NULL) {
        own_settings(p);
        tell_replaced(p, file);
        c = settings_conf(p->settings, &mistakes);
    }
    if (c == NULL)
        fprintf(stderr, "%s", buf_text(&mistakes));
    p->signs_on = c != NULL && conf_has(c, "server.users");
    ok = c != NULL && plan_topics(p, c);
    conf_free(c);
    buf_done(&mistakes);
    return ok ? COMMAND_OK : COMMAND_CONFIG;
}

static void on_turn(uv_idle_t *turn)
{
    (void)turn;
}

static bool is_told(struct dev *d)
{
    uv_idle_start(&d->turn, on_turn);
    uv_run(&d->loop, UV_RUN_NOWAIT);
    uv_idle_stop(&d->turn);
    return d->told;
}

/* Two servers on one file of Redis, or two schedulers, are one too many. */
static bool await_quiet(struct dev *d, struct fault *f)
{
    const struct site *site = &d->plan.site;

    if (site_quiet(site, 0))
        return true;
    fprintf(stderr,
            "cmibridge dev: waiting for what an earlier one has started here, and which is ending; "
            "%d s at most\n",
            SITE_WAIT_MS / 1000);
    for (int waited_ms = 0; waited_ms < SITE_WAIT_MS; waited_ms += LOOK_MS)
        if (site_quiet(site, LOOK_MS) || is_told(d))
            return true;
    return fault_set(f, FAULT_RETRY,
                     "something that an earlier cmibridge dev has started in %.120s still runs; "
                     "end it, or choose another directory with --dir",
                     site->dir);
}

static bool hold_ports(struct plan *p, unsigned cmi_port, struct fault *f)
{
    if (!port_hold(&p->cmi, cmi_port, f))
        return cmi_port == 0 ? false : fault_add(f, "--cmi-port 0 takes a free one");
    if (!port_hold(&p->carrier, 0, f))
        return false;
    for (size_t i = 0; i < part_count; i++)
        if (parts[i].has_admin && !port_hold(&p->admin[i], 0, f))
            return false;
    return true;
}

static void plan_done(struct plan *p)
{
    port_let_go(&p->cmi);
    port_let_go(&p->carrier);
    for (size_t i = 0; i < PARTS_MAX; i++)
        port_let_go(&p->admin[i]);
    words_done(&p->topics);
    settings_free(p->settings);
    site_close(&p->site);
}

static int plan_make(struct dev *d, const struct arguments *a)
{
    struct plan *p = &d->plan;
    struct fault f = {0};
    size_t program_n = sizeof p->program;

    *p = (struct plan){.site = {.lock = -1, .parts = -1}, .cmi.fd = -1, .carrier.fd = -1};
    for (size_t i = 0; i < PARTS_MAX; i++)
        p->admin[i].fd = -1;
    if (uv_exepath(p->program, &program_n) != 0)
        return say(COMMAND_FAILED, "this program can't find itself: /proc is not there");
    if (!site_open(&p->site, a->dir, &f))
        return say(f.cls == FAULT_RETRY ? COMMAND_UNAVAILABLE : COMMAND_FAILED, f.text);
    endpoints_remove(p);
    if (!await_quiet(d, &f))
        return say(COMMAND_UNAVAILABLE, f.text);
    if (d->told)
        return COMMAND_OK;
    if (!hold_ports(p, (unsigned)a->cmi_port, &f))
        return say(f.cls == FAULT_RETRY ? COMMAND_UNAVAILABLE : COMMAND_FAILED, f.text);
    (void)site_path(&p->site, "cmibridge.yaml", p->config);
    return plan_settings(p, a->config);
}

/* ---- the run ---- */

static void on_up(void *ctx)
{
    struct dev *d = ctx;
    struct fault f = {0};
    struct buf text;

    if (!endpoints_write(&d->plan, &f)) {
        supervisor_fail(d->supervisor, f.text);
        return;
    }
    buf_init(&text, TELL_MAX);
    endpoints_tell(&d->plan, &text);
    fputs(buf_text(&text), stdout);
    (void)fflush(stdout); /* nobody may be reading; endpoints.json says the same */
    buf_done(&text);
}

static void on_down(void *ctx, const char *why)
{
    struct dev *d = ctx;

    if (why != NULL)
        d->exit = say(COMMAND_FAILED, why);
    signals_free(d->signals);
    d->signals = NULL;
}

static void on_drain(void *ctx)
{
    struct dev *d = ctx;

    d->told = true;
    if (d->supervisor == NULL)
        return;
    fprintf(stderr, "cmibridge dev: ending; once more ends it at once\n");
    supervisor_end(d->supervisor);
}

static void on_stop(void *ctx)
{
    struct dev *d = ctx;

    if (d->supervisor != NULL)
        supervisor_hurry(d->supervisor);
}

static void run(struct dev *d)
{
    const struct supervisor_owner owner = {d, on_up, on_down};

    d->supervisor = supervisor_start(&d->loop, &d->plan, parts, part_count, owner);
    uv_run(&d->loop, UV_RUN_DEFAULT);
    supervisor_free(d->supervisor);
    endpoints_remove(&d->plan);
}

/* Signals are taken from the start, so that whenever it is told to end, it ends as it should. */
static bool begin(struct dev *d)
{
    const struct signals_owner hand = {d, on_drain, on_stop, on_drain};
    struct fault f = {0};

    uv_loop_init(&d->loop);
    uv_idle_init(&d->loop, &d->turn);
    d->signals = signals_new(&d->loop, &hand, &f);
    if (d->signals != NULL)
        return true;
    uv_close((uv_handle_t *)&d->turn, NULL);
    uv_run(&d->loop, UV_RUN_DEFAULT);
    d->exit = say(COMMAND_FAILED, f.text);
    uv_loop_close(&d->loop);
    return false;
}

static void end(struct dev *d)
{
    signals_free(d->signals); /* NULL where all have ended */
    uv_close((uv_handle_t *)&d->turn, NULL);
    uv_run(&d->loop, UV_RUN_DEFAULT);
    uv_loop_close(&d->loop);
    plan_done(&d->plan);
}

int command_dev(int argc, char **argv)
{
    struct arguments arguments;
    struct dev d = {0};
    int code;

    if (command_asks_help(argc, argv)) {
        fputs(usage, stdout);
        return COMMAND_OK;
    }
    code = read_arguments(argc, argv, &arguments);
    if (code != COMMAND_OK)
        return code;
    crypto_init();
    if (!begin(&d))
        return d.exit;
    d.exit = plan_make(&d, &arguments);
    if (d.exit == COMMAND_OK && !is_told(&d))
        run(&d);
    end(&d);
    return d.exit;
}
