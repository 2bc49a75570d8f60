#include "bridge/io/kafka_commits.h"

#include <librdkafka/rdkafka.h>

#include <inttypes.h>
#include <stddef.h>
#include <time.h>

void kafka_commits_want(struct kafka_commits *c, struct kafka_slot *slot, int64_t next_offset)
{
    if (next_offset <= slot->want || slot->anew)
        return;
    slot->want = next_offset;
    c->wanted = true;
    if (slot->end >= 0)
        kafka_commits_end(c, slot, slot->end);
}

void kafka_commits_end(struct kafka_commits *c, struct kafka_slot *slot, int64_t end)
{
    int64_t read = slot->last >= 0 ? slot->last + 1 : slot->next_offset;

    slot->end = end;
    if (slot->want == read && read < end) {
        slot->want = end;
        c->wanted = true;
    }
}

void kafka_commits_renew(struct kafka_commits *c)
{
    for (unsigned i = 0; i < SOURCE_PARTITIONS_MAX && !c->under_way; i++) {
        struct kafka_slot *slot = kafka_slots_at(c->slots, i);

        if (slot == NULL || slot->committed < 0)
            continue;
        slot->asked = -1;
        c->wanted = true;
    }
}

bool kafka_commits_unchecked(const struct kafka_commits *c, int64_t now_ms)
{
    return c->wanted && !c->cleared && !c->under_way && now_ms >= c->not_before_ms;
}

void kafka_commits_clear(struct kafka_commits *c, struct kafka_slot *slot, int64_t next_offset)
{
    if (next_offset > slot->checked)
        slot->checked = next_offset;
    c->cleared = true;
}

/* Leaves under_way false where nothing was wanted, or librdkafka refused at once. */
static rd_kafka_resp_err_t send_now(struct kafka_commits *c)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    rd_kafka_resp_err_t err;

    c->wanted = c->cleared = false;
    for (unsigned i = 0; i < SOURCE_PARTITIONS_MAX; i++) {
        struct kafka_slot *slot = kafka_slots_at(c->slots, i);

        int64_t next;

        if (slot == NULL || slot->anew || slot->want <= slot->asked)
            continue;
        next = slot->want < slot->checked ? slot->want : slot->checked;
        c->wanted = c->wanted || next < slot->want;
        if (next <= slot->asked)
            continue;
        if (list == NULL)
            list = rd_kafka_topic_partition_list_new(16);
        rd_kafka_topic_partition_list_add(list, slot->topic, slot->partition)->offset = next;
    }
    if (list == NULL)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    err = rd_kafka_commit_queue(c->rk, list, c->queue, NULL, NULL);
    c->under_way = err == RD_KAFKA_RESP_ERR_NO_ERROR;
    c->wanted = c->wanted || !c->under_way;
    for (int i = 0; c->under_way && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];

        kafka_slots_find(c->slots, p->topic, p->partition)->asked = p->offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return err;
}

void kafka_commits_send(struct kafka_commits *c, int64_t now_ms)
{
    if (!c->cleared || c->under_way || now_ms < c->not_before_ms)
        return;
    c->not_before_ms = now_ms + (send_now(c) == RD_KAFKA_RESP_ERR_NO_ERROR ? KAFKA_COMMIT_EVERY_MS
                                                                           : KAFKA_COMMIT_AGAIN_MS);
}

bool kafka_commits_answer(struct kafka_commits *c, struct rd_kafka_op_s *event, int64_t now_ms,
                          struct fault *f)
{
    const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
    rd_kafka_resp_err_t all = rd_kafka_event_error(event);
    bool ok = true;

    c->under_way = false;
    if (all != RD_KAFKA_RESP_ERR_NO_ERROR)
        ok = fault_set(f, FAULT_RETRY, "the offsets were not committed: %s", rd_kafka_err2str(all));
    for (int i = 0; list != NULL && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];
        struct kafka_slot *slot = kafka_slots_find(c->slots, p->topic, p->partition);

        if (p->err != RD_KAFKA_RESP_ERR_NO_ERROR && ok)
            ok = fault_set(f, FAULT_RETRY, "%.80s[%" PRId32 "]: the offset was not committed: %s",
                           p->topic, p->partition, rd_kafka_err2str(p->err));
        /* The slot may have a later life by now; its offsets tell. */
        if (slot == NULL || slot->asked != p->offset)
            continue;
        if (all == RD_KAFKA_RESP_ERR_NO_ERROR && p->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            slot->committed = p->offset;
        } else {
            slot->asked = slot->committed;
            c->wanted = true;
        }
    }
    if (!ok)
        c->not_before_ms = now_ms + KAFKA_COMMIT_AGAIN_MS;
    return ok;
}

static int64_t monotonic_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool kafka_commits_wait(struct kafka_commits *c, int64_t now_ms,
                        void (*other)(void *owner, struct rd_kafka_op_s *event), void *owner,
                        struct fault *f)
{
    int64_t until_ms = monotonic_ms() + KAFKA_COMMIT_WAIT_MS;
    bool sent = false;
    bool ok = true;
    struct fault earlier; /* of the request that was under way: what it wanted is sent again */

    while (c->under_way || !sent) {
        int64_t left_ms = until_ms - monotonic_ms();
        rd_kafka_event_t *event;

        if (!c->under_way) {
            rd_kafka_resp_err_t err = send_now(c);

            sent = true;
            if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
                return fault_set(f, FAULT_RETRY, "the offsets were not committed: %s",
                                 rd_kafka_err2str(err));
            continue;
        }
        if (left_ms <= 0)
            return fault_set(f, FAULT_RETRY, "the offsets were not committed within %d ms",
                             KAFKA_COMMIT_WAIT_MS);
        event = rd_kafka_queue_poll(c->queue, (int)left_ms);
        if (event == NULL)
            continue;
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_OFFSET_COMMIT) {
            bool answered = kafka_commits_answer(c, event, now_ms, sent ? f : &earlier);

            ok = answered || !sent;
            rd_kafka_event_destroy(event);
        } else {
            other(owner, event);
        }
    }
    return ok;
}
