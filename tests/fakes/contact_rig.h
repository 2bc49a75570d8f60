/*
 * contact_rig: a history that holds the model's ten thousand contacts (contact_model.h), and what
 * GET /contacts lists of them.
 */
#ifndef TESTS_FAKES_CONTACT_RIG_H
#define TESTS_FAKES_CONTACT_RIG_H

#include "tests/fakes/contact_model.h"
#include "tests/fakes/history_rig.h"
#include "tests/fakes/probe.h"

#define CONTACT_RIG_BASE "/RI/cmi"

struct contact_rig {
    struct history_rig history;
    struct model model;
};

/* Returns when all are there: posted to /ingest, or published to Kafka and consumed
 * (history_feed.h, which skips the program without a redis-server). */
void contact_rig_start(struct contact_rig *rig, bool by_kafka);
/* Stops and removes it; fails unless its indexes of texts hold what the tables hold. */
void contact_rig_done(struct contact_rig *rig);

/* GETs what stands at a path below the base. */
struct probe_reply contact_rig_get(const struct contact_rig *rig, const char *path);
/* The ids of a list of contacts, in its order, into ids, which has room for MODEL_CONTACTS; how
 * many. */
size_t contact_rig_ids(const struct probe_reply *r, char (*ids)[33]);
/* The same of the whole list that the query ("sort=id&…") gives, by pages of `limit`. */
size_t contact_rig_walk(const struct contact_rig *rig, unsigned limit, const char *query,
                        char (*ids)[33]);

#endif
