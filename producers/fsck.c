/* fsck: the schedule checked, and repaired where that can be derived: `cmibridge schedule fsck`.
 * The scheduler does the same by itself, slowly; this is for whoever wants to know now. */
#include "bridge/commands.h"
#include "bridge/io/crypto.h"
#include "bridge/io/redis_fsck.h"
#include "producers/console.h"
#include "producers/store_ask.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MISTAKES_MAX 65536

struct fsck {
    const char *config;
    bool dry_run;
    bool over;
    int64_t checked;
    int64_t found;
    int64_t left;
};

static void usage(FILE *to)
{
    fputs(
        "usage: cmibridge schedule fsck [OPTION]...\n"
        "\n"
        "Checks every message and callback of the schedule: that what waits can be found, that\n"
        "nothing waits twice, that the counts add up; and repairs what does not. A line for each\n"
        "finding: id, what, how often. It may run while everything works. Exit code 1 if "
        "something\n"
        "is left that can't be repaired, or Ctrl-C has ended it before all was checked.\n"
        "\n"
        "  -n, --dry-run        only look; exit code 1 if there is something\n"
        "  -c, --config FILE    settings (redis.address, ...)\n",
        to);
}

static void on_found(void *ctx, const char *what, struct view word, int64_t count, int64_t left)
{
    const struct fsck *f = ctx;

    printf("%s %.*s %" PRId64 "%s\n", what, VIEW_ARG(word), count,
           left > 0 && !f->dry_run ? " not repaired" : "");
    fflush(stdout); /* it may go on for long */
}

static void on_round(void *ctx, int64_t checked, int64_t found, int64_t left)
{
    struct fsck *f = ctx;

    f->checked = checked;
    f->found = found;
    f->left = left;
    f->over = true;
}

static int check_all(struct fsck *f, struct store_ask *s)
{
    const struct redis_fsck_conf conf = {.repair = !f->dry_run, .rest_ms = -1};
    const struct redis_fsck_owner owner = {f, on_found, on_round};
    struct redis_fsck *walk = redis_fsck_new(store_ask_loop(s), store_ask_redis(s), &conf, owner);

    bool whole = store_ask_watch(s, &f->over);

    redis_fsck_free(walk);
    if (!whole) {
        console_say("schedule fsck", "ended before all was checked");
        return COMMAND_FAILED;
    }
    if (f->found == 0 || f->dry_run || f->left == 0)
        console_say("schedule fsck",
                    "%" PRId64 " messages and callbacks checked; %" PRId64 " found%s", f->checked,
                    f->found,
                    f->found == 0 ? "" : (f->dry_run ? ", nothing repaired" : " and repaired"));
    else
        console_say("schedule fsck",
                    "%" PRId64 " messages and callbacks checked; %" PRId64 " found, %" PRId64
                    " repaired, %" PRId64 " not repaired: nobody can derive what is damaged there",
                    f->checked, f->found, f->found - f->left, f->left);
    return f->left > 0 ? COMMAND_FAILED : COMMAND_OK;
}

static int run(struct fsck *f)
{
    struct notice log = console_notice("schedule fsck");
    struct buf mistakes;
    struct fault fault = {0};
    struct store_ask *s;
    struct conf *conf;
    int code = COMMAND_CONFIG;

    buf_init(&mistakes, MISTAKES_MAX);
    conf = conf_load_for(f->config, 0, &mistakes);
    if (conf == NULL) {
        fputs(buf_text(&mistakes), stderr);
    } else if ((s = store_ask_new(conf, &log, &fault)) == NULL) {
        console_say("schedule fsck", "%s", fault.text);
        code = COMMAND_UNAVAILABLE;
    } else {
        code = check_all(f, s);
        store_ask_free(s);
    }
    conf_free(conf);
    buf_done(&mistakes);
    return code;
}

int command_fsck(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"dry-run", no_argument, NULL, 'n'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct fsck f = {.config = NULL};
    int option;

    optind = 1;
    while ((option = getopt_long(argc, argv, "c:nh", options, NULL)) != -1) {
        if (option == 'c') {
            f.config = optarg;
        } else if (option == 'n') {
            f.dry_run = true;
        } else {
            usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? COMMAND_OK : COMMAND_USAGE;
        }
    }
    if (optind < argc) {
        usage(stderr);
        return COMMAND_USAGE;
    }
    crypto_init();
    return run(&f);
}
