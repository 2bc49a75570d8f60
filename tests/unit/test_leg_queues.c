/* leg_queues: which queue a leg shows after it was taken from one, in whatever order that is told;
 * what is kept of many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/history_schema.h"
#include "server/leg.h"
#include "server/leg_queues.h"
#include "server/sqlite.h"
#include "server/sqlite_migrate.h"

#include <stdio.h>
#include <string.h>

static struct merge_stamp at(int64_t ms)
{
    struct merge_stamp s;
    struct fault f;

    if (!merge_stamp(ms, 0, VIEW("1"), VIEW("id"), VIEW("/source"), &s, &f))
        fail_msg("%s", f.text);
    return s;
}

static struct guid queue(uint8_t n)
{
    return (struct guid){{n}};
}

/* At 2 and 5 the queue is taken away; at the other times one of that number is entered. */
static void tell(struct leg *leg, uint8_t time)
{
    const struct merge_stamp stamp = at(time);
    const struct guid id = queue(time);
    struct leg_change c = {0};
    char name[8];

    snprintf(name, sizeof name, "q%d", time);
    if (time == 2 || time == 5) {
        leg_change_set(&c, LEG_SETS_QUEUE_ID, cell_null);
        leg_change_set(&c, LEG_SETS_QUEUE_NAME, cell_null);
    } else {
        leg_change_set(&c, LEG_SETS_FIRST_QUEUE, cell_guid(&id));
        leg_change_more(&c, LEG_SETS_FIRST_QUEUE, 1, cell_text(view_of(name)));
    }
    leg_apply(leg, &c, &stamp);
}

/* Every order of the events that are left, each of them told twice. */
static void tell_all(struct sqlite *db, uint8_t *told, size_t n, size_t count, uint8_t shown)
{
    struct leg *leg = NULL;
    struct guid id = {{0xff}};
    char name[8];

    for (size_t i = n; i < count; i++) {
        uint8_t next = told[i];

        told[i] = told[n];
        told[n] = next;
        tell_all(db, told, n + 1, count, shown);
        told[n] = told[i];
        told[i] = next;
    }
    if (n < count)
        return;
    leg = leg_load(db, &id);
    for (size_t i = 0; i < count; i++)
        tell(leg, told[i]);
    for (size_t i = count; i-- > 0;)
        tell(leg, told[i]);
    leg_derive(leg, NULL, false, false);
    snprintf(name, sizeof name, "q%d", shown);
    if (shown == 0) {
        assert_int_equal(leg->r.cells[LEG_QUEUE_ID].kind, CELL_NULL);
        assert_int_equal(leg->r.cells[LEG_QUEUE_NAME].kind, CELL_NULL);
    } else {
        assert_true(cell_get_guid(&leg->r.cells[LEG_QUEUE_ID], &id));
        assert_int_equal(id.bytes[0], shown);
        assert_true(cell_is(&leg->r.cells[LEG_QUEUE_NAME], name));
    }
    leg_free(leg);
}

static void the_first_queue_after_the_last_removal_shows_in_any_order(void **state)
{
    struct fault f = {0};
    struct sqlite *db = sqlite_open(":memory:", false, &f);

    (void)state;
    assert_non_null(db);
    assert_true(sqlite_migrate(db, history_schema, history_schema_steps, &f));
    tell_all(db, (uint8_t[]){3, 1, 4}, 0, 3, 1);
    tell_all(db, (uint8_t[]){1, 2, 3, 4}, 0, 4, 3);
    tell_all(db, (uint8_t[]){1, 2, 3, 4, 5}, 0, 5, 0);
    tell_all(db, (uint8_t[]){1, 2, 3, 5, 6, 7}, 0, 6, 6);
    assert_true(sqlite_check(db, &f));
    sqlite_close(db);
}

/* As many as are kept and three more, from the middle outwards. */
static void of_many_the_newest_are_kept_in_order(void **state)
{
    const int count = LEG_QUEUES_MAX + 3;
    struct buf lists[2];
    struct leg_queue one;
    struct view rest;
    int now = 0;

    (void)state;
    buf_init(&lists[0], LEG_QUEUES_BYTES);
    buf_init(&lists[1], LEG_QUEUES_BYTES);
    for (int i = 0; i < 2 * count; i++) {
        int n = i / 2 % 2 == 0 ? count / 2 + i / 4 : count / 2 - 1 - i / 4;
        struct guid id = queue((uint8_t)n);

        one = (struct leg_queue){at(n), cell_guid(&id), cell_null};
        buf_clear(&lists[!now]);
        leg_queues_add(buf_view(&lists[now]), &one, &lists[!now]);
        now = !now;
    }
    rest = buf_view(&lists[now]);
    assert_true(leg_queues_are(rest));
    assert_false(leg_queues_are((struct view){rest.p, rest.n - 1}));
    for (int n = 3; n < count; n++) {
        struct merge_stamp stamp = at(n);

        assert_true(leg_queues_next(&rest, &one));
        assert_int_equal(merge_stamp_cmp(&one.stamp, &stamp), 0);
        assert_int_equal(one.id.bytes.p[0], n);
        assert_int_equal(one.name.kind, CELL_NULL);
    }
    assert_false(leg_queues_next(&rest, &one));
    buf_done(&lists[0]);
    buf_done(&lists[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_queue_after_the_last_removal_shows_in_any_order),
        cmocka_unit_test(of_many_the_newest_are_kept_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
