/*
 * kafka_slots: the partitions assigned now, each under its slot, with what is known of each.
 *
 * Also keeps, per slot, the records that came while it was paused (they are in no queue of
 * librdkafka any more). Pure data; no librdkafka in it.
 */
#ifndef BRIDGE_IO_KAFKA_SLOTS_H
#define BRIDGE_IO_KAFKA_SLOTS_H

#include "bridge/io/kafka_record.h"
#include "bridge/ports/source.h"

/* Records of a paused slot that are kept here before its fetching is stopped, which throws away
 * what librdkafka has fetched ahead. */
#define KAFKA_HELD_BYTES_MAX (2 << 20)
/* Of all slots together; beyond it each keeps no more than its part of that. */
#define KAFKA_HELD_ALL_MAX (4 << 20)
/* What the heap has of a record beside its bytes. */
#define KAFKA_RECORD_BYTES 64
/* Headers that librdkafka's own limits don't count: a slot of such records is not fetched ahead. */
#define KAFKA_HEAVY_BYTES 4096

struct kafka_slot {
    bool used;
    bool leaving;      /* being revoked: nothing is handed out any more */
    bool paused;       /* the loop wants no records now */
    bool fetch_paused; /* and librdkafka was told */
    bool anew;         /* its log is not the one that was read: nothing is committed any more */
    bool heavy;        /* its newest record had more headers than KAFKA_HEAVY_BYTES */
    uint32_t epoch;
    char *topic; /* owned */
    int32_t partition;
    int64_t next_offset; /* where reading began */
    int64_t last;        /* newest offset that was taken from librdkafka; -1: none */
    int64_t end;         /* the log's end, where reading has come to it; -1: it has not */
    int64_t far_end;     /* the same, asked for while it rests; -1: it was not */
    int64_t want;        /* to be committed; -1: nothing */
    int64_t checked;     /* a commit up to here may be sent; -1: none */
    int64_t asked;       /* under way to the broker, or there; -1: nothing */
    int64_t committed;   /* the broker has it; -1: nothing known */
    struct kafka_record *held_first;
    struct kafka_record *held_last;
    size_t held;
    size_t held_bytes;
};

struct kafka_slots;

struct kafka_slots *kafka_slots_new(void);
void kafka_slots_free(struct kafka_slots *s); /* nothing may be held any more */
size_t kafka_slots_count(const struct kafka_slots *s);
size_t kafka_slots_paused(const struct kafka_slots *s);
uint32_t kafka_slots_next_epoch(struct kafka_slots *s); /* one more than any before */

/* A free slot for this partition, filled; NULL where all are taken. topic is copied. */
struct kafka_slot *kafka_slots_add(struct kafka_slots *s, const char *topic, int32_t partition,
                                   uint32_t epoch, int64_t next_offset);
void kafka_slots_remove(struct kafka_slots *s, struct kafka_slot *slot);
struct kafka_slot *kafka_slots_find(struct kafka_slots *s, const char *topic, int32_t partition);
/* Slot number i, NULL where it is free; i may be any number. */
struct kafka_slot *kafka_slots_at(struct kafka_slots *s, unsigned i);
unsigned kafka_slots_number(const struct kafka_slots *s, const struct kafka_slot *slot);
/* Where reading goes on: behind the newest record, and behind what no reader is given (the end of a
 * transaction, records of an aborted one) where that is the last of the log. */
int64_t kafka_slot_next(const struct kafka_slot *slot);
void kafka_slots_pause(struct kafka_slots *s, struct kafka_slot *slot, bool paused);

/* Fills out (room for SOURCE_PARTITIONS_MAX) with the slots of that epoch, 0 for all. */
size_t kafka_slots_list(struct kafka_slots *s, uint32_t epoch, struct source_partition *out);

void kafka_slot_hold(struct kafka_slots *s, struct kafka_slot *slot, struct kafka_record *r);
void kafka_slot_weigh(struct kafka_slot *slot, const struct kafka_record *r); /* its newest */
/* s: all slots. */
bool kafka_slot_holds_enough(const struct kafka_slots *s, const struct kafka_slot *slot);
/* Takes the oldest; NULL: none. */
struct kafka_record *kafka_slot_held(struct kafka_slots *s, struct kafka_slot *slot);

#endif
