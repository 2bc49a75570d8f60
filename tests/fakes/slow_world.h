/*
 * slow_world: a gateway that is slow beside one that is not, both with messages in one shard, on
 * fakes in virtual time: the store, the gateways and a dialler that is slow, too. The slow one's
 * may come from many senders. It asserts that nothing is sent early.
 */
#ifndef TESTS_FAKES_SLOW_WORLD_H
#define TESTS_FAKES_SLOW_WORLD_H

#include "bridge/core/heap.h"
#include "bridge/core/rng.h"
#include "bridge/core/shard.h"
#include "bridge/run/schedule.h"

#define SLOW            0 /* channels, and the first senders of them */
#define FAST            1
#define DIALLER         2
#define SLOW_START_MS   1000000
#define SLOW_SINGLES    1200
#define SLOW_TIMEOUT_MS 10000
#define SLOW_SOURCES    40 /* of slow messages, at most */

struct slow_world {
    int64_t now_ms;
    int64_t read_ms; /* so long a reading of the clock takes */
    struct heap events;
    struct rng rng;
    struct schedule *loop;
    struct stats *stats;
    struct schedule_channel channels[3];
    struct schedule_sender senders[1 + SLOW_SOURCES]; /* FAST is the second */
    size_t sources;   /* of the campaign, whose slices they have by turns */
    size_t campaign;  /* slices, */
    size_t size;      /* of so many destinations; of 1: messages */
    size_t calls;     /* due when the campaign is */
    int64_t reply_ms; /* of who is slow, on average */
    bool silent;      /* it takes requests and says nothing */
    size_t takes; /* in a second; beyond that it answers 429 and is to be left for one. 0: all */
    size_t taken_now; /* in this second */
    int64_t second;
    bool claiming[SHARD_COUNT];
    bool reading[SHARD_COUNT];
    struct schedule_claim asked; /* of the shard */
    struct schedule_closed closed[1 + SLOW_SOURCES];
    size_t taken;    /* slices of the campaign */
    size_t put_down; /* slices */
    int64_t
        parked_to_ms; /* of the campaign with one source: what the claim was told of its source */
    size_t rests;     /* so often */
    size_t singles;   /* taken */
    size_t called;    /* callbacks taken */
    size_t begun[3];  /* requests */
    int64_t finished; /* destinations of the campaign whose slices have ended */
    int64_t held_most;
    int64_t late_ms; /* the latest single */
    size_t idle_ms;  /* of the slow one's slots, while the campaign had something left */
    size_t out[3];   /* requests */
};

/* slots: of the slow gateway, and the dialler's. What the campaign is, is set after it. */
void slow_world_start(struct slow_world *w, size_t sources, int slots, int64_t reply_ms);

/* A millisecond. */
void slow_world_step(struct slow_world *w);

void slow_world_end(struct slow_world *w);

/* When the fast one's single number n is due. */
int64_t slow_world_due_ms(size_t n);

#endif
