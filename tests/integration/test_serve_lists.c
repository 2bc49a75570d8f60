/* serve: lists out of Redis' shards: two thousand messages, more of some shard than are read at a
 * time; and a list that is longer than an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/shard.h"
#include "server/listing.h"
#include "tests/fakes/serve_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES 2100
#define AT_ONCE  50
#define PAGE     300
#define MESSAGE                                                                                    \
    "{\"message\":\"Hello\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","        \
    "\"sendTime\":\"2035-03-12T09:00:00.000Z\",\"destinations\":[{\"address\":\"1\"}]}"

_Static_assert(MESSAGES > SHARD_COUNT * LISTING_PAGE, "some shard has more than one page");

static struct serve_rig rig;
static char made[MESSAGES][33]; /* ids, as POST gave them */

/* One of a list. */
struct listed {
    char id[33];
    char created[32];
};

static struct listed all[MESSAGES];
static struct listed some[MESSAGES];

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Those under way at once share what Redis writes to its disk. */
static void make_messages(void)
{
    int fds[AT_ONCE];

    for (size_t first = 0; first < MESSAGES; first += AT_ONCE) {
        for (size_t i = 0; i < AT_ONCE; i++)
            fds[i] = serve_send(&rig, "/messages", "", MESSAGE);
        for (size_t i = 0; i < AT_ONCE; i++) {
            struct probe_reply r = probe_read(fds[i], false);

            assert_int_equal(r.status, 201);
            view_copy(r.body, made[first + i], sizeof made[0]);
            probe_done(&r);
            probe_close(fds[i]);
        }
    }
    qsort(made, MESSAGES, sizeof made[0], by_text);
}

static int start(void **state)
{
    (void)state;
    /* 70 MB at once: no failure of Redis, however slow the machine. */
    assert_int_equal(setenv("CMIBRIDGE_REDIS_TIMEOUT", "60s", 1), 0);
    serve_rig_start(&rig, "");
    make_messages();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    return 0;
}

/* What stands in the answer, into `to`, of which there is room for `most`; how many. */
static size_t read_items(const struct probe_reply *r, struct listed *to, size_t most)
{
    static const char id[] = "{\"id\":\"";
    static const char created[] = "\"creationTime\":\"";
    const char *at = r->body.p;
    size_t n = 0;

    while ((at = strstr(at, id)) != NULL) {
        assert_true(n < most);
        at += sizeof id - 1;
        snprintf(to[n].id, sizeof to[n].id, "%.32s", at);
        at = strstr(at, created);
        assert_non_null(at);
        at += sizeof created - 1;
        snprintf(to[n++].created, sizeof to[0].created, "%.24s", at);
    }
    return n;
}

/* Adds what one page has; false: it was the last. */
static bool read_page(char next[SERVE_NEXT_MAX], struct listed *to, size_t *count, size_t most)
{
    struct probe_reply r = serve_ask(&rig, "GET", next, "", NULL);
    bool goes_on = false;

    if (r.status != 200)
        fail_msg("GET %s: %d %.*s", next, r.status, VIEW_ARG(r.body));
    *count += read_items(&r, to + *count, most - *count);
    goes_on = serve_next(&r, next);
    probe_done(&r);
    return goes_on;
}

/* All pages from the path on; how many things stand in them. */
static size_t read_list(const char *path, struct listed *to, size_t *pages)
{
    char next[SERVE_NEXT_MAX];
    size_t count = 0;

    snprintf(next, sizeof next, "%s", path);
    for (*pages = 1; read_page(next, to, &count, MESSAGES); ++*pages)
        continue;
    return count;
}

static void expect_same(const struct listed *got, size_t got_count, const struct listed *wanted,
                        size_t wanted_count)
{
    for (size_t i = 0; i < got_count && i < wanted_count; i++)
        if (strcmp(got[i].id, wanted[i].id) != 0)
            fail_msg("message %zu is %s, not %s", i, got[i].id, wanted[i].id);
    assert_int_equal(got_count, wanted_count);
}

/* Newest first; of one millisecond, by the id. */
static void a_list_without_a_limit_has_all_in_order(void **state)
{
    size_t pages = 0;

    (void)state;
    assert_int_equal(read_list("/messages", all, &pages), MESSAGES);
    assert_int_equal(pages, 1);
    for (size_t i = 1; i < MESSAGES; i++) {
        int order = strcmp(all[i - 1].created, all[i].created); /* one format */

        if (order < 0 || (order == 0 && strcmp(all[i - 1].id, all[i].id) <= 0))
            fail_msg("%s of %s stands before %s of %s", all[i - 1].id, all[i - 1].created,
                     all[i].id, all[i].created);
    }
    for (size_t i = 0; i < MESSAGES; i++)
        if (bsearch(all[i].id, made, MESSAGES, sizeof made[0], by_text) == NULL)
            fail_msg("%s was not made", all[i].id);
}

