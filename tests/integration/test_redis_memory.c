/* redis_memory.h against a real redis-server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "bridge/io/crypto.h"
#include "bridge/io/redis_memory.h"
#include "tests/fakes/redis_server.h"
#include "tests/fakes/silence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define REFS_KEEP_MS (INT64_C(90) * 24 * 3600 * 1000)
#define MANY         10000 /* more than are at Redis at once */

struct bench {
    struct redis_server *server;
    uv_loop_t loop;
    struct redis *redis;
    struct redis_memory *memory;
    struct memory_port port;
    unsigned answers;
    unsigned failed;
    uint64_t token; /* of the newest answer */
    enum memory_state state;
    char value[128];
    char error[128];
    bool closed;
};

static void keep_text(char *to, size_t room, struct view v)
{
    size_t n = v.n < room ? v.n : room - 1;

    if (n > 0)
        memcpy(to, v.p, n);
    to[n] = '\0';
}

static void on_answer(void *owner, const struct memory_answer *a)
{
    struct bench *b = owner;

    uv_stop(&b->loop);
    b->answers++;
    b->failed += a->state == MEMORY_FAILED;
    b->token = a->token;
    b->state = a->state;
    keep_text(b->value, sizeof b->value, a->value);
    keep_text(b->error, sizeof b->error, view_of(a->error));
}

static void connect_to(struct bench *b)
{
    const struct redis_conf conf = {
        .address = b->server->address, .timeout_ms = 2000, .durable = true};
    struct fault f = {0};

    b->redis = redis_new(&b->loop, &conf, &silence, &f);
    assert_non_null(b->redis);
    b->memory = redis_memory_new(b->redis, REFS_KEEP_MS, on_answer, b);
    b->port = redis_memory_port(b->memory);
}

static void wait_up(struct bench *b)
{
    while (!b->port.up(b->port.ctx))
        uv_run(&b->loop, UV_RUN_ONCE);
}

static void wait_answers(struct bench *b, unsigned count)
{
    while (b->answers < count)
        uv_run(&b->loop, UV_RUN_ONCE);
}

static int start(void **state)
{
    struct bench *b = mem_zeroed(1, sizeof *b);

    b->server = redis_server_start(NULL);
    uv_loop_init(&b->loop);
    connect_to(b);
    wait_up(b);
    *state = b;
    return 0;
}

static void on_closed(void *owner)
{
    struct bench *b = owner;

    b->closed = true;
    uv_stop(&b->loop);
}

static void disconnect(struct bench *b)
{
    b->closed = false;
    redis_close(b->redis, on_closed, b);
    while (!b->closed)
        uv_run(&b->loop, UV_RUN_ONCE);
    redis_memory_free(b->memory);
}

static int stop(void **state)
{
    struct bench *b = *state;

    disconnect(b);
    assert_int_equal(uv_loop_close(&b->loop), 0);
    redis_server_stop(b->server);
    mem_free(b);
    return 0;
}

/* One call's answer, which must be to it. */
static void answered(struct bench *b, enum memory_state state, const char *value)
{
    unsigned before = b->answers;

    wait_answers(b, before + 1);
    assert_int_equal(b->answers, before + 1);
    assert_int_equal(b->state, state);
    assert_string_equal(b->value, value);
}

static void find(struct bench *b, const char *ref, enum memory_state state, const char *value)
{
    b->port.find(b->port.ctx, 1, VIEW("callbacks"), view_of(ref));
    answered(b, state, value);
}

static void begin(struct bench *b, const char *key, enum memory_state state, const char *value)
{
    b->port.begin(b->port.ctx, 2, view_of(key));
    answered(b, state, value);
}

