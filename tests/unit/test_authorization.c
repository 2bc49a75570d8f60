/* authorization, throttle: what a request says it is from, and how tries are slowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/authorization.h"
#include "bridge/core/throttle.h"

#include <stdio.h>
#include <string.h>

/* ---- authorization ---- */

static void a_header_is_read_as_its_rfc_has_it(void **state)
{
    static const struct {
        const char *value;
        enum authorization_kind kind;
        const char *login; /* or the token */
        const char *password;
    } rows[] = {
        {"Basic YTpi", AUTHORIZATION_BASIC, "a", "b"},
        {"basic YTpi", AUTHORIZATION_BASIC, "a", "b"},
        {"  Basic   YTpi  ", AUTHORIZATION_BASIC, "a", "b"},
        {"Basic YTo=", AUTHORIZATION_BASIC, "a", ""},
        {"Basic YTpiOmM=", AUTHORIZATION_BASIC, "a", "b:c"},
        {"Basic w6Q6w7Y=", AUTHORIZATION_BASIC, "\xc3\xa4", "\xc3\xb6"},
        {"Basic OmI=", AUTHORIZATION_NEITHER, "", ""},     /* no login */
        {"Basic YQ==", AUTHORIZATION_NEITHER, "", ""},     /* no colon */
        {"Basic YTpi!", AUTHORIZATION_NEITHER, "", ""},    /* no base64 */
        {"Basic YToAYg==", AUTHORIZATION_NEITHER, "", ""}, /* NUL in the password */
        {"Basic YQo6Yg==", AUTHORIZATION_NEITHER, "", ""}, /* line feed in the login */
        {"Basic YeQ6Yg==", AUTHORIZATION_NEITHER, "", ""}, /* Latin-1 */
        {"Basic", AUTHORIZATION_NEITHER, "", ""},
        {"", AUTHORIZATION_NEITHER, "", ""},
        {"Bearer abc.DEF-123_~+/==", AUTHORIZATION_BEARER, "abc.DEF-123_~+/==", ""},
        {"BEARER a", AUTHORIZATION_BEARER, "a", ""},
        {"Bearer a b", AUTHORIZATION_NEITHER, "", ""},
        {"Bearer =", AUTHORIZATION_NEITHER, "", ""},
        {"Bearer a=b", AUTHORIZATION_NEITHER, "", ""},
        {"Bearer ", AUTHORIZATION_NEITHER, "", ""},
        {"Bearera b", AUTHORIZATION_NEITHER, "", ""},
        {"Digest a", AUTHORIZATION_NEITHER, "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf room;
        struct authorization a;

        buf_init(&room, AUTHORIZATION_ROOM);
        a = authorization_read(view_of(rows[i].value), &room);
        if (a.kind != rows[i].kind)
            fail_msg("%s: %d", rows[i].value, (int)a.kind);
        if (a.kind == AUTHORIZATION_BASIC) {
            assert_true(view_is(a.login, rows[i].login));
            assert_true(view_is(a.password, rows[i].password));
        } else if (a.kind == AUTHORIZATION_BEARER) {
            assert_true(view_is(a.token, rows[i].login));
        }
        buf_done(&room);
    }
}

static void what_is_too_long_is_nobody(void **state)
{
    char text[AUTHORIZATION_TOKEN_MAX + 16] = "Bearer ";
    struct buf room;

    (void)state;
    buf_init(&room, AUTHORIZATION_ROOM);
    memset(text + 7, 'a', AUTHORIZATION_TOKEN_MAX);
    assert_int_equal(authorization_read(view_of(text), &room).kind, AUTHORIZATION_BEARER);
    text[7 + AUTHORIZATION_TOKEN_MAX] = 'a';
    assert_int_equal(authorization_read(view_of(text), &room).kind, AUTHORIZATION_NEITHER);
    memcpy(text, "Basic  ", 7); /* of "i" only: longer than any login and password */
    assert_int_equal(authorization_read(view_of(text), &room).kind, AUTHORIZATION_NEITHER);
    assert_true(authorization_is_login((struct view){text + 7, AUTHORIZATION_LOGIN_MAX}));
    assert_false(authorization_is_login((struct view){text + 7, AUTHORIZATION_LOGIN_MAX + 1}));
    assert_false(authorization_is_login(VIEW("a:b")));
    assert_false(authorization_is_login(VIEW(" a")));
    assert_false(authorization_is_login(VIEW("")));
    buf_done(&room);
}

/* ---- throttle ---- */

static const uint8_t key[16] = {1, 2, 3};

static struct throttle *fresh(void)
{
    return throttle_new(key);
}

static void waits_double_after_what_is_free(void **state)
{
    struct throttle *t = fresh();
    int64_t now = 1000;
    int64_t wait = 0;
    int64_t expected = THROTTLE_WAIT_MS;

    (void)state;
    for (int i = 0; i < THROTTLE_FREE_BOTH; i++)
        assert_int_equal(throttle_try(t, VIEW("s"), VIEW("a"), now), 0);
    for (int i = 0; i < 10; i++) {
        wait = throttle_try(t, VIEW("s"), VIEW("a"), now);
        assert_int_equal(wait, expected);
        assert_int_equal(throttle_try(t, VIEW("s"), VIEW("a"), now + wait - 1), 1);
        now += wait;
        assert_int_equal(throttle_try(t, VIEW("s"), VIEW("a"), now), 0);
        expected = expected * 2 < THROTTLE_WAIT_MAX_MS ? expected * 2 : THROTTLE_WAIT_MAX_MS;
    }
    assert_int_equal(expected, THROTTLE_WAIT_MAX_MS);
    throttle_free(t);
}

static void others_are_not_slowed(void **state)
{
    struct throttle *t = fresh();

    (void)state;
    while (throttle_try(t, VIEW("s"), VIEW("a"), 0) == 0)
        continue;
    assert_int_equal(throttle_try(t, VIEW("s"), VIEW("b"), 0), 0);
    assert_int_equal(throttle_try(t, VIEW("r"), VIEW("a"), 0), 0);
    assert_int_equal(throttle_try(t, VIEW("r"), VIEW_NONE, 0), 0);
    throttle_free(t);
}

static void a_source_is_slowed_whoever_it_says_it_is(void **state)
{
    struct throttle *t = fresh();
    char account[16];
    int tries = 0;

    (void)state;
    do
        snprintf(account, sizeof account, "a%d", tries++);
    while (throttle_try(t, VIEW("s"), view_of(account), 0) == 0);
    assert_int_equal(tries, THROTTLE_FREE_SOURCE + 1);
    assert_true(throttle_try(t, VIEW("s"), VIEW_NONE, 0) > 0);
    throttle_free(t);
}

static void an_attack_from_everywhere_does_not_lock_the_owner_out(void **state)
{
    struct throttle *t = fresh();
    char source[16];
    int tries = 0;

    (void)state;
    assert_int_equal(throttle_try(t, VIEW("home"), VIEW("a"), 0), 0);
    throttle_succeeded(t, VIEW("home"), VIEW("a"), 0);
    do
        snprintf(source, sizeof source, "s%d", tries++);
    while (throttle_try(t, view_of(source), VIEW("a"), 0) == 0);
    assert_int_equal(tries, THROTTLE_FREE_ACCOUNT + 1);
    assert_true(throttle_try(t, VIEW("elsewhere"), VIEW("a"), 0) > 0);
    assert_int_equal(throttle_try(t, VIEW("home"), VIEW("a"), 0), 0);
    /* The source is known for a day. */
    assert_true(throttle_try(t, VIEW("nowhere"), VIEW("a"), 1) > 0);
    throttle_free(t);
}

static void success_takes_the_try_back(void **state)
{
    struct throttle *t = fresh();

    (void)state;
    for (int i = 0; i < 10 * THROTTLE_FREE_ACCOUNT; i++) {
        assert_int_equal(throttle_try(t, VIEW("s"), VIEW("a"), i), 0);
        throttle_succeeded(t, VIEW("s"), VIEW("a"), i);
    }
    throttle_free(t);
}

static void failures_are_forgotten(void **state)
{
    struct throttle *t = fresh();

    (void)state;
    while (throttle_try(t, VIEW("s"), VIEW("a"), 0) == 0)
        continue;
    for (int i = 0; i < THROTTLE_FREE_BOTH; i++)
        assert_int_equal(throttle_try(t, VIEW("s"), VIEW("a"), THROTTLE_FORGET_MS), 0);
    assert_true(throttle_try(t, VIEW("s"), VIEW("a"), THROTTLE_FORGET_MS) > 0);
    throttle_free(t);
}

static void a_full_table_still_slows_who_goes_on(void **state)
{
    struct throttle *t = fresh();
    char source[16];

    (void)state;
    while (throttle_try(t, VIEW("s"), VIEW("a"), 0) == 0)
        continue;
    for (int i = 0; i < 4 * THROTTLE_ENTRIES; i++) {
        snprintf(source, sizeof source, "s%d", i);
        (void)throttle_try(t, view_of(source), VIEW_NONE, i / 100);
    }
    /* What it knew may be gone; what comes now counts as ever. */
    for (int i = 0; i < 100; i++)
        (void)throttle_try(t, VIEW("s"), VIEW("a"), 1000);
    assert_true(throttle_try(t, VIEW("s"), VIEW("a"), 1000) > 0);
    throttle_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_read_as_its_rfc_has_it),
        cmocka_unit_test(what_is_too_long_is_nobody),
        cmocka_unit_test(waits_double_after_what_is_free),
        cmocka_unit_test(others_are_not_slowed),
        cmocka_unit_test(a_source_is_slowed_whoever_it_says_it_is),
        cmocka_unit_test(an_attack_from_everywhere_does_not_lock_the_owner_out),
        cmocka_unit_test(success_takes_the_try_back),
        cmocka_unit_test(failures_are_forgotten),
        cmocka_unit_test(a_full_table_still_slows_who_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
