/*
 * check_routes: do the routes send what belongs together to different targets?
 */
#ifndef CONSUMERS_CHECK_ROUTES_H
#define CONSUMERS_CHECK_ROUTES_H

#include "consumers/consume_conf.h"

#include <stdio.h>

/* A line to `to`, "warning: …", for each such event type. */
void check_routes(const struct consume_plan *plan, FILE *to);

#endif
