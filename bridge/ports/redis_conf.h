/*
 * redis_conf: where Redis is, and what is asked of it.
 */
#ifndef BRIDGE_PORTS_REDIS_CONF_H
#define BRIDGE_PORTS_REDIS_CONF_H

#include <stdbool.h>
#include <stdint.h>

#define REDIS_REPLICAS_MAX 16

enum redis_via {
    REDIS_SERVER,   /* address is the server's */
    REDIS_SENTINEL, /* addresses of Sentinels */
    REDIS_CLUSTER,  /* addresses of some of the cluster's servers */
};

struct redis_conf {
    /* "127.0.0.1:6379", "[::1]:6379" or "unix:/path"; several with commas between where `via` is
     * not REDIS_SERVER. */
    const char *address;
    enum redis_via via;
    const char *primary; /* REDIS_SENTINEL: the name that they watch the primary under */
    /* A reply is handed on when so many replicas have the writes before it; 0: none are asked. */
    int replicas;
    const char *user;     /* NULL: none */
    const char *password; /* NULL: none */
    int database;
    int64_t timeout_ms; /* of one reply, and of connecting */
    /* Durable profile: after connecting, refuse a server that keeps no append-only file with
     * appendfsync `always`, or whose maxmemory-policy is not noeviction, with a sentence. */
    bool durable;
    /* The schedule lies there: after connecting, refuse a server whose access control lists keep
     * this user from a command that its scripts run (server/redis/rights.lua), with a sentence. */
    bool scheduled;
    /* The same where references and the ledger of `consume` lie there
     * (server/redis/memory_rights.lua). */
    bool remembers;
};

#endif
