#include "bridge/io/redis_cluster.h"

#include "bridge/core/mem.h"
#include "bridge/io/redis_node.h"
#include "bridge/io/redis_slots.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#define MEMBERS_MAX                                                                                \
    (2 * REDIS_NODES_MAX) /* primaries, and servers that are to be asked for them                  \
                           */
#define TROUBLE_MAX 512
#define RETRY_MS    20 /* a command that must wait for a server is tried again */

struct member {
    struct redis_cluster *cluster;
    struct redis_node *node; /* NULL: the place is free */
    char at[REDIS_NODE_AT_MAX];
    bool given; /* by the configuration: never let go */
};

/* One command on its way, however often it is redirected. */
struct errand {
    struct redis_cluster *cluster;
    struct errand *next; /* in `again` */
    redis_on_reply *done;
    void *owner;
    const struct redis_script *script; /* NULL: args is the whole command */
    int slot;                          /* -1: any server will do */
    unsigned redirects;
    int64_t deadline_ms;
    size_t key_count;
    size_t count; /* of args; keys first */
    struct view args[];
};

struct redis_cluster {
    struct uv_loop_s *loop;
    const struct notice *log;
    struct redis_conf conf;
    char *texts[3]; /* what conf points to */
    struct member members[MEMBERS_MAX];
    struct redis_slots *map;   /* as it is known */
    struct redis_slots *fresh; /* being taken in */
    bool mapped;
    bool asking;
    bool up;
    bool closing;
    size_t asked; /* the member that was asked last */
    char trouble[TROUBLE_MAX];
    char stuck[TROUBLE_MAX]; /* what is said of a slot whose move lasts too long */
    int64_t stuck_ms;        /* when one was last waited for in vain, and when it was last logged */
    int64_t stuck_said_ms;
    uint8_t stuck_slots[REDIS_SLOTS / 8]; /* bits: waited for in vain, and no script of it has
                                             succeeded since */
    struct errand *again;                 /* wait for RETRY_MS */
    struct watcher {
        void (*changed)(void *owner, bool up);
        void *owner;
    } watchers[REDIS_WATCHERS_MAX];
    size_t watcher_count;
    uv_timer_t refresh; /* while the cluster is not whole */
    uv_timer_t retry;
    unsigned handles; /* timers and nodes, not yet gone */
    void (*closed)(void *owner);
    void *closed_owner;
};

static void look(struct redis_cluster *c);
static void dispatch(struct errand *e);

/* ---- life ---- */

static void on_gone(void *owner)
{
    struct redis_cluster *c = owner;

    if (--c->handles > 0 || !c->closing)
        return;
    if (c->closed != NULL)
        c->closed(c->closed_owner);
    for (size_t i = 0; i < sizeof c->texts / sizeof c->texts[0]; i++)
        mem_free(c->texts[i]);
    mem_free(c->map);
    mem_free(c->fresh);
    mem_free(c);
}

static void on_timer_gone(uv_handle_t *handle)
{
    on_gone(handle->data);
}

static void end(struct errand *e, const struct redis_value *value)
{
    e->done(e->owner, value);
    mem_free(e);
}

static void lose(struct errand *e, const char *why)
{
    const struct redis_value lost = {.kind = REDIS_LOST, .text = view_of(why)};

    end(e, &lost);
}

void redis_cluster_close(struct redis_cluster *c, void (*closed)(void *owner), void *owner)
{
    c->closing = true;
    c->closed = closed;
    c->closed_owner = owner;
    for (size_t i = 0; i < MEMBERS_MAX; i++)
        if (c->members[i].node != NULL)
            redis_node_close(c->members[i].node, on_gone, c);
    while (c->again != NULL) {
        struct errand *e = c->again;

        c->again = e->next;
        lose(e, "the connection to Redis was closed");
    }
    uv_close((uv_handle_t *)&c->refresh, on_timer_gone);
    uv_close((uv_handle_t *)&c->retry, on_timer_gone);
}

/* ---- is it whole? ---- */

static struct member *member_at(struct redis_cluster *c, const char *at)
{
    for (size_t i = 0; i < MEMBERS_MAX; i++)
        if (c->members[i].node != NULL && strcmp(c->members[i].at, at) == 0)
            return &c->members[i];
    return NULL;
}

