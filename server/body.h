/*
 * body: what a request's body says, checked by the table of the interface (cmi_decode.h).
 */
#ifndef SERVER_BODY_H
#define SERVER_BODY_H

#include "bridge/core/cmi_decode.h"

/* JSON; XML will be told by its content type (contract 1). */
bool body_decode(struct view bytes, const struct cmi_shape *shape, enum cmi_use use,
                 struct cmi_visitor visitor, struct fault *f) MUST_CHECK;

#endif