static void references_are_found_per_resource_and_after_a_restart(void **state)
{
    struct bench *b = *state;

    find(b, "order 7", MEMORY_NONE, "");
    b->port.keep(b->port.ctx, 3, VIEW("callbacks"), VIEW("order 7"), VIEW("ID-A"));
    answered(b, MEMORY_STORED, "");
    b->port.keep(b->port.ctx, 4, VIEW("messages"), VIEW("order 7"), VIEW("ID-B"));
    answered(b, MEMORY_STORED, "");
    find(b, "order 7", MEMORY_FOUND, "ID-A");
    disconnect(b);
    redis_server_restart(b->server);
    connect_to(b);
    wait_up(b);
    find(b, "order 7", MEMORY_FOUND, "ID-A");
    b->port.keep(b->port.ctx, 5, VIEW("callbacks"), VIEW("order 7"), VIEW("ID-C"));
    answered(b, MEMORY_STORED, "ID-A"); /* whom it was taken from */
    find(b, "order 7", MEMORY_FOUND, "ID-C");
}

static void in_range_of_days(struct bench *b, const char *command, long days)
{
    long left_s = strtol(redis_server_ask(b->server, command) + 1, NULL, 10);

    assert_in_range(left_s, (days - 1) * 86400, days * 86400);
}

static void what_is_kept_ends_in_its_time(void **state)
{
    struct bench *b = *state;

    b->port.keep(b->port.ctx, 1, VIEW("callbacks"), VIEW("r"), VIEW("ID"));
    answered(b, MEMORY_STORED, "");
    in_range_of_days(b, "TTL cmi:ref:callbacks:r", 90);
    redis_server_ask(b->server, "EXPIRE cmi:ref:callbacks:r 100");
    find(b, "r", MEMORY_FOUND, "ID"); /* its use lengthens its life */
    in_range_of_days(b, "TTL cmi:ref:callbacks:r", 90);
    begin(b, "k", MEMORY_NONE, "");
    in_range_of_days(b, "TTL cmi:led:k", 8);
    b->port.end(b->port.ctx, 2, VIEW("k"), VIEW("done"));
    answered(b, MEMORY_STORED, "");
    in_range_of_days(b, "TTL cmi:led:k", 8);
}

static void the_ledger_tells_new_from_begun_from_ended(void **state)
{
    struct bench *b = *state;

    begin(b, "k", MEMORY_NONE, "");
    begin(b, "k", MEMORY_BEGUN, "");
    b->port.end(b->port.ctx, 1, VIEW("k"), VIEW("outcome \0 of bytes"));
    answered(b, MEMORY_STORED, "");
    begin(b, "k", MEMORY_ENDED, "outcome ");
    begin(b, "k", MEMORY_ENDED, "outcome "); /* and stays so */
    begin(b, "k2", MEMORY_NONE, "");
    b->port.end(b->port.ctx, 1, VIEW("k2"), VIEW(""));
    answered(b, MEMORY_STORED, "");
    begin(b, "k2", MEMORY_ENDED, "");
}

/* Refused writes are forgotten, unless somebody else has begun them since, or they are over. */
static void what_was_refused_is_forgotten(void **state)
{
    struct bench *b = *state;

    b->port.forget(b->port.ctx, VIEW("nothing")); /* the server learns the script, a turn later */
    find(b, "x", MEMORY_NONE, "");
    find(b, "x", MEMORY_NONE, "");
    begin(b, "k", MEMORY_NONE, "");
    b->port.forget(b->port.ctx, VIEW("k"));
    begin(b, "k", MEMORY_NONE, "");
    assert_string_equal(redis_server_ask(b->server, "SET cmi:led:k bsomebody-else"), "+OK");
    b->port.forget(b->port.ctx, VIEW("k"));
    begin(b, "k", MEMORY_BEGUN, "");
    b->port.end(b->port.ctx, 1, VIEW("k"), VIEW("x"));
    answered(b, MEMORY_STORED, "");
    b->port.forget(b->port.ctx, VIEW("k"));
    begin(b, "k", MEMORY_ENDED, "x");
}

static void names_are_bytes_and_not_words(void **state)
{
    static const char *const names[] = {"", " ", "a b", "a\r\nDEL x", "*", "{1}", "\xff\xfe", ":"};
    struct bench *b = *state;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        find(b, names[i], MEMORY_NONE, "");
        b->port.keep(b->port.ctx, 1, VIEW("callbacks"), view_of(names[i]), view_of(names[i]));
        answered(b, MEMORY_STORED, "");
        find(b, names[i], MEMORY_FOUND, names[i]);
    }
}

