#include "bridge/io/kafka_limits.h"

#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/io/kafka_describe.h"
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
            l->at[l->count++] = (struct kafka_limit){
                .topic = mem_text(s->at[i].topic, strlen(s->at[i].topic)), .bytes = -1};
}

static void take_limit(void *limits, const char *topic, const char *name, const char *value)
{
    struct kafka_limits *l = limits;
    struct kafka_limit *at = l->at;
    int64_t bytes;

    while (at < l->at + l->count && strcmp(at->topic, topic) != 0)
        at++;
    if (at == l->at + l->count || value == NULL)
        return;
    if (strcmp(name, "max.message.bytes") == 0 && num_int(view_of(value), &bytes))
        at->bytes = bytes;
    if (strcmp(name, "cleanup.policy") == 0)
        at->compacted = strstr(value, "compact") != NULL;
}

static bool describe(rd_kafka_t *rk, struct kafka_limits *l, struct fault *f)
{
    const char **topics = mem_zeroed(l->count + 1, sizeof *topics);
    bool ok;

    for (size_t i = 0; i < l->count; i++)
        topics[i] = l->at[i].topic;
    ok = kafka_describe(rk, topics, l->count, take_limit, l, f);
    mem_free(topics);
    return ok;
}

bool kafka_limits_produced(const struct kafka_conf *conf, int64_t *bytes, struct fault *f)
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
    if (!kafka_limits_produced(conf, &out->produced, f))
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
        ok = describe(rk, out, f);
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
