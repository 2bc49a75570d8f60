#include "bridge/core/mem.h"
#include "bridge/io/kafka_source_in.h"

#include <librdkafka/rdkafka.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void kafka_intake_give_back(struct kafka_source *s, struct kafka_record *r)
{
    assert(s->out > 0);
    s->out--;
    mem_free(r);
}

void kafka_intake_drop_held(struct kafka_source *s, struct kafka_slot *slot)
{
    struct kafka_record *r;

    while ((r = kafka_slot_held(s->slots, slot)) != NULL) {
        s->holding--;
        mem_free(r);
    }
}

static void hand_out(struct kafka_source *s, struct kafka_record *r)
{
    s->out++;
    s->owner.record(s->owner.ctx, &r->r);
}

/* An offset that was taken before: librdkafka 2.0 may repeat some after a pause (fixed in 2.4), and
 * they are passed over. If the log's end lies before it, the log was cut, and what comes is new. */
static void on_repeat(struct kafka_source *s, struct kafka_slot *slot, int64_t offset)
{
    int64_t low = -1;
    int64_t high = -1;
    struct fault f;

    rd_kafka_get_watermark_offsets(s->rk, slot->topic, slot->partition, &low, &high);
    if (high < 0 || high > slot->last || slot->anew) {
        s->repeats++;
        return;
    }
    fault_set(&f, FAULT_STOP,
              "%.80s[%" PRId32 "]: the log was cut: it went back from offset %" PRId64
              " to %" PRId64 "; start again to go on as kafka.offset_reset says",
              slot->topic, slot->partition, slot->last, offset);
    kafka_source_fail(s, &f);
}

void kafka_intake_stop_fetching(struct kafka_source *s, struct kafka_slot *slot, bool stop)
{
    rd_kafka_topic_partition_list_t *one = rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(one, slot->topic, slot->partition);
    if (stop)
        rd_kafka_pause_partitions(s->rk, one);
    else
        rd_kafka_resume_partitions(s->rk, one);
    rd_kafka_topic_partition_list_destroy(one);
    slot->fetch_paused = stop;
}

/* Takes the event over. */
static void on_record(struct kafka_source *s, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *m = rd_kafka_event_message_next(event);
    struct kafka_slot *slot =
        m == NULL ? NULL : kafka_slots_find(s->slots, rd_kafka_topic_name(m->rkt), m->partition);
    struct kafka_record *r;

    if (slot != NULL && !slot->leaving && !s->failed && m->offset <= slot->last)
        on_repeat(s, slot, m->offset);
    else if (slot != NULL && !slot->leaving && !s->failed) {
        slot->last = m->offset;
        r = kafka_record_new(m);
        rd_kafka_event_destroy(event);
        r->r.slot = kafka_slots_number(s->slots, slot);
        r->r.epoch = slot->epoch;
        kafka_slot_weigh(slot, r);
        if (!slot->paused && slot->held == 0) {
            hand_out(s, r);
            return;
        }
        kafka_slot_hold(s->slots, slot, r);
        s->holding++;
        if (slot->paused && !slot->fetch_paused && kafka_slot_holds_enough(s->slots, slot))
            kafka_intake_stop_fetching(s, slot, true);
        return;
    }
    rd_kafka_event_destroy(event);
}

static bool wants_records(const struct kafka_source *s)
{
    return !s->failed && !s->revoking && kafka_slots_count(s->slots) > 0 &&
           kafka_slots_paused(s->slots) < kafka_slots_count(s->slots);
}