static void a_store_that_refuses_is_told_without_what_it_says(void **state)
{
    struct bench *b = *state;

    redis_server_ask(b->server, "LPUSH cmi:ref:callbacks:secret x");
    b->port.find(b->port.ctx, 1, VIEW("callbacks"), VIEW("secret"));
    answered(b, MEMORY_FAILED, "");
    assert_string_equal(b->error, "Redis refused it: WRONGTYPE");
    redis_server_ask(b->server, "CONFIG SET maxmemory 1");
    b->port.keep(b->port.ctx, 1, VIEW("callbacks"), VIEW("r"), VIEW("ID"));
    answered(b, MEMORY_FAILED, "");
    assert_string_equal(b->error, "Redis refused it: OOM");
}

/* The begin has happened, but its answer is lost: given again, it is no duplicate of itself. */
static void a_begin_whose_answer_was_lost_is_still_the_first(void **state)
{
    struct bench *b = *state;

    redis_server_freeze(b->server);
    b->port.begin(b->port.ctx, 1, VIEW("k"));
    uv_run(&b->loop, UV_RUN_NOWAIT); /* it leaves */
    uv_run(&b->loop, UV_RUN_NOWAIT);
    assert_int_equal(b->answers, 0);
    while (b->port.up(b->port.ctx))
        uv_run(&b->loop, UV_RUN_ONCE); /* overdue: the connection is given up */
    redis_server_thaw(b->server);      /* which reads what had been sent */
    wait_answers(b, 1);
    assert_int_equal(b->state, MEMORY_NONE);
    begin(b, "k", MEMORY_BEGUN, "");
}

/* Each name is kept twice under load, while the server is killed: the second wins. */
static void calls_wait_out_a_crash_and_keep_their_order(void **state)
{
    struct bench *b = *state;
    char name[16];

    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "%u", i / 2);
        b->port.keep(b->port.ctx, i, VIEW("callbacks"), view_of(name),
                     i % 2 == 0 ? VIEW("older") : VIEW("newer"));
    }
    wait_answers(b, 1);
    redis_server_kill(b->server);
    while (b->port.up(b->port.ctx))
        uv_run(&b->loop, UV_RUN_ONCE);
    assert_in_range(b->answers, 1, MANY - 1);
    b->port.keep(b->port.ctx, MANY, VIEW("callbacks"), VIEW("0"), VIEW("newest")); /* while down */
    redis_server_restart(b->server);
    wait_answers(b, MANY + 1);
    assert_int_equal(b->failed, 0);
    assert_int_equal(b->token, MANY); /* the last one given is the last one answered */
    find(b, "0", MEMORY_FOUND, "newest");
    for (unsigned i = 1; i < MANY / 2; i++) {
        snprintf(name, sizeof name, "%u", i);
        find(b, name, MEMORY_FOUND, "newer");
    }
}

static void calls_that_wait_when_all_ends_are_let_go(void **state)
{
    struct bench *b = *state;

    redis_server_freeze(b->server);
    for (unsigned i = 0; i < MANY; i++)
        b->port.find(b->port.ctx, i, VIEW("callbacks"), VIEW("r"));
    uv_run(&b->loop, UV_RUN_NOWAIT);
    assert_int_equal(b->answers, 0);
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, start, stop)
    const struct CMUnitTest tests[] = {
        ROW(references_are_found_per_resource_and_after_a_restart),
        ROW(what_is_kept_ends_in_its_time),
        ROW(the_ledger_tells_new_from_begun_from_ended),
        ROW(what_was_refused_is_forgotten),
        ROW(names_are_bytes_and_not_words),
        ROW(a_store_that_refuses_is_told_without_what_it_says),
        ROW(a_begin_whose_answer_was_lost_is_still_the_first),
        ROW(calls_wait_out_a_crash_and_keep_their_order),
        ROW(calls_that_wait_when_all_ends_are_let_go),
    };

    redis_server_need();
    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
