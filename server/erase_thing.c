#include "server/erase_thing.h"

#include "bridge/core/address_list.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/core/settlement.h"
#include "bridge/core/shard.h"
#include "server/scripts.h"
#include "server/store.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX (64 << 20)

static const char *const fields[] = {"kind", "C", "c0", "cust", "body", "gw", "extra", "notes"};
#define FIELDS (sizeof fields / sizeof *fields)

/* One message or callback under way. */
struct thing {
    struct erase_store *of;
    char id[GUID_TEXT_MAX];
    int64_t slice;
    int64_t slices;
    bool empty[STORE_SLICE_MAX]; /* of the slice: nobody's, as soon as the person's are not */
    bool has_empty;
};

/* ---- texts ---- */

static void on_swapped(void *owner, const struct redis_value *v)
{
    struct erase_store *e = owner;

    (void)erase_store_bad(e, v); /* 0: it had changed; the next pass sees what it is now */
    erase_store_less(e);
}

static void swap(struct erase_store *e, const struct view *keys, size_t count, const char *field,
                 struct view old, const struct buf *with)
{
    struct view args[] = {view_of(field), old, buf_view(with)};

    e->changed++;
    if (e->dry)
        return;
    e->owed++;
    redis_run(e->server->redis, script_of(SCRIPT_SWAP), keys, count, args, 3, on_swapped, e);
}

static void swap_text(struct erase_store *e, struct view key, const char *field, struct view old)
{
    struct buf with;

    if (!person_mentioned(e->person, old))
        return;
    buf_init(&with, TEXT_MAX);
    person_without(e->person, old, &with);
    e->counts.texts++;
    swap(e, &key, 1, field, old, &with);
    buf_done(&with);
}

static void swap_repeats(struct erase_store *e, struct view key, struct view old)
{
    struct view rest = old;
    struct repeat r;
    struct buf with;
    int64_t hits = 0;

    buf_init(&with, 2 * old.n + 16);
    while (repeat_next(&rest, &r)) {
        if (r.text.n > 0 && person_is(e->person, r.text)) {
            r.text = VIEW("");
            hits++;
        }
        repeat_add(&with, &r);
    }
    if (hits > 0 && rest.n == 0) {
        e->counts.destinations += hits;
        swap(e, &key, 1, "", old, &with);
    }
    buf_done(&with);
}

/* ---- messages and callbacks ---- */

static struct view key_of(const struct thing *t, const char *name, char out[SHARD_KEY_MAX])
{
    return shard_key(shard_of(view_of(t->id)), name, view_of(t->id), out);
}

static struct view slice_key(const struct thing *t, const char *name, int64_t slice,
                             char out[SHARD_KEY_MAX])
{
    char text[GUID_TEXT_MAX + 24];

    snprintf(text, sizeof text, "%s:%d", t->id, (int)slice);
    return shard_key(shard_of(view_of(t->id)), name, view_of(text), out);
}

/* A list of destinations, in which the person's become empty. */
static void swap_list(struct thing *t, struct view key, const char *field, struct view old)
{
    struct erase_store *e = t->of;
    char texts[2][SHARD_KEY_MAX];
    struct view keys[] = {key, key_of(t, "m", texts[0]),
                          shard_key(shard_of(view_of(t->id)), "sh", VIEW_NONE, texts[1])};
    struct view list = old;
    struct view address;
    struct buf with;
    size_t count = 0;
    size_t n = 0;
    int64_t hits = 0;

    if (!address_list_open(&list, &count))
        return;
    buf_init(&with, 2 * old.n + 16);
    address_list_begin(&with);
    for (; n < count && address_list_next(&list, &address); n++) {
        bool hit = address.n > 0 && person_is(e->person, address);

        hits += hit;
        if ((hit || address.n == 0) && n < STORE_SLICE_MAX)
            t->empty[n] = t->has_empty = true;
        address_list_add(&with, hit ? VIEW("") : address);
    }
    address_list_end(&with, n);
    if (hits > 0 && n == count) {
        e->counts.destinations += hits;
        e->lists++;
        swap(e, keys, 3, field, old, &with);
    }
    buf_done(&with);
}

/* Then it has no digit and no '@', nor base64 of a number: that has capitals. */
static bool is_word(struct view text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 'a' || text.p[i] > 'z')
            return false;
    return true;
}

/* What came of the slice's destinations. A gateway's id of what it got may hold the number, in any
 * code; so may its reason. What comes later is written without (redis/schedule.lua). */
static void swap_kept(struct thing *t, struct view key, struct view old)
{
    struct view rest = old;
    struct settlement s;
    struct buf with;

    buf_init(&with, old.n + 1);
    while (settlement_next_kept(&rest, &s)) {
        if (s.index < STORE_SLICE_MAX && t->empty[s.index]) {
            s.provider_id = VIEW_NONE;
            s.reason = is_word(s.reason) ? s.reason : VIEW_NONE;
        }
        settlement_put_kept(&with, &s);
    }
    if (with.n < old.n && rest.n == 0)
        swap(t->of, &key, 1, "", old, &with);
    buf_done(&with);
}

