#include "server/callback_add.h"

#include "bridge/core/shard.h"
#include "server/effect.h"
#include "server/scripts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define ARGS_GIVEN   10
#define ARGS_MAX     (ARGS_GIVEN + 2 * 4) /* a name and a value for each that need not be */
#define INT_TEXT_MAX 24

static void on_added(void *owner, const struct redis_value *v)
{
    struct exchange *x = owner;
    struct fault f = {0};
    enum effect_outcome outcome = effect_outcome_of(x, v, &f);

    if (outcome == EFFECT_DONE || outcome == EFFECT_REPLAY)
        exchange_created(x, "callbacks", &x->new_id);
    else
        effect_refuse(x, outcome, &f);
}

static struct view number(char out[INT_TEXT_MAX], int64_t n)
{
    int length = snprintf(out, INT_TEXT_MAX, "%" PRId64, n);

    return (struct view){out, (size_t)length};
}

static size_t put_if(struct view *args, size_t n, struct view name, struct view value)
{
    if (value.p != NULL) {
        args[n++] = name;
        args[n++] = value;
    }
    return n;
}

static struct view due_of(const struct server *server, const struct callback_new *c,
                          char out[INT_TEXT_MAX])
{
    int length = 0;

    if (!c->from_now)
        return number(out, c->next_call_ms);
    length = snprintf(out, INT_TEXT_MAX, "+%" PRId64, server->callback_delay_ms);
    return (struct view){out, (size_t)length};
}

void callback_add(struct exchange *x, const struct callback_new *c)
{
    const struct server *server = x->server;
    const char *original_name = c->queue->original_name;
    char id[GUID_TEXT_MAX];
    char by[GUID_TEXT_MAX];
    char digits[4][INT_TEXT_MAX];
    char text[SHARD_KEY_MAX];
    struct view key = VIEW_NONE;
    struct view args[ARGS_MAX];
    size_t n = ARGS_GIVEN;

    guid_hex(&x->new_id, id);
    guid_hex(&x->user->id, by);
    key = shard_key(shard_of(view_of(id)), "m", view_of(id), text);
    args[0] = due_of(server, c, digits[0]);
    args[1] = view_of(x->digest);
    args[2] = number(digits[1], x->wall_ms);
    args[3] = view_of(by);
    args[4] = number(digits[2], server->callback_max_calls - 1);
    args[5] = number(digits[3], server->callback_retry_delay_ms / 1000);
    args[6] = view_of(c->queue->number);
    args[7] = view_of(c->queue->original_number);
    args[8] = c->customer_number;
    args[9] = view_of(x->user->name);
    if (original_name != NULL)
        n = put_if(args, n, VIEW("oqname"), view_of(original_name));
    n = put_if(args, n, VIEW("extra"), c->extra_data);
    n = put_if(args, n, VIEW("gw"), c->gw_prefix);
    n = put_if(args, n, VIEW("notes"), c->notes);
    assert(n <= ARGS_MAX);
    redis_run(server->redis, script_of(SCRIPT_CALLBACK), &key, 1, args, n, on_added, x);
}
