#include "bridge/run/consume_state.h"

#include "bridge/core/mem.h"
#include "bridge/ports/fault_point.h"

#include <assert.h>

#define CONSUME_WARN_AGAIN_MS 60000 /* between two lines about the same old head */

/* ---- back-pressure ---- */

/* While the head of a partition waits, what ends behind it is remembered; that too has a limit. */
static void look_at_tracker(struct consume *c, struct partition *p)
{
    size_t open = tracker_open(&p->tracker);
    bool was_full = p->full;

    if (open >= TRACKER_OPEN_MAX - CONSUME_SLACK)
        p->full = true;
    else if (open <= TRACKER_OPEN_MAX / 2)
        p->full = false;
    if (p->full != was_full)
        notice_say(c->port.log, NOTICE_WARN, p->full ? "partition_full" : "partition_has_room",
                   NOTICE_TEXT("topic", p->at.topic), NOTICE_INT("partition", p->at.partition),
                   NOTICE_INT("offset", tracker_position(&p->tracker)));
}

static void flow(struct consume *c, struct partition *p)
{
    bool stops;

    if (!p->assigned || p->draining)
        return;
    look_at_tracker(c, p);
    stops = p->full || gate_stops(&c->gate, &p->share);
    if (stops == p->paused)
        return;
    p->paused = stops;
    stat_add(c->stat_paused, stops ? 1 : -1);
    if (stops)
        c->port.source.pause(c->port.source.ctx, p->at.slot);
    else
        c->port.source.resume(c->port.source.ctx, p->at.slot);
}

static void flow_all(struct consume *c)
{
    notice_say(c->port.log, NOTICE_DEBUG, c->gate.shut ? "gate_shut" : "gate_open",
               NOTICE_INT("records", c->gate.held.records),
               NOTICE_INT("bytes", c->gate.held.bytes));
    for (size_t i = 0; i < c->partition_slots; i++)
        if (c->partitions[i] != NULL)
            flow(c, c->partitions[i]);
}

void consume_partition_flow(struct consume *c, struct partition *p, bool gate)
{
    if (gate)
        flow_all(c);
    else
        flow(c, p);
}

/* Partitions have come or gone. */
static void divide(struct consume *c)
{
    gate_divide(&c->gate, c->assigned);
    for (size_t i = 0; i < c->partition_slots; i++)
        if (c->partitions[i] != NULL)
            gate_count(&c->gate, &c->partitions[i]->share);
    flow_all(c);
}

/* ---- assignment ---- */

void consume_assigned(void *consume, const struct source_partition *parts, size_t count)
{
    struct consume *c = consume;

    for (size_t i = 0; i < count; i++) {
        struct partition *p = mem_zeroed(1, sizeof *p);

        assert(parts[i].slot < SOURCE_PARTITIONS_MAX && c->partitions[parts[i].slot] == NULL);
        c->partitions[parts[i].slot] = p;
        if (parts[i].slot >= c->partition_slots)
            c->partition_slots = parts[i].slot + 1;
        p->assigned = true;
        p->at = parts[i];
        tracker_init(&p->tracker, parts[i].epoch, parts[i].next_offset);
        p->committed = parts[i].next_offset;
        c->assigned++;
        notice_say(c->port.log, NOTICE_INFO, "assigned", NOTICE_TEXT("topic", parts[i].topic),
                   NOTICE_INT("partition", parts[i].partition),
                   NOTICE_INT("offset", parts[i].next_offset));
    }
    divide(c);
}

static void let_go(struct delivery *d)
{
    consume_send_slot_free(d); /* the ledger was asked for its request */
    d->asked = 0;
}

/* Lets go of what is not out. With `all` also of what is: memory, sink and batches have copied what
 * they were given, and the answer will find nothing. Only a write's request still borrows from it;
 * else an outage would hold more with each rebalance. */
static void drop(struct consume *c, const struct partition *p, bool all)
{
    for (size_t i = 0; i < c->delivery_count; i++) {
        struct delivery *d = c->deliveries[i];

        if (d->partition != p || !delivery_has(d->state, DELIVERY_ON_DROP))
            continue;
        if (!all && (d->asked > 0 || d->state == DELIVERY_KEEPING || d->state == DELIVERY_BURYING ||
                     d->state == DELIVERY_REPORTING))
            continue;
        if (all && d->state == DELIVERY_SENDING && d->holds_slot)
            c->port.http.cancel(c->port.http.ctx, consume_token(d));
        else
            let_go(d);
        consume_move(c, d, DELIVERY_ON_DROP);
    }
}

static void free_partition(struct partition *p)
{
    tracker_done(&p->tracker);
    mem_free(p);
}

/* Its slot is free for another assignment; dropped deliveries may still hold the structure. */
static void forget(struct consume *c, struct partition *p)
{
    assert(p->share.held.records == 0); /* all of it has ended or was dropped */
    p->assigned = false;
    c->partitions[p->at.slot] = NULL;
    c->assigned--;
    if (p->paused)
        stat_add(c->stat_paused, -1);
    if (p->held == 0)
        free_partition(p);
}

void consume_partition_freed(struct partition *p)
{
    p->held--;
    if (!p->assigned && p->held == 0)
        free_partition(p);
}

