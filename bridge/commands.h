/*
 * commands: what `cmibridge <command>` can be; one function each, given the arguments after the
 * command's name (argv[0] is the name). Returns the exit code: enum command_exit.
 */
#ifndef BRIDGE_COMMANDS_H
#define BRIDGE_COMMANDS_H

enum command_exit {
    COMMAND_OK = 0,
    COMMAND_FAILED = 1,      /* ran, and did not do all it was asked */
    COMMAND_USAGE = 2,       /* the arguments make no sense */
    COMMAND_CONFIG = 3,      /* the configuration has mistakes, all printed */
    COMMAND_UNAVAILABLE = 4, /* a peer could not be reached, or a port not be had */
    COMMAND_STOPPED = 5,     /* ended itself because going on would lose something (D1) */
};

int command_consume(int argc, char **argv);
int command_schedule(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_users(int argc, char **argv);
int command_publish(int argc, char **argv);
int command_dlq(int argc, char **argv);
int command_campaign(int argc, char **argv);
int command_fsck(int argc, char **argv); /* `cmibridge schedule fsck` */
int command_check(int argc, char **argv);
int command_dev(int argc, char **argv);
int command_broker(int argc, char **argv); /* parts of dev, not for people */
int command_carrier(int argc, char **argv);
int command_tether(int argc, char **argv);
int command_outcomes(int argc, char **argv); /* of ./dev demo */
int command_watch(int argc, char **argv);    /* of ./dev demo */

#endif
