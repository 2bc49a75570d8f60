/*
 * check_topics: could a record that consume or schedule writes be too large for its topic?
 */
#ifndef CONSUMERS_CHECK_TOPICS_H
#define CONSUMERS_CHECK_TOPICS_H

#include "consumers/consume_conf.h"

#include <stdio.h>

/* One line to `to` for each that could, with what to set; or one that says why it is not known.
 * outcomes: the topic, or NULL. */
void check_topics(const struct consume_plan *plan, const char *outcomes, FILE *to);

#endif
