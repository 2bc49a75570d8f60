/*
 * world: everything the consume loop touches, as a fake in virtual time: a Kafka broker with
 * partitions and committed offsets, CMIs that answer, fail and go silent, the durable memory, the
 * producer, the clocks. A seed decides all of it, so the same seed is the same run.
 *
 * The world outlives consumers: world_kill takes the consumer away at any moment, world_leave lets
 * it end in order, world_boot gives it the next one, and what was durable is still there.
 */
#ifndef TESTS_FAKES_WORLD_H
#define TESTS_FAKES_WORLD_H

#include "bridge/core/heap.h"
#include "bridge/core/rng.h"
#include "bridge/run/consume.h"

#define WORLD_PARTITIONS 3
#define WORLD_EVENTS_MAX 400
#define WORLD_KEYS       6
#define WORLD_BATCHES    64

enum world_kind {
    WORLD_POST,
    WORLD_PUT,
    WORLD_INGEST,
    WORLD_POISON,
    WORLD_UNKNOWN,
    WORLD_REFUSED,
    WORLD_INGEST_REFUSED
};

struct world_event {
    enum world_kind kind;
    int key;
    int partition;
    int64_t offset;
    unsigned destination;
    char id[16];
    char type[40];
    char subject[64];
    char body[160];
    char key_text[16];
    char replay[16]; /* which dead letter it is a replay of; "" for none */
    struct record_header headers[7];
    /* what the world saw of it */
    int effects;          /* times the CMI did it */
    int64_t effect_order; /* of the first */
    int dead_letters;
    char disposition[16]; /* of the last of them */
    int results;
    char result_ids[2][64]; /* of done, of rejected */
    bool said_duplicate;    /* some result says possible_duplicate */
};

enum world_action { WORLD_REPLY, WORLD_REPORT, WORLD_ANSWER, WORLD_ACTIONS };

struct world_faults {
    unsigned reply_lost;   /* in 1000: the reply, after the effect */
    unsigned request_lost; /* in 1000: the request, before the effect */
    unsigned not_sent;
    unsigned error_500; /* half of them after the effect */
    unsigned throttle;  /* 429 with Retry-After */
    unsigned report_failed;
    unsigned memory_failed;
    int64_t latency_ms; /* of everything: up to that much */
};

struct world {
    struct rng rng;
    int64_t now_ms;
    struct heap actions;
    struct heap held;           /* actions of a kind that is silent */
    bool silent[WORLD_ACTIONS]; /* by kind; where no answer comes, the memory is not up */
    struct world_faults faults;
    bool down[2];         /* destination: refuses every connection */
    bool unauthorised[2]; /* answers 401 */

    struct world_event events[WORLD_EVENTS_MAX];
    size_t event_count;
    struct {
        size_t events[WORLD_EVENTS_MAX]; /* by offset: index into events */
        int64_t count;
        int64_t committed;
        int64_t wanted;  /* a commit that was not waited for may be on its way still */
        int64_t fetched; /* next to hand to the consumer */
        bool assigned;
        bool paused;
        uint32_t epoch;
    } partitions[WORLD_PARTITIONS];
    uint32_t epoch;
    bool revoking;
    bool leaving; /* the consumer was told to end in order, and has not yet */
    bool revoked[WORLD_PARTITIONS];
    unsigned waits; /* commits that were waited for in this revocation */

    struct { /* references and ledger */
        char name[80];
        char value[48];
        bool begun;
        bool ended;
    } memory[2 * WORLD_EVENTS_MAX];
    size_t memory_count;
    size_t asked;            /* look-ups of references */
    size_t asked_while_away; /* of those, while the memory was not up */
    int64_t order;           /* of effects */
    bool honours_key[2];
    int refusal;                       /* status of a write that is refused, */
    int other_refusal;                 /* and of that of every second event; 0: the same */
    bool refuses_whole;                /* one bad event: the whole batch is a 400 */
    size_t answer_max;                 /* bytes of a batch's answer; what is longer is cut */
    const struct world_event *failing; /* a write that is answered 503, ever; NULL: none is */
    int failing_tries;
    /* The producer's broker takes no batch with a record about it; of such a batch, others count in
     * `events` all the same. NULL: it takes all. */
    const struct world_event *unwritable;
    unsigned unwritable_tries;
    int64_t bad_batches[WORLD_BATCHES]; /* the last of them */

    struct consume_destination destinations[2];
    struct route_rule routes[2];
    struct consume_conf conf;
    struct notice log;
    const char *watched; /* lines of this event are counted; NULL: none */
    size_t said;
    struct stats *stats;
    struct consume *consumer; /* NULL: there is none */
    uint32_t life;            /* counts boots: what an earlier life asked for is not answered */
    size_t records_out;       /* not given back in this life */
    size_t left_over;         /* the same when a consumer had drained: its time was over */
};

void world_init(struct world *w, uint64_t seed);
void world_done(struct world *w);
void world_make_events(struct world *w, size_t count); /* and puts them into the partitions */
void world_remake_event(struct world *w, size_t i, enum world_kind kind);
void world_boot(struct world *w);
void world_kill(struct world *w);
/* As SIGTERM does: drain, and sometime the broker takes the partitions back. Some steps later the
 * consumer is NULL. */
void world_leave(struct world *w);
/* As SIGHUP does: other limits, at random, none of which may break a promise. */
void world_retune(struct world *w);
/* Takes partitions from the consumer (at random), by asking or, with `lost`, at once; they are
 * assigned anew when let go of. */
void world_rebalance(struct world *w, bool lost);
/* Nothing of the kind comes back until it is let speak. */
void world_silence(struct world *w, enum world_action kind, bool silent);
/* One thing happens: a record, a reply, or time goes on. */
void world_step(struct world *w);
bool world_finished(const struct world *w); /* all is committed and nothing is under way */
/* Fails the test (cmocka) if a promise is broken. */
void world_check_commit(struct world *w, int partition, int64_t next_offset);
/* Which event the dead letter or result is about. */
struct world_event *world_event_of(struct world *w, const struct sink_record *r);
void world_take_record(struct world *w, const struct sink_record *r); /* the broker has it now */
/* One result has one id, also after a crash; another result of the event, or of its replay,
 * another.
 */
void world_check_result(struct world_event *e, const struct record_header *headers, size_t count);
void world_check_end(struct world *w);

#endif
