#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/breaker.h"

static const struct breaker_policy policy = {.failures = 3, .open = {100, 800}};

/* One request goes out, and fails. */
static bool fails(struct breaker *b, int64_t now_ms, uint64_t random)
{
    uint64_t number = breaker_sent(b);

    breaker_back(b, number);
    return breaker_failed(b, number, now_ms, random);
}

static void opens_after_failures_in_a_row_and_probes_once(void **state)
{
    struct breaker b;
    uint64_t old;
    uint64_t probe;

    (void)state;
    breaker_init(&b, policy);
    old = breaker_sent(&b);
    assert_false(fails(&b, 0, 0));
    assert_false(fails(&b, 0, 0));
    breaker_ok(&b);
    assert_false(fails(&b, 0, 0));
    assert_false(fails(&b, 0, 0));
    assert_true(fails(&b, 0, 50));
    assert_int_equal(b.state, BREAKER_OPEN);
    assert_false(breaker_failed(&b, old, 1, 0));
    assert_false(breaker_allows(&b, 99));
    assert_int_equal(breaker_wake_ms(&b, 1), 100);
    assert_true(breaker_allows(&b, 100));
    assert_int_equal(b.state, BREAKER_PROBING);
    probe = breaker_sent(&b);
    assert_false(breaker_allows(&b, 100));
    assert_true(breaker_wake_ms(&b, 100) == INT64_MAX);
    breaker_back(&b, probe);
    assert_true(breaker_failed(&b, probe, 200, 150)); /* at most twice the first wait */
    assert_int_equal(b.until_ms, 200 + 50 + 150);
    assert_true(breaker_allows(&b, 400));
    probe = breaker_sent(&b);
    breaker_back(&b, probe);
    breaker_ok(&b);
    assert_int_equal(b.state, BREAKER_CLOSED);
    assert_true(breaker_allows(&b, 401));
}

static void one_stop_opens_it_and_retry_after_holds_it(void **state)
{
    struct breaker b;

    (void)state;
    breaker_init(&b, policy);
    assert_true(breaker_stop(&b, breaker_sent(&b), 0, 0));
    assert_false(breaker_allows(&b, 49));
    breaker_init(&b, policy);
    breaker_hold(&b, 10, 90);
    assert_false(breaker_allows(&b, 99));
    assert_true(breaker_allows(&b, 100));
    breaker_hold(&b, 10, 50);
    assert_true(breaker_allows(&b, 100));
    assert_string_equal(breaker_state_name(BREAKER_PROBING), "probing");
}

/* Opened by failures or by refusals. */
static void the_wait_of_who_refuses_does_not_grow(void **state)
{
    struct breaker b;
    int64_t now = 0;

    (void)state;
    breaker_init(&b, policy);
    for (int i = 1; i <= policy.failures; i++)
        assert_int_equal(breaker_refused(&b, breaker_sent(&b), now, 799), i == policy.failures);
    for (int i = 0; i < 9; i++) {
        uint64_t probe;

        assert_int_equal(b.until_ms, now + 50 + (i == 4 ? 799 % 201 : 799 % 101));
        now = b.until_ms;
        assert_true(breaker_allows(&b, now));
        probe = breaker_sent(&b);
        breaker_back(&b, probe);
        assert_true(i == 3 ? breaker_failed(&b, probe, now, 799)
                           : breaker_refused(&b, probe, now, 799));
    }
}

static void a_request_fails_once_however_often_it_is_told(void **state)
{
    struct breaker b;

    (void)state;
    breaker_init(&b, policy);
    for (int request = 1; request <= policy.failures; request++) {
        uint64_t number = breaker_sent(&b);

        breaker_back(&b, number);
        for (int event = 0; event < 20; event++)
            assert_int_equal(breaker_failed(&b, number, 0, 50),
                             request == policy.failures && event == 0);
    }
    assert_int_equal(b.state, BREAKER_OPEN);
    assert_int_equal(b.until_ms, 100); /* nor did it fail again */
}

/* Three that are out when it opens, and the probe after that. */
struct late {
    struct breaker b;
    uint64_t old[3];
    uint64_t probe;
};

static struct late late_of(void)
{
    struct late l;

