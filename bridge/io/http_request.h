/*
 * http_request: what a call says, checked and in the form that libcurl takes, in memory that is
 * used again for the next call: no allocation a request once the buffer has grown.
 */
#ifndef BRIDGE_IO_HTTP_REQUEST_H
#define BRIDGE_IO_HTTP_REQUEST_H

#include "bridge/core/buf.h"
#include "bridge/ports/http.h"

#include <curl/curl.h>

#define HTTP_REQUEST_HEAD_MAX 16384 /* bytes of target and headers */
#define HTTP_REQUEST_LINES    (HTTP_HEADERS_MAX + 4)

struct http_request {
    struct buf text;
    const char *target; /* NUL-terminated, as it stands in the request line */
    struct curl_slist lines[HTTP_REQUEST_LINES]; /* lines[0] is the head of the list */
};

void http_request_init(struct http_request *r);
void http_request_done(struct http_request *r);
/* base: the destination's path, in front of the call's. own: a header line of the destination's
 * own, or NULL. false with FAULT_REJECT: the call can't be sent; no value is quoted. */
bool http_request_set(struct http_request *r, const char *base, const char *own,
                      const struct http_call *call, struct fault *f) MUST_CHECK;
/* The rules for a header, for a destination's own too. */
bool http_request_check_header(struct view name, struct view value, struct fault *f) MUST_CHECK;

#endif
