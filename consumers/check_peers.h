/*
 * check_peers: tries every peer that `cmibridge consume` would talk to, once: the Kafka cluster and
 * its topics, Redis and its durability, each target with its credentials.
 */
#ifndef CONSUMERS_CHECK_PEERS_H
#define CONSUMERS_CHECK_PEERS_H

#include "consumers/consume_conf.h"

#include <stdio.h>

#define CHECK_PEERS_MS 10000 /* for any one peer, where its own time-outs are longer */

/* One line a peer to `to`: its name, "ok" or "FAILED", and what was found; and one with "warns" for
 * what check_topics.h says. Nothing is written anywhere; a target is asked for one callback
 * request, an ingest path for its OPTIONS. Returns how many failed. Where the plan has no brokers,
 * Kafka is passed over. outcomes: the topic that schedule writes them to, or NULL. */
size_t check_peers(const struct consume_plan *plan, const char *outcomes, FILE *to);

#endif
