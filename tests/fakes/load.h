/*
 * load: numbered events of many keys on a topic, for `cmibridge consume` (consumer.h), and what
 * must have become of them: each had its effect once, in the order of its key, and its offset is
 * committed (D1 to D3). On a broker of either kind.
 */
#ifndef TESTS_FAKES_LOAD_H
#define TESTS_FAKES_LOAD_H

#include "tests/fakes/consumer.h"
#include "tests/fakes/hostile_http.h"
#include "tests/fakes/kafka_rig.h"
#include "tests/fakes/redis_server.h"

#define LOAD_KEYS 97 /* event number i has key i % LOAD_KEYS */

struct load {
    struct kafka_rig rig; /* started by the test before load_open; stopped by load_close */
    struct hostile_http *cmi;
    struct redis_server *redis;
    struct consumer_conf conf; /* of the consumers of it */
    unsigned partitions;
    unsigned sent;
};

/* The topic (borrowed) has so many partitions; its name with -results and -dead are topics, too. */
void load_open(struct load *l, const char *topic, unsigned partitions, bool honours_key);
void load_close(struct load *l);

void load_send(struct load *l, unsigned count); /* the next ones */
void load_flush(struct load *l);                /* until the broker has them all */
/* Blocks until the CMI has had so many effects; ends the program if they don't come. */
void load_await_effects(struct load *l, size_t count);

unsigned load_event_of(const struct hostile_request *r); /* its number, by its notes */
/* Every event sent so far had one effect, and those of a key in their order; whatever was requested
 * again had the same Idempotency-Key, and was no other event's. */
void load_check_effects(struct load *l);
/* After the consumers' orderly ends: all that was sent is committed. */
void load_check_committed(struct load *l);

#endif
