/* redis.h against a real Redis Cluster, real Sentinels and a real replica. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "bridge/io/crypto.h"
#include "bridge/io/redis.h"
#include "bridge/io/redis_aof.h"
#include "bridge/io/redis_slots.h"
#include "tests/fakes/redis_group.h"
#include "tests/fakes/silence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define KEYS       300
#define REPLIES_MS 30000

struct bench {
    uv_loop_t loop;
    uv_timer_t patience;
    uv_timer_t again;
    struct redis_group *group;
    struct redis *redis;
    unsigned replies;
    unsigned good; /* replies that are what was wanted */
    unsigned lost;
    char wanted[64];
    char last[256];
};

static void on_reply(void *owner, const struct redis_value *v)
{
    struct bench *b = owner;

    b->replies++;
    if (v->kind == REDIS_LOST)
        b->lost++;
    if (v->kind == REDIS_INTEGER)
        snprintf(b->last, sizeof b->last, "%" PRId64, v->integer);
    else
        view_copy(v->text, b->last, sizeof b->last);
    if (strcmp(b->last, b->wanted) == 0)
        b->good++;
}

static void on_patience(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("nothing came of it within %d ms", REPLIES_MS);
}

static void on_again(uv_timer_t *timer)
{
    (void)timer; /* only wakes the loop, for those who look at something from outside */
}

static void setup(struct bench *b, const struct redis_conf *conf)
{
    struct fault f = {0};

    uv_loop_init(&b->loop);
    uv_timer_init(&b->loop, &b->patience);
    uv_timer_init(&b->loop, &b->again);
    uv_timer_start(&b->patience, on_patience, REPLIES_MS, 0);
    uv_timer_start(&b->again, on_again, 10, 10);
    b->redis = redis_new(&b->loop, conf, &silence, &f);
    if (b->redis == NULL)
        fail_msg("%s", f.text);
}

static void on_closed(void *owner)
{
    *(bool *)owner = true;
}

static void teardown(struct bench *b)
{
    bool closed = false;

    redis_close(b->redis, on_closed, &closed);
    while (!closed)
        uv_run(&b->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&b->patience, NULL);
    uv_close((uv_handle_t *)&b->again, NULL);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&b->loop), 0);
    redis_group_stop(b->group);
}

static void wait_up(struct bench *b, bool up)
{
    while (redis_up(b->redis) != up)
        uv_run(&b->loop, UV_RUN_ONCE);
}

static void wait_replies(struct bench *b, unsigned count)
{
    while (b->replies < count)
        uv_run(&b->loop, UV_RUN_ONCE);
}

static void want(struct bench *b, const char *reply)
{
    snprintf(b->wanted, sizeof b->wanted, "%s", reply);
    b->replies = b->good = b->lost = 0;
}

static void ask_one(struct bench *b, const char *command, const char *key, const char *value)
{
    const struct view args[] = {view_of(command), view_of(key), view_of(value)};

    redis_command(b->redis, args, value != NULL ? 3 : 2, on_reply, b);
}

static void ask_all(struct bench *b, const char *command, const char *value)
{
    for (int i = 0; i < KEYS; i++) {
        char key[32];

        snprintf(key, sizeof key, "k{%d}", i);
        ask_one(b, command, key, value);
    }
    wait_replies(b, KEYS);
}

/* Asks again while the answer is lost: what becomes of a failover is seen by a reply. */
static void ask_until_answered(struct bench *b, const char *command, const char *key,
                               const char *value)
{
    do {
        b->replies = b->good = b->lost = 0;
        ask_one(b, command, key, value);
        wait_replies(b, 1);
        if (b->lost > 0)
            uv_run(&b->loop, UV_RUN_ONCE);
    } while (b->lost > 0);
}

static void ask_at(struct bench *b, const char *at, const char *command)
{
    const struct view arg = view_of(command);

    b->replies = b->lost = 0;
    redis_command_at(b->redis, at, &arg, 1, on_reply, b);
    assert_int_equal(b->replies, 0); /* never from inside */
    wait_replies(b, 1);
}

static bool is_server(struct bench *b, const char *at)
{
    static struct redis_servers servers;
    bool is = false;

    redis_servers(b->redis, &servers);
    for (size_t i = 0; i < servers.count; i++)
        is = is || strcmp(servers.at[i], at) == 0;
    return is;
}

static const char *name_of(const struct bench *b, size_t server)
{
    static char at[32];

    snprintf(at, sizeof at, "127.0.0.1:%d", b->group->port[server]);
    return at;
}

