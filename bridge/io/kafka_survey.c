#include "bridge/io/kafka_survey.h"

#include "bridge/core/mem.h"
#include "bridge/io/kafka_conf.h"
#include "bridge/io/kafka_pattern.h"

#include <librdkafka/rdkafka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void kafka_survey_init(struct kafka_survey *s)
{
    *s = (struct kafka_survey){.at = NULL};
}

void kafka_survey_done(struct kafka_survey *s)
{
    for (size_t i = 0; i < s->count; i++)
        mem_free(s->at[i].topic);
    mem_free(s->at);
    kafka_survey_init(s);
}

bool kafka_survey_add(struct kafka_survey *s, const char *topic, int32_t partition)
{
    if (s->count == KAFKA_SURVEYED_MAX)
        return false;
    s->at = mem_resize(s->at, s->count + 1, sizeof *s->at);
    s->at[s->count++] = (struct kafka_surveyed){.topic = mem_text(topic, strlen(topic)),
                                                .partition = partition,
                                                .span = {.next = -1, .low = -1, .high = -1}};
    return true;
}

const struct kafka_surveyed *kafka_survey_find(const struct kafka_survey *s, const char *topic,
                                               int32_t partition)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->at[i].partition == partition && strcmp(s->at[i].topic, topic) == 0)
            return &s->at[i];
    return NULL;
}

static void note_missing(struct kafka_survey *s, const char *topic)
{
    size_t used = strlen(s->missing);
    size_t n = strlen(topic);

    s->missing_count++;
    if (used + 2 + n >= sizeof s->missing)
        return;
    if (used > 0) {
        memcpy(s->missing + used, ", ", 2);
        used += 2;
    }
    memcpy(s->missing + used, topic, n + 1);
}

void kafka_survey_say_missing(const struct kafka_survey *s, char *out, size_t room)
{
    if (s->missing_count == 1)
        (void)snprintf(out, room, "topic %s does not exist", s->missing);
    else
        (void)snprintf(out, room, "%zu topics do not exist: %s", s->missing_count, s->missing);
}

static bool add_topic(const struct rd_kafka_metadata_topic *topic, struct kafka_survey *s,
                      struct fault *f)
{
    if (topic->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        topic->err == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION || /* no topic can be called so */
        (topic->err == RD_KAFKA_RESP_ERR_NO_ERROR && topic->partition_cnt == 0)) {
        note_missing(s, topic->topic);
        return true;
    }
    if (topic->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fault_set(f, FAULT_RETRY, "topic %.80s: %s", topic->topic,
                         rd_kafka_err2str(topic->err));
    for (int p = 0; p < topic->partition_cnt; p++)
        if (!kafka_survey_add(s, topic->topic, topic->partitions[p].id))
            return fault_set(f, FAULT_STOP, "the topics have more than %d partitions",
                             KAFKA_SURVEYED_MAX);
    return true;
}

static bool ask_topic(rd_kafka_t *rk, const char *name, struct kafka_survey *s, struct fault *f)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
    const struct rd_kafka_metadata *found = NULL;
    rd_kafka_resp_err_t err;
    bool ok;

    if (topic == NULL)
        return fault_set(f, FAULT_RETRY, "topic %.80s: %s", name,
                         rd_kafka_err2str(rd_kafka_last_error()));
    err = rd_kafka_metadata(rk, 0, topic, &found, KAFKA_SURVEY_MS);
    rd_kafka_topic_destroy(topic);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fault_set(f, FAULT_RETRY, "the brokers can't be asked about topic %.80s: %s", name,
                         rd_kafka_err2str(err));
    ok = found->topic_cnt == 1 ? add_topic(&found->topics[0], s, f)
                               : fault_set(f, FAULT_RETRY, "topic %.80s: no answer", name);
    rd_kafka_metadata_destroy(found);
    return ok;
}

static bool ask_pattern(rd_kafka_t *rk, const char *pattern, struct kafka_survey *s,
                        struct fault *f)
{
    const struct rd_kafka_metadata *found = NULL;
    rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 1, NULL, &found, KAFKA_SURVEY_MS);
    struct kafka_pattern compiled;
    char *left_out;
    bool ok;

    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fault_set(f, FAULT_RETRY, "the brokers can't be asked for their topics: %s",
                         rd_kafka_err2str(err));
    /* A subscription minds what is left out by itself; these metadata have it all. */
    left_out = kafka_conf_left_out(rd_kafka_conf(rk));
    ok = kafka_pattern_make(&compiled, pattern, left_out, f);
    mem_free(left_out);
    if (ok) {
        for (int i = 0; ok && i < found->topic_cnt; i++)
            if (kafka_pattern_takes(&compiled, found->topics[i].topic))
                ok = add_topic(&found->topics[i], s, f);
        kafka_pattern_done(&compiled);
    }
    rd_kafka_metadata_destroy(found);
    return ok;
}

