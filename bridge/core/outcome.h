/*
 * outcome: what an HTTP reply to a write means (design.md 6). One table.
 */
#ifndef BRIDGE_CORE_OUTCOME_H
#define BRIDGE_CORE_OUTCOME_H

#include "bridge/core/view.h"

#include <stdbool.h>

#define OUTCOME_KINDS(X)                                                                           \
    X(DONE, "done")     /* the write has happened */                                               \
    X(RETRY, "retry")   /* may pass by itself */                                                   \
    X(REFUSE, "refuse") /* this write will never do */                                             \
    X(FORBID, "forbid") /* 403: refuses the record; three keys in a row stop the destination */    \
    X(STOP, "stop")     /* the destination takes nothing of ours: 401, redirects */

enum outcome {
#define OUTCOME_ENUM(name, text) OUTCOME_##name,
    OUTCOME_KINDS(OUTCOME_ENUM)
#undef OUTCOME_ENUM
};

/* method is "DELETE" or another; has_retry_after: the reply held a Retry-After, readable or not. */
enum outcome outcome_of_status(int status, const char *method, bool has_retry_after);
/* Whether the write may have happened though that answer is no success: whoever gave it, or one
 * before it, may have passed the write on before it failed, or before it showed us elsewhere to see
 * what became of it (303, and 302 as it is used). */
bool outcome_may_be_done(int status);
/* A 2xx, but 201, whose body is a page: no CMI's answer, but that of something in front of it that
 * asks for a login, say. Nothing is known of the write then. */
bool outcome_is_page(int status, struct view body);
/* The id of what a POST has created: the body, if that is one (letters, digits, "-_.~:", at most
 * OUTCOME_ID_MAX), also in quotes or as "id" of a JSON object; else the end of Location's path;
 * VIEW_NONE if neither is. */
#define OUTCOME_ID_MAX 128 /* bytes */
struct view outcome_created(struct view body, struct view location);
const char *outcome_name(enum outcome o);
/* The standard phrase of a 4xx or 5xx (RFC 9110, 15, and the IANA registry): "Content Too Large";
 * "" for one that has none. */
const char *outcome_phrase(int status);

#endif
