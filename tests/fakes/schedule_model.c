#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/schedule_model.h"

#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/io/redis_schedule_scripts.h"
#include "tests/fakes/schedule_model_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* {st ok dead can out calls pk rq rs, act, due, dial, then of each slice: record, q, lease, late,
 * delivered, copies} */
static const char dump_text[] =
    "#!lua flags=no-writes\n"
    "local p, id = KEYS[1], ARGV[1]\n"
    "local function s(v) return v or '' end\n"
    "local a = redis.call('HMGET', p .. 'm:' .. id, 'st', 'ok', 'dead', 'can', 'out', 'calls', "
    "'pk', 'rq', 'rs')\n"
    "for i = 1, 9 do a[i] = s(a[i]) end\n"
    "a[10] = s(redis.call('ZSCORE', p .. 'act', id))\n"
    "a[11] = s(redis.call('ZSCORE', p .. 'due', id))\n"
    "a[12] = s(redis.call('ZSCORE', p .. 'dial', id))\n"
    "for k = 0, ARGV[2] - 1 do\n"
    "  a[#a + 1] = s(redis.call('HGET', p .. 'sl:' .. id, k))\n"
    "  a[#a + 1] = s(redis.call('ZSCORE', p .. 'q:' .. id, k))\n"
    "  a[#a + 1] = s(redis.call('ZSCORE', p .. 'lease', id .. '/' .. k))\n"
    "  a[#a + 1] = s(redis.call('HGET', p .. 'late:' .. id, k))\n"
    "  a[#a + 1] = s(redis.call('HGET', p .. 'late:' .. id, 'd' .. k))\n"
    "  a[#a + 1] = s(redis.call('HGET', p .. 'late:' .. id, 'f' .. k))\n"
    "end\n"
    "return a\n";

enum dump {
    DUMP_ST,
    DUMP_OK,
    DUMP_DEAD,
    DUMP_CAN,
    DUMP_OUT,
    DUMP_CALLS,
    DUMP_PARKED,
    DUMP_REQUEST,
    DUMP_RESULTED,
    DUMP_ACT,
    DUMP_DUE,
    DUMP_DIAL,
    DUMP_SLICES
};
enum part { PART_RECORD, PART_Q, PART_LEASE, PART_LATE, PART_DELIVERED, PART_COPIES, PART_COUNT };

size_t model_pick(size_t n)
{
    return (size_t)random() % n;
}

size_t model_size(const struct model_thing *t, unsigned k)
{
    size_t left = t->of.count - k * SLICE_DESTINATIONS_MAX;

    return left < SLICE_DESTINATIONS_MAX ? left : SLICE_DESTINATIONS_MAX;
}

/* ---- comparing ---- */

struct comparing {
    struct schedule_model *m;
    struct model_thing *t;
    int64_t least_ms;
};

static int64_t number(const struct redis_value *v)
{
    int64_t n = 0;

    return num_int(v->text, &n) ? n : 0;
}

static void compare_bitmap(const uint8_t *map, struct view stored)
{
    for (size_t i = 0; i < SLICE_BITMAP_BYTES; i++)
        assert_int_equal(map[i], i < stored.n ? (uint8_t)stored.p[i] : 0);
}

/* The time is the store's, but not earlier than it may be. */
static void take_time(int64_t *time_ms, struct view stored, int64_t least_ms)
{
    int64_t is = 0;

    assert_true(num_int(stored, &is));
    if (is != *time_ms)
        assert_true(is >= least_ms);
    *time_ms = is;
}

static void compare_slice(const struct comparing *c, struct model_slice *s,
                          const struct redis_value *parts)
{
    struct buf record;

    buf_init(&record, SLICE_RECORD_MAX);
    if (s->is.claimed)
        slice_write(&s->is, &record);
    assert_int_equal(record.n, parts[PART_RECORD].text.n);
    if (record.n > 0)
        assert_memory_equal(record.p, parts[PART_RECORD].text.p, record.n);
    buf_done(&record);
    assert_int_equal(s->waits && !s->unlisted, parts[PART_Q].text.n > 0);
    if (s->waits && !s->unlisted)
        take_time(&s->due_ms, parts[PART_Q].text, c->least_ms);
    assert_int_equal(s->leased, parts[PART_LEASE].text.n > 0);
    if (s->leased)
        take_time(&s->ends_ms, parts[PART_LEASE].text, c->m->now_ms);
    compare_bitmap(s->late, parts[PART_LATE].text);
    compare_bitmap(s->delivered, parts[PART_DELIVERED].text);
    compare_bitmap(s->copies, parts[PART_COPIES].text);
}

