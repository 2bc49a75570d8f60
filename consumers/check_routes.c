#include "consumers/check_routes.h"

#include "bridge/core/event_types.h"
#include "bridge/core/route.h"

#include <string.h>

static const struct route_rule *rule_of(const struct consume_conf *c, const struct event_type *t)
{
    return route_find(c->routes, c->route_count, view_of(t->name));
}

/* The first of those that are about the same things. */
static const struct event_type *first_of_its_kind(const struct event_type *t)
{
    const struct event_type *first = event_types;

    while (first->is_write != t->is_write || strcmp(first->collection, t->collection) != 0)
        first++;
    return first;
}

void check_routes(const struct consume_plan *plan, FILE *to)
{
    const struct consume_conf *c = &plan->consume;

    for (const struct event_type *t = event_types; t->name != NULL; t++) {
        const struct event_type *first = first_of_its_kind(t);
        const struct route_rule *here = rule_of(c, t);
        const struct route_rule *there = rule_of(c, first);

        if (here != NULL && there != NULL && here->destination != there->destination)
            fprintf(to,
                    "warning: routes: %s goes to %s and %s to %s; what is made in one is not there "
                    "in the other\n",
                    first->name, c->destinations[there->destination].name, t->name,
                    c->destinations[here->destination].name);
    }
}