    breaker_init(&l.b, policy);
    for (int i = 0; i < 3; i++)
        l.old[i] = breaker_sent(&l.b);
    assert_true(breaker_stop(&l.b, breaker_sent(&l.b), 0, 0));
    assert_int_equal(breaker_sent(&l.b), 0);
    assert_true(breaker_allows(&l.b, 50));
    l.probe = breaker_sent(&l.b);
    return l;
}

static void what_was_sent_before_says_nothing_of_the_probe(void **state)
{
    struct late l = late_of();

    (void)state;
    breaker_back(&l.b, l.old[0]);
    assert_false(breaker_allows(&l.b, 60));
    assert_false(breaker_failed(&l.b, l.old[0], 60, 0));
    breaker_back(&l.b, l.old[1]);
    assert_false(breaker_stop(&l.b, l.old[1], 60, 0));
    breaker_shut(&l.b, 1000);
    assert_int_equal(l.b.state, BREAKER_PROBING);
    assert_true(breaker_wake_ms(&l.b, 60) == INT64_MAX);
    breaker_back(&l.b, l.probe);
    assert_true(breaker_failed(&l.b, l.probe, 70, 0));
    assert_int_equal(l.b.until_ms, 70 + 50);
    assert_int_equal(l.b.opened, 2);
}

static void what_was_sent_before_does_not_open_it_again(void **state)
{
    struct late l = late_of();

    (void)state;
    breaker_back(&l.b, l.probe);
    breaker_ok(&l.b);
    for (int i = 0; i < 3; i++) {
        breaker_back(&l.b, l.old[i]);
        assert_false(breaker_failed(&l.b, l.old[i], 60, 0));
    }
    assert_int_equal(l.b.state, BREAKER_CLOSED);
    assert_true(breaker_stop(&l.b, l.old[2], 60, 0)); /* but for a reply that stops it */
}

/* Its success closes the breaker, and the probe is one like others from then on. */
static void a_late_success_ends_the_probing(void **state)
{
    struct late l = late_of();
    uint64_t second;

    (void)state;
    breaker_back(&l.b, l.old[0]);
    breaker_ok(&l.b);
    assert_true(breaker_allows(&l.b, 60));
    assert_true(breaker_stop(&l.b, breaker_sent(&l.b), 60, 0));
    assert_true(breaker_allows(&l.b, 110));
    second = breaker_sent(&l.b);
    breaker_back(&l.b, l.probe);
    assert_false(breaker_failed(&l.b, l.probe, 110, 0));
    assert_false(breaker_allows(&l.b, 110)); /* the second is out */
    breaker_back(&l.b, second);
    assert_true(breaker_allows(&l.b, 110));
}

/* Given up before its end was known; and where others have stopped it, none is out. */
static void a_probe_that_comes_back_without_an_end_is_followed_by_another(void **state)
{
    struct late l = late_of();

    (void)state;
    assert_int_equal(breaker_sent(&l.b), 0); /* not asked for: it is no probe */
    breaker_back(&l.b, 0);
    assert_false(breaker_allows(&l.b, 60));
    breaker_back(&l.b, l.probe);
    assert_int_equal(breaker_wake_ms(&l.b, 60), 60);
    assert_true(breaker_allows(&l.b, 60));
    breaker_shut(&l.b, 100);
    assert_false(breaker_failed(&l.b, l.probe, 60, 0));
    assert_int_equal(breaker_wake_ms(&l.b, 60), 100);
    assert_true(breaker_allows(&l.b, 100));
    l.probe = breaker_sent(&l.b);
    breaker_back(&l.b, l.probe);
    assert_true(breaker_stop(&l.b, l.probe, 110, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_after_failures_in_a_row_and_probes_once),
        cmocka_unit_test(one_stop_opens_it_and_retry_after_holds_it),
        cmocka_unit_test(the_wait_of_who_refuses_does_not_grow),
        cmocka_unit_test(a_request_fails_once_however_often_it_is_told),
        cmocka_unit_test(what_was_sent_before_says_nothing_of_the_probe),
        cmocka_unit_test(what_was_sent_before_does_not_open_it_again),
        cmocka_unit_test(a_late_success_ends_the_probing),
        cmocka_unit_test(a_probe_that_comes_back_without_an_end_is_followed_by_another),
    };

    return cmocka_run_group_tests_name("breaker", tests, NULL, NULL);
}
