/* main: finds the command by its name. Everything else is in the command's own file. */
#include "bridge/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *about; /* NULL: not for people */
} commands[] = {
    {"consume", command_consume, "turn contact events from Kafka into CMI writes"},
    {"schedule", command_schedule, "sends messages and makes callbacks when they are due"},
    {"publish", command_publish, "puts events in JSON Lines on a Kafka topic"},
    {"dlq", command_dlq, "lists, shows and replays events that were given up"},
    {"campaign", command_campaign,
     "messages on their way: list, show, pause, resume, cancel, missed"},
    {"check", command_check, "names every mistake in the configuration, and tries the peers"},
    {"serve", command_serve, "the Contact Management Interface, on Redis and SQLite"},
    {"erase", command_erase, "takes one person out of all that serve holds"},
    {"backup", command_backup, "a copy of the history, while serve goes on"},
    {"users", command_users, "adds and lists the users of serve, gives them passwords and tokens"},
    {"dev", command_dev, "runs everything on this machine"},
    {"broker", command_broker, NULL},
    {"carrier", command_carrier, NULL},
    {"tether", command_tether, NULL},
    {"outcomes", command_outcomes, NULL},
    {"watch", command_watch, NULL},
    {NULL, NULL, NULL},
};

static void print_usage(FILE *to)
{
    fprintf(to, "usage: cmibridge COMMAND [-c FILE | --config FILE] [...]\n\n");
    for (size_t i = 0; commands[i].name != NULL; i++)
        if (commands[i].about != NULL)
            fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].about);
    fprintf(to, "\ncmibridge COMMAND --help says more. cmibridge --version prints the version.\n");
}

/* stdio may have given up what it could not write, and the reason with it. */
static bool nobody_reads(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

/* A list that did not get to where it should is not done; but whoever closed the pipe wants no
 * more.
 */
static int written(int code)
{
    errno = 0;
    if ((fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE || code != COMMAND_OK)
        return code;
    if (errno != 0) {
        fprintf(stderr, "cmibridge: standard output could not be written: %s\n", strerror(errno));
        return COMMAND_FAILED;
    }
    if (nobody_reads())
        return code;
    fputs("cmibridge: standard output could not be written\n", stderr);
    return COMMAND_FAILED;
}

/* A descriptor of 0 to 2 that we were started without would be the next file that is opened: a
 * log line in the store. To read, or write a list, shall fail there; a log may go to nobody. */
static bool have_standard_files(void)
{
    static const int modes[] = {
        [STDIN_FILENO] = O_WRONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_WRONLY};

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
            return false;
    return true;
}

int main(int argc, char **argv)
{
    if (!have_standard_files())
        return COMMAND_FAILED; /* with nobody to say so to */
    if (argc < 2) {
        print_usage(stderr);
        return COMMAND_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return written(COMMAND_OK);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("cmibridge %s\n", CMIBRIDGE_VERSION);
        return written(COMMAND_OK);
    }
    for (size_t i = 0; commands[i].name != NULL; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return written(commands[i].run(argc - 1, argv + 1));
    fprintf(stderr, "cmibridge: there is no command '%s'\n", argv[1]);
    print_usage(stderr);
    return COMMAND_USAGE;
}
