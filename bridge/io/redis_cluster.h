/*
 * redis_cluster: the verbs of redis.h on a Redis Cluster: one node a primary, commands sent where
 * their key lies, redirections followed, the map of slots looked at again when it proves old.
 */
#ifndef BRIDGE_IO_REDIS_CLUSTER_H
#define BRIDGE_IO_REDIS_CLUSTER_H

#include "bridge/io/redis.h"

struct redis_cluster;

struct redis_cluster *redis_cluster_new(struct uv_loop_s *loop, const struct redis_conf *conf,
                                        const struct notice *log, struct fault *f);
void redis_cluster_close(struct redis_cluster *c, void (*closed)(void *owner), void *owner);
bool redis_cluster_up(const struct redis_cluster *c);
const char *redis_cluster_trouble(const struct redis_cluster *c);
const char *redis_cluster_refusal(const struct redis_cluster *c);
const char *redis_cluster_address(const struct redis_cluster *c); /* of a server that is up */
void redis_cluster_watch(struct redis_cluster *c, void (*changed)(void *owner, bool up),
                         void *owner);
void redis_cluster_command(struct redis_cluster *c, const struct view *args, size_t count,
                           redis_on_reply *done, void *owner);
void redis_cluster_servers(const struct redis_cluster *c, struct redis_servers *out);
void redis_cluster_command_at(struct redis_cluster *c, const char *at, const struct view *args,
                              size_t count, redis_on_reply *done, void *owner);
void redis_cluster_run(struct redis_cluster *c, const struct redis_script *s,
                       const struct view *keys, size_t key_count, const struct view *args,
                       size_t arg_count, redis_on_reply *done, void *owner);

#endif
