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

static struct view family_of(const struct event_type *t)
{
    struct view rest = view_of(t->name);

    return view_cut(&rest, '.');
}

static bool is_kin(const struct event_type *a, const struct event_type *b)
{
    return a->is_write == b->is_write && view_eq(family_of(a), family_of(b));
}

static bool has_none(const struct consume_conf *c, const struct event_type *t)
{
    return consume_destination_of(c, t) == NULL;
}

static bool all_kin_have_none(const struct consume_conf *c, const struct event_type *t)
{
    for (const struct event_type *kin = event_types; kin->name != NULL; kin++)
        if (is_kin(kin, t) && !has_none(c, kin))
            return false;
    return true;
}

static bool is_first_of_kin(const struct event_type *t)
{
    const struct event_type *first = event_types;

    while (!is_kin(first, t))
        first++;
    return first == t;
}

void check_routes_none(const struct consume_conf *c, bool writes, struct buf *to)
{
    const char *comma = "";

    for (const struct event_type *t = event_types; t->name != NULL; t++) {
        if (t->is_write != writes || !has_none(c, t))
            continue;
        if (!all_kin_have_none(c, t))
            buf_printf(to, "%s%s", comma, t->name);
        else if (is_first_of_kin(t))
            buf_printf(to, "%s%.*s.*", comma, VIEW_ARG(family_of(t)));
        comma = ", ";
    }
}

static void warn_of_none(const struct consume_conf *c, bool writes, FILE *to)
{
    struct buf types;

    buf_init(&types, CHECK_ROUTES_MAX);
    check_routes_none(c, writes, &types);
    if (types.n > 0)
        fprintf(to,
                "warning: routes: no target takes the %s %s: such events become dead letters "
                "(events.unrouted)\n",
                writes ? "writes" : "history events", buf_text(&types));
    buf_done(&types);
}

void check_routes(const struct consume_plan *plan, FILE *to)
{
    const struct consume_conf *c = &plan->consume;

    if (c->destination_count > 0 && c->unrouted_to_dead_letters) {
        warn_of_none(c, true, to);
        warn_of_none(c, false, to);
    }
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