bool kafka_survey_topics(struct rd_kafka_s *rk, const char *const *topics, size_t count,
                         struct kafka_survey *s, struct fault *f)
{
    if (count == 1 && topics[0][0] == '^')
        return ask_pattern(rk, topics[0], s, f);
    for (size_t i = 0; i < count; i++)
        if (!ask_topic(rk, topics[i], s, f))
            return false;
    return true;
}

static bool is_one_of(const char *topic, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], topic) == 0)
            return true;
    return false;
}

void kafka_survey_drop(struct kafka_survey *s, size_t from, const char *const *names, size_t count)
{
    size_t kept = from;

    for (size_t i = from; i < s->count; i++)
        if (is_one_of(s->at[i].topic, names, count))
            mem_free(s->at[i].topic);
        else
            s->at[kept++] = s->at[i];
    s->count = kept;
}

static rd_kafka_topic_partition_list_t *list_of(const struct kafka_survey *s, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)s->count);

    for (size_t i = 0; i < s->count; i++)
        rd_kafka_topic_partition_list_add(list, s->at[i].topic, s->at[i].partition)->offset =
            offset;
    return list;
}

static bool check_answer(const rd_kafka_topic_partition_list_t *list, rd_kafka_resp_err_t err,
                         const char *what, struct fault *f)
{
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fault_set(f, FAULT_RETRY, "the brokers can't be asked for %s: %s", what,
                         rd_kafka_err2str(err));
    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
            return fault_set(f, FAULT_RETRY, "%.80s[%" PRId32 "]: no answer about %s: %s",
                             list->elems[i].topic, list->elems[i].partition, what,
                             rd_kafka_err2str(list->elems[i].err));
    return true;
}

/* Asks the leaders for the log's first (RD_KAFKA_OFFSET_BEGINNING) or next (_END) offsets: those
 * two stand for themselves where a time is expected, so that one request a leader is enough. */
static bool ask_log(rd_kafka_t *rk, int64_t which, struct kafka_survey *s, struct fault *f)
{
    rd_kafka_topic_partition_list_t *list = list_of(s, which);
    bool ok =
        check_answer(list, rd_kafka_offsets_for_times(rk, list, KAFKA_SURVEY_MS),
                     which == RD_KAFKA_OFFSET_BEGINNING ? "the log's start" : "the log's end", f);

    for (int i = 0; ok && i < list->cnt; i++) {
        struct kafka_span *span = &s->at[i].span;

        if (list->elems[i].offset < 0)
            ok = fault_set(f, FAULT_RETRY, "%.80s[%" PRId32 "]: the broker knows no offset",
                           s->at[i].topic, s->at[i].partition);
        else if (which == RD_KAFKA_OFFSET_BEGINNING)
            span->low = list->elems[i].offset;
        else
            span->high = list->elems[i].offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return ok;
}

bool kafka_survey_committed(struct rd_kafka_s *rk, int wait_ms, struct kafka_survey *s,
                            struct fault *f)
{
    rd_kafka_topic_partition_list_t *list = list_of(s, RD_KAFKA_OFFSET_INVALID);
    bool ok = check_answer(list, rd_kafka_committed(rk, list, wait_ms), "committed offsets", f);

    for (int i = 0; ok && i < list->cnt; i++)
        s->at[i].span.next = list->elems[i].offset >= 0 ? list->elems[i].offset : -1;
    rd_kafka_topic_partition_list_destroy(list);
    return ok;
}

bool kafka_survey_offsets(struct rd_kafka_s *rk, bool committed, struct kafka_survey *s,
                          struct fault *f)
{
    if (s->count == 0)
        return true;
    /* Committed first, end last: whoever commits meanwhile can't be seen past the end. */
    return (!committed || kafka_survey_committed(rk, KAFKA_SURVEY_MS, s, f)) &&
           ask_log(rk, RD_KAFKA_OFFSET_BEGINNING, s, f) && ask_log(rk, RD_KAFKA_OFFSET_END, s, f);
}

bool kafka_survey_ends(struct rd_kafka_s *rk, struct kafka_survey *s, struct fault *f)
{
    return s->count == 0 || ask_log(rk, RD_KAFKA_OFFSET_END, s, f);
}
