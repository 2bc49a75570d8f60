/* carrier_log: what the pretend carrier has said to have taken is on the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "standalone/carrier_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

static char directory[] = "/tmp/cmibridge-test-XXXXXX";
static char path[64];
static uv_loop_t loop;
static unsigned syncs;
static off_t synced; /* bytes that the last one found in the file */
static bool broken;  /* the disk */

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

int __wrap_fdatasync(int fd)
{
    struct stat st;

    syncs++;
    assert_int_equal(fstat(fd, &st), 0);
    synced = st.st_size;
    if (broken)
        errno = EIO;
    return broken ? -1 : __real_fdatasync(fd);
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/log", directory);
    return uv_loop_init(&loop);
}

static int tear_down(void **state)
{
    (void)state;
    return uv_loop_close(&loop) == 0 ? rmdir(directory) : -1;
}

static int begin(void **state)
{
    (void)state;
    syncs = 0;
    synced = 0;
    broken = false;
    return 0;
}

struct heard {
    unsigned kept;
    unsigned lost;
    unsigned syncs; /* there were, when it heard */
};

static void on_kept(void *ctx, bool kept)
{
    struct heard *h = ctx;

    h->kept += kept;
    h->lost += !kept;
    h->syncs = syncs;
}

static void close_log(struct carrier_log *l)
{
    carrier_log_close(l);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
}

static void nobody_hears_before_the_disk_has_it(void **state)
{
    struct carrier_log *l = carrier_log_new(&loop, path);
    struct heard h = {0};

    (void)state;
    for (int i = 0; i < 3; i++)
        carrier_log_add(l, VIEW("a line\n"), on_kept, &h);
    assert_int_equal(h.kept, 0);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(h.kept, 3);
    assert_int_equal(h.syncs, 1); /* of one turn, together */
    assert_int_equal(synced, 3 * 7);
    carrier_log_add(l, VIEW("another\n"), on_kept, &h);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(h.kept, 4);
    assert_int_equal(h.syncs, 2);
    assert_int_equal(synced, 3 * 7 + 8);
    close_log(l);
    assert_int_equal(unlink(path), 0);
}

static void a_disk_that_fails_keeps_nothing(void **state)
{
    struct carrier_log *l = carrier_log_new(&loop, path);
    struct heard h = {0};

    (void)state;
    broken = true;
    carrier_log_add(l, VIEW("a line\n"), on_kept, &h);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(h.lost, 1);
    broken = false;
    carrier_log_add(l, VIEW("a line\n"), on_kept, &h);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(h.lost, 1);
    assert_int_equal(h.kept, 1);
    close_log(l);
    assert_int_equal(unlink(path), 0);
}

static void where_there_is_no_disk_there_is_nothing_to_wait_for(void **state)
{
    struct carrier_log *l = carrier_log_new(&loop, "/dev/null");
    struct heard h = {0};

    (void)state;
    carrier_log_add(l, VIEW("a line\n"), on_kept, &h);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(h.kept, 1);
    close_log(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nobody_hears_before_the_disk_has_it, begin),
        cmocka_unit_test_setup(a_disk_that_fails_keeps_nothing, begin),
        cmocka_unit_test_setup(where_there_is_no_disk_there_is_nothing_to_wait_for, begin),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
