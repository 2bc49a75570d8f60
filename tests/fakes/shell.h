/*
 * shell: a command line as a person types it, run to its end.
 */
#ifndef TESTS_FAKES_SHELL_H
#define TESTS_FAKES_SHELL_H

#include "bridge/core/buf.h"

/* Returns the exit code; what the line writes to standard output is then in `said`, and nothing
 * else, with a NUL behind it. Fails the test if it ends by a signal, or says more than the buffer
 * may hold. $CMIBRIDGE_BIN is the program (set by ctest). */
int shell_run(const char *line, struct buf *said);

#endif
