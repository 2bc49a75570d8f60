/*
 * openapi_check: is an answer of the server one that docs/openapi.json describes? For every answer
 * that the probe reads: a status that the operation has, a media type that the status has, and of
 * JSON the shape: types, enumerations, patterns, bounds, what is required, nothing that is not
 * described. What fails, fails the test.
 */
#ifndef TESTS_FAKES_OPENAPI_CHECK_H
#define TESTS_FAKES_OPENAPI_CHECK_H

#include "bridge/core/view.h"

#define OPENAPI_CHECK_BODY_MAX (16 << 20) /* bytes of JSON; of a longer one the shape is not */

/* target: as it stood in the request; what is not below /RI/cmi is not described. status 0: there
 * was no answer, and nothing is checked. */
void openapi_check(const char *method, const char *target, int status, const char *content_type,
                   struct view body);
/* The same as a sentence that holds until the next call; NULL: it is described. */
const char *openapi_wrong(const char *method, const char *target, int status,
                          const char *content_type, struct view body);

#endif
