/*
 * http_rules: which request heads are taken at all (RFC 9112), before anybody looks at what is
 * asked. What two parsers could read differently is refused: request smuggling lives there.
 */
#ifndef BRIDGE_CORE_HTTP_RULES_H
#define BRIDGE_CORE_HTTP_RULES_H

#include "bridge/core/fault.h"
#include "bridge/core/view.h"

#include <stddef.h>
#include <stdint.h>

#define HTTP_RULES_METHOD_MAX  16   /* letters; else 400 */
#define HTTP_RULES_TARGET_MAX  8192 /* bytes; else 414 */
#define HTTP_RULES_HEADERS_MAX 64   /* fields; else 431 */

struct http_field {
    struct view name;
    struct view value;
};

struct http_head {
    struct view method;
    struct view target;
    struct view version; /* "HTTP/1.1" */
    const struct http_field *headers;
    size_t header_count; /* may be more than allowed */
    size_t max_bytes;    /* of target, names and values together; else 431 */
    /* The head's bytes as it came, names and values being part of them: whether a library passed
     * something over is seen by what lies between those and what all come to. 0: not known. */
    size_t came_bytes;
};

/* What the rules found out on their way. */
struct http_framing {
    struct view path;  /* of the target, up to '?', without scheme and host */
    struct view query; /* after '?' */
    bool has_length;
    int64_t length;
    bool chunked;
    bool expects_continue;
};

/* 0 if the head is taken, else the status to refuse it with, and *f says why. */
int http_rules_check(const struct http_head *head, struct http_framing *out, struct fault *f);

/* The first header of that name (any case), VIEW_NONE where there is none; *count: how many. */
struct view http_field_find(const struct http_field *headers, size_t header_count, const char *name,
                            size_t *count);

#endif