/* Says in `trouble` what is missing. */
static bool whole(struct redis_cluster *c)
{
    if (!c->mapped) {
        const char *why = "no server of the cluster was reached yet";

        for (size_t i = 0; i < MEMBERS_MAX; i++)
            if (c->members[i].node != NULL && !redis_node_up(c->members[i].node))
                why = redis_node_trouble(c->members[i].node);
        snprintf(c->trouble, sizeof c->trouble, "%s", why);
        return false;
    }
    for (unsigned slot = 0; slot < REDIS_SLOTS; slot++) {
        if (c->map->of[slot] < 0) {
            snprintf(c->trouble, sizeof c->trouble,
                     "Redis Cluster at %s: no server has slot %u and perhaps more", c->conf.address,
                     slot);
            return false;
        }
    }
    for (size_t i = 0; i < c->map->count; i++) {
        const struct member *m = member_at(c, c->map->at[i]);

        if (m == NULL || !redis_node_up(m->node)) {
            snprintf(c->trouble, sizeof c->trouble, "%s",
                     m != NULL ? redis_node_trouble(m->node)
                               : "more servers than the limits allow");
            return false;
        }
    }
    c->trouble[0] = '\0';
    return true;
}

static void on_refresh(uv_timer_t *timer)
{
    look(timer->data);
}

static void judge(struct redis_cluster *c)
{
    bool up = whole(c);

    if (up)
        uv_timer_stop(&c->refresh);
    else if (!uv_is_active((uv_handle_t *)&c->refresh))
        (void)uv_timer_start(&c->refresh, on_refresh, REDIS_REFRESH_MS, REDIS_REFRESH_MS);
    if (up == c->up)
        return;
    c->up = up;
    if (up)
        notice_say(c->log, NOTICE_INFO, "redis_cluster_whole",
                   NOTICE_INT("primaries", (int64_t)c->map->count));
    else
        notice_say(c->log, NOTICE_WARN, "redis_cluster_not_whole", NOTICE_TEXT("why", c->trouble));
    for (size_t i = 0; i < c->watcher_count && !c->closing; i++)
        c->watchers[i].changed(c->watchers[i].owner, up);
}

/* ---- servers ---- */

static void on_node(void *owner, bool up)
{
    struct member *m = owner;

    if (m->cluster->closing)
        return;
    if (up)
        look(m->cluster); /* whatever is known was true before it went away */
    judge(m->cluster);
}

static struct member *join(struct redis_cluster *c, const char *at, bool given, struct fault *f)
{
    struct member *m = member_at(c, at);
    struct redis_conf conf = c->conf;

    if (m != NULL)
        return m;
    for (size_t i = 0; i < MEMBERS_MAX && m == NULL; i++)
        if (c->members[i].node == NULL)
            m = &c->members[i];
    if (m == NULL) {
        fault_set(f, FAULT_STOP, "more servers than the limits allow");
        return NULL;
    }
    conf.address = at;
    m->node = redis_node_new(c->loop, &conf, NULL, c->log, f);
    if (m->node == NULL)
        return NULL;
    c->handles++;
    m->cluster = c;
    m->given = given;
    (void)snprintf(m->at, sizeof m->at, "%s", at);
    redis_node_watch(m->node, on_node, m);
    return m;
}

/* Lets go of those that have no slots any more. */
static void part(struct redis_cluster *c)
{
    for (size_t i = 0; i < MEMBERS_MAX; i++) {
        struct member *m = &c->members[i];
        struct redis_node *node = m->node;
        bool wanted = m->given;

        for (size_t k = 0; k < c->map->count && !wanted; k++)
            wanted = strcmp(c->map->at[k], m->at) == 0;
        if (node != NULL && !wanted) {
            m->node = NULL;
            redis_node_close(node, on_gone, c);
        }
    }
}

