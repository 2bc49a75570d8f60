/* serve: how it starts, how it ends, and what goes from its store in between. memmem is GNU's. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "bridge/core/shard.h"
#include "tests/fakes/serve_rig.h"
#include "tests/fakes/shell.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX (1 << 20)

static struct serve_rig rig;

#define MESSAGE                                                                                    \
    "{\"message\":\"Hello\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","        \
    "\"destinations\":[{\"address\":\"1\"},{\"address\":\"1\"}]}"

#define CALLBACK "{\"customerNumber\":\"1\",\"callbackQueueNumber\":\"153\"}"

static int start(void **state)
{
    (void)state;
    serve_rig_start(&rig, "");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    return 0;
}

/* Runs the binary to its end; its exit code. name and value: set in its environment, or NULL. */
static int run(const char *const *args, const char *name, const char *value)
{
    const char *binary = getenv("CMIBRIDGE_BIN");
    const char *argv[8] = {"cmibridge", "serve"};
    int status = 0;
    pid_t pid = 0;

    for (size_t i = 0; args[i] != NULL; i++)
        argv[i + 2] = args[i];
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (name != NULL)
            setenv(name, value, 1);
        if (freopen("/dev/null", "w", stderr) == NULL || freopen("/dev/null", "w", stdout) == NULL)
            _exit(126);
        execv(binary, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void what_can_t_start_says_so_with_its_exit_code(void **state)
{
    const char *const help[] = {"--help", NULL};
    const char *const what[] = {"--what", NULL};
    const char *const missing[] = {"--config", "/nonexistent/cmibridge.yaml", NULL};
    const char *const good[] = {"--config", rig.config, NULL};
    static const char *const endings[] = {"", "-wal", "-shm", "-lock"};
    char taken[32];
    char other[128];

    (void)state;
    assert_int_equal(run(help, NULL, NULL), COMMAND_OK);
    assert_int_equal(run(what, NULL, NULL), COMMAND_USAGE);
    assert_int_equal(run(missing, NULL, NULL), COMMAND_CONFIG);
    assert_int_equal(run(good, "CMIBRIDGE_LIMITS_BODY", "lots"), COMMAND_CONFIG);
    /* Another one has the history; then, the port. */
    assert_int_equal(run(good, NULL, NULL), COMMAND_UNAVAILABLE);
    snprintf(taken, sizeof taken, "127.0.0.1:%u", rig.port);
    snprintf(other, sizeof other, "%s/other.sqlite", rig.dir);
    setenv("CMIBRIDGE_HISTORY_FILE", other, 1);
    assert_int_equal(run(good, "CMIBRIDGE_SERVER_LISTEN", taken), COMMAND_UNAVAILABLE);
    assert_int_equal(run(good, "CMIBRIDGE_ADMIN_LISTEN", taken), COMMAND_UNAVAILABLE);
    unsetenv("CMIBRIDGE_HISTORY_FILE");
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        snprintf(other, sizeof other, "%s/other.sqlite%s", rig.dir, endings[i]);
        unlink(other);
    }
}

/* Each that it ends with, here or above. */
static void its_help_lists_its_exit_codes(void **state)
{
    static const int codes[] = {COMMAND_OK, COMMAND_USAGE, COMMAND_CONFIG, COMMAND_UNAVAILABLE,
                                COMMAND_STOPPED};
    const char *list = NULL;
    struct buf said;

    (void)state;
    buf_init(&said, OUTPUT_MAX);
    assert_int_equal(shell_run("\"$CMIBRIDGE_BIN\" serve --help", &said), COMMAND_OK);
    list = strstr(buf_text(&said), "Exit code: ");
    assert_non_null(list);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        char code[16];

        snprintf(code, sizeof code, "%s%d ", i == 0 ? ": " : "; ", codes[i]);
        if (list != NULL && strstr(list, code) == NULL)
            fail_msg("it has no '%s': %s", code, list);
    }
    buf_done(&said);
}

