/*
 * consume_state: what the files of the consume loop share. Private to bridge/run/consume*.c.
 *
 *   consume.c             the door (consume_move), the turn, the inputs
 *   consume_intake.c      a record becomes a delivery: parse, check, route
 *   consume_memory.c      references and the ledger
 *   consume_send.c        destinations: which delivery goes out next
 *   consume_batch.c       ingest events go out several together
 *   consume_reply.c       what a reply means, for its delivery and for its destination
 *   consume_report.c      results and dead letters
 *   consume_partitions.c  assignment, commit, pause, drain
 */
#ifndef BRIDGE_RUN_CONSUME_STATE_H
#define BRIDGE_RUN_CONSUME_STATE_H

#include "bridge/core/budget.h"
#include "bridge/core/cloudevent.h"
#include "bridge/core/delivery.h"
#include "bridge/core/event_types.h"
#include "bridge/core/gate.h"
#include "bridge/core/heap.h"
#include "bridge/core/lanes.h"
#include "bridge/core/outcome.h"
#include "bridge/core/record.h"
#include "bridge/core/sightings.h"
#include "bridge/core/tracker.h"
#include "bridge/run/consume.h"

#define CONSUME_KEY_LEN    33                   /* 32 lower hex and a NUL */
#define CONSUME_ID_MAX     (OUTCOME_ID_MAX + 1) /* with the NUL */
#define CONSUME_REF_ASK_MS 500  /* between two look-ups of a reference that is not known yet */
#define CONSUME_REFUSAL_MS 5000 /* so long it is told of that Redis refused something */
/* So many that wait for names are followed to see whether the first one's will be known, and so
 * long it takes until each of them has asked once more. */
#define CONSUME_REF_CHAIN_MAX 8
#define CONSUME_REF_CHAIN_MS  (2 * CONSUME_REF_CHAIN_MAX * CONSUME_REF_ASK_MS)
/* What ends so soon after it was sent, or given up, was held up by nothing. */
#define CONSUME_REF_PROMPT_MS 2000
#define CONSUME_AGAIN_MS      200   /* before a refused produce or store is tried again */
#define CONSUME_REFUSED_MS    10000 /* the same, at most, of what its topic does not take */
#define CONSUME_SAY_MS        10000 /* between two lines that say the same of a topic */
#define CONSUME_MOVED_BURST   5     /* lines about references that moved, in that time */
#define CONSUME_TRACE_MAX     64
#define CONSUME_RESULT_MAX    65536 /* bytes of a result's data */
#define CONSUME_CUT_KEY_MAX                                                                        \
    1024 /* bytes of a key, and characters of other texts, that a cut dead letter or result keeps  \
          */
#define CONSUME_SLACK          1024 /* records that may come in while a pause takes effect */
#define OUTLET_PLACE_MAX       300  /* "topic[0]@17" */
#define CONSUME_FORBIDDEN_KEYS 3    /* keys in a row answered 403 that stop a destination */

struct partition {
    bool assigned;
    bool draining; /* revoked: what is out may end, nothing more begins */
    bool full;     /* its head does not end, and enough is behind it */
    bool paused;   /* the source was told */
    struct gate_share share;
    struct source_partition at;
    struct tracker tracker;
    int64_t committed; /* the position last handed to the source */
    size_t held;       /* deliveries that belong to it and are not freed */
    int64_t warned_ms; /* when its old head was last said aloud */
};

struct destination {
    const struct consume_destination *conf;
    struct breaker breaker;
    struct budget budget;
    struct delivery_list {
        struct delivery *front;
        struct delivery *back;
        size_t count;
    } writes, ingests; /* READY */
    bool ingest_next;
    size_t batch_bytes; /* of a batch; halved where the destination finds that too large */
    int out;            /* requests under way, ledger notes included */
    uint64_t successes;
    uint64_t forbidden[CONSUME_FORBIDDEN_KEYS]; /* hashes of the keys answered 403 in a row */
    int forbidden_count;
    size_t held;                 /* deliveries whose dead letter waits for the budget, */
    struct delivery *held_front; /* those, in the order in which they began to */
    struct delivery *held_back;
    bool held_stops;     /* the first of them stopped it, and all that were asked since did, too */
    bool newest_next;    /* its next trial is of one that was never asked, if there is one */
    int64_t held_say_ms; /* not said again before */
    char trouble[FAULT_TEXT_MAX]; /* why it is stopped or failing; "" while it works */
    struct stat *stat_breaker;
    struct stat *stat_held;
    struct stat *stat_time;
    struct stat *stat_outcome[OUTCOME_STOP + 1];
};

/* A topic that we write. */
struct outlet {
    const char *topic;            /* NULL: there is none */
    size_t refused;               /* deliveries that it did not take when they were tried last */
    char trouble[FAULT_TEXT_MAX]; /* why, of the last of them */
    char place[OUTLET_PLACE_MAX]; /* where its record is */
    int64_t say_ms;               /* not before, unless it is news */
    struct stat *stat_refused;
};

