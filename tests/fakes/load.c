#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/load.h"

#include "bridge/core/mem.h"
#include "bridge/core/num.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <string.h>

#define MARK      "\"notes\":\""
#define ANSWER_MS 30000

void load_open(struct load *l, const char *topic, unsigned partitions, bool honours_key)
{
    l->sent = 0;
    l->partitions = partitions;
    l->cmi = hostile_http_start();
    hostile_http_ignore_keys(l->cmi, !honours_key);
    l->redis = redis_server_start(NULL);
    l->conf = (struct consumer_conf){.brokers = l->rig.address,
                                     .topic = topic,
                                     .cmi = hostile_http_url(l->cmi),
                                     .redis = l->redis->address,
                                     .honours_key = honours_key};
}

void load_close(struct load *l)
{
    kafka_rig_stop(&l->rig);
    hostile_http_stop(l->cmi);
    redis_server_stop(l->redis);
}

void load_send(struct load *l, unsigned count)
{
    for (unsigned i = l->sent; i < l->sent + count; i++) {
        char id[16];
        char key[16];
        char subject[32];
        char value[128];
        const struct record_header headers[] = {
            {VIEW("content-type"), VIEW("application/json")},
            {VIEW("ce_specversion"), VIEW("1.0")},
            {VIEW("ce_id"), {id, (size_t)snprintf(id, sizeof id, "%u", i)}},
            {VIEW("ce_source"), VIEW("/shop")},
            {VIEW("ce_type"), VIEW("callback.requested")},
            {VIEW("ce_subject"),
             {subject, (size_t)snprintf(subject, sizeof subject, "callbacks/%u", i)}},
        };

        snprintf(key, sizeof key, "%u", i % LOAD_KEYS);
        snprintf(value, sizeof value,
                 "{\"customerNumber\":\"0612345678\",\"callbackQueueNumber\":\"153\"," MARK "%u\"}",
                 i);
        kafka_rig_produce(
            &l->rig, &(struct sink_record){.topic = l->conf.topic,
                                           .has_key = true,
                                           .key = view_of(key),
                                           .has_value = true,
                                           .value = view_of(value),
                                           .headers = headers,
                                           .header_count = sizeof headers / sizeof headers[0]});
    }
    l->sent += count;
}

void load_flush(struct load *l)
{
    kafka_rig_flush(&l->rig);
    assert_int_equal(l->rig.undelivered, 0);
}

/* A repeated request is none, so this is no matter of counting requests. */
void load_await_effects(struct load *l, size_t count)
{
    for (;;) {
        size_t seen = hostile_http_count(l->cmi);

        if (hostile_http_effects(l->cmi) >= count)
            return;
        hostile_http_wait(l->cmi, seen + 1);
    }
}

unsigned load_event_of(const struct hostile_request *r)
{
    char body[256];
    const char *at;
    struct view rest;
    int64_t number;

    view_copy(r->body, body, sizeof body);
    at = strstr(body, MARK);
    assert_non_null(at);
    rest = view_of(at + strlen(MARK));
    assert_true(num_int(view_cut(&rest, '"'), &number));
    return (unsigned)number;
}

void load_check_effects(struct load *l)
{
    struct view *keys = mem_zeroed(l->sent, sizeof *keys); /* of each event */
    unsigned next[LOAD_KEYS];

    for (unsigned k = 0; k < LOAD_KEYS; k++)
        next[k] = k;
    for (size_t i = 0; i < hostile_http_count(l->cmi); i++) {
        const struct hostile_request *r = hostile_http_request(l->cmi, i);
        struct view key = hostile_request_header(r, "Idempotency-Key");
        unsigned event = load_event_of(r);

        assert_true(event < l->sent && key.n > 0);
        if (keys[event].n > 0)
            assert_true(view_eq(keys[event], key));
        keys[event] = key;
        if (!r->effect)
            continue;
        assert_int_equal(event, next[event % LOAD_KEYS]);
        next[event % LOAD_KEYS] += LOAD_KEYS;
    }
    assert_int_equal(hostile_http_effects(l->cmi), l->sent);
    mem_free(keys);
}

static void check(const char *what, rd_kafka_resp_err_t error)
{
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        fail_msg("%s: %s", what, rd_kafka_err2str(error));
}

static rd_kafka_t *client(const struct load *l)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];
    rd_kafka_t *rk;

    (void)rd_kafka_conf_set(conf, "bootstrap.servers", l->conf.brokers, NULL, 0);
    (void)rd_kafka_conf_set(conf, "group.id", l->conf.topic, NULL, 0);
    rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (rk == NULL)
        fail_msg("no client: %s", why);
    return rk;
}

void load_check_committed(struct load *l)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)l->partitions);
    rd_kafka_t *rk = client(l);
    int64_t sum = 0;

    for (int32_t p = 0; p < (int32_t)l->partitions; p++)
        rd_kafka_topic_partition_list_add(list, l->conf.topic, p);
    check("committed offsets", rd_kafka_committed(rk, list, ANSWER_MS));
    for (int i = 0; i < list->cnt; i++) {
        int64_t low;
        int64_t high;

        check("ends of the log",
              rd_kafka_query_watermark_offsets(rk, l->conf.topic, list->elems[i].partition, &low,
                                               &high, ANSWER_MS));
        assert_int_equal(list->elems[i].offset, high);
        sum += high;
    }
    assert_int_equal(sum, l->sent);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
}
