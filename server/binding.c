#include "server/binding.h"

#include "bridge/core/mem.h"
#include "bridge/core/shard.h"
#include "server/scripts.h"
#include "server/server.h"
#include "server/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct asked {
    struct exchange *x;
    binding_done *done;
    void *owner;
};

static struct asked *asked(struct exchange *x, binding_done *done, void *owner)
{
    struct asked *a = mem_zeroed(1, sizeof *a);

    *a = (struct asked){x, done, owner};
    return a;
}

static struct view place(const struct exchange *x, char out[SHARD_KEY_MAX])
{
    char id[GUID_TEXT_MAX];

    guid_hex(&x->new_id, id);
    return shard_key(shard_of(view_of(id)), "m", view_of(id), out);
}

static void on_digest(void *owner, const struct redis_value *v)
{
    struct asked a = *(struct asked *)owner;
    enum binding b = BINDING_FREE;

    mem_free(owner);
    if (v->kind == REDIS_TEXT)
        b = exchange_is_same(a.x, v->text) ? BINDING_OURS : BINDING_OTHER;
    else if (v->kind != REDIS_NIL)
        b = BINDING_LOST;
    if (b == BINDING_LOST)
        store_log(a.x, v);
    a.done(a.owner, b);
}

void binding_look(struct exchange *x, binding_done *done, void *owner)
{
    char key[SHARD_KEY_MAX];
    struct view args[] = {VIEW("HGET"), place(x, key), VIEW("dig")};

    redis_command(x->server->redis, args, 3, on_digest, asked(x, done, owner));
}

void binding_note(struct exchange *x, binding_done *done, void *owner)
{
    char key[SHARD_KEY_MAX];
    char kept_ms[24];
    struct view keys[] = {place(x, key)};
    struct view args[] = {view_of(x->digest), VIEW_NONE};

    snprintf(kept_ms, sizeof kept_ms, "%" PRId64, (int64_t)STORE_KEY_MS);
    args[1] = view_of(kept_ms);
    redis_run(x->server->redis, script_of(SCRIPT_BIND), keys, 1, args, 2, on_digest,
              asked(x, done, owner));
}

/* ---- what would be refused now ---- */

struct refusal {
    struct exchange *x;
    struct fault why;
    char thing[GUID_TEXT_MAX]; /* "": none */
    void (*again)(struct exchange *x);
};

static void on_refusal(void *owner, enum binding b)
{
    struct refusal *r = owner;

    if (b == BINDING_OURS)
        r->again(r->x);
    else if (b == BINDING_OTHER)
        exchange_error(r->x, 422, "this Idempotency-Key was used for another request");
    else if (b == BINDING_LOST)
        store_unavailable(r->x);
    else
        exchange_fault(r->x, &r->why);
    mem_free(r);
}

static void on_thing(void *owner, const struct redis_value *v)
{
    struct refusal *r = owner;

    if (v->kind == REDIS_TEXT && exchange_is_same(r->x, v->text)) {
        binding_note(r->x, on_refusal, r);
        return;
    }
    if (v->kind != REDIS_TEXT && v->kind != REDIS_NIL)
        store_log(r->x, v);
    on_refusal(r, v->kind == REDIS_TEXT  ? BINDING_OTHER
                  : v->kind == REDIS_NIL ? BINDING_FREE
                                         : BINDING_LOST);
}

/* A server that was killed between effect and note has left the key beside the thing alone. */
static void on_bound(void *owner, enum binding b)
{
    struct refusal *r = owner;
    char key[SHARD_KEY_MAX];
    struct view thing = view_of(r->thing);
    struct view args[] = {VIEW("GET"), VIEW_NONE};

    if (b != BINDING_FREE || thing.n == 0) {
        on_refusal(r, b);
        return;
    }
    args[1] = shard_key(shard_of(thing), "idem", view_of(r->x->key_hash), key);
    redis_command(r->x->server->redis, args, 2, on_thing, r);
}

void binding_refuse(struct exchange *x, const struct fault *why, const char *thing,
                    void (*again)(struct exchange *x))
{
    struct refusal *r;

    if (x->key.n == 0) {
        exchange_fault(x, why);
        return;
    }
    r = mem_zeroed(1, sizeof *r);
    *r = (struct refusal){.x = x, .why = *why, .again = again};
    if (thing != NULL)
        memcpy(r->thing, thing, GUID_HEX_LEN + 1);
    binding_look(x, on_bound, r);
}
