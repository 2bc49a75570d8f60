#include "server/erase_store.h"

#include "bridge/core/mem.h"
#include "bridge/core/shard.h"
#include "bridge/io/redis_schedule.h"
#include "bridge/io/redis_schedule_scripts.h"
#include "bridge/run/schedule.h"
#include "server/erase_thing.h"
#include "server/scripts.h"
#include "server/store.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define PAGE      "100"  /* things looked at together */
#define KEYS_PAGE "1000" /* keys looked at together */
#define OUT_PAGE  "100"  /* entries of a stream */
#define USAGES    2
/* Until nothing that was handed over before is begun any more (D7), and as long again. */
#define HELD_MS (2 * SCHEDULE_MARKED_MS)

/* Where all things stand. */
static const struct list {
    const char *name;
    bool paged; /* redis/paged.lua: gone through by its last member */
    bool bare;  /* its members are ids */
} lists[] = {
    {.name = "messages", .paged = true},
    {.name = "chatmessages", .paged = true},
    {.name = "callbacks"},
    {.name = "gc", .bare = true},
};
#define LISTS (sizeof lists / sizeof *lists)
/* What waits for Kafka, and what nobody could read of that. */
static const struct stream {
    const char *name;
    bool waits; /* it goes by itself, and is left */
} streams[] = {
    {.name = "out", .waits = true},
    {.name = "bad"},
};
#define STREAMS (sizeof streams / sizeof *streams)
static const char *const usages[USAGES] = {"whatsapp", "recording"};

/* Names that may mention the person, as a pattern of SCAN; a longer one is a digest there. */
static const struct {
    const char *pattern;
    bool counts; /* references; else gap and hand: they go by themselves within a day */
} names[] = {
    {"cmi:*", true},
    {"s:{??}:[gh]a[np]*:*", false},
};
#define NAMES (sizeof names / sizeof *names)

static void on_closed(uv_handle_t *timer)
{
    mem_free(timer->data);
}

static void finish(struct erase_store *e)
{
    e->done(e->owner, &e->counts, e->failed ? &e->fault : NULL);
    uv_close((uv_handle_t *)&e->timer, on_closed);
}

void erase_store_less(struct erase_store *e)
{
    if (--e->owed > 0)
        return;
    if (e->failed)
        finish(e);
    else
        e->next(e);
}

bool erase_store_bad(struct erase_store *e, const struct redis_value *v)
{
    if (v->kind != REDIS_ERROR && v->kind != REDIS_LOST)
        return false;
    if (!e->failed)
        fault_set(&e->fault, FAULT_RETRY, "the store did not answer as it should: %.*s",
                  VIEW_ARG(v->text));
    e->failed = true;
    return true;
}

/* ---- page after page, list after list, shard after shard ---- */

static void ask_page(struct erase_store *e);
static void begin_streams(struct erase_store *e);

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

    if (!erase_store_bad(e, v) && took_cursor(e, v))
        for (size_t i = 0; i + 1 < v->items[1].count; i += 2) {
            struct view member = v->items[1].items[i].text;
            struct view id = lists[e->list].bare ? member : store_member_id(member);

            if (id.n == GUID_HEX_LEN)
                erase_thing(e, id);
        }
    erase_store_less(e);
}

static void on_listed(void *owner, const struct redis_value *v)
{
    struct erase_store *e = owner;

    e->page_more = false;
    for (size_t i = 0; !erase_store_bad(e, v) && i < v->count; i++) {
        struct view member = v->items[i].text;
        struct view id = store_member_id(member);

        if (member.n < sizeof e->cursor) {
            view_copy(member, e->cursor, sizeof e->cursor);
            e->page_more = true;
        }
        if (id.n == GUID_HEX_LEN)
            erase_thing(e, id);
    }
    erase_store_less(e);
}