static void pages_lead_through_all_of_it(void **state)
{
    char path[64];
    size_t pages = 0;
    size_t count;

    (void)state;
    assert_int_equal(read_list("/messages", all, &pages), MESSAGES);
    snprintf(path, sizeof path, "/messages?limit=%d", PAGE);
    count = read_list(path, some, &pages);
    expect_same(some, count, all, MESSAGES);
    assert_int_equal(pages, (MESSAGES + PAGE - 1) / PAGE);
    count = read_list("/messages?limit=2100", some, &pages); /* no page behind what is whole */
    expect_same(some, count, all, MESSAGES);
    assert_int_equal(pages, 1);
}

/* The three that come together: after one time, before another, from a page on. */
static void times_of_creation_are_strict(void **state)
{
    const char *early;
    const char *late;
    char path[256];
    size_t pages = 0;
    size_t count;
    size_t first = 0; /* of those before `late` */
    size_t end = 0;   /* of those after `early` */

    (void)state;
    assert_int_equal(read_list("/messages", all, &pages), MESSAGES);
    late = all[MESSAGES / 4].created;
    early = all[3 * MESSAGES / 4].created;
    while (strcmp(all[first].created, late) >= 0)
        first++;
    while (strcmp(all[end].created, early) > 0)
        end++;
    assert_true(first > 0 && end > first && end < MESSAGES);
    snprintf(path, sizeof path, "/messages?creationTime=%s", early);
    count = read_list(path, some, &pages);
    expect_same(some, count, all, end);
    snprintf(path, sizeof path, "/messages?creationTimeEnd=%s", late);
    count = read_list(path, some, &pages);
    expect_same(some, count, all + first, MESSAGES - first);
    snprintf(path, sizeof path, "/messages?limit=64&creationTime=%s&creationTimeEnd=%s", early,
             late);
    count = read_list(path, some, &pages);
    expect_same(some, count, all + first, end - first);
    assert_int_equal(pages, (end - first + 63) / 64);
}

static void a_page_goes_on_behind_what_is_there_no_more(void **state)
{
    char next[SERVE_NEXT_MAX] = "/messages?limit=64";
    char path[64];
    char id[33];
    size_t count = 0;
    size_t pages = 0;

    (void)state;
    assert_int_equal(read_list("/messages", all, &pages), MESSAGES);
    assert_true(read_page(next, some, &count, MESSAGES));
    snprintf(path, sizeof path, "/messages/%s", some[count - 1].id);
    serve_expect(&rig, "DELETE", path, "", NULL, 204, "");
    serve_create(&rig, "/messages", "", MESSAGE, id); /* newer than all: before the page */
    while (read_page(next, some, &count, MESSAGES))
        continue;
    expect_same(some, count, all, MESSAGES);
}

/* ---- a list that is longer than an answer ---- */

#define LARGE       70
#define LARGE_BYTES 1000000

static size_t count_of(struct view text, const char *what)
{
    const char *at = text.p;
    size_t n = 0;

    for (; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

/* Though no limit was given. */
static void a_list_over_64_mib_goes_on_by_its_link(void **state)
{
    struct probe_reply r;
    struct buf body;
    char next[SERVE_NEXT_MAX];
    char target[SERVE_NEXT_MAX + 16];
    char id[33];
    size_t first = 0;

    (void)state;
    buf_init(&body, LARGE_BYTES + 256);
    buf_put_text(&body, "{\"customerNumber\":\"1\",\"callbackQueueNumber\":\"153\","
                        "\"extraData\":\"");
    for (size_t i = 0; i < LARGE_BYTES; i++)
        buf_put_char(&body, 'x');
    buf_put_text(&body, "\"}");
    for (int i = 0; i < LARGE; i++)
        serve_create(&rig, "/callbacks", "", buf_text(&body), id);
    buf_done(&body);
    r = probe_ask(rig.port, "GET", "/RI/cmi/callbacks", "", NULL);
    assert_int_equal(r.status, 200);
    assert_true(r.body.n > LISTING_BYTES_MAX && r.body.n < LISTING_BYTES_MAX + 2 * LARGE_BYTES);
    first = count_of(r.body, "\"callbackQueueNumber\"");
    assert_true(first < LARGE);
    assert_true(serve_next(&r, next));
    probe_done(&r);
    snprintf(target, sizeof target, "/RI/cmi%s", next);
    r = probe_ask(rig.port, "GET", target, "", NULL);
    assert_int_equal(r.status, 200);
    assert_int_equal(first + count_of(r.body, "\"callbackQueueNumber\""), LARGE);
    assert_false(serve_next(&r, next));
    probe_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_without_a_limit_has_all_in_order),
        cmocka_unit_test(pages_lead_through_all_of_it),
        cmocka_unit_test(times_of_creation_are_strict),
        cmocka_unit_test(a_page_goes_on_behind_what_is_there_no_more),
        cmocka_unit_test(a_list_over_64_mib_goes_on_by_its_link),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
