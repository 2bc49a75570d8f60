/*
 * store_ask: questions to the store by a command that a person waits for: each returns when its
 * answer is there.
 */
#ifndef PRODUCERS_STORE_ASK_H
#define PRODUCERS_STORE_ASK_H

#include "bridge/io/redis.h"
#include "config/conf.h"

struct store_ask;

/* Returns when Redis is up. NULL with a fault (RETRY) if it is not within redis.timeout. conf must
 * outlive it. */
struct store_ask *store_ask_new(const struct conf *conf, const struct notice *log, struct fault *f);
void store_ask_free(struct store_ask *s);
struct redis *store_ask_redis(struct store_ask *s);
struct uv_loop_s *store_ask_loop(struct store_ask *s);

/* `take` is called with the answer before this returns, unless it is an error (false, RETRY). */
bool store_ask(struct store_ask *s, const struct view *args, size_t count, redis_on_reply *take,
               void *ctx, struct fault *f) MUST_CHECK;
bool store_ask_script(struct store_ask *s, const struct redis_script *script,
                      const struct view *keys, size_t key_count, const struct view *args,
                      size_t arg_count, redis_on_reply *take, void *ctx,
                      struct fault *f) MUST_CHECK;
/* Runs the loop until *over, which something that was sent to store_ask_redis sets. */
void store_ask_await(struct store_ask *s, const bool *over);
/* The same; false: cut short by Ctrl-C, and *over may still be set. */
bool store_ask_watch(struct store_ask *s, const bool *over);
/* Sleeps; false: cut short by Ctrl-C (SIGINT, SIGTERM). */
bool store_ask_sleep(struct store_ask *s, int64_t ms);

#endif
