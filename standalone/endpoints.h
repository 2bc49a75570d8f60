/*
 * endpoints: what answers where, as DIR/endpoints.json for programs and as lines for people.
 *
 * {"cmi": "http://127.0.0.1:8080/RI/cmi", "kafka": "127.0.0.1:41231", "redis":
 * "unix:/…/redis.sock", "metrics": {"serve": "http://127.0.0.1:41232/metrics", …}}
 */
#ifndef STANDALONE_ENDPOINTS_H
#define STANDALONE_ENDPOINTS_H

#include "bridge/core/buf.h"
#include "standalone/parts.h"

bool endpoints_write(const struct plan *p, struct fault *f) MUST_CHECK;
void endpoints_remove(const struct plan *p); /* those of another start, too */
void endpoints_tell(const struct plan *p, struct buf *out);

#endif
