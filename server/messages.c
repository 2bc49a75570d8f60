/* messages: contract 17. Writing them; reading them is in message_list.c. */
#include "server/messages.h"

#include "bridge/core/destinations.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/core/shard.h"
#include "bridge/core/slice.h"
#include "bridge/io/crypto.h"
#include "server/binding.h"
#include "server/effect.h"
#include "server/erased.h"
#include "server/history.h"
#include "server/input.h"
#include "server/message_new.h"
#include "server/queues.h"
#include "server/server.h"
#include "server/sight.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define STAGE_WINDOW 64 /* slices on their way into the store at a time */
#define PUT_TRIES    8  /* how often a PUT is done again because somebody else was quicker */

/* ---- one write under way ---- */

struct write {
    struct exchange *x;
    char id[GUID_TEXT_MAX];
    int64_t version; /* EFFECT_NEW for a POST */
    int64_t created_ms;
    int64_t stored_count; /* destinations of the message that is to be replaced */
    struct input in;
    struct destinations to;
    char token[GUID_TEXT_MAX]; /* its slices are staged under it; "" where there is one only */
    size_t staged;             /* slices sent to the store; one more for the repeats */
    size_t waiting;            /* replies */
    bool failed;
    unsigned tries;
};

static void write_free(struct write *w)
{
    input_done(&w->in);
    destinations_done(&w->to);
    mem_free(w);
}

static void answered(void *owner)
{
    write_free(owner);
}

/* ---- the body ---- */

static bool on_inner(void *ctx, const struct cmi_field *field, const struct cmi_value *v,
                     struct fault *f)
{
    struct write *w = ctx;

    if (!view_is(view_of(field->name), "address"))
        return true;
    if (view_is(v->text, ERASED_ADDRESS) || /* a message that was read can be sent back */
        erased_has(history_erased(w->x->server->history), v->text)) /* as a withdrawn consent */
        return destinations_add_nobody(&w->to, f);
    return destinations_add(&w->to, v->text, f);
}

static bool check_source(const struct write *w, struct fault *f)
{
    struct view source = input_text(&w->in, "source");
    struct view sub_type = input_text(&w->in, "subType");
    const struct chat_queue *queue = queues_chat_by_address(w->x->server->queues, source);

    if (queue == NULL || !sight_of_chat_queue(w->x, RIGHTS_MESSAGES, queue))
        return fault_set(f, FAULT_REJECT, "Chat queue not found: '%.*s'", VIEW_ARG(source));
    return view_eq_nocase(sub_type, view_of(queue->channel)) ||
           fault_set(f, FAULT_REJECT, "subType is not '%s', the channel of this source",
                     queue->channel);
}

static void answer_post(struct exchange *x)
{
    exchange_created(x, "messages", &x->new_id);
}

static void answer_put(struct exchange *x)
{
    exchange_answer(x, 204, NULL, VIEW_NONE);
}

/* put: the id of what is replaced, or NULL. NULL: answered, or about to be. */
static struct write *write_new(struct exchange *x, const char *put)
{
    struct write *w = mem_zeroed(1, sizeof *w);
    struct fault f = {0};
    uint8_t key[16];

    crypto_random(key, sizeof key);
    w->x = x;
    w->in.inner = on_inner;
    w->in.ctx = w;
    destinations_init(&w->to, key, STORE_SLICE_MAX, STORE_SLICES_MAX);
    if (input_read(x, &cmi_message, put != NULL ? CMI_PUT : CMI_POST, &w->in, &f) &&
        check_source(w, &f)) {
        destinations_end(&w->to);
        return w;
    }
    binding_refuse(x, &f, put, put != NULL ? answer_put : answer_post);
    write_free(w);
    return NULL;
}

/* ---- staging: a large message goes into the store slice by slice, and counts at the end ---- */

static struct view staged_key(const struct write *w, size_t slice, char out[SHARD_KEY_MAX])
{
    char name[2 * GUID_TEXT_MAX + 24];

    if (slice < w->to.slice_count)
        snprintf(name, sizeof name, "%s:%s:%zu", w->id, w->token, slice);
    else
        snprintf(name, sizeof name, "%s:%s:rep", w->id, w->token);
    return shard_key(shard_of(view_of(w->id)), "t", view_of(name), out);
}

static size_t parts_of(const struct write *w)
{
    return w->to.slice_count + (w->to.repeats.n > 0 ? 1 : 0);
}

static void commit(struct write *w);
static void stage_more(struct write *w);

static void on_staged(void *owner, const struct redis_value *v)
{
    struct write *w = owner;

    w->waiting--;
    if (v->kind == REDIS_ERROR || v->kind == REDIS_LOST) {
        if (!w->failed)
            store_log(w->x, v);
        w->failed = true;
    }
    stage_more(w);
}

