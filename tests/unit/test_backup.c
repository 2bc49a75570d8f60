/* backup: how a copy gets its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[] = "/tmp/cmibridge-test-XXXXXX";
static char part[80];
static char copy[64];
static bool no_links; /* the file system has none */

int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);

int __wrap_link(const char *from, const char *to)
{
    if (no_links)
        errno = EPERM;
    return no_links ? -1 : __real_link(from, to);
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    (void)snprintf(copy, sizeof copy, "%s/copy", directory);
    (void)snprintf(part, sizeof part, "%s" BACKUP_SUFFIX, copy);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(directory);
}

static void put(const char *file, const char *text)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void expect(const char *file, const char *text)
{
    char got[16] = "";
    int fd = open(file, O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(read(fd, got, sizeof got - 1), strlen(text));
    assert_string_equal(got, text);
    close(fd);
}

static void a_copy_takes_its_name_and_nobody_else_s(void **state)
{
    struct fault f = {0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        no_links = i == 1;
        put(part, "new");
        if (!backup_name(part, copy, &f))
            fail_msg("%s", f.text);
        expect(copy, "new");
        assert_int_equal(access(part, F_OK), -1);

        put(part, "newer");
        assert_false(backup_name(part, copy, &f));
        assert_non_null(strstr(f.text, "can't be made: File exists"));
        expect(copy, "new");
        assert_int_equal(unlink(part), 0);
        assert_int_equal(unlink(copy), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_takes_its_name_and_nobody_else_s),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
