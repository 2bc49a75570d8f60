/*
 * kafka_record: librdkafka's message as a struct record, without a copy.
 */
#ifndef BRIDGE_IO_KAFKA_RECORD_H
#define BRIDGE_IO_KAFKA_RECORD_H

#include "bridge/core/record.h"

struct rd_kafka_message_s;

struct kafka_record {
    struct record r; /* r.owner is this; slot and epoch are the caller's to fill in */
    void *event;     /* the caller's */
    struct kafka_record *next;
    struct record_header headers[];
};

/* Its views hold as long as the message. The caller frees it with mem_free. */
struct kafka_record *kafka_record_new(const struct rd_kafka_message_s *m);

#endif
