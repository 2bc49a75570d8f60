/* redis.h against a real redis-server on a unix socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "bridge/io/crypto.h"
#include "bridge/io/redis.h"
#include "tests/fakes/redis_server.h"
#include "tests/fakes/silence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define MANY 5000
#define LOAD 500 /* commands under way at once */

struct seen { /* what the replies were */
    uv_loop_t *loop;
    unsigned replies;
    unsigned lost;
    enum redis_kind kind; /* of the last one */
    int64_t integer;
    char text[256];
};

struct bench {
    struct redis_server *server;
    uv_loop_t loop;
    struct redis *redis;
    unsigned ups;
    unsigned downs;
    struct seen seen;
    bool closed;
};

static void on_change(void *owner, bool up)
{
    struct bench *b = owner;

    if (up)
        b->ups++;
    else
        b->downs++;
    assert_int_equal(up, redis_up(b->redis));
}

static void on_reply(void *owner, const struct redis_value *v)
{
    struct seen *s = owner;
    size_t n = v->text.n < sizeof s->text ? v->text.n : sizeof s->text - 1;

    if (s->loop != NULL)
        uv_stop(s->loop); /* it came before the loop's turn polls, perhaps, which would block */
    s->replies++;
    s->kind = v->kind;
    s->integer = v->integer;
    if (v->kind == REDIS_LOST)
        s->lost++;
    if (n > 0)
        memcpy(s->text, v->text.p, n);
    s->text[n] = '\0';
}

static void connect_to(struct bench *b, const struct redis_conf *conf)
{
    struct fault f = {0};

    b->redis = redis_new(&b->loop, conf, &silence, &f);
    assert_non_null(b->redis);
    redis_watch(b->redis, on_change, b);
}

static struct redis_conf usual(const struct bench *b)
{
    return (struct redis_conf){.address = b->server->address, .timeout_ms = 5000, .durable = true};
}

static int start(void **state)
{
    struct bench *b = mem_zeroed(1, sizeof *b);

    b->server = redis_server_start(NULL);
    uv_loop_init(&b->loop);
    *state = b;
    return 0;
}

static void on_closed(void *owner)
{
    struct bench *b = owner;

    b->closed = true;
}

static void disconnect(struct bench *b)
{
    if (b->redis == NULL)
        return;
    b->closed = false;
    redis_close(b->redis, on_closed, b);
    b->redis = NULL;
    while (!b->closed)
        uv_run(&b->loop, UV_RUN_ONCE);
}

static int stop(void **state)
{
    struct bench *b = *state;

    disconnect(b);
    assert_int_equal(uv_loop_close(&b->loop), 0); /* nothing was left on it */
    redis_server_stop(b->server);
    mem_free(b);
    return 0;
}

static void wait_up(struct bench *b)
{
    while (!redis_up(b->redis))
        uv_run(&b->loop, UV_RUN_ONCE);
}

static void wait_down(struct bench *b)
{
    while (redis_up(b->redis))
        uv_run(&b->loop, UV_RUN_ONCE);
}

static void wait_replies(struct bench *b, unsigned count)
{
    while (b->seen.replies < count)
        uv_run(&b->loop, UV_RUN_ONCE);
}

/* Sends the words and waits for the reply. */
static const struct seen *ask(struct bench *b, const char *const *words)
{
    struct view args[16];
    size_t n = 0;

    for (; words[n] != NULL; n++)
        args[n] = view_of(words[n]);
    b->seen = (struct seen){.loop = &b->loop};
    redis_command(b->redis, args, n, on_reply, &b->seen);
    assert_int_equal(b->seen.replies, 0); /* never from inside the call */
    wait_replies(b, 1);
    return &b->seen;
}

#define ASK(b, ...) ask(b, (const char *const[]){__VA_ARGS__, NULL})

