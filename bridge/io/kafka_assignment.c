#include "bridge/io/kafka_source_in.h"

#include <librdkafka/rdkafka.h>

#include <inttypes.h>
#include <stdio.h>

/* `offered` is a new one. What is being asked about the one before is of no use. */
static void open_offer(struct kafka_source *s)
{
    s->offer_open = true;
    s->offer_asked = false;
    s->offer_at_ms = kafka_source_now(s);
}

void kafka_assignment_offer(struct kafka_source *s, const rd_kafka_topic_partition_list_t *list)
{
    kafka_survey_done(&s->offered);
    for (int i = 0; list != NULL && i < list->cnt; i++)
        kafka_survey_add(&s->offered, list->elems[i].topic, list->elems[i].partition);
    open_offer(s);
}

/* What is told aloud: all that the log holds is read, or with KAFKA_RESET_LATEST none of it.
 * Whether that is as it should be nobody here can know. */
static void say_fresh(const struct kafka_source *s, const struct kafka_surveyed *at, int64_t start)
{
    if (s->taken_any || at->span.high <= at->span.low)
        notice_say(s->log.to, NOTICE_INFO, "kafka_nothing_committed",
                   NOTICE_TEXT("topic", at->topic), NOTICE_INT("partition", at->partition),
                   NOTICE_INT("start", start));
    else
        notice_say(s->log.to, NOTICE_WARN, "kafka_nothing_committed",
                   NOTICE_TEXT("topic", at->topic), NOTICE_INT("partition", at->partition),
                   NOTICE_INT("start", start), NOTICE_INT("records", at->span.high - at->span.low),
                   NOTICE_TEXT("reason", "it is the group's first start, or Kafka has forgotten "
                                         "its offsets (offsets.retention.minutes)"));
}

/* Where to begin, for each; false if one must not. */
static bool choose_starts(struct kafka_source *s, const struct kafka_survey *found,
                          rd_kafka_topic_partition_list_t *list)
{
    struct fault f;

    for (size_t i = 0; i < found->count; i++) {
        const struct kafka_surveyed *at = &found->at[i];
        /* What appears later was empty before: read from its start, or its first records are lost.
         * Others of the group commit at once where they begin, so it is not one of theirs. */
        enum kafka_reset reset =
            s->taken_any && at->span.next < 0 ? KAFKA_RESET_EARLIEST : s->reset;
        enum kafka_begin begin;
        int64_t start = 0;

        if (kafka_survey_find(&s->anew, at->topic, at->partition) != NULL) {
            start = at->span.low;
            begin = KAFKA_BEGIN_RESET;
        } else {
            begin = kafka_start(reset, at->topic, at->partition, at->span, &start, &f);
        }
        switch (begin) {
        case KAFKA_BEGIN_NEVER:
            kafka_source_fail(s, &f);
            return false;
        case KAFKA_BEGIN_RESET:
            notice_say(s->log.to, NOTICE_WARN, "kafka_offset_reset",
                       NOTICE_TEXT("topic", at->topic), NOTICE_INT("partition", at->partition),
                       NOTICE_INT("committed", at->span.next), NOTICE_INT("low", at->span.low),
                       NOTICE_INT("high", at->span.high), NOTICE_INT("start", start));
            break;
        case KAFKA_BEGIN_FRESH:
            say_fresh(s, at, start);
            break;
        case KAFKA_BEGIN_NEXT:
            break;
        }
        rd_kafka_topic_partition_list_add(list, at->topic, at->partition)->offset = start;
    }
    return true;
}

/* Its records go to `records` instead of the consumer's queue. It holds for the partition's life
 * in the client, and is said again at every assignment. */
static void collect(struct kafka_source *s, const rd_kafka_topic_partition_t *p)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_get_partition(s->rk, p->topic, p->partition);

    if (queue == NULL)
        return; /* then they come by the consumer's queue, which is read too */
    rd_kafka_queue_forward(queue, s->records);
    rd_kafka_queue_destroy(queue);
}