/* I3: what waits is reachable, by one way, and not later than it must be. */
static void compare_pointers(const struct comparing *c, const struct redis_value *dump)
{
    const struct model_thing *t = c->t;
    bool act = dump->items[DUMP_ACT].text.n > 0;
    bool apart =
        t->of.kind == STORE_CALLBACK && t->st == STORE_LIVE && t->slice[0].is.watermark == 0;
    const struct redis_value *index = &dump->items[apart ? DUMP_DIAL : DUMP_DUE];
    bool due = index->text.n > 0;
    int64_t first_ms = INT64_MAX;

    for (unsigned k = 0; k < t->slices; k++)
        if (t->slice[k].waits && t->slice[k].due_ms < first_ms)
            first_ms = t->slice[k].due_ms;
    assert_false(act && due);
    assert_int_equal(dump->items[apart ? DUMP_DUE : DUMP_DIAL].text.n, 0);
    if (t->paused && t->st == STORE_LIVE)
        assert_false(due);
    else if (first_ms < INT64_MAX)
        assert_true(act || due);
    if (due)
        assert_int_equal(number(index), first_ms > t->parked_ms ? first_ms : t->parked_ms);
}

static void compare_parked(const struct comparing *c, int64_t is_ms)
{
    struct model_thing *t = c->t;

    if (is_ms != t->parked_ms && is_ms != 0)
        assert_true(t->may_park_ms != 0 && is_ms >= t->may_park_ms);
    t->parked_ms = is_ms;
    t->may_park_ms = 0;
}

static void compare_request(const struct model_thing *t, struct view request, struct view resulted)
{
    int64_t to_ms = 0;

    assert_int_equal(t->requested, request.n > 0);
    assert_int_equal(t->resulted, resulted.n > 0);
    if (request.n == 0)
        return;
    assert_true(num_int(view_cut(&request, ' '), &to_ms) && to_ms >= t->requested_to_ms);
    assert_int_equal(request.n, sizeof t->requester);
    assert_memory_equal(request.p, t->requester, sizeof t->requester);
}

static void on_dump(void *owner, const struct redis_value *v)
{
    const struct comparing *c = owner;
    struct model_thing *t = c->t;
    int64_t pending = 0;

    assert_int_equal(v->kind, REDIS_ARRAY);
    assert_int_equal(number(&v->items[DUMP_ST]), t->st);
    assert_int_equal(number(&v->items[DUMP_OK]), t->ok);
    assert_int_equal(number(&v->items[DUMP_DEAD]), t->dead);
    assert_int_equal(number(&v->items[DUMP_CAN]), t->can);
    assert_int_equal(number(&v->items[DUMP_OUT]), t->out);
    assert_int_equal(number(&v->items[DUMP_CALLS]), t->calls);
    for (unsigned k = 0; k < t->slices; k++) {
        compare_slice(c, &t->slice[k], &v->items[DUMP_SLICES + k * PART_COUNT]);
        pending += (int64_t)(model_size(t, k) - slice_ended(&t->slice[k].is));
    }
    compare_request(t, v->items[DUMP_REQUEST].text, v->items[DUMP_RESULTED].text);
    compare_parked(c, number(&v->items[DUMP_PARKED]));
    compare_pointers(c, v);
    /* D9: added = handled + failed + cancelled + pending */
    if (t->of.kind == STORE_MESSAGE)
        assert_int_equal(t->ok + t->dead + (t->st == STORE_DELETED ? t->can + t->out : pending),
                         t->of.count);
    c->m->rig.owed--;
}

static void compare(struct comparing *c)
{
    char prefix[SHARD_KEY_MAX];
    char slices[24];
    struct view keys[] = {shard_key(MODEL_SHARD, "", VIEW_NONE, prefix)};
    struct view args[] = {view_of(c->t->of.id), VIEW_NONE};

    snprintf(slices, sizeof slices, "%u", c->t->slices);
    args[1] = view_of(slices);
    c->m->rig.owed++;
    redis_run(c->m->rig.redis, &c->m->dump, keys, 1, args, 2, on_dump, c);
}

void model_compare(struct schedule_model *m, struct model_thing *t, int64_t least_ms)
{
    struct comparing c = {m, t, least_ms};

    compare(&c);
    schedule_rig_await(&m->rig);
}

