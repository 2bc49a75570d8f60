/* Gates (gate.lua) and recipients (hand.lua): consents and reservations, which lie in the shards of
 * the addresses, so each is a call of its own, one after the other in the turn's pipeline. */
#include "bridge/core/mem.h"
#include "bridge/core/phone.h"
#include "bridge/io/crypto.h"
#include "bridge/io/redis_schedule_in.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 64 /* of a name in a key; a longer one is in it as its digest */
#define DIGEST_TEXT    41 /* SHA-1 in hex */
#define RATE_TEXT_MAX  32
#define USAGE_MAX      16

/* ---- gates ---- */

static struct view short_name(struct view name, char hex[DIGEST_TEXT])
{
    uint8_t digest[(DIGEST_TEXT - 1) / 2];

    if (name.n <= NAME_MAX_BYTES)
        return name;
    crypto_sha1(name, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return view_of(hex);
}

struct view redis_schedule_gate_key(struct view name, char out[SHARD_KEY_MAX])
{
    char hex[DIGEST_TEXT];

    name = short_name(name, hex);
    return shard_key(shard_of(name), "gate", name, out);
}

static void on_granted(struct schedule_call *c, const struct redis_value *v)
{
    struct redis_schedule *s = c->of;
    struct schedule_grant g = {.token = c->token, .state = SCHEDULE_FAILED};

    if (v->kind == REDIS_ARRAY && v->count == 6 && v->items[3].kind == REDIS_TEXT) {
        g.state = SCHEDULE_DONE;
        g.granted = (unsigned)v->items[0].integer;
        g.wait_ms = v->items[1].integer;
        g.stopped = v->items[2].integer != 0;
        g.why = v->items[3].text;
        g.lead_us = v->items[4].integer;
        g.works = v->items[5].integer != 0;
    } else {
        schedule_unexpected(s, "ask", NULL, v);
    }
    s->answers.granted(s->answers.owner, &g);
}

static void on_gate(struct schedule_call *c, const struct redis_value *v)
{
    struct redis_schedule *s = c->of;
    bool done = v->kind == REDIS_TEXT && view_is(v->text, "done");

    if (!done)
        schedule_unexpected(s, "gate", NULL, v);
    s->answers.written(s->answers.owner, c->token, done ? SCHEDULE_DONE : SCHEDULE_FAILED);
}

void schedule_ask(void *ctx, const struct schedule_ask *a)
{
    struct redis_schedule *s = ctx;
    char key[SHARD_KEY_MAX];
    char rate[RATE_TEXT_MAX];
    char burst[RATE_TEXT_MAX];
    char want[24];
    struct view args[6] = {VIEW("ask"),
                           VIEW_NONE,
                           VIEW_NONE,
                           schedule_number(want, a->want),
                           (struct view){(const char *)s->conf.owner, sizeof s->conf.owner},
                           a->fails   ? VIEW("fails")
                           : a->works ? VIEW("works")
                                      : VIEW("")};

    snprintf(rate, sizeof rate, "%.9g", a->rate);
    snprintf(burst, sizeof burst, "%.9g", a->burst);
    args[1] = view_of(rate);
    args[2] = view_of(burst);
    (void)redis_schedule_gate_key(a->gate, key);
    schedule_call_run(schedule_call_new(s, a->token, 0, on_granted), SCHEDULE_SCRIPT_GATE, key,
                      args, 6);
}

void schedule_shut(void *ctx, const struct schedule_shut *shut)
{
    struct redis_schedule *s = ctx;
    char key[SHARD_KEY_MAX];
    char for_ms[24];
    char probe_ms[24];
    struct view args[4] = {VIEW("shut"), schedule_number(for_ms, shut->for_ms),
                           schedule_number(probe_ms, shut->probe_ms), shut->why};

    (void)redis_schedule_gate_key(shut->gate, key);
    schedule_call_run(schedule_call_new(s, shut->token, 0, on_gate), SCHEDULE_SCRIPT_GATE, key,
                      args, 4);
}

void schedule_open(void *ctx, uint64_t token, struct view gate)
{
    struct redis_schedule *s = ctx;
    char key[SHARD_KEY_MAX];
    struct view args[1] = {VIEW("open")};

    (void)redis_schedule_gate_key(gate, key);
    schedule_call_run(schedule_call_new(s, token, 0, on_gate), SCHEDULE_SCRIPT_GATE, key, args, 1);
}

/* ---- recipients ---- */

struct look_up {
    struct redis_schedule *of;
    uint64_t token;
    size_t owed;    /* replies, and one for the call itself until all are sent */
    size_t unknown; /* of those asked for */
    size_t asked_for;
    size_t count;
    struct asked {
        struct look_up *of;
        struct schedule_recipient found;
    } asked[];
};

static void one_less(struct look_up *l)
{
    struct redis_schedule *s = l->of;
    struct schedule_recipients_answer a = {.token = l->token, .count = l->count};
    struct schedule_recipient *found = NULL;

    if (--l->owed > 0)
        return;
    found = mem_zeroed(l->count + 1, sizeof *found);
    for (size_t i = 0; i < l->count; i++)
        found[i] = l->asked[i].found;
    a.state = l->unknown > 0 && l->unknown >= l->asked_for ? SCHEDULE_FAILED : SCHEDULE_DONE;
    a.recipients = found;
    s->answers.recipients(s->answers.owner, &a);
    mem_free(found);
    mem_free(l);
}

static void fail(struct look_up *l, const struct redis_value *v)
{
    if (l->unknown++ == 0)
        schedule_unexpected(l->of, "recipients", NULL, v);
}

static void on_one(void *owner, const struct redis_value *v)
{
    struct asked *one = owner;

    if (v->kind == REDIS_ARRAY && v->count == 2 && v->items[0].kind == REDIS_TEXT) {
        one->found.wait_ms = v->items[1].integer;
        if (v->items[0].text.n > 0)
            one->found.consent =
                v->items[0].text.p[0] == '1' ? SCHEDULE_CONSENT_GIVEN : SCHEDULE_CONSENT_WITHDRAWN;
    } else {
        one->found.unknown = true;
        fail(one->of, v);
    }
    one_less(one->of);
}

/* What is known of one number under one usage. */
struct number {
    unsigned shard;
    struct view normal;
    char room[PHONE_NORMAL_MAX];
    char field[USAGE_MAX + 1 + PHONE_NORMAL_MAX];
    struct view is_field; /* "<usage>_<normal>" */
    char ref[GUID_TEXT_MAX + 16];
};

static bool number_of(const struct schedule_recipients *r, size_t i, struct number *n)
{
    struct fault f = {0};
    int length;

    if (!phone_normal(r->addresses[i], n->room, &n->normal, &f))
        return false;
    n->shard = shard_of(n->normal);
    length =
        snprintf(n->field, sizeof n->field, "%.*s_%.*s", VIEW_ARG(r->usage), VIEW_ARG(n->normal));
    n->is_field = r->usage.n > 0 ? (struct view){n->field, (size_t)length} : VIEW("");
    snprintf(n->ref, sizeof n->ref, "%s/%" PRIu32, r->message, r->destinations[i]);
    return true;
}

struct view redis_schedule_hand_key(unsigned shard, struct view field, char out[SHARD_KEY_MAX])
{
    char hex[DIGEST_TEXT];