static void replies_of_every_kind_are_told_apart(void **state)
{
    struct bench *b = *state;
    const struct redis_conf conf = usual(b);

    connect_to(b, &conf);
    assert_false(redis_up(b->redis));
    assert_string_not_equal(redis_trouble(b->redis), "");
    wait_up(b);
    assert_string_equal(redis_trouble(b->redis), "");
    assert_int_equal(b->ups, 1);
    assert_int_equal(ASK(b, "SET", "a", "x y\r\nz")->kind, REDIS_STATUS);
    assert_string_equal(ASK(b, "GET", "a")->text, "x y\r\nz");
    assert_int_equal(b->seen.kind, REDIS_TEXT);
    assert_int_equal(ASK(b, "GET", "none")->kind, REDIS_NIL);
    assert_int_equal(ASK(b, "SET", "empty", "")->kind, REDIS_STATUS);
    assert_int_equal(ASK(b, "GET", "empty")->kind, REDIS_TEXT);
    assert_int_equal(ASK(b, "INCRBY", "n", "-7")->integer, -7);
    assert_int_equal(ASK(b, "LPUSH", "a", "b")->kind, REDIS_ERROR);
    assert_memory_equal(b->seen.text, "WRONGTYPE ", 10);
}

static void on_nested(void *owner, const struct redis_value *v)
{
    struct seen *s = owner;

    s->replies++;
    assert_int_equal(v->kind, REDIS_ARRAY);
    assert_int_equal(v->count, 4);
    assert_int_equal(v->items[0].integer, 1);
    assert_int_equal(v->items[1].kind, REDIS_ARRAY);
    assert_int_equal(v->items[1].count, 2);
    assert_true(view_is(v->items[1].items[0].text, "two"));
    assert_int_equal(v->items[1].items[1].kind, REDIS_ARRAY);
    assert_int_equal(v->items[1].items[1].count, 0);
    assert_int_equal(v->items[2].kind, REDIS_NIL);
    assert_int_equal(v->items[3].text.n, 100000); /* larger than a block */
    assert_int_equal(v->items[3].text.p[99999], 'x');
}

static void nested_and_large_replies_arrive_whole(void **state)
{
    struct bench *b = *state;
    const struct redis_conf conf = usual(b);
    const struct view args[] = {
        VIEW("EVAL"), VIEW("return {1, {'two', {}}, false, string.rep('x', 100000)}"), VIEW("0")};

    connect_to(b, &conf);
    wait_up(b);
    for (unsigned i = 0; i < 3; i++)
        redis_command(b->redis, args, 3, on_nested, &b->seen);
    wait_replies(b, 3);
}

static void on_in_order(void *owner, const struct redis_value *v)
{
    struct seen *s = owner;

    s->replies++;
    assert_int_equal(v->integer, s->replies);
}

static void many_commands_of_a_turn_are_answered_in_order(void **state)
{
    struct bench *b = *state;
    const struct redis_conf conf = usual(b);
    const struct view incr[] = {VIEW("INCR"), VIEW("n")};

    connect_to(b, &conf);
    wait_up(b);
    for (unsigned i = 0; i < MANY; i++)
        redis_command(b->redis, incr, 2, on_in_order, &b->seen);
    wait_replies(b, MANY);
    assert_string_equal(redis_server_ask(b->server, "GET n"), "5000");
}

static void commands_past_the_limit_are_lost_and_the_others_are_not(void **state)
{
    struct bench *b = *state;
    const struct redis_conf conf = usual(b);
    const struct view ping[] = {VIEW("PING")};

    connect_to(b, &conf);
    wait_up(b);
    for (unsigned i = 0; i < REDIS_IN_FLIGHT + 3; i++)
        redis_command(b->redis, ping, 1, on_reply, &b->seen);
    wait_replies(b, REDIS_IN_FLIGHT + 3);
    assert_int_equal(b->seen.lost, 3);
    assert_int_equal(b->downs, 0);
    assert_string_equal(ASK(b, "PING")->text, "PONG");
}

/* Keeps the load up: as long as it is answered, it asks again. */
static void on_count(void *owner, const struct redis_value *v)
{
    const struct view incr[] = {VIEW("INCR"), VIEW("n")};
    struct bench *b = owner;

    b->seen.replies++;
    if (v->kind == REDIS_LOST)
        b->seen.lost++;
    else
        redis_command(b->redis, incr, 2, on_count, b);
}

