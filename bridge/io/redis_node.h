/*
 * redis_node: one connection to one Redis server, and the next one when it is lost. redis.h says
 * what a caller may expect of a command; here is what happens on one server.
 *
 * With conf->replicas, every pipeline ends with WAIT: its replies are held until so many replicas
 * have the writes. Too few within the time limit cost the connection: what was under way is
 * REDIS_LOST, because a failover might undo it.
 */
#ifndef BRIDGE_IO_REDIS_NODE_H
#define BRIDGE_IO_REDIS_NODE_H

#include "bridge/io/redis.h"

struct redis_node;
struct redis_sentinel;

/* As redis_new. sentinel: asked before each connection where to connect, and closed with the node;
 * NULL: conf->address is the server's. */
struct redis_node *redis_node_new(struct uv_loop_s *loop, const struct redis_conf *conf,
                                  struct redis_sentinel *sentinel, const struct notice *log,
                                  struct fault *f);
void redis_node_close(struct redis_node *r, void (*closed)(void *owner), void *owner);
bool redis_node_up(const struct redis_node *r);
const char *redis_node_trouble(const struct redis_node *r);
const char *redis_node_refusal(const struct redis_node *r);
const char *redis_node_address(const struct redis_node *r); /* "host:port"; as it is now */
void redis_node_watch(struct redis_node *r, void (*changed)(void *owner, bool up), void *owner);
void redis_node_command(struct redis_node *r, const struct view *args, size_t count,
                        redis_on_reply *done, void *owner);
/* Ends it with REDIS_LOST and these words, which must stay, at the next turn of the loop. */
void redis_node_refuse(struct redis_node *r, const char *why, redis_on_reply *done, void *owner);
void redis_node_run(struct redis_node *r, const struct redis_script *s, const struct view *keys,
                    size_t key_count, const struct view *args, size_t arg_count,
                    redis_on_reply *done, void *owner);

#endif
