/*
 * redis_group: several real redis-servers of a test on loopback, bound together: a cluster of
 * primaries with a replica each, or a primary with a replica and three Sentinels. All of them go
 * with the test. A helper that can't do its work ends the test program with a sentence.
 */
#ifndef TESTS_FAKES_REDIS_GROUP_H
#define TESTS_FAKES_REDIS_GROUP_H

#include "tests/fakes/redis_server.h"

#include <stddef.h>

#define REDIS_GROUP_MAX       8
#define REDIS_GROUP_PRIMARIES 3
#define REDIS_GROUP_SENTINELS 3

struct redis_group {
    struct redis_server *server[REDIS_GROUP_MAX]; /* cluster: primaries, then their replicas;
                                                     pair: primary, replica, Sentinels */
    int port[REDIS_GROUP_MAX];
    size_t count;
    char addresses[256]; /* cluster: of all; pair: of the Sentinels; with commas between */
    char args[REDIS_GROUP_MAX][12][64];
    const char *argv[REDIS_GROUP_MAX][13];
};

/* One that is free, as is the one 10000 above it (a cluster's bus). */
int redis_group_port(void);
/* Returns when every slot is served and every replica is in step. */
struct redis_group *redis_group_cluster(bool replicas);
/* Returns when the replica is in step and, with sentinels, each of them knows it. */
struct redis_group *redis_group_pair(bool sentinels);
/* One more: a replica of that server, in step when this returns. Its number. */
size_t redis_group_add_replica(struct redis_group *g, size_t of);
/* Waits, PROBE_PATIENCE_MS at most, until the command's answer on that server holds `part`. */
void redis_group_wait(struct redis_group *g, size_t i, const char *command, const char *part);
/* The primary that has the slot in a cluster that has just been made. */
size_t redis_group_owner(unsigned slot);
/* Moves a slot from one primary to another, key by key, as resharding does: meanwhile some of its
 * keys are here and some there. */
void redis_group_move(struct redis_group *g, unsigned slot, size_t from, size_t to);
/* The same in two steps, with one key moved between them. */
void redis_group_move_begin(struct redis_group *g, unsigned slot, size_t from, size_t to);
void redis_group_move_end(struct redis_group *g, unsigned slot, size_t from, size_t to);
void redis_group_stop(struct redis_group *g);

#endif