static void a_server_killed_under_load_loses_commands_and_comes_back(void **state)
{
    struct bench *b = *state;
    const struct redis_conf conf = usual(b);
    const struct view incr[] = {VIEW("INCR"), VIEW("n")};
    unsigned answered;
    unsigned long counted;

    connect_to(b, &conf);
    wait_up(b);
    for (unsigned i = 0; i < LOAD; i++)
        redis_command(b->redis, incr, 2, on_count, b);
    wait_replies(b, MANY);
    redis_server_kill(b->server);
    wait_down(b);
    assert_int_equal(b->seen.lost, LOAD);
    answered = b->seen.replies - b->seen.lost;
    assert_int_equal(b->downs, 1);
    assert_int_equal(ASK(b, "PING")->kind, REDIS_LOST);
    assert_string_not_equal(b->seen.text, "");
    redis_server_restart(b->server);
    wait_up(b);
    assert_int_equal(b->ups, 2);
    counted = strtoul(ASK(b, "GET", "n")->text, NULL, 10);
    /* What was answered is kept; of what was lost nobody knows. */
    assert_in_range(counted, answered, answered + LOAD);
}

static void a_script_runs_by_its_digest_and_survives_a_flush(void **state)
{
    struct bench *b = *state;
    const struct redis_conf conf = usual(b);
    const struct view keys[] = {VIEW("k")};
    const struct view args[] = {VIEW("5")};
    struct redis_script script;

    redis_script_init(&script, "return redis.call('INCRBY', KEYS[1], ARGV[1])");
    connect_to(b, &conf);
    wait_up(b);
    for (unsigned round = 1; round <= 3; round++) {
        b->seen = (struct seen){.loop = &b->loop};
        redis_run(b->redis, &script, keys, 1, args, 1, on_reply, &b->seen);
        wait_replies(b, 1);
        assert_int_equal(b->seen.kind, REDIS_INTEGER);
        assert_int_equal(b->seen.integer, 5 * round);
        if (round == 2)
            assert_string_equal(redis_server_ask(b->server, "SCRIPT FLUSH"), "+OK");
    }
}

static void a_frozen_server_costs_the_connection_and_comes_back(void **state)
{
    struct bench *b = *state;
    struct redis_conf conf = usual(b);

    conf.timeout_ms = 200;
    connect_to(b, &conf);
    wait_up(b);
    redis_server_freeze(b->server);
    assert_int_equal(ASK(b, "PING")->kind, REDIS_LOST);
    assert_non_null(strstr(b->seen.text, "no reply within the time limit"));
    assert_false(redis_up(b->redis));
    redis_server_thaw(b->server);
    wait_up(b);
    assert_string_equal(ASK(b, "PING")->text, "PONG");
}

static void a_server_that_hangs_unasked_is_found_out(void **state)
{
    struct bench *b = *state;
    struct redis_conf conf = usual(b);

    conf.timeout_ms = 200;
    connect_to(b, &conf);
    wait_up(b);
    redis_server_freeze(b->server);
    wait_down(b);
    assert_non_null(strstr(redis_trouble(b->redis), "no reply within the time limit"));
    redis_server_thaw(b->server);
    wait_up(b);
    assert_string_equal(ASK(b, "PING")->text, "PONG");
}

static void refuses(struct bench *b, const char *change, const char *sentence, const char *mend)
{
    const struct redis_conf conf = usual(b);

    assert_string_equal(redis_server_ask(b->server, change), "+OK");
    connect_to(b, &conf);
    while (strstr(redis_trouble(b->redis), sentence) == NULL) {
        assert_false(redis_up(b->redis));
        uv_run(&b->loop, UV_RUN_ONCE);
    }
    assert_int_equal(b->ups, 0);
    assert_string_equal(redis_server_ask(b->server, mend), "+OK");
    wait_up(b); /* it keeps trying */
    disconnect(b);
    b->ups = 0;
}

static void a_server_that_may_forget_is_refused_until_mended(void **state)
{
    struct bench *b = *state;

    refuses(b, "CONFIG SET appendfsync everysec",
            "appendfsync is 'everysec'; the durable profile needs 'always'",
            "CONFIG SET appendfsync always");
    refuses(b, "CONFIG SET maxmemory-policy allkeys-lru",
            "maxmemory-policy is 'allkeys-lru'; the durable profile needs 'noeviction'",
            "CONFIG SET maxmemory-policy noeviction");
    refuses(b, "CONFIG SET appendonly no", "appendonly is 'no'; the durable profile needs 'yes'",
            "CONFIG SET appendonly yes");
}

