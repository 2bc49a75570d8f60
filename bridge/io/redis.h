/*
 * redis: an asynchronous connection to Redis on the process's loop: to one server, to the primary
 * that Sentinels name, or to the primaries of a Redis Cluster.
 *
 * Everything sent within one turn of the loop leaves as one pipeline a server. A command ends with
 * exactly one call of its function, never from inside the call that sent it; if the connection is
 * lost or a reply is overdue, with REDIS_LOST: its effect is unknown. The connection comes back by
 * itself, with back-off; commands given meanwhile fail with REDIS_LOST at the next turn.
 *
 * An overdue reply costs the whole connection, because replies come in order. A server that nothing
 * is asked of for a time limit gets a PING, so one that hangs is found out in two. A reply
 * that says that the server is loading or has become a replica costs the connection, too: that one
 * reply is handed on, the commands behind it are lost, and `up` is false until the server will do
 * again. One that no longer has the durable profile is left, too, and not taken again until it has.
 *
 * In a cluster a command goes where its first key lies, and follows MOVED and ASK; all keys of one
 * have one hash tag. While a slot moves, its scripts wait, as long as a reply may take, until all
 * of its keys are in one place; once one has waited in vain, the others of that slot do not wait.
 * Commands to different servers are answered in any order, and one that is redirected may be
 * overtaken. `up` means that every slot has a primary, and all of them are up.
 */
#ifndef BRIDGE_IO_REDIS_H
#define BRIDGE_IO_REDIS_H

#include "bridge/core/fault.h"
#include "bridge/core/view.h"
#include "bridge/ports/notice.h"
#include "bridge/ports/redis_conf.h"

#include <stddef.h>
#include <stdint.h>

struct uv_loop_s;
struct redis;

#define REDIS_ARGS_MAX       1024  /* arguments of one command */
#define REDIS_IN_FLIGHT      65536 /* commands without a reply; one more is lost at the next turn */
#define REDIS_WATCHERS_MAX   8
#define REDIS_BACKOFF_MIN_MS 50 /* between two attempts to connect; doubled up to the maximum */
#define REDIS_BACKOFF_MAX_MS 2000
#define REDIS_CHECK_MS       1000  /* so old may the last look at its durable profile be, at work */
#define REDIS_REFUSAL_MS     30000 /* so long a refused write is told of */

#define REDIS_NODES_MAX     64  /* servers of a cluster, replicas not counted */
#define REDIS_REDIRECTS_MAX 8   /* of one command; then it ends with the server's error */
#define REDIS_REFRESH_MS    500 /* between two looks at a cluster that is not whole */
#define REDIS_NODE_AT_MAX   272 /* "host:port" with the NUL */

enum redis_kind {
    REDIS_NIL,
    REDIS_INTEGER,
    REDIS_TEXT,   /* bulk string */
    REDIS_STATUS, /* +OK */
    REDIS_ERROR,  /* -ERR …: the text, first word is its code */
    REDIS_ARRAY,
    REDIS_LOST, /* no reply: connection lost or reply overdue; text says why */
};

struct redis_value {
    enum redis_kind kind;
    int64_t integer;
    struct view text;
    const struct redis_value *items; /* REDIS_ARRAY */
    size_t count;
};

/* value holds during the call. */
typedef void redis_on_reply(void *owner, const struct redis_value *value);

/* conf's texts are copied. NULL with a fault if the address makes no sense. The process ignores
 * SIGPIPE from here on. */
struct redis *redis_new(struct uv_loop_s *loop, const struct redis_conf *conf,
                        const struct notice *log, struct fault *f);
/* Ends the connection; every command under way gets REDIS_LOST before this returns. `closed` is
 * called on the loop when the memory is gone (may be NULL). May be called from a reply's function;
 * r is not to be used after it. */
void redis_close(struct redis *r, void (*closed)(void *owner), void *owner);
bool redis_up(const struct redis *r); /* connected, authenticated, checked, not loading */
/* One script may use keys of several hash tags: it is no cluster, as far as the settings say. */
bool redis_spans_tags(const struct redis *r);
/* The sentence that says why not, or "". */
const char *redis_trouble(const struct redis *r);
/* While it is up: what it answered to a write that it could not take (OOM, MISCONF, NOREPLICAS), or
 * that a slot moves for too long, for REDIS_REFUSAL_MS after the newest such answer; else "". */
const char *redis_refusal(const struct redis *r);
/* Of a server that takes subscriptions: the one, the primary, or one of the cluster. Holds until
 * the next turn of the loop. */
const char *redis_address(const struct redis *r);
/* Called at every change of redis_up; REDIS_WATCHERS_MAX of them. */
void redis_watch(struct redis *r, void (*changed)(void *owner, bool up), void *owner);

/* args are copied; count is 1 to REDIS_ARGS_MAX. In a cluster args[1] is the key; a command without
 * one goes to any server. */
void redis_command(struct redis *r, const struct view *args, size_t count, redis_on_reply *done,
                   void *owner);

/* The servers that are written to: the one, the primary, or every primary of the cluster. */
struct redis_servers {
    size_t count; /* 0: the cluster is not whole; redis_trouble says why */
    char at[REDIS_NODES_MAX][REDIS_NODE_AT_MAX];
};
void redis_servers(const struct redis *r, struct redis_servers *out);
/* A command that speaks of a server, not of keys (SCAN, INFO), to that one. It is lost if that is
 * none of the servers any more. */
void redis_command_at(struct redis *r, const char *at, const struct view *args, size_t count,
                      redis_on_reply *done, void *owner);

/* A constant script, known by its SHA-1: EVALSHA, and on NOSCRIPT the text once (then behind the
 * commands sent meanwhile). The struct must outlive the commands that run it. */
struct redis_script {
    const char *text;
    char sha[41]; /* filled by redis_script_init */
    bool one_key; /* it touches the one key that it names and no other: a slot that moves does not
                     stop it */
};
void redis_script_init(struct redis_script *s, const char *text);
void redis_run(struct redis *r, const struct redis_script *s, const struct view *keys,
               size_t key_count, const struct view *args, size_t arg_count, redis_on_reply *done,
               void *owner);

#endif
