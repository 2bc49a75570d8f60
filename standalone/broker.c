/*
 * broker: `cmibridge broker TOPIC:PARTITIONS...`, the embedded Kafka of `cmibridge dev`. It says
 * where it is in one line on standard output, and runs until it is told to end. Not for people.
 */
#include "bridge/commands.h"
#include "bridge/core/num.h"
#include "bridge/io/kafka_broker.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define PARTITIONS_MAX 256

static bool make_topic(struct kafka_broker *b, const char *argument, struct fault *f)
{
    char name[256];
    const char *colon = strrchr(argument, ':');
    int64_t partitions;

    if (colon == NULL || (size_t)(colon - argument) >= sizeof name ||
        !num_in(view_of(colon + 1), 1, PARTITIONS_MAX, &partitions))
        return fault_set(f, FAULT_REJECT,
                         "'%s' is no topic with a number of partitions, such as "
                         "contact-events:8",
                         argument);
    memcpy(name, argument, (size_t)(colon - argument));
    name[colon - argument] = '\0';
    return kafka_broker_topic(b, name, (unsigned)partitions, f);
}

int command_broker(int argc, char **argv)
{
    struct fault f = {0};
    struct kafka_broker *b;
    sigset_t end;
    int got;
    bool ok = true;

    if (command_asks_help(argc, argv)) {
        puts("usage: cmibridge broker TOPIC:PARTITIONS...");
        return COMMAND_OK;
    }
    /* Before the broker's threads are made: they inherit it, and so leave the signals to us. */
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigaddset(&end, SIGINT);
    sigprocmask(SIG_BLOCK, &end, NULL);
    b = kafka_broker_start(1, &f);
    for (int i = 1; b != NULL && ok && i < argc; i++)
        ok = make_topic(b, argv[i], &f);
    if (b == NULL || !ok) {
        fprintf(stderr, "cmibridge broker: %s\n", f.text);
        kafka_broker_stop(b);
        return COMMAND_UNAVAILABLE;
    }
    printf("%s\n", kafka_broker_bootstrap(b));
    if (fflush(stdout) == 0)
        sigwait(&end, &got);
    kafka_broker_stop(b);
    return COMMAND_OK;
}