    return shard_key(shard, "hand", short_name(field, hex), out);
}

struct view redis_schedule_gap_key(struct view normal, char out[SHARD_KEY_MAX])
{
    char hex[DIGEST_TEXT];

    return shard_key(shard_of(normal), "gaps", short_name(normal, hex), out);
}

/* Of hand.lua. */
static void keys_of(const struct number *n, char texts[3][SHARD_KEY_MAX], struct view keys[3])
{
    keys[0] = shard_key(n->shard, "consent", VIEW_NONE, texts[0]);
    keys[1] = redis_schedule_hand_key(n->shard, n->is_field, texts[1]);
    keys[2] = redis_schedule_gap_key(n->normal, texts[2]);
}

static void ask_one(struct look_up *l, size_t i, const struct schedule_recipients *r)
{
    char texts[3][SHARD_KEY_MAX];
    char gap_ms[24];
    char keep_ms[24];
    struct number n;
    struct view keys[3];
    struct view args[7];

    if (!number_of(r, i, &n))
        return; /* nobody can have said anything of it */
    keys_of(&n, texts, keys);
    args[0] = n.is_field;
    args[1] = r->needs_consent ? VIEW("1") : VIEW("");
    args[2] = schedule_number(gap_ms, r->gap_ms);
    args[3] = view_of(n.ref);
    args[4] = schedule_number(keep_ms, REDIS_SCHEDULE_HAND_MS);
    args[5] = r->holder;
    args[6] = r->sender;
    l->owed++;
    l->asked_for++;
    redis_run(l->of->redis, schedule_script(SCHEDULE_SCRIPT_HAND), keys, 3, args, 7, on_one,
              &l->asked[i]);
}

static void on_nothing(void *owner, const struct redis_value *v)
{
    struct look_up *l = owner;

    if (v->kind == REDIS_LOST)
        fail(l, v);
    one_less(l);
}

void schedule_recipients(void *ctx, const struct schedule_recipients *r)
{
    struct redis_schedule *s = ctx;
    struct look_up *l = mem_zeroed(1, sizeof *l + r->count * sizeof l->asked[0]);
    struct view echo[] = {VIEW("ECHO"), VIEW("1")};

    assert(r->count <= SCHEDULE_RECIPIENTS_MAX && r->usage.n < USAGE_MAX);
    l->of = s;
    l->token = r->token;
    l->count = r->count;
    l->owed = 1;
    for (size_t i = 0; i < r->count; i++)
        l->asked[i].of = l;
    for (size_t i = 0; i < r->count; i++)
        ask_one(l, i, r);
    if (l->owed == 1)
        redis_command(s->redis, echo, 2, on_nothing, l); /* the answer comes later, as all do */
    else
        l->owed--;
}

static void on_let_go(void *owner, const struct redis_value *v)
{
    (void)owner;
    (void)v; /* lost: note and gap go by themselves */
}

static void give_back(struct redis_schedule *s, const struct schedule_recipients *r,
                      const struct number *n)
{
    char texts[3][SHARD_KEY_MAX];
    struct view keys[3];
    const struct view args[] = {VIEW_NONE, VIEW_NONE, VIEW("back"), view_of(n->ref),
                                VIEW_NONE, r->holder, r->sender};

    keys_of(n, texts, keys);
    redis_run(s->redis, schedule_script(SCHEDULE_SCRIPT_HAND), keys, 3, args, 7, on_let_go, NULL);
}

static void unnote(struct redis_schedule *s, const struct number *n)
{
    char key[SHARD_KEY_MAX];
    struct view args[] = {VIEW("HDEL"), redis_schedule_hand_key(n->shard, n->is_field, key),
                          view_of(n->ref)};

    redis_command(s->redis, args, 3, on_let_go, NULL);
}

void schedule_let_go(void *ctx, const struct schedule_recipients *r)
{
    struct redis_schedule *s = ctx;
    struct number n;

    for (size_t i = 0; i < r->count; i++) {
        if (!number_of(r, i, &n))
            continue;
        if (r->usage.n > 0)
            unnote(s, &n);
        if (r->gap_ms > 0)
            give_back(s, r, &n);
    }
}
