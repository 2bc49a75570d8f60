#include "bridge/io/kafka_describe.h"

#include "bridge/core/mem.h"
#include "bridge/io/kafka_survey.h"

#include <librdkafka/rdkafka.h>

static void visit_topic(const rd_kafka_ConfigResource_t *of, kafka_described *visit, void *ctx)
{
    size_t n;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(of, &n);

    for (size_t e = 0; e < n; e++)
        visit(ctx, rd_kafka_ConfigResource_name(of), rd_kafka_ConfigEntry_name(entries[e]),
              rd_kafka_ConfigEntry_value(entries[e]));
}

static bool take(rd_kafka_event_t *event, kafka_described *visit, void *ctx, struct fault *f)
{
    const rd_kafka_ConfigResource_t **found;
    size_t n;

    if (event == NULL)
        return fault_set(f, FAULT_RETRY, "the brokers do not answer");
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fault_set(f, FAULT_RETRY, "%s", rd_kafka_event_error_string(event));
    found =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &n);
    for (size_t i = 0; i < n; i++) {
        if (rd_kafka_ConfigResource_error(found[i]) != RD_KAFKA_RESP_ERR_NO_ERROR)
            return fault_set(f, FAULT_RETRY, "topic %.80s: %s",
                             rd_kafka_ConfigResource_name(found[i]),
                             rd_kafka_err2str(rd_kafka_ConfigResource_error(found[i])));
        visit_topic(found[i], visit, ctx);
    }
    return true;
}

static bool ask(rd_kafka_t *rk, const char *const *topics, size_t count, kafka_described *visit,
                void *ctx, struct fault *f)
{
    rd_kafka_ConfigResource_t **of = mem_zeroed(count + 1, sizeof *of);
    rd_kafka_AdminOptions_t *how = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_event_t *event;
    bool ok;

    (void)rd_kafka_AdminOptions_set_request_timeout(how, KAFKA_SURVEY_MS, NULL, 0);
    for (size_t i = 0; i < count; i++)
        of[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topics[i]);
    rd_kafka_DescribeConfigs(rk, of, count, how, queue);
    event = rd_kafka_queue_poll(queue, 2 * KAFKA_SURVEY_MS); /* it ends by itself before that */
    ok = take(event, visit, ctx, f);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_ConfigResource_destroy_array(of, count);
    rd_kafka_AdminOptions_destroy(how);
    rd_kafka_queue_destroy(queue);
    mem_free(of);
    return ok;
}

bool kafka_describe(rd_kafka_t *rk, const char *const *topics, size_t count, kafka_described *visit,
                    void *ctx, struct fault *f)
{
    if (count == 0)
        return true;
    /* Whom librdkafka would ask. The metadata that came named one, or the embedded broker's none.
     */
    if (rd_kafka_controllerid(rk, 0) < 0)
        return fault_set(f, FAULT_RETRY, "the brokers name no controller that could be asked");
    return ask(rk, topics, count, visit, ctx, f);
}