static void ask_listed(struct erase_store *e)
{
    char key[SHARD_KEY_MAX];
    struct view prefix = shard_key(e->shard, "", VIEW_NONE, key);
    struct view args[] = {view_of(lists[e->list].name),
                          e->page_more ? view_of(e->cursor) : VIEW(""), VIEW(""), VIEW(""),
                          VIEW(PAGE)};

    redis_run(e->server->redis, schedule_script(SCHEDULE_SCRIPT_LISTED), &prefix, 1, args, 5,
              on_listed, e);
}

static void end_page(struct erase_store *e)
{
    if (!e->page_more) {
        snprintf(e->cursor, sizeof e->cursor, "0");
        e->list++;
    }
    if (e->list == LISTS) {
        e->list = 0;
        begin_streams(e);
        return;
    }
    ask_page(e);
}

static void ask_page(struct erase_store *e)
{
    char key[SHARD_KEY_MAX];
    struct view args[] = {VIEW("ZSCAN"), shard_key(e->shard, lists[e->list].name, VIEW_NONE, key),
                          view_of(e->cursor), VIEW("COUNT"), VIEW(PAGE)};

    e->next = end_page;
    e->owed = 1;
    if (lists[e->list].paged) {
        ask_listed(e);
        return;
    }
    redis_command(e->server->redis, args, 5, on_page, e);
}

/* ---- what waits for Kafka, and what nobody could read of it ---- */

static void ask_stream(struct erase_store *e);
static void end_shard(struct erase_store *e);

static void on_gone(void *owner, const struct redis_value *v)
{
    struct erase_store *e = owner;

    (void)erase_store_bad(e, v);
    erase_store_less(e);
}

static void take_entry(struct erase_store *e, struct view id)
{
    char key[SHARD_KEY_MAX];
    struct view args[] = {VIEW("XDEL"),
                          shard_key(e->shard, streams[e->stream].name, VIEW_NONE, key), id};

    e->counts.unreadable++;
    e->changed++;
    if (e->dry)
        return;
    e->owed++;
    redis_command(e->server->redis, args, 3, on_gone, e);
}

static void on_stream(void *owner, const struct redis_value *v)
{
    struct erase_store *e = owner;

    e->page_more = false;
    if (!erase_store_bad(e, v) && v->kind == REDIS_ARRAY)
        for (size_t i = 0; i < v->count; i++) {
            const struct redis_value *entry = &v->items[i];
            bool held = false;

            if (entry->kind != REDIS_ARRAY || entry->count != 2 ||
                entry->items[0].text.n + 2 > sizeof e->entry)
                continue;
            for (size_t k = 1; k < entry->items[1].count; k += 2)
                held = held || person_in_bytes(e->person, entry->items[1].items[k].text);
            if (held && streams[e->stream].waits)
                e->counts.outbox++;
            else if (held)
                take_entry(e, entry->items[0].text);
            snprintf(e->entry, sizeof e->entry, "(%.*s", VIEW_ARG(entry->items[0].text));
            e->page_more = true;
        }
    erase_store_less(e);
}

static void end_stream(struct erase_store *e)
{
    if (!e->page_more) {
        snprintf(e->entry, sizeof e->entry, "-");
        e->stream++;
    }
    if (e->stream < STREAMS)
        ask_stream(e);
    else
        end_shard(e);
}

static void ask_stream(struct erase_store *e)
{
    char key[SHARD_KEY_MAX];
    struct view args[] = {
        VIEW("XRANGE"),    shard_key(e->shard, streams[e->stream].name, VIEW_NONE, key),
        view_of(e->entry), VIEW("+"),
        VIEW("COUNT"),     VIEW(OUT_PAGE)};

    e->next = end_stream;
    e->owed = 1;
    redis_command(e->server->redis, args, 6, on_stream, e);
}

static void begin_streams(struct erase_store *e)
{
    e->stream = 0;
    snprintf(e->entry, sizeof e->entry, "-");
    ask_stream(e);
}

/* ---- consents, gaps ---- */

static void begin_keys(struct erase_store *e);
static void end_consents(struct erase_store *e);

