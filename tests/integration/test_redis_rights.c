/*
 * The references and the ledger of `consume` for a user of Redis' ACL: what docs/OPERATIONS.md
 * lists is enough, and of what the greeting asks for nothing is too much.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/crypto.h"
#include "bridge/io/redis_memory.h"
#include "tests/fakes/redis_server.h"
#include "tests/fakes/rights_doc.h"
#include "tests/fakes/silence.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#define COMMAND_MAX 1024

static struct redis_server *server;
static uv_loop_t loop;
static struct rights_doc doc;

/* A user anew, with these keys and rights. */
static void make_user(const char *keys, const char *rights, const char *less)
{
    char command[COMMAND_MAX];

    (void)snprintf(command, sizeof command, "ACL SETUSER bridge reset on >p %s%s%s", keys, rights,
                   less);
    assert_string_equal(redis_server_ask(server, command), "+OK");
}

static struct redis *connect_as_user(void)
{
    const struct redis_conf conf = {.address = server->address,
                                    .user = "bridge",
                                    .password = "p",
                                    .timeout_ms = 5000,
                                    .durable = true,
                                    .remembers = true};
    struct fault f = {0};
    struct redis *r = redis_new(&loop, &conf, &silence, &f);

    assert_non_null(r);
    while (!redis_up(r) && strstr(redis_trouble(r), "may not run") == NULL &&
           strstr(redis_trouble(r), "is refused") == NULL)
        uv_run(&loop, UV_RUN_ONCE);
    return r;
}

static void on_closed(void *owner)
{
    *(bool *)owner = true;
}

static void disconnect(struct redis *r)
{
    bool closed = false;

    redis_close(r, on_closed, &closed);
    while (!closed)
        uv_run(&loop, UV_RUN_ONCE);
}

/* Why the user can't be used; "" if it can. */
static const char *trouble(void)
{
    static char text[512];
    struct redis *r = connect_as_user();

    (void)snprintf(text, sizeof text, "%s", redis_up(r) ? "" : redis_trouble(r));
    disconnect(r);
    return text;
}

/* ---- what is listed is enough ---- */

struct answers {
    unsigned count;
    enum memory_state state;
    char error[128];
};

static void on_answer(void *owner, const struct memory_answer *a)
{
    struct answers *got = owner;

    got->count++;
    got->state = a->state;
    view_copy(view_of(a->error), got->error, sizeof got->error);
}

static void expect(struct answers *got, enum memory_state state)
{
    unsigned before = got->count;

    while (got->count == before)
        uv_run(&loop, UV_RUN_ONCE);
    if (got->state != state)
        fail_msg("answer %d for %d: %s", (int)got->state, (int)state, got->error);
}

static void what_is_listed_is_enough_for_all_that_is_asked(void **state)
{
    struct answers got = {0};
    struct redis_memory *memory;
    struct memory_port port;
    struct redis *r;

    (void)state;
    make_user("~cmi:*", doc.all, "");
    r = connect_as_user();
    assert_string_equal(redis_trouble(r), "");
    memory = redis_memory_new(r, INT64_C(1000000), on_answer, &got);
    port = redis_memory_port(memory);
    for (int i = 0; i < 2; i++) { /* the server learns the script at its first use, by its text */
        port.begin(port.ctx, 1, VIEW("k"));
        expect(&got, MEMORY_NONE);
        port.forget(port.ctx, VIEW("k"));
        port.find(port.ctx, 1, VIEW("callbacks"), VIEW("r"));
        expect(&got, MEMORY_NONE);
        port.find(port.ctx, 1, VIEW("callbacks"), VIEW("r"));
        expect(&got, MEMORY_NONE);
    }
    port.begin(port.ctx, 1, VIEW("k"));
    expect(&got, MEMORY_NONE); /* it was forgotten */
    port.end(port.ctx, 1, VIEW("k"), VIEW("done"));
    expect(&got, MEMORY_STORED);
    port.begin(port.ctx, 1, VIEW("k"));
    expect(&got, MEMORY_ENDED);
    port.keep(port.ctx, 1, VIEW("callbacks"), VIEW("r"), VIEW("ID"));
    expect(&got, MEMORY_STORED);
    port.find(port.ctx, 1, VIEW("callbacks"), VIEW("r"));
    expect(&got, MEMORY_FOUND);
    disconnect(r);
    redis_memory_free(memory);
}

/* ---- and what is lacking is named at once ---- */

static void expect_missed(const char *right)
{
    char less[40];
    char name[32];
    char expected[128];

    view_copy(view_of(right), name, sizeof name);
    for (size_t i = 0; name[i] != '\0'; i++)
        name[i] = (char)toupper((unsigned char)name[i]);
    (void)snprintf(less, sizeof less, " -%s", right);
    make_user("~cmi:*", doc.all, less);
    if (strcmp(name, "EVAL") == 0)
        (void)snprintf(expected, sizeof expected, "EVAL, which consume needs, is refused");
    else
        (void)snprintf(expected, sizeof expected,
                       "its user may not run %s on the keys cmi:*, which consume needs", name);
    if (strstr(trouble(), expected) == NULL)
        fail_msg("without %s: '%s'", name, trouble());
}

static void each_right_that_is_asked_for_is_missed(void **state)
{
    struct view rest = view_of(doc.asked);
    size_t count = 0;

    (void)state;
    while (rest.n > 0) {
        struct view word = view_cut(&rest, ' ');
        char right[32];

        if (!view_starts(word, VIEW("+")))
            continue;
        view_copy(view_skip(word, 1), right, sizeof right);
        expect_missed(right);
        count++;
    }
    assert_int_equal(count, 6);
}

static void so_are_keys(void **state)
{
    static const struct {
        const char *keys;
        const char *lacks;
    } rows[] = {
        {"~cmi:ref:*", "may not run DEL, EVALSHA, GET on"},
        {"~cmi:led:*", "may not run GETEX, SET on"},
        {"%R~cmi:*", "may not run DEL, EVALSHA, GETEX, SET on"},
        {"~s:*", "may not run DEL, EVALSHA, GET, GETEX, SET on"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make_user(rows[i].keys, doc.all, "");
        if (strstr(trouble(), rows[i].lacks) == NULL)
            fail_msg("%s: '%s'", rows[i].keys, trouble());
    }
}

static int start(void **state)
{
    (void)state;
    server = redis_server_start(NULL);
    uv_loop_init(&loop);
    rights_doc_read(&doc);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    assert_int_equal(uv_loop_close(&loop), 0);
    redis_server_stop(server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_listed_is_enough_for_all_that_is_asked),
        cmocka_unit_test(each_right_that_is_asked_for_is_missed),
        cmocka_unit_test(so_are_keys),
    };

    redis_server_need();
    crypto_init();
    return cmocka_run_group_tests(tests, start, stop);
}
