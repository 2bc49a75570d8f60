/*
 * route: which destination an event type goes to. A route names a type, a family ("message.*") or
 * everything ("*"); the most exact one counts.
 */
#ifndef BRIDGE_CORE_ROUTE_H
#define BRIDGE_CORE_ROUTE_H

#include "bridge/core/view.h"

struct route_rule {
    const char *pattern;
    unsigned destination;
};

/* The rule that counts for the type, or NULL. */
const struct route_rule *route_find(const struct route_rule *rules, size_t count, struct view type);

#endif
