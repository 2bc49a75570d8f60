/* backup: how a copy gets its name, and how it is given up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/backup.h"
#include "server/sqlite.h"
#include "tests/fakes/silence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

static char directory[] = "/tmp/cmibridge-test-XXXXXX";
static char part[80];
static char copy[64];
static char history[64];
static bool no_links; /* the file system has none */
static enum { NOWHERE, BEFORE_THE_COPY, BEHIND_IT } held;
static unsigned synced; /* fsyncs of ours */
static uv_sem_t there;  /* the thread is where it is held */
static uv_sem_t gate;

int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

static void hold(void)
{
    held = NOWHERE;
    uv_sem_post(&there);
    uv_sem_wait(&gate);
}

/* Of the part, before it is made. */
int __wrap_unlink(const char *path)
{
    if (held == BEFORE_THE_COPY && strcmp(path, part) == 0)
        hold();
    return __real_unlink(path);
}

int __wrap_fsync(int fd)
{
    synced++;
    if (held == BEHIND_IT)
        hold();
    return __real_fsync(fd);
}

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
    (void)snprintf(history, sizeof history, "%s/history", directory);
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

/* ---- given up ---- */

static struct backup *backup;

static void on_ask(void *ctx, struct control_call *call, struct view verb, struct view argument)
{
    (void)verb;
    *(bool *)ctx = true;
    backup_ask(backup, call, argument);
}

/* Large enough for SQLite to ask many times whether the copy goes on. */
static void make_history(void)
{
    struct fault f = {0};
    struct sqlite *db = sqlite_open(history, false, &f);

    assert_non_null(db);
    sqlite_script(db, "CREATE TABLE t (a);"
                      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE"
                      " i < 100000) INSERT INTO t SELECT i FROM n");
    if (!sqlite_check(db, &f))
        fail_msg("%s", f.text);
    sqlite_close(db);
}

static int connect_to_control(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(to.sun_path, sizeof to.sun_path, "%s" CONTROL_SUFFIX, history);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* Asks for a copy; what has it is at its end, or is freed while the thread is held. */
static void back_up(bool stops, char answer[256])
{
    uv_loop_t loop;
    struct server server = {.loop = &loop, .log = &silence};
    bool asked = false;
    struct fault f = {0};
    struct control *control;
    char line[128];
    int n = snprintf(line, sizeof line, "backup\t%s\n", copy);
    int fd;
    ssize_t got;

    synced = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    control = control_new(&loop, history, on_ask, &asked, &f);
    assert_non_null(control);
    backup = backup_new(&server, history);
    fd = connect_to_control();
    assert_int_equal(write(fd, line, (size_t)n), n);
    while (!asked)
        (void)uv_run(&loop, UV_RUN_ONCE);
    if (stops)
        uv_sem_wait(&there);
    if (stops)
        backup_free(backup);
    control_free(control);
    if (stops)
        uv_sem_post(&gate);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    if (!stops)
        backup_free(backup);
    assert_int_equal(uv_loop_close(&loop), 0);
    got = read(fd, answer, 255);
    assert_true(got > 0);
    answer[got] = '\0';
    close(fd);
}

static void a_copy_is_given_up_when_the_server_ends(void **state)
{
    static const char stopping[] = "{\"error\":\"the server is stopping; nothing was copied\"}\n";
    char answer[256];
    char beside[80];

    (void)state;
    uv_sem_init(&there, 0);
    uv_sem_init(&gate, 0);
    make_history();

    held = BEFORE_THE_COPY;
    back_up(true, answer);
    assert_string_equal(answer, stopping);
    assert_int_equal(synced, 0); /* it did not get so far */
    assert_int_equal(access(part, F_OK), -1);
    assert_int_equal(access(copy, F_OK), -1);

    held = BEHIND_IT;
    back_up(true, answer);
    assert_string_equal(answer, stopping);
    assert_int_equal(access(part, F_OK), -1);
    assert_int_equal(access(copy, F_OK), -1);

    back_up(false, answer);
    assert_non_null(strstr(answer, "{\"bytes\":"));
    assert_int_equal(access(part, F_OK), -1);
    assert_int_equal(unlink(copy), 0);
    assert_int_equal(unlink(history), 0);
    for (size_t i = 0; i < 2; i++) { /* who only reads leaves them */
        (void)snprintf(beside, sizeof beside, "%s%s", history, i == 0 ? "-wal" : "-shm");
        (void)unlink(beside);
    }
    uv_sem_destroy(&there);
    uv_sem_destroy(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_takes_its_name_and_nobody_else_s),
        cmocka_unit_test(a_copy_is_given_up_when_the_server_ends),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
