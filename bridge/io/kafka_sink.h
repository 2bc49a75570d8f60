/*
 * kafka_sink: ports/sink.h on librdkafka: an idempotent producer with acks=all, on the process's
 * loop, which it never blocks.
 *
 * A record is tried until it is delivered: there is no time-out by default (message.timeout.ms
 * changes that). A report of a failure means: not known to be delivered; after a lost connection
 * the record may be there all the same, so whoever repeats it must bear it twice.
 * If the client ends itself with a fatal error (librdkafka 2.0 may after a disconnection), what it
 * held is reported as failed, and a new one takes its place.
 */
#ifndef BRIDGE_IO_KAFKA_SINK_H
#define BRIDGE_IO_KAFKA_SINK_H

#include "bridge/io/kafka_conf.h"
#include "bridge/ports/notice.h"
#include "bridge/ports/sink.h"

#define KAFKA_SINK_TOPICS_MAX 8

struct kafka_sink;
struct uv_loop_s;

/* conf is copied. `topics` are asked for at the start, so that the first record doesn't wait.
 * NULL with a fault. */
struct kafka_sink *kafka_sink_new(struct uv_loop_s *loop, const struct kafka_conf *conf,
                                  const char *const *topics, size_t topic_count,
                                  const struct notice *log, sink_on_report *on_report, void *owner,
                                  struct fault *f);
struct sink_port kafka_sink_port(struct kafka_sink *s);

/* Takes no more, delivers what it has, and frees all. After deadline_ms what is left is reported
 * as failed. Then `closed` is called on the loop; the sink may be asked in it for the last time. */
void kafka_sink_close(struct kafka_sink *s, int64_t deadline_ms, void (*closed)(void *owner),
                      void *owner);
/* Of one that is being closed: its deadline is now. */
void kafka_sink_hurry(struct kafka_sink *s);

size_t kafka_sink_waiting(const struct kafka_sink *s); /* produced and not reported */
/* Why nothing gets through: no broker, a topic of those that isn't there; "" where there is
 * nothing.
 */
const char *kafka_sink_trouble(const struct kafka_sink *s);

#endif