static void commit_one(struct consume *c, struct partition *p, bool now)
{
    int64_t position = tracker_position(&p->tracker);
    struct fault f = {0};

    /* A commit that was not waited for may not have left yet, or was refused meanwhile. */
    if (position == p->committed && !now)
        return;
    if (c->port.source.commit(c->port.source.ctx, p->at.slot, p->at.epoch, position, now, &f)) {
        FAULT_POINT(OFFSET_STORED);
        p->committed = position;
        return;
    }
    notice_say(c->port.log, NOTICE_WARN, "commit_failed", NOTICE_TEXT("topic", p->at.topic),
               NOTICE_INT("partition", p->at.partition), NOTICE_INT("offset", position),
               NOTICE_TEXT("reason", f.text));
}

void consume_commit(struct consume *c, bool now)
{
    for (size_t i = 0; i < c->partition_slots; i++)
        if (c->partitions[i] != NULL && c->partitions[i]->assigned)
            commit_one(c, c->partitions[i], now);
}

static size_t out_of_draining(const struct consume *c)
{
    size_t out = 0;

    for (size_t i = 0; i < c->partition_slots; i++)
        if (c->partitions[i] != NULL && c->partitions[i]->draining)
            out += c->partitions[i]->held;
    return out;
}

void consume_revoked(void *consume, const struct source_partition *parts, size_t count, bool lost)
{
    struct consume *c = consume;

    for (size_t i = 0; i < count; i++) {
        struct partition *p = c->partitions[parts[i].slot];

        if (p == NULL || !p->assigned)
            continue;
        p->draining = true;
        notice_say(c->port.log, lost ? NOTICE_WARN : NOTICE_INFO, "revoked",
                   NOTICE_TEXT("topic", parts[i].topic),
                   NOTICE_INT("partition", parts[i].partition), NOTICE_INT("lost", lost),
                   NOTICE_INT("held", (int64_t)p->held));
        drop(c, p, lost);
        if (lost)
            forget(c, p);
    }
    divide(c);
    c->revoking = true;
    if (!c->ending)
        c->revoke_until_ms = consume_now(c) + (lost ? 0 : c->conf.drain_ms);
    consume_partitions_settle(c);
}

/* What was out has ended, or its time is over: commit, and let the partitions go. All of it is
 * waited for once, with the last of them: a broker that doesn't answer costs one deadline. */
void consume_partitions_settle(struct consume *c)
{
    struct partition *last = NULL;

    if (!c->revoking && !c->ending)
        return;
    if (out_of_draining(c) > 0 && consume_now(c) < c->revoke_until_ms)
        return;
    for (size_t i = 0; i < c->partition_slots; i++) {
        struct partition *p = c->partitions[i];

        if (p == NULL || !p->draining)
            continue;
        if (p->held > 0)
            notice_say(c->port.log, NOTICE_WARN, "drain_deadline",
                       NOTICE_TEXT("topic", p->at.topic), NOTICE_INT("partition", p->at.partition),
                       NOTICE_INT("left", (int64_t)p->held));
        drop(c, p, true);
        commit_one(c, p, false);
        last = p;
    }
    if (last != NULL)
        commit_one(c, last, true);
    for (size_t i = 0; i < c->partition_slots; i++)
        if (c->partitions[i] != NULL && c->partitions[i]->draining)
            forget(c, c->partitions[i]);
    divide(c);
    if (c->revoking) {
        c->revoking = false;
        c->port.source.released(c->port.source.ctx);
    }
    if (c->ending)
        c->ended = true;
}

void consume_drain(struct consume *c)
{
    if (c->ending)
        return;
    c->ending = true;
    c->revoke_until_ms = consume_now(c) + c->conf.drain_ms;
    for (size_t i = 0; i < c->partition_slots; i++) {
        struct partition *p = c->partitions[i];

        if (p == NULL || !p->assigned)
            continue;
        c->port.source.pause(c->port.source.ctx, p->at.slot);
        p->draining = true;
        drop(c, p, false);
    }
    consume_partitions_settle(c);
}

bool consume_drained(const struct consume *c)
{
    return c->ended;
}

/* ---- the oldest ---- */

void consume_partitions_watch(struct consume *c)
{
    int64_t now = consume_now(c);
    int64_t oldest = now;

    for (size_t i = 0; i < c->partition_slots; i++) {
        struct partition *p = c->partitions[i];
        int64_t since;

        if (p == NULL || !p->assigned)
            continue;
        since = tracker_oldest_ms(&p->tracker);
        if (since < 0)
            continue;
        if (since < oldest)
            oldest = since;
        if (now - since < c->conf.head_of_line_ms ||
            (p->warned_ms != 0 && now - p->warned_ms < CONSUME_WARN_AGAIN_MS))
            continue;
        p->warned_ms = now;
        notice_say(c->port.log, NOTICE_WARN, "head_of_line", NOTICE_TEXT("topic", p->at.topic),
                   NOTICE_INT("partition", p->at.partition),
                   NOTICE_INT("offset", tracker_position(&p->tracker)),
                   NOTICE_INT("age_ms", now - since));
    }
    stat_set(c->stat_oldest, (now - oldest) / 1000);
    stat_set(c->stat_bytes, c->gate.held.bytes);
}
