/* What a turn of the loop asks of several shards travels together: in one call where one server has
 * them all, each by itself where it is part of a cluster; and what is wrong with one is its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/redis_group.h"
#include "tests/fakes/schedule_rig.h"
#include "tests/fakes/silence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS 5

static struct schedule_rig rig; /* its server and its posts; the port is ours */

struct shard_seen {
    struct schedule_claimed claimed;
    struct schedule_claimed_slice slice;
    enum schedule_state written;
    struct schedule_outbox outbox;
    struct schedule_event events[2];
};
static struct shard_seen seen[SHARDS];
static struct schedule_port port;
static struct redis_schedule *schedule;

static void on_claimed(void *owner, const struct schedule_claimed *c)
{
    (void)owner;
    seen[c->shard].claimed = *c;
    if (c->slice_count > 0)
        seen[c->shard].slice = c->slices[0];
    rig.owed--;
}

static void on_written(void *owner, uint64_t token, enum schedule_state state)
{
    (void)owner;
    seen[token].written = state;
    rig.owed--;
}

static void on_outbox(void *owner, const struct schedule_outbox *o)
{
    (void)owner;
    assert_true(o->count <= 2);
    seen[o->shard].outbox = *o;
    for (size_t i = 0; i < o->count; i++)
        seen[o->shard].events[i] = o->events[i];
    rig.owed--;
}

static void set_up(const char *const *extra)
{
    const struct redis_schedule_conf conf = {
        .retention_ms = SCHEDULE_RIG_KEEP, .outbox_max = SCHEDULE_RIG_OUTBOX, .owner = "us"};
    const struct schedule_answers answers = {
        .claimed = on_claimed, .written = on_written, .outbox = on_outbox};

    memset(seen, 0, sizeof seen);
    schedule_rig_start(&rig, extra, 0);
    schedule = redis_schedule_new(rig.redis, &conf, &answers, &silence);
    port = redis_schedule_port(schedule);
}

static void tear_down(void)
{
    schedule_rig_stop(&rig);
    redis_schedule_free(schedule);
}

static struct rig_message post(unsigned shard)
{
    struct rig_message m = {.kind = STORE_MESSAGE,
                            .count = 1,
                            .at_ms = 1,
                            .retries = 1,
                            .retry_delay_s = 60,
                            .source = "s1",
                            .sub_type = "sms"};

    schedule_rig_new_id(shard, m.id);
    schedule_rig_post(&rig, &m);
    assert_int_equal(rig.effect, EFFECT_DONE);
    return m;
}

/* ---- one turn ---- */

static void end_turn(void)
{
    port.flush(port.ctx);
    schedule_rig_await(&rig);
}

static void claim_all(void)
{
    for (unsigned i = 0; i < SHARDS; i++) {
        const struct schedule_claim c = {.shard = i,
                                         .slices = 8,
                                         .destinations = 1000 + i, /* each its own */
                                         .quantum = 2,
                                         .lease_ms = 60000,
                                         .head_start = 32,
                                         .gated = VIEW("whatsapp")};

        rig.owed++;
        port.claim(port.ctx, &c);
    }
    end_turn();
}

static void finish_all(void)
{
    struct settlement settled = {.attempt = 1, .state = SETTLEMENT_HANDLED, .address = VIEW("+1")};

    for (unsigned i = 0; i < SHARDS; i++) {
        struct slice *s = &seen[i].slice.slice;
        const struct schedule_write w = {.token = i,
                                         .lease = &seen[i].slice.lease,
                                         .slice = s,
                                         .settled = &settled,
                                         .settled_count = 1};

        slice_settle(s, 0, SLICE_OK);
        slice_end_pass(s);
        s->sequence++;
        rig.owed++;
        port.finish(port.ctx, &w);
    }
    end_turn();
}

/* Takes off what is known, and reads. */
static void read_all(void)
{
    for (unsigned i = 0; i < SHARDS; i++) {
        const char *ids[] = {seen[i].events[0].id, seen[i].events[1].id};

        rig.owed++;
        port.read_outbox(port.ctx, i, ids, seen[i].outbox.count);
    }
    end_turn();
}

static void expect_calls(const char *of, int64_t count)
{
    const char *const reset[] = {"CONFIG", "RESETSTAT"};
    static const char text[] = "return tonumber(string.match(redis.call('INFO', 'commandstats'), "
                               "'cmdstat_evalsha:calls=(%d+)') or 0)";
    const char *const calls[] = {"EVAL", text, "0"};
    int64_t is = schedule_rig_integer(&rig, calls, 3);

    if (is != count)
        fail_msg("%s: %lld calls", of, (long long)is);
    (void)schedule_rig_text(&rig, reset, 2);
}

static void forget_calls(void)
{
    const char *const reset[] = {"CONFIG", "RESETSTAT"};

    (void)schedule_rig_text(&rig, reset, 2);
}

