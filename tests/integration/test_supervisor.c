/* Starting, watching and ending of several programs, with small ones in the place of the real. */
#include "bridge/core/buf.h"
#include "standalone/settings.h"
#include "standalone/supervisor.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char dir[64];
    struct plan plan;
    uv_loop_t loop;
    struct supervisor *supervisor;
    bool up;
    bool down;
    bool end_when_up;
    bool end_at_once;
    char why[8192];
};

static struct fixture *now; /* of the running test, for the rows' functions */

static int set_up(void **state)
{
    struct fixture *x = calloc(1, sizeof *x);
    struct fault f = {0};

    if (x == NULL)
        return -1;
    (void)snprintf(x->dir, sizeof x->dir, "/tmp/cmibridge-test-XXXXXX");
    if (mkdtemp(x->dir) == NULL || !site_open(&x->plan.site, x->dir, &f))
        return -1;
    (void)snprintf(x->plan.program, sizeof x->plan.program, "%s", getenv("CMIBRIDGE_BIN"));
    x->end_when_up = true;
    now = x;
    *state = x;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *x = *state;
    char command[128];
    int failed;

    words_done(&x->plan.topics);
    site_close(&x->plan.site);
    (void)snprintf(command, sizeof command, "rm -rf %s", x->dir);
    failed = system(command);
    free(x);
    return failed;
}

static void on_up(void *ctx)
{
    struct fixture *x = ctx;

    x->up = true;
    if (x->end_when_up)
        supervisor_end(x->supervisor);
}

static void on_down(void *ctx, const char *why)
{
    struct fixture *x = ctx;

    x->down = true;
    (void)snprintf(x->why, sizeof x->why, "%s", why != NULL ? why : "");
}

static void run(struct fixture *x, const struct part *rows, size_t count)
{
    struct supervisor_owner owner = {x, on_up, on_down};

    assert_int_equal(uv_loop_init(&x->loop), 0);
    x->supervisor = supervisor_start(&x->loop, &x->plan, rows, count, owner);
    if (x->end_at_once)
        supervisor_end(x->supervisor);
    uv_run(&x->loop, UV_RUN_DEFAULT);
    assert_true(x->down);
    supervisor_free(x->supervisor);
    assert_int_equal(uv_loop_close(&x->loop), 0); /* nothing was forgotten on the loop */
}

static bool told(struct plan *p, const char *line, struct fault *f)
{
    (void)p;
    if (strcmp(line, "ready") == 0)
        return true;
    return fault_set(f, FAULT_REJECT, "it said %s", line);
}

static void shell(struct words *out, const char *script)
{
    words_add(out, "sh");
    words_add(out, "-c");
    words_add(out, "%s", script);
}

/* Says in DIR/order that it has ended when told to. */
static void orderly(struct words *out, const char *name)
{
    char script[256];

    (void)snprintf(
        script, sizeof script,
        "trap 'echo %s >>%s/order; exit 0' TERM; echo ready; while :; do read x <%s/fifo; "
        "done",
        name, now->dir, now->dir);
    shell(out, script);
}

static void first(const struct plan *p, struct words *out)
{
    (void)p;
    orderly(out, "first");
}

static void second(const struct plan *p, struct words *out)
{
    (void)p;
    orderly(out, "second");
}

static void third(const struct plan *p, struct words *out)
{
    (void)p;
    orderly(out, "third");
}

static void breaks(const struct plan *p, struct words *out)
{
    (void)p;
    shell(out, "echo ready; echo 'the reason, at length' >&2; exit 3");
}

static void silent(const struct plan *p, struct words *out)
{
    (void)p;
    shell(out, "exec sleep 1000");
}

static void unguarded(const struct plan *p, struct words *out)
{
    (void)p;
    shell(out, "echo ready; exec sleep 1000");
}

static void stubborn(const struct plan *p, struct words *out)
{
    (void)p;
    shell(out, "trap '' TERM; echo ready; exec sleep 1000");
}

static void misunderstood(const struct plan *p, struct words *out)
{
    (void)p;
    shell(out, "echo nonsense; exec sleep 1000");
}

static void no_program(const struct plan *p, struct words *out)
{
    (void)p;
    words_add(out, "there-is-no-such-program");
}

#define ROW(name, command, start_ms, end_ms)                                                       \
    {                                                                                              \
        name, command, false, NULL, told, start_ms, end_ms                                         \
    }
#define LONG_MS 60000

static void make_fifo(const struct fixture *x)
{
    char path[96];

    (void)snprintf(path, sizeof path, "mkfifo %s/fifo", x->dir);
    assert_int_equal(system(path), 0);
}

static void parts_start_in_order_and_end_in_reverse(void **state)
{
    struct fixture *x = *state;
    const struct part rows[] = {ROW("first", first, LONG_MS, LONG_MS),
                                ROW("second", second, LONG_MS, LONG_MS),
                                ROW("third", third, LONG_MS, LONG_MS)};
    char path[96];
    char order[64] = "";
    FILE *in;

    make_fifo(x);
    run(x, rows, 3);
    assert_true(x->up);
    assert_string_equal(x->why, "");
    (void)snprintf(path, sizeof path, "%s/order", x->dir);
    in = fopen(path, "r");
    assert_non_null(in);
    order[fread(order, 1, sizeof order - 1, in)] = '\0';
    (void)fclose(in);
    assert_string_equal(order, "third\nsecond\nfirst\n");
}

