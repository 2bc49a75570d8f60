/* Who may come in to `serve`: as real requests; and users that change while it runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "tests/fakes/users_rig.h"

#include <stdio.h>
#include <string.h>

static void expect_401(const char *headers)
{
    struct probe_reply r = serve_ask(&users_rig, "GET", "/callbacks", headers, NULL);

    if (r.status != 401)
        fail_msg("%s: %d %.*s", headers, r.status, VIEW_ARG(r.body));
    assert_non_null(strstr(probe_header(&r, "WWW-Authenticate"), "Basic realm="));
    probe_done(&r);
}

static void who_proves_nothing_is_401(void **state)
{
    static const char *const nothing[] = {
        "",
        "Authorization: Basic\r\n",
        "Authorization: Basic !!!\r\n",
        "Authorization: Basic Ym9zcw==\r\n", /* no colon */
        "Authorization: Bearer\r\n",
        "Authorization: Bearer ann-tokens\r\n",
        "Authorization: Bearer ann-token ann-token\r\n",
        "Authorization: Negotiate abc\r\n",
        ANN ANN,
        "X-API-Key: nobody's\r\n",
        GHOST,
        BOSS_WRONG,
    };

    (void)state;
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++)
        expect_401(nothing[i]);
    serve_expect(&users_rig, "POST", "/callbacks", "", "{}", 401, NULL);
}

static void a_password_a_token_and_an_api_key_sign_on(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) { /* verified, and remembered */
        serve_expect(&users_rig, "GET", "/callbacks", BOSS, NULL, 200, "[]");
        serve_expect(&users_rig, "GET", "/callbacks", ERIN, NULL, 200, "[]");
    }
    serve_expect(&users_rig, "GET", "/callbacks", ANN, NULL, 200, "[]");
    serve_expect(&users_rig, "GET", "/callbacks", "X-API-Key: ann-token\r\n", NULL, 200, "[]");
    serve_expect(&users_rig, "GET", "/callbacks", "X-API-Key:\t ann-token \t\r\n", NULL, 200, "[]");
    serve_expect(&users_rig, "HEAD", "/callbacks", ANN, NULL, 200, NULL);
}

static void a_body_of_nobody_is_not_taken(void **state)
{
    char *body = mem_zeroed(1, 200001);

    (void)state;
    memset(body, 'x', 200000);
    serve_expect(&users_rig, "POST", "/messages", "", body, 413, NULL);
    serve_expect(&users_rig, "POST", "/messages", ANN, body, 400, NULL);
    mem_free(body);
}

static void too_many_parameters_are_refused_before_anybody_signs_on(void **state)
{
    struct buf path;

    (void)state;
    buf_init(&path, 8192);
    buf_put_text(&path, "/contacts?");
    for (int i = 0; i < 600; i++)
        buf_printf(&path, "_a%d=1&", i);
    serve_expect(&users_rig, "GET", buf_text(&path), "", NULL, 400,
                 "there are more than 64 parameters\n");
    buf_done(&path);
}

static void users_change_while_it_runs(void **state)
{
    struct buf b;

    (void)state;
    serve_expect(&users_rig, "GET", "/callbacks", BOSS, NULL, 200, NULL);
    serve_rig_change_users(&users_rig, "ann: {language: finnish}\n", "event=users_mistake");
    serve_expect(&users_rig, "GET", "/callbacks", BOSS, NULL, 200, NULL); /* nothing has changed */
    buf_init(&b, 4096);
    serve_rig_user(&b, "zoe", "  rights: all\n");
    serve_rig_change_users(&users_rig, buf_text(&b), "event=users_read");
    buf_done(&b);
    serve_expect(&users_rig, "GET", "/callbacks", BOSS, NULL, 401, NULL);
    serve_expect(&users_rig, "GET", "/callbacks", ANN, NULL, 401, NULL);
    serve_expect(&users_rig, "GET", "/callbacks", "X-API-Key: zoe-token\r\n", NULL, 200, NULL);
    serve_rig_change_users(&users_rig, users_rig_file(), "event=users_read");
    serve_expect(&users_rig, "GET", "/callbacks", BOSS, NULL, 200, NULL);
}

static void no_secret_is_in_the_log(void **state)
{
    (void)state;
    expect_401("Authorization: Basic Z2hvc3Q6aHVudGVyMg==\r\n"); /* ghost:hunter2 */
    serve_expect(&users_rig, "POST", "/callbacks", ANN, "{}", 400, NULL);
    assert_true(serve_rig_await(&users_rig, " user=ann"));
    assert_true(serve_rig_await(&users_rig, "event=sign_on_refused user=unknown source=127.0.0.1"));
    assert_null(strstr(buf_text(&users_rig.log), "hunter2"));
    assert_null(strstr(buf_text(&users_rig.log), "ghost"));
    assert_null(strstr(buf_text(&users_rig.log), "-token"));
    assert_null(strstr(buf_text(&users_rig.log), "argon2id"));
}

static void many_at_once_are_all_answered(void **state)
{
    int fds[40];
    char request[256];

    (void)state;
    snprintf(request, sizeof request, "GET /RI/cmi/callbacks HTTP/1.1\r\nHost: x\r\n%s\r\n", ERIN);
    for (size_t i = 0; i < 40; i++) {
        fds[i] = probe_connect(users_rig.port);
        probe_send(fds[i], view_of(request));
    }
    for (size_t i = 0; i < 40; i++) {
        struct probe_reply r = probe_read(fds[i], false);

        assert_int_equal(r.status, 200);
        probe_done(&r);
        probe_close(fds[i]);
    }
}

static void who_tries_passwords_is_slowed_alone(void **state)
{
    struct probe_reply r;
    int wrong = 0;

    (void)state;
    serve_expect(&users_rig, "GET", "/callbacks", BOSS, NULL, 200, NULL);
    for (;; wrong++) {
        r = serve_ask(&users_rig, "GET", "/callbacks", BOSS_WRONG, NULL);
        if (r.status != 401)
            break;
        probe_done(&r);
        assert_true(wrong < 20);
    }
    assert_int_equal(r.status, 429);
    assert_string_not_equal(probe_header(&r, "Retry-After"), "");
    probe_done(&r);
    assert_true(wrong >= 4); /* some are free */
    /* Not even the right one, unless it was remembered; others are not slowed. */
    serve_expect(&users_rig, "GET", "/callbacks", BOSS, NULL, 200, NULL);
    serve_expect(&users_rig, "GET", "/callbacks", ERIN, NULL, 200, NULL);
    serve_expect(&users_rig, "GET", "/callbacks", ANN, NULL, 200, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_proves_nothing_is_401),
        cmocka_unit_test(a_password_a_token_and_an_api_key_sign_on),
        cmocka_unit_test(a_body_of_nobody_is_not_taken),
        cmocka_unit_test(too_many_parameters_are_refused_before_anybody_signs_on),
        cmocka_unit_test(users_change_while_it_runs),
        cmocka_unit_test(no_secret_is_in_the_log),
        cmocka_unit_test(many_at_once_are_all_answered),
        cmocka_unit_test(who_tries_passwords_is_slowed_alone),
    };

    return cmocka_run_group_tests(tests, users_rig_start, users_rig_stop);
}
