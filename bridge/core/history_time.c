#include "bridge/core/history_time.h"

bool history_time_allows(const char *field, int64_t ms, struct fault *f)
{
    if (ms <= 0 || ms > HISTORY_TIME_MAX)
        return fault_set(f, FAULT_REJECT, "%s is before 1970 or after 2248", field);
    return true;
}