static void a_part_that_ends_by_itself_ends_all_and_its_log_is_named(void **state)
{
    struct fixture *x = *state;
    const struct part rows[] = {ROW("first", first, LONG_MS, LONG_MS),
                                ROW("breaks", breaks, LONG_MS, LONG_MS)};
    char log[96];

    make_fifo(x);
    x->end_when_up = false;
    run(x, rows, 2);
    (void)snprintf(log, sizeof log, "%s/log/breaks.log", x->dir);
    assert_non_null(strstr(x->why, "breaks ended with status 3"));
    assert_non_null(strstr(x->why, log));
    assert_non_null(strstr(x->why, "the reason, at length"));
}

static void a_part_that_is_not_ready_in_time_ends_all(void **state)
{
    struct fixture *x = *state;
    const struct part rows[] = {ROW("silent", silent, 100, LONG_MS)};

    run(x, rows, 1);
    assert_false(x->up);
    assert_non_null(strstr(x->why, "silent is not ready"));
    assert_non_null(strstr(x->why, "log/silent.log"));
}

static void a_part_told_to_end_before_it_has_a_handler_for_that_ends_well(void **state)
{
    struct fixture *x = *state;
    const struct part rows[] = {ROW("silent", silent, LONG_MS, LONG_MS)};

    x->end_at_once = true;
    run(x, rows, 1);
    assert_false(x->up);
    assert_string_equal(x->why, "");
}

static void a_part_that_was_ready_and_does_not_end_by_itself_is_named(void **state)
{
    struct fixture *x = *state;
    const struct part rows[] = {ROW("unguarded", unguarded, LONG_MS, LONG_MS)};

    run(x, rows, 1);
    assert_true(x->up);
    assert_non_null(strstr(x->why, "unguarded, told to end, was killed by signal 15"));
}

static void a_part_that_does_not_end_when_told_is_killed_and_that_is_said(void **state)
{
    struct fixture *x = *state;
    const struct part rows[] = {ROW("stubborn", stubborn, LONG_MS, 100)};

    run(x, rows, 1);
    assert_true(x->up);
    assert_non_null(strstr(x->why, "stubborn did not end"));
}

static void a_first_line_that_makes_no_sense_ends_all(void **state)
{
    struct fixture *x = *state;
    const struct part rows[] = {ROW("misunderstood", misunderstood, LONG_MS, LONG_MS)};

    run(x, rows, 1);
    assert_false(x->up);
    assert_non_null(strstr(x->why, "it said nonsense"));
}

static void a_program_that_is_not_there_is_named(void **state)
{
    struct fixture *x = *state;
    const struct part rows[] = {ROW("absent", no_program, LONG_MS, LONG_MS)};

    run(x, rows, 1);
    assert_false(x->up);
    assert_non_null(strstr(x->why, "there-is-no-such-program can't be run"));
}

/* The first two rows of the real table need nothing of the others. */
static void redis_and_the_broker_start_and_end(void **state)
{
    struct fixture *x = *state;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct buf mistakes;
    int s;

    if (system("command -v redis-server >/dev/null") != 0) {
        print_message("skipped: redis-server is not installed\n");
        exit(77);
    }
    buf_init(&mistakes, 65536);
    x->plan.settings = settings_new(NULL, &mistakes);
    (void)site_path(&x->plan.site, "cmibridge.yaml", x->plan.config);
    words_add(&x->plan.topics, "contact-events:8");
    run(x, parts, 2);
    assert_string_equal(x->why, "");
    assert_true(x->up);
    assert_memory_equal(x->plan.kafka, "127.0.0.1:", 10);
    assert_int_equal(access(x->plan.config, R_OK), 0);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s", x->plan.site.redis_socket);
    assert_int_not_equal(connect(s, (struct sockaddr *)&at, sizeof at), 0);
    close(s);
    settings_free(x->plan.settings);
    buf_done(&mistakes);
}

static void a_second_start_in_the_same_directory_is_refused_with_the_process(void **state)
{
    struct fixture *x = *state;
    struct site other;
    struct fault f = {0};
    char id[24];
    int status = 0;
    pid_t second;

    (void)snprintf(id, sizeof id, "process %ld", (long)getpid());
    second = fork(); /* a lock is a process's */
    assert_true(second >= 0);
    if (second == 0)
        _exit(!site_open(&other, x->dir, &f) && strstr(f.text, id) != NULL ? 0 : 1);
    assert_int_equal(waitpid(second, &status, 0), second);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_directory_too_long_for_a_socket_gets_a_short_one_elsewhere(void **state)
{
    struct fixture *x = *state;
    struct site site;
    struct fault f = {0};
    char dir[256];

    (void)snprintf(dir, sizeof dir, "%s/%0100d", x->dir, 0);
    assert_true(site_open(&site, dir, &f));
    assert_true(strlen(site.redis_socket) < 108);
    assert_int_equal(access(site.short_dir, W_OK), 0);
    (void)snprintf(dir, sizeof dir, "%s", site.short_dir);
    site_close(&site);
    assert_int_not_equal(access(dir, F_OK), 0);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(parts_start_in_order_and_end_in_reverse),
        CASE(a_part_that_ends_by_itself_ends_all_and_its_log_is_named),
        CASE(a_part_that_is_not_ready_in_time_ends_all),
        CASE(a_part_told_to_end_before_it_has_a_handler_for_that_ends_well),
        CASE(a_part_that_was_ready_and_does_not_end_by_itself_is_named),
        CASE(a_part_that_does_not_end_when_told_is_killed_and_that_is_said),
        CASE(a_first_line_that_makes_no_sense_ends_all),
        CASE(a_program_that_is_not_there_is_named),
        CASE(redis_and_the_broker_start_and_end),
        CASE(a_second_start_in_the_same_directory_is_refused_with_the_process),
        CASE(a_directory_too_long_for_a_socket_gets_a_short_one_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
