/*
 * check: what an operator asks before starting anything: is the configuration right, what does it
 * come to, and do the peers answer?
 */
#include "bridge/commands.h"
#include "bridge/io/crypto.h"
#include "bridge/io/tls.h"
#include "config/sample.h"
#include "config/schema.h"
#include "consumers/check_channels.h"
#include "consumers/check_peers.h"
#include "consumers/check_routes.h"
#include "consumers/kafka_check.h"
#include "server/access.h"

#include <string.h>

#define MISTAKES_MAX (4 << 20) /* bytes; a file of 1 MiB may hold many */

static const struct {
    const char *name;
    enum setting_user user;
} commands[] = {
    {"consume", USED_CONSUME}, {"serve", USED_SERVE}, {"schedule", USED_SCHEDULE},
    {"publish", USED_PUBLISH}, {"dlq", USED_DLQ},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

struct request {
    const char *file;
    const char *name; /* in sentences */
    struct buf text;  /* of the file */
    unsigned users;
    bool connect;
    bool print;
};

static void print_help(FILE *to)
{
    fputs(
        "usage: cmibridge check [-c FILE] [--for COMMAND] [--connect] [--print]\n"
        "       cmibridge check --print-sample | --print-docs\n\n"
        "Names every mistake in the configuration, with its line.\n\n"
        "  -c, --config FILE  the file; without it, the environment alone\n"
        "  --for COMMAND   demand all that consume, serve, schedule, publish or\n"
        "                  dlq needs\n"
        "  --connect       try each peer: Kafka, Redis, every target with its credentials, every\n"
        "                  channel without sending anything\n"
        "  --print         show each setting's value and where it is from\n"
        "  --print-sample  print a configuration file with everything in it\n"
        "  --print-docs    print docs/CONFIGURATION.md\n\n"
        "Exit code: 0 all is well; 3 mistakes in the configuration; 4 a peer failed.\n",
        to);
}

static int print_made(void (*make)(struct buf *to))
{
    struct buf b;
    bool ok;

    buf_init(&b, SAMPLE_MAX);
    make(&b);
    ok = fwrite(b.p, 1, b.n, stdout) == b.n && fflush(stdout) == 0;
    buf_done(&b);
    return ok ? COMMAND_OK : COMMAND_FAILED;
}

/* ---- mistakes ---- */

static size_t lines(struct view text)
{
    size_t n = 0;

    while (text.n > 0) {
        (void)view_cut(&text, '\n');
        n++;
    }
    return n;
}

/* What a request shows to those it is sent to, and whom it believes. */
static void check_files(const struct conf *c, const char *prefix, struct buf *mistakes)
{
    static const char *const keys[] = {"certificate", "key", "ca"};
    const char *files[3];
    char path[SCHEMA_PATH_MAX];
    const char *origin = NULL;
    struct fault f = {0};

    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s.%s", prefix, keys[i]);
        files[i] = conf_text(c, path);
        if (files[i] == NULL && conf_has(c, path))
            return; /* given wrongly: the others can't be judged without it */
        if (files[i] != NULL && origin == NULL)
            origin = conf_origin(c, path);
    }
    if (origin != NULL && !tls_check(files[0], files[1], files[2], &f))
        buf_printf(mistakes, "%s: %s: %s\n", origin, prefix, f.text);
}

static void check_all_files(const struct conf *c, struct buf *mistakes)
{
    static const char *const maps[] = {"targets", "channels"};
    char prefix[SCHEMA_PATH_MAX];

    for (size_t m = 0; m < 2; m++)
        for (size_t i = 0; i < conf_count(c, maps[m]); i++) {
            (void)snprintf(prefix, sizeof prefix, "%s.%s", maps[m], conf_name(c, maps[m], i));
            check_files(c, prefix, mistakes);
        }
    check_files(c, "callbacks.dialler", mistakes);
}

/* All that the settings' own rules do not know; so that it is told together with what they do. */
static void check_parts(const struct conf *c, const char *file, struct buf *mistakes)
{
    kafka_check_properties(c, file, mistakes);
    kafka_check_clients(c, file, mistakes);
    check_all_files(c, mistakes);
    access_check(c, mistakes);
    check_zones(c, mistakes);
}

static int tell_mistakes(struct buf *mistakes)
{
    size_t n = lines(buf_view(mistakes));

    fputs(buf_text(mistakes), stderr);
    fprintf(stderr, "%zu mistake%s\n", n, n == 1 ? "" : "s");
    return COMMAND_CONFIG;
}

/* ---- what is right ---- */

static void print_setting(void *ctx, const char *path, const char *text, bool secret,
                          const char *origin)
{
    (void)ctx;
    printf("%-36s %-36s # %s\n", path,
           secret            ? "(secret)"
           : text[0] != '\0' ? text
                             : "\"\"",
           origin);
}

/* Which commands can be started with this, and what the others lack. */
static void print_readiness(const struct request *r)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        struct buf lacks;
        struct conf *c;
        struct view rest;

        buf_init(&lacks, MISTAKES_MAX);
        c = conf_parse(r->name, buf_view(&r->text), commands[i].user, &lacks);
        printf("%-20s %s\n", commands[i].name, c != NULL ? "ready" : "lacks");
        rest = buf_view(&lacks);
        while (rest.n > 0) {
            struct view line = view_cut(&rest, '\n');

            printf("    %.*s\n", VIEW_ARG(line));
        }
        conf_free(c);
        buf_done(&lacks);
    }
}

static bool can_run(const struct request *r, enum setting_user user)
{
    struct buf lacks;
    struct conf *c;
    bool can;

    buf_init(&lacks, MISTAKES_MAX);
    c = conf_parse(r->name, buf_view(&r->text), user, &lacks);
    can = c != NULL;
    conf_free(c);
    buf_done(&lacks);
    return can;
}

