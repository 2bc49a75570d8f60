/*
 * body: the body of a request, checked, whichever representation it came in.
 */
#ifndef SERVER_BODY_H
#define SERVER_BODY_H

#include "bridge/core/cmi_rules.h"
#include "server/exchange.h"

/* As cmi_body_check: by the Content-Type, JSON or XML. Of people who were erased nothing passes
 * (erased_reading.h); a message's destinations do, which become nobody's (messages.c). */
bool body_check(const struct exchange *x, const struct cmi_shape *shape, enum cmi_use use,
                struct cmi_visitor visitor, struct fault *f) MUST_CHECK;

#endif
