/*
 * http_rig: an http_client on a loop, and a hostile_http for it to suffer; what the tests of the
 * client share.
 */
#ifndef TESTS_FAKES_HTTP_RIG_H
#define TESTS_FAKES_HTTP_RIG_H

#include "bridge/io/http_client.h"
#include "tests/fakes/hostile_http.h"

#include <uv.h>

#define HTTP_RIG_SHORT_MS 300   /* where the deadline is what must end the call */
#define HTTP_RIG_LONG_MS  20000 /* where it must be something else */
#define HTTP_RIG_SLOTS    4

struct http_seen { /* of the newest reply */
    unsigned replies;
    unsigned answered;
    uint64_t token;
    enum http_fate fate;
    int status;
    char retry_after[64];
    char location[128];
    char content_type[64];
    char body[256];
    bool cut;
    char error[512];
};

struct http_rig {
    uv_loop_t loop;
    struct hostile_http *server;
    struct http_client *client;
    struct http_port port;
    struct http_seen seen;
    struct http_seen first; /* as `seen` was after the first reply */
    bool closed;
    bool again;        /* submit the next call from inside the reply */
    bool close_inside; /* close the client from inside the reply */
};

/* cmocka's set-up and tear-down: *state is a struct http_rig with a server and no client yet. */
int http_rig_start(void **state);
int http_rig_stop(void **state);
#define HTTP_RIG_TEST(test) cmocka_unit_test_setup_teardown(test, http_rig_start, http_rig_stop)

struct http_destination http_rig_usual(const struct http_rig *b);
void http_rig_connect(struct http_rig *b, struct http_destination to);
void http_rig_disconnect(struct http_rig *b);
void http_rig_close(struct http_rig *b); /* only begins to */
/* The token is the number of replies there will be with this one's. body NULL: none. */
bool http_rig_send(struct http_rig *b, const char *method, const char *body, struct fault *f);
void http_rig_wait(struct http_rig *b, unsigned count);
void http_rig_wait_requests(struct http_rig *b, size_t count); /* seen by the server */
/* One call, until its reply. */
const struct http_seen *http_rig_call(struct http_rig *b, const char *method, const char *body);
/* The newest reply was that answer; else fails with what it was. */
void http_rig_answered(struct http_rig *b, int status);
void http_rig_next(struct http_rig *b, enum hostile_act act); /* for the next request */

#endif
