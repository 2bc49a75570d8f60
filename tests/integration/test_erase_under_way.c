/* `cmibridge erase` beside a request that was read before the person was known to be erased, and is
 * stored later than Redis is searched: it brings nobody back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/shard.h"
#include "tests/fakes/serve_rig.h"
#include "tests/fakes/shell.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define OUTPUT_MAX   65536
#define BODY_MAX     (8 << 20)
#define PERSON       "+358407654321"
#define DESTINATIONS 66000 /* more slices than are on their way at a time */
#define TRIES_MAX    5000
#define MESSAGE                                                                                    \
    "{\"message\":\"Hello\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","        \
    "\"sendTime\":\"2035-03-04T12:00:00Z\",\"destinations\":["

static struct serve_rig rig;
static struct buf output;

/* In the shard that is searched first. */
static void create(char path[64])
{
    char id[33] = "";

    for (int i = 0; i == 0 || shard_of(view_of(id)) != 0; i++) {
        assert_true(i < TRIES_MAX);
        serve_create(&rig, "/messages", "", MESSAGE "{\"address\":\"+3585\"}]}", id);
    }
    (void)snprintf(path, 64, "/messages/%s", id);
}

/* The same to many, the person among them; does not wait for the answer. */
static int send_put(const char *path)
{
    struct buf body;
    struct buf all;
    int fd = probe_connect(rig.port);

    buf_init(&body, BODY_MAX);
    buf_init(&all, BODY_MAX);
    buf_put_text(&body, MESSAGE);
    for (int i = 1; i < DESTINATIONS; i++)
        buf_printf(&body, "{\"address\":\"+35850%06d\"},", i);
    buf_put_text(&body, "{\"address\":\"" PERSON "\"}]}");
    assert_false(body.full);
    buf_printf(&all,
               "PUT /RI/cmi%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
               "Content-Length: %zu\r\n\r\n",
               path, body.n);
    buf_put(&all, buf_view(&body));
    assert_false(all.full);
    probe_send(fd, buf_view(&all));
    buf_done(&body);
    buf_done(&all);
    return fd;
}

static FILE *begin_erase(void)
{
    char command[256];
    FILE *erase;

    (void)snprintf(command, sizeof command,
                   "\"$CMIBRIDGE_BIN\" erase --config %s --json '" PERSON "' 2>&1", rig.config);
    erase = popen(command, "r");
    assert_non_null(erase);
    return erase;
}

static void end_erase(FILE *erase)
{
    char line[1024];

    buf_clear(&output);
    while (fgets(line, sizeof line, erase) != NULL)
        buf_put_text(&output, line);
    if (pclose(erase) != 0)
        fail_msg("%s", buf_text(&output));
}

static void what_was_on_its_way_in_is_found_all_the_same(void **state)
{
    char path[64];
    char command[256];
    struct probe_reply reply;
    FILE *erase;
    int status = 0;
    int fd;

    (void)state;
    create(path);
    (void)snprintf(command, sizeof command,
                   "\"$CMIBRIDGE_BIN\" erase --config %s --dry-run '" PERSON "' 2>&1", rig.config);
    assert_int_equal(shell_run(command, &output), 0); /* Redis knows the scripts from here on */
    redis_server_freeze(rig.redis);
    fd = send_put(path);
    serve_await_under_way(&rig, 1);
    erase = begin_erase();
    /* After the history, before Redis. */
    assert_int_equal(waitpid(rig.pid, &status, WUNTRACED), rig.pid);
    assert_true(WIFSTOPPED(status));
    assert_int_equal(kill(rig.pid, SIGCONT), 0);
    redis_server_thaw(rig.redis);
    reply = probe_read(fd, false);
    assert_int_equal(reply.status, 204);
    probe_done(&reply);
    probe_close(fd);
    end_erase(erase);
    serve_lacks(&rig, path, PERSON);
    serve_holds(&rig, path, "{\"address\":\"erased\",\"status\":\"FAILED\"}");
    assert_non_null(strstr(buf_text(&output), "\"destinations\":1,"));
}

static int start(void **state)
{
    (void)state;
    buf_init(&output, OUTPUT_MAX);
    setenv("CMIBRIDGE_REDIS_TIMEOUT", "60s", 1);
    /* The first two times are the dry run's. */
    setenv("CMIBRIDGE_FAULT_POINT", "erasing:4:stop", 1);
    serve_rig_start(&rig, "");
    unsetenv("CMIBRIDGE_FAULT_POINT");
    unsetenv("CMIBRIDGE_REDIS_TIMEOUT");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    buf_done(&output);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_on_its_way_in_is_found_all_the_same),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
