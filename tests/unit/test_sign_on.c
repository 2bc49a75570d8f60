/* sign_on: verified off the loop, together, a bounded number of them, remembered, and given up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/base64.h"
#include "bridge/core/mem.h"
#include "bridge/core/throttle.h"
#include "bridge/io/crypto.h"
#include "bridge/io/http_source.h"
#include "server/sign_on.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

/* argon2id of "correct horse", with the least of everything. */
#define HORSE                                                                                      \
    "$argon2id$v=19$m=8,t=1,p=1$m4ggW6p0y04fgmXTh/"                                                \
    "Xc8Q$usshLmxwy6o7AUXk4Ze8iATpQNS64dXen2x55lsA7DI"
#define RIGHT "Basic Ym9zczpjb3JyZWN0IGhvcnNl" /* boss:correct horse */
#define WRONG "Basic Ym9zczp3cm9uZw=="         /* boss:wrong */
#define GHOST "Basic Z2hvc3Q6d3Jvbmc="         /* ghost:wrong */

static void say(void *ctx, enum notice_level level, const char *event,
                const struct notice_field *fields, size_t field_count)
{
    (void)ctx;
    (void)level;
    (void)event;
    (void)fields;
    (void)field_count;
}

struct rig {
    uv_loop_t loop;
    struct notice log;
    struct stats *stats;
    struct sign_on *sign_on;
    size_t outcomes[SIGN_ON_WAITS + 1]; /* of all requests */
    char login[64];                     /* of the last one known */
};

static struct users *users_with(const char *yaml)
{
    struct user_file file;
    struct buf mistakes;

    buf_init(&mistakes, 4096);
    if (!user_file_read(view_of(yaml), "f", NULL, &file, &mistakes))
        fail_msg("%s", buf_text(&mistakes));
    buf_done(&mistakes);
    return users_new(&file);
}

static int start(void **state)
{
    struct rig *rig = mem_zeroed(1, sizeof *rig);

    crypto_init();
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    rig->log = (struct notice){.least = NOTICE_ERROR, .say = say};
    rig->stats = stats_new();
    rig->sign_on = sign_on_new(
        &(struct sign_on_conf){&rig->loop, &rig->log, rig->stats, "X-API-Key"},
        users_with("boss: {rights: all, password: '" HORSE "'}\nmute: {rights: all}\n"));
    *state = rig;
    return 0;
}

static int stop(void **state)
{
    struct rig *rig = *state;

    sign_on_free(rig->sign_on);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    stats_free(rig->stats);
    mem_free(rig);
    return 0;
}

static void on_result(void *ctx, const struct sign_on_result *r)
{
    struct rig *rig = ctx;

    rig->outcomes[r->outcome]++;
    if (r->outcome == SIGN_ON_KNOWN)
        snprintf(rig->login, sizeof rig->login, "%s", r->user->login);
    users_let_go(r->users);
}

/* source: a number that stands for an address. */
static enum sign_on_outcome ask(struct rig *rig, unsigned source, const char *authorization)
{
    uint8_t address[HTTP_SOURCE_LEN] = {(uint8_t)(source >> 8), (uint8_t)source};
    struct http_field header = {VIEW("Authorization"), view_of(authorization)};
    struct http_request request = {.headers = &header, .header_count = 1, .source = address};
    struct sign_on_result r = sign_on_look(rig->sign_on, &request, on_result, rig);

    if (r.outcome != SIGN_ON_WAITS)
        on_result(rig, &r);
    return r.outcome;
}

static void a_password_is_verified_once_for_all_that_wait(void **state)
{
    struct rig *rig = *state;

    for (int i = 0; i < 100; i++) /* more than may be tried: they are one try */
        assert_int_equal(ask(rig, 1, RIGHT), SIGN_ON_WAITS);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(rig->outcomes[SIGN_ON_KNOWN], 100);
    assert_string_equal(rig->login, "boss");
    assert_int_equal(ask(rig, 2, RIGHT), SIGN_ON_KNOWN); /* remembered, from wherever */
}

static void nobody_and_a_wrong_password_look_alike(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(ask(rig, 1, WRONG), SIGN_ON_WAITS);
    assert_int_equal(ask(rig, 1, GHOST), SIGN_ON_WAITS);
    assert_int_equal(ask(rig, 1, "Basic bXV0ZTo="), SIGN_ON_WAITS); /* mute: no password at all */
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(rig->outcomes[SIGN_ON_NOBODY], 3);
    assert_int_equal(ask(rig, 1, WRONG), SIGN_ON_WAITS); /* what is wrong is not remembered */
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(rig->outcomes[SIGN_ON_NOBODY], 4);
}