static void on_slots(void *owner, const struct redis_value *v)
{
    struct redis_cluster *c = owner;
    struct redis_slots *known = c->map;
    struct fault f = {0};

    c->asking = false;
    if (c->closing || v->kind == REDIS_LOST)
        return;
    if (!redis_slots_take(c->fresh, v, c->members[c->asked].at, &f)) {
        notice_say(c->log, NOTICE_WARN, "redis_cluster_map", NOTICE_TEXT("why", f.text));
        return;
    }
    c->map = c->fresh;
    c->fresh = known;
    c->mapped = true;
    for (size_t i = 0; i < c->map->count; i++)
        if (join(c, c->map->at[i], false, &f) == NULL)
            notice_say(c->log, NOTICE_WARN, "redis_cluster_map", NOTICE_TEXT("why", f.text));
    part(c);
    judge(c);
}

static void look(struct redis_cluster *c)
{
    const struct view question[] = {VIEW("CLUSTER"), VIEW("SLOTS")};

    for (size_t n = 0; n < MEMBERS_MAX && !c->asking && !c->closing; n++) {
        c->asked = (c->asked + 1) % MEMBERS_MAX;
        if (c->members[c->asked].node == NULL || !redis_node_up(c->members[c->asked].node))
            continue;
        c->asking = true;
        redis_node_command(c->members[c->asked].node, question, 2, on_slots, c);
    }
}

/* ---- commands ---- */

static void on_retry(uv_timer_t *timer)
{
    struct redis_cluster *c = timer->data;
    struct errand *e = c->again;

    c->again = NULL;
    while (e != NULL) {
        struct errand *next = e->next;

        dispatch(e);
        e = next;
    }
}

static uint8_t *stuck_byte(struct redis_cluster *c, int slot)
{
    return &c->stuck_slots[slot / 8];
}

static bool is_stuck(struct redis_cluster *c, int slot)
{
    return (*stuck_byte(c, slot) >> (slot % 8) & 1) != 0;
}

static void give_up_slot(struct errand *e)
{
    struct redis_cluster *c = e->cluster;
    int64_t now_ms = (int64_t)uv_now(c->loop);

    *stuck_byte(c, e->slot) = (uint8_t)(*stuck_byte(c, e->slot) | 1U << (e->slot % 8));
    (void)snprintf(
        c->stuck, sizeof c->stuck,
        "Redis Cluster at %s: slot %d is being moved, for longer than redis.timeout; what "
        "is in it waits",
        c->conf.address, e->slot);
    if (c->stuck_ms == 0 || now_ms - c->stuck_said_ms >= REDIS_REFUSAL_MS) {
        notice_say(c->log, NOTICE_WARN, "redis_slot_stuck", NOTICE_TEXT("why", c->stuck));
        c->stuck_said_ms = now_ms;
    }
    c->stuck_ms = now_ms;
    lose(e, c->stuck);
}

static void wait_for_server(struct errand *e)
{
    struct redis_cluster *c = e->cluster;
    struct errand **last = &c->again;

    if ((int64_t)uv_now(c->loop) >= e->deadline_ms) {
        if (c->trouble[0] != '\0')
            lose(e, c->trouble);
        else
            give_up_slot(e);
        return;
    }
    while (*last != NULL)
        last = &(*last)->next;
    e->next = NULL;
    *last = e;
    if (!uv_is_active((uv_handle_t *)&c->retry))
        (void)uv_timer_start(&c->retry, on_retry, RETRY_MS, 0);
}

/* For all of its keys to be in one place. Where that was in vain before, this one asks and does not
 * wait: one shard's work is not to take everybody's time. */
static void wait_for_slot(struct errand *e)
{
    if (is_stuck(e->cluster, e->slot))
        give_up_slot(e);
    else
        wait_for_server(e);
}

static void on_reply(void *owner, const struct redis_value *v);

static void on_asking(void *owner, const struct redis_value *v)
{
    (void)owner; /* what follows it says how it went */
    (void)v;
}

/* To the server that a slot moves to. A script goes by its text: ASKING holds for one command, and
 * would be used up by a NOSCRIPT. */
static void ask_at(struct errand *e, struct redis_node *node)
{
    const struct view asking = VIEW("ASKING");
    struct view args[REDIS_ARGS_MAX];
    size_t n = 0;

    redis_node_command(node, &asking, 1, on_asking, NULL);
    if (e->script != NULL) {
        args[n++] = VIEW("EVAL");
        args[n++] = view_of(e->script->text);
        args[n++] = VIEW("1"); /* only such follow ASK */
    }
    assert(n + e->count <= REDIS_ARGS_MAX);
    memcpy(args + n, e->args, e->count * sizeof args[0]);
    redis_node_command(node, args, n + e->count, on_reply, e);
}