static void on_fatal(struct kafka_source *s)
{
    char text[512];
    struct fault f;

    if (rd_kafka_fatal_error(s->rk, text, sizeof text) == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    fault_set(&f, FAULT_STOP, "the Kafka client ended itself: %s", text);
    kafka_source_fail(s, &f);
}

static void on_end(struct kafka_source *s, rd_kafka_event_t *event)
{
    rd_kafka_topic_partition_t *where = rd_kafka_event_topic_partition(event);
    struct kafka_slot *slot =
        where == NULL ? NULL : kafka_slots_find(s->slots, where->topic, where->partition);

    if (slot != NULL && !slot->leaving && !s->failed)
        kafka_commits_end(&s->commits, slot, where->offset);
    if (where != NULL)
        rd_kafka_topic_partition_destroy(where);
}

static void on_error(struct kafka_source *s, rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t err = rd_kafka_event_error(event);
    rd_kafka_topic_partition_t *where;

    if (err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        on_end(s, event);
        return;
    }
    if (err == RD_KAFKA_RESP_ERR__FATAL || rd_kafka_event_error_is_fatal(event)) {
        on_fatal(s);
        return;
    }
    if (err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET &&
        (where = rd_kafka_event_topic_partition(event)) != NULL) {
        struct kafka_slot *slot = kafka_slots_find(s->slots, where->topic, where->partition);

        if (slot != NULL)
            kafka_anew_lost(s, slot);
        rd_kafka_topic_partition_destroy(where);
        return;
    }
    /* ALL_BROKERS_DOWN doesn't come for every outage, and nothing tells of its end. */
    s->suspect = true;
    if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        s->down = true;
        snprintf(s->trouble, sizeof s->trouble, "no broker answers");
    } else if (strncmp(s->trouble, KAFKA_NONE_YET, sizeof KAFKA_NONE_YET - 1) == 0) {
        snprintf(s->trouble, sizeof s->trouble, KAFKA_NONE_YET ": %s",
                 rd_kafka_event_error_string(event));
    }
    if (err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        s->refresh_at_ms = kafka_source_now(s); /* which of them are there? */
    kafka_log_event(&s->log, kafka_source_now(s), event);
}

static void on_rebalance(struct kafka_source *s, rd_kafka_event_t *event)
{
    kafka_survey_done(&s->again); /* the group decides anew */
    if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && !s->closing)
        kafka_assignment_offer(s, rd_kafka_event_topic_partition_list(event));
    else
        kafka_assignment_revoke(s, rd_kafka_assignment_lost(s->rk) != 0);
}

void kafka_intake_event(void *source, rd_kafka_event_t *event)
{
    struct kafka_source *s = source;
    struct fault f;

    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_FETCH:
        on_record(s, event);
        return;
    case RD_KAFKA_EVENT_REBALANCE:
        on_rebalance(s, event);
        break;
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
        if (kafka_commits_answer(&s->commits, event, kafka_source_now(s), &f)) {
            s->owner.commit_done(s->owner.ctx, true, NULL);
        } else {
            kafka_log_say(&s->log, kafka_source_now(s), NOTICE_WARN, "kafka_commit_refused",
                          f.text);
            s->owner.commit_done(s->owner.ctx, false, f.text);
        }
        break;
    case RD_KAFKA_EVENT_ERROR:
        on_error(s, event);
        break;
    default:
        kafka_log_event(&s->log, kafka_source_now(s), event);
        break;
    }
    rd_kafka_event_destroy(event);
}

struct budget {
    unsigned records;
    uint64_t until_ns;
};

static bool spend(struct budget *b)
{
    /* The clock is asked every few records only. */
    if (b->records == 0 || (b->records % 16 == 0 && uv_hrtime() >= b->until_ns))
        return false;
    b->records--;
    return true;
}

/* Each time from another slot on, so that none is the last for ever. false: the budget is spent. */
static bool read_held(struct kafka_source *s, struct budget *b)
{
    unsigned first = s->held_first++;

    for (unsigned i = 0; s->holding > 0 && i < SOURCE_PARTITIONS_MAX; i++) {
        struct kafka_slot *slot = kafka_slots_at(s->slots, (first + i) % SOURCE_PARTITIONS_MAX);

        /* The owner may pause it, or fail, with any record. */
        while (slot != NULL && !slot->paused && slot->held > 0 && wants_records(s)) {
            if (!spend(b))
                return false;
            s->holding--;
            hand_out(s, kafka_slot_held(s->slots, slot));
        }
    }
    return true;
}

bool kafka_intake_read(struct kafka_source *s)
{
    struct budget b = {KAFKA_TURN_RECORDS, uv_hrtime() + KAFKA_TURN_MS * UINT64_C(1000000)};
    rd_kafka_event_t *event;

    if (!wants_records(s))
        return false;
    if (!read_held(s, &b))
        return true;
    while (wants_records(s)) {
        if (!spend(&b))
            return true;
        if ((event = rd_kafka_queue_poll(s->records, 0)) == NULL)
            return false;
        kafka_intake_event(s, event);
    }
    return false;
}
