#include "bridge/io/redis_slots.h"

#include "bridge/core/crc16.h"
#include "bridge/core/num.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

unsigned redis_slot_of(struct view key)
{
    struct view rest = key;
    struct view tag;

    if (view_has(key, '{')) {
        (void)view_cut(&rest, '{');
        if (view_has(rest, '}')) {
            tag = view_cut(&rest, '}');
            if (tag.n > 0)
                key = tag;
        }
    }
    return crc16(key) % REDIS_SLOTS;
}

/* "host" of "host:port" or "[::1]:port", as it is written there. */
static struct view host_of(const char *at)
{
    struct view v = view_of(at);

    while (v.n > 0 && v.p[v.n - 1] != ':')
        v.n--;
    if (v.n > 0)
        v.n--;
    return v;
}

static bool put_at(char out[REDIS_NODE_AT_MAX], struct view host, struct view port,
                   const char *asked)
{
    bool six = view_has(host, ':') && host.p[0] != '[';
    int n;

    if (host.n == 0)
        host = host_of(asked);
    n = snprintf(out, REDIS_NODE_AT_MAX, "%s%.*s%s:%.*s", six ? "[" : "", VIEW_ARG(host),
                 six ? "]" : "", VIEW_ARG(port));
    return host.n > 0 && n > 0 && n < REDIS_NODE_AT_MAX;
}

static int index_of(struct redis_slots *s, const char *at)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->at[i], at) == 0)
            return (int)i;
    if (s->count == REDIS_NODES_MAX)
        return -1;
    (void)snprintf(s->at[s->count], sizeof s->at[0], "%s", at);
    return (int)s->count++;
}

/* [first, last, [host, port, …], replicas …] */
static bool take_range(struct redis_slots *out, const struct redis_value *r, const char *asked)
{
    const struct redis_value *node;
    char at[REDIS_NODE_AT_MAX];
    char port[24];
    int index;

    if (r->kind != REDIS_ARRAY || r->count < 3 || r->items[0].kind != REDIS_INTEGER ||
        r->items[1].kind != REDIS_INTEGER || r->items[2].kind != REDIS_ARRAY)
        return false;
    node = &r->items[2];
    if (node->count < 2 || node->items[1].kind != REDIS_INTEGER || r->items[0].integer < 0 ||
        r->items[1].integer >= REDIS_SLOTS)
        return false;
    snprintf(port, sizeof port, "%" PRId64, node->items[1].integer);
    if (!put_at(at, node->items[0].text, view_of(port), asked))
        return false;
    index = index_of(out, at);
    for (int64_t slot = r->items[0].integer; index >= 0 && slot <= r->items[1].integer; slot++)
        out->of[slot] = (signed char)index;
    return index >= 0;
}

bool redis_slots_take(struct redis_slots *out, const struct redis_value *reply, const char *asked,
                      struct fault *f)
{
    out->count = 0;
    memset(out->of, -1, sizeof out->of);
    if (reply->kind == REDIS_ERROR)
        return fault_set(f, FAULT_STOP, "CLUSTER SLOTS is refused: %.*s", VIEW_ARG(reply->text));
    if (reply->kind != REDIS_ARRAY)
        return fault_set(f, FAULT_RETRY, "CLUSTER SLOTS got no answer");
    for (size_t i = 0; i < reply->count; i++)
        if (!take_range(out, &reply->items[i], asked))
            return fault_set(f, FAULT_STOP,
                             "CLUSTER SLOTS has an answer that is none of Redis's, or more than "
                             "%d servers",
                             REDIS_NODES_MAX);
    return true;
}

bool redis_slots_redirect(struct view error, const char *asked, bool *ask,
                          char at[REDIS_NODE_AT_MAX])
{
    struct view rest = error;
    struct view word = view_cut(&rest, ' ');
    struct view host;
    int64_t n;

    *ask = view_is(word, "ASK");
    if (!*ask && !view_is(word, "MOVED"))
        return false;
    if (!num_in(view_cut(&rest, ' '), 0, REDIS_SLOTS - 1, &n))
        return false;
    host = rest;
    while (host.n > 0 && host.p[host.n - 1] != ':')
        host.n--;
    if (host.n == 0 || !num_in(view_skip(rest, host.n), 1, 65535, &n))
        return false;
    return put_at(at, (struct view){host.p, host.n - 1}, view_skip(rest, host.n), asked);
}
