#include "server/effect.h"

#include "bridge/core/mask.h"
#include "bridge/core/mem.h"
#include "bridge/core/shard.h"
#include "server/binding.h"
#include "server/scripts.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define KEYS_COUNT 15
#define ARGS_FIXED 17

struct call {
    effect_done *done;
    void *owner;
    struct exchange *x;
    bool binds; /* note what its key was used for before saying that it is done */
    enum effect_outcome outcome;
};

void effect_init(struct effect *e, struct exchange *x, enum store_kind kind, const char *id_hex,
                 int64_t version)
{
    memset(e, 0, offsetof(struct effect, fields)); /* fields are set one by one */
    e->field_count = 0;
    e->x = x;
    e->kind = kind;
    e->version = version;
    e->slices = EFFECT_SLICES_KEEP;
    memcpy(e->id, id_hex, GUID_HEX_LEN + 1);
}

static struct effect_field *next_field(struct effect *e, const char *name)
{
    struct effect_field *field = &e->fields[e->field_count++];

    assert(e->field_count <= EFFECT_FIELDS_MAX);
    field->name = name;
    return field;
}

void effect_text(struct effect *e, const char *name, struct view value)
{
    next_field(e, name)->value = value.p != NULL ? value : VIEW("");
}

void effect_text_if(struct effect *e, const char *name, bool given, struct view value)
{
    if (given)
        effect_text(e, name, value);
    else if (e->version != EFFECT_NEW)
        effect_drop(e, name);
}

void effect_int(struct effect *e, const char *name, int64_t value)
{
    struct effect_field *field = next_field(e, name);

    snprintf(field->digits, sizeof field->digits, "%" PRId64, value);
    field->value = view_of(field->digits);
}

void effect_drop(struct effect *e, const char *name)
{
    next_field(e, name)->value = VIEW_NONE;
}

void effect_purge(struct effect *e, int64_t at_ms)
{
    effect_int(e, "purge", at_ms);
    e->purge_ms = at_ms;
}

static struct view idem_key(const struct exchange *x, unsigned shard, char out[SHARD_KEY_MAX])
{
    return shard_key(shard, "idem", view_of(x->key_hash), out);
}

static void on_bound(void *owner, enum binding b)
{
    struct call call = *(struct call *)owner;
    struct fault f = {0};

    mem_free(owner);
    if (b == BINDING_LOST) { /* the effect is there: the request repeated is a replay */
        fault_set(&f, FAULT_RETRY, "the store did not answer as it should");
        call.outcome = EFFECT_LOST;
    }
    call.done(call.owner, call.outcome, &f);
}

static void said(struct call *call, enum effect_outcome outcome, const struct fault *f)
{
    struct call done = *call;

    if (call->binds && (outcome == EFFECT_DONE || outcome == EFFECT_REPLAY)) {
        call->outcome = outcome;
        binding_note(call->x, on_bound, call);
        return;
    }
    mem_free(call);
    done.done(done.owner, outcome, f);
}

/* The digest that is there is not that of now: that of before? */
static bool is_replay(const struct exchange *x, const struct redis_value *v)
{
    return v->count == 2 && v->items[1].kind == REDIS_TEXT && exchange_is_same(x, v->items[1].text);
}

enum effect_outcome effect_outcome_of(const struct exchange *x, const struct redis_value *v,
                                      struct fault *f)
{
    static const struct {
        const char *word;
        enum effect_outcome outcome;
    } words[] = {
        {"done", EFFECT_DONE},         {"replay", EFFECT_REPLAY}, {"other", EFFECT_OTHER_BODY},
        {"changed", EFFECT_CHANGED},   {"gone", EFFECT_GONE},     {"claimed", EFFECT_CLAIMED},
        {"unstaged", EFFECT_UNSTAGED}, {"ended", EFFECT_ENDED},
    };
    char text[FAULT_TEXT_MAX];

    if (v->kind == REDIS_ARRAY && v->count > 0)
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            if (view_is(v->items[0].text, words[i].word))
                return words[i].outcome == EFFECT_OTHER_BODY && is_replay(x, v) ? EFFECT_REPLAY
                                                                                : words[i].outcome;
    fault_set(f, FAULT_RETRY, "the store did not answer as it should: %s",
              mask_sentence(v->text, text, sizeof text));
    return EFFECT_LOST;
}

static void on_reply(void *owner, const struct redis_value *v)
{
    struct call *call = owner;
    struct fault f = {0};
    enum effect_outcome outcome = effect_outcome_of(call->x, v, &f);

    said(call, outcome, &f);
}

static struct view number(char out[24], int64_t n)
{
    snprintf(out, 24, "%" PRId64, n);
    return view_of(out);
}