/* ---- cluster ---- */

static void keys_are_sent_where_they_lie_and_scripts_too(void **state)
{
    static struct redis_script script;
    struct bench b = {.group = redis_group_cluster(false)};
    const struct redis_conf conf = {
        .address = b.group->addresses, .via = REDIS_CLUSTER, .timeout_ms = 5000, .durable = true};

    (void)state;
    redis_script_init(&script, "#!lua\nreturn redis.call('APPEND', KEYS[1], ARGV[1])");
    setup(&b, &conf);
    wait_up(&b, true);
    want(&b, "OK");
    ask_all(&b, "SET", "v");
    assert_int_equal(b.good, KEYS);
    want(&b, "2");
    for (int i = 0; i < KEYS; i++) {
        char key[32];
        const struct view arg = VIEW("w");

        snprintf(key, sizeof key, "k{%d}", i);
        redis_run(b.redis, &script, &(struct view){key, strlen(key)}, 1, &arg, 1, on_reply, &b);
    }
    wait_replies(&b, KEYS);
    assert_int_equal(b.good, KEYS);
    for (size_t i = 0; i < b.group->count; i++) /* each had its share */
        assert_string_not_equal(redis_server_ask(b.group->server[i], "DBSIZE"), ":0");
    teardown(&b);
}

static void every_primary_is_asked_by_its_name(void **state)
{
    struct bench b = {.group = redis_group_cluster(true)};
    const struct redis_conf conf = {
        .address = b.group->addresses, .via = REDIS_CLUSTER, .timeout_ms = 5000, .durable = true};
    static struct redis_servers servers;
    long keys = 0;

    (void)state;
    setup(&b, &conf);
    redis_servers(b.redis, &servers);
    assert_int_equal(servers.count, 0); /* not known yet */
    wait_up(&b, true);
    ask_all(&b, "SET", "v");
    redis_servers(b.redis, &servers);
    assert_int_equal(servers.count, REDIS_GROUP_PRIMARIES);
    for (size_t i = 0; i < REDIS_GROUP_PRIMARIES; i++)
        assert_true(is_server(&b, name_of(&b, i)));
    for (size_t i = 0; i < servers.count; i++) {
        ask_at(&b, servers.at[i], "DBSIZE");
        assert_true(strtol(b.last, NULL, 10) > 0);
        keys += strtol(b.last, NULL, 10);
    }
    assert_int_equal(keys, KEYS);
    ask_at(&b, name_of(&b, REDIS_GROUP_PRIMARIES), "DBSIZE"); /* a replica */
    assert_int_equal(b.lost, 1);
    assert_non_null(strstr(b.last, "no primary of the cluster"));
    teardown(&b);
}

/* ---- append-only files ---- */

struct rewriting {
    struct redis_aof *aof;
    bool done;
    bool rewritten;
    char left[256];
};

static void on_rewritten(void *owner, const struct redis_aof_outcome *outcome)
{
    struct rewriting *w = owner;

    w->done = true;
    w->rewritten = outcome->rewritten;
    view_copy(outcome->left, w->left, sizeof w->left);
    redis_aof_free(w->aof);
}

static void write_anew(struct bench *b, struct rewriting *w)
{
    w->done = false;
    w->aof = redis_aof_rewrite(&b->loop, b->redis, on_rewritten, w);
    assert_false(w->done);
    while (!w->done)
        uv_run(&b->loop, UV_RUN_ONCE);
}

static long rewrites_of(struct bench *b, size_t server)
{
    const char *all = redis_server_ask(b->group->server[server], "INFO persistence");
    const char *at = strstr(all, "aof_rewrites:");

    assert_non_null(at);
    return strtol(at + strlen("aof_rewrites:"), NULL, 10);
}

