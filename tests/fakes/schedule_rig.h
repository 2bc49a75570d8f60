/*
 * schedule_rig: the schedule on a private redis-server, each call waited for: what a sending loop
 * does in many turns is here one line after the other.
 *
 * Several owners stand for several processes. Their connection is the same.
 */
#ifndef TESTS_FAKES_SCHEDULE_RIG_H
#define TESTS_FAKES_SCHEDULE_RIG_H

#include "bridge/core/buf.h"
#include "bridge/io/redis_schedule.h"
#include "server/effect.h"
#include "tests/fakes/redis_server.h"

#include <uv.h>

#define SCHEDULE_RIG_OWNERS 3
#define SCHEDULE_RIG_KEEP   (INT64_C(3600) * 1000) /* retention */
#define SCHEDULE_RIG_OUTBOX 100000                 /* entries */
#define SCHEDULE_RIG_NOBODY SIZE_MAX

struct rig_slice {
    struct schedule_claimed_slice claimed; /* its addresses are the rig's until the next claim */
    struct schedule_message message;       /* likewise its texts */
};

struct schedule_rig {
    struct redis_server *server;
    uv_loop_t loop;
    struct redis *redis;
    struct redis_schedule *schedules[SCHEDULE_RIG_OWNERS];
    struct schedule_port ports[SCHEDULE_RIG_OWNERS];
    struct server cmi; /* what effect.h needs of one */
    unsigned owed;     /* answers */

    /* the last answers */
    struct buf texts;
    struct schedule_claimed claimed; /* its slices are below */
    struct rig_slice slices[SCHEDULE_CLAIM_MAX];
    enum schedule_state state;
    struct schedule_grant grant;
    struct schedule_recipient recipients[SCHEDULE_RECIPIENTS_MAX];
    struct schedule_outbox outbox;
    struct schedule_event events[SCHEDULE_OUTBOX_MAX]; /* blobs: in texts */
    enum effect_outcome effect;
};

/* extra: of redis_server_start. replicas: of redis_conf. */
void schedule_rig_start(struct schedule_rig *rig, const char *const *extra, int replicas);
void schedule_rig_stop(struct schedule_rig *rig);
void schedule_rig_await_up(struct schedule_rig *rig);
/* Turns the loop until everything asked is answered. */
void schedule_rig_await(struct schedule_rig *rig);

/* What the server does (effect.h); the outcome is rig->effect. */
struct rig_message {
    char id[GUID_TEXT_MAX];
    enum store_kind kind;
    size_t count; /* destinations "+1", "+2", … in slices of STORE_SLICE_MAX */
    int64_t at_ms;
    int64_t retries;
    int64_t retry_delay_s;
    const char *source;
    const char *sub_type;
    const char
        *behind; /* new: the message that goes before it, and the one that goes after, or NULL */
    const char *next;
};
void schedule_rig_new_id(unsigned shard, char id[GUID_TEXT_MAX]); /* random() chooses */
void schedule_rig_post(struct schedule_rig *rig, const struct rig_message *m);
void schedule_rig_put(struct schedule_rig *rig, const struct rig_message *m, int64_t version);
void schedule_rig_delete(struct schedule_rig *rig, const char *id, int64_t version);
/* The same, but of one that has ended nothing. */
void schedule_rig_cancel(struct schedule_rig *rig, const char *id, int64_t version);
/* A callback's PUT: open with its next call then, or closed (-1). */
void schedule_rig_put_callback(struct schedule_rig *rig, const char *id, int64_t version,
                               int64_t next_ms);

/* Of the port; what came is in rig. */
void schedule_rig_claim(struct schedule_rig *rig, unsigned owner, const struct schedule_claim *c);
typedef void schedule_rig_writer(void *ctx, const struct schedule_write *w);
enum schedule_state schedule_rig_write(struct schedule_rig *rig, unsigned owner,
                                       schedule_rig_writer *how, struct schedule_write w);
enum schedule_state schedule_rig_end_call(struct schedule_rig *rig, unsigned owner,
                                          struct schedule_call_end e);
void schedule_rig_read_outbox(struct schedule_rig *rig, unsigned owner, unsigned shard);
enum schedule_state schedule_rig_sent(struct schedule_rig *rig, unsigned owner, unsigned shard);

/* Runs a script of the schedule on a shard; the reply's text or integer ("" for others). */
const char *schedule_rig_run(struct schedule_rig *rig, unsigned shard,
                             const struct redis_script *script, const struct view *args,
                             size_t count);
/* One plain command of the words, as redis_server_ask but on the rig's own connection. */
int64_t schedule_rig_integer(struct schedule_rig *rig, const char *const *words, size_t count);
/* The same; the reply's text, which holds until the next call. */
const char *schedule_rig_text(struct schedule_rig *rig, const char *const *words, size_t count);
/* What an erasure does to its slice k (server/redis/swap.lua): address `empty` of it becomes that,
 * where it is as posted but for `was`; SCHEDULE_RIG_NOBODY: none. Was it? */
bool schedule_rig_erase(struct schedule_rig *rig, const struct rig_message *m, size_t k, size_t was,
                        size_t empty);

#endif
