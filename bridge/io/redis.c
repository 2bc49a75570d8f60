/* Which kind of Redis it is, and nothing else: the work is in redis_node.c and redis_cluster.c. */
#include "bridge/io/redis.h"

#include "bridge/core/hex.h"
#include "bridge/core/mem.h"
#include "bridge/io/crypto.h"
#include "bridge/io/redis_cluster.h"
#include "bridge/io/redis_node.h"
#include "bridge/io/redis_sentinel.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct redis {
    struct redis_node *node; /* one of the two */
    struct redis_cluster *cluster;
    void (*closed)(void *owner);
    void *closed_owner;
};

struct redis *redis_new(struct uv_loop_s *loop, const struct redis_conf *conf,
                        const struct notice *log, struct fault *f)
{
    struct redis *r = mem_zeroed(1, sizeof *r);
    struct redis_sentinel *sentinel = NULL;

    assert(conf->replicas >= 0 && conf->replicas <= REDIS_REPLICAS_MAX);
    if (conf->via == REDIS_CLUSTER) {
        r->cluster = redis_cluster_new(loop, conf, log, f);
    } else if (conf->via == REDIS_SERVER) {
        r->node = redis_node_new(loop, conf, NULL, log, f);
    } else {
        sentinel = redis_sentinel_new(loop, conf->address, conf->primary, f);
        if (sentinel != NULL)
            r->node = redis_node_new(loop, conf, sentinel, log, f);
    }
    if (r->cluster != NULL || r->node != NULL)
        return r;
    mem_free(r);
    return NULL;
}

static void on_closed(void *owner)
{
    struct redis *r = owner;

    if (r->closed != NULL)
        r->closed(r->closed_owner);
    mem_free(r);
}

void redis_close(struct redis *r, void (*closed)(void *owner), void *owner)
{
    r->closed = closed;
    r->closed_owner = owner;
    if (r->cluster != NULL)
        redis_cluster_close(r->cluster, on_closed, r);
    else
        redis_node_close(r->node, on_closed, r);
}

bool redis_up(const struct redis *r)
{
    return r->cluster != NULL ? redis_cluster_up(r->cluster) : redis_node_up(r->node);
}

bool redis_spans_tags(const struct redis *r)
{
    return r->cluster == NULL;
}

const char *redis_trouble(const struct redis *r)
{
    return r->cluster != NULL ? redis_cluster_trouble(r->cluster) : redis_node_trouble(r->node);
}

const char *redis_refusal(const struct redis *r)
{
    return r->cluster != NULL ? redis_cluster_refusal(r->cluster) : redis_node_refusal(r->node);
}

const char *redis_address(const struct redis *r)
{
    return r->cluster != NULL ? redis_cluster_address(r->cluster) : redis_node_address(r->node);
}

void redis_watch(struct redis *r, void (*changed)(void *owner, bool up), void *owner)
{
    if (r->cluster != NULL)
        redis_cluster_watch(r->cluster, changed, owner);
    else
        redis_node_watch(r->node, changed, owner);
}

void redis_command(struct redis *r, const struct view *args, size_t count, redis_on_reply *done,
                   void *owner)
{
    if (r->cluster != NULL)
        redis_cluster_command(r->cluster, args, count, done, owner);
    else
        redis_node_command(r->node, args, count, done, owner);
}

void redis_servers(const struct redis *r, struct redis_servers *out)
{
    if (r->cluster != NULL) {
        redis_cluster_servers(r->cluster, out);
        return;
    }
    out->count = 1;
    (void)snprintf(out->at[0], sizeof out->at[0], "%s", redis_node_address(r->node));
}

void redis_command_at(struct redis *r, const char *at, const struct view *args, size_t count,
                      redis_on_reply *done, void *owner)
{
    if (r->cluster != NULL)
        redis_cluster_command_at(r->cluster, at, args, count, done, owner);
    else if (strcmp(at, redis_node_address(r->node)) == 0)
        redis_node_command(r->node, args, count, done, owner);
    else
        redis_node_refuse(r->node, "another server is the primary now", done, owner);
}

void redis_script_init(struct redis_script *s, const char *text)
{
    uint8_t digest[20];

    s->text = text;
    crypto_sha1(view_of(text), digest);
    hex_write(digest, sizeof digest, s->sha);
}

void redis_run(struct redis *r, const struct redis_script *s, const struct view *keys,
               size_t key_count, const struct view *args, size_t arg_count, redis_on_reply *done,
               void *owner)
{
    if (r->cluster != NULL)
        redis_cluster_run(r->cluster, s, keys, key_count, args, arg_count, done, owner);
    else
        redis_node_run(r->node, s, keys, key_count, args, arg_count, done, owner);
}
