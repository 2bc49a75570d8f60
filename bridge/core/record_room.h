/*
 * record_room: what we write to Kafka beside what the topics, and our own producer, take.
 */
#ifndef BRIDGE_CORE_RECORD_ROOM_H
#define BRIDGE_CORE_RECORD_ROOM_H

#include <stddef.h>
#include <stdint.h>

#define RECORD_ROOM_LETTER 1024 /* bytes that a dead letter may be longer than its record */
#define RECORD_ROOM_REPORT                                                                         \
    65536 /* bytes of a result or an outcome, at most, but for their keys                          \
           */
#define RECORD_ROOM_SENTENCE 640

struct record_room_topic {
    const char *name; /* NULL: there is none */
    int64_t bytes;    /* its max.message.bytes; negative: not known, nothing is said of it */
};

struct record_room {
    const struct record_room_topic *read; /* events come from them */
    size_t read_count;
    struct record_room_topic letters;
    struct record_room_topic results;
    struct record_room_topic outcomes;
    int64_t produced; /* message.max.bytes of our producer */
};

typedef void record_room_say(void *ctx, const char *sentence);

/* A sentence for each thing that could be too large, with what to set. */
void record_room_judge(const struct record_room *r, record_room_say *say, void *ctx);

#endif
