/*
 * check_peers: tries every peer that `cmibridge consume` would talk to, once: the Kafka cluster and
 * its topics, Redis and its durability, each target with its credentials.
 */
#ifndef CONSUMERS_CHECK_PEERS_H
#define CONSUMERS_CHECK_PEERS_H

#include "consumers/consume_conf.h"

#include <stdio.h>

#define CHECK_PEERS_MS 10000 /* for any one peer, where its own time-outs are longer */

/* One line a peer to `to`: its name, "ok" or "FAILED", and what was found. Nothing is written
 * anywhere; a target is asked for one callback request, an ingest path for its OPTIONS. Returns how
 * many failed. `kafka` false: no brokers are configured, that part is passed over. */
size_t check_peers(const struct consume_plan *plan, bool kafka, FILE *to);

#endif
