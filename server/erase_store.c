#include "server/erase_store.h"

#include "bridge/core/address_list.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/core/shard.h"
#include "bridge/io/redis_schedule.h"
#include "server/scripts.h"
#include "server/store.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define PAGE         "100"  /* things looked at together */
#define KEYS_PAGE    "1000" /* keys looked at together */
#define OUT_PAGE     "100"
#define TEXT_MAX     (64 << 20)
#define CURSOR_MAX   24
#define USAGES       2
#define GAP_NAME_MAX 80 /* bytes of an address in the name of a gap */

static const char *const lists[] = {"messages", "callbacks", "gc"};
#define LISTS (sizeof lists / sizeof *lists)
static const char *const fields[] = {"kind", "C", "c0", "cust", "body", "gw", "extra", "notes"};
#define FIELDS (sizeof fields / sizeof *fields)
static const char *const usages[USAGES] = {"whatsapp", "recording"};

struct erase_store {
    struct server *server;
    const struct person *person;
    bool dry;
    unsigned shard;
    unsigned list;
    char cursor[CURSOR_MAX];
    char out_from[64];
    size_t owed; /* replies, and one while a page is being asked for */
    bool page_more;
    int64_t changed; /* in this pass */
    unsigned pass;
    struct erase_store_counts counts;
    bool failed;
    struct fault fault;
    void (*next)(struct erase_store *e); /* when nothing is owed */
    erase_store_done *done;
    void *owner;
};

/* One message or callback under way. */
struct thing {
    struct erase_store *of;
    char id[GUID_TEXT_MAX];
    int64_t slice;
    int64_t slices;
};

static void one_less(struct erase_store *e)
{
    if (--e->owed > 0)
        return;
    if (e->failed) {
        e->done(e->owner, &e->counts, &e->fault);
        mem_free(e);
        return;
    }
    e->next(e);
}

static bool is_bad(struct erase_store *e, const struct redis_value *v)
{
    if (v->kind != REDIS_ERROR && v->kind != REDIS_LOST)
        return false;
    if (!e->failed)
        fault_set(&e->fault, FAULT_RETRY, "the store did not answer as it should: %.*s",
                  VIEW_ARG(v->text));
    e->failed = true;
    return true;
}

/* ---- texts ---- */

static void on_swapped(void *owner, const struct redis_value *v)
{
    struct erase_store *e = owner;

    (void)is_bad(e, v); /* 0: it had changed; the next pass sees what it is now */
    one_less(e);
}

static void swap(struct erase_store *e, struct view key, const char *field, struct view old,
                 const struct buf *with)
{
    struct view args[] = {view_of(field), old, buf_view(with)};

    e->changed++;
    if (e->dry)
        return;
    e->owed++;
    redis_run(e->server->redis, script_of(SCRIPT_SWAP), &key, 1, args, 3, on_swapped, e);
}

static void swap_text(struct erase_store *e, struct view key, const char *field, struct view old)
{
    struct buf with;

    if (!person_mentioned(e->person, old))
        return;
    buf_init(&with, TEXT_MAX);
    person_without(e->person, old, &with);
    e->counts.texts++;
    swap(e, key, field, old, &with);
    buf_done(&with);
}

/* A list of destinations, in which the person's become empty. */
static void swap_list(struct erase_store *e, struct view key, const char *field, struct view old)
{
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
        address_list_add(&with, hit ? VIEW("") : address);
    }
    address_list_end(&with, n);
    if (hits > 0 && n == count) {
        e->counts.destinations += hits;
        swap(e, key, field, old, &with);
    }
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
        swap(e, key, "", old, &with);
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

static void end_thing(struct thing *t)
{
    struct erase_store *e = t->of;

    mem_free(t);
    one_less(e);
}

static void ask_slice(struct thing *t);

static void on_slice(void *owner, const struct redis_value *v)
{
    struct thing *t = owner;
    char key[SHARD_KEY_MAX];

    if (is_bad(t->of, v)) {
        end_thing(t);
        return;
    }
    if (v->kind == REDIS_TEXT)
        swap_list(t->of, slice_key(t, "c", t->slice, key), "", v->text);
    t->slice++;
    ask_slice(t);
}

static void on_repeats(void *owner, const struct redis_value *v)
{
    struct thing *t = owner;
    char key[SHARD_KEY_MAX];

    if (!is_bad(t->of, v) && v->kind == REDIS_TEXT)
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

    (void)is_bad(t->of, v);
    end_thing(t);
}

