/* users_text: whose its files are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/users_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERVE 65534 /* a user that has nothing */

static uid_t owner(const char *name)
{
    struct stat st = {0};

    assert_int_equal(lstat(name, &st), 0);
    return st.st_uid;
}

/* Else the first `cmibridge users` of root's would be the last of anybody else's. */
static void what_root_makes_in_a_directory_is_the_directory_s_owner_s(void **state)
{
    char directory[] = "/tmp/cmibridge-users-XXXXXX";
    char file[64];
    char lock[80];
    int fd = -1;

    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: only root gives a file away\n");
        skip();
    }
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chown(directory, SERVE, SERVE), 0);
    snprintf(file, sizeof file, "%s/users.yaml", directory);
    snprintf(lock, sizeof lock, "%s.lock", file);

    fd = users_text_lock(file);
    assert_true(fd >= 0);
    assert_int_equal(owner(lock), SERVE);
    assert_true(users_text_write(file, VIEW("users: []\n")));
    assert_int_equal(owner(file), SERVE);
    close(fd);

    /* One that is there may be a link to a file of root's. */
    assert_int_equal(chown(lock, 0, 0), 0);
    fd = users_text_lock(file);
    assert_true(fd >= 0);
    assert_int_equal(owner(lock), 0);
    close(fd);

    assert_int_equal(unlink(file), 0);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_root_makes_in_a_directory_is_the_directory_s_owner_s),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