static void on_consent(void *owner, const struct redis_value *v)
{
    struct erase_store *e = owner;

    if (!erase_store_bad(e, v) && view_is(v->text, "done")) {
        e->counts.consents++;
        e->changed++;
    }
    erase_store_less(e);
}

static void drop(struct erase_store *e, struct view key)
{
    struct view args[] = {VIEW("DEL"), key};

    e->owed++;
    redis_command(e->server->redis, args, 2, on_gone, e);
}

/* What the gate keeps of an address beside its consent, which is that field of the shard. */
static void drop_gate(struct erase_store *e, unsigned shard, struct view field)
{
    struct view normal = field;
    char key[SHARD_KEY_MAX];

    (void)view_cut(&normal, '_');
    drop(e, redis_schedule_hand_key(shard, field, key));
    drop(e, redis_schedule_gap_key(normal, key));
}

/* Of the person's own, whether there is a consent or not. */
static void drop_own_gate(struct erase_store *e)
{
    struct view normal = person_normal(e->person);
    char field[16 + PHONE_NORMAL_MAX];

    for (size_t i = 0; i < USAGES && !e->dry; i++) {
        int n = snprintf(field, sizeof field, "%s_%.*s", usages[i], VIEW_ARG(normal));

        drop_gate(e, shard_of(normal), (struct view){field, (size_t)n});
    }
}

/* Is it the person's, in the field's normal form or as it was given? */
static bool is_theirs(const struct erase_store *e, struct view address, struct view stored)
{
    return person_is(e->person, address) ||
           (stored.n > 0 && person_is(e->person, view_skip(stored, 1)));
}

static void take_consent(struct erase_store *e, struct view field, struct view stored)
{
    char texts[4][SHARD_KEY_MAX];
    struct view nothing = shard_key(e->shard, "none", VIEW_NONE, texts[2]);
    struct view keys[] = {shard_key(e->shard, "consent", VIEW_NONE, texts[0]),
                          shard_key(e->shard, "consents", VIEW_NONE, texts[1]), nothing,
                          nothing, /* what was handed over becomes no outcome: it has the address */
                          shard_key(e->shard, "out", VIEW_NONE, texts[3])};
    struct view address = field;
    struct view usage = view_cut(&address, '_');
    struct view args[] = {field, usage, VIEW_NONE, VIEW_NONE, VIEW("1")};

    if (!is_theirs(e, address, stored))
        return;
    if (e->dry) {
        e->counts.consents++;
        return;
    }
    if (!e->waited) { /* another erasure may just have emptied what a `schedule` still holds */
        e->waits = true;
        e->changed++;
        return;
    }
    e->owed++;
    redis_run(e->server->redis, script_of(SCRIPT_CONSENT), keys, 5, args, 5, on_consent, e);
    drop_gate(e, e->shard, field);
}

static void on_consents(void *owner, const struct redis_value *v)
{
    struct erase_store *e = owner;

    if (!erase_store_bad(e, v) && took_cursor(e, v))
        for (size_t i = 0; i + 1 < v->items[1].count; i += 2)
            take_consent(e, v->items[1].items[i].text, v->items[1].items[i + 1].text);
    erase_store_less(e);
}

/* No name leads to all of a person's: an address may hold theirs. */
static void ask_consents(struct erase_store *e)
{
    char key[SHARD_KEY_MAX];
    struct view args[] = {VIEW("HSCAN"), shard_key(e->shard, "consent", VIEW_NONE, key),
                          view_of(e->cursor), VIEW("COUNT"), VIEW(PAGE)};

    e->next = end_consents;
    e->owed = 1;
    redis_command(e->server->redis, args, 5, on_consents, e);
}

static void end_consents(struct erase_store *e)
{
    if (e->page_more) {
        ask_consents(e);
        return;
    }
    snprintf(e->cursor, sizeof e->cursor, "0");
    if (++e->shard < SHARD_COUNT) {
        ask_consents(e);
        return;
    }
    e->next = begin_keys;
    e->owed = 1;
    drop_own_gate(e);
    erase_store_less(e);
}

