#include "bridge/core/json_pick.h"

#include "bridge/core/json_scan.h"
#include "bridge/core/json_walk.h"
#include "bridge/core/num.h"

#include <string.h>

struct view json_pick_root(struct view text)
{
    struct json_walk walk;
    struct fault f = {0};

    return json_scan_all(text, &f) && json_walk_init(&walk, text) ? text : VIEW_NONE;
}

/* Keys that matter have no escapes in them. */
static bool is_key(struct view raw, struct view wanted)
{
    return raw.n == wanted.n + 2 && view_eq((struct view){raw.p + 1, wanted.n}, wanted);
}

static struct view child(struct view value, struct view segment)
{
    struct json_walk walk;
    struct view key = VIEW_NONE;
    struct view item = VIEW_NONE;
    int64_t index = -1;

    if (!json_walk_init(&walk, value) || (!walk.object && !num_in(segment, 0, INT32_MAX, &index)))
        return VIEW_NONE;
    while (json_walk_next(&walk, &key, &item))
        if (walk.object ? is_key(key, segment) : index-- == 0)
            return item;
    return VIEW_NONE;
}

struct view json_pick(struct view value, const char *path)
{
    struct view rest = view_of(path);

    while (rest.n > 0 && value.n > 0)
        value = child(value, view_cut(&rest, '.'));
    return value;
}

bool json_pick_text(struct view value, const char *path, char *out, size_t size)
{
    struct view raw = json_pick(value, path);
    struct view text = VIEW_NONE;
    struct buf unescaped;
    bool ok = false;

    out[0] = '\0';
    if (raw.n == 0 || raw.p[0] != '"')
        return false;
    buf_init(&unescaped, raw.n);
    if (json_walk_text(raw, &unescaped, &text) && text.n < size && !view_has(text, '\0')) {
        view_copy(text, out, size);
        ok = true;
    }
    buf_done(&unescaped);
    return ok;
}

bool json_pick_int(struct view value, const char *path, int64_t *out)
{
    return num_int(json_pick(value, path), out);
}
