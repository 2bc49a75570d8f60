/*
 * leg_queues: the queues that a leg entered after its first one, each with the stamp of the event
 * that said so, as bytes in the leg's row, oldest first.
 *
 * A removal (queueId: null) makes the first queue that was entered after it count, and may come
 * before or after the events of those: so all are kept, up to LEG_QUEUES_MAX, of more the newest.
 */
#ifndef SERVER_LEG_QUEUES_H
#define SERVER_LEG_QUEUES_H

#include "bridge/core/cmi_decode.h"
#include "bridge/core/merge.h"
#include "server/row.h"

#define LEG_QUEUES_MAX   64
#define LEG_QUEUES_BYTES (LEG_QUEUES_MAX * (CMI_SCALAR_MAX + MERGE_STAMP_MAX + 32)) /* stored */

struct leg_queue {
    struct merge_stamp stamp;
    struct cell id;
    struct cell name;
};

/* The next one of what is stored; its cells are views of that. False: there are no more. */
bool leg_queues_next(struct view *rest, struct leg_queue *one);
/* Are the bytes such a list? */
bool leg_queues_are(struct view stored);
/* Writes what is stored and one more, in its place; one of a stamp that is there is the same. */
void leg_queues_add(struct view stored, const struct leg_queue *one, struct buf *to);

#endif
