/* consents: contract 18. Matched on digits, shown as given. */
#include "server/consents.h"
#include "bridge/core/cmi_fields.h"
#include "bridge/core/mem.h"
#include "bridge/core/phone.h"
#include "bridge/core/shard.h"
#include "bridge/io/redis_schedule.h"
#include "server/binding.h"
#include "server/erased.h"
#include "server/filter.h"
#include "server/history.h"
#include "server/input.h"
#include "server/listing.h"
#include "server/scripts.h"
#include "server/server.h"
#include "server/show.h"
#include "server/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define USAGE_MAX        16
#define FIELD_MAX        (USAGE_MAX + 1 + PHONE_NORMAL_MAX)
#define FIELD_OF_USAGE   "usage"
#define FIELD_OF_ADDRESS "address"

/* Where one consent lies. */
struct place {
    char usage[USAGE_MAX];
    char field[FIELD_MAX];
    size_t field_n;
    unsigned shard;
};

static struct view field_of(const struct place *p)
{
    return (struct view){p->field, p->field_n};
}

static bool is_usage(struct view v)
{
    const struct cmi_field *usage =
        cmi_field_find(&cmi_customer_consent, FIELD_OF_USAGE, strlen(FIELD_OF_USAGE));

    for (size_t i = 0; usage->words[i] != NULL; i++)
        if (view_is(v, usage->words[i]))
            return v.n < USAGE_MAX;
    return false;
}

/* The shard is that of the number, so that all that concerns one lies together. */
static bool place_of(struct view usage, struct view address, struct place *p, struct fault *f)
{
    char room[PHONE_NORMAL_MAX];
    struct view normal = VIEW_NONE;
    int n = 0;

    if (!is_usage(usage))
        return fault_set(f, FAULT_REJECT, "usage is not one of whatsapp, recording");
    if (!phone_normal(address, room, &normal, f))
        return fault_add(f, FIELD_OF_ADDRESS);
    p->shard = shard_of(normal);
    snprintf(p->usage, sizeof p->usage, "%.*s", VIEW_ARG(usage));
    n = snprintf(p->field, sizeof p->field, "%s_%.*s", p->usage, VIEW_ARG(normal));
    p->field_n = (size_t)n;
    return true;
}

/* {usage}_{address}: usage has no '_'. What names nothing is 404. */
static bool place_of_path(struct exchange *x, struct place *p)
{
    struct view address = x->id;
    struct view usage = view_cut(&address, '_');
    struct fault f = {0};

    if (place_of(usage, address, p, &f))
        return true;
    exchange_error(x, 404, "HTTP 404 Not Found");
    return false;
}

static void get(struct exchange *x, const struct place *p, redis_on_reply *done, void *owner)
{
    char key[SHARD_KEY_MAX];
    struct view args[] = {VIEW("HGET"), shard_key(p->shard, "consent", VIEW_NONE, key),
                          field_of(p)};

    redis_command(x->server->redis, args, 3, done, owner);
}

static void show_consent(struct show *s, struct view usage, struct view stored)
{
    show_item(s, "customerConsent");
    show_text(s, "address", view_skip(stored, 1));
    show_text(s, "usage", usage);
    show_bool(s, "consent", stored.p[0] == '1');
    show_item_end(s);
}

static void on_one(void *owner, const struct redis_value *v)
{
    struct exchange *x = owner;
    struct view address = x->id;
    struct view usage = view_cut(&address, '_');
    struct buf text;
    struct show s;

    if (v->kind == REDIS_NIL) {
        exchange_error(x, 404, "HTTP 404 Not Found");
        return;
    }
    if (v->kind != REDIS_TEXT || v->text.n == 0) {
        store_log(x, v);
        store_unavailable(x);
        return;
    }
    buf_init(&text, 16 * CMI_ADDRESS_MAX);
    show_init(&s, x->form, &text);
    show_consent(&s, usage, v->text);
    exchange_answer(x, 200, show_media_type(x->form), buf_view(&text));
    buf_done(&text);
}

static void get_consent(struct exchange *x)
{
    struct place p;

    if (place_of_path(x, &p))
        get(x, &p, on_one, x);
}

/* ---- the list ---- */

struct search {
    struct view address;
    struct view usage;
    struct view consent;
    bool has_address;
    bool has_usage;
    bool has_consent;
};

static struct view member_usage(struct view member, struct view *address)
{
    struct view rest = member;

    *address = view_cut(&rest, '\0');
    return rest;
}

static bool is_member(struct view member)
{
    struct view address = VIEW_NONE;

    return is_usage(member_usage(member, &address)) && address.n > 0;
}