/* Idle or at work: it is looked at all the time. */
static void a_server_that_may_forget_from_now_on_is_left(void **state)
{
    struct bench *b = *state;
    struct redis_conf conf = usual(b);

    conf.timeout_ms = 200;
    connect_to(b, &conf);
    wait_up(b);
    assert_string_equal(redis_server_ask(b->server, "CONFIG SET appendfsync everysec"), "+OK");
    wait_down(b);
    assert_non_null(strstr(redis_trouble(b->redis), "appendfsync is 'everysec'"));
    assert_string_equal(redis_server_ask(b->server, "CONFIG SET appendfsync always"), "+OK");
    wait_up(b);
    assert_string_equal(redis_server_ask(b->server, "CONFIG SET maxmemory-policy allkeys-lru"),
                        "+OK");
    while (redis_up(b->redis))
        (void)ASK(b, "PING");
    assert_string_equal(redis_server_ask(b->server, "CONFIG SET maxmemory-policy noeviction"),
                        "+OK");
    wait_up(b);
}

static void on_rested(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* Nothing was given for long enough: the look goes in front of what is given then. */
static void after_a_rest_nothing_is_believed_before_the_profile_is(void **state)
{
    struct bench *b = *state;
    struct redis_conf conf = usual(b);
    uv_timer_t rest;

    conf.timeout_ms = 60000; /* no look while it rests */
    connect_to(b, &conf);
    wait_up(b);
    assert_string_equal(redis_server_ask(b->server, "CONFIG SET appendfsync everysec"), "+OK");
    uv_timer_init(&b->loop, &rest);
    uv_timer_start(&rest, on_rested, REDIS_CHECK_MS, 0);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&rest, NULL);
    assert_true(redis_up(b->redis));
    assert_int_equal(ASK(b, "SET", "a", "1")->kind, REDIS_LOST);
    assert_non_null(strstr(b->seen.text, "appendfsync is 'everysec'"));
}

static void a_server_that_is_full_is_up_and_said_to_refuse(void **state)
{
    struct bench *b = *state;
    const struct redis_conf conf = usual(b);

    connect_to(b, &conf);
    wait_up(b);
    assert_string_equal(redis_refusal(b->redis), "");
    assert_string_equal(redis_server_ask(b->server, "CONFIG SET maxmemory 1"), "+OK");
    assert_int_equal(ASK(b, "SET", "a", "b")->kind, REDIS_ERROR);
    assert_true(redis_up(b->redis));
    assert_non_null(strstr(redis_refusal(b->redis), "refuses to write: OOM"));
    assert_int_equal(ASK(b, "GET", "a")->kind, REDIS_NIL); /* says nothing of writes */
    assert_non_null(strstr(redis_refusal(b->redis), "OOM"));
    assert_string_equal(redis_server_ask(b->server, "CONFIG SET maxmemory 0"), "+OK");
}

static void without_the_durable_profile_such_a_server_will_do(void **state)
{
    struct bench *b = *state;
    struct redis_conf conf = usual(b);

    redis_server_ask(b->server, "CONFIG SET appendfsync everysec");
    conf.durable = false;
    connect_to(b, &conf);
    wait_up(b);
    assert_string_equal(ASK(b, "PING")->text, "PONG");
}

static void a_primary_that_becomes_a_replica_is_left_until_it_is_one_again(void **state)
{
    struct bench *b = *state;
    const struct redis_conf conf = usual(b);

    connect_to(b, &conf);
    wait_up(b);
    redis_server_ask(b->server, "REPLICAOF 127.0.0.1 1");
    assert_int_equal(ASK(b, "SET", "a", "1")->kind, REDIS_ERROR);
    assert_memory_equal(b->seen.text, "READONLY ", 9);
    wait_down(b);
    while (strstr(redis_trouble(b->redis), "it is a replica") == NULL)
        uv_run(&b->loop, UV_RUN_ONCE);
    redis_server_ask(b->server, "REPLICAOF NO ONE");
    wait_up(b);
    assert_int_equal(ASK(b, "SET", "a", "1")->kind, REDIS_STATUS);
}