enum disposition { POISON, REFUSED, EXHAUSTED, UNKNOWN_REF, UNROUTED };

struct delivery {
    struct lane_item lane;
    struct heap_item timer; /* WAITING, UNRESOLVED; tries again in KEEPING, BURYING, REPORTING */
    struct delivery *prev;  /* in its destination's list */
    struct delivery *next;  /* there, or in the list of unused ones */
    struct delivery_list *list;
    enum delivery_state state;
    uint32_t index;
    uint32_t generation; /* of this use of the structure; with index the token */
    int asked;           /* calls to ports whose answer it waits for; freed only at 0 */

    struct record record;
    struct partition *partition;
    uint64_t ticket;
    int64_t taken_ms;
    int64_t bytes; /* what it counts for at the gate */

    bool readable; /* event holds: it could be read as a CloudEvent */
    struct cloudevent event;
    struct buf event_text; /* what of the event had to be unescaped */
    const struct event_type *type;
    struct destination *destination;
    struct buf converted; /* the body, where it is not the event's own bytes */
    struct view body;
    struct buf path;
    struct view ref;         /* of the subject; into the record or event_text */
    char id[CONSUME_ID_MAX]; /* what the reference stands for; "" until known */
    int64_t ref_since_ms;    /* its refs.wait began then; 0: it has not */
    int64_t ref_gone_ms;     /* it was over then */
    char key[CONSUME_KEY_LEN];
    char entry[CONSUME_KEY_LEN]; /* the ledger's key of this write; "" until asked for */
    char trace[CONSUME_TRACE_MAX];
    struct http_header headers[HTTP_HEADERS_MAX];

    int attempts; /* requests sent */
    int charged;  /* failures that count against it */
    uint64_t successes_seen;
    size_t together; /* events a batch with it may have; 0: as many as any */
    bool holds_slot; /* one of its destination's requests is this one's */
    uint64_t number; /* of its last request, for its destination's breaker */
    bool held;       /* it would be a dead letter, if the budget allowed it: */
    struct delivery *held_before;
    struct delivery *held_after;
    int64_t held_until_ms; /* its destination has asked to be left alone with it till then */
    bool noted;            /* the ledger knows that it begins */
    bool kept_ref;
    bool possible_duplicate;
    int64_t first_sent_ms;
    int status;
    char created[CONSUME_ID_MAX];  /* the id in the reply to a POST */
    char replaced[CONSUME_ID_MAX]; /* what its reference stood for before; "" for none */
    int64_t wait_ms;               /* of WAITING */
    bool rejected;                 /* it ends as a dead letter */
    bool too_large;                /* for its topic, as it is; it may be cut */
    unsigned refusals;             /* by its topic, one after the other */
    enum disposition disposition;
    struct fault fault; /* of the last failure */
};

struct batch {
    bool used;
    uint32_t generation;
    struct destination *destination;
    uint64_t items[CONSUME_BATCH_MAX]; /* tokens: one that is dropped is not waited for */
    size_t count;
    struct buf body;
    int64_t sent_ms;
    uint64_t number; /* of its request, as a delivery's */
};

struct consume {
    struct consume_conf conf;
    struct consume_ports port;
    struct lanes *lanes;
    struct heap timers;
    struct gate gate;
    struct partition *partitions[SOURCE_PARTITIONS_MAX]; /* by slot */
    size_t partition_slots;                              /* above the highest one ever taken */
    size_t assigned;
    struct destination destinations[CONSUME_DESTINATIONS_MAX];
    struct delivery **deliveries; /* by index; each allocated once, at first use */
    size_t delivery_count;
    size_t delivery_cap;
    struct delivery *unused;
    struct batch *batches;
    size_t batch_count;
    struct buf scratch; /* of one call: a result's data, an idempotency key's source */
    struct outlet letters;
    struct outlet results;
    struct sightings unknown;            /* event types that are passed over */
    int64_t moved_until_ms;              /* of the lines about references that moved: */
    int moved_said;                      /* so many until then, */
    int64_t moved_unsaid;                /* and so many left out since the last */
    char memory_trouble[FAULT_TEXT_MAX]; /* what the memory refused last, */
    int64_t memory_refused_ms;           /* and when */
    int64_t commit_at_ms;
    int64_t watch_at_ms;
    bool revoking; /* source_port.released is owed */
    int64_t revoke_until_ms;
    bool ending;
    bool ended;
    struct fault failure;
    struct stat *stat_state[DELIVERY_STATE_COUNT];
    struct stat *stat_taken;
    struct stat *stat_skipped;
    struct stat *stat_unrouted;
    struct stat *stat_bytes;
    struct stat *stat_oldest;
    struct stat *stat_paused;
    struct stat *stat_late_acks;
    struct stat *stat_moved;
    struct stat *stat_nameless;
    struct stat *stat_dead[UNROUTED + 1];
};

