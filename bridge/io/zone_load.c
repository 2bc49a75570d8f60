#include "bridge/io/zone_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DAY_S  INT64_C(86400)
#define YEAR_S (366 * DAY_S)

static int64_t offset_s(int64_t at_s)
{
    time_t t = (time_t)at_s;
    struct tm tm;

    return localtime_r(&t, &tm) != NULL ? (int64_t)tm.tm_gmtoff : 0;
}

/* The first second after from_s at which the offset is not from_s's; it changes before to_s. */
static int64_t change_between(int64_t from_s, int64_t to_s)
{
    int64_t before = offset_s(from_s);

    while (to_s - from_s > 1) {
        int64_t middle = from_s + (to_s - from_s) / 2;

        if (offset_s(middle) == before)
            from_s = middle;
        else
            to_s = middle;
    }
    return to_s;
}

static void fill(int64_t from_s, int64_t to_s, struct zone *out)
{
    int64_t offset = offset_s(from_s);

    out->count = 0;
    out->changes[out->count++] = (struct zone_change){from_s * 1000, offset * 1000};
    for (int64_t at = from_s; at < to_s && out->count < ZONE_CHANGES_MAX; at += DAY_S) {
        int64_t change;

        if (offset_s(at + DAY_S) == offset)
            continue;
        change = change_between(at, at + DAY_S);
        offset = offset_s(at + DAY_S);
        out->changes[out->count++] = (struct zone_change){change * 1000, offset * 1000};
    }
}

/* glibc takes any name, and means UTC by those it can't find. */
static bool known(const char *name)
{
    const char *dir = getenv("TZDIR");
    char path[512];

    if (name[0] == '/' || strstr(name, "..") != NULL)
        return false;
    (void)snprintf(path, sizeof path, "%.200s/%.200s", dir != NULL ? dir : "/usr/share/zoneinfo",
                   name);
    return name[0] != '\0' && access(path, R_OK) == 0;
}

bool zone_load(const char *name, int64_t now_ms, struct zone *out, struct fault *f)
{
    const char *set = getenv("TZ");
    char before[512];

    if (strcmp(name, "UTC") == 0) {
        out->count = 0;
        return true;
    }
    if (!known(name))
        return fault_set(f, FAULT_REJECT,
                         "'%.60s' is no time zone of this system; one looks like Europe/Helsinki "
                         "(package tzdata)",
                         name);
    (void)snprintf(before, sizeof before, "%s", set != NULL ? set : "");
    setenv("TZ", name, 1);
    tzset();
    fill(now_ms / 1000 - YEAR_S, now_ms / 1000 + ZONE_LOAD_YEARS * YEAR_S, out);
    if (set != NULL)
        setenv("TZ", before, 1);
    else
        unsetenv("TZ");
    tzset();
    return true;
}
