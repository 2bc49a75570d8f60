#include "bridge/io/kafka_broker.h"

#include "bridge/core/mem.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAILURES_MAX 64 /* in one call of kafka_broker_fail */

struct kafka_broker {
    rd_kafka_t *rk; /* the cluster lives in a client, which does nothing else */
    rd_kafka_mock_cluster_t *cluster;
};

struct kafka_broker *kafka_broker_start(unsigned n, struct fault *f)
{
    rd_kafka_conf_t *conf;
    struct kafka_broker *b;
    char error[256];

    if (n < 1 || n > KAFKA_BROKERS_MAX) {
        fault_set(f, FAULT_REJECT, "an embedded cluster has 1 to %d brokers, not %u",
                  KAFKA_BROKERS_MAX, n);
        return NULL;
    }
    b = mem_zeroed(1, sizeof *b);
    conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "client.id", "cmibridge-broker", NULL, 0);
    rd_kafka_conf_set_log_cb(conf, NULL); /* it would tell of every client that goes away */
    b->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (b->rk == NULL) {
        rd_kafka_conf_destroy(conf);
        mem_free(b);
        fault_set(f, FAULT_RETRY, "the embedded broker can't be started: %s", error);
        return NULL;
    }
    b->cluster = rd_kafka_mock_cluster_new(b->rk, (int)n);
    if (b->cluster == NULL) {
        kafka_broker_stop(b);
        fault_set(f, FAULT_RETRY, "the embedded broker can't be started on 127.0.0.1");
        return NULL;
    }
    return b;
}

void kafka_broker_stop(struct kafka_broker *b)
{
    if (b == NULL)
        return;
    if (b->cluster != NULL)
        rd_kafka_mock_cluster_destroy(b->cluster);
    rd_kafka_destroy(b->rk);
    mem_free(b);
}

const char *kafka_broker_bootstrap(const struct kafka_broker *b)
{
    return rd_kafka_mock_cluster_bootstraps(b->cluster);
}

/* The cluster's thread sometimes overlooks a call like those below until something else wakes it, a
 * second later at most: a connection does. Where none can be had, it is slow, and no more. */
static void wake(const struct kafka_broker *b)
{
    const char *colon = strchr(kafka_broker_bootstrap(b), ':'); /* of the first broker */
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return;
    at.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    (void)!connect(fd, (const struct sockaddr *)&at, sizeof at);
    close(fd);
}

bool kafka_broker_topic(struct kafka_broker *b, const char *name, unsigned partitions,
                        struct fault *f)
{
    rd_kafka_resp_err_t err;

    wake(b);
    err = rd_kafka_mock_topic_create(b->cluster, name, (int)partitions, 1);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    return fault_set(f, FAULT_REJECT, "topic %.80s can't be made: %s", name, rd_kafka_err2str(err));
}

void kafka_broker_fail(struct kafka_broker *b, enum kafka_request kind, int error, unsigned times)
{
    rd_kafka_resp_err_t errors[FAILURES_MAX];

    assert(times <= FAILURES_MAX);
    for (unsigned i = 0; i < times; i++)
        errors[i] = (rd_kafka_resp_err_t)error;
    rd_kafka_mock_push_request_errors_array(b->cluster, (int16_t)kind, times, errors);
}

void kafka_broker_down(struct kafka_broker *b, int id)
{
    wake(b);
    rd_kafka_mock_broker_set_down(b->cluster, id);
}

void kafka_broker_up(struct kafka_broker *b, int id)
{
    rd_kafka_mock_broker_set_up(b->cluster, id);
}
