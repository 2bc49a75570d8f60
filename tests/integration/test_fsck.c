/* redis_fsck.h goes through a schedule on a real Redis, in all shards, and finds what was broken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/shard.h"
#include "bridge/io/redis_fsck.h"
#include "tests/fakes/schedule_hand.h"
#include "tests/fakes/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES 150 /* so that shards have one, several and none */

static struct schedule_rig rig;
static char ids[MESSAGES][GUID_TEXT_MAX];

struct seen {
    int64_t checked;
    int64_t found;
    int64_t left;
    unsigned named;
    unsigned rounds;
    char last[GUID_TEXT_MAX];
    char word[64];
};

static void on_found(void *ctx, const char *id_hex, struct view word, int64_t count, int64_t left)
{
    struct seen *s = ctx;

    s->left += left;

    s->named += (unsigned)count;
    snprintf(s->last, sizeof s->last, "%s", id_hex);
    view_copy(word, s->word, sizeof s->word);
}

static void on_round(void *ctx, int64_t checked, int64_t found, int64_t left)
{
    struct seen *s = ctx;

    assert_int_equal(left, s->left);
    s->checked = checked;
    s->found = found;
    s->rounds++;
}

static struct seen walk(bool repair)
{
    const struct redis_fsck_conf conf = {.repair = repair, .rest_ms = -1};
    struct seen seen = {.rounds = 0};
    struct redis_fsck *f = redis_fsck_new(&rig.loop, rig.redis, &conf,
                                          (struct redis_fsck_owner){&seen, on_found, on_round});

    while (seen.rounds == 0)
        uv_run(&rig.loop, UV_RUN_ONCE);
    redis_fsck_free(f);
    uv_run(&rig.loop, UV_RUN_NOWAIT);
    return seen;
}

