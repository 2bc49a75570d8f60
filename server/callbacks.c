/* callbacks: contract 16. What a result does to one is said in core/callback_state.h. */
#include "bridge/core/callback_state.h"
#include "bridge/core/cmi_fields.h"
#include "bridge/core/cmi_rules.h"
#include "bridge/core/mem.h"
#include "bridge/core/phone.h"
#include "bridge/core/shard.h"
#include "server/binding.h"
#include "server/callback_add.h"
#include "server/callback_hash.h"
#include "server/effect.h"
#include "server/filter.h"
#include "server/input.h"
#include "server/listing.h"
#include "server/queues.h"
#include "server/server.h"
#include "server/show.h"
#include "server/sight.h"
#include "server/translations.h"

#include <assert.h>

#define PUT_TRIES 8 /* how often a PUT is done again because somebody else was quicker */

/* ---- GET ---- */

/* What was given is shown, an empty text, too: a PUT of what was read needs its notes. */
static void show_given(struct show *s, const char *name, struct view text)
{
    if (text.p != NULL)
        show_text(s, name, text);
}

static void show_callback(struct show *s, const struct exchange *x, struct view id,
                          const struct redis_value *hash)
{
    struct callback_state state = callback_hash_state(hash);

    show_item(s, "callback");
    show_text(s, "id", id);
    show_text(s, "callbackQueueNumber", store_text(hash, "queue"));
    show_time(s, "creationTime", store_int(hash, "created", 0));
    show_text_if(s, "creatorId", store_text(hash, "by"));
    show_text_if(s, "creatorName", store_text(hash, "byname"));
    show_text(s, "customerNumber", store_text(hash, "cust"));
    show_given(s, "extraData", store_text(hash, "extra"));
    show_given(s, "gwPrefix", store_text(hash, "gw"));
    show_int(s, "failures", state.failures);
    if (state.last_call_ms >= 0)
        show_time(s, "lastCallTime", state.last_call_ms);
    show_text(s, "lastResult", view_of(callback_result_name(state.last)));
    show_int(s, "maxCalls", state.max_calls);
    if (state.open)
        show_time(s, "nextCallTime", state.next_call_ms);
    show_given(s, "notes", store_text(hash, "notes"));
    show_text(s, "originalQueueNumber", store_text(hash, "oqn"));
    show_text_if(s, "originalQueueName",
                 translations_find(x->server->translations, translations_language(x),
                                   store_text(hash, "oqname")));
    show_item_end(s);
}

static void on_one(void *owner, const struct redis_value *hash)
{
    struct exchange *x = owner;
    char id[GUID_TEXT_MAX];
    struct guid g;
    struct buf text;
    struct show s;

    if (store_failed(x, hash))
        return;
    if (store_int(hash, "kind", 0) != STORE_CALLBACK || !guid_parse(x->id, &g) ||
        !sight_of_callback(x, hash)) {
        exchange_error(x, 404, "HTTP 404 Not Found");
        return;
    }
    guid_hex(&g, id);
    buf_init(&text, SIZE_MAX / 2); /* what a POST may hold */
    show_init(&s, x->form, &text);
    show_callback(&s, x, view_of(id), hash);
    exchange_answer(x, 200, show_media_type(x->form), buf_view(&text));
    buf_done(&text);
}

static void get_callback(struct exchange *x)
{
    char id[GUID_TEXT_MAX];
    char key[SHARD_KEY_MAX];
    struct view args[2] = {VIEW("HGETALL"), VIEW_NONE};

    if (!store_id(x, id))
        return;
    args[1] = shard_key(shard_of(view_of(id)), "m", view_of(id), key);
    redis_command(x->server->redis, args, 2, on_one, x);
}

/* ---- the list: what is open ---- */

static void on_listed(void *owner, const struct redis_value *hash)
{
    struct listing_item *item = owner;
    const struct view *wanted = item->ctx; /* a pattern, or NULL */
    struct show s;

    if (hash->kind != REDIS_ARRAY) {
        store_log(listing_exchange(item), hash);
        listing_item_failed(item);
        return;
    }
    item->state = LISTING_SKIPPED;
    if (store_int(hash, "st", 0) == STORE_LIVE && sight_of_callback(listing_exchange(item), hash) &&
        (wanted == NULL || filter_matches(*wanted, store_text(hash, "cust")))) {
        item->state = LISTING_SHOWN;
        show_init(&s, listing_exchange(item)->form, &item->text);
        show_callback(&s, listing_exchange(item), store_member_id(item->member), hash);
    }
    listing_item_done(item);
}