/* Is there anything for `schedule` to send by? */
static bool has_ways_out(const struct conf *c)
{
    return conf_count(c, "channels") > 0 || conf_has(c, "callbacks.dialler.type");
}

static bool asks_for(const struct request *r, unsigned users)
{
    return r->users == 0 || (r->users & users) != 0;
}

/* What the commands that are asked about, or those that this is enough for, need of Redis: each has
 * keys of its own, and may have a user of its own. */
static void ask_rights(const struct request *r, const struct conf *c, struct redis_conf *redis)
{
    if (r->users != 0) {
        redis->scheduled = (r->users & (USED_SERVE | USED_SCHEDULE)) != 0;
        redis->remembers = (r->users & USED_CONSUME) != 0;
        return;
    }
    redis->scheduled = can_run(r, USED_SERVE) || has_ways_out(c);
    redis->remembers = can_run(r, USED_CONSUME);
}

/* Where it is, said otherwise than by the default. */
static bool names_redis(const struct conf *c)
{
    return conf_has(c, "redis.cluster") || conf_has(c, "redis.sentinels") ||
           strcmp(conf_origin(c, "redis.address"), "default") != 0;
}

/* After ask_rights. */
static bool needs_redis(const struct request *r, const struct conf *c,
                        const struct redis_conf *redis)
{
    if (r->users != 0)
        return (r->users & USED_REDIS) != 0;
    return redis->scheduled || redis->remembers || names_redis(c);
}

static size_t try_channels(const struct conf *c)
{
    static struct schedule_channels all;
    size_t failed;
    struct fault f = {0};

    if (!schedule_channels_make(c, &all, &f)) {
        fprintf(stdout, "%-20s FAILED %s\n", "channels", f.text);
        return 1;
    }
    failed = check_channels(&all, stdout);
    schedule_channels_done(&all);
    return failed;
}

/* Of what only one command uses, what those use that are asked about. */
static size_t try_all(const struct request *r, const struct conf *c, struct consume_plan *plan)
{
    const char *outcomes = conf_text(c, "kafka.outcomes_topic");
    size_t failed;

    if (outcomes[0] == '\0' || !asks_for(r, USED_SCHEDULE) || (r->users == 0 && !has_ways_out(c)))
        outcomes = NULL;
    if (!asks_for(r, USED_CONSUME))
        plan->http_count = 0;
    if (!asks_for(r, USED_CONSUME | USED_PUBLISH))
        plan->kafka.topic_count = 0;
    if (!asks_for(r, USED_CONSUME | USED_DLQ))
        plan->consume.results_topic = plan->consume.dead_letters_topic = NULL;
    failed = check_peers(plan, outcomes, stdout);
    return failed + (asks_for(r, USED_SCHEDULE) ? try_channels(c) : 0);
}

static int check_loaded(const struct request *r, const struct conf *c)
{
    struct consume_plan plan;
    struct fault f = {0};
    int code = COMMAND_OK;

    for (size_t i = 0; conf_warning(c, i) != NULL; i++)
        fprintf(stderr, "warning: %s\n", conf_warning(c, i));
    if (!consume_plan_make(c, &plan, &f)) {
        fprintf(stderr, "%s: %s\n1 mistake\n", r->name, f.text);
        return COMMAND_CONFIG;
    }
    check_routes(&plan, stderr);
    if (r->print)
        conf_each(c, print_setting, NULL);
    else
        print_readiness(r);
    ask_rights(r, c, &plan.redis);
    if (r->users != 0 && !conf_needs_kafka(c, r->users))
        plan.kafka.brokers = NULL; /* no peer of theirs */
    if (!needs_redis(r, c, &plan.redis))
        plan.redis.address = NULL; /* nor is this */
    if (r->connect && try_all(r, c, &plan) > 0)
        code = COMMAND_UNAVAILABLE;
    consume_plan_done(&plan);
    return code;
}

static int check(struct request *r)
{
    struct buf mistakes;
    struct conf *c = NULL;
    int code;

    buf_init(&mistakes, MISTAKES_MAX);
    r->name = r->file != NULL ? r->file : "settings";
    if (r->file == NULL || conf_read(r->file, &r->text, &mistakes))
        c = conf_parse_checked(r->name, buf_view(&r->text), r->users, check_parts, &mistakes);
    code = c == NULL ? tell_mistakes(&mistakes) : check_loaded(r, c);
    conf_free(c);
    buf_done(&r->text);
    buf_done(&mistakes);
    return code;
}

static bool take_user(struct request *r, const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0) {
            r->users |= commands[i].user;
            return true;
        }
    return false;
}

int command_check(int argc, char **argv)
{
    struct request r = {0};

    if (command_asks_help(argc, argv)) {
        print_help(stdout);
        return COMMAND_OK;
    }
    if (argc == 2 && strcmp(argv[1], "--print-sample") == 0)
        return print_made(sample_yaml);
    if (argc == 2 && strcmp(argv[1], "--print-docs") == 0)
        return print_made(sample_markdown);
    for (int i = 1; i < argc; i++) {
        if (command_is_config(argv[i]) && i + 1 < argc) {
            r.file = argv[++i];
        } else if (strcmp(argv[i], "--for") == 0 && i + 1 < argc && take_user(&r, argv[i + 1])) {
            i++;
        } else if (strcmp(argv[i], "--connect") == 0) {
            r.connect = true;
        } else if (strcmp(argv[i], "--print") == 0) {
            r.print = true;
        } else {
            fprintf(stderr, "cmibridge check: '%s' makes no sense here\n", argv[i]);
            print_help(stderr);
            return COMMAND_USAGE;
        }
    }
    crypto_init();
    return check(&r);
}