/* Where a list of destinations had the person, a `schedule` may hold it, and a consent that was
 * withdrawn stands in the way until it does not. */
static void end_shard(struct erase_store *e)
{
    if (++e->shard < SHARD_COUNT) {
        ask_page(e);
        return;
    }
    e->shard = 0;
    if (e->lists > 0 && !e->dry)
        begin_keys(e);
    else
        ask_consents(e);
}

/* ---- names that mention the person ---- */

static void end_pass(struct erase_store *e);
static void ask_keys(struct erase_store *e);

static void on_keys(void *owner, const struct redis_value *v)
{
    struct erase_store *e = owner;

    if (!erase_store_bad(e, v) && took_cursor(e, v))
        for (size_t i = 0; i < v->items[1].count; i++) {
            struct view key = v->items[1].items[i].text;

            if (!person_mentioned(e->person, key))
                continue;
            if (names[e->name].counts) {
                e->counts.references++;
                e->changed++;
            }
            if (!e->dry)
                drop(e, key);
        }
    erase_store_less(e);
}

static void end_keys(struct erase_store *e)
{
    if (!e->page_more) {
        snprintf(e->cursor, sizeof e->cursor, "0");
        e->name = e->dry ? 0 : (e->name + 1) % NAMES;
        e->server_at += e->name == 0;
    }
    if (e->server_at < e->servers.count) {
        ask_keys(e);
        return;
    }
    end_pass(e);
}

static void ask_keys(struct erase_store *e)
{
    struct view args[] = {VIEW("SCAN"),  view_of(e->cursor),
                          VIEW("MATCH"), view_of(names[e->name].pattern),
                          VIEW("COUNT"), VIEW(KEYS_PAGE)};

    e->next = end_keys;
    e->owed = 1;
    redis_command_at(e->server->redis, e->servers.at[e->server_at], args, 6, on_keys, e);
}

/* A name of these lies anywhere, and a SCAN goes through one server. */
static void begin_keys(struct erase_store *e)
{
    redis_servers(e->server->redis, &e->servers);
    e->server_at = 0;
    e->name = 0;
    if (e->servers.count > 0) {
        ask_keys(e);
        return;
    }
    e->failed = true;
    fault_set(&e->fault, FAULT_RETRY, "the store can't be searched: %s",
              redis_trouble(e->server->redis));
    finish(e);
}

/* ---- pass after pass ---- */

static void begin_pass(struct erase_store *e)
{
    e->shard = 0;
    e->list = 0;
    e->changed = 0;
    e->lists = 0;
    e->waits = false;
    e->counts.outbox = 0; /* of the last pass */
    snprintf(e->cursor, sizeof e->cursor, "0");
    ask_page(e);
}

static void on_timer(uv_timer_t *timer)
{
    begin_pass(timer->data);
}

static void end_pass(struct erase_store *e)
{
    if (e->dry || e->changed == 0) {
        finish(e);
        return;
    }
    if (++e->pass < ERASE_STORE_PASSES_MAX) {
        e->waits = e->waits || e->lists > 0;
        e->waited = e->waited || e->waits;
        uv_timer_start(&e->timer, on_timer, e->waits ? HELD_MS : 0, 0);
        return;
    }
    e->failed = true;
    fault_set(&e->fault, FAULT_RETRY, "the store changed all the while; erase again");
    finish(e);
}

struct erase_store *erase_store_begin(struct server *server, const struct person *person, bool dry,
                                      erase_store_done *done, void *owner)
{
    struct erase_store *e = mem_zeroed(1, sizeof *e);

    e->server = server;
    e->person = person;
    e->dry = dry;
    e->done = done;
    e->owner = owner;
    uv_timer_init(server->loop, &e->timer);
    e->timer.data = e;
    begin_pass(e);
    return e;
}

void erase_store_end(struct erase_store *e)
{
    if (!e->failed)
        fault_set(&e->fault, FAULT_RETRY, "the server is stopping; erase again");
    e->failed = true;
    if (uv_is_active((uv_handle_t *)&e->timer))
        finish(e);
}
