/*
 * check_routes: what the routes leave without a target, and what belongs together and is sent to
 * different ones.
 */
#ifndef CONSUMERS_CHECK_ROUTES_H
#define CONSUMERS_CHECK_ROUTES_H

#include "bridge/core/buf.h"
#include "consumers/consume_conf.h"

#include <stdio.h>

#define CHECK_ROUTES_MAX 1024 /* bytes of all types */

/* Appends the write or the history types that no target takes, whole families as such:
 * "chat.*, contact.ended". Nothing where every type has one. */
void check_routes_none(const struct consume_conf *c, bool writes, struct buf *to);
/* Lines to `to`, "warning: …". */
void check_routes(const struct consume_plan *plan, FILE *to);

#endif
