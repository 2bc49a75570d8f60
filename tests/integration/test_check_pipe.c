/* cmibridge check of a configuration that comes through a pipe, which can be read once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "tests/fakes/shell.h"

#include <string.h>

#define YAML "printf 'kafka: {brokers: \"127.0.0.1:1\"}\\n%s\\n' \"$1\" | "
#define WITH(targets, words)                                                                       \
    "set -- '" targets "'; " YAML "\"$CMIBRIDGE_BIN\" check --config /dev/stdin " words " 2>&1"
#define TARGETS "targets: {m: {url: \"http://127.0.0.1:1/RI/cmi\"}}"

static void a_pipe_is_as_good_as_a_file(void **state)
{
    struct buf said;

    (void)state;
    buf_init(&said, 65536);
    assert_int_equal(shell_run(WITH(TARGETS, ""), &said), COMMAND_OK);
    assert_non_null(strstr(said.p, "consume              ready\n"));
    assert_non_null(strstr(said.p, "publish              ready\n"));
    assert_int_equal(shell_run(WITH(TARGETS, "--for consume"), &said), COMMAND_OK);
    assert_non_null(strstr(said.p, "consume              ready\n"));
    assert_int_equal(shell_run(WITH("", ""), &said), COMMAND_OK);
    assert_non_null(strstr(said.p, "consume              lacks\n    /dev/stdin: targets is empty"));
    assert_int_equal(shell_run(WITH("targets: 7", ""), &said), COMMAND_CONFIG);
    assert_non_null(strstr(said.p, "/dev/stdin:2: "));
    buf_done(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipe_is_as_good_as_a_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
