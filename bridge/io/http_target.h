/*
 * http_target: a destination's settings, checked, copied, and prepared for its requests.
 */
#ifndef BRIDGE_IO_HTTP_TARGET_H
#define BRIDGE_IO_HTTP_TARGET_H

#include "bridge/core/fault.h"
#include "bridge/io/http_client.h"

struct http_target {
    struct http_destination conf; /* its texts are the target's */
    char *base;                   /* the URL's path, without '/' at its end */
    char *own_line;               /* the header that authenticates, or NULL */
};

/* false: a fault (STOP) that names the setting; no secret is quoted, and nothing is left to free.
 */
bool http_target_init(struct http_target *t, const struct http_destination *conf,
                      struct fault *f) MUST_CHECK;
void http_target_done(struct http_target *t);

#endif