static void on_listed(void *owner, const struct redis_value *v)
{
    struct listing_item *item = owner;
    const struct search *search = item->ctx;
    struct view address = VIEW_NONE;
    struct view usage = member_usage(item->member, &address);
    struct show s;

    if (v->kind != REDIS_TEXT && v->kind != REDIS_NIL) {
        store_log(listing_exchange(item), v);
        listing_item_failed(item);
        return;
    }
    item->state = LISTING_SKIPPED;
    if (v->kind == REDIS_TEXT && v->text.n > 0 &&
        (!search->has_consent ||
         filter_matches(search->consent, v->text.p[0] == '1' ? VIEW("true") : VIEW("false")))) {
        item->state = LISTING_SHOWN;
        show_init(&s, listing_exchange(item)->form, &item->text);
        show_consent(&s, usage, v->text);
    }
    listing_item_done(item);
}

static bool wants(const struct search *s, struct view member)
{
    struct view address = VIEW_NONE;
    struct view usage = member_usage(member, &address);

    return (!s->has_usage || filter_matches(s->usage, usage)) &&
           (!s->has_address || filter_matches_address(s->address, address));
}

static void load_listed(struct listing_item *item)
{
    struct view address = VIEW_NONE;
    struct view usage = member_usage(item->member, &address);
    struct place p;
    struct fault f = {0};

    if (wants(item->ctx, item->member) && place_of(usage, address, &p, &f)) {
        get(listing_exchange(item), &p, on_listed, item);
        return;
    }
    item->state = LISTING_SKIPPED;
    listing_item_done(item);
}

/* A pattern, or one of the two. */
static bool is_truth(const struct search *s)
{
    return !s->has_consent || view_has(s->consent, '*') || view_has(s->consent, '?') ||
           view_eq_nocase(view_trim(s->consent), VIEW("true")) ||
           view_eq_nocase(view_trim(s->consent), VIEW("false"));
}

static void list_consents(struct exchange *x)
{
    struct listing_source source = {.collection = "customerConsents",
                                    .is_member = is_member,
                                    .zset = "consents",
                                    .load = load_listed,
                                    .free_ctx = mem_free};
    struct search s = {.has_address = false};

    if (!filter_pattern(x, "address", &s.address, &s.has_address) ||
        !filter_pattern(x, "usage", &s.usage, &s.has_usage) ||
        !filter_pattern(x, "consent", &s.consent, &s.has_consent))
        return;
    if (!is_truth(&s)) {
        exchange_error(x, 400, "consent is neither true nor false");
        return;
    }
    source.ctx = mem_copy(&s, sizeof s);
    listing_start(x, &source);
}

/* ---- POST, DELETE ---- */

static void refuse_other(struct exchange *x)
{
    exchange_error(x, 422, "this Idempotency-Key was used for another request");
}

static void fail(struct exchange *x, const struct redis_value *v)
{
    store_log(x, v);
    store_unavailable(x);
}

static void on_bound(void *owner, enum binding b)
{
    struct exchange *x = owner;

    if (b == BINDING_LOST)
        store_unavailable(x); /* the effect is there; the request repeated says so */
    else
        exchange_answer(x, 204, NULL, VIEW_NONE);
}

static void on_changed(void *owner, const struct redis_value *v)
{
    struct exchange *x = owner;
    bool text = v->kind == REDIS_TEXT;
    bool known = v->kind == REDIS_ARRAY && v->count == 1; /* the digest of what was done */

    if (known && !exchange_is_same(x, v->items[0].text))
        refuse_other(x);
    else if (text && view_is(v->text, "gone"))
        exchange_error(x, 404, "HTTP 404 Not Found");
    else if (!text && !known)
        fail(x, v);
    else if (x->key.n > 0)
        binding_note(x, on_bound, x);
    else
        exchange_answer(x, 204, NULL, VIEW_NONE);
}

/* What is done once under a name. */
struct named {
    const char *kind; /* of the key that remembers it */
    struct view name;
    struct view digest; /* of what was done; empty: as often as it is asked for */
};

/* stored: "1" or "0" and the address as given; empty to remove. */
static void put(struct exchange *x, const struct place *p, struct view stored,
                const struct named *once, redis_on_reply *done, void *owner)
{
    char texts[5][SHARD_KEY_MAX];
    char kept_ms[24];
    struct view keys[] = {shard_key(p->shard, "consent", VIEW_NONE, texts[0]),
                          shard_key(p->shard, "consents", VIEW_NONE, texts[1]),
                          shard_key(p->shard, once->kind, once->name, texts[2]),
                          redis_schedule_hand_key(p->shard, field_of(p), texts[3]),
                          shard_key(p->shard, "out", VIEW_NONE, texts[4])};
    struct view args[] = {field_of(p), view_of(p->usage), stored, once->digest, VIEW_NONE};

    snprintf(kept_ms, sizeof kept_ms, "%" PRId64, (int64_t)STORE_KEY_MS);
    args[4] = view_of(kept_ms);
    redis_run(x->server->redis, script_of(SCRIPT_CONSENT), keys, 5, args, 5, done, owner);
}