static bool assign_now(struct kafka_source *s, const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_error_t *error = NULL;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    struct fault f;

    if (s->assign == KAFKA_ASSIGN_GROUP)
        err = rd_kafka_assign(s->rk, list);
    else if ((error = rd_kafka_incremental_assign(s->rk, list)) != NULL) {
        err = rd_kafka_error_code(error);
        rd_kafka_error_destroy(error);
    }
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    fault_set(&f, FAULT_STOP, "the assignment can't be taken: %s", rd_kafka_err2str(err));
    kafka_source_fail(s, &f);
    return false;
}

static void take(struct kafka_source *s, const struct kafka_survey *found)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)found->count);
    uint32_t epoch;
    size_t n;
    struct fault f;

    if (kafka_slots_count(s->slots) + found->count > SOURCE_PARTITIONS_MAX) {
        fault_set(&f, FAULT_STOP,
                  "%zu partitions are assigned, %d are the most for one process: start more, with "
                  "kafka.assign: group",
                  kafka_slots_count(s->slots) + found->count, SOURCE_PARTITIONS_MAX);
        kafka_source_fail(s, &f);
    } else if (choose_starts(s, found, list)) {
        for (int i = 0; i < list->cnt; i++)
            collect(s, &list->elems[i]);
        if (assign_now(s, list)) {
            epoch = kafka_slots_next_epoch(s->slots);
            for (int i = 0; i < list->cnt; i++) {
                struct kafka_slot *slot =
                    kafka_slots_add(s->slots, list->elems[i].topic, list->elems[i].partition, epoch,
                                    list->elems[i].offset);

                if (found->at[i].span.next != slot->next_offset) {
                    kafka_commits_want(&s->commits, slot, slot->next_offset);
                    kafka_commits_clear(&s->commits, slot, slot->next_offset);
                } else
                    slot->want = slot->checked = slot->asked = slot->committed = slot->next_offset;
            }
            kafka_survey_done(&s->anew);
            s->taken_any |= list->cnt > 0;
            s->spare = kafka_slots_count(s->slots) == 0;
            s->trouble[0] = '\0';
            if (s->missing[0] != '\0') { /* it may be what was missing */
                s->missing[0] = '\0';
                s->refresh_at_ms = kafka_source_now(s);
            }
            n = kafka_slots_list(s->slots, epoch, s->list);
            s->owner.assigned(s->owner.ctx, s->list, n);
        }
    }
    rd_kafka_topic_partition_list_destroy(list);
}

void kafka_assignment_let_go(struct kafka_source *s)
{
    for (unsigned i = 0; i < SOURCE_PARTITIONS_MAX; i++) {
        struct kafka_slot *slot = kafka_slots_at(s->slots, i);

        if (slot == NULL)
            continue;
        /* A paused partition would still be paused in its next assignment. */
        if (slot->fetch_paused)
            kafka_intake_stop_fetching(s, slot, false);
        kafka_intake_drop_held(s, slot);
        kafka_slots_remove(s->slots, slot);
    }
    s->revoking = s->spare = false;
    kafka_survey_done(&s->lost);
    rd_kafka_assign(s->rk, NULL);
    snprintf(s->trouble, sizeof s->trouble, "no partition is assigned");
    if (s->again.count > 0 && s->assign == KAFKA_ASSIGN_ALL) {
        kafka_survey_done(&s->again); /* what there is now */
        s->refresh_at_ms = kafka_source_now(s);
    } else if (s->again.count > 0) {
        kafka_survey_done(&s->offered);
        s->offered = s->again;
        kafka_survey_init(&s->again);
        open_offer(s);
    }
    kafka_wake_soon(s->wake);
}

void kafka_assignment_revoke(struct kafka_source *s, bool lost)
{
    size_t n = kafka_slots_list(s->slots, 0, s->list);

    s->offer_open = false;
    if (n == 0) {
        kafka_assignment_let_go(s);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct kafka_slot *slot = kafka_slots_at(s->slots, s->list[i].slot);

        slot->leaving = true;
        kafka_intake_drop_held(s, slot);
    }
    s->revoking = true;
    s->owner.revoked(s->owner.ctx, s->list, n, lost);
}