static void expect_whole_round(int64_t calls_each)
{
    for (unsigned i = 0; i < SHARDS; i++)
        (void)post(i);
    forget_calls();
    claim_all();
    expect_calls("claims", calls_each);
    for (unsigned i = 0; i < SHARDS; i++) {
        assert_int_equal(seen[i].claimed.state, SCHEDULE_DONE);
        assert_int_equal(seen[i].claimed.slice_count, 1);
        assert_int_equal(seen[i].slice.lease.shard, i);
        assert_int_equal(seen[i].slice.slice.watermark, 1);
    }
    finish_all();
    expect_calls("writes", calls_each);
    for (unsigned i = 0; i < SHARDS; i++)
        assert_int_equal(seen[i].written, SCHEDULE_DONE);
    read_all();
    expect_calls("readings", calls_each);
    for (unsigned i = 0; i < SHARDS; i++) {
        assert_int_equal(seen[i].outbox.state, SCHEDULE_DONE);
        assert_int_equal(seen[i].outbox.count, 1);
        assert_int_equal(seen[i].events[0].type, SCHEDULE_EVENT_SETTLED);
        assert_true(seen[i].events[0].completes);
        assert_string_equal(seen[i].events[0].message, seen[i].slice.lease.id);
    }
    read_all();
    for (unsigned i = 0; i < SHARDS; i++)
        assert_int_equal(seen[i].outbox.count, 0);
    expect_calls("takings off", calls_each);
}

/* Teaches the scripts. */
static void first_turn(void)
{
    claim_all();
    for (unsigned i = 0; i < SHARDS; i++)
        (void)post(i);
    claim_all();
    finish_all();
    read_all();
    read_all();
}

static void one_server_takes_one_call_of_each_kind(void **state)
{
    (void)state;
    set_up(NULL);
    first_turn();
    expect_whole_round(1);
    tear_down();
}

/* A server that belongs to a cluster refuses a call for several shards; it is asked again, of each
 * shard by itself. */
static void part_of_a_cluster_takes_one_call_a_shard(void **state)
{
    char at[2][16];
    int number = redis_group_port();
    const char *const extra[] = {"--port", at[0],       "--cluster-port",    at[1],
                                 "--bind", "127.0.0.1", "--cluster-enabled", "yes",
                                 NULL};

    (void)state;
    snprintf(at[0], sizeof at[0], "%d", number);
    snprintf(at[1], sizeof at[1], "%d", number + 10000);
    set_up(extra);
    assert_string_equal(redis_server_ask(rig.server, "CLUSTER ADDSLOTSRANGE 0 16383"), "+OK");
    while (strstr(redis_server_ask(rig.server, "CLUSTER INFO"), "cluster_state:ok") == NULL)
        continue; /* it says so in a moment */
    claim_all();
    for (unsigned i = 0; i < SHARDS; i++)
        assert_int_equal(seen[i].claimed.state, SCHEDULE_FAILED);
    first_turn();
    expect_whole_round(SHARDS);
    tear_down();
}

static void what_is_broken_in_one_shard_keeps_no_other(void **state)
{
    const char *const break_due[] = {"SET", "s:{02}:due", "none"};
    const char *const mend_due[] = {"DEL", "s:{02}:due"};
    const char *const break_out[] = {"SET", "s:{03}:out", "none"};

    (void)state;
    set_up(NULL);
    first_turn();
    for (unsigned i = 0; i < SHARDS; i++)
        if (i != 2)
            (void)post(i);
    (void)schedule_rig_text(&rig, break_due, 3);
    claim_all();
    for (unsigned i = 0; i < SHARDS; i++) {
        assert_int_equal(seen[i].claimed.state, i == 2 ? SCHEDULE_FAILED : SCHEDULE_DONE);
        assert_int_equal(seen[i].claimed.slice_count, i != 2);
    }
    (void)schedule_rig_integer(&rig, mend_due, 2);
    (void)post(2);
    claim_all();
    assert_int_equal(seen[2].claimed.slice_count, 1);

    (void)schedule_rig_text(&rig, break_out, 3);
    seen[4].slice.slice.holder[0] ^= 1; /* somebody else's by now */
    finish_all();
    for (unsigned i = 0; i < SHARDS; i++)
        assert_int_equal(seen[i].written, i == 3   ? SCHEDULE_FAILED
                                          : i == 4 ? SCHEDULE_FENCED
                                                   : SCHEDULE_DONE);
    read_all();
    for (unsigned i = 0; i < SHARDS; i++)
        assert_int_equal(seen[i].outbox.state, i == 3 ? SCHEDULE_FAILED : SCHEDULE_DONE);
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_server_takes_one_call_of_each_kind),
        cmocka_unit_test(part_of_a_cluster_takes_one_call_a_shard),
        cmocka_unit_test(what_is_broken_in_one_shard_keeps_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
