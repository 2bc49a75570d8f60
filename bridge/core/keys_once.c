#include "bridge/core/keys_once.h"

#include "bridge/core/json_walk.h"
#include "bridge/core/siphash.h"

#include <assert.h>

void keys_once_init(struct keys_once *k)
{
    k->depth = 0; /* the rest is written before it is read */
    k->count = 0;
}

void keys_once_begin(struct keys_once *k)
{
    assert(k->depth < TOKEN_DEPTH_MAX);
    k->begins[k->depth++] = k->count;
}

void keys_once_end(struct keys_once *k)
{
    assert(k->depth > 0);
    k->count = k->begins[--k->depth];
}

bool keys_once_add(struct keys_once *k, struct view key, struct fault *f)
{
    /* Who looks for keys that collide hurts nobody else's request: no secret is needed. */
    static const uint8_t no_secret[16] = {0};
    uint64_t hash = siphash(no_secret, key);

    assert(k->depth > 0);
    for (unsigned i = k->begins[k->depth - 1]; i < k->count; i++)
        if (k->hashes[i] == hash)
            return fault_set(f, FAULT_REJECT, "a key is given twice in one object");
    if (k->count == KEYS_ONCE_MAX)
        return fault_set(f, FAULT_REJECT, "there are more than %d keys that nobody knows",
                         KEYS_ONCE_MAX);
    k->hashes[k->count++] = hash;
    return true;
}

/* false: the value is no container. */
static bool open_level(struct keys_once *k, struct json_walk *level, struct view value)
{
    if (!json_walk_init(level, value))
        return false;
    if (level->object)
        keys_once_begin(k);
    return true;
}

static bool add_raw(struct keys_once *k, struct view raw, struct fault *f)
{
    struct buf unescaped;
    struct view key = VIEW_NONE;
    bool ok = true;

    buf_init(&unescaped, raw.n);
    ok = json_walk_text(raw, &unescaped, &key)
             ? keys_once_add(k, key, f)
             : fault_set(f, FAULT_BUG, "a key of JSON that passed json_scan can't be read");
    buf_done(&unescaped);
    return ok;
}

bool keys_once_of_json(struct view value, struct fault *f)
{
    struct json_walk levels[TOKEN_DEPTH_MAX];
    struct keys_once k;
    unsigned depth = 0;
    struct view key = VIEW_NONE;

    keys_once_init(&k);
    if (open_level(&k, &levels[0], value))
        depth = 1;
    while (depth > 0) {
        struct json_walk *top = &levels[depth - 1];

        if (!json_walk_next(top, &key, &value)) {
            if (top->object)
                keys_once_end(&k);
            depth--;
            continue;
        }
        if (top->object && !add_raw(&k, key, f))
            return false;
        if (depth < TOKEN_DEPTH_MAX && open_level(&k, &levels[depth], value))
            depth++;
    }
    return true;
}