static void load_listed(struct listing_item *item)
{
    char key[SHARD_KEY_MAX];
    struct view id = store_member_id(item->member);
    struct view args[2] = {VIEW("HGETALL"), shard_key(shard_of(id), "m", id, key)};

    redis_command(listing_exchange(item)->server->redis, args, 2, on_listed, item);
}

static void list_callbacks(struct exchange *x)
{
    struct listing_source source = {.collection = "callbacks",
                                    .is_member = store_is_member,
                                    .zset = "callbacks",
                                    .descending = true,
                                    .load = load_listed,
                                    .free_ctx = mem_free};
    struct view wanted = VIEW_NONE;
    bool given = false;

    if (!filter_pattern(x, "customerNumber", &wanted, &given))
        return;
    if (given)
        source.ctx = mem_copy(&wanted, sizeof wanted);
    listing_start(x, &source);
}

/* ---- POST ---- */

static void answer_post(struct exchange *x)
{
    exchange_created(x, "callbacks", &x->new_id);
}

/* The queue, or NULL. */
static const struct callback_queue *post_read(struct exchange *x, struct input *in, struct fault *f)
{
    const struct callback_queue *queue = NULL;

    if (x->server->callback_ivr == NULL) {
        fault_set(f, FAULT_REJECT, "no Callback IVR number is configured (callbacks.ivr_number)");
        return NULL;
    }
    if (!input_read(x, &cmi_callback, CMI_POST, in, f))
        return NULL;
    queue = queues_callback(x->server->queues, input_text(in, "callbackQueueNumber"));
    if (queue != NULL &&
        rights_see_number(x->user->rights, RIGHTS_CALLBACKS, view_of(queue->number)))
        return queue;
    fault_set(f, FAULT_REJECT, "Callback queue not found");
    return NULL;
}

static void post_callback(struct exchange *x)
{
    struct input in = {.count = 0};
    struct fault f = {0};
    const struct callback_queue *queue = post_read(x, &in, &f);

    if (queue != NULL)
        callback_add(x,
                     &(struct callback_new){.queue = queue,
                                            .customer_number = input_text(&in, "customerNumber"),
                                            .extra_data = input_text(&in, "extraData"),
                                            .gw_prefix = input_text(&in, "gwPrefix"),
                                            .notes = input_text(&in, "notes"),
                                            .next_call_ms = input_int(&in, "nextCallTime", 0),
                                            .from_now = input_find(&in, "nextCallTime") == NULL});
    else
        binding_refuse(x, &f, NULL, answer_post);
    input_done(&in);
}

/* ---- PUT ---- */

struct put {
    struct exchange *x;
    char id[GUID_TEXT_MAX];
    struct input in;
    struct callback_put wish;
    unsigned tries;
};

static void put_free(void *owner)
{
    struct put *put = owner;

    input_done(&put->in);
    mem_free(put);
}

static void answer_put(struct exchange *x)
{
    exchange_answer(x, 204, NULL, VIEW_NONE);
}

static void put_try(struct put *put);

static void on_put(void *owner, enum effect_outcome outcome, const struct fault *f)
{
    struct put *put = owner;

    if (outcome == EFFECT_CHANGED && ++put->tries < PUT_TRIES) {
        put_try(put);
        return;
    }
    if (outcome == EFFECT_DONE || outcome == EFFECT_REPLAY)
        answer_put(put->x);
    else
        effect_refuse(put->x, outcome, f);
    put_free(put);
}

