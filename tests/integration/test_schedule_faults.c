/* The schedule on a Redis that is full, read-only, restarted, without its scripts, or can't save:
 * what was accepted goes out where Redis can be written; where it can't, nothing is claimed or
 * handed over, and afterwards all goes on. In the durable profile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/schedule_hand.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static struct schedule_rig rig;

static int start(void **state)
{
    (void)state;
    schedule_rig_start(&rig, NULL, 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    schedule_rig_stop(&rig);
    return 0;
}

static void ask(const char *command, const char *reply)
{
    assert_string_equal(redis_server_ask(rig.server, command), reply);
}

/* One of two destinations is out, and the watermark of the other can't go up. */
static void expect_refused(struct rig_slice *s)
{
    schedule_rig_claim(&rig, 1, &hand_usual);
    assert_int_equal(rig.claimed.state, SCHEDULE_FAILED);
    assert_int_equal(rig.claimed.slice_count, 0);
    assert_int_equal(hand_progress(&rig, 0, s, 2), SCHEDULE_FAILED);
}

/* The write that failed is done again, as it was; then all ends well. */
static void expect_mended(struct rig_slice *s, const char *id)
{
    s->claimed.slice.sequence--;
    schedule_rig_await_up(&rig);
    assert_int_equal(hand_progress(&rig, 0, s, 2), SCHEDULE_DONE);
    assert_int_equal(hand_finish(&rig, 0, s, SLICE_OK, 0), SCHEDULE_DONE);
    hand_expect_counts(&rig, id, 2, 0, 0);
    hand_expect_sound(&rig, id);
}

static void what_was_accepted_goes_out_of_a_full_redis(void **state)
{
    struct rig_message m = hand_posted(&rig, 2);
    struct rig_message other = hand_message(1);
    struct rig_slice s;

    (void)state;
    ask("CONFIG SET maxmemory 1", "+OK");
    schedule_rig_post(&rig, &other);
    assert_int_equal(rig.effect, EFFECT_LOST);
    s = hand_slice(&rig, 0);
    assert_int_equal(hand_progress(&rig, 0, &s, 2), SCHEDULE_DONE);
    assert_int_equal(hand_finish(&rig, 0, &s, SLICE_AGAIN, 0), SCHEDULE_DONE);
    s = hand_slice(&rig, 0);
    assert_int_equal(hand_progress(&rig, 0, &s, 2), SCHEDULE_DONE);
    assert_int_equal(hand_finish(&rig, 0, &s, SLICE_OK, 0), SCHEDULE_DONE);
    hand_expect_counts(&rig, m.id, 2, 0, 0);
    schedule_rig_read_outbox(&rig, 0, HAND_SHARD);
    assert_int_equal(rig.outbox.count, 2); /* settled, and ended */
    assert_int_equal(schedule_rig_sent(&rig, 0, HAND_SHARD), SCHEDULE_DONE);
    m = other;
    schedule_rig_delete(&rig, m.id, 1); /* frees, so it is not refused; there is no such thing */
    assert_int_equal(rig.effect, EFFECT_GONE);
    ask("CONFIG SET maxmemory 0", "+OK");
}

static void scripts_that_redis_has_forgotten_are_taught_again(void **state)
{
    struct rig_message m = hand_posted(&rig, 2);
    struct rig_slice s;

    (void)state;
    ask("SCRIPT FLUSH", "+OK");
    s = hand_slice(&rig, 0);
    ask("SCRIPT FLUSH", "+OK");
    assert_int_equal(hand_progress(&rig, 0, &s, 2), SCHEDULE_DONE);
    ask("SCRIPT FLUSH", "+OK");
    assert_int_equal(hand_finish(&rig, 0, &s, SLICE_OK, 0), SCHEDULE_DONE);
    hand_expect_counts(&rig, m.id, 2, 0, 0);
}

static void nothing_is_handed_over_on_a_replica(void **state)
{
    struct rig_message m = hand_posted(&rig, 2);
    struct rig_slice s = hand_slice(&rig, 0);

    (void)state;
    assert_int_equal(hand_progress(&rig, 0, &s, 1), SCHEDULE_DONE);
    ask("REPLICAOF 127.0.0.1 1", "+OK");
    expect_refused(&s);
    ask("REPLICAOF NO ONE", "+OK");
    expect_mended(&s, m.id);
}

static void nothing_is_handed_over_while_redis_can_t_save(void **state)
{
    struct rig_message m = hand_posted(&rig, 2);
    struct rig_slice s = hand_slice(&rig, 0);
    static const char *const save[] = {"CONFIG", "SET", "save", "100000 1"};
    static const char *const begin[] = {"BGSAVE"};
    char path[128];

    (void)state;
    assert_int_equal(hand_progress(&rig, 0, &s, 1), SCHEDULE_DONE);
    snprintf(path, sizeof path, "%s/dump.rdb", rig.server->dir);
    assert_int_equal(mkdir(path, 0700), 0); /* in the way of the file */
    schedule_rig_integer(&rig, save, 4);
    schedule_rig_integer(&rig, begin, 1);
    while (strncmp(redis_server_ask(rig.server, "SET probe 1"), "-MISCONF", 8) != 0)
        continue; /* it has not noticed yet */
    expect_refused(&s);
    ask("CONFIG SET stop-writes-on-bgsave-error no", "+OK");
    expect_mended(&s, m.id);
}

static void what_was_answered_is_there_after_redis_was_killed(void **state)
{
    struct rig_message m = hand_posted(&rig, 2);
    struct rig_slice s = hand_slice(&rig, 0);
    struct rig_slice again;

    (void)state;
    assert_int_equal(hand_progress(&rig, 0, &s, 1), SCHEDULE_DONE);
    redis_server_restart(rig.server);
    while (redis_up(rig.redis)) /* until it is noticed */
        uv_run(&rig.loop, UV_RUN_ONCE);
    schedule_rig_await_up(&rig);
    assert_int_equal(hand_claim(&rig, 1), 0); /* the lease holds */
    s.claimed.slice.sequence++;
    assert_int_equal(schedule_rig_write(&rig, 0, rig.ports[0].release,
                                        (struct schedule_write){.lease = &s.claimed.lease,
                                                                .slice = &s.claimed.slice}),
                     SCHEDULE_DONE);
    again = hand_slice(&rig, 1);
    assert_int_equal(again.claimed.slice.doubt, 1);
    assert_true(memcmp(again.claimed.slice.holder, s.claimed.slice.holder, 8) > 0);
    assert_int_equal(hand_progress(&rig, 1, &again, 2), SCHEDULE_DONE);
    assert_int_equal(hand_finish(&rig, 1, &again, SLICE_OK, 0), SCHEDULE_DONE);
    hand_expect_counts(&rig, m.id, 2, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_accepted_goes_out_of_a_full_redis),
        cmocka_unit_test(scripts_that_redis_has_forgotten_are_taught_again),
        cmocka_unit_test(nothing_is_handed_over_on_a_replica),
        cmocka_unit_test(nothing_is_handed_over_while_redis_can_t_save),
        cmocka_unit_test(what_was_answered_is_there_after_redis_was_killed),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
