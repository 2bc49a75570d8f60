#include "producers/campaign_row.h"

#include "bridge/core/num.h"
#include "bridge/core/shard.h"
#include "bridge/core/utf8.h"
#include "bridge/io/redis_schedule.h"
#include "server/store.h"

#include <stdio.h>
#include <string.h>

enum {
    ST,
    KIND,
    VER,
    N,
    SLICES,
    OK,
    DEAD,
    CAN,
    AT,
    SEND,
    CREATED,
    PZ,
    PK,
    BH,
    MR,
    RD,
    SRC,
    SUB,
    FIELDS
};

static const char *const names[FIELDS] = {"st",   "kind", "ver", "n",    "C",       "ok",
                                          "dead", "can",  "at",  "send", "created", "pz",
                                          "pk",   "bh",   "mr",  "rd",   "src",     "sub"};

const char *campaign_state_name(enum campaign_state s)
{
    static const char *const words[] = {
        [CAMPAIGN_SCHEDULED] = "scheduled", [CAMPAIGN_SENDING] = "sending",
        [CAMPAIGN_RESTING] = "resting",     [CAMPAIGN_PAUSED] = "paused",
        [CAMPAIGN_BEHIND] = "behind",       [CAMPAIGN_COMPLETED] = "completed",
        [CAMPAIGN_CANCELLED] = "cancelled"};

    return words[s];
}

struct reading {
    struct campaign_row *row;
    int64_t at_ms;
    bool is_message;
    int64_t st;
    int64_t not_before_ms;
    int64_t held; /* STORE's pz: 1: paused, 2: behind another (server/redis/schedule.lua) */
};

static int64_t number(const struct redis_value *v)
{
    int64_t n = 0;

    if (v->kind == REDIS_INTEGER)
        return v->integer;
    return v->text.n > 0 && num_int(v->text, &n) ? n : 0;
}

static void on_fields(void *ctx, const struct redis_value *v)
{
    struct reading *r = ctx;
    struct campaign_row *c = r->row;

    if (v->kind != REDIS_ARRAY || v->count != FIELDS)
        return;
    r->is_message = number(&v->items[KIND]) == STORE_MESSAGE;
    r->st = number(&v->items[ST]);
    r->held = number(&v->items[PZ]);
    r->not_before_ms = number(&v->items[PK]);
    view_copy(v->items[BH].text, c->behind, sizeof c->behind);
    r->at_ms = number(&v->items[AT]);
    c->version = number(&v->items[VER]);
    c->destinations = number(&v->items[N]);
    c->slices = number(&v->items[SLICES]);
    c->handled = number(&v->items[OK]);
    c->failed = number(&v->items[DEAD]);
    c->cancelled = number(&v->items[CAN]);
    c->waiting = c->destinations - c->handled - c->failed - c->cancelled;
    c->send_ms = number(&v->items[SEND]);
    c->created_ms = number(&v->items[CREATED]);
    c->attempts_max = 1 + number(&v->items[MR]);
    c->retry_delay_s = number(&v->items[RD]);
    view_copy(v->items[SRC].text, c->source, sizeof c->source);
    view_copy(v->items[SUB].text, c->sub_type, sizeof c->sub_type);
}

/* The first of a zset with its score. */
static void on_next(void *ctx, const struct redis_value *v)
{
    struct reading *r = ctx;

    if (v->kind == REDIS_ARRAY && v->count == 2)
        r->row->next_ms = number(&v->items[1]);
}

static void on_time(void *ctx, const struct redis_value *v)
{
    struct reading *r = ctx;

    if (v->kind == REDIS_ARRAY && v->count == 2)
        r->row->now_ms = number(&v->items[0]) * 1000 + number(&v->items[1]) / 1000;
}

/* ---- whether some of it is out ---- */

struct leases {
    char cursor[24]; /* of the page that follows; "0": none */
    bool any;
};

static void on_leases(void *ctx, const struct redis_value *v)
{
    struct leases *l = ctx;

    if (v->kind != REDIS_ARRAY || v->count != 2 || v->items[0].text.n >= sizeof l->cursor) {
        view_copy(VIEW("0"), l->cursor, sizeof l->cursor);
        return;
    }
    view_copy(v->items[0].text, l->cursor, sizeof l->cursor);
    l->any = l->any || v->items[1].count > 0;
}

static bool read_leases(struct store_ask *s, const char *id_hex, struct leases *l, struct fault *f)
{
    char key[SHARD_KEY_MAX];
    char pattern[GUID_TEXT_MAX + 2];
    char from[sizeof l->cursor];
    struct view args[] = {
        VIEW("ZSCAN"), shard_key(shard_of(view_of(id_hex)), "lease", VIEW_NONE, key),
        VIEW("0"),     VIEW("MATCH"),
        VIEW_NONE,     VIEW("COUNT"),
        VIEW("1000")};

    (void)snprintf(pattern, sizeof pattern, "%s/*", id_hex);
    args[4] = view_of(pattern);
    *l = (struct leases){.any = false};
    do {
        if (!store_ask(s, args, sizeof args / sizeof *args, on_leases, l, f))
            return false;
        memcpy(from, l->cursor, sizeof from);
        args[2] = view_of(from);
    } while (!l->any && strcmp(from, "0") != 0);
    return true;
}