static void tries_of_one_source_are_slowed(void **state)
{
    struct rig *rig = *state;

    for (int i = 0; i < THROTTLE_FREE_BOTH; i++) {
        assert_int_equal(ask(rig, 1, WRONG), SIGN_ON_WAITS);
        uv_run(&rig->loop, UV_RUN_DEFAULT);
    }
    assert_int_equal(ask(rig, 1, WRONG), SIGN_ON_SLOWED);
    assert_int_equal(ask(rig, 1, RIGHT), SIGN_ON_SLOWED);
    assert_int_equal(ask(rig, 2, RIGHT), SIGN_ON_WAITS);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(ask(rig, 1, RIGHT), SIGN_ON_KNOWN); /* known by now: no try */
}

/* A login of its own for each number, and a wrong password. */
static enum sign_on_outcome ask_as(struct rig *rig, unsigned number)
{
    char plain[32];
    char header[64] = "Basic ";
    struct buf encoded;

    snprintf(plain, sizeof plain, "user%u:wrong", number);
    buf_init(&encoded, 64);
    base64_encode(view_of(plain), &encoded);
    view_copy(buf_view(&encoded), header + 6, sizeof header - 6);
    buf_done(&encoded);
    return ask(rig, number, header);
}

static void so_many_may_wait_and_no_more(void **state)
{
    struct rig *rig = *state;

    for (unsigned i = 0; i < SIGN_ON_CHECKS_MAX - 1; i++)
        assert_int_equal(ask_as(rig, i), SIGN_ON_WAITS);
    assert_int_equal(ask(rig, 1000, RIGHT), SIGN_ON_WAITS);
    assert_int_equal(ask_as(rig, SIGN_ON_CHECKS_MAX), SIGN_ON_BUSY);
    for (unsigned i = SIGN_ON_CHECKS_MAX; i < SIGN_ON_WAITERS_MAX; i++)
        assert_int_equal(ask(rig, 1000, RIGHT), SIGN_ON_WAITS);
    assert_int_equal(ask(rig, 1000, RIGHT), SIGN_ON_BUSY);
    sign_on_stop(rig->sign_on); /* 63 times nobody would take a while */
    assert_int_equal(rig->outcomes[SIGN_ON_BUSY], 2 + SIGN_ON_WAITERS_MAX);
}

static void other_users_forget_what_was_remembered(void **state)
{
    struct rig *rig = *state;

    ask(rig, 1, RIGHT);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(ask(rig, 1, RIGHT), SIGN_ON_KNOWN);
    sign_on_change(rig->sign_on, users_with("mute: {rights: all}\n"));
    assert_int_equal(ask(rig, 1, RIGHT), SIGN_ON_WAITS);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(rig->outcomes[SIGN_ON_NOBODY], 1);
}

static void a_change_in_between_is_asked_again(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(ask(rig, 1, RIGHT), SIGN_ON_WAITS);
    sign_on_change(rig->sign_on, users_with("mute: {rights: all}\n"));
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(rig->outcomes[SIGN_ON_BUSY], 1);
    assert_int_equal(rig->outcomes[SIGN_ON_KNOWN], 0);
}

static void who_waits_at_the_end_is_answered(void **state)
{
    struct rig *rig = *state;

    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(ask(rig, i, RIGHT), SIGN_ON_WAITS);
    sign_on_stop(rig->sign_on);
    assert_int_equal(rig->outcomes[SIGN_ON_BUSY], 10);
    assert_int_equal(ask(rig, 1, RIGHT), SIGN_ON_BUSY);
}

static void a_user_outlives_the_set_that_he_is_not_in_any_more(void **state)
{
    struct rig *rig = *state;
    uint8_t address[HTTP_SOURCE_LEN] = {0};
    struct http_field header = {VIEW("Authorization"), VIEW(RIGHT)};
    struct http_request request = {.headers = &header, .header_count = 1, .source = address};
    struct sign_on_result r;

    ask(rig, 1, RIGHT);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    r = sign_on_look(rig->sign_on, &request, on_result, rig);
    assert_int_equal(r.outcome, SIGN_ON_KNOWN);
    sign_on_change(rig->sign_on, users_with("mute: {rights: all}\n"));
    assert_string_equal(r.user->login, "boss");
    users_let_go(r.users);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(a_password_is_verified_once_for_all_that_wait),
        TEST(nobody_and_a_wrong_password_look_alike),
        TEST(tries_of_one_source_are_slowed),
        TEST(so_many_may_wait_and_no_more),
        TEST(other_users_forget_what_was_remembered),
        TEST(a_change_in_between_is_asked_again),
        TEST(who_waits_at_the_end_is_answered),
        TEST(a_user_outlives_the_set_that_he_is_not_in_any_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