static void say_when(struct effect *e, const struct callback_state *old,
                     const struct callback_state *now, int64_t now_ms)
{
    if (now->open) {
        e->due = EFFECT_DUE_AT;
        e->due_ms = now->next_call_ms;
        effect_int(e, "at", now->next_call_ms);
        effect_int(e, "next", now->next_call_ms);
    }
    if (now->open || old->open) /* else it has no effect */
        e->told = now->open ? "called" : "called-last";
    if (now->open == old->open)
        return;
    if (now->open) {
        e->list = EFFECT_LIST_ADD;
        e->purge_ms = EFFECT_PURGE_NEVER;
        effect_drop(e, "purge");
    } else {
        e->due = EFFECT_DUE_NONE;
        e->list = EFFECT_LIST_REMOVE;
        effect_purge(e, now_ms + e->x->server->retention_ms);
    }
}

/* However they are written: "+49 30 1", "0049301". */
static bool same_number(struct view a, struct view b)
{
    char room[2][PHONE_NORMAL_MAX];
    struct fault f = {0};

    return view_eq(a, b) ||
           (phone_normal(a, room[0], &a, &f) && phone_normal(b, room[1], &b, &f) && view_eq(a, b));
}

static void on_found(void *owner, const struct stored *thing)
{
    const struct redis_value *hash = thing->fields;
    struct put *put = owner;
    struct exchange *x = put->x;
    struct callback_state old = callback_hash_state(hash);
    struct callback_state now = old;
    struct fault f = {0};
    struct effect e;
    int status = 0;

    if (!sight_of_callback(x, hash)) {
        exchange_error(x, 404, "HTTP 404 Not Found");
        put_free(put);
        return;
    }
    put->wish.other_number =
        !same_number(store_text(hash, "cust"), input_text(&put->in, "customerNumber"));
    if (put->wish.other_number &&
        !cmi_check_customer_number(input_text(&put->in, "customerNumber"), &f)) {
        exchange_fault(x, &f);
        put_free(put);
        return;
    }
    status = callback_put(&now, &put->wish, thing->now_ms, x->server->callback_retry_delay_ms, &f);

    if (status != 0) {
        exchange_error(x, status, "%s", f.text);
        put_free(put);
        return;
    }
    effect_init(&e, x, STORE_CALLBACK, put->id, store_int(hash, "ver", 0));
    e.frees = true;
    e.created_ms = store_int(hash, "created", 0);
    effect_int(&e, "st", now.open ? STORE_LIVE : STORE_CLOSED);
    effect_text(&e, "cust", input_text(&put->in, "customerNumber"));
    effect_text(&e, "notes", input_text(&put->in, "notes"));
    effect_text(&e, "last", view_of(callback_result_name(now.last)));
    effect_int(&e, "fail", now.failures);
    if (now.last_call_ms >= 0)
        effect_int(&e, "lastcall", now.last_call_ms);
    if (now.anew != old.anew)
        effect_int(&e, "anew", now.anew);
    say_when(&e, &old, &now, thing->now_ms);
    effect_apply(&e, on_put, put);
}

static void put_try(struct put *put)
{
    effect_look_up(put->x, STORE_CALLBACK, put->id, on_found, put_free, put);
}

static void put_callback(struct exchange *x)
{
    struct put *put = mem_zeroed(1, sizeof *put);
    const struct input_value *next = NULL;
    struct fault f = {0};
    bool known = false;

    put->x = x;
    if (!store_id(x, put->id)) {
        put_free(put);
        return;
    }
    if (!input_read(x, &cmi_callback, CMI_PUT, &put->in, &f)) {
        binding_refuse(x, &f, put->id, answer_put);
        put_free(put);
        return;
    }
    known = callback_result_parse(input_text(&put->in, "lastResult"), &put->wish.result);
    assert(known); /* input_read has checked it */
    (void)known;
    if ((next = input_find(&put->in, "nextCallTime")) != NULL) {
        put->wish.has_next_call = true;
        put->wish.next_call_ms = next->integer;
    }
    put_try(put);
}

static const char *const searchable[] = {"customerNumber", NULL};

const struct route callback_routes[] = {
    {"GET", "/callbacks", ROUTE_LIST, searchable, list_callbacks},
    {"POST", "/callbacks", ROUTE_BODY_FIELDS, NULL, post_callback},
    {"GET", "/callbacks/{id}", 0, NULL, get_callback},
    {"PUT", "/callbacks/{id}", ROUTE_BODY_FIELDS, NULL, put_callback},
    {NULL, NULL, 0, NULL, NULL},
};