/* consume.c: the one door through which a delivery changes its state. */
void consume_move(struct consume *c, struct delivery *d, enum delivery_event event);
int64_t consume_now(const struct consume *c);
uint64_t consume_random(const struct consume *c);
struct delivery *consume_delivery_new(struct consume *c);
void consume_start(struct consume *c, struct delivery *d);      /* it stands in front of its lane */
const struct delivery *consume_first(const struct delivery *d); /* who stands in front of it */
uint64_t consume_token(const struct delivery *d);
/* NULL: it was dropped meanwhile, and freed. */
struct delivery *consume_find(const struct consume *c, uint64_t token);
/* An answer came. The delivery, if it still wants it; NULL: it was dropped, which is counted. */
struct delivery *consume_answered(struct consume *c, uint64_t token);
void consume_again_later(struct consume *c, struct delivery *d); /* by its timer */
/* Fills the fault and disposition, and moves it to its dead letter. */
void consume_bury(struct consume *c, struct delivery *d, enum disposition why);
void consume_fail(struct consume *c, const struct fault *f);

/* consume_intake.c */
void consume_take(struct consume *c, struct partition *p, const struct record *r);

/* consume_memory.c: each asks; the answer comes to consume_on_answer. */
void consume_memory_find(struct consume *c, struct delivery *d);
void consume_memory_begin(struct consume *c, struct delivery *d);
void consume_memory_keep(struct consume *c, struct delivery *d);
/* When the reference of one that is UNRESOLVED is asked for next. */
int64_t consume_memory_ask_ms(const struct consume *c, const struct delivery *d);
bool consume_memory_ready(const struct consume *c, struct buf *why);
/* d has ended, and next is in front of its lane now. */
void consume_memory_gone(struct consume *c, const struct delivery *d, struct delivery *next);

/* consume_send.c */
void consume_send_init(struct consume *c);
void consume_send_queue(struct consume *c, struct delivery *d); /* entered READY */
void consume_send_unqueue(struct delivery *d);                  /* left READY */
void consume_send_noted(struct consume *c, struct delivery *d); /* the ledger answered */
void consume_send_slot_free(struct delivery *d);                /* no-op if it holds none */
void consume_send_due(struct consume *c);                       /* send what may go */
int64_t consume_send_wake_ms(struct consume *c);

/* consume_batch.c */
void consume_batch_send(struct consume *c, struct destination *to); /* it has some, and a slot */
bool consume_is_batch(uint64_t token);
void consume_batch_replied(struct consume *c, const struct http_reply *reply, bool has_wait,
                           int64_t wait_ms);

/* consume_reply.c */
void consume_destination_ok(struct consume *c, struct destination *to);
/* It leaves its destination for good: written, given up or dropped. */
void consume_destination_left(struct consume *c, struct delivery *d);
/* Its budget may allow something: whose dead letter has waited longest is asked for again. */
void consume_destination_budget(struct consume *c, struct destination *to);
/* number: of the request that failed. */
void consume_destination_failed(struct consume *c, struct destination *to, uint64_t number,
                                const char *why);
/* status, text: of the reply, or of this event's part of a batch's reply. */
void consume_replied(struct consume *c, struct delivery *d, int status, struct view text,
                     bool has_wait, int64_t wait_ms);
void consume_not_answered(struct consume *c, struct delivery *d, const struct http_reply *reply);

/* consume_report.c: both try to produce; the report comes to consume_on_report. */
void consume_report_result(struct consume *c, struct delivery *d);
void consume_report_dead(struct consume *c, struct delivery *d);
/* The report says that what was produced is too large: cut, or, if it was, the end of it all. */
void consume_report_too_large(struct consume *c, struct delivery *d);
/* Its topic does not take it: it is tried again, later and later, so that what a broker has refused
 * together for the sake of one comes apart. */
void consume_report_refused(struct consume *c, struct delivery *d, const char *why);
/* It leaves the state in which it may have been refused. */
void consume_report_over(struct consume *c, struct delivery *d, enum delivery_state to);
void consume_report_init(struct consume *c);
bool consume_report_ready(const struct consume *c, struct buf *why);
const char *consume_disposition_name(enum disposition d);

/* consume_partitions.c */
void consume_assigned(void *consume, const struct source_partition *parts, size_t count);
void consume_revoked(void *consume, const struct source_partition *parts, size_t count, bool lost);
void consume_partition_freed(struct partition *p); /* one less held */
void consume_commit(struct consume *c, bool now);
void consume_partitions_watch(struct consume *c);
/* Its tracker or its share has changed; gate: that is shut, or open again, for all. */
void consume_partition_flow(struct consume *c, struct partition *p, bool gate);
void consume_partitions_settle(struct consume *c); /* ends a revocation whose time has come */

#endif
