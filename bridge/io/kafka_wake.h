/*
 * kafka_wake: librdkafka's queues on a libuv loop.
 *
 * librdkafka writes to an eventfd when a queue goes from empty to not empty; `turn` is then called
 * on the loop, and must read the queues until they are empty or answer true to be called again
 * soon. A timer calls it every KAFKA_TICK_MS too: some queues give no edge, and a consumer that
 * polls nothing for long is thrown out of its group.
 */
#ifndef BRIDGE_IO_KAFKA_WAKE_H
#define BRIDGE_IO_KAFKA_WAKE_H

#include <stdbool.h>

#define KAFKA_TICK_MS 100

struct rd_kafka_queue_s;
struct uv_loop_s;
struct kafka_wake;

typedef bool kafka_turn(void *owner);

struct kafka_wake *kafka_wake_new(struct uv_loop_s *loop, kafka_turn *turn, void *owner);
/* The queue must be a final destination: nothing may be forwarded from it. */
void kafka_wake_watch(struct kafka_wake *w, struct rd_kafka_queue_s *queue);
void kafka_wake_unwatch(struct kafka_wake *w, struct rd_kafka_queue_s *queue);
void kafka_wake_soon(struct kafka_wake *w); /* a turn before the loop sleeps again */
/* Ends it; `closed` is called on the loop when the memory is gone. Unwatch every queue before. */
void kafka_wake_close(struct kafka_wake *w, void (*closed)(void *owner), void *owner);

#endif
