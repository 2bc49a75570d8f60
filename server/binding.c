#include "server/binding.h"

#include "bridge/core/mem.h"
#include "bridge/core/shard.h"
#include "server/scripts.h"
#include "server/server.h"
#include "server/store.h"

#include <inttypes.h>
#include <stdio.h>

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
        b = view_is(v->text, a.x->digest) ? BINDING_OURS : BINDING_OTHER;
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
