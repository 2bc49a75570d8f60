/*
 * echo_server: http_server in a process of its own, with low limits, which says back what it was
 * asked: "METHOD path query body". But /early is refused with 403 at its head; /later is answered
 * at a later turn, /drain when it drains; /large is answered with so many bytes, /large-later when
 * the time of a request is over twice.
 */
#ifndef TESTS_FAKES_ECHO_SERVER_H
#define TESTS_FAKES_ECHO_SERVER_H

#include <sys/types.h>

#define ECHO_SERVER_BODY_MAX    1000
#define ECHO_SERVER_BODIES_MAX  1500 /* of all bodies together */
#define ECHO_SERVER_CONNECTIONS 4
#define ECHO_SERVER_HEAD_MAX    4096
#define ECHO_SERVER_TIME_MS     1500 /* of a request */
#define ECHO_SERVER_LARGE_BYTES 20000000

struct echo_server {
    pid_t pid;
    unsigned port;
    int says; /* a pipe: 'd' for each /drain that it has taken */
};

/* The one of a program's tests: cmocka's set-up and tear-down of the group. */
extern struct echo_server echo_server;
int echo_server_start(void **state);
int echo_server_stop(void **state); /* fails unless it ends by itself, with nothing leaked */

#endif