static void change(struct exchange *x, const struct place *p, struct view stored)
{
    struct named once = {"idem", view_of(x->key_hash), view_of(x->digest)};

    put(x, p, stored, &once, on_changed, x);
}

struct wish {
    struct exchange *x;
    struct place place;
    struct buf stored;
};

static void wish_end(struct wish *w)
{
    buf_done(&w->stored);
    mem_free(w);
}

static void on_binding(void *owner, enum binding b)
{
    struct wish *w = owner;

    if (b == BINDING_FREE)
        change(w->x, &w->place, buf_view(&w->stored));
    else if (b == BINDING_LOST)
        store_unavailable(w->x);
    else if (b == BINDING_OURS)
        exchange_answer(w->x, 204, NULL, VIEW_NONE);
    else
        refuse_other(w->x);
    wish_end(w);
}

static void wish(struct wish *w)
{
    if (w->x->key.n > 0) {
        binding_look(w->x, on_binding, w);
        return;
    }
    change(w->x, &w->place, buf_view(&w->stored));
    wish_end(w);
}

static bool read_wish(struct wish *w, struct input *in, struct fault *f)
{
    struct view address = VIEW_NONE;

    if (!input_read(w->x, &cmi_customer_consent, CMI_POST, in, f))
        return false;
    address = input_text(in, FIELD_OF_ADDRESS);
    buf_put_char(&w->stored, input_int(in, "consent", 0) != 0 ? '1' : '0');
    buf_put(&w->stored, address); /* the table's limit holds: it fits */
    return place_of(input_text(in, FIELD_OF_USAGE), address, &w->place, f);
}

static void answer(struct exchange *x)
{
    exchange_answer(x, 204, NULL, VIEW_NONE);
}

static void post_consent(struct exchange *x)
{
    struct input in = {.count = 0};
    struct wish *w = mem_zeroed(1, sizeof *w);
    struct fault f = {0};

    w->x = x;
    buf_init(&w->stored, CMI_ADDRESS_MAX + 1);
    if (read_wish(w, &in, &f)) {
        wish(w);
    } else {
        binding_refuse(x, &f, NULL, answer);
        wish_end(w);
    }
    input_done(&in);
}

static void delete_consent(struct exchange *x)
{
    struct wish *w = mem_zeroed(1, sizeof *w);

    w->x = x;
    buf_init(&w->stored, 1); /* stays empty: nothing is to be stored */
    if (place_of_path(x, &w->place))
        wish(w);
    else
        wish_end(w);
}

/* ---- others' ---- */

struct withdrawal {
    struct exchange *x;
    consent_done *done;
    void *owner;
};

static void on_withdrawn(void *owner, const struct redis_value *v)
{
    struct withdrawal w = *(struct withdrawal *)owner;

    mem_free(owner);
    if (v->kind != REDIS_TEXT)
        store_log(w.x, v);
    w.done(w.owner, v->kind != REDIS_TEXT        ? CONSENT_LOST
                    : view_is(v->text, "replay") ? CONSENT_REPEATED
                                                 : CONSENT_WITHDRAWN);
}

bool consent_withdraw(struct exchange *x, struct view usage, struct view address, struct view once,
                      consent_done *done, void *owner)
{
    struct withdrawal w = {x, done, owner};
    struct named named = {"once", once, once.n > 0 ? VIEW("1") : VIEW_NONE};
    struct place place;
    struct buf stored;
    struct fault f = {0};

    if (!place_of(usage, address, &place, &f) ||
        erased_has(history_erased(x->server->history), address))
        return false;
    buf_init(&stored, CMI_ADDRESS_MAX + 1);
    buf_put_char(&stored, '0');
    buf_put(&stored, address);
    put(x, &place, buf_view(&stored), &named, on_withdrawn, mem_copy(&w, sizeof w));
    buf_done(&stored);
    return true;
}

static const char *const searchable[] = {"address", "usage", "consent", NULL};

const struct route consent_routes[] = {
    {"GET", "/customerConsents", ROUTE_LIST, searchable, list_consents},
    {"POST", "/customerConsents", ROUTE_BODY_FIELDS, NULL, post_consent},
    {"GET", "/customerConsents/{id}", ROUTE_NAMED, NULL, get_consent},
    {"DELETE", "/customerConsents/{id}", ROUTE_NAMED, NULL, delete_consent},
    {NULL, NULL, 0, NULL, NULL},
};
