/*
 * fetch: one HTTP GET from this machine, waited for: for small commands that have no loop.
 */
#ifndef STANDALONE_FETCH_H
#define STANDALONE_FETCH_H

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"

#define FETCH_TIME_S 5 /* for each step of it */

/* url: http://127.0.0.1:PORT/PATH. Appends the body of a 200. RETRY for anything else. */
bool fetch(const char *url, struct buf *body, struct fault *f) MUST_CHECK;

#endif
