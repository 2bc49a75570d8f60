/*
 * redis_server: a private redis-server for a test: in a directory of its own, on a unix socket
 * only, in the durable profile; gone with the test, whatever becomes of it.
 *
 * A helper that can't do its work ends the test program with a sentence.
 */
#ifndef TESTS_FAKES_REDIS_SERVER_H
#define TESTS_FAKES_REDIS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct redis_server {
    pid_t pid;                /* 0: not running */
    char dir[64];             /* emptied and removed by redis_server_stop */
    char address[96];         /* "unix:DIR/redis.sock", as struct redis_conf takes it */
    const char *socket;       /* the path in it */
    const char *const *extra; /* may be others before a restart */
    bool sentinel;            /* its configuration is DIR/sentinel.conf */
};

/* Ends the program with 77 (skipped) and words if the machine has no redis-server. */
void redis_server_need(void);
/* Returns when it takes connections. extra: further arguments, NULL-terminated, or NULL ("--port",
 * "7000", …); they win over the profile's and must outlive the server. */
struct redis_server *redis_server_start(const char *const *extra);
/* A Sentinel at that port of 127.0.0.1 that watches the primary there under that name; two of three
 * agree on its death after 500 ms. */
struct redis_server *redis_server_start_sentinel(const char *primary, int port, int primary_port);
/* kill -9, and waits until it is gone. What it acknowledged is still in its directory. */
void redis_server_kill(struct redis_server *s);
void redis_server_restart(struct redis_server *s); /* on the same directory, after a kill */
/* The same; does not wait until it has loaded its data, and answers LOADING. */
void redis_server_restart_loading(struct redis_server *s);
void redis_server_freeze(struct redis_server *s); /* SIGSTOP */
void redis_server_thaw(struct redis_server *s);   /* SIGCONT */
/* Sends one command without quoting and returns the reply's first line ("+OK", ":1", "-ERR …"), of
 * a text the text itself. Holds until the next call. */
const char *redis_server_ask(struct redis_server *s, const char *command);
/* The same; NULL where the connection ends without an answer: Sentinel closes those of a server's
 * clients when it makes it the primary, or a replica. */
const char *redis_server_try(struct redis_server *s, const char *command);
void redis_server_stop(struct redis_server *s); /* kills it, removes the directory, frees */

#endif