static void stage_more(struct write *w)
{
    char key[SHARD_KEY_MAX];
    char ttl[24];

    snprintf(ttl, sizeof ttl, "%d", STORE_STAGED_MS);
    while (!w->failed && w->waiting < STAGE_WINDOW && w->staged < parts_of(w)) {
        size_t i = w->staged++;
        struct view payload =
            i < w->to.slice_count ? buf_view(&w->to.slices[i]) : buf_view(&w->to.repeats);
        struct view args[] = {VIEW("SET"), staged_key(w, i, key), payload, VIEW("PX"),
                              view_of(ttl)};

        w->waiting++;
        redis_command(w->x->server->redis, args, 5, on_staged, w);
    }
    if (w->waiting > 0)
        return;
    if (w->failed) {
        store_unavailable(w->x); /* what is staged goes by itself */
        write_free(w);
    } else {
        commit(w);
    }
}

static void ignore(void *owner, const struct redis_value *v)
{
    (void)owner;
    (void)v;
}

/* Nothing took the staged slices: their memory need not wait for STORE_STAGED_MS. */
static void unstage(struct write *w)
{
    char key[SHARD_KEY_MAX];

    for (size_t i = 0; w->token[0] != '\0' && i < parts_of(w); i++) {
        struct view args[] = {VIEW("UNLINK"), staged_key(w, i, key)};

        redis_command(w->x->server->redis, args, 2, ignore, NULL);
    }
}

static void stage(struct write *w)
{
    if (w->to.slice_count == 1 || w->token[0] != '\0') {
        commit(w); /* small enough to go with the rest, or staged before */
        return;
    }
    struct guid token = crypto_guid_random();

    guid_hex(&token, w->token);
    stage_more(w);
}

/* ---- the effect ---- */

static void on_found(void *owner, const struct stored *thing)
{
    const struct redis_value *hash = thing->fields;
    struct write *w = owner;

    if (!sight_of_message(w->x, hash)) {
        exchange_error(w->x, 404, "HTTP 404 Not Found");
        write_free(w);
        return;
    }
    w->version = store_int(hash, "ver", 0);
    w->created_ms = store_int(hash, "created", 0);
    w->stored_count = store_int(hash, "n", 0);
    stage(w);
}

static void put_try(struct write *w)
{
    effect_look_up(w->x, STORE_MESSAGE, w->id, on_found, answered, w);
}

/* Of what is stored: all slices are full but the last. */
static size_t destinations_of(const struct write *w, int64_t slice)
{
    int64_t left = w->stored_count - slice * STORE_SLICE_MAX;

    return left < 0 ? 0 : left < STORE_SLICE_MAX ? (size_t)left : STORE_SLICE_MAX;
}

static void on_sent(void *owner, const struct redis_value *hash)
{
    struct write *w = owner;
    int64_t gone = 0;

    if (!store_failed(w->x, hash)) {
        for (size_t i = 0; i + 1 < hash->count; i += 2) {
            int64_t number = 0;
            size_t count = 0;
            struct slice s;

            if (num_in(hash->items[i].text, 0, STORE_SLICES_MAX, &number) &&
                (count = destinations_of(w, number)) > 0 &&
                slice_read(&s, hash->items[i + 1].text, count))
                gone += (int64_t)slice_ended(&s);
        }
        exchange_error(w->x, 409,
                       "it can't be changed any more: %" PRId64 " of %" PRId64
                       " destinations have gone or were given up",
                       gone, w->stored_count);
    }
    write_free(w);
}

/* PUT came too late: how many have gone? */
static void refuse_claimed(struct write *w)
{
    char key[SHARD_KEY_MAX];
    struct view id = view_of(w->id);
    struct view args[2] = {VIEW("HGETALL"), shard_key(shard_of(id), "sl", id, key)};

    redis_command(w->x->server->redis, args, 2, on_sent, w);
}

static void on_done(void *owner, enum effect_outcome outcome, const struct fault *f)
{
    struct write *w = owner;

    if (outcome == EFFECT_CHANGED && ++w->tries < PUT_TRIES) {
        put_try(w);
        return;
    }
    if (outcome != EFFECT_DONE)
        unstage(w);
    if (outcome == EFFECT_CLAIMED) {
        refuse_claimed(w);
        return;
    }
    if (outcome != EFFECT_DONE && outcome != EFFECT_REPLAY)
        effect_refuse(w->x, outcome, f);
    else if (w->version == EFFECT_NEW)
        answer_post(w->x);
    else
        answer_put(w->x);
    write_free(w);
}