static void send_to(struct errand *e, struct redis_node *node)
{
    if (e->script != NULL)
        redis_node_run(node, e->script, e->args, e->key_count, e->args + e->key_count,
                       e->count - e->key_count, on_reply, e);
    else
        redis_node_command(node, e->args, e->count, on_reply, e);
}

static struct redis_node *any_node(struct redis_cluster *c)
{
    struct redis_node *found = NULL;

    for (size_t i = 0; i < MEMBERS_MAX; i++)
        if (c->members[i].node != NULL && (found == NULL || redis_node_up(c->members[i].node)))
            found = c->members[i].node;
    return found; /* those of the configuration stay: it is never NULL */
}

/* A server that is away refuses by itself, with its own sentence. */
static void dispatch(struct errand *e)
{
    struct redis_cluster *c = e->cluster;
    struct member *m = NULL;

    if (e->slot >= 0 && c->mapped && c->map->of[e->slot] >= 0)
        m = member_at(c, c->map->at[(int)c->map->of[e->slot]]);
    send_to(e, m != NULL ? m->node : any_node(c));
}

/* One that may touch more keys than it names has found all of them. */
static void note_whole(struct errand *e)
{
    if (e->script != NULL && !e->script->one_key && e->key_count == 1)
        *stuck_byte(e->cluster, e->slot) =
            (uint8_t)(*stuck_byte(e->cluster, e->slot) & ~(1U << (e->slot % 8)));
}

static void on_reply(void *owner, const struct redis_value *v)
{
    struct errand *e = owner;
    struct redis_cluster *c = e->cluster;
    char at[REDIS_NODE_AT_MAX];
    struct fault f = {0};
    bool ask = false;
    struct member *m;

    if (v->kind != REDIS_ERROR || c->closing) {
        if (v->kind != REDIS_LOST)
            note_whole(e);
        end(e, v);
    } else if (view_starts(v->text, VIEW("TRYAGAIN"))) {
        wait_for_slot(e);
    } else if (e->redirects < REDIS_REDIRECTS_MAX &&
               redis_slots_redirect(v->text, c->conf.address, &ask, at)) {
        /* A script reads more keys than it names, and half of them may still be where it was. */
        if (ask && e->script != NULL && !e->script->one_key) {
            wait_for_slot(e);
            return;
        }
        e->redirects++;
        if (!ask)
            look(c);
        m = join(c, at, false, &f);
        if (m == NULL || !redis_node_up(m->node)) {
            wait_for_server(e);
            return;
        }
        if (ask)
            ask_at(e, m->node);
        else
            send_to(e, m->node);
    } else {
        if (view_starts(v->text, VIEW("CLUSTERDOWN")))
            look(c);
        end(e, v);
    }
}

static struct errand *errand_new(struct redis_cluster *c, const struct view *first, size_t n,
                                 const struct view *second, size_t m, redis_on_reply *done,
                                 void *owner)
{
    size_t bytes = 0;
    struct errand *e;
    char *at;

    for (size_t i = 0; i < n + m; i++)
        bytes += i < n ? first[i].n : second[i - n].n;
    e = mem_zeroed(1, sizeof *e + (n + m) * sizeof e->args[0] + bytes);
    at = (char *)&e->args[n + m];
    for (size_t i = 0; i < n + m; i++) {
        struct view v = i < n ? first[i] : second[i - n];

        if (v.n > 0)
            memcpy(at, v.p, v.n);
        e->args[i] = (struct view){at, v.n};
        at += v.n;
    }
    e->cluster = c;
    e->done = done;
    e->owner = owner;
    e->count = n + m;
    e->deadline_ms = (int64_t)uv_now(c->loop) + c->conf.timeout_ms;
    return e;
}

void redis_cluster_command(struct redis_cluster *c, const struct view *args, size_t count,
                           redis_on_reply *done, void *owner)
{
    struct errand *e = errand_new(c, args, count, args, 0, done, owner);

    e->slot = count > 1 ? (int)redis_slot_of(args[1]) : -1;
    dispatch(e);
}

