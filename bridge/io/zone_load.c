#include "bridge/io/zone_load.h"

#include "bridge/core/spelling.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define NAME_MAX_BYTES 128
#define PATH_MAX_BYTES 512
#define DEPTH_MAX      3 /* America/Argentina/Ushuaia */

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

static void path_of(const char *name, char path[PATH_MAX_BYTES])
{
    const char *dir = getenv("TZDIR");

    (void)snprintf(path, PATH_MAX_BYTES, "%.200s/%.200s", dir != NULL ? dir : "/usr/share/zoneinfo",
                   name);
}

/* glibc takes any name, and means UTC by those it can't find and by files and directories that are
 * no zones. */
static bool known(const char *name)
{
    char path[PATH_MAX_BYTES];
    char magic[4];
    struct stat st;
    FILE *file;
    bool is;

    if (name[0] == '/' || name[0] == '\0' || strstr(name, "..") != NULL)
        return false;
    path_of(name, path);
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || (file = fopen(path, "rb")) == NULL)
        return false;
    is = fread(magic, 1, sizeof magic, file) == sizeof magic && memcmp(magic, "TZif", 4) == 0;
    (void)fclose(file);
    return is;
}

/* ---- what was meant by a name that is none ---- */

struct meant {
    struct view name;          /* as it was given, but for a / at its end */
    char best[NAME_MAX_BYTES]; /* "": none */
    size_t least;              /* its distance */
};

static struct view city(struct view name)
{
    struct view city = name;

    while (name.n > 0)
        city = view_cut(&name, '/');
    return city;
}

/* Within a directory that was named, the first; else one spelled likewise, or of the same city. */
static void consider(struct meant *m, const char *zone)
{
    struct view v = view_of(zone);
    size_t d = spelling_distance(m->name, v);

    if (view_starts(v, m->name) && v.p[m->name.n] == '/')
        d = 0;
    else if (d > 1 && view_eq(city(v), city(m->name)))
        d = 1;
    else if (d > spelling_near(m->name.n))
        return;
    if (m->best[0] != '\0' && (d > m->least || (d == m->least && strcmp(zone, m->best) >= 0)))
        return;
    m->least = d;
    view_copy(v, m->best, sizeof m->best);
}

/* Of the zones beside them other files and directories begin with small letters. */
static void look_in(struct meant *m, const char *dir, int depth)
{
    char path[PATH_MAX_BYTES];
    const struct dirent *entry;
    DIR *d;

    path_of(dir, path);
    if (depth > DEPTH_MAX || (d = opendir(path)) == NULL)
        return;
    while ((entry = readdir(d)) != NULL) {
        char name[NAME_MAX_BYTES];
        int n =
            snprintf(name, sizeof name, "%s%s%.60s", dir, dir[0] != '\0' ? "/" : "", entry->d_name);

        if (entry->d_name[0] < 'A' || entry->d_name[0] > 'Z' || n < 0 || n >= NAME_MAX_BYTES)
            continue;
        if (known(name))
            consider(m, name);
        else
            look_in(m, name, depth + 1);
    }
    (void)closedir(d);
}

static bool refuse(const char *name, struct fault *f)
{
    struct meant m = {.name = view_of(name)};

    if (m.name.n > 1 && m.name.p[m.name.n - 1] == '/')
        m.name.n--;
    if (m.name.n > 0)
        look_in(&m, "", 1);
    if (m.best[0] == '\0')
        return fault_set(f, FAULT_REJECT,
                         "'%.60s' is no time zone of this system; one looks like Europe/Helsinki "
                         "(package tzdata)",
                         name);
    return fault_set(f, FAULT_REJECT, "'%.60s' is no time zone of this system; did you mean %s?",
                     name, m.best);
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
        return refuse(name, f);
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