static void commit(struct write *w)
{
    struct exchange *x = w->x;
    const struct input_value *send = input_find(&w->in, "sendTime");
    struct message_new m = {
        .at_ms = send != NULL ? send->integer : 0,
        .from_now = send == NULL,
        .count = (int64_t)w->to.count,
        .max_retry_count = input_int(&w->in, "maxRetryCount", CMI_MAX_RETRY_COUNT_DEFAULT),
        .retry_delay_s = input_int(&w->in, "retryDelay", CMI_RETRY_DELAY_DEFAULT),
        .body = input_text(&w->in, "message"),
        .source = input_text(&w->in, "source"),
        .sub_type = input_text(&w->in, "subType"),
        .content_type = input_text(&w->in, "contentType")};
    struct effect e;

    effect_init(&e, x, STORE_MESSAGE, w->id, w->version);
    if (w->version == EFFECT_NEW)
        e.list = EFFECT_LIST_ADD;
    e.created_ms = w->created_ms;
    e.unclaimed = true;
    e.slices = (int64_t)w->to.slice_count;
    e.token = w->token[0] != '\0' ? w->token : NULL;
    e.slice = buf_view(&w->to.slices[0]);
    e.repeats = buf_view(&w->to.repeats);
    message_new_fill(&e, &m);
    if (send != NULL)
        effect_int(&e, "send", send->integer);
    else if (w->version != EFFECT_NEW)
        effect_drop(&e, "send");
    effect_apply(&e, on_done, w);
}

static void post_message(struct exchange *x)
{
    struct write *w = write_new(x, NULL);

    if (w == NULL)
        return;
    guid_hex(&x->new_id, w->id);
    w->version = EFFECT_NEW;
    w->created_ms = x->wall_ms;
    stage(w);
}

static void put_message(struct exchange *x)
{
    struct write *w = NULL;
    char id[GUID_TEXT_MAX];

    if (!store_id(x, id) || (w = write_new(x, id)) == NULL)
        return;
    memcpy(w->id, id, sizeof id);
    put_try(w);
}

/* ---- DELETE ---- */

struct removal {
    struct exchange *x;
    char id[GUID_TEXT_MAX];
    unsigned tries;
};

static void remove_try(struct removal *r);

static void on_removed(void *owner, enum effect_outcome outcome, const struct fault *f)
{
    struct removal *r = owner;

    if (outcome == EFFECT_CHANGED && ++r->tries < PUT_TRIES) {
        remove_try(r);
        return;
    }
    if (outcome == EFFECT_DONE || outcome == EFFECT_REPLAY)
        exchange_answer(r->x, 204, NULL, VIEW_NONE);
    else
        effect_refuse(r->x, outcome, f);
    mem_free(r);
}

void message_tombstone(struct effect *e, struct exchange *x, const char *id_hex,
                       const struct redis_value *hash)
{
    static const char *const texts[] = {"body", "ct", "send"};

    effect_init(e, x, STORE_MESSAGE, id_hex, store_int(hash, "ver", 0));
    e->created_ms = store_int(hash, "created", 0);
    e->frees = true;
    e->due = EFFECT_DUE_NONE;
    e->list = EFFECT_LIST_REMOVE;
    effect_int(e, "st", STORE_DELETED);
    effect_purge(e, x->wall_ms + x->server->retention_ms);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        effect_drop(e, texts[i]);
}

static void on_removable(void *owner, const struct stored *thing)
{
    const struct redis_value *hash = thing->fields;
    struct removal *r = owner;
    struct effect e;

    if (!sight_of_message(r->x, hash)) {
        exchange_error(r->x, 404, "HTTP 404 Not Found");
        mem_free(r);
        return;
    }
    message_tombstone(&e, r->x, r->id, hash);
    effect_apply(&e, on_removed, r);
}

static void remove_try(struct removal *r)
{
    effect_look_up(r->x, STORE_MESSAGE, r->id, on_removable, mem_free, r);
}

static void delete_message(struct exchange *x)
{
    struct removal *r = NULL;
    char id[GUID_TEXT_MAX];

    if (!store_id(x, id))
        return;
    r = mem_zeroed(1, sizeof *r);
    r->x = x;
    memcpy(r->id, id, sizeof id);
    remove_try(r);
}

static const char *const searchable[] = {
    "source", "subType", "sendTime", "sendTimeEnd", "creationTime", "creationTimeEnd", NULL};

const struct route message_routes[] = {
    {"GET", "/messages", ROUTE_LIST, searchable, message_list},
    {"POST", "/messages", ROUTE_BODY_FIELDS, NULL, post_message},
    {"GET", "/messages/{id}", 0, NULL, message_get},
    {"PUT", "/messages/{id}", ROUTE_BODY_FIELDS, NULL, put_message},
    {"DELETE", "/messages/{id}", 0, NULL, delete_message},
    {NULL, NULL, 0, NULL, NULL},
};
