/* Topics that are deleted and made again while they are read. librdkafka 2.0 knows no topic's id,
 * and a new log that is long enough already is read on at the old position. But the brokers forget
 * a group's offsets with the topic they are of: so no offset is committed before the group was seen
 * to have the one before still. */
#include "bridge/io/kafka_source_in.h"

#include <inttypes.h>
#include <stdio.h>

/* Low and high stand for what is believed when it is asked: what is committed, and the newest
 * offset that then is known to be of the same log. */
static void list_unchecked(struct kafka_source *s, struct kafka_survey *to)
{
    for (unsigned i = 0; i < SOURCE_PARTITIONS_MAX; i++) {
        const struct kafka_slot *slot = kafka_slots_at(s->slots, i);

        if (slot != NULL && !slot->anew && slot->want > slot->asked &&
            kafka_survey_add(to, slot->topic, slot->partition)) {
            to->at[to->count - 1].span.low = slot->committed;
            to->at[to->count - 1].span.high = slot->want;
        }
    }
}

void kafka_anew_answer(struct kafka_source *s, const struct kafka_survey *found)
{
    for (size_t i = 0; i < found->count; i++) {
        const struct kafka_surveyed *at = &found->at[i];
        struct kafka_slot *slot = kafka_slots_find(s->slots, at->topic, at->partition);

        if (slot == NULL || slot->anew)
            continue;
        if (at->span.next >= 0 || at->span.low < 0) {
            kafka_commits_clear(&s->commits, slot, at->span.high);
            continue;
        }
        slot->anew = true;
        if (!s->revoking && !s->closing)
            kafka_anew_lost(s, slot); /* when it is there again, it is known what it is */
    }
}

void kafka_anew_ask(struct kafka_source *s)
{
    list_unchecked(s, &s->job.survey);
    kafka_job_start(&s->job, s->loop, KAFKA_JOB_COMMITTED);
}

bool kafka_anew_check_now(struct kafka_source *s, struct fault *f)
{
    struct kafka_survey survey;
    bool ok;

    kafka_survey_init(&survey);
    list_unchecked(s, &survey);
    ok = survey.count == 0 || kafka_survey_committed(s->rk, KAFKA_CHECK_WAIT_MS, &survey, f);
    if (ok)
        kafka_anew_answer(s, &survey);
    kafka_survey_done(&survey);
    return ok;
}

void kafka_anew_lost(struct kafka_source *s, const struct kafka_slot *slot)
{
    if (s->lost.count > 0)
        return; /* the answer about one is good for all */
    kafka_survey_add(&s->lost, slot->topic, slot->partition);
    s->lost.at[0].span.next = kafka_slot_next(slot);
    s->lost_at_ms = kafka_source_now(s);
}

/* Revokes all, and takes it again. */
static void read_again(struct kafka_source *s)
{
    kafka_survey_done(&s->again);
    for (unsigned i = 0; i < SOURCE_PARTITIONS_MAX; i++) {
        const struct kafka_slot *slot = kafka_slots_at(s->slots, i);

        if (slot != NULL)
            kafka_survey_add(&s->again, slot->topic, slot->partition);
        if (slot != NULL && slot->anew)
            kafka_survey_add(&s->anew, slot->topic, slot->partition);
    }
    kafka_assignment_revoke(s, false);
}

void kafka_anew_explain(struct kafka_source *s, const struct kafka_surveyed *at)
{
    struct kafka_slot *slot = kafka_slots_find(s->slots, at->topic, at->partition);
    int64_t start;
    struct fault f;

    kafka_survey_done(&s->lost);
    if (slot == NULL)
        return;
    if (s->reset != KAFKA_RESET_ERROR) {
        slot->anew = true;
        read_again(s);
        return;
    }
    if (slot->anew)
        fault_set(&f, FAULT_STOP,
                  "%.80s[%" PRId32 "]: the topic was deleted and made anew while it was read, up "
                  "to offset %" PRId64 ". The next start reads it from its start; "
                  "kafka.offset_reset: earliest does so at once",
                  at->topic, at->partition, at->span.next);
    else if (kafka_start(KAFKA_RESET_ERROR, at->topic, at->partition, at->span, &start, &f) !=
             KAFKA_BEGIN_NEVER)
        /* Within the log again: it grew, or its leader changed, since the refusal. */
        fault_set(&f, FAULT_STOP,
                  "%.80s[%" PRId32 "]: the broker refused to read on at offset %" PRId64
                  "; start again",
                  at->topic, at->partition, at->span.next);
    kafka_source_fail(s, &f);
}
