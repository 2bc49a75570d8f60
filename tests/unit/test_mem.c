/* mem: the heap that always has room, or ends the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void copies_are_whole_and_ended(void **state)
{
    char *text = mem_text("abcdef", 3);
    char *bytes = mem_copy("a\0b", 3);
    char *empty = mem_text(NULL, 0);

    (void)state;
    assert_string_equal(text, "abc");
    assert_memory_equal(bytes, "a\0b", 3);
    assert_string_equal(empty, "");
    mem_free(text);
    mem_free(bytes);
    mem_free(empty);
    mem_free(NULL);
}

static void nothing_at_all_can_be_had_and_freed(void **state)
{
    void *p = mem_zeroed(0, 0);

    (void)state;
    assert_non_null(p);
    p = mem_resize(p, 0, 8);
    p = mem_resize(p, 8, 0);
    assert_non_null(p);
    mem_free(p);
}

static void a_block_keeps_its_content_as_it_grows(void **state)
{
    char *p = mem_zeroed(4, 2);

    (void)state;
    assert_memory_equal(p, "\0\0\0\0\0\0\0\0", 8);
    memcpy(p, "12345678", 8);
    p = mem_resize(p, 4096, 16);
    assert_memory_equal(p, "12345678", 8);
    mem_free(p);
}

/* count · size wraps round to a small number; a block that small would be written past its end. */
static void a_product_past_all_memory_ends_the_process(void **state)
{
    const struct rlimit no_core = {0, 0};
    pid_t child = fork();
    int status = 0;

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO); /* the sentence is expected */
        (void)mem_resize(NULL, SIZE_MAX / 2 + 2, 2);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_are_whole_and_ended),
        cmocka_unit_test(nothing_at_all_can_be_had_and_freed),
        cmocka_unit_test(a_block_keeps_its_content_as_it_grows),
        cmocka_unit_test(a_product_past_all_memory_ends_the_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