/* ---- questions to the brokers, and their answers ---- */

void kafka_assignment_begin(struct kafka_source *s)
{
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_resp_err_t err;
    struct fault f;

    snprintf(s->trouble, sizeof s->trouble, KAFKA_NONE_YET);
    if (s->assign == KAFKA_ASSIGN_ALL)
        return; /* the first question is due at once */
    list = rd_kafka_topic_partition_list_new((int)s->topic_count);
    for (size_t i = 0; i < s->topic_count; i++)
        rd_kafka_topic_partition_list_add(list, s->topics[i], RD_KAFKA_PARTITION_UA);
    err = rd_kafka_subscribe(s->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fault_set(&f, FAULT_STOP, "the topics can't be subscribed to: %s", rd_kafka_err2str(err));
        kafka_source_fail(s, &f);
    }
}

static void copy(struct kafka_survey *to, const struct kafka_survey *from)
{
    for (size_t i = 0; i < from->count; i++)
        if (kafka_survey_add(to, from->at[i].topic, from->at[i].partition))
            to->at[to->count - 1].span = from->at[i].span;
}

/* How far behind they are can't be told by what is fetched. */
static void list_resting(struct kafka_source *s, struct kafka_survey *to)
{
    for (unsigned i = 0; i < SOURCE_PARTITIONS_MAX; i++) {
        const struct kafka_slot *slot = kafka_slots_at(s->slots, i);

        if (slot != NULL && slot->paused)
            (void)kafka_survey_add(to, slot->topic, slot->partition);
    }
}

static void on_ends(struct kafka_source *s, const struct kafka_survey *found)
{
    for (size_t i = 0; i < found->count; i++) {
        struct kafka_slot *slot =
            kafka_slots_find(s->slots, found->at[i].topic, found->at[i].partition);

        if (slot != NULL)
            slot->far_end = found->at[i].span.high;
    }
}

void kafka_assignment_ask(struct kafka_source *s)
{
    static const struct kafka_survey nothing;
    int64_t now = kafka_source_now(s);

    if (s->job.running || s->failed || s->revoking)
        return;
    if (s->lost.count > 0 && now >= s->lost_at_ms) {
        copy(&s->job.survey, &s->lost);
        kafka_job_start(&s->job, s->loop, KAFKA_JOB_SPANS);
    } else if (s->offer_open && s->offered.count == 0) {
        s->offer_open = false;
        take(s, &nothing);
    } else if (s->offer_open && now >= s->offer_at_ms) {
        copy(&s->job.survey, &s->offered);
        s->offer_asked = true;
        kafka_job_start(&s->job, s->loop, KAFKA_JOB_OFFSETS);
    } else if (s->assign == KAFKA_ASSIGN_ALL && !s->offer_open && now >= s->refresh_at_ms) {
        kafka_job_start(&s->job, s->loop, KAFKA_JOB_TOPICS);
    } else if (s->assign == KAFKA_ASSIGN_GROUP && now >= s->refresh_at_ms) {
        kafka_job_start(&s->job, s->loop, KAFKA_JOB_TOPICS);
    } else if (s->assign == KAFKA_ASSIGN_ALL && now >= s->renew_at_ms) {
        s->renew_at_ms = now + KAFKA_RENEW_MS;
        kafka_commits_renew(&s->commits);
    } else if (kafka_commits_unchecked(&s->commits, now)) {
        kafka_anew_ask(s);
    } else if (s->suspect && now >= s->probe_at_ms) {
        kafka_job_start(&s->job, s->loop, KAFKA_JOB_PROBE);
    } else if (!s->suspect && kafka_slots_paused(s->slots) > 0 && now >= s->ends_at_ms) {
        s->ends_at_ms = now + KAFKA_ENDS_EVERY_MS;
        list_resting(s, &s->job.survey);
        kafka_job_start(&s->job, s->loop, KAFKA_JOB_ENDS);
    }
}

/* A group is told of its partitions, but not of topics that are not there: these are asked for
 * until all are. An expression stands alone. */
