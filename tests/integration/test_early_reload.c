/* A SIGHUP in the first moments of a program that reads its configuration again at one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* It comes while the configuration is read, from a pipe here, which has a mistake. */
static void no_program_ends_by_a_reload_that_comes_early(void **state)
{
    static const char *const commands[] = {"consume", "schedule", "serve"};
    const char *program = getenv("CMIBRIDGE_BIN");
    char path[] = "/tmp/cmibridge-signals-XXXXXX";

    (void)state;
    assert_non_null(program);
    assert_int_equal(access(program, X_OK), 0); /* else nobody would read the pipe */
    assert_non_null(mkdtemp(path));
    assert_int_equal(chdir(path), 0);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        int status = 0;
        pid_t pid;
        int fd;

        assert_int_equal(mkfifo("conf", 0600), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            (void)execl(program, "cmibridge", commands[i], "--config", "conf", (char *)NULL);
            _exit(127);
        }
        fd = open("conf", O_WRONLY); /* until it reads */
        assert_true(fd >= 0);
        assert_int_equal(kill(pid, SIGHUP), 0);
        assert_int_equal(write(fd, "none: 1\n", 8), 8);
        (void)close(fd);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != COMMAND_CONFIG)
            fail_msg("%s ended with status %d", commands[i], status);
        assert_int_equal(unlink("conf"), 0);
    }
    assert_int_equal(rmdir(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_program_ends_by_a_reload_that_comes_early),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