static struct view due_of(const struct effect *e, char out[24])
{
    switch (e->due) {
    case EFFECT_DUE_AT:
        return number(out, e->due_ms);
    case EFFECT_DUE_IN:
        snprintf(out, 24, "+%" PRId64, e->due_ms);
        return view_of(out);
    case EFFECT_DUE_NONE:
        return VIEW("-");
    case EFFECT_DUE_KEEP:
        break;
    }
    return VIEW("");
}

static struct view list_of(const struct effect *e)
{
    bool paged = e->kind == STORE_MESSAGE;

    switch (e->list) {
    case EFFECT_LIST_ADD:
        return paged ? VIEW("p+") : VIEW("+");
    case EFFECT_LIST_ADD_CHAT:
        return VIEW("c+");
    case EFFECT_LIST_REMOVE:
        return paged ? VIEW("p-") : VIEW("-");
    case EFFECT_LIST_KEEP:
        break;
    }
    return VIEW("");
}

void effect_apply(struct effect *e, effect_done *done, void *owner)
{
    struct view id = view_of(e->id);
    unsigned shard = shard_of(id);
    char keys_text[KEYS_COUNT][SHARD_KEY_MAX];
    struct view keys[KEYS_COUNT];
    struct view args[ARGS_FIXED + 2 * EFFECT_FIELDS_MAX];
    char digits[6][24];
    char member[STORE_MEMBER_MAX];
    char wake[16];
    char staged[GUID_TEXT_MAX + GUID_TEXT_MAX];
    size_t drops = 0;
    size_t n = ARGS_FIXED;
    struct call *call = mem_zeroed(1, sizeof *call);

    *call = (struct call){.done = done,
                          .owner = owner,
                          .x = e->x,
                          .binds = e->version != EFFECT_NEW && e->x->key.n > 0};
    store_member(e->created_ms, e->id, member);
    snprintf(wake, sizeof wake, "w:{%02u}", shard);
    snprintf(staged, sizeof staged, "%s:%s", e->id, e->token != NULL ? e->token : "");
    keys[0] = shard_key(shard, "m", id, keys_text[0]);
    keys[1] = shard_key(shard, "q", id, keys_text[1]);
    keys[2] = shard_key(shard, e->kind == STORE_MESSAGE ? "due" : "dial", VIEW_NONE, keys_text[2]);
    keys[3] = shard_key(shard, "act", VIEW_NONE, keys_text[3]);
    keys[4] = shard_key(shard, "lease", VIEW_NONE, keys_text[4]);
    keys[5] = shard_key(shard, "sl", id, keys_text[5]);
    keys[6] = shard_key(shard, e->kind == STORE_MESSAGE ? "messages" : "callbacks", VIEW_NONE,
                        keys_text[6]);
    keys[7] = idem_key(e->x, shard, keys_text[7]);
    keys[8] = shard_key(shard, "gc", VIEW_NONE, keys_text[8]);
    keys[9] = shard_key(shard, "c", id, keys_text[9]);
    keys[10] = shard_key(shard, "rep", id, keys_text[10]);
    keys[11] = shard_key(shard, "t", view_of(staged), keys_text[11]);
    keys[12] = shard_key(shard, "out", VIEW_NONE, keys_text[12]);
    keys[13] = shard_key(shard, "due", VIEW_NONE, keys_text[13]);
    keys[14] = shard_key(shard, "chatmessages", VIEW_NONE, keys_text[14]);

    for (size_t i = 0; i < e->field_count; i++)
        if (e->fields[i].value.p == NULL) {
            args[n++] = view_of(e->fields[i].name);
            drops++;
        }
    for (size_t i = 0; i < e->field_count; i++)
        if (e->fields[i].value.p != NULL) {
            args[n++] = view_of(e->fields[i].name);
            args[n++] = e->fields[i].value;
        }
    args[0] = id;
    args[1] = e->version == EFFECT_NEW ? VIEW("") : number(digits[0], e->version);
    args[2] = view_of(e->x->digest);
    args[3] = number(digits[1], STORE_KEY_MS);
    args[4] = due_of(e, digits[2]);
    args[5] = list_of(e);
    args[6] = view_of(member);
    args[7] = e->purge_ms == EFFECT_PURGE_KEEP    ? VIEW("")
              : e->purge_ms == EFFECT_PURGE_NEVER ? VIEW("-")
                                                  : number(digits[3], e->purge_ms);
    args[8] = e->unclaimed ? VIEW("1") : e->live ? VIEW("2") : VIEW("");
    args[9] = e->slices == EFFECT_SLICES_KEEP ? VIEW("") : number(digits[4], e->slices);
    args[10] = e->token != NULL ? VIEW("1") : VIEW("");
    args[11] = e->slice;
    args[12] = e->repeats;
    args[13] = view_of(wake);
    args[14] = view_of(e->told != NULL ? e->told : "");
    args[15] = view_of(e->behind != NULL ? e->behind : "");
    args[16] = number(digits[5], (int64_t)drops);
    redis_run(e->x->server->redis, script_of(e->frees ? SCRIPT_EFFECT_FREES : SCRIPT_EFFECT), keys,
              KEYS_COUNT, args, n, on_reply, call);
}

