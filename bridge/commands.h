/*
 * commands: what `cmibridge <command>` can be; one function each, given the arguments after the
 * command's name (argv[0] is the name). Returns the exit code: enum command_exit.
 */
#ifndef BRIDGE_COMMANDS_H
#define BRIDGE_COMMANDS_H

#include <stdbool.h>
#include <string.h>

enum command_exit {
    COMMAND_OK = 0,
    COMMAND_FAILED = 1,      /* ran, and did not do all it was asked */
    COMMAND_USAGE = 2,       /* the arguments make no sense */
    COMMAND_CONFIG = 3,      /* the configuration has mistakes, all printed */
    COMMAND_UNAVAILABLE = 4, /* a peer could not be reached, or a port not be had */
    COMMAND_STOPPED = 5,     /* ended itself because going on would lose something (D1) */
};

/* Is the argument the option whose value is the configuration's file? */
static inline bool command_is_config(const char *argument)
{
    return strcmp(argument, "--config") == 0 || strcmp(argument, "-c") == 0;
}

/* Is it asked what the command does? Then that is all it does: usage on standard output,
 * COMMAND_OK.
 */
static inline bool command_asks_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

int command_consume(int argc, char **argv);
int command_schedule(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_users(int argc, char **argv);
int command_publish(int argc, char **argv);
int command_dlq(int argc, char **argv);
int command_campaign(int argc, char **argv);
int command_erase(int argc, char **argv);
int command_backup(int argc, char **argv);
int command_fsck(int argc, char **argv); /* `cmibridge schedule fsck` */
int command_check(int argc, char **argv);
int command_dev(int argc, char **argv);
int command_broker(int argc, char **argv); /* parts of dev, not for people */
int command_carrier(int argc, char **argv);
int command_tether(int argc, char **argv);
int command_outcomes(int argc, char **argv); /* of ./dev demo */
int command_watch(int argc, char **argv);    /* of ./dev demo */

#endif
