/*
 * serve_rig: `cmibridge serve` as its users run it: a process with a configuration of its own, on a
 * private redis-server.
 */
#ifndef TESTS_FAKES_SERVE_RIG_H
#define TESTS_FAKES_SERVE_RIG_H

#include "bridge/core/buf.h"
#include "bridge/core/guid.h"
#include "tests/fakes/probe.h"
#include "tests/fakes/redis_server.h"

struct serve_rig {
    struct redis_server *redis;
    char dir[64];
    char config[96];
    pid_t pid;
    int log_fd;
    struct buf log; /* what it has logged so far, as far as it was read */
    unsigned port;
    unsigned admin_port;
};

/* more: lines of YAML after the rig's own ("limits: {body: 1KiB}\n"), or "". Returns when it is
 * ready. Skips the test program where the machine has no redis-server. */
void serve_rig_start(struct serve_rig *rig, const char *more);
/* Appends a user to YAML: with the token LOGIN-token, and those lines ("  rights: all\n"). */
void serve_rig_user(struct buf *users, const char *login, const char *lines);
/* With users (YAML) instead of the one anonymous user. server: further lines of the server's
 * section ("  cors: {…}\n"), or "". */
void serve_rig_start_users(struct serve_rig *rig, const char *users, const char *server,
                           const char *more);
/* Other users: writes the file and says SIGHUP; returns when the log has `event`. */
void serve_rig_change_users(struct serve_rig *rig, const char *users, const char *event);
void serve_rig_stop(struct serve_rig *rig);    /* SIGTERM; it must end with 0 */
void serve_rig_kill(struct serve_rig *rig);    /* SIGKILL */
void serve_rig_restart(struct serve_rig *rig); /* after either, on the same Redis */
void serve_rig_done(struct serve_rig *rig);    /* stops both, removes all */
/* Waits until it has logged the text; false: it ended before. */
bool serve_rig_await(struct serve_rig *rig, const char *text);

/* Waits until so many requests are whole and not yet answered. */
void serve_await_under_way(const struct serve_rig *rig, int count);
/* Sends a POST of JSON (or as xml_twin_instead says) and does not wait for the answer: the
 * connection. key "": none. */
int serve_send(const struct serve_rig *rig, const char *path, const char *key, const char *body);

/* A request to /RI/cmi<path>. headers: "A: b\r\n" or "". JSON where there is a body. */
struct probe_reply serve_ask(const struct serve_rig *rig, const char *method, const char *path,
                             const char *headers, const char *body);
/* The same; checks status and, if text is not NULL, that the body is it. */
void serve_expect(const struct serve_rig *rig, const char *method, const char *path,
                  const char *headers, const char *body, int status, const char *text);
/* POSTs, expects 201, gives the id. */
void serve_create(const struct serve_rig *rig, const char *path, const char *headers,
                  const char *body, char id[33]);
/* GETs, expects 200 and that the body holds the text. */
void serve_holds(const struct serve_rig *rig, const char *path, const char *text);
/* The path after /RI/cmi that the Link header names; false where there is none. */
#define SERVE_NEXT_MAX 4096
bool serve_next(struct probe_reply *r, char next[SERVE_NEXT_MAX]);
void serve_lacks(const struct serve_rig *rig, const char *path, const char *text);
/* Id of the message that an outbound chat's n-th one became: of the chat's shard. */
void serve_chat_line(const char *chat, unsigned n, char id[GUID_TEXT_MAX]);

#endif
