#include "tests/fakes/broker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "tests/fakes/apache_kafka.h"

#include <stdlib.h>
#include <string.h>

struct broker {
    struct kafka_broker *embedded; /* NULL: it is Apache Kafka */
};

static struct apache_kafka *apache; /* of the whole program */

bool broker_is_apache(void)
{
    const char *which = getenv("CMIBRIDGE_TEST_KAFKA");

    if (which == NULL || strcmp(which, "embedded") == 0)
        return false;
    if (strcmp(which, "apache") != 0)
        fail_msg("CMIBRIDGE_TEST_KAFKA is '%s'; it may be apache or embedded", which);
    return true;
}

void broker_embedded_only(const char *why)
{
    if (!broker_is_apache())
        return;
    print_message("skipped: on the embedded broker only: %s\n", why);
    skip();
}

void broker_apache_only(const char *why)
{
    if (broker_is_apache())
        return;
    print_message("skipped: on Apache Kafka only: %s\n", why);
    skip();
}

static void end_apache(void)
{
    apache_kafka_free(apache);
}

struct broker *broker_start(unsigned n)
{
    struct broker *b = mem_zeroed(1, sizeof *b);
    struct fault f = {0};

    if (!broker_is_apache()) {
        b->embedded = kafka_broker_start(n, &f);
        if (b->embedded == NULL)
            fail_msg("%s", f.text);
    } else if (apache == NULL) {
        apache = apache_kafka_start();
        atexit(end_apache);
    } else {
        broker_empty(b);
    }
    return b;
}

void broker_stop(struct broker *b)
{
    if (b == NULL)
        return;
    kafka_broker_stop(b->embedded);
    mem_free(b);
}

const char *broker_address(const struct broker *b)
{
    return b->embedded != NULL ? kafka_broker_bootstrap(b->embedded) : apache_kafka_address(apache);
}

void broker_empty(struct broker *b)
{
    if (b->embedded == NULL)
        apache_kafka_empty(apache);
}

void broker_topic(struct broker *b, const char *name, unsigned partitions)
{
    struct fault f = {0};

    if (b->embedded == NULL)
        apache_kafka_topic(apache, name, partitions);
    else if (!kafka_broker_topic(b->embedded, name, partitions, &f))
        fail_msg("%s", f.text);
}

void broker_down(struct broker *b, int signal)
{
    if (b->embedded != NULL)
        kafka_broker_down(b->embedded, -1);
    else
        apache_kafka_stop(apache, signal);
}

void broker_up(struct broker *b)
{
    if (b->embedded != NULL)
        kafka_broker_up(b->embedded, -1);
    else
        apache_kafka_restart(apache);
}

void broker_drop_before(struct broker *b, const char *topic, int32_t partition, int64_t offset)
{
    assert_null(b->embedded);
    apache_kafka_drop_before(apache, topic, partition, offset);
}

void broker_topic_of(struct broker *b, const char *name, unsigned partitions, const char *setting,
                     const char *value)
{
    assert_null(b->embedded);
    apache_kafka_topic_of(apache, name, partitions, setting, value);
}

void broker_fail(struct broker *b, enum kafka_request kind, int error, unsigned times)
{
    assert_non_null(b->embedded);
    kafka_broker_fail(b->embedded, kind, error, times);
}