static int start(void **state)
{
    (void)state;
    redis_server_need();
    schedule_rig_start(&rig, NULL, 0);
    schedule_rig_await_up(&rig);
    for (size_t i = 0; i < MESSAGES; i++) {
        struct rig_message m = hand_message(3);

        schedule_rig_new_id((unsigned)i * 7 % SHARD_COUNT / 2, m.id);
        schedule_rig_post(&rig, &m);
        schedule_rig_await(&rig);
        memcpy(ids[i], m.id, sizeof ids[i]);
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    schedule_rig_stop(&rig);
    return 0;
}

static void break_one(const char *command, const char *key, const char *id, const char *behind)
{
    char line[160];

    snprintf(line, sizeof line, "%s s:{%02u}:%s%s%s", command, shard_of(view_of(id)), key, id,
             behind);
    assert_true(redis_server_ask(rig.server, line)[0] != '-');
}

static void a_sound_schedule_is_gone_through_whole(void **state)
{
    struct seen s = walk(true);

    (void)state;
    assert_int_equal(s.checked, MESSAGES);
    assert_int_equal(s.found, 0);
    assert_int_equal(s.named, 0);
}

static void what_can_not_be_found_any_more_is_found(void **state)
{
    struct seen s;

    (void)state;
    break_one("ZREM", "due ", ids[5], "");
    s = walk(false);
    assert_int_equal(s.found, 1);
    assert_string_equal(s.last, ids[5]);
    assert_string_equal(s.word, "unreachable");
    s = walk(false); /* looking mends nothing */
    assert_int_equal(s.found, 1);
    s = walk(true);
    assert_int_equal(s.found, 1);
    s = walk(true);
    assert_int_equal(s.found, 0);
}

static void a_pointer_to_nothing_is_followed(void **state)
{
    static const char nobody[] = "0123456789ABCDEF0123456789ABCDEF";
    struct seen s;

    (void)state;
    break_one("ZADD", "due 5 ", nobody, "");
    s = walk(true);
    assert_int_equal(s.found, 1);
    assert_string_equal(s.last, nobody);
    assert_string_equal(s.word, "pointer-to-nothing");
    assert_int_equal(walk(true).found, 0);
}

/* It stands in due, in the list, and aside: once is told of it, and that it is so still. */
static void what_can_t_be_repaired_is_told_once_and_as_such(void **state)
{
    struct seen s;

    (void)state;
    break_one("HDEL", "m:", ids[6], " n");
    break_one("HSET", "m:", ids[7], " C 2000000000");
    for (int i = 0; i < 2; i++) {
        s = walk(false);
        assert_int_equal(s.found, 2);
        assert_int_equal(s.left, 2);
        assert_int_equal(s.checked, MESSAGES);
    }
    s = walk(true);
    assert_int_equal(s.found, 2);
    assert_int_equal(s.left, 1);
    s = walk(true);
    assert_int_equal(s.found, 1);
    assert_int_equal(s.left, 1);
    assert_string_equal(s.word, "damaged");
    break_one("HSET", "m:", ids[6], " n 3"); /* somebody mends it */
    s = walk(true);
    assert_int_equal(s.left, 0);
    assert_int_equal(walk(true).found, 0);
}

/* A chat's messages, of which the first is due and each of the others waits for the one before. */
static void post_chat(struct rig_message m[3])
{
    for (size_t i = 0; i < 3; i++) {
        m[i] = hand_message(1);
        schedule_rig_new_id(HAND_SHARD, m[i].id);
    }
    for (size_t i = 0; i < 3; i++) {
        m[i].behind = i > 0 ? m[i - 1].id : NULL;
        m[i].next = i < 2 ? m[i + 1].id : NULL;
        schedule_rig_post(&rig, &m[i]);
        schedule_rig_await(&rig);
    }
}

static void a_chat_s_messages_are_found_wherever_they_wait(void **state)
{
    int64_t before = walk(true).checked;
    struct rig_message m[3];
    struct seen s;

    (void)state;
    post_chat(m);
    s = walk(true);
    assert_int_equal(s.checked, before + 3);
    assert_int_equal(s.found, 0);
    break_one("ZREM", "due ", m[0].id, "");
    s = walk(true);
    assert_string_equal(s.word, "unreachable");
    assert_string_equal(s.last, m[0].id);
    break_one("ZREM", "due ", m[0].id, "");
    break_one("DEL", "m:", m[0].id, "");
    s = walk(true);
    assert_int_equal(s.found, 1);
    assert_string_equal(s.word, "waits-for-nothing");
    assert_string_equal(s.last, m[1].id);
    assert_int_equal(walk(true).found, 0);
    schedule_rig_delete(&rig, m[1].id, 1);
    schedule_rig_delete(&rig, m[2].id, 1);
    assert_int_equal(walk(true).found, 0);
}

/* As it was made before there was a list of theirs. */
static void a_chat_s_messages_that_stand_in_no_list_are_put_there(void **state)
{
    static const char no_list[] =
        "EVAL redis.call([[DEL]],KEYS[1],KEYS[1]..[[:]]..redis.call([[ZRANGE]],KEYS[1],0,0)[1]) 1 "
        "s:{07}:chatmessages";
    int64_t before = walk(true).checked;
    struct rig_message m[3];
    struct seen s;

    (void)state;
    post_chat(m);
    assert_string_equal(redis_server_ask(rig.server, no_list), "$-1");
    s = walk(false);
    assert_int_equal(s.found, 3);
    assert_int_equal(s.left, 3);
    assert_string_equal(s.word, "unlisted");
    s = walk(true);
    assert_int_equal(s.found, 3);
    assert_int_equal(s.checked, before + 3 - 1); /* of the test before: one that is no more */
    s = walk(true);
    assert_int_equal(s.found, 0);
    assert_int_equal(s.checked, before + 3 - 1);
}

static void expect_fsck(const char *option, int code, const char *words)
{
    struct buf said;
    char line[256];

    buf_init(&said, 65536);
    snprintf(line, sizeof line,
             "CMIBRIDGE_REDIS_ADDRESS=%s \"$CMIBRIDGE_BIN\" schedule fsck %s 2>&1",
             rig.server->address, option);
    assert_int_equal(shell_run(line, &said), code);
    if (strstr(buf_text(&said), words) == NULL)
        fail_msg("\"%s\" is not in %s", words, buf_text(&said));
    buf_done(&said);
}

static void the_command_says_what_it_can_t_repair(void **state)
{
    (void)state;
    break_one("HDEL", "m:", ids[8], " n");
    expect_fsck("-n", 1, "; 1 found, nothing repaired");
    expect_fsck("", 1, " damaged 1 not repaired\n");
    expect_fsck("", 1, "; 1 found, 0 repaired, 1 not repaired");
    break_one("HSET", "m:", ids[8], " n 3");
    expect_fsck("", 0, " found and repaired");
    expect_fsck("", 0, "; 0 found");
}

/* ---- what can't be read ---- */

static void break_list(unsigned shard, const char *command, const char *behind)
{
    char line[80];

    snprintf(line, sizeof line, "%s s:{%02u}:callbacks%s", command, shard, behind);
    assert_true(redis_server_ask(rig.server, line)[0] != '-');
}

static void a_list_that_can_t_be_read_is_told_and_the_rest_is_checked(void **state)
{
    const char *behind = ids[0];
    struct seen s;

    (void)state;
    for (size_t i = 1; i < MESSAGES; i++)
        if (shard_of(view_of(ids[i])) > shard_of(view_of(behind)))
            behind = ids[i];
    break_one("ZREM", "due ", behind, "");
    break_list(0, "SET", " x");
    s = walk(true);
    assert_int_equal(s.found, 2);
    assert_int_equal(s.left, 1);
    assert_true(s.checked >= MESSAGES);
    assert_string_equal(s.last, behind);
    s = walk(true);
    assert_int_equal(s.found, 1);
    assert_string_equal(s.last, "s:{00}:callbacks");
    assert_string_equal(s.word, "unreadable");
    break_list(0, "DEL", "");
    assert_int_equal(walk(true).found, 0);
}

/* It takes minutes, as each list is tried again. */
static void ctrl_c_ends_the_command(void **state)
{
    struct buf said;
    char line[512];

    (void)state;
    for (unsigned i = 0; i < SHARD_COUNT; i++)
        break_list(i, "SET", " x");
    buf_init(&said, 65536);
    snprintf(line, sizeof line,
             "dir=$(mktemp -d) && mkfifo $dir/said && "
             "{ CMIBRIDGE_REDIS_ADDRESS=%s \"$CMIBRIDGE_BIN\" schedule fsck >$dir/said 2>&1 & } && "
             "{ read first && kill -INT $! && cat; } <$dir/said; wait $!; code=$?; "
             "rm -r $dir; exit $code",
             rig.server->address);
    assert_int_equal(shell_run(line, &said), 1);
    if (strstr(buf_text(&said), "ended before all was checked") == NULL)
        fail_msg("it said: %s", buf_text(&said));
    buf_done(&said);
    for (unsigned i = 0; i < SHARD_COUNT; i++)
        break_list(i, "DEL", "");
}

static void a_restart_of_redis_on_the_way_is_waited_for(void **state)
{
    const struct redis_fsck_conf conf = {.repair = true, .rest_ms = -1};
    struct seen seen = {.rounds = 0};
    struct redis_fsck *f;

    (void)state;
    break_one("ZREM", "due ", ids[MESSAGES - 1], "");
    f = redis_fsck_new(&rig.loop, rig.redis, &conf,
                       (struct redis_fsck_owner){&seen, on_found, on_round});
    uv_run(&rig.loop, UV_RUN_ONCE);
    redis_server_restart(rig.server);
    while (seen.rounds == 0)
        uv_run(&rig.loop, UV_RUN_ONCE);
    assert_true(seen.checked >= MESSAGES); /* one that was asked for twice counts twice */
    assert_int_equal(seen.found, 1);
    redis_fsck_free(f);
    uv_run(&rig.loop, UV_RUN_NOWAIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_schedule_is_gone_through_whole),
        cmocka_unit_test(what_can_not_be_found_any_more_is_found),
        cmocka_unit_test(a_pointer_to_nothing_is_followed),
        cmocka_unit_test(what_can_t_be_repaired_is_told_once_and_as_such),
        cmocka_unit_test(a_chat_s_messages_are_found_wherever_they_wait),
        cmocka_unit_test(a_chat_s_messages_that_stand_in_no_list_are_put_there),
        cmocka_unit_test(the_command_says_what_it_can_t_repair),
        cmocka_unit_test(a_list_that_can_t_be_read_is_told_and_the_rest_is_checked),
        cmocka_unit_test(ctrl_c_ends_the_command),
        cmocka_unit_test(a_restart_of_redis_on_the_way_is_waited_for),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
