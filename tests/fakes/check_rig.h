/*
 * check_rig: `cmibridge check` as an operator runs it, with a file of its own; a loop turns
 * meanwhile, so that servers on it answer.
 */
#ifndef TESTS_FAKES_CHECK_RIG_H
#define TESTS_FAKES_CHECK_RIG_H

#include "bridge/core/buf.h"

#include <uv.h>

struct check_rig {
    uv_loop_t loop;
    uv_process_t process;
    uv_pipe_t pipes[2]; /* stdout, stderr */
    uv_timer_t patience;
    struct buf said[2];
    char piece[65536];
    int64_t code;
    int open; /* pipes and process that have not ended */
    char dir[256];
    char file[288];
};

/* cmocka's set-up and tear-down: *state is a struct check_rig. */
int check_rig_start(void **state);
int check_rig_stop(void **state);
#define CHECK_RIG_TEST(test) cmocka_unit_test_setup_teardown(test, check_rig_start, check_rig_stop)

void check_rig_write(struct check_rig *r, const char *yaml); /* the file */

/* Runs `cmibridge check` with these words, of which "FILE" is the file's name; gives its exit
 * code. */
int64_t check_rig_run(struct check_rig *r, const char *const *words);
#define CHECK(r, ...) check_rig_run((r), (const char *const[]){__VA_ARGS__, NULL})

/* What the last run wrote to standard output, and to standard error. */
const char *check_rig_out(struct check_rig *r);
const char *check_rig_err(struct check_rig *r);
/* Fail the test unless the text is in it. */
void check_rig_out_has(struct check_rig *r, const char *text);
void check_rig_err_has(struct check_rig *r, const char *text);

#endif