static void every_primary_writes_its_file_anew_and_replicas_are_named(void **state)
{
    struct bench b = {.group = redis_group_cluster(true)};
    const struct redis_conf conf = {
        .address = b.group->addresses, .via = REDIS_CLUSTER, .timeout_ms = 5000, .durable = true};
    long before[REDIS_GROUP_PRIMARIES];
    struct rewriting w;

    (void)state;
    setup(&b, &conf);
    write_anew(&b, &w); /* the cluster is not known yet */
    assert_false(w.rewritten);
    assert_string_equal(w.left, "");
    wait_up(&b, true);
    for (size_t i = 0; i < REDIS_GROUP_PRIMARIES; i++) {
        redis_group_wait(b.group, i, "INFO persistence", "aof_rewrite_in_progress:0");
        before[i] = rewrites_of(&b, i);
    }
    /* One that is under way may have begun too early: it does not count. */
    assert_string_equal(redis_server_ask(b.group->server[1], "BGREWRITEAOF"),
                        "+Background append only file rewriting started");
    write_anew(&b, &w);
    assert_true(w.rewritten);
    for (size_t i = 0; i < REDIS_GROUP_PRIMARIES; i++) {
        assert_int_equal(rewrites_of(&b, i), before[i] + (i == 1 ? 2 : 1));
        assert_non_null(strstr(w.left, name_of(&b, REDIS_GROUP_PRIMARIES + i)));
        assert_null(strstr(w.left, name_of(&b, i)));
    }
    /* One that may not be told is named, and the others are told. */
    assert_string_equal(redis_server_ask(b.group->server[1], "ACL SETUSER default -bgrewriteaof"),
                        "+OK");
    write_anew(&b, &w);
    assert_false(w.rewritten);
    assert_non_null(strstr(w.left, name_of(&b, 1)));
    assert_int_equal(rewrites_of(&b, 1), before[1] + 2);
    assert_int_equal(rewrites_of(&b, 2), before[2] + 2);
    w.done = false;
    w.aof = redis_aof_rewrite(&b.loop, b.redis, on_rewritten, &w);
    redis_aof_free(w.aof); /* whoever left is not called */
    teardown(&b);
    assert_false(w.done);
}

/* Of a script, whose other keys may be on the other server still. */
static void on_late_reply(void *owner, const struct redis_value *v)
{
    assert_int_equal(v->kind, REDIS_INTEGER);
    *(int64_t *)owner = v->integer;
}

static void a_slot_that_moves_under_load_is_followed(void **state)
{
    static struct redis_script script;
    const struct view key = VIEW("k{7}");
    const struct view arg = VIEW("w");
    int64_t length = 0;
    struct bench b = {.group = redis_group_cluster(false)};
    const struct redis_conf conf = {
        .address = b.group->addresses, .via = REDIS_CLUSTER, .timeout_ms = 5000, .durable = true};
    char from_id[64];
    char to_id[64];
    char command[160];
    unsigned slot = redis_slot_of(VIEW("k{7}"));
    size_t from = slot * REDIS_GROUP_PRIMARIES / REDIS_SLOTS;
    size_t to = (from + 1) % REDIS_GROUP_PRIMARIES;

    (void)state;
    setup(&b, &conf);
    wait_up(&b, true);
    want(&b, "OK");
    ask_all(&b, "SET", "v");
    snprintf(from_id, sizeof from_id, "%.40s",
             redis_server_ask(b.group->server[from], "CLUSTER MYID"));
    snprintf(to_id, sizeof to_id, "%.40s", redis_server_ask(b.group->server[to], "CLUSTER MYID"));
    snprintf(command, sizeof command, "CLUSTER SETSLOT %u IMPORTING %s", slot, from_id);
    assert_string_equal(redis_server_ask(b.group->server[to], command), "+OK");
    snprintf(command, sizeof command, "CLUSTER SETSLOT %u MIGRATING %s", slot, to_id);
    assert_string_equal(redis_server_ask(b.group->server[from], command), "+OK");
    /* Not there any more: the old server says ASK. */
    snprintf(command, sizeof command, "MIGRATE 127.0.0.1 %d k{7} 0 5000", b.group->port[to]);
    assert_string_equal(redis_server_ask(b.group->server[from], command), "+OK");
    redis_script_init(&script, "#!lua\nreturn redis.call('APPEND', KEYS[1], ARGV[1])");
    redis_run(b.redis, &script, &key, 1, &arg, 1, on_late_reply, &length);
    want(&b, "v");
    ask_all(&b, "GET", NULL);
    assert_int_equal(b.good, KEYS);
    assert_int_equal(length, 0); /* it waits */
    /* And now for good: MOVED. */
    snprintf(command, sizeof command, "CLUSTER SETSLOT %u NODE %s", slot, to_id);
    for (size_t i = 0; i < b.group->count; i++)
        assert_string_equal(redis_server_ask(b.group->server[(to + i) % b.group->count], command),
                            "+OK");
    while (length == 0)
        uv_run(&b.loop, UV_RUN_ONCE);
    assert_int_equal(length, 2);
    want(&b, "OK");
    ask_one(&b, "SET", "k{7}", "v");
    wait_replies(&b, 1);
    want(&b, "v");
    ask_all(&b, "GET", NULL);
    assert_int_equal(b.good, KEYS);
    teardown(&b);
}