static void data_laid_out_in_other_shards_is_left_alone(void **state)
{
    char command[256];
    struct buf said;

    (void)state;
    serve_rig_stop(&rig);
    assert_string_equal(redis_server_ask(rig.redis, "HSET s:{00}:cfg shards 128"), ":0");
    snprintf(command, sizeof command, "\"$CMIBRIDGE_BIN\" serve --config %s 2>&1", rig.config);
    buf_init(&said, OUTPUT_MAX);
    assert_int_equal(shell_run(command, &said), COMMAND_STOPPED);
    assert_non_null(strstr(buf_text(&said), "event=store_unsound"));
    assert_null(strstr(buf_text(&said), "event=store_ready"));
    buf_done(&said);
    assert_string_equal(redis_server_ask(rig.redis, "HSET s:{00}:cfg shards 64"), ":0");
    serve_rig_restart(&rig);
}

static void a_stop_lets_what_is_under_way_end(void **state)
{
    struct probe_reply r;
    int status = 0;
    int idle = probe_connect(rig.port);
    int fd = -1;

    (void)state;
    redis_server_freeze(rig.redis);
    fd = serve_send(&rig, "/callbacks", "", CALLBACK);
    serve_await_under_way(&rig, 1);
    assert_int_equal(kill(rig.pid, SIGTERM), 0);
    assert_true(serve_rig_await(&rig, "event=draining"));
    assert_true(probe_is_closed(idle));
    redis_server_thaw(rig.redis);
    r = probe_read(fd, false);
    assert_int_equal(r.status, 201);
    assert_string_equal(probe_header(&r, "Connection"), "close");
    probe_done(&r);
    probe_close(fd);
    probe_close(idle);
    assert_int_equal(waitpid(rig.pid, &status, 0), rig.pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(rig.log_fd);
    serve_rig_restart(&rig);
}

static void a_stop_while_redis_says_nothing_answers_503(void **state)
{
    struct probe_reply r;
    int status = 0;
    int fd = -1;

    (void)state;
    redis_server_freeze(rig.redis);
    fd = serve_send(&rig, "/callbacks", "", CALLBACK);
    serve_await_under_way(&rig, 1);
    assert_int_equal(kill(rig.pid, SIGTERM), 0);
    r = probe_read(fd, false);
    assert_int_equal(r.status, 503);
    probe_done(&r);
    probe_close(fd);
    assert_int_equal(waitpid(rig.pid, &status, 0), rig.pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(rig.log_fd);
    redis_server_thaw(rig.redis);
    serve_rig_restart(&rig);
}

static const char *ask(const char *verb, const char *name, const char *id, const char *rest)
{
    static unsigned shard; /* of the last id */
    char key[SHARD_KEY_MAX];
    char command[256];

    if (id[0] != '\0')
        shard = shard_of((struct view){id, 32});
    shard_key(shard, name, view_of(id), key);
    snprintf(command, sizeof command, "%s %s %s", verb, key, rest);
    return redis_server_ask(rig.redis, command);
}

/* Asks until the answer is that; there is nothing in Redis to wait on. */
static void await_answer(const char *verb, const char *name, const char *id, const char *answer)
{
    for (int i = 0; strcmp(ask(verb, name, id, ""), answer) != 0; i++) {
        assert_true(i < PROBE_PATIENCE_MS / 10);
        poll(NULL, 0, 10);
    }
}

/* With whom it was for, which `campaign missed` tells until then. */
static void what_was_deleted_goes_from_the_store_after_the_retention(void **state)
{
    char id[33];
    char path[64];
    char rest[64];
    char purge[32];

    (void)state;
    serve_create(&rig, "/messages", "Idempotency-Key: gone\r\n", MESSAGE, id);
    snprintf(path, sizeof path, "/messages/%s", id);
    assert_string_equal(ask("HEXISTS", "m", id, "c0"), ":1");
    assert_string_equal(ask("EXISTS", "rep", id, ""), ":1");
    serve_expect(&rig, "DELETE", path, "", NULL, 204, "");
    snprintf(purge, sizeof purge, "%s", ask("HGET", "m", id, "purge"));
    snprintf(rest, sizeof rest, "1 %s", id);
    assert_string_equal(ask("ZADD", "gc", "", rest), ":0");
    for (int i = 0; strcmp(ask("ZSCORE", "gc", "", id), purge) != 0; i++) { /* it was looked at */
        assert_true(i < PROBE_PATIENCE_MS / 10);
        poll(NULL, 0, 10);
    }
    assert_string_equal(ask("HGET", "m", id, "st"), "8");
    assert_string_equal(ask("HEXISTS", "m", id, "c0"), ":1");
    assert_string_equal(ask("EXISTS", "rep", id, ""), ":1");
    assert_string_equal(ask("HEXISTS", "m", id, "body"), ":0");
    assert_string_equal(ask("HSET", "m", id, "purge 1"), ":0");
    assert_string_equal(ask("ZADD", "gc", "", rest), ":0");
    await_answer("EXISTS", "m", id, ":0");
    assert_string_equal(ask("EXISTS", "rep", id, ""), ":0");
}

#define MARK  "xylophone"
#define EMAIL "0190A1B2000040008000000000000001"
#define EVENT                                                                                      \
    "[{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/t\",\"type\":\"email.received\","        \
    "\"subject\":\"emails/" EMAIL "\",\"data\":{\"from_queue\":{\"id\":\"" EMAIL                   \
    "\",\"name\":\"Q\"},\"title\":\"t\",\"content\":\"" MARK                                       \
    "\",\"originator\":\"a@x.example\",\"destination\":\"b@x.example\"}}]"

/* Of the history: every page that holds the text becomes noise. Gives how many. */
static size_t damage(const char *path, const char *text)
{
    static char page[4096];
    FILE *file = fopen(path, "r+");
    size_t damaged = 0;

    assert_non_null(file);
    for (long at = 0; fread(page, sizeof page, 1, file) == 1; at += (long)sizeof page) {
        if (memmem(page, sizeof page, text, strlen(text)) == NULL)
            continue;
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        memset(page, 0xA5, sizeof page);
        assert_int_equal(fwrite(page, sizeof page, 1, file), 1);
        assert_int_equal(fseek(file, at + (long)sizeof page, SEEK_SET), 0);
        damaged++;
    }
    assert_int_equal(fclose(file), 0);
    return damaged;
}

static void a_damaged_history_is_said_and_written_to_no_more(void **state)
{
    const char *type = "Content-Type: application/cloudevents-batch+json\r\n";
    char path[128];
    struct probe_reply r;

    (void)state;
    r = probe_ask(rig.port, "POST", "/ingest", type, EVENT);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.body.p, "204"));
    probe_done(&r);
    serve_rig_stop(&rig);
    snprintf(path, sizeof path, "%s/history.sqlite", rig.dir);
    assert_true(damage(path, MARK) > 0);
    serve_rig_restart(&rig);
    buf_clear(&rig.log);
    serve_expect(&rig, "GET", "/emails/" EMAIL, "", NULL, 500, NULL);
    assert_true(
        serve_rig_await(&rig, "event=history_damaged error=\"history: database disk image"));
    r = probe_ask(rig.admin_port, "GET", "/readyz", "", NULL);
    assert_int_equal(r.status, 503);
    assert_non_null(strstr(r.body.p, "the history is damaged: history: database disk image is"));
    probe_done(&r);
    r = probe_ask(rig.port, "POST", "/ingest", type, EVENT);
    assert_int_equal(r.status, 503);
    assert_non_null(strstr(r.body.p, "the history is damaged; nothing is written to it"));
    probe_done(&r);
    serve_expect(&rig, "GET", "/callbacks", "", NULL, 200, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_t_start_says_so_with_its_exit_code),
        cmocka_unit_test(its_help_lists_its_exit_codes),
        cmocka_unit_test(data_laid_out_in_other_shards_is_left_alone),
        cmocka_unit_test(a_stop_lets_what_is_under_way_end),
        cmocka_unit_test(a_stop_while_redis_says_nothing_answers_503),
        cmocka_unit_test(what_was_deleted_goes_from_the_store_after_the_retention),
        cmocka_unit_test(
            a_damaged_history_is_said_and_written_to_no_more), /* the last: it stays so */
    };

    return cmocka_run_group_tests(tests, start, stop);
}
