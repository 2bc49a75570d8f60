/* A list in pages on a real Redis, held against one zset that has the same members: filled in order
 * and at random, emptied at random, read from anywhere in both directions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/core/num.h"
#include "bridge/io/redis_schedule_scripts.h"
#include "tests/fakes/schedule_rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SHARD     7
#define OPS       6000
#define SPACE     2000 /* different members */
#define READ_MOST 40

extern const char redis_script_paged[];

static struct schedule_rig rig;

/* One change of both. */
static const char change_text[] = "local list, plain = KEYS[1] .. 'messages', KEYS[1] .. 'plain'\n"
                                  "if ARGV[1] == '+' then\n"
                                  "  paged_add(list, ARGV[2])\n"
                                  "  redis.call('ZADD', plain, 0, ARGV[2])\n"
                                  "else\n"
                                  "  paged_remove(list, ARGV[2])\n"
                                  "  redis.call('ZREM', plain, ARGV[2])\n"
                                  "end\n"
                                  "return 'done'\n";

/* What is wrong with the pages. */
static const char sound_text[] =
    "local list, n = KEYS[1] .. 'messages', 0\n"
    "for _, label in ipairs(redis.call('ZRANGE', list, 0, -1)) do\n"
    "  local page = list .. ':' .. label\n"
    "  local here = redis.call('ZCARD', page)\n"
    "  n = n + here\n"
    "  if here == 0 then return 'an empty page' end\n"
    "  if here > PAGE then return 'a page too large' end\n"
    "  if redis.call('OBJECT', 'ENCODING', page) ~= 'listpack' then return 'not packed' end\n"
    "end\n"
    "return n == redis.call('ZCARD', KEYS[1] .. 'plain') and 'sound' or 'members lost'\n";

static void script_of(struct redis_script *s, struct buf *text, const char *body)
{
    buf_init(text, 8192);
    buf_put_text(text, "#!lua\n");
    buf_put_text(text, redis_script_paged);
    buf_put_text(text, body);
    assert_false(text->full);
    redis_script_init(s, buf_text(text));
}

static struct view member_of(size_t i, char out[32])
{
    snprintf(out, 32, "%016zu:m", i);
    return view_of(out);
}

/* ---- reading ---- */

struct members {
    struct buf text;
    size_t count;
};

static void on_members(void *owner, const struct redis_value *v)
{
    struct members *m = owner;

    assert_int_equal(v->kind, REDIS_ARRAY);
    m->count = v->count;
    for (size_t i = 0; i < v->count; i++) {
        buf_put(&m->text, v->items[i].text);
        buf_put_char(&m->text, ' ');
    }
    rig.owed--;
}

static void expect_same(struct view above, struct view below, bool down, size_t most)
{
    struct members paged = {.count = 0};
    struct members plain = {.count = 0};
    char count[24];
    char min[40] = "-";
    char max[40] = "+";
    char key[SHARD_KEY_MAX];
    struct view prefix = shard_key(SHARD, "", VIEW_NONE, key);
    struct view args[] = {VIEW("messages"), above, below, down ? VIEW("1") : VIEW(""), VIEW_NONE};
    struct view range[] = {VIEW("ZRANGE"), VIEW("s:{07}:plain"), VIEW_NONE, VIEW_NONE,
                           VIEW("BYLEX"),  VIEW("LIMIT"),        VIEW("0"), VIEW_NONE,
                           VIEW("REV")};

    if (above.n > 0)
        snprintf(min, sizeof min, "(%.*s", VIEW_ARG(above));
    if (below.n > 0)
        snprintf(max, sizeof max, "(%.*s", VIEW_ARG(below));
    snprintf(count, sizeof count, "%zu", most);
    args[4] = range[7] = view_of(count);
    range[2] = view_of(down ? max : min);
    range[3] = view_of(down ? min : max);
    buf_init(&paged.text, 65536);
    buf_init(&plain.text, 65536);
    rig.owed += 2;
    redis_run(rig.redis, schedule_script(SCHEDULE_SCRIPT_LISTED), &prefix, 1, args, 5, on_members,
              &paged);
    redis_command(rig.redis, range, down ? 9 : 8, on_members, &plain);
    schedule_rig_await(&rig);
    assert_int_equal(paged.count, plain.count);
    assert_string_equal(buf_text(&paged.text), buf_text(&plain.text));
    buf_done(&paged.text);
    buf_done(&plain.text);
}

static void read_somewhere(void)
{
    char above[32];
    char below[32];

    expect_same(random() % 4 == 0 ? VIEW("") : member_of((size_t)random() % SPACE, above),
                random() % 4 == 0 ? VIEW("") : member_of((size_t)random() % SPACE, below),
                random() % 2 == 0, 1 + (size_t)random() % READ_MOST);
}

static void expect_whole(void)
{
    expect_same(VIEW(""), VIEW(""), false, SPACE);
    expect_same(VIEW(""), VIEW(""), true, SPACE);
}

/* ---- changing ---- */

static void change(const struct redis_script *s, const char *how, size_t i)
{
    char member[32];
    struct view args[] = {view_of(how), member_of(i, member)};

    assert_string_equal(schedule_rig_run(&rig, SHARD, s, args, 2), "done");
}

static void pages_read_as_one_list(void **state)
{
    struct redis_script change_it;
    struct redis_script sound;
    struct buf texts[2];
    int64_t seed = 0;

    (void)state;
    if (getenv("SIM_SEED") == NULL || !num_int(view_of(getenv("SIM_SEED")), &seed))
        seed = time(NULL);
    print_message("SIM_SEED=%" PRId64 "\n", seed);
    srandom((unsigned)seed);
    script_of(&change_it, &texts[0], change_text);
    script_of(&sound, &texts[1], sound_text);
    expect_whole(); /* nothing */
    for (size_t i = 0; i < 500; i++)
        change(&change_it, "+", SPACE / 2 + i); /* in order: pages are full */
    assert_string_equal(redis_server_ask(rig.server, "ZCARD s:{07}:messages"), ":5");
    expect_whole();
    for (size_t i = 0; i < OPS; i++) {
        bool grows = i < OPS / 2;

        change(&change_it, random() % 10 < (grows ? 7 : 2) ? "+" : "-", (size_t)random() % SPACE);
        if (i % 10 == 0)
            read_somewhere();
        if (i % 500 == 0)
            assert_string_equal(schedule_rig_run(&rig, SHARD, &sound, NULL, 0), "sound");
    }
    expect_whole();
    for (size_t i = 0; i < SPACE; i++)
        change(&change_it, "-", i);
    assert_string_equal(redis_server_ask(rig.server, "DBSIZE"), ":0"); /* no page is left */
    buf_done(&texts[0]);
    buf_done(&texts[1]);
}

static int start(void **state)
{
    static const char *const extra[] = {"--appendfsync", "no", NULL};

    (void)state;
    schedule_rig_start(&rig, extra, 0);
    assert_string_equal(redis_server_ask(rig.server, "FLUSHALL"), "+OK");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    schedule_rig_stop(&rig);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pages_read_as_one_list)};

    return cmocka_run_group_tests(tests, start, stop);
}
