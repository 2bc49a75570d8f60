/* Sending on a Redis that is killed while it writes: its append-only file ends in the middle of a
 * command, or lacks what it had acknowledged last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/num.h"
#include "bridge/core/shard.h"
#include "tests/fakes/send_rig.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGES     4
#define DESTINATIONS 500
#define LOST_BYTES   6000 /* some ten writes of slices */

static struct send_rig rig; /* too much for the stack */

/* The one that was written last. */
static void append_only_file(char path[512])
{
    char dir[128];
    struct dirent *entry;
    DIR *d;

    (void)snprintf(dir, sizeof dir, "%s/appendonlydir", rig.serve.redis->dir);
    d = opendir(dir);
    assert_non_null(d);
    path[0] = '\0';
    while ((entry = readdir(d)) != NULL)
        if (strstr(entry->d_name, ".incr.aof") != NULL)
            (void)snprintf(path, 512, "%s/%s", dir, entry->d_name);
    closedir(d);
    assert_true(path[0] != '\0');
}

/* Two processes are stopped in the middle of it, and Redis is killed. */
static void send_some(void)
{
    send_rig_start(&rig, 5);
    for (size_t i = 0; i < MESSAGES; i++)
        send_rig_post(&rig, DESTINATIONS, i == 0 ? 2000 : 0);
    send_rig_run(&rig, 0, NULL);
    send_rig_run(&rig, 1, NULL);
    send_rig_until_lines(&rig, MESSAGES * DESTINATIONS / 4);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(kill(rig.schedule[i], SIGSTOP), 0);
        send_rig_until_stopped(&rig, i);
    }
    redis_server_kill(rig.serve.redis);
}

static void go_on(void)
{
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(kill(rig.schedule[i], SIGCONT), 0);
    send_rig_until_ended(&rig);
}

static void end(void)
{
    for (unsigned i = 0; i < 2; i++)
        send_rig_end(&rig, i);
    send_rig_done(&rig);
}

/* What was being written was not acknowledged; all the rest is there. */
static void half_a_command_at_the_end_costs_nothing(void **state)
{
    static const char half[] = "*3\r\n$3\r\nSET\r\n$4\r\nhal";
    char path[512];
    FILE *file;

    (void)state;
    send_some();
    append_only_file(path);
    file = fopen(path, "a");
    assert_non_null(file);
    fputs(half, file);
    assert_int_equal(fclose(file), 0);
    redis_server_restart(rig.serve.redis);
    assert_string_equal(redis_server_ask(rig.serve.redis, "EXISTS hal"), ":0");
    go_on();
    send_rig_check(&rig);
    end();
}

static size_t ended_so_far(void)
{
    size_t ended = 0;

    for (size_t i = 0; i < MESSAGES; i++) {
        const char *id = rig.messages[i].id;
        char command[128];
        int64_t ok = 0;

        (void)snprintf(command, sizeof command, "HGET s:{%02u}:m:%s ok", shard_of(view_of(id)), id);
        if (num_int(view_of(redis_server_ask(rig.serve.redis, command)), &ok))
            ended += (size_t)ok;
    }
    return ended;
}

/* `cmibridge schedule fsck`: its exit code; with dry run 1 if there is something. */
static int fsck(const char *option)
{
    const char *binary = getenv("CMIBRIDGE_BIN");
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        execl(binary, binary, "schedule", "fsck", "--config", rig.config, option, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* A disk that has lost what it said it had: Redis is where it was some writes ago, the processes
 * are not. What it does not know of is done again; nothing else is, and nothing is left out. */
static void a_lost_tail_is_sent_again_and_no_more(void **state)
{
    char path[512];
    struct stat before;
    size_t unknown;

    (void)state;
    send_some();
    append_only_file(path);
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(truncate(path, before.st_size - LOST_BYTES), 0);
    redis_server_restart(rig.serve.redis);
    send_rig_look(&rig);
    unknown = rig.lines - ended_so_far();
    assert_true(unknown > 0);
    go_on();
    send_rig_look(&rig);
    for (size_t m = 0; m < MESSAGES; m++) {
        assert_int_equal(rig.messages[m].handled, DESTINATIONS);
        for (size_t i = 0; i < DESTINATIONS; i++) {
            assert_true(rig.messages[m].seen[i].accepted > 0);
            assert_true(rig.messages[m].seen[i].handled);
        }
    }
    /* Nor does it know of what they were about to begin. */
    assert_in_range(rig.lines, MESSAGES * DESTINATIONS,
                    MESSAGES * DESTINATIONS + unknown + 2 * SEND_RIG_UNRECORDED);
    assert_int_equal(fsck("--dry-run"), 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_a_command_at_the_end_costs_nothing),
        cmocka_unit_test(a_lost_tail_is_sent_again_and_no_more),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
