/*
 * send_world: everything the sending loop touches, as a fake in virtual time: the store
 * (send_store), carriers and a dialler that answer, fail, throttle and go silent, Kafka, the
 * clocks; and two processes that share the store, are killed, stopped and started. A seed decides
 * all of it.
 *
 * The oracle is what the carriers saw, joined with what was put in; each request is held against
 * D5 to D7 when it is begun, and all of it at the end.
 */
#ifndef TESTS_FAKES_SEND_WORLD_H
#define TESTS_FAKES_SEND_WORLD_H

#include "bridge/core/heap.h"
#include "bridge/core/rng.h"
#include "bridge/run/schedule.h"
#include "tests/fakes/send_store.h"

#define WORLD_PROCESSES 2
#define WORLD_STUCK_MS  5000 /* a call to a shard that is stuck is lost after so long */
#define WORLD_EPOCH_MS  INT64_C(1700000000000) /* the store's clock minus the virtual time */

struct schedule_faults {   /* in 1000 */
    unsigned store_lost;   /* a call's answer is FAILED; half of them took effect */
    unsigned reply_lost;   /* the request arrived */
    unsigned request_lost; /* it did not, and nobody knows */
    unsigned not_sent;
    unsigned error_500;
    unsigned throttle;
    unsigned refuse;
    unsigned report_failed;
    int64_t latency_ms; /* of the store: up to that much */
    int64_t carrier_ms; /* of carriers */
};

struct world_seen {    /* of one destination */
    unsigned attempts; /* the highest number begun */
    unsigned requests; /* begun; a text of several parts is one */
    unsigned tries;    /* of these, under that number */
    unsigned accepted; /* by the carrier, whole */
    unsigned started;  /* its first part was accepted */
    struct {
        uint32_t life;
        unsigned attempt;
        uint64_t token; /* of its latest request */
        unsigned taken; /* parts that it knows to be accepted in that attempt, by such replies */
        uint8_t holder[SLICE_HOLDER_BYTES];
    } going[WORLD_PROCESSES];
    int64_t
        known_ms[WORLD_PROCESSES]; /* when that process heard of an attempt's fate, store's clock */
    bool refused;                  /* by the carrier, for good */
    bool said_handled;
    bool said_failed;
    bool said_duplicate; /* some outcome says so */
    bool said_unknown;
    bool said_expired;
    int64_t withdrawn_ms; /* consent; 0: it stands */
    bool overtaken;       /* the withdrawal has listed it */
    int64_t again_ms;     /* no request with a new number before */
};

struct world_call { /* of one callback */
    unsigned begun; /* calls */
    bool out;       /* one is under way */
    bool unsettled; /* one was made, and the store knows of no end */
    bool put_on;    /* something was put on the callback since */
    unsigned number;
    /* of the last one */
    int64_t begun_ms; /* store's clock */
    enum callback_result said;
    int64_t said_next_ms;             /* with it; -1: none */
    int64_t told_ms[WORLD_PROCESSES]; /* when it was, store's clock; 0: it was not */
};

struct send_world;

struct world_process {
    struct send_world *world;
    unsigned index;
    struct schedule *loop; /* NULL: dead */
    struct schedule_conf conf;
    struct stats *stats;
    uint32_t life;
    int64_t stopped_to_ms; /* SIGSTOP until then; 0: it runs */
    unsigned spins;        /* turns in a row that wanted another one at once */
    unsigned out;          /* requests begun in this life, and not answered */
    int64_t ends_ms;       /* it is to end, and has until then; 0: it is not */
};