static void a_slot_that_moves_for_too_long_is_named(void **state)
{
    static struct redis_script script;
    static struct redis_script alone;
    struct bench b = {.group = redis_group_cluster(false)};
    const struct redis_conf conf = {
        .address = b.group->addresses, .via = REDIS_CLUSTER, .timeout_ms = 1000, .durable = true};
    const struct view key = VIEW("k{7}");
    const struct view arg = VIEW("w");
    unsigned slot = redis_slot_of(key);
    size_t from = redis_group_owner(slot);
    size_t to = (from + 1) % REDIS_GROUP_PRIMARIES;
    char name[32];

    (void)state;
    redis_script_init(&script, "#!lua\nreturn redis.call('APPEND', KEYS[1], ARGV[1])");
    redis_script_init(&alone, "#!lua\n return redis.call('APPEND', KEYS[1], ARGV[1])");
    setup(&b, &conf);
    wait_up(&b, true);
    redis_group_move_begin(b.group, slot, from, to);
    want(&b, "1");
    redis_run(b.redis, &script, &key, 1, &arg, 1, on_reply, &b);
    wait_replies(&b, 1);
    assert_int_equal(b.lost, 1);
    snprintf(name, sizeof name, "slot %u is being moved", slot);
    assert_non_null(strstr(b.last, name));
    assert_non_null(strstr(redis_refusal(b.redis), name));
    /* The next one does not wait for it. And one that uses no other key is not stopped: it goes to
     * the new server, which has never seen it. */
    want(&b, "1");
    alone.one_key = true;
    redis_run(b.redis, &script, &key, 1, &arg, 1, on_reply, &b);
    redis_run(b.redis, &alone, &key, 1, &arg, 1, on_reply, &b);
    wait_replies(&b, 1);
    assert_int_equal(b.lost, 1); /* the other one has a longer way */
    wait_replies(&b, 2);
    assert_int_equal(b.good, 1);
    redis_group_move_end(b.group, slot, from, to);
    want(&b, "2");
    redis_run(b.redis, &script, &key, 1, &arg, 1, on_reply, &b);
    wait_replies(&b, 1);
    assert_int_equal(b.good, 1);
    teardown(&b);
}

static void a_replica_that_takes_over_is_found(void **state)
{
    struct bench b = {.group = redis_group_cluster(true)};
    const struct redis_conf conf = {.address = b.group->addresses,
                                    .via = REDIS_CLUSTER,
                                    .timeout_ms = 2000,
                                    .durable = true,
                                    .replicas = 1};

    (void)state;
    setup(&b, &conf);
    do { /* too slow a disk is said, and tried again */
        wait_up(&b, true);
        want(&b, "OK");
        ask_all(&b, "SET", "v");
    } while (b.lost > 0);
    assert_int_equal(b.good, KEYS);
    redis_server_kill(b.group->server[0]);
    wait_up(&b, false);
    /* The survivor has no replica left, so it is read as a cluster that may lose: not with WAIT. */
    redis_group_wait(b.group, REDIS_GROUP_PRIMARIES, "INFO replication", "role:master");
    for (size_t k = 1; k <= REDIS_GROUP_PRIMARIES; k++)
        redis_group_wait(b.group, k, "CLUSTER INFO", "cluster_state:ok");
    for (int i = 0; i < KEYS; i++) { /* all that was acknowledged is there */
        char command[64];
        const char *answer;

        snprintf(command, sizeof command, "GET k{%d}", i);
        for (size_t k = 1; k <= REDIS_GROUP_PRIMARIES; k++) {
            answer = redis_server_ask(b.group->server[k], command);
            if (answer[0] != '-')
                break;
        }
        assert_string_equal(answer, "v");
    }
    teardown(&b);
}

static void without_wait_a_cluster_goes_on_after_a_failover(void **state)
{
    struct bench b = {.group = redis_group_cluster(true)};
    const struct redis_conf conf = {
        .address = b.group->addresses, .via = REDIS_CLUSTER, .timeout_ms = 2000, .durable = true};

    (void)state;
    setup(&b, &conf);
    wait_up(&b, true);
    redis_server_kill(b.group->server[1]);
    wait_up(&b, false);
    /* Each sees for itself that the cluster is whole again, and takes nothing before. */
    for (size_t i = 0; i < b.group->count; i++)
        if (i != 1)
            redis_group_wait(b.group, i, "CLUSTER INFO", "cluster_state:ok");
    do { /* as above */
        wait_up(&b, true);
        want(&b, "OK");
        ask_all(&b, "SET", "v");
    } while (b.lost > 0);
    assert_int_equal(b.good, KEYS);
    assert_false(is_server(&b, name_of(&b, 1)));
    assert_true(is_server(&b, name_of(&b, REDIS_GROUP_PRIMARIES + 1)));
    ask_at(&b, name_of(&b, 1), "PING");
    assert_int_equal(b.lost, 1);
    teardown(&b);
}