/* ---- what stands in its way ---- */

struct gate {
    int64_t until_ms;
    bool probed; /* it does not open by itself: somebody tries it, each so often */
    char why[CAMPAIGN_TEXT_MAX];
};

static void on_gate(void *ctx, const struct redis_value *v)
{
    struct gate *g = ctx;

    if (v->kind != REDIS_ARRAY || v->count != 3)
        return;
    g->until_ms = number(&v->items[0]);
    g->probed = number(&v->items[1]) > 0;
    view_copy(v->items[2].text, g->why, sizeof g->why);
}

static bool read_gate(struct store_ask *s, struct view name, struct gate *g, struct fault *f)
{
    char key[SHARD_KEY_MAX];
    const struct view args[] = {VIEW("HMGET"), redis_schedule_gate_key(name, key), VIEW("until"),
                                VIEW("probe"), VIEW("why")};

    *g = (struct gate){0};
    return store_ask(s, args, 5, on_gate, g, f);
}

/* The queue that its messages go out through; false: none. */
static bool find_queue(const struct conf *conf, struct view source, const char **address,
                       const char **via)
{
    static const char map[] = "chats.queues";

    for (size_t i = 0; i < conf_count(conf, map); i++) {
        *address = conf_entry_text(conf, map, i, "address");
        *via = conf_entry_text(conf, map, i, "via");
        if (*address != NULL && *via != NULL &&
            utf8_eq_nocase(view_trim(source), view_trim(view_of(*address))))
            return true;
    }
    return false;
}

static bool read_gates(struct store_ask *s, const struct conf *conf, struct campaign_row *row,
                       struct fault *f)
{
    const char *address;
    const char *via;
    char name[CAMPAIGN_TEXT_MAX];
    struct gate g;

    if (!find_queue(conf, view_of(row->source), &address, &via)) {
        address = row->source; /* as it was named: the configuration of others may have it */
        via = NULL;
    }
    if (!read_gate(s, view_of(address), &g, f))
        return false;
    if (g.until_ms > row->now_ms) {
        row->shut_until_ms = g.until_ms;
        view_copy(view_of(g.why), row->shut_why, sizeof row->shut_why);
    }
    if (via == NULL)
        return true;
    (void)snprintf(name, sizeof name, "channel:%.200s", via);
    if (!read_gate(s, view_of(name), &g, f))
        return false;
    if (g.probed) {
        row->channel_until_ms = g.until_ms;
        view_copy(view_of(via), row->channel, sizeof row->channel);
        view_copy(view_of(g.why), row->channel_why, sizeof row->channel_why);
    }
    return true;
}

bool campaign_row_read(struct store_ask *s, const struct conf *conf, const char *id_hex,
                       struct campaign_row *out, struct fault *f)
{
    struct reading r = {.row = out};
    struct leases leases;
    struct view id = view_of(id_hex);
    char key[SHARD_KEY_MAX];
    char queue[SHARD_KEY_MAX];
    struct view args[2 + FIELDS] = {VIEW("HMGET"), shard_key(shard_of(id), "m", id, key)};
    const struct view next[] = {VIEW("ZRANGE"), shard_key(shard_of(id), "q", id, queue), VIEW("0"),
                                VIEW("0"), VIEW("WITHSCORES")};
    const struct view time = VIEW("TIME");

    memset(out, 0, sizeof *out);
    (void)snprintf(out->id, sizeof out->id, "%s", id_hex);
    for (size_t i = 0; i < FIELDS; i++)
        args[2 + i] = view_of(names[i]);
    if (!store_ask(s, args, 2 + FIELDS, on_fields, &r, f) ||
        !store_ask(s, next, 5, on_next, &r, f) || !store_ask(s, &time, 1, on_time, &r, f) ||
        !read_gates(s, conf, out, f))
        return false;
    if (out->next_ms == 0 && r.st == STORE_LIVE && out->handled + out->failed == 0)
        out->next_ms = r.at_ms; /* one that is new, and small, has no queue of its own */
    if (out->next_ms > 0 && out->next_ms < r.not_before_ms)
        out->next_ms = r.not_before_ms;
    if (!r.is_message)
        return fault_set(f, FAULT_REJECT, "there is no message %s", id_hex);
    if (r.st == STORE_DELETED)
        out->state = CAMPAIGN_CANCELLED;
    else if (r.st == STORE_CLOSED)
        out->state = CAMPAIGN_COMPLETED;
    else if (r.held != 0)
        out->state = r.held == 2 ? CAMPAIGN_BEHIND : CAMPAIGN_PAUSED;
    else if (r.at_ms > out->now_ms && out->handled + out->failed == 0)
        out->state = CAMPAIGN_SCHEDULED;
    else if (r.not_before_ms <= out->now_ms)
        out->state = CAMPAIGN_SENDING;
    else if (!read_leases(s, id_hex, &leases, f))
        return false;
    else
        out->state = leases.any ? CAMPAIGN_SENDING : CAMPAIGN_RESTING;
    return true;
}
