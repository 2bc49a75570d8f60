#include "bridge/io/kafka_probe.h"

#include "bridge/io/kafka_survey.h"

#include <librdkafka/rdkafka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

/* Who names the others may be the only one that can be reached. */
static bool ask_leaders(rd_kafka_t *rk, struct kafka_survey *s, struct fault *f)
{
    char *trouble = rd_kafka_opaque(rk);

    (void)rd_kafka_poll(rk, 0);
    trouble[0] = '\0'; /* one of those to begin with may be down */
    if (kafka_survey_ends(rk, s, f))
        return true;
    (void)rd_kafka_poll(rk, 0);
    if (trouble[0] == '\0')
        return false;
    return fault_set(
        f, FAULT_RETRY,
        "a broker that the cluster names can't be reached (is its advertised.listeners right?): "
        "%s",
        trouble);
}

/* An expression never stands for those of conf->never; it is an error to name one of them. */
static bool survey(rd_kafka_t *rk, const struct kafka_conf *conf, const char *const *topics,
                   size_t count, struct kafka_survey *s, struct fault *f)
{
    size_t before = s->count;

    if (!kafka_survey_topics(rk, topics, count, s, f))
        return false;
    if (count > 0 && topics[0][0] == '^')
        kafka_survey_drop(s, before, conf->never, conf->never_count);
    return true;
}

static bool ask_topics(rd_kafka_t *rk, const struct kafka_conf *conf, const char *const *topics,
                       size_t count, struct buf *found, struct buf *missing, struct fault *f)
{
    struct kafka_survey s;
    bool ok = true;
    const char *unmatched = NULL;

    kafka_survey_init(&s);
    for (size_t i = 0; ok && i < count; i++) {
        size_t before = s.count;

        ok = survey(rk, conf, &topics[i], 1, &s, f);
        if (ok && s.count == before && topics[i][0] == '^')
            unmatched = topics[i];
        if (ok && s.count == before)
            buf_printf(found, ", no %s", topics[i]);
        else if (ok)
            buf_printf(found, ", %s with %zu partition%s", topics[i], s.count - before,
                       s.count - before == 1 ? "" : "s");
    }
    ok = ok && ask_leaders(rk, &s, f);
    if (ok && unmatched != NULL)
        buf_printf(missing, KAFKA_NO_MATCH "%s%s", unmatched, s.missing_count > 0 ? "; " : "");
    if (ok && s.missing_count > 0) {
        char said[KAFKA_MISSING_MAX + 40];

        kafka_survey_say_missing(&s, said, sizeof said);
        buf_put_text(missing, said);
    }
    kafka_survey_done(&s);
    return ok;
}

/* NULL with a fault. trouble has room for TROUBLE_MAX and outlives the client. */
static rd_kafka_t *client_new(const struct kafka_conf *conf, char *trouble, struct fault *f)
{
    rd_kafka_conf_t *made = kafka_conf_make(conf, KAFKA_READER, f);
    char error[256];
    rd_kafka_t *rk;

    if (made == NULL)
        return NULL;
    rd_kafka_conf_set_log_cb(made, NULL);
    rd_kafka_conf_set_opaque(made, trouble);
    rd_kafka_conf_set_error_cb(made, on_error);
    rk = rd_kafka_new(RD_KAFKA_CONSUMER, made, error, sizeof error);
    if (rk == NULL) {
        rd_kafka_conf_destroy(made);
        (void)fault_set(f, FAULT_REJECT, "no Kafka client can be made: %s", error);
    }
    return rk;
}

bool kafka_probe(const struct kafka_conf *conf, const char *const *topics, size_t topic_count,
                 struct buf *found, struct buf *missing, struct fault *f)
{
    char trouble[TROUBLE_MAX] = "";
    rd_kafka_t *rk = client_new(conf, trouble, f);
    bool ok;

    if (rk == NULL)
        return false;
    ok = ask_brokers(rk, found, f) && ask_topics(rk, conf, topics, topic_count, found, missing, f);
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return ok;
}

/* The partitions of a topic lie together. */
static void tell_fresh(const struct kafka_conf *conf, const struct kafka_survey *s,
                       struct buf *fresh)
{
    for (size_t i = 0, next; i < s->count; i = next) {
        int64_t records = 0;
        bool committed = false;

        for (next = i; next < s->count && strcmp(s->at[next].topic, s->at[i].topic) == 0; next++) {
            records += s->at[next].span.high - s->at[next].span.low;
            committed |= s->at[next].span.next >= 0;
        }
        if (!committed && records > 0)
            buf_printf(fresh,
                       "%sgroup %s has committed nothing in %s, which holds %" PRId64 " records",
                       fresh->n > 0 ? "; " : "", conf->group, s->at[i].topic, records);
    }
}

bool kafka_probe_group(const struct kafka_conf *conf, struct buf *fresh, struct fault *f)
{
    char trouble[TROUBLE_MAX] = "";
    rd_kafka_t *rk = client_new(conf, trouble, f);
    struct kafka_survey s;
    bool ok;

    if (rk == NULL)
        return false;
    kafka_survey_init(&s);
    ok = survey(rk, conf, conf->topics, conf->topic_count, &s, f) &&
         kafka_survey_offsets(rk, true, &s, f);
    if (ok)
        tell_fresh(conf, &s, fresh);
    kafka_survey_done(&s);
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return ok;
}