/* ---- Sentinel ---- */

static void the_primary_that_sentinels_name_is_used_and_the_next_one_too(void **state)
{
    struct bench b = {.group = redis_group_pair(true)};
    const struct redis_conf conf = {.address = b.group->addresses,
                                    .via = REDIS_SENTINEL,
                                    .primary = "mymaster",
                                    .timeout_ms = 2000,
                                    .durable = true};
    char second[32];

    (void)state;
    setup(&b, &conf);
    wait_up(&b, true);
    want(&b, "OK");
    ask_one(&b, "SET", "a", "1");
    wait_replies(&b, 1);
    assert_int_equal(b.good, 1);
    redis_group_wait(b.group, 0, "WAIT 1 1000", ":1");
    redis_server_kill(b.group->server[0]);
    wait_up(&b, false);
    wait_up(&b, true);
    snprintf(second, sizeof second, "127.0.0.1:%d", b.group->port[1]);
    assert_string_equal(redis_address(b.redis), second);
    want(&b, "1");
    ask_until_answered(&b, "GET", "a", NULL);
    assert_int_equal(b.good, 1);
    assert_true(is_server(&b, second));
    ask_at(&b, second, "DBSIZE");
    assert_string_equal(b.last, "1");
    ask_at(&b, name_of(&b, 0), "DBSIZE");
    assert_int_equal(b.lost, 1);
    assert_non_null(strstr(b.last, "another server is the primary"));
    teardown(&b);
}

static void a_name_that_sentinels_do_not_know_is_said(void **state)
{
    struct bench b = {.group = redis_group_pair(true)};
    const struct redis_conf conf = {.address = b.group->addresses,
                                    .via = REDIS_SENTINEL,
                                    .primary = "other",
                                    .timeout_ms = 2000};

    (void)state;
    setup(&b, &conf);
    while (strstr(redis_trouble(b.redis), "knows no primary named 'other'") == NULL)
        uv_run(&b.loop, UV_RUN_ONCE);
    teardown(&b);
}

/* ---- replicas ---- */

static void a_write_counts_only_when_the_replica_has_it(void **state)
{
    struct bench b = {.group = redis_group_pair(false)};
    const struct redis_conf conf = {.address = b.group->addresses,
                                    .timeout_ms = 6000,
                                    /* a disk may be slow; WAIT has half of it */ .durable = true,
                                    .replicas = 1};

    (void)state;
    setup(&b, &conf);
    wait_up(&b, true);
    do { /* too slow a disk is said, and tried again */
        wait_up(&b, true);
        want(&b, "OK");
        ask_all(&b, "SET", "v");
    } while (b.lost > 0);
    assert_int_equal(b.good, KEYS);
    redis_server_freeze(b.group->server[1]);
    want(&b, "OK");
    ask_one(&b, "SET", "late", "v");
    wait_replies(&b, 1);
    assert_int_equal(b.lost, 1);
    assert_non_null(strstr(b.last, "replicas"));
    redis_server_thaw(b.group->server[1]);
    wait_up(&b, true);
    ask_until_answered(&b, "SET", "late", "v");
    assert_int_equal(b.good, 1);
    teardown(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_sent_where_they_lie_and_scripts_too),
        cmocka_unit_test(every_primary_is_asked_by_its_name),
        cmocka_unit_test(every_primary_writes_its_file_anew_and_replicas_are_named),
        cmocka_unit_test(a_slot_that_moves_under_load_is_followed),
        cmocka_unit_test(a_slot_that_moves_for_too_long_is_named),
        cmocka_unit_test(a_replica_that_takes_over_is_found),
        cmocka_unit_test(without_wait_a_cluster_goes_on_after_a_failover),
        cmocka_unit_test(the_primary_that_sentinels_name_is_used_and_the_next_one_too),
        cmocka_unit_test(a_name_that_sentinels_do_not_know_is_said),
        cmocka_unit_test(a_write_counts_only_when_the_replica_has_it),
    };

    redis_server_need();
    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
