#include "standalone/tether.h"

#include "bridge/commands.h"
#include "bridge/core/num.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const char usage[] = "usage: cmibridge tether [--holding] PARENT PROGRAM [ARGUMENT...]\n";

int command_tether(int argc, char **argv)
{
    int last_open = STDERR_FILENO;
    int64_t parent;

    if (argc == 2 && command_asks_help(argc, argv)) { /* what comes later is the program's */
        fputs(usage, stdout);
        return COMMAND_OK;
    }
    if (argc > 1 && strcmp(argv[1], TETHER_HOLDING) == 0) {
        last_open = TETHER_HELD;
        argc--;
        argv++;
    }
    if (argc < 3 || !num_in(view_of(argv[1]), 1, INT32_MAX, &parent)) {
        fputs(usage, stderr);
        return COMMAND_USAGE;
    }
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) {
        fprintf(stderr, "the end of the parent can't be watched: %s\n", strerror(errno));
        return COMMAND_FAILED;
    }
    if (getppid() != (pid_t)parent) /* it ended before it could be watched */
        return COMMAND_FAILED;
    closefrom(last_open + 1); /* what its parent has open is not the program's to keep open */
    execvp(argv[2], argv + 2);
    fprintf(stderr, "%s can't be run: %s\n", argv[2], strerror(errno));
    return TETHER_NO_PROGRAM;
}