void effect_refuse(struct exchange *x, enum effect_outcome outcome, const struct fault *f)
{
    if (outcome == EFFECT_OTHER_BODY)
        exchange_error(x, 422, "this Idempotency-Key was used for another request");
    else if (outcome == EFFECT_GONE)
        exchange_error(x, 404, "HTTP 404 Not Found");
    else if (outcome == EFFECT_LOST)
        exchange_fault(x, f);
    else
        exchange_error(x, 503, "others change this at the same time; try again");
}

/* ---- looking up ---- */

struct look {
    struct exchange *x;
    enum store_kind kind;
    effect_found *found;
    void (*answered)(void *owner);
    void *owner;
    char id[GUID_TEXT_MAX];
    bool over; /* answered, or about to be, at the key's reply */
};

static void look_answered(struct look *look)
{
    look->over = true;
    look->answered(look->owner);
}

/* Outlives the looking up: a request that was done before, whose key is noted again, as it may not
 * have been. */
static void on_bound_again(void *owner, enum binding b)
{
    struct look look = *(struct look *)owner;

    mem_free(owner);
    if (b == BINDING_LOST)
        store_unavailable(look.x);
    else
        exchange_answer(look.x, 204, NULL, VIEW_NONE);
    look.answered(look.owner);
}

static void on_key(void *owner, const struct redis_value *v)
{
    struct look *look = owner;

    if (look->over || v->kind == REDIS_NIL)
        return;
    if (v->kind == REDIS_TEXT && exchange_is_same(look->x, v->text)) {
        look->over = true;
        binding_note(look->x, on_bound_again, mem_copy(look, sizeof *look));
        return;
    }
    if (v->kind != REDIS_TEXT) {
        store_log(look->x, v);
        store_unavailable(look->x);
    } else {
        effect_refuse(look->x, EFFECT_OTHER_BODY, NULL);
    }
    look_answered(look);
}

static void on_thing(void *owner, const struct redis_value *v)
{
    struct look *look = owner;
    struct look done = *look;
    struct stored thing;

    mem_free(look);
    if (done.over)
        return;
    if (!stored_of(v, &thing)) {
        store_log(done.x, v);
        store_unavailable(done.x);
    } else if (store_int(thing.fields, "kind", 0) == done.kind &&
               store_int(thing.fields, "st", 0) != STORE_DELETED) {
        done.found(done.owner, &thing);
        return;
    } else {
        effect_refuse(done.x, EFFECT_GONE, NULL);
    }
    done.answered(done.owner);
}

/* The thing, and whether this was done to it under this key: both of its shard, so in order. */
static void look_at_thing(struct look *look)
{
    struct redis *redis = look->x->server->redis;
    char key[SHARD_KEY_MAX];
    struct view args[2] = {VIEW("GET"), VIEW_NONE};

    if (look->x->key.n > 0) {
        args[1] = idem_key(look->x, shard_of(view_of(look->id)), key);
        redis_command(redis, args, 2, on_key, look);
    }
    stored_read(redis, look->id, on_thing, look);
}

static void on_binding(void *owner, enum binding b)
{
    struct look look = *(struct look *)owner;

    if (b == BINDING_FREE) {
        look_at_thing(owner);
        return;
    }
    mem_free(owner);
    if (b == BINDING_OURS)
        exchange_answer(look.x, 204, NULL, VIEW_NONE);
    else if (b == BINDING_OTHER)
        effect_refuse(look.x, EFFECT_OTHER_BODY, NULL);
    else
        store_unavailable(look.x);
    look.answered(look.owner);
}

void effect_look_up(struct exchange *x, enum store_kind kind, const char *id_hex,
                    effect_found *found, void (*answered)(void *owner), void *owner)
{
    struct look *look = mem_zeroed(1, sizeof *look);

    *look =
        (struct look){.x = x, .kind = kind, .found = found, .answered = answered, .owner = owner};
    memcpy(look->id, id_hex, GUID_HEX_LEN + 1);
    if (x->key.n > 0)
        binding_look(x, on_binding, look);
    else
        look_at_thing(look);
}
