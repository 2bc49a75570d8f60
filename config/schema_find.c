/* Paths against the table: found, grouped, and the nearest to one that is not there. */
#include "config/schema.h"

#include "bridge/core/spelling.h"

#include <stdio.h>
#include <string.h>

/* One step of a row's path against one of a real path: true and both moved on if they agree. `last`
 * says whether the row's path ends here, where `*` takes all that follows. */
static bool step(struct view *row, struct view *path)
{
    struct view want = view_cut(row, '.');
    struct view have;

    if (view_is(want, "*") && row->n == 0) {
        have = *path;
        *path = VIEW_NONE;
        return have.n > 0;
    }
    have = view_cut(path, '.');
    if (view_is(want, "*"))
        return have.n > 0;
    if (want.n > 2 && view_is(view_skip(want, want.n - 2), "[]")) {
        struct view stem = {want.p, want.n - 2};
        struct view index = view_skip(have, stem.n);

        return view_starts(have, stem) && index.n >= 2 && index.p[0] == '[' &&
               index.p[index.n - 1] == ']';
    }
    return view_eq(want, have);
}

const struct setting *schema_find(const char *path)
{
    for (size_t i = 0; i < schema_count; i++) {
        struct view row = view_of(schema[i].path);
        struct view rest = view_of(path);

        while (row.n > 0 && rest.n > 0 && step(&row, &rest))
            if (row.n == 0 && rest.n == 0)
                return &schema[i];
    }
    return NULL;
}

/* What is left of the row's path after all of `path`; VIEW_NONE if it does not lie under it. */
static struct view beneath(const struct setting *setting, const char *path)
{
    struct view row = view_of(setting->path);
    struct view rest = view_of(path);

    while (rest.n > 0) {
        /* The final `*` stands for a value, so nothing lies under it. */
        if (row.n == 0 || view_is(row, "*") || !step(&row, &rest))
            return VIEW_NONE;
    }
    return row;
}

bool schema_is_group(const char *path)
{
    for (size_t i = 0; i < schema_count; i++)
        if (beneath(&schema[i], path).n > 0)
            return true;
    return false;
}

bool schema_is_map(const char *path, bool *bare)
{
    for (size_t i = 0; i < schema_count; i++) {
        struct view rest = beneath(&schema[i], path);

        if (view_is(view_cut(&rest, '.'), "*")) {
            *bare = rest.n == 0;
            return true;
        }
    }
    return false;
}

bool schema_is_list(const char *path)
{
    size_t n = strlen(path);

    for (size_t i = 0; i < schema_count; i++)
        if (strncmp(schema[i].path, path, n) == 0 && strcmp(schema[i].path + n, "[]") == 0)
            return true;
    return false;
}

bool schema_is_secret(const struct setting *row, const char *path)
{
    static const char *const words[] = {"password", "secret", "pem",    "key",
                                        "token",    "jaas",   "config", NULL};

    if (row->kind != SETTING_SECRET)
        return false;
    if (strncmp(path, "kafka.properties.", strlen("kafka.properties.")) != 0)
        return true;
    for (size_t i = 0; words[i] != NULL; i++)
        if (strstr(path, words[i]) != NULL)
            return true;
    return false;
}

/* The row's path with the user's names of `path` in it; `depth` > 0: its first segments only. */
static bool instance(struct view row, struct view path, size_t depth, char out[SCHEMA_PATH_MAX])
{
    struct buf b;
    bool whole;

    buf_init(&b, SCHEMA_PATH_MAX - 1);
    for (size_t i = 0; row.n > 0 && (depth == 0 || i < depth); i++) {
        struct view want = view_cut(&row, '.');
        struct view have = view_cut(&path, '.');

        if (i > 0)
            buf_put_char(&b, '.');
        if (view_is(want, "*"))
            want = have.n > 0 ? have : want;
        else if (want.n > 2 && want.p[want.n - 1] == ']')
            want.n -= 2;
        buf_put(&b, want);
    }
    whole = !b.full;
    if (whole)
        memcpy(out, buf_text(&b), b.n + 1);
    buf_done(&b);
    return whole;
}

static size_t segments(const char *path)
{
    size_t n = 1;

    for (; *path != '\0'; path++)
        n += *path == '.';
    return n;
}

/* After the last dot. */
static const char *leaf(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot == NULL ? path : dot + 1;
}

bool schema_nearest(const char *path, bool group, char out[SCHEMA_PATH_MAX])
{
    size_t least = spelling_near(strlen(leaf(path))) + 1;
    bool found = false;

    for (size_t i = 0; i < schema_count; i++) {
        char candidate[SCHEMA_PATH_MAX];
        size_t d;

        if (group && segments(schema[i].path) <= segments(path))
            continue;
        if (!instance(view_of(schema[i].path), view_of(path), group ? segments(path) : 0,
                      candidate))
            continue;
        d = spelling_distance(view_of(path), view_of(candidate));
        /* The right name in the wrong place. */
        if (!group && d > 3 && strchr(schema[i].path, '*') == NULL &&
            strcmp(leaf(path), leaf(candidate)) == 0)
            d = 1;
        if (d < least) {
            least = d;
            found = true;
            memcpy(out, candidate, strlen(candidate) + 1);
        }
    }
    return found;
}

static char in_variable(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
}

const char *schema_environment_name(const char *path, char out[SCHEMA_PATH_MAX])
{
    size_t n = strlen("CMIBRIDGE_");

    memcpy(out, "CMIBRIDGE_", n);
    for (; *path != '\0' && *path != '[' && n < SCHEMA_PATH_MAX - 1; path++)
        out[n++] = in_variable(*path);
    out[n] = '\0';
    return out;
}

bool schema_same_variable(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0' && in_variable(*a) == in_variable(*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

const char *schema_kind_name(enum setting_kind kind)
{
    static const char *const names[] = {
        [SETTING_TEXT] = "text",
        [SETTING_SECRET] = "secret",
        [SETTING_INT] = "number",
        [SETTING_PERCENT] = "percent",
        [SETTING_BOOL] = "true or false",
        [SETTING_DURATION] = "duration",
        [SETTING_SIZE] = "size",
        [SETTING_CHOICE] = "choice",
        [SETTING_ADDRESS] = "address",
        [SETTING_ADDRESSES] = "addresses",
        [SETTING_URL] = "URL",
        [SETTING_ORIGIN] = "origin",
        [SETTING_PATH] = "path",
        [SETTING_FILE] = "file",
        [SETTING_GUID] = "GUID",
        [SETTING_TOPIC] = "topic",
    };

    return names[kind];
}
