/*
 * http: requests to destinations, as the loops see them.
 *
 * A call is begun with `submit` and ends with exactly one reply (also after `cancel`, also when the
 * destination is unreachable), handed to the function that the shell was made with, never from
 * inside `submit`. The shell keeps no queue: the caller submits no more than it was given slots.
 */
#ifndef BRIDGE_PORTS_HTTP_H
#define BRIDGE_PORTS_HTTP_H

#include "bridge/core/fault.h"
#include "bridge/core/view.h"

#include <stddef.h>
#include <stdint.h>

#define HTTP_HEADERS_MAX    16
#define HTTP_REPLY_BODY_MAX 65536 /* bytes kept of a reply's body, unless its destination says */

struct http_header {
    struct view name;
    struct view value; /* refused (REJECT) if it holds a control byte other than tab */
};

struct http_call {
    uint64_t token;       /* the caller's; comes back in the reply */
    unsigned destination; /* index, as configured in the shell */
    const char *method;   /* "POST"; static storage */
    struct view path;     /* after the destination's base URL, with '/' in front, escaped already;
                             or nothing: the base URL itself */
    const struct http_header
        *headers; /* beside the destination's own (authentication, user agent) */
    size_t header_count;
    struct view body; /* n == 0: none */
    /* path, headers and body are borrowed until the reply, perhaps by another thread. */
};

enum http_fate {
    HTTP_ANSWERED, /* a whole reply was read, or one whose body is `cut`: `status` holds */
    HTTP_NOT_SENT, /* certainly not processed: no connection, or nothing of the request left */
    HTTP_UNKNOWN,  /* the request may have been processed: time-out, cut reply, reset */
};

struct http_reply {
    uint64_t token;
    enum http_fate fate;
    int status;              /* HTTP_ANSWERED only */
    struct view retry_after; /* header values, VIEW_NONE where absent; hold during the call */
    struct view location;
    struct view content_type;
    struct view body;
    bool cut;          /* the body is longer than may be kept: this is its beginning */
    const char *error; /* for people, where fate is not HTTP_ANSWERED; holds during the call */
    int64_t elapsed_ms;
    /* What the call was signed on with, where it is not the destination's own: nobody is to see it.
     * NULL: it is, or nothing. Holds during the call. */
    const char *secret;
};

typedef void http_on_reply(void *owner, const struct http_reply *reply);

struct http_port {
    void *ctx;
    bool (*submit)(void *ctx, const struct http_call *call, struct fault *f);
    void (*cancel)(void *ctx, uint64_t token); /* its reply still comes, fate HTTP_UNKNOWN */
};

#endif
