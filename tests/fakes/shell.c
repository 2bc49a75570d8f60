#include "tests/fakes/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/wait.h>

int shell_run(const char *line, struct buf *said)
{
    FILE *pipe = popen(line, "r");
    char piece[4096];
    size_t n;
    int status;

    assert_non_null(pipe);
    buf_clear(said);
    while ((n = fread(piece, 1, sizeof piece, pipe)) > 0)
        assert_true(buf_put(said, (struct view){piece, n}));
    (void)buf_text(said);
    status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}
