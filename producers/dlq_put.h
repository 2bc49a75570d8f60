/*
 * dlq_put: dead letters put back on the topics that they came from, and each marked in the
 * dead-letter topic once the broker has it.
 *
 * At most DLQ_PUT_OPEN_MAX are on their way, from the letter's sending to its mark's
 * acknowledgement; so many are replayed twice at most where a replay ends in between. Until the
 * first mark is there it is one: who may not write marks repeats one.
 *
 * A broker refuses a batch as a whole. So what fails goes once more, in its order and by itself;
 * what is refused then is told and left. Where its topic never takes it, the others go on; else
 * those behind it in its partition are left, too, for the order's sake. What an event of its key
 * has gone past meanwhile is left as well: the next replay knows whether that was written.
 */
#ifndef PRODUCERS_DLQ_PUT_H
#define PRODUCERS_DLQ_PUT_H

#include "bridge/ports/sink.h"
#include "producers/dlq_since.h"

#define DLQ_PUT_OPEN_MAX 500
#define DLQ_PUT_TRIES    3 /* of one letter by itself, and of one mark */
#define DLQ_PUT_HEADERS  3 /* that a replay has beside its own, at most */

enum dlq_put_state {
    DLQ_PUT_NOT, /* yet, or it failed */
    DLQ_PUT_OUT,
    DLQ_PUT_THERE, /* acknowledged, and not marked */
    DLQ_PUT_MARKED,
    DLQ_PUT_LEFT, /* in this replay */
};

/* A dead letter as it was on its topic. */
struct dlq_letter {
    char *bytes; /* owned; all the views below point into it */
    struct dead_letter_place place;
    struct dlq_event event;
    bool has_key;
    struct view key;
    bool has_value;
    struct view value;
    bool has_timestamp; /* it is known what its event's was */
    int64_t timestamp_ms;
    struct record_header *headers; /* owned; with room for DLQ_PUT_HEADERS more */
    size_t header_count;
    enum dlq_put_state state;
    bool perhaps;   /* it failed, and may be on its topic all the same */
    unsigned tries; /* of it, then of its mark */
};

struct dlq_put {
    const char *topic; /* of the marks */
    struct dlq_letter *const *letters;
    size_t count;
    struct sink_port port;
    size_t next;  /* that was not sent yet */
    size_t open;  /* sent, and not marked */
    size_t out;   /* of those, not acknowledged */
    bool alone;   /* what is out was sent by itself */
    bool stopped; /* no letters any more */
    size_t again_count;
    size_t again[DLQ_PUT_OPEN_MAX]; /* what failed, in its order */
    size_t owed_count;
    size_t owed[DLQ_PUT_OPEN_MAX]; /* marks to be sent */
    /* What came of it. */
    int64_t put;
    int64_t marked;
    int64_t refused;
    int64_t left; /* behind one that was refused */
    char error[FAULT_TEXT_MAX];
};

/* The letters with the fate DLQ_REPLAY; they are sorted by topic, partition and offset, and stay.
 */
void dlq_put_init(struct dlq_put *p, const char *topic, struct dlq_letter *const *letters,
                  size_t count, struct sink_port port);
/* Sends what may be sent now. To be called until it is done, after each turn of the sink. */
void dlq_put_step(struct dlq_put *p);
sink_on_report dlq_put_report; /* owner: the dlq_put */
void dlq_put_stop(struct dlq_put *p);
bool dlq_put_done(struct dlq_put *p);
/* At the end: names each that was, or may have been, replayed and is not marked. */
void dlq_put_say_open(const struct dlq_put *p);

#endif
