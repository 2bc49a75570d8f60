/*
 * kafka_commits: committed offsets on their way to the broker: at most one request under way, and
 * of each partition the newest offset only. An older request can so never overtake a newer one.
 * What is wanted is sent once the owner has said that it may be (kafka_slot.checked, cleared).
 */
#ifndef BRIDGE_IO_KAFKA_COMMITS_H
#define BRIDGE_IO_KAFKA_COMMITS_H

#include "bridge/io/kafka_slots.h"

#define KAFKA_COMMIT_WAIT_MS  3000 /* for the answer to a commit that is waited for */
#define KAFKA_COMMIT_AGAIN_MS 1000 /* after a refusal */
#define KAFKA_COMMIT_EVERY_MS 100  /* from one request to the next, at least */

struct rd_kafka_op_s;
struct rd_kafka_queue_s;
struct rd_kafka_s;

struct kafka_commits {
    struct rd_kafka_s *rk;          /* borrowed */
    struct rd_kafka_queue_s *queue; /* borrowed; answers come here */
    struct kafka_slots *slots;      /* borrowed */
    bool wanted;                    /* some slot wants more than it asked for */
    bool cleared;                   /* of some slot that was checked, and not sent yet */
    bool under_way;
    int64_t not_before_ms;
};

/* next_offset is kept as the newest of its slot; lower ones than the newest change nothing. */
void kafka_commits_want(struct kafka_commits *c, struct kafka_slot *slot, int64_t next_offset);
/* Reading has come to the log's end. Where all that was read is committed, or wanted to be, so is
 * what lies behind it and no reader is given: else the lag would never be 0, and when the log's
 * start passes it, that would look like a loss. */
void kafka_commits_end(struct kafka_commits *c, struct kafka_slot *slot, int64_t end);
/* What is committed is wanted again: a group without members loses an offset by its age. */
void kafka_commits_renew(struct kafka_commits *c);
/* Is there something that is wanted, could be sent now, and was not checked? */
bool kafka_commits_unchecked(const struct kafka_commits *c, int64_t now_ms);
/* next_offset of that slot may be sent. */
void kafka_commits_clear(struct kafka_commits *c, struct kafka_slot *slot, int64_t next_offset);
/* Sends what was cleared, unless a request is under way or was sent or refused a moment ago. */
void kafka_commits_send(struct kafka_commits *c, int64_t now_ms);
/* Takes an OFFSET_COMMIT event. false with *f (RETRY): it was refused; it will be asked again. */
bool kafka_commits_answer(struct kafka_commits *c, struct rd_kafka_op_s *event, int64_t now_ms,
                          struct fault *f);
/* Sends what was cleared and waits: for the request under way, then for its own. `other` is given
 * the events of the queue that are no answers. */
bool kafka_commits_wait(struct kafka_commits *c, int64_t now_ms,
                        void (*other)(void *owner, struct rd_kafka_op_s *event), void *owner,
                        struct fault *f);

#endif