struct send_world {
    struct rng rng;
    int64_t now_ms;
    int64_t wall_off_ms; /* of the processes' wall clocks, which no promise goes by */
    struct heap actions;
    struct schedule_faults faults;
    struct send_store model;
    struct world_process process[WORLD_PROCESSES];
    struct schedule_channel channels[3]; /* two carriers and the dialler */
    struct schedule_sender senders[2];
    struct schedule_conf conf;
    bool store_down;
    bool stuck[SHARD_COUNT]; /* nothing of it can be read or written */
    bool down[3];            /* refuses connections */
    bool unauthorised[3];
    int64_t
        lost_ms[WORLD_PROCESSES]; /* so long its requests take to reach nobody; 0: they arrive */
    /* Until then a carrier is busy, and asks to wait for as long as that is. */
    int64_t busy_to_ms[2];
    int64_t first_wait_ms;  /* it says so the first time; 0: as always */
    unsigned asked_to_wait; /* requests that it has */
    unsigned looks;         /* at gates of senders */
    int64_t looks_lost_ms;  /* they are lost after so long; 0: they are not */
    size_t shunned;         /* of message 0's destinations, the first ones that are never welcome */
    size_t shunned_calls;   /* of callbacks, likewise */
    int shunned_as;         /* by this status */
    struct world_seen seen[SEND_STORE_MESSAGES_MAX][SEND_STORE_DEST_MAX];
    struct world_call calls[SEND_STORE_MESSAGES_MAX];
    int64_t last_ms[2][SEND_STORE_NUMBERS_MAX]; /* of senders: a request to the number was begun;
                                                   0: none was */
    bool exact;       /* grants are what the rate has, not anything below */
    double tokens[2]; /* then, of senders */
    int64_t tokens_ms[2];
    unsigned look_ups; /* recipients asked for */
    bool days;         /* callbacks only, over days; the machine sleeps while nothing is due */
    int64_t deleted_ms[SEND_STORE_MESSAGES_MAX]; /* acknowledged; 0: no */
    uint16_t deleted_mark[SEND_STORE_MESSAGES_MAX][SEND_STORE_SLICES_MAX];
    int64_t paused_ms[SEND_STORE_MESSAGES_MAX]; /* so, too; 0: it is not */
    uint16_t paused_mark[SEND_STORE_MESSAGES_MAX][SEND_STORE_SLICES_MAX];
    unsigned repeats[2]; /* requests under a number that had been tried, by channel */
    unsigned deaths;     /* of processes: kills, stops, and while there is no store each one's */
    int64_t lateness_ms; /* the largest, of first attempts */
};

void send_world_init(struct send_world *w, uint64_t seed);
/* Without a message. Nothing fails; grants are exact. */
void send_world_init_empty(struct send_world *w, uint64_t seed);
/* One that is due at that virtual time, tried once, from the nth sender; a callback: -1. */
struct send_store_message *send_world_add(struct send_world *w, int sender, size_t count,
                                          int64_t due_ms);
/* Callbacks only, due in the next three days, of every result and at the usual distances. */
/* Its text has so many parts, each a request. */
void send_world_lengthen(struct send_store_message *m, unsigned parts);
void send_world_init_days(struct send_world *w, uint64_t seed);
/* WhatsApp messages to one recipient each, a different one, all due at 1000 ms; nothing fails. Rate
 * and gap are the second sender's. */
void send_world_init_singles(struct send_world *w, uint64_t seed, size_t count);
void send_world_done(struct send_world *w);
void send_world_boot(struct send_world *w, unsigned process);
void send_world_kill(struct send_world *w, unsigned process);
void send_world_stop(struct send_world *w, unsigned process, int64_t for_ms);
/* It ends in order, within its drain. */
void send_world_drain(struct send_world *w, unsigned process);
void send_world_lose_store(struct send_world *w, bool lost); /* or it is there again */
void send_world_pause(struct send_world *w, size_t message, bool paused);
void send_world_delete(struct send_world *w, size_t message);
void send_world_withdraw(struct send_world *w, size_t message, size_t dest);
/* Somebody puts a result or a wish on a callback whose call is out or open. */
void send_world_put(struct send_world *w, size_t message);
void send_world_step(struct send_world *w); /* one thing happens */
void send_world_until(struct send_world *w, int64_t time_ms);
bool send_world_finished(const struct send_world *w);
void send_world_check_end(struct send_world *w);
/* Until it is finished, in so many steps at most; checks, and done. */
void send_world_end(struct send_world *w, size_t steps_max);
/* A death repeats no more than may be open (D6). Not for shards that are stuck, whose leases end
 * without one. */
void send_world_check_repeats(const struct send_world *w);
void send_world_print(const struct send_world *w); /* what has not ended */
int64_t send_world_store_ms(const struct send_world *w);

#endif
