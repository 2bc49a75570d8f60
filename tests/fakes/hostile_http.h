/*
 * hostile_http: an HTTP/1.1 server on loopback that does what it is told, for a test that must see
 * what a client makes of it. It runs in threads of its own (one a connection), records every whole
 * request, and by default behaves like a CMI that logs: 201 with an id to a POST, 204 to PUT and
 * DELETE, 200 to GET, the same reply again to the same Idempotency-Key.
 *
 * All functions may be called while it serves. A helper that can't do its work ends the test
 * program with a sentence.
 */
#ifndef TESTS_FAKES_HOSTILE_HTTP_H
#define TESTS_FAKES_HOSTILE_HTTP_H

#include "bridge/core/view.h"

#include <stdint.h>

/* What becomes of a request, once it was read whole and recorded. But for HOSTILE_REPLY with a
 * status that is no 2xx, it has its effect: the worst case for a client that hears nothing. */
enum hostile_act {
    HOSTILE_CMI,             /* as described above */
    HOSTILE_REPLY,           /* the step's status, headers and body */
    HOSTILE_REPLY_TO_DONE,   /* as HOSTILE_REPLY, but it has its effect whatever the status is */
    HOSTILE_REPLY_AND_CLOSE, /* as HOSTILE_CMI; then closes a connection it said it keeps */
    HOSTILE_HOLD,            /* as HOSTILE_CMI, after hostile_http_release */
    HOSTILE_SILENCE,         /* no reply, ever */
    HOSTILE_HALF_CLOSE,      /* no reply; ends its sending side and goes on reading */
    HOSTILE_CLOSE,           /* no reply; closes */
    HOSTILE_RESET,           /* no reply; RST */
    HOSTILE_CUT_HEAD,        /* closes in the middle of the reply's headers */
    HOSTILE_CUT_BODY,        /* closes in the middle of the reply's body */
    HOSTILE_BYTES,           /* a good reply, one byte a packet */
    HOSTILE_CRAWL,           /* a good reply, one byte a second */
    HOSTILE_ENDLESS_HEADERS, /* until the client goes */
    HOSTILE_LONG_HEADER,     /* one line of them, that never ends */
    HOSTILE_1XX_FLOOD,       /* 103 after 103, until the client goes */
    HOSTILE_HUGE_BODY,       /* says 2 GB and means it */
    HOSTILE_CHUNKS,          /* a chunked body without end */
    HOSTILE_TOO_SHORT,       /* Content-Length is more than what comes before it closes */
    HOSTILE_TOO_LONG,        /* Content-Length is less than what comes */
    HOSTILE_TWO_LENGTHS,     /* two that differ */
    HOSTILE_CONTROL,         /* a control byte in the value of Location */
    HOSTILE_GARBAGE,         /* no HTTP at all */
    HOSTILE_ACTS,
};

struct hostile_step {
    enum hostile_act act;
    int status;          /* HOSTILE_REPLY, HOSTILE_REPLY_TO_DONE */
    const char *headers; /* more of them, each ended with \r\n, or NULL */
    const char *body;    /* NULL: none. Static storage, as headers */
    unsigned times;      /* of requests it is for; 0 is 1 */
};

struct hostile_request { /* unchanging; holds until the server is stopped */
    const char *method;
    const char *path;
    struct view head; /* the request line and all headers, as they came */
    struct view body;
    unsigned connection; /* 1 is the first that was accepted */
    bool effect;         /* false: refused, or a repetition of a key */
    enum hostile_act act;
    int status;      /* of HOSTILE_REPLY */
    int64_t time_ms; /* wall clock, when it was read whole */
};

struct hostile_http;

struct hostile_http *hostile_http_start(void); /* on a free port of 127.0.0.1 */
/* With TLS: files in PEM. client_ca: NULL, or the CA that a client's certificate must be of. */
struct hostile_http *hostile_http_start_tls(const char *certificate, const char *key,
                                            const char *client_ca);
void hostile_http_stop(struct hostile_http *s);
const char *hostile_http_url(const struct hostile_http *s); /* "http://127.0.0.1:41234" */
int hostile_http_port(const struct hostile_http *s);

/* The next requests get these, in the order of their arrival; after them, the default. */
void hostile_http_script(struct hostile_http *s, const struct hostile_step *steps, size_t count);
void hostile_http_default(struct hostile_http *s, struct hostile_step step); /* HOSTILE_CMI */
void hostile_http_ignore_keys(struct hostile_http *s, bool ignore); /* a CMI that has none of it */
void hostile_http_release(struct hostile_http *s); /* all that HOSTILE_HOLD holds, and will hold */
/* Down: connections are refused and all there are reset. The port stays its own. */
void hostile_http_down(struct hostile_http *s);
void hostile_http_up(struct hostile_http *s);

size_t hostile_http_count(struct hostile_http *s);         /* requests read whole */
size_t hostile_http_effects(struct hostile_http *s);       /* of those, with effect */
unsigned hostile_http_connections(struct hostile_http *s); /* accepted so far */
const struct hostile_request *hostile_http_request(struct hostile_http *s, size_t i);
/* Requests that came on a connection which HOSTILE_REPLY_AND_CLOSE had ended: not read, not counted
 * above. */
size_t hostile_http_swallowed(struct hostile_http *s);
/* Blocks until so many requests were read; ends the program if they don't come. Not for the thread
 * that drives the client. */
void hostile_http_wait(struct hostile_http *s, size_t count);
/* The header's value, or VIEW_NONE. */
struct view hostile_request_header(const struct hostile_request *r, const char *name);

#endif
