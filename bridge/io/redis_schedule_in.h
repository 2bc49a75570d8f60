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

/* What waits for schedule_flush: of each kind one call for several shards, unless each has to have
 * its own (redis_schedule_group.c). */
#define CLAIM_ARGS     10 /* those that all have in common, without closed sources */
#define CLAIM_ARGS_MAX (CLAIM_ARGS + SCHEDULE_CLOSED_MAX)

struct claim_args {
    struct buf text; /* one after the other */
    size_t ends[CLAIM_ARGS_MAX];
    size_t count;
};

struct claim_item {
    unsigned shard;
    unsigned slices;
    unsigned destinations;
};

struct claims { /* they ask for the same, but for these three */
    struct claim_args args;
    struct claim_args fresh; /* of the one that comes to them */
    struct claim_item items[SHARD_COUNT];
    size_t count;
};

struct writes {
    struct write *items; /* owned */
    size_t count;
    size_t cap;
    struct buf text;
};

struct readings {
    struct {
        unsigned shard;
        size_t first, count; /* ids that are taken off */
    } items[SHARD_COUNT];
    size_t count;
    char (*ids)[SCHEDULE_EVENT_ID_MAX]; /* owned */
    size_t id_count;
};

struct redis_schedule {
    struct redis *redis;
    struct redis_schedule_conf conf;
    struct schedule_answers answers;
    const struct notice *log;
    bool apart; /* a call has to keep to one shard */
    struct claims claims;
    struct writes writes;
    struct readings readings;
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
/* What a value is of: `id` is "" where that is not known, or it is no message's. */
struct schedule_thing {
    uint64_t token;
    unsigned shard;
    char id[GUID_TEXT_MAX];
};
/* The value is none that the script gives: says so, but for a lost one. of: NULL, not known. */
void schedule_unexpected(struct redis_schedule *s, const char *what,
                         const struct schedule_thing *of, const struct redis_value *v);
/* Puts a slice aside that can't be read, and says so. done: it was, by the script. */
void schedule_put_aside(struct redis_schedule *s, const struct schedule_thing *of, int64_t slice,
                        struct view why, bool done);
struct view schedule_number(char out[24], int64_t n);

/* redis_schedule_group.c */
#define SCHEDULE_TOGETHER 16 /* shards of one call at most */

/* Runs a script on the shards, whose reply has one value for each, or for each of `count` things:
 * tells them one by one. What is an error to the script is one here. */
struct schedule_group {
    struct redis_schedule *of;
    const char *what;
    void (*answer)(struct redis_schedule *s, const struct schedule_thing *of,
                   const struct redis_value *v);
    size_t count;
    struct schedule_thing things[]; /* the caller fills them in */
};
struct schedule_group *schedule_group_new(struct redis_schedule *s, const char *what, size_t count,
                                          void (*answer)(struct redis_schedule *s,
                                                         const struct schedule_thing *of,
                                                         const struct redis_value *v));
void schedule_group_run(struct schedule_group *g, enum schedule_script which,
                        const unsigned *shards, size_t key_count, const struct view *args,
                        size_t arg_count);
size_t schedule_together(const struct redis_schedule *s); /* shards of one call: 1 or more */
void schedule_flush(void *ctx);

/* redis_schedule_write.c */
void schedule_writes_init(struct redis_schedule *s);
void schedule_writes_done(struct redis_schedule *s);
void schedule_writes_send(struct redis_schedule *s);
void schedule_progress(void *ctx, const struct schedule_write *w);
void schedule_finish(void *ctx, const struct schedule_write *w);
void schedule_release(void *ctx, const struct schedule_write *w);
void schedule_end_call(void *ctx, const struct schedule_call_end *e);
void schedule_call_back(void *ctx, const struct schedule_lease *lease, const struct slice *slice);
/* redis_schedule_claim.c */
void schedule_claims_init(struct redis_schedule *s);
void schedule_claims_done(struct redis_schedule *s);
void schedule_claims_send(struct redis_schedule *s);
void schedule_claim(void *ctx, const struct schedule_claim *c);
/* redis_schedule_senders.c */
void schedule_ask(void *ctx, const struct schedule_ask *a);
void schedule_shut(void *ctx, const struct schedule_shut *s);
void schedule_open(void *ctx, uint64_t token, struct view gate);
void schedule_recipients(void *ctx, const struct schedule_recipients *r);
void schedule_let_go(void *ctx, const struct schedule_recipients *r);
/* redis_schedule_outbox.c */
void schedule_readings_send(struct redis_schedule *s);
void schedule_read_outbox(void *ctx, unsigned shard, const char *const *ids, size_t count);

#endif