static void user_password_and_database_are_used(void **state)
{
    struct bench *b = *state;
    struct redis_conf conf = usual(b);

    redis_server_ask(b->server, "ACL SETUSER alice on >open-sesame ~* +@all");
    redis_server_ask(b->server, "ACL SETUSER default off");
    conf.user = "alice";
    conf.password = "wrong";
    conf.database = 3;
    connect_to(b, &conf);
    while (strstr(redis_trouble(b->redis), "AUTH is refused") == NULL)
        uv_run(&b->loop, UV_RUN_ONCE);
    assert_null(strstr(redis_trouble(b->redis), "wrong"));
    disconnect(b);
    conf.password = "open-sesame";
    connect_to(b, &conf);
    wait_up(b);
    ASK(b, "SET", "here", "1");
    ASK(b, "SELECT", "0");
    assert_int_equal(ASK(b, "EXISTS", "here")->integer, 0);
    ASK(b, "SELECT", "3");
    assert_int_equal(ASK(b, "EXISTS", "here")->integer, 1);
}

static void closing_ends_every_command_before_it_returns(void **state)
{
    struct bench *b = *state;
    const struct redis_conf conf = usual(b);
    const struct view ping[] = {VIEW("PING")};
    struct redis *r;

    connect_to(b, &conf);
    wait_up(b);
    for (unsigned i = 0; i < 10; i++)
        redis_command(b->redis, ping, 1, on_reply, &b->seen);
    r = b->redis;
    b->redis = NULL;
    redis_close(r, on_closed, b);
    assert_int_equal(b->seen.lost, 10);
    while (!b->closed)
        uv_run(&b->loop, UV_RUN_ONCE);
}

static void close_and_count(void *owner, const struct redis_value *v)
{
    struct bench *b = owner;
    struct redis *r = b->redis;

    b->seen.replies++;
    if (v->kind == REDIS_LOST)
        b->seen.lost++;
    b->redis = NULL;
    if (r != NULL)
        redis_close(r, on_closed, b);
}

static void closing_from_inside_a_reply_is_allowed(void **state)
{
    struct bench *b = *state;
    const struct redis_conf conf = usual(b);
    const struct view ping[] = {VIEW("PING")};

    connect_to(b, &conf);
    wait_up(b);
    for (unsigned i = 0; i < 3; i++)
        redis_command(b->redis, ping, 1, close_and_count, b);
    while (!b->closed)
        uv_run(&b->loop, UV_RUN_ONCE);
    assert_int_equal(b->seen.replies, 3);
    assert_int_equal(b->seen.lost, 2);
}

static void addresses_that_make_no_sense_are_refused(void **state)
{
    static const char *const bad[] = {"",        "host",   "host:",    "host:0", "host:65536",
                                      ":6379",   "unix:",  "::1:6379", "a b:x",  "host:6379x",
                                      "host:-1", "[::1]:", "[]:6379"};
    struct bench *b = *state;
    struct redis_conf conf = usual(b);

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fault f = {0};

        conf.address = bad[i];
        assert_null(redis_new(&b->loop, &conf, &silence, &f));
        assert_int_equal(f.cls, FAULT_STOP);
    }
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, start, stop)
    const struct CMUnitTest tests[] = {
        ROW(replies_of_every_kind_are_told_apart),
        ROW(nested_and_large_replies_arrive_whole),
        ROW(many_commands_of_a_turn_are_answered_in_order),
        ROW(commands_past_the_limit_are_lost_and_the_others_are_not),
        ROW(a_server_killed_under_load_loses_commands_and_comes_back),
        ROW(a_script_runs_by_its_digest_and_survives_a_flush),
        ROW(a_frozen_server_costs_the_connection_and_comes_back),
        ROW(a_server_that_hangs_unasked_is_found_out),
        ROW(a_server_that_may_forget_is_refused_until_mended),
        ROW(a_server_that_may_forget_from_now_on_is_left),
        ROW(after_a_rest_nothing_is_believed_before_the_profile_is),
        ROW(a_server_that_is_full_is_up_and_said_to_refuse),
        ROW(without_the_durable_profile_such_a_server_will_do),
        ROW(a_primary_that_becomes_a_replica_is_left_until_it_is_one_again),
        ROW(user_password_and_database_are_used),
        ROW(closing_ends_every_command_before_it_returns),
        ROW(closing_from_inside_a_reply_is_allowed),
        ROW(addresses_that_make_no_sense_are_refused),
    };

    redis_server_need();
    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
