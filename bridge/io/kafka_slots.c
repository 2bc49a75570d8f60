#include "bridge/io/kafka_slots.h"

#include "bridge/core/mem.h"

#include <assert.h>
#include <string.h>

#define INDEX_SIZE (SOURCE_PARTITIONS_MAX * 2) /* a power of two; at most half full */

struct kafka_slots {
    struct kafka_slot at[SOURCE_PARTITIONS_MAX];
    uint16_t index[INDEX_SIZE]; /* open addressing: slot number + 1; 0: empty */
    struct kafka_slot *last;    /* found last: records come in runs of one partition */
    size_t count;
    size_t paused;
    size_t held_bytes; /* of all */
    uint32_t epoch;
};

struct kafka_slots *kafka_slots_new(void)
{
    return mem_zeroed(1, sizeof(struct kafka_slots));
}

void kafka_slots_free(struct kafka_slots *s)
{
    if (s == NULL)
        return;
    for (unsigned i = 0; i < SOURCE_PARTITIONS_MAX; i++) {
        assert(s->at[i].held == 0);
        mem_free(s->at[i].topic);
    }
    mem_free(s);
}

size_t kafka_slots_count(const struct kafka_slots *s)
{
    return s->count;
}

size_t kafka_slots_paused(const struct kafka_slots *s)
{
    return s->paused;
}

uint32_t kafka_slots_next_epoch(struct kafka_slots *s)
{
    return ++s->epoch;
}

static unsigned hash(const char *topic, int32_t partition)
{
    uint32_t h = 2166136261u ^ (uint32_t)partition; /* FNV-1a */

    for (; *topic != '\0'; topic++)
        h = (h ^ (unsigned char)*topic) * 16777619u;
    return (h ^ h >> 16) & (INDEX_SIZE - 1);
}

static void index_add(struct kafka_slots *s, const struct kafka_slot *slot)
{
    unsigned i = hash(slot->topic, slot->partition);

    while (s->index[i] != 0)
        i = (i + 1) & (INDEX_SIZE - 1);
    s->index[i] = (uint16_t)(slot - s->at + 1);
}

struct kafka_slot *kafka_slots_add(struct kafka_slots *s, const char *topic, int32_t partition,
                                   uint32_t epoch, int64_t next_offset)
{
    struct kafka_slot *slot = s->at;

    if (s->count == SOURCE_PARTITIONS_MAX)
        return NULL;
    while (slot->used)
        slot++;
    *slot = (struct kafka_slot){.used = true,
                                .epoch = epoch,
                                .topic = mem_text(topic, strlen(topic)),
                                .partition = partition,
                                .next_offset = next_offset,
                                .last = -1,
                                .end = -1,
                                .far_end = -1,
                                .want = -1,
                                .checked = -1,
                                .asked = -1,
                                .committed = -1};
    s->count++;
    index_add(s, slot);
    return slot;
}

void kafka_slots_remove(struct kafka_slots *s, struct kafka_slot *slot)
{
    assert(slot->used && slot->held == 0);
    kafka_slots_pause(s, slot, false);
    mem_free(slot->topic);
    *slot = (struct kafka_slot){.used = false};
    s->count--;
    s->last = NULL;
    /* Removal is rare: the index is made anew. */
    memset(s->index, 0, sizeof s->index);
    for (unsigned i = 0; i < SOURCE_PARTITIONS_MAX; i++)
        if (s->at[i].used)
            index_add(s, &s->at[i]);
}

struct kafka_slot *kafka_slots_find(struct kafka_slots *s, const char *topic, int32_t partition)
{
    if (s->last != NULL && s->last->partition == partition && strcmp(s->last->topic, topic) == 0)
        return s->last;
    for (unsigned i = hash(topic, partition); s->index[i] != 0; i = (i + 1) & (INDEX_SIZE - 1)) {
        struct kafka_slot *slot = &s->at[s->index[i] - 1];

        if (slot->partition == partition && strcmp(slot->topic, topic) == 0)
            return s->last = slot;
    }
    return NULL;
}

struct kafka_slot *kafka_slots_at(struct kafka_slots *s, unsigned i)
{
    return i < SOURCE_PARTITIONS_MAX && s->at[i].used ? &s->at[i] : NULL;
}

unsigned kafka_slots_number(const struct kafka_slots *s, const struct kafka_slot *slot)
{
    return (unsigned)(slot - s->at);
}

int64_t kafka_slot_next(const struct kafka_slot *slot)
{
    int64_t next = slot->last >= 0 ? slot->last + 1 : slot->next_offset;

    return slot->end > next ? slot->end : next;
}

void kafka_slots_pause(struct kafka_slots *s, struct kafka_slot *slot, bool paused)
{
    if (slot->paused == paused)
        return;
    slot->paused = paused;
    if (paused)
        s->paused++;
    else
        s->paused--;
}

size_t kafka_slots_list(struct kafka_slots *s, uint32_t epoch, struct source_partition *out)
{
    size_t n = 0;

    for (unsigned i = 0; i < SOURCE_PARTITIONS_MAX; i++)
        if (s->at[i].used && (epoch == 0 || s->at[i].epoch == epoch))
            out[n++] = (struct source_partition){.slot = i,
                                                 .epoch = s->at[i].epoch,
                                                 .topic = s->at[i].topic,
                                                 .partition = s->at[i].partition,
                                                 .next_offset = s->at[i].next_offset};
    return n;
}

static size_t headers_of(const struct kafka_record *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->r.header_count && i < RECORD_HEADERS_READ; i++)
        n += sizeof r->headers[0] + r->r.headers[i].name.n + r->r.headers[i].value.n;
    return n;
}

static size_t weight(const struct kafka_record *r)
{
    return sizeof *r + KAFKA_RECORD_BYTES + r->r.key.n + r->r.value.n + headers_of(r);
}

void kafka_slot_weigh(struct kafka_slot *slot, const struct kafka_record *r)
{
    slot->heavy = headers_of(r) > KAFKA_HEAVY_BYTES;
}

void kafka_slot_hold(struct kafka_slots *s, struct kafka_slot *slot, struct kafka_record *r)
{
    r->next = NULL;
    if (slot->held_last != NULL)
        slot->held_last->next = r;
    else
        slot->held_first = r;
    slot->held_last = r;
    slot->held++;
    slot->held_bytes += weight(r);
    s->held_bytes += weight(r);
}

bool kafka_slot_holds_enough(const struct kafka_slots *s, const struct kafka_slot *slot)
{
    size_t part = KAFKA_HELD_ALL_MAX / (s->count > 0 ? s->count : 1);

    return slot->held_bytes >= KAFKA_HELD_BYTES_MAX || slot->heavy ||
           (s->held_bytes >= KAFKA_HELD_ALL_MAX && slot->held_bytes >= part);
}

struct kafka_record *kafka_slot_held(struct kafka_slots *s, struct kafka_slot *slot)
{
    struct kafka_record *r = slot->held_first;

    if (r == NULL)
        return NULL;
    slot->held_first = r->next;
    if (slot->held_first == NULL)
        slot->held_last = NULL;
    slot->held--;
    slot->held_bytes -= weight(r);
    s->held_bytes -= weight(r);
    return r;
}