static void forget(struct thing *t)
{
    static const char *const of_it[] = {"m", "q", NULL, "sl", "late", "rep", NULL};
    static const char *const of_shard[] = {"due", "act", "lease", "gc", "callbacks"};
    char texts[12][SHARD_KEY_MAX];
    struct view keys[12];
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
    for (size_t i = 0; i < 5; i++)
        keys[7 + i] = shard_key(shard_of(id), of_shard[i], VIEW_NONE, texts[7 + i]);
    redis_run(t->of->server->redis, script_of(SCRIPT_FORGET), keys, 12, &id, 1, on_forgotten, t);
}

static void on_thing(void *owner, const struct redis_value *v)
{
    struct thing *t = owner;
    struct erase_store *e = t->of;
    char key[SHARD_KEY_MAX];
    struct view m = key_of(t, "m", key);

    if (is_bad(e, v) || v->kind != REDIS_ARRAY || v->count != FIELDS ||
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
        swap_list(e, m, fields[2], v->items[2].text);
    if (v->items[1].kind != REDIS_TEXT || !num_int(v->items[1].text, &t->slices))
        t->slices = 0;
    if (t->slices > STORE_SLICES_MAX)
        t->slices = STORE_SLICES_MAX;
    ask_slice(t);
}

static void ask_thing(struct erase_store *e, struct view id)
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

/* ---- page after page, list after list, shard after shard ---- */

static void ask_page(struct erase_store *e);
static void ask_outbox(struct erase_store *e);

/* "0" is where a SCAN begins and ends. */
static bool took_cursor(struct erase_store *e, const struct redis_value *v)
{
    if (v->kind != REDIS_ARRAY || v->count != 2 || v->items[1].kind != REDIS_ARRAY ||
        v->items[0].text.n >= sizeof e->cursor) {
        if (!e->failed)
            fault_set(&e->fault, FAULT_RETRY, "the store's page is none");
        e->failed = true;
        return false;
    }
    view_copy(v->items[0].text, e->cursor, sizeof e->cursor);
    e->page_more = strcmp(e->cursor, "0") != 0;
    return true;
}

static void on_page(void *owner, const struct redis_value *v)
{
    struct erase_store *e = owner;

    if (!is_bad(e, v) && took_cursor(e, v))
        for (size_t i = 0; i + 1 < v->items[1].count; i += 2) {
            struct view member = v->items[1].items[i].text;
            struct view id = e->list < 2 ? store_member_id(member) : member;

            if (id.n == GUID_HEX_LEN)
                ask_thing(e, id);
        }
    one_less(e);
}

static void end_page(struct erase_store *e)
{
    if (!e->page_more && ++e->list == LISTS) {
        e->list = 0;
        snprintf(e->out_from, sizeof e->out_from, "-");
        ask_outbox(e);
        return;
    }
    ask_page(e);
}

static void ask_page(struct erase_store *e)
{
    char key[SHARD_KEY_MAX];
    struct view args[] = {VIEW("ZSCAN"), shard_key(e->shard, lists[e->list], VIEW_NONE, key),
                          view_of(e->cursor), VIEW("COUNT"), VIEW(PAGE)};

    e->next = end_page;
    e->owed = 1;
    redis_command(e->server->redis, args, 5, on_page, e);
}

/* ---- what waits for Kafka ---- */

static void ask_consents(struct erase_store *e);

static void on_outbox(void *owner, const struct redis_value *v)
{
    struct erase_store *e = owner;

    e->page_more = false;
    if (!is_bad(e, v) && v->kind == REDIS_ARRAY)
        for (size_t i = 0; i < v->count; i++) {
            const struct redis_value *entry = &v->items[i];
            bool held = false;

            if (entry->kind != REDIS_ARRAY || entry->count != 2 ||
                entry->items[0].text.n + 2 > sizeof e->out_from)
                continue;
            for (size_t k = 1; k < entry->items[1].count; k += 2)
                held = held || person_in_bytes(e->person, entry->items[1].items[k].text);
            e->counts.outbox += held;
            snprintf(e->out_from, sizeof e->out_from, "(%.*s", VIEW_ARG(entry->items[0].text));
            e->page_more = true;
        }
    one_less(e);
}

static void end_outbox(struct erase_store *e)
{
    if (e->page_more)
        ask_outbox(e);
    else if (++e->shard < SHARD_COUNT)
        ask_page(e);
    else
        ask_consents(e);
}

static void ask_outbox(struct erase_store *e)
{
    char key[SHARD_KEY_MAX];
    struct view args[] = {VIEW("XRANGE"),       shard_key(e->shard, "out", VIEW_NONE, key),
                          view_of(e->out_from), VIEW("+"),
                          VIEW("COUNT"),        VIEW(OUT_PAGE)};

    e->next = end_outbox;
    e->owed = 1;
    redis_command(e->server->redis, args, 6, on_outbox, e);
}

/* ---- consents, gaps ---- */

static void ask_keys(struct erase_store *e);

static void on_consent(void *owner, const struct redis_value *v)
{
    struct erase_store *e = owner;

    if (!is_bad(e, v) && (view_is(v->text, "done") || (v->kind == REDIS_INTEGER && v->integer))) {
        e->counts.consents++;
        e->changed++;
    }
    one_less(e);
}

static void on_gap(void *owner, const struct redis_value *v)
{
    struct erase_store *e = owner;

    (void)is_bad(e, v);
    one_less(e);
}

static void ask_consent(struct erase_store *e, const char *usage)
{
    struct view normal = person_normal(e->person);
    char field[16 + PHONE_NORMAL_MAX];
    char texts[4][SHARD_KEY_MAX];
    char hand[SHARD_KEY_MAX];
    struct view nothing = shard_key(shard_of(normal), "none", VIEW_NONE, texts[2]);
    struct view keys[] = {shard_key(shard_of(normal), "consent", VIEW_NONE, texts[0]),
                          shard_key(shard_of(normal), "consents", VIEW_NONE, texts[1]), nothing,
                          nothing, /* what was handed over becomes no outcome: it has the address */
                          shard_key(shard_of(normal), "out", VIEW_NONE, texts[3])};
    int n = snprintf(field, sizeof field, "%s_%.*s", usage, VIEW_ARG(normal));
    struct view args[] = {{field, (size_t)n}, view_of(usage), VIEW_NONE, VIEW_NONE, VIEW("1")};
    struct view look[] = {VIEW("HEXISTS"), keys[0], args[0]};
    struct view drop[] = {VIEW("DEL"), redis_schedule_hand_key(shard_of(normal), args[0], hand)};

    e->owed++;
    if (e->dry) {
        redis_command(e->server->redis, look, 3, on_consent, e);
        return;
    }
    redis_run(e->server->redis, script_of(SCRIPT_CONSENT), keys, 5, args, 5, on_consent, e);
    e->owed++;
    redis_command(e->server->redis, drop, 2, on_gap, e);
}

static void ask_consents(struct erase_store *e)
{
    struct view normal = person_normal(e->person);
    char key[SHARD_KEY_MAX];

    e->next = ask_keys;
    e->owed = 1;
    for (size_t i = 0; i < USAGES; i++)
        ask_consent(e, usages[i]);
    if (!e->dry && normal.n <= GAP_NAME_MAX) { /* longer ones are a digest there */
        struct view args[] = {VIEW("DEL"), shard_key(shard_of(normal), "gap", normal, key)};

        e->owed++;
        redis_command(e->server->redis, args, 2, on_gap, e);
    }
    one_less(e);
}

/* ---- names that mention the person ---- */

static void begin_pass(struct erase_store *e);

static void on_keys(void *owner, const struct redis_value *v)
{
    struct erase_store *e = owner;

    if (!is_bad(e, v) && took_cursor(e, v))
        for (size_t i = 0; i < v->items[1].count; i++) {
            struct view args[] = {VIEW("DEL"), v->items[1].items[i].text};

            if (!person_mentioned(e->person, args[1]))
                continue;
            e->counts.references++;
            e->changed++;
            if (e->dry)
                continue;
            e->owed++;
            redis_command(e->server->redis, args, 2, on_gap, e);
        }
    one_less(e);
}

static void end_keys(struct erase_store *e)
{
    if (e->page_more) {
        ask_keys(e);
        return;
    }
    if (!e->dry && e->changed > 0 && ++e->pass < ERASE_STORE_PASSES_MAX) {
        begin_pass(e);
        return;
    }
    if (!e->dry && e->changed > 0) {
        e->failed = true;
        fault_set(&e->fault, FAULT_RETRY, "the store changed all the while; erase again");
    }
    e->done(e->owner, &e->counts, e->failed ? &e->fault : NULL);
    mem_free(e);
}

static void ask_keys(struct erase_store *e)
{
    struct view args[] = {VIEW("SCAN"),  view_of(e->cursor), VIEW("MATCH"),
                          VIEW("cmi:*"), VIEW("COUNT"),      VIEW(KEYS_PAGE)};

    e->next = end_keys;
    e->owed = 1;
    redis_command(e->server->redis, args, 6, on_keys, e);
}

static void begin_pass(struct erase_store *e)
{
    e->shard = 0;
    e->list = 0;
    e->changed = 0;
    e->counts.outbox = 0; /* of the last pass */
    snprintf(e->cursor, sizeof e->cursor, "0");
    ask_page(e);
}

void erase_store_begin(struct server *server, const struct person *person, bool dry,
                       erase_store_done *done, void *owner)
{
    struct erase_store *e = mem_zeroed(1, sizeof *e);

    e->server = server;
    e->person = person;
    e->dry = dry;
    e->done = done;
    e->owner = owner;
    begin_pass(e);
}
