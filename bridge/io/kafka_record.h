/*
 * kafka_record: librdkafka's message as a struct record of its own.
 *
 * It is a copy: librdkafka's message would keep all of the fetch that it came in, up to
 * fetch.max.bytes, for as long as one event of it waits.
 */
#ifndef BRIDGE_IO_KAFKA_RECORD_H
#define BRIDGE_IO_KAFKA_RECORD_H

#include "bridge/core/record.h"

struct rd_kafka_message_s;

struct kafka_record {
    struct record r; /* r.owner is this; slot and epoch are the caller's to fill in */
    struct kafka_record *next;
    struct record_header headers[];
};

/* The caller frees it with mem_free. */
struct kafka_record *kafka_record_new(const struct rd_kafka_message_s *m);

#endif