void model_compare_all(struct schedule_model *m, int64_t least_ms)
{
    struct comparing all[MODEL_THINGS];
    bool every = model_pick(16) == 0;

    for (size_t i = 0; i < MODEL_THINGS; i++) {
        all[i] = (struct comparing){m, &m->things[i], least_ms};
        if (m->things[i].used && (m->things[i].changed || every))
            compare(&all[i]);
        m->things[i].changed = false;
    }
    schedule_rig_await(&m->rig);
}

void model_check(struct schedule_model *m, const struct model_thing *t)
{
    struct view args[] = {view_of(t->of.id), VIEW("")};

    assert_string_equal(
        schedule_rig_run(&m->rig, MODEL_SHARD, schedule_script(SCHEDULE_SCRIPT_FSCK), args, 2), "");
}

/* The log of a slice is bounded: of one destination it has one settlement an attempt, and of
 * receipts one "delivered", and one "failed" for each attempt and one behind the last. */
static void check_log(struct schedule_model *m, const struct model_thing *t, unsigned k)
{
    static const char text[] =
        "local log, at, n, most = redis.call('GET', KEYS[1]) or '', 1, {}, {0, 0}\n"
        "while at <= #log do\n"
        "  local i, attempt, _, reason, id = struct.unpack('>HBBBB', string.sub(log, at, at + 5))\n"
        "  local key = i .. ' ' .. attempt\n"
        "  local which = attempt > 0 and 1 or 2\n"
        "  n[key] = (n[key] or 0) + 1\n"
        "  most[which] = math.max(most[which], n[key])\n"
        "  at = at + 6 + reason + id\n"
        "end\n"
        "return 1000 * most[1] + most[2]";
    char key[SHARD_KEY_MAX];
    char name[GUID_TEXT_MAX + 16];
    const char *words[] = {"EVAL", text, "1", key};
    int64_t most;

    snprintf(name, sizeof name, "%s:%u", t->of.id, k);
    (void)shard_key(MODEL_SHARD, "o", view_of(name), key);
    most = schedule_rig_integer(&m->rig, words, 4);
    assert_true(most / 1000 <= 1);
    assert_true(most % 1000 <= t->of.retries + 3);
    m->did[DID_LOG] += most > 0;
}

void model_forget(struct schedule_model *m, struct model_thing *t)
{
    static const char *const words[] = {
        "EVAL",
        "local p, id = KEYS[1], ARGV[1]\n"
        "for _, n in ipairs({'m:', 'q:', 'sl:', 'late:'}) do redis.call('DEL', p .. n .. id) end\n"
        "for k = 0, 2 do redis.call('DEL', p .. 'c:' .. id .. ':' .. k, p .. 'o:' .. id .. ':' .. "
        "k)"
        " redis.call('ZREM', p .. 'lease', id .. '/' .. k) end\n"
        "redis.call('ZREM', p .. 'act', id) redis.call('ZREM', p .. 'due', id)\n"
        "redis.call('ZREM', p .. 'dial', id) redis.call('ZREM', p .. 'gc', id) return 1",
        "1", "s:{07}:"};
    const char *all[] = {words[0], words[1], words[2], words[3], t->of.id};

    model_check(m, t);
    for (unsigned k = 0; k < t->slices; k++)
        check_log(m, t, k);
    assert_int_equal(schedule_rig_integer(&m->rig, all, 5), 1);
    memset(t, 0, sizeof *t);
}

/* ---- what the server and its users do ---- */

static void plan(struct schedule_model *m, struct model_thing *t)
{
    static const char *const sources[] = {"s1", " S1", "s2"};
    static const size_t counts[] = {1, 1, 2, 7, 8, 9, 63, 500, 999, 1000, 1001, 2500};

    t->of.count =
        t->of.kind == STORE_CALLBACK ? 1 : counts[model_pick(sizeof counts / sizeof counts[0])];
    t->of.at_ms = m->now_ms + (int64_t)model_pick(3);
    t->of.retries = (int64_t)model_pick(4);
    t->of.retry_delay_s = 60;
    t->of.source = sources[model_pick(3)];
    t->of.sub_type = model_pick(2) == 0 ? "sms" : "whatsApp";
    t->slices = (unsigned)((t->of.count + SLICE_DESTINATIONS_MAX - 1) / SLICE_DESTINATIONS_MAX);
    memset(t->slice, 0, sizeof t->slice);
    for (unsigned k = 0; k < t->slices; k++) {
        assert_true(slice_read(&t->slice[k].is, VIEW_NONE, model_size(t, k)));
        t->slice[k].waits = true;
        t->slice[k].due_ms = t->of.at_ms;
    }
}

