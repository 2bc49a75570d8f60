/* core/slot_pool: each channel has its part whatever the others take; together they keep the limit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/slot_pool.h"

static int take_all(struct slot_pool *p, int *out)
{
    int taken = 0;

    for (; slot_pool_has(p, *out); taken++)
        slot_pool_take(p, out);
    return taken;
}

static void one_that_takes_all_it_can_leaves_the_others_their_parts(void **state)
{
    struct slot_pool p;
    int out[4] = {0};

    (void)state;
    slot_pool_init(&p, 80, 4);
    assert_int_equal(take_all(&p, &out[0]), 10 + 40);
    for (int i = 1; i < 4; i++)
        assert_int_equal(take_all(&p, &out[i]), 10);
    assert_int_equal(p.out, 80);
    for (int i = 0; i < 5; i++)
        slot_pool_give(&p, &out[0]);
    assert_int_equal(take_all(&p, &out[3]), 5); /* what is given back is anybody's */
    assert_int_equal(take_all(&p, &out[0]), 0);
    for (int i = 0; i < 4; i++)
        while (out[i] > 0)
            slot_pool_give(&p, &out[i]);
    assert_int_equal(p.out, 0);
    assert_int_equal(p.used, 0);
}

static void a_channel_alone_has_all(void **state)
{
    struct slot_pool p;
    int out = 0;

    (void)state;
    slot_pool_init(&p, 4096, 1);
    assert_int_equal(take_all(&p, &out), 4096);
    out = 0;
    slot_pool_init(&p, 1, 1);
    assert_int_equal(take_all(&p, &out), 1);
    out = 0;
    slot_pool_init(&p, 7, 0);
    assert_int_equal(take_all(&p, &out), 7);
}

static void the_limit_holds_for_more_channels_than_it_has_parts_for(void **state)
{
    struct slot_pool p;
    int out[5] = {0};

    (void)state;
    slot_pool_init(&p, 3, 5);
    assert_int_equal(take_all(&p, &out[0]), 3);
    assert_int_equal(take_all(&p, &out[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_takes_all_it_can_leaves_the_others_their_parts),
        cmocka_unit_test(a_channel_alone_has_all),
        cmocka_unit_test(the_limit_holds_for_more_channels_than_it_has_parts_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
