/*
 * kafka_source: ports/source.h on librdkafka, on the process's loop, which it never blocks but for
 * a commit that is waited for.
 *
 * What it promises beyond the port:
 * - Reading begins at the committed offset. Where there is none it begins at the log's start (with
 *   KAFKA_RESET_LATEST at its end, if it is among the first that this process is given), and that
 *   is committed at once, so that a loss is seen from then on; a notice warns where that is more
 *   than an empty log. Where the committed offset lies outside the log, `failed` is called, or
 *   reading goes on as configured and a notice says so.
 * - A revocation is held open until `released`. The broker waits for max.poll.interval.ms at most.
 * - Records of one partition come in order, each offset once in an epoch.
 * - With KAFKA_ASSIGN_ALL new partitions are found every refresh_ms and read from their start.
 * - After `failed` no record comes any more; the owner closes.
 */
#ifndef BRIDGE_IO_KAFKA_SOURCE_H
#define BRIDGE_IO_KAFKA_SOURCE_H

#include "bridge/io/kafka_conf.h"
#include "bridge/ports/notice.h"
#include "bridge/ports/source.h"

/* Handed out before the loop has another turn. Little: what a record costs to check, the requests
 * under way have until they all have ended and nothing is being sent. */
#define KAFKA_TURN_RECORDS 64
#define KAFKA_TURN_MS      1

struct kafka_source;
struct uv_loop_s;

/* conf is copied. Nothing happens before kafka_source_start. NULL with a fault. */
struct kafka_source *kafka_source_new(struct uv_loop_s *loop, const struct kafka_conf *conf,
                                      const struct notice *log, struct fault *f);
void kafka_source_start(struct kafka_source *s, const struct source_owner *owner);
struct source_port kafka_source_port(struct kafka_source *s);

/* Revokes what is assigned (the owner drains, commits and calls `released`), leaves the group,
 * waits until every record is given back, and frees all. `closed` is called on the loop, after
 * deadline_ms at the latest; what has not ended by then is abandoned with a notice. */
void kafka_source_close(struct kafka_source *s, int64_t deadline_ms, void (*closed)(void *owner),
                        void *owner);

/* Why it isn't reading, or not all: no broker, nothing assigned yet, failed, a topic that does not
 * exist; "" where it is, and where the group has given it nothing, since it has more members than
 * there are partitions. */
const char *kafka_source_trouble(const struct kafka_source *s);

struct kafka_figures {
    const char *topic;
    int32_t partition;
    int64_t position;  /* the next offset to be taken from librdkafka */
    int64_t committed; /* the next offset the broker will begin with; -1: not committed here */
    int64_t high; /* the log's end, as of the last fetch, or of the last question while it rests;
                   * -1: not known yet */
    bool paused;
};
/* Calls visit for every partition assigned. */
void kafka_source_each(struct kafka_source *s,
                       void (*visit)(void *ctx, const struct kafka_figures *f), void *ctx);
size_t kafka_source_out(const struct kafka_source *s);      /* records not given back */
int64_t kafka_source_repeats(const struct kafka_source *s); /* records dropped as repeated */

#endif
