#include "bridge/core/outcome.h"

#include <string.h>

enum outcome outcome_of_status(int status, const char *method, bool has_retry_after)
{
    if (status >= 200 && status <= 299)
        return OUTCOME_DONE;
    switch (status) {
    case 401:
        return OUTCOME_STOP;
    case 403:
        return OUTCOME_FORBID;
    case 404:
        return strcmp(method, "DELETE") == 0 ? OUTCOME_DONE : OUTCOME_REFUSE;
    case 408:
    case 425:
    case 429:
        return OUTCOME_RETRY;
    case 409:
        return has_retry_after ? OUTCOME_RETRY : OUTCOME_REFUSE;
    case 501:
        return OUTCOME_REFUSE;
    default:
        break;
    }
    if (status >= 300 && status <= 399)
        return OUTCOME_STOP;
    if (status >= 400 && status <= 499)
        return OUTCOME_REFUSE;
    /* 5xx, and what is no status of a final reply at all: the peer is not itself. */
    return OUTCOME_RETRY;
}

const char *outcome_name(enum outcome o)
{
    switch (o) {
#define OUTCOME_CASE(name, text)                                                                   \
    case OUTCOME_##name:                                                                           \
        return text;
        OUTCOME_KINDS(OUTCOME_CASE)
#undef OUTCOME_CASE
    }
    return "unknown";
}