static void note_missing(struct kafka_source *s, const struct kafka_survey *found)
{
    int64_t now = kafka_source_now(s);

    s->missing[0] = '\0';
    if (found->missing[0] != '\0')
        kafka_survey_say_missing(found, s->missing, sizeof s->missing);
    else if (found->count == 0 && s->topics[0][0] == '^')
        snprintf(s->missing, sizeof s->missing, KAFKA_NO_MATCH "%s", s->topics[0]);
    if (s->assign == KAFKA_ASSIGN_ALL)
        s->refresh_at_ms = now + (found->count > 0 ? s->refresh_ms : KAFKA_AGAIN_MS);
    else
        s->refresh_at_ms = s->missing[0] != '\0' ? now + s->refresh_ms : INT64_MAX;
}

static void on_topics(struct kafka_source *s, const struct kafka_survey *found)
{
    note_missing(s, found);
    if (s->assign != KAFKA_ASSIGN_ALL)
        return;
    kafka_survey_done(&s->offered);
    for (size_t i = 0; i < found->count; i++)
        if (kafka_slots_find(s->slots, found->at[i].topic, found->at[i].partition) == NULL)
            kafka_survey_add(&s->offered, found->at[i].topic, found->at[i].partition);
    if (s->offered.count > 0)
        open_offer(s);
    if (s->missing[0] != '\0') {
        kafka_log_say(&s->log, kafka_source_now(s), NOTICE_WARN, "kafka_topic_missing",
                      found->missing[0] != '\0' ? found->missing : s->missing);
        if (found->count == 0)
            snprintf(s->trouble, sizeof s->trouble, "%s", s->missing);
    }
}

static void on_no_answer(struct kafka_source *s)
{
    int64_t again = kafka_source_now(s) + KAFKA_AGAIN_MS;

    s->suspect = true;
    s->down = s->down || s->job.kind == KAFKA_JOB_PROBE;

    s->offer_at_ms = s->refresh_at_ms = s->lost_at_ms = s->commits.not_before_ms = again;
    s->probe_at_ms = kafka_source_now(s) + KAFKA_PROBE_EVERY_MS;
    snprintf(s->trouble, sizeof s->trouble, "%s", s->job.fault.text);
    kafka_log_say(&s->log, kafka_source_now(s), NOTICE_WARN, "kafka_waiting", s->job.fault.text);
}

void kafka_assignment_answer(struct kafka_source *s, const struct kafka_survey *found)
{
    if (s->failed || s->closing)
        return;
    if (!s->job.ok && s->job.kind == KAFKA_JOB_TOPICS && s->assign == KAFKA_ASSIGN_GROUP) {
        s->refresh_at_ms = kafka_source_now(s) + s->refresh_ms; /* the group does without */
        return;
    }
    if (!s->job.ok) {
        if (s->job.fault.cls == FAULT_RETRY)
            on_no_answer(s);
        else
            kafka_source_fail(s, &s->job.fault);
        return;
    }
    s->suspect = false;
    s->probe_at_ms = kafka_source_now(s) + KAFKA_PROBE_EVERY_MS;
    if (s->down) {
        s->down = false;
        notice_say(s->log.to, NOTICE_INFO, "kafka_up", NOTICE_TEXT("text", "the brokers answer"));
    }
    if (kafka_slots_count(s->slots) > 0 || s->spare)
        s->trouble[0] = '\0';
    switch (s->job.kind) {
    case KAFKA_JOB_TOPICS:
        on_topics(s, found);
        break;
    case KAFKA_JOB_OFFSETS:
        /* A revocation may have come in between, and another offer behind it. */
        if (s->offer_open && s->offer_asked && !s->revoking) {
            s->offer_open = false;
            take(s, found);
        }
        break;
    case KAFKA_JOB_SPANS:
        kafka_anew_explain(s, &found->at[0]);
        break;
    case KAFKA_JOB_ENDS:
        on_ends(s, found);
        break;
    case KAFKA_JOB_COMMITTED:
        kafka_anew_answer(s, found);
        break;
    case KAFKA_JOB_PROBE:
    case KAFKA_JOB_DESTROY:
        break;
    }
}