static void end_thing(struct thing *t)
{
    struct erase_store *e = t->of;

    mem_free(t);
    erase_store_less(e);
}

static void ask_slice(struct thing *t);

static void next_slice(struct thing *t)
{
    memset(t->empty, 0, sizeof t->empty);
    t->has_empty = false;
    t->slice++;
    ask_slice(t);
}

static void on_kept(void *owner, const struct redis_value *v)
{
    struct thing *t = owner;
    char key[SHARD_KEY_MAX];

    if (erase_store_bad(t->of, v)) {
        end_thing(t);
        return;
    }
    if (v->kind == REDIS_TEXT)
        swap_kept(t, slice_key(t, "o", t->slice, key), v->text);
    next_slice(t);
}

static void on_slice(void *owner, const struct redis_value *v)
{
    struct thing *t = owner;
    char key[SHARD_KEY_MAX];

    if (erase_store_bad(t->of, v)) {
        end_thing(t);
        return;
    }
    if (v->kind == REDIS_TEXT)
        swap_list(t, slice_key(t, "c", t->slice, key), "", v->text);
    if (t->has_empty) {
        struct view args[] = {VIEW("GET"), slice_key(t, "o", t->slice, key)};

        redis_command(t->of->server->redis, args, 2, on_kept, t);
        return;
    }
    next_slice(t);
}

static void on_repeats(void *owner, const struct redis_value *v)
{
    struct thing *t = owner;
    char key[SHARD_KEY_MAX];

    if (!erase_store_bad(t->of, v) && v->kind == REDIS_TEXT)
        swap_repeats(t->of, key_of(t, "rep", key), v->text);
    end_thing(t);
}

/* The next slice; after the last the repeats. */
static void ask_slice(struct thing *t)
{
    bool last = t->slice >= t->slices;
    char key[SHARD_KEY_MAX];
    struct view args[] = {VIEW("GET"),
                          last ? key_of(t, "rep", key) : slice_key(t, "c", t->slice, key)};

    redis_command(t->of->server->redis, args, 2, last ? on_repeats : on_slice, t);
}

static void on_forgotten(void *owner, const struct redis_value *v)
{
    struct thing *t = owner;

    (void)erase_store_bad(t->of, v);
    end_thing(t);
}

static void forget(struct thing *t)
{
    static const char *const of_it[] = {"m", "q", NULL, "sl", "late", "rep", NULL};
    static const char *const of_shard[] = {"due", "act", "lease", "gc", "callbacks", "dial"};
    char texts[13][SHARD_KEY_MAX];
    struct view keys[13];
    struct view id = view_of(t->id);

    t->of->counts.callbacks++;
    t->of->changed++;
    if (t->of->dry) {
        end_thing(t);
        return;
    }
    for (size_t i = 0; i < 7; i++)
        keys[i] = of_it[i] != NULL ? key_of(t, of_it[i], texts[i])
                                   : slice_key(t, i == 2 ? "c" : "o", 0, texts[i]);
    for (size_t i = 0; i < 6; i++)
        keys[7 + i] = shard_key(shard_of(id), of_shard[i], VIEW_NONE, texts[7 + i]);
    redis_run(t->of->server->redis, script_of(SCRIPT_FORGET), keys, 13, &id, 1, on_forgotten, t);
}

static void on_thing(void *owner, const struct redis_value *v)
{
    struct thing *t = owner;
    struct erase_store *e = t->of;
    char key[SHARD_KEY_MAX];
    struct view m = key_of(t, "m", key);

    if (erase_store_bad(e, v) || v->kind != REDIS_ARRAY || v->count != FIELDS ||
        v->items[0].kind != REDIS_TEXT) { /* gone meanwhile */
        end_thing(t);
        return;
    }
    if (v->items[3].kind == REDIS_TEXT && v->items[3].text.n > 0 &&
        person_is(e->person, v->items[3].text)) {
        forget(t);
        return;
    }
    for (size_t i = 4; i < 8; i++)
        if (v->items[i].kind == REDIS_TEXT)
            swap_text(e, m, fields[i], v->items[i].text);
    if (v->items[2].kind == REDIS_TEXT)
        swap_list(t, m, fields[2], v->items[2].text);
    if (v->items[1].kind != REDIS_TEXT || !num_int(v->items[1].text, &t->slices))
        t->slices = 0;
    if (t->slices > STORE_SLICES_MAX)
        t->slices = STORE_SLICES_MAX;
    ask_slice(t);
}

void erase_thing(struct erase_store *e, struct view id)
{
    struct thing *t = mem_zeroed(1, sizeof *t);
    char key[SHARD_KEY_MAX];
    struct view args[2 + FIELDS] = {VIEW("HMGET"), VIEW_NONE};

    t->of = e;
    view_copy(id, t->id, sizeof t->id);
    args[1] = key_of(t, "m", key);
    for (size_t i = 0; i < FIELDS; i++)
        args[2 + i] = view_of(fields[i]);
    e->owed++;
    redis_command(e->server->redis, args, 2 + FIELDS, on_thing, t);
}