void redis_cluster_run(struct redis_cluster *c, const struct redis_script *s,
                       const struct view *keys, size_t key_count, const struct view *args,
                       size_t arg_count, redis_on_reply *done, void *owner)
{
    struct errand *e = errand_new(c, keys, key_count, args, arg_count, done, owner);

    e->script = s;
    e->key_count = key_count;
    e->slot = key_count > 0 ? (int)redis_slot_of(keys[0]) : -1;
    dispatch(e);
}

/* ---- one server and no other ---- */

void redis_cluster_servers(const struct redis_cluster *c, struct redis_servers *out)
{
    out->count = c->up ? c->map->count : 0;
    for (size_t i = 0; i < out->count; i++)
        memcpy(out->at[i], c->map->at[i], sizeof out->at[i]);
}

void redis_cluster_command_at(struct redis_cluster *c, const char *at, const struct view *args,
                              size_t count, redis_on_reply *done, void *owner)
{
    const struct member *m = member_at(c, at);
    bool primary = false;

    for (size_t i = 0; i < c->map->count && !primary; i++)
        primary = strcmp(c->map->at[i], at) == 0;
    if (m != NULL && primary)
        redis_node_command(m->node, args, count, done, owner);
    else
        redis_node_refuse(any_node(c), "it is no primary of the cluster any more", done, owner);
}

/* ---- the rest of the verbs ---- */

static char *kept(const char *text)
{
    return text != NULL ? mem_text(text, strlen(text)) : NULL;
}

static bool join_given(struct redis_cluster *c, struct fault *f)
{
    struct view rest = view_of(c->conf.address);

    do {
        char at[REDIS_NODE_AT_MAX];

        view_copy(view_trim(view_cut(&rest, ',')), at, sizeof at);
        if (join(c, at, true, f) == NULL)
            return false;
    } while (rest.n > 0);
    return true;
}

struct redis_cluster *redis_cluster_new(struct uv_loop_s *loop, const struct redis_conf *conf,
                                        const struct notice *log, struct fault *f)
{
    struct redis_cluster *c = mem_zeroed(1, sizeof *c);

    c->loop = loop;
    c->log = log;
    c->conf = *conf;
    c->conf.address = c->texts[0] = kept(conf->address);
    c->conf.user = c->texts[1] = kept(conf->user);
    c->conf.password = c->texts[2] = kept(conf->password);
    c->map = mem_zeroed(1, sizeof *c->map);
    c->fresh = mem_zeroed(1, sizeof *c->fresh);
    (void)uv_timer_init(loop, &c->refresh); /* neither ever fails */
    (void)uv_timer_init(loop, &c->retry);
    c->refresh.data = c->retry.data = c;
    c->handles = 2;
    if (!join_given(c, f)) {
        redis_cluster_close(c, NULL, NULL);
        return NULL;
    }
    judge(c);
    return c;
}

bool redis_cluster_up(const struct redis_cluster *c)
{
    return c->up;
}

const char *redis_cluster_trouble(const struct redis_cluster *c)
{
    return c->trouble;
}

const char *redis_cluster_refusal(const struct redis_cluster *c)
{
    bool stuck = c->stuck_ms != 0 && (int64_t)uv_now(c->loop) - c->stuck_ms < REDIS_REFUSAL_MS;
    const char *why = stuck ? c->stuck : "";

    for (size_t i = 0; i < MEMBERS_MAX && why[0] == '\0'; i++)
        if (c->members[i].node != NULL)
            why = redis_node_refusal(c->members[i].node);
    return why;
}

const char *redis_cluster_address(const struct redis_cluster *c)
{
    const char *found = NULL;

    for (size_t i = 0; i < MEMBERS_MAX; i++)
        if (c->members[i].node != NULL && (found == NULL || redis_node_up(c->members[i].node)))
            found = c->members[i].at;
    return found;
}

void redis_cluster_watch(struct redis_cluster *c, void (*changed)(void *owner, bool up),
                         void *owner)
{
    assert(c->watcher_count < REDIS_WATCHERS_MAX);
    c->watchers[c->watcher_count++] = (struct watcher){changed, owner};
}
