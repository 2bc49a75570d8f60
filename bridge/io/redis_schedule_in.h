/* What redis_schedule.c and its parts have in common. */
#ifndef BRIDGE_IO_REDIS_SCHEDULE_IN_H
#define BRIDGE_IO_REDIS_SCHEDULE_IN_H

#include "bridge/core/buf.h"
#include "bridge/io/redis_schedule.h"
#include "bridge/io/redis_schedule_scripts.h"

struct schedule_call { /* one call under way */
    struct redis_schedule *of;
    uint64_t token;
    unsigned shard;
    void (*answer)(struct schedule_call *c, const struct redis_value *v); /* then it is freed */
};

/* Writes of a shard's slices that wait to be sent in one call (settle.lua). */
struct writes {
    struct write *items; /* owned */
    size_t count;
    size_t cap;
    struct buf text; /* the arguments of all, one after the other */
    bool urgent;     /* requests wait for one of them */
    size_t out;      /* calls that are not answered */
};

struct redis_schedule {
    struct redis *redis;
    struct redis_schedule_conf conf;
    struct schedule_answers answers;
    const struct notice *log;
    struct writes writes[SHARD_COUNT];
    struct schedule_message messages[SCHEDULE_CLAIM_MAX];
    struct schedule_claimed_slice slices[SCHEDULE_CLAIM_MAX];
    struct schedule_event events[SCHEDULE_OUTBOX_MAX];
};

struct schedule_call *schedule_call_new(struct redis_schedule *s, uint64_t token, unsigned shard,
                                        void (*answer)(struct schedule_call *c,
                                                       const struct redis_value *v));
void schedule_call_free(struct schedule_call *c);
/* Runs a script on the keys of the call's shard, or on `key`. */
void schedule_call_run(struct schedule_call *c, enum schedule_script which, const char *key,
                       const struct view *args, size_t count);
/* The value is none that the script gives: says so, but for a lost one. */
void schedule_unexpected(struct redis_schedule *s, const char *what, const struct redis_value *v);
struct view schedule_number(char out[24], int64_t n);

/* redis_schedule_write.c */
void schedule_writes_init(struct redis_schedule *s);
void schedule_writes_done(struct redis_schedule *s);
void schedule_progress(void *ctx, const struct schedule_write *w);
void schedule_finish(void *ctx, const struct schedule_write *w);
void schedule_release(void *ctx, const struct schedule_write *w);
void schedule_flush(void *ctx);
void schedule_end_call(void *ctx, const struct schedule_call_end *e);
/* redis_schedule_claim.c */
void schedule_claim(void *ctx, const struct schedule_claim *c);
/* redis_schedule_senders.c */
void schedule_ask(void *ctx, const struct schedule_ask *a);
void schedule_shut(void *ctx, const struct schedule_shut *s);
void schedule_open(void *ctx, uint64_t token, struct view gate);
void schedule_recipients(void *ctx, const struct schedule_recipients *r);
void schedule_let_go(void *ctx, const struct schedule_recipients *r);
/* redis_schedule_outbox.c */
void schedule_read_outbox(void *ctx, unsigned shard);
void schedule_sent(void *ctx, uint64_t token, unsigned shard, const char *const *ids, size_t count);

#endif
