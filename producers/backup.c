/* backup: `cmibridge backup`: a copy of the history, by the serve that owns it, which goes on. */
#include "bridge/commands.h"
#include "bridge/core/json_pick.h"
#include "bridge/core/mem.h"
#include "config/conf.h"
#include "producers/console.h"
#include "producers/control_call.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MISTAKES_MAX 65536

static void usage(FILE *to)
{
    fputs(
        "usage: cmibridge backup [--config FILE] TARGET\n"
        "\n"
        "Has the running cmibridge serve write a copy of its history to TARGET, a new file on its\n"
        "machine, where serve may write (its unit: /var/lib/cmibridge). The copy is of one\n"
        "moment: all that was acknowledged before the command began is in it. Requests go on\n"
        "meanwhile. It has its name once it is whole and on the disk.\n"
        "\n"
        "  -c, --config FILE      settings (history.file)\n",
        to);
}

/* serve has a directory of its own. */
static bool whole_path(const char *path, char out[PATH_MAX + 1], struct fault *f)
{
    size_t n = 0;

    if (path[0] != '/') {
        if (getcwd(out, PATH_MAX) == NULL)
            return fault_set(f, FAULT_REJECT, "the current directory: %s", strerror(errno));
        n = strlen(out);
        out[n++] = '/';
    }
    if (n + strlen(path) >= PATH_MAX)
        return fault_set(f, FAULT_REJECT, "the path is longer than %d bytes", PATH_MAX - 1);
    memcpy(out + n, path, strlen(path) + 1);
    return true;
}

static int run(const struct conf *c, const char *target)
{
    char path[PATH_MAX + 1];
    struct buf answer;
    struct fault f;
    int64_t bytes = 0;
    int64_t ms = 0;
    int code = COMMAND_OK;

    buf_init(&answer, CONTROL_CALL_ANSWER_MAX);
    if (whole_path(target, path, &f) &&
        control_call(conf_text(c, "history.file"), "backup", view_of(path), &answer, &f)) {
        (void)json_pick_int(buf_view(&answer), "bytes", &bytes);
        (void)json_pick_int(buf_view(&answer), "ms", &ms);
        printf("%s: %" PRId64 " bytes, %" PRId64 " ms\n", path, bytes, ms);
    } else {
        console_say("backup", "%s", f.text);
        code = f.cls == FAULT_RETRY ? COMMAND_FAILED : COMMAND_USAGE;
    }
    buf_done(&answer);
    return code;
}

int command_backup(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *config = NULL;
    struct buf mistakes;
    struct conf *c;
    int code = COMMAND_CONFIG;
    int option;

    optind = 1;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option != 'c') {
            usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? COMMAND_OK : COMMAND_USAGE;
        }
        config = optarg;
    }
    if (optind + 1 != argc) {
        usage(stderr);
        return COMMAND_USAGE;
    }
    buf_init(&mistakes, MISTAKES_MAX);
    c = conf_load(config, &mistakes);
    if (c == NULL)
        fputs(buf_text(&mistakes), stderr);
    else
        code = run(c, argv[optind]);
    conf_free(c);
    buf_done(&mistakes);
    return code;
}
