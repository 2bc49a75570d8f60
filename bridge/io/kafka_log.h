/*
 * kafka_log: what librdkafka says, as notices, few enough to read: an outage repeats itself on
 * every connection, so past KAFKA_LOG_BURST lines in KAFKA_LOG_WINDOW_MS they are only counted.
 */
#ifndef BRIDGE_IO_KAFKA_LOG_H
#define BRIDGE_IO_KAFKA_LOG_H

#include "bridge/ports/notice.h"

#define KAFKA_LOG_BURST     4
#define KAFKA_LOG_WINDOW_MS 10000

struct rd_kafka_op_s;

struct kafka_log {
    const struct notice *to;
    int64_t window_end_ms;
    unsigned said;      /* in this window */
    int64_t suppressed; /* since it began */
};

void kafka_log_init(struct kafka_log *l, const struct notice *to);
/* event: static storage, "kafka_error". */
void kafka_log_say(struct kafka_log *l, int64_t now_ms, enum notice_level level, const char *event,
                   const char *text);
/* Says the line of a LOG event, or the sentence of an ERROR event. */
void kafka_log_event(struct kafka_log *l, int64_t now_ms, struct rd_kafka_op_s *event);

#endif