static void post(struct schedule_model *m, struct model_thing *t)
{
    t->used = true;
    t->of.kind = model_pick(4) == 0 ? STORE_CALLBACK : STORE_MESSAGE;
    t->st = STORE_LIVE;
    t->version = 1;
    schedule_rig_new_id(MODEL_SHARD, t->of.id);
    plan(m, t);
    t->slice[0].unlisted = t->slices == 1;
    schedule_rig_post(&m->rig, &t->of);
    assert_int_equal(m->rig.effect, EFFECT_DONE);
    m->did[DID_POST]++;
}

static bool is_claimed(const struct model_thing *t)
{
    bool claimed = false;

    for (unsigned k = 0; k < t->slices; k++)
        claimed |= t->slice[k].is.claimed;
    return claimed;
}

static void put(struct schedule_model *m, struct model_thing *t)
{
    struct model_thing other = *t;

    if (t->st == STORE_DELETED)
        return;
    plan(m, &other);
    other.version++;
    other.st = STORE_LIVE;
    schedule_rig_put(&m->rig, &other.of, t->version);
    assert_int_equal(m->rig.effect, is_claimed(t) ? EFFECT_CLAIMED : EFFECT_DONE);
    if (m->rig.effect == EFFECT_DONE)
        *t = other;
    m->did[m->rig.effect == EFFECT_DONE ? DID_PUT : DID_PUT_LATE]++;
}

static void put_callback(struct schedule_model *m, struct model_thing *t)
{
    struct model_slice *s = &t->slice[0];
    int64_t next_ms = model_pick(4) == 0 ? -1 : m->now_ms + (int64_t)model_pick(10);

    schedule_rig_put_callback(&m->rig, t->of.id, t->version, next_ms);
    assert_int_equal(m->rig.effect, EFFECT_DONE);
    t->version++;
    assert_true(slice_read(&s->is, VIEW_NONE, 1));
    s->leased = false; /* whoever calls has lost it */
    t->may_park_ms = t->requested ? t->requested_to_ms : 0;
    t->wished_ms = next_ms;
    t->resulted |= t->requested && next_ms < 0;
    s->unlisted = false;
    s->waits = next_ms >= 0;
    s->due_ms = next_ms;
    t->st = next_ms >= 0 ? STORE_LIVE : STORE_CLOSED;
    m->ended++;
    m->did[DID_PUT]++;
}

static void delete (struct schedule_model *m, struct model_thing *t)
{
    if (t->st == STORE_DELETED)
        return;
    schedule_rig_delete(&m->rig, t->of.id, t->version);
    assert_int_equal(m->rig.effect, EFFECT_DONE);
    t->version++;
    m->ended += t->st == STORE_LIVE; /* one that has ended was told to have completed */
    t->st = STORE_DELETED;
    t->out = 0;
    for (unsigned k = 0; k < t->slices; k++) {
        struct model_slice *s = &t->slice[k];

        t->out += (int64_t)slice_out(&s->is);
        s->waits = !s->leased && slice_out(&s->is) > 0;
        s->unlisted = false;
    }
    t->can = (int64_t)t->of.count - t->ok - t->dead - t->out;
    m->did[DID_DELETE]++;
}

static void pause_or_go_on(struct schedule_model *m, struct model_thing *t, bool paused)
{
    struct view args[] = {view_of(t->of.id), paused ? VIEW("1") : VIEW("")};

    assert_string_equal(
        schedule_rig_run(&m->rig, MODEL_SHARD, schedule_script(SCHEDULE_SCRIPT_PAUSE), args, 2),
        t->st == STORE_LIVE ? "done" : "gone");
    if (t->st != STORE_LIVE)
        return;
    t->paused = paused;
    if (paused)
        return;
    m->did[DID_PAUSE]++;
    for (unsigned k = 0; k < t->slices; k++) {
        struct model_slice *s = &t->slice[k];
        bool rests = !s->is.claimed || s->is.open;

        if (s->waits && !s->unlisted && rests && s->due_ms > m->now_ms && s->due_ms > t->of.at_ms)
            s->due_ms = 0; /* the store's now, or its own time */
    }
}

/* Whom does not matter, nor to the model that it is nobody. */
static void erase(struct schedule_model *m, struct model_thing *t)
{
    assert_true(schedule_rig_erase(&m->rig, &t->of, model_pick(t->slices), SCHEDULE_RIG_NOBODY,
                                   SCHEDULE_RIG_NOBODY));
    memcpy(t->erased, m->fence, sizeof t->erased);
    m->did[DID_ERASE]++;
}

