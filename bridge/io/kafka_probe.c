#include "bridge/io/kafka_probe.h"

#include "bridge/io/kafka_survey.h"

#include <librdkafka/rdkafka.h>

#include <stdio.h>

#define TROUBLE_MAX 160 /* bytes of librdkafka's own sentence that are shown */

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
    char *trouble = opaque;

    (void)rk;
    (void)err;
    if (trouble[0] == '\0') /* the first says most: later ones only that all brokers are down */
        (void)snprintf(trouble, TROUBLE_MAX, "%s", reason);
}

static bool ask_brokers(rd_kafka_t *rk, struct buf *found, struct fault *f)
{
    const struct rd_kafka_metadata *m = NULL;
    rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, NULL, &m, KAFKA_SURVEY_MS);
    const char *trouble;

    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)rd_kafka_poll(rk, 0); /* brings what on_error notes */
        trouble = rd_kafka_opaque(rk);
        return fault_set(f, FAULT_RETRY, "no broker answers: %s",
                         trouble[0] != '\0' ? trouble : rd_kafka_err2str(err));
    }
    buf_printf(found, "%d broker%s", m->broker_cnt, m->broker_cnt == 1 ? "" : "s");
    rd_kafka_metadata_destroy(m);
    return true;
}

static bool ask_topics(rd_kafka_t *rk, const char *const *topics, size_t count, struct buf *found,
                       struct buf *missing, struct fault *f)
{
    struct kafka_survey s;
    bool ok = true;

    kafka_survey_init(&s);
    for (size_t i = 0; ok && i < count; i++) {
        size_t before = s.count;

        ok = kafka_survey_topics(rk, &topics[i], 1, &s, f);
        if (ok && s.count == before)
            buf_printf(found, ", no %s", topics[i]);
        else if (ok)
            buf_printf(found, ", %s with %zu partition%s", topics[i], s.count - before,
                       s.count - before == 1 ? "" : "s");
    }
    if (ok && s.missing_count > 0) {
        char said[KAFKA_MISSING_MAX + 40];

        kafka_survey_say_missing(&s, said, sizeof said);
        buf_put_text(missing, said);
    }
    kafka_survey_done(&s);
    return ok;
}

bool kafka_probe(const struct kafka_conf *conf, const char *const *topics, size_t topic_count,
                 struct buf *found, struct buf *missing, struct fault *f)
{
    rd_kafka_conf_t *made = kafka_conf_make(conf, KAFKA_READER, f);
    char trouble[TROUBLE_MAX] = "";
    char error[256];
    rd_kafka_t *rk;
    bool ok;

    if (made == NULL)
        return false;
    rd_kafka_conf_set_log_cb(made, NULL);
    rd_kafka_conf_set_opaque(made, trouble);
    rd_kafka_conf_set_error_cb(made, on_error);
    rk = rd_kafka_new(RD_KAFKA_CONSUMER, made, error, sizeof error);
    if (rk == NULL) {
        rd_kafka_conf_destroy(made);
        return fault_set(f, FAULT_REJECT, "no Kafka client can be made: %s", error);
    }
    ok = ask_brokers(rk, found, f) && ask_topics(rk, topics, topic_count, found, missing, f);
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return ok;
}
