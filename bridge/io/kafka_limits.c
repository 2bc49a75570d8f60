#include "bridge/io/kafka_limits.h"

#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/io/kafka_survey.h"

#include <librdkafka/rdkafka.h>

#include <string.h>

#define NUMBER_MAX 32

static bool is_there(const struct kafka_limits *l, const char *topic)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->at[i].topic, topic) == 0)
            return true;
    return false;
}

/* A survey has a topic once for each partition. */
static void take_names(const struct kafka_survey *s, struct kafka_limits *l)
{
    l->at = mem_zeroed(s->count + 1, sizeof *l->at);
    for (size_t i = 0; i < s->count; i++)
        if (!is_there(l, s->at[i].topic))
            l->at[l->count++] =
                (struct kafka_limit){mem_text(s->at[i].topic, strlen(s->at[i].topic)), -1};
}

static void take_limit(const rd_kafka_ConfigResource_t *of, struct kafka_limits *l)
{
    size_t n;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(of, &n);
    int64_t bytes;

    for (size_t e = 0; e < n; e++)
        if (strcmp(rd_kafka_ConfigEntry_name(entries[e]), "max.message.bytes") == 0 &&
            num_int(view_of(rd_kafka_ConfigEntry_value(entries[e])), &bytes))
            for (size_t i = 0; i < l->count; i++)
                if (strcmp(l->at[i].topic, rd_kafka_ConfigResource_name(of)) == 0)
                    l->at[i].bytes = bytes;
}

static bool take_limits(rd_kafka_event_t *event, struct kafka_limits *l, struct fault *f)
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
        take_limit(found[i], l);
    }
    return true;
}

/* Whom librdkafka would ask. The metadata that came named one, or the embedded broker's none. */
static bool has_controller(rd_kafka_t *rk, struct fault *f)
{
    return rd_kafka_controllerid(rk, 0) >= 0 ||
           fault_set(f, FAULT_RETRY, "the brokers name no controller that could be asked");
}

static bool describe(rd_kafka_t *rk, struct kafka_limits *l, struct fault *f)
{
    rd_kafka_ConfigResource_t **of = mem_zeroed(l->count + 1, sizeof *of);
    rd_kafka_AdminOptions_t *how = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_event_t *event;
    bool ok;

    (void)rd_kafka_AdminOptions_set_request_timeout(how, KAFKA_SURVEY_MS, NULL, 0);
    for (size_t i = 0; i < l->count; i++)
        of[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, l->at[i].topic);
    rd_kafka_DescribeConfigs(rk, of, l->count, how, queue);
    event = rd_kafka_queue_poll(queue, 2 * KAFKA_SURVEY_MS); /* it ends by itself before that */
    ok = take_limits(event, l, f);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_ConfigResource_destroy_array(of, l->count);
    rd_kafka_AdminOptions_destroy(how);
    rd_kafka_queue_destroy(queue);
    mem_free(of);
    return ok;
}

static bool ask_produced(const struct kafka_conf *conf, int64_t *bytes, struct fault *f)
{
    rd_kafka_conf_t *made = kafka_conf_make(conf, KAFKA_SINK, f);
    char value[NUMBER_MAX];
    size_t size = sizeof value;
    bool ok;

    if (made == NULL)
        return false;
    ok = rd_kafka_conf_get(made, "message.max.bytes", value, &size) == RD_KAFKA_CONF_OK &&
         num_int(view_of(value), bytes);
    rd_kafka_conf_destroy(made);
    return ok || fault_set(f, FAULT_BUG, "message.max.bytes is no number");
}

bool kafka_limits_ask(const struct kafka_conf *conf, const char *const *topics, size_t topic_count,
                      struct kafka_limits *out, struct fault *f)
{
    rd_kafka_conf_t *made;
    struct kafka_survey survey;
    char error[256];
    rd_kafka_t *rk;
    bool ok;

    *out = (struct kafka_limits){.at = NULL};
    if (!ask_produced(conf, &out->produced, f))
        return false;
    made = kafka_conf_make(conf, KAFKA_READER, f);
    if (made == NULL)
        return false;
    rd_kafka_conf_set_log_cb(made, NULL);
    rk = rd_kafka_new(RD_KAFKA_CONSUMER, made, error, sizeof error);
    if (rk == NULL) {
        rd_kafka_conf_destroy(made);
        return fault_set(f, FAULT_REJECT, "no Kafka client can be made: %s", error);
    }
    kafka_survey_init(&survey);
    ok = kafka_survey_topics(rk, topics, topic_count, &survey, f);
    if (ok) {
        take_names(&survey, out);
        ok = out->count == 0 || (has_controller(rk, f) && describe(rk, out, f));
    }
    kafka_survey_done(&survey);
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    if (!ok)
        kafka_limits_done(out);
    return ok;
}

void kafka_limits_done(struct kafka_limits *l)
{
    for (size_t i = 0; i < l->count; i++)
        mem_free(l->at[i].topic);
    mem_free(l->at);
    l->at = NULL;
    l->count = 0;
}