static void steer(struct schedule_model *m, struct model_thing *t)
{
    size_t what = model_pick(40);

    if (!t->used) {
        post(m, t);
    } else if (t->of.kind == STORE_CALLBACK) {
        if (t->st == STORE_CLOSED && model_pick(2) == 0) {
            model_forget(m, t);
            return;
        }
        if (what < 8)
            put_callback(m, t);
    } else if (what < 8) {
        put(m, t);
    } else if (what < 20) {
        pause_or_go_on(m, t, model_pick(4) == 0);
    } else if (what < 22) {
        delete (m, t);
    } else if (what < 24) {
        erase(m, t);
    } else if (t->st != STORE_LIVE && t->out == 0 && what < 36) {
        model_forget(m, t);
        return;
    }
    if (t->used)
        model_compare(m, t, 0);
}

/* ---- steps ---- */

static void work(struct schedule_model *m, struct model_hold *h)
{
    if (m->things[h->thing].of.kind == STORE_CALLBACK && h->used)
        model_work_callback(m, h);
    else if (model_pick(4) == 0)
        model_finish(m, h);
    else
        model_write(m, h);
}

void schedule_model_step(struct schedule_model *m)
{
    size_t what = model_pick(100);
    struct model_hold *h = &m->holds[model_pick(MODEL_HOLDS)];

    if (what < 12) {
        steer(m, &m->things[model_pick(MODEL_THINGS)]);
    } else if (what < 24) {
        model_claim(m, false);
    } else if (what < 30) {
        model_receipt(m);
    } else if (what < 32) {
        model_drain(m);
    } else if (what < 33) {
        model_check(m, &m->things[model_pick(MODEL_THINGS)]);
    } else {
        for (size_t i = 0; i < MODEL_HOLDS && !h->used; i++)
            h = &m->holds[i];
        if (!h->used) {
            if (model_pick(3) > 0)
                model_claim(m, false);
            else
                steer(m, &m->things[model_pick(MODEL_THINGS)]);
        } else if (model_pick(30) == 0) {
            h->used = false; /* its process is gone */
            m->did[DID_FORGET]++;
        } else {
            work(m, h);
        }
    }
}

static bool is_over(const struct schedule_model *m)
{
    for (size_t i = 0; i < MODEL_THINGS; i++)
        if (m->things[i].used && (m->things[i].st == STORE_LIVE || m->things[i].out > 0))
            return false;
    return true;
}

void schedule_model_end(struct schedule_model *m)
{
    for (size_t i = 0; i < MODEL_THINGS; i++)
        if (m->things[i].used && m->things[i].of.kind == STORE_MESSAGE) {
            pause_or_go_on(m, &m->things[i], false);
            model_compare(m, &m->things[i], 0);
        }
    while (!is_over(m)) {
        model_claim(m, true);
        for (size_t i = 0; i < MODEL_HOLDS; i++)
            if (m->holds[i].used) {
                if (m->things[m->holds[i].thing].of.kind == STORE_CALLBACK)
                    model_work_callback(m, &m->holds[i]);
                else
                    model_finish(m, &m->holds[i]);
            }
    }
    for (size_t i = 0; i < MODEL_THINGS; i++)
        if (m->things[i].used)
            model_forget(m, &m->things[i]);
    do
        model_drain(m);
    while (m->rig.outbox.count > 0);
    assert_int_equal(m->settled_seen, m->settled);
    assert_int_equal(m->ended_seen, m->ended);
}

void schedule_model_print(const struct schedule_model *m)
{
    static const char *const names[DID_COUNT] = {
        "posts",     "changes",    "late changes", "deletions", "pauses",   "erasures", "claims",
        "leases",    "take-overs", "progresses",   "finishes",  "releases", "repeats",  "fenced",
        "cancelled", "paused",     "completed",    "forgotten", "receipts", "heard",    "put off",
        "calls",     "time-outs",  "events",       "logs"};

    for (size_t i = 0; i < DID_COUNT; i++) {
        printf("%s %llu%s", names[i], (unsigned long long)m->did[i],
               i + 1 < DID_COUNT ? ", " : "\n");
        assert_true(m->did[i] > 0); /* else it proves less than it says */
    }
}

struct schedule_model *schedule_model_new(const char *const *extra, unsigned seed)
{
    struct schedule_model *m = mem_zeroed(1, sizeof *m);

    srandom(seed);
    schedule_rig_start(&m->rig, extra, 0);
    redis_script_init(&m->dump, dump_text);
    model_claim(m, false); /* tells the time */
    return m;
}

void schedule_model_free(struct schedule_model *m)
{
    schedule_rig_stop(&m->rig);
    mem_free(m);
}
