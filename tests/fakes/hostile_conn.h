/*
 * hostile_conn: one connection of a hostile_http, and what is done to the client on it.
 */
#ifndef TESTS_FAKES_HOSTILE_CONN_H
#define TESTS_FAKES_HOSTILE_CONN_H

#include "tests/fakes/hostile_http.h"

#include <openssl/ssl.h>

#define HOSTILE_HEAD_MAX 65536
#define HOSTILE_BODY_MAX (16u << 20)

struct hostile_conn {
    struct hostile_http *server;
    struct hostile_conn *next;
    int fd;
    SSL *tls; /* NULL without TLS */
    unsigned number;
    char *in; /* read and not yet used */
    size_t in_n;
    size_t in_cap;
    bool swallowed; /* something that it sent was not read */
};

struct hostile_reply { /* what the CMI in it would say */
    int status;
    const char *headers; /* each ended with \r\n */
    struct view body;
};

/* Reads one whole request: head (with its empty line) and body, both the caller's to free. false:
 * the client is gone or speaks no HTTP. */
bool hostile_conn_read(struct hostile_conn *c, struct view *head, struct view *body);
/* false: the client is gone. */
bool hostile_conn_write(struct hostile_conn *c, const char *p, size_t n);
/* Does it. false: the connection is over. */
bool hostile_conn_do(struct hostile_conn *c, enum hostile_act act,
                     const struct hostile_reply *reply);
/* Closes with RST. */
void hostile_conn_reset(struct hostile_conn *c);

#endif
