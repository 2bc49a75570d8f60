/*
 * http_transfer: one request and its reply on an easy handle of libcurl, used again for the next.
 *
 * One thread has it at a time: its owner's, or from http_worker_give until http_worker_take the
 * worker's. libcurl sends a POST again by itself when a kept connection turns out dead; here one
 * call sends its request at most once (docs/decisions/0014).
 */
#ifndef BRIDGE_IO_HTTP_TRANSFER_H
#define BRIDGE_IO_HTTP_TRANSFER_H

#include "bridge/io/http_head.h"
#include "bridge/io/http_multi.h"
#include "bridge/io/http_request.h"
#include "bridge/io/http_target.h"

/* What a reply brings. */
struct http_received {
    struct http_head head;
    struct buf body;
    bool cut; /* there is more of the body than it may hold */
};

struct http_transfer {
    struct http_transfer *prev; /* in a list of the worker's */
    struct http_transfer *next;
    bool cancel; /* the worker's lock guards it while the worker has the transfer */

    struct http_received received;
    enum http_fate fate; /* from http_transfer_end on */
    const char *why;     /* where it is not HTTP_ANSWERED; holds until the next http_transfer_set */

    /* http_transfer.c's own */
    const struct http_target *target;
    struct http_request request;
    CURL *easy; /* made at first use, with its URL */
    CURLU *url;
    bool begun; /* there is a connection, and the request begins to leave */
    bool sent;  /* all of it has left */
    const char *method;
    const char *set_method; /* that the handle is set up for, with or without a body */
    bool has_body;
    bool set_has_body;
    struct view body;
    struct view unread; /* of the body, where it is handed out in pieces */
    bool half_read;
    const char *refused; /* why we ended it ourselves; static storage */
    char error[CURL_ERROR_SIZE];
};

void http_received_init(struct http_received *r, size_t body_max);
/* For replies of another maximum from here on; what it held is gone. */
void http_received_fit(struct http_received *r, size_t body_max);
void http_received_done(struct http_received *r);

/* The owner's thread. The target must hold as long. */
void http_transfer_init(struct http_transfer *t, const struct http_target *target);
void http_transfer_done(struct http_transfer *t);
/* Writes the request down; the call's body stays borrowed until the reply. REJECT: it can't be
 * sent as it is. */
bool http_transfer_set(struct http_transfer *t, const struct http_call *call,
                       struct fault *f) MUST_CHECK;

/* The worker's thread. */
void http_transfer_begin(struct http_transfer *t, struct http_multi *m);
/* It has left the multi handle. no_socket: why there was none to connect with, or NULL. */
void http_transfer_end(struct http_transfer *t, CURLcode result, const char *no_socket);
struct http_transfer *http_transfer_of(CURL *easy);
void http_transfer_listening(CURL *easy); /* http_multi_on_listening */

#endif
