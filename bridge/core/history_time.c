#include "bridge/core/history_time.h"

bool history_time_allows(const char *field, int64_t ms, struct fault *f)
{
    if (ms <= 0 || ms > HISTORY_TIME_MAX)
        return fault_set(f, FAULT_REJECT,
                         "%s must be after 1970-01-01T00:00:00Z and before 2248-09-26", field);
    return true;
}
