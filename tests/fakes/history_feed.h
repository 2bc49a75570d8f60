/*
 * history_feed: events on their whole way into a history: `cmibridge publish`, an embedded broker,
 * `cmibridge consume`, POST /ingest.
 */
#ifndef TESTS_FAKES_HISTORY_FEED_H
#define TESTS_FAKES_HISTORY_FEED_H

#include "bridge/core/view.h"
#include "tests/fakes/history_rig.h"

/* batch: a JSON array of CloudEvents. Returns when all are stored, and what it started has ended.
 * The rig has been given nothing before. Skips the program (77) without a redis-server. */
void history_feed(struct history_rig *rig, const struct view *batches, size_t count);

#endif
