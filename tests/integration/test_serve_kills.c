/* `cmibridge serve`, killed with SIGKILL again and again in the middle of ingest and of POSTs of
 * all kinds: whatever was acknowledged is there after each restart. CMIBRIDGE_LONG=1 kills it 200
 * times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/core/rng.h"
#include "tests/fakes/serve_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WRITERS     4
#define PATH_MAX_   64
#define REQUEST_MAX 4096
#define BATCH       5  /* events of one POST /ingest */
#define KILLED_AT   60 /* acknowledgements of a round, at most */

/* What a writer tells the test: "/contacts/<id>", padded, so that it is written whole. */
struct word {
    char path[PATH_MAX_];
};

static struct serve_rig rig;
static struct word *acknowledged;
static size_t acknowledged_count;
static size_t acknowledged_room;

/* ---- a writer: a process that posts until the server is no more ---- */

/* The status, 0 where the connection ended before the answer was whole; the body in `body`. */
static int post(int fd, const char *path, const char *type, const char *more, const char *json,
                char body[REQUEST_MAX])
{
    char bytes[2 * REQUEST_MAX];
    size_t n = 0;
    int64_t length = 0;
    int64_t status = 0;
    int size = snprintf(bytes, sizeof bytes,
                        "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\n%s"
                        "Content-Length: %zu\r\n\r\n%s",
                        path, type, more, strlen(json), json);

    probe_send(fd, (struct view){bytes, (size_t)size});
    for (;;) {
        ssize_t got = recv(fd, bytes + n, sizeof bytes - 1 - n, 0);
        char *end;
        char *head;

        if (got <= 0)
            return 0;
        n += (size_t)got;
        bytes[n] = '\0';
        end = strstr(bytes, "\r\n\r\n");
        head = strstr(bytes, "Content-Length: ");
        if (end == NULL || head == NULL)
            continue;
        if (!num_int((struct view){head + 16, strcspn(head + 16, "\r")}, &length) ||
            !num_int((struct view){bytes + 9, 3}, &status))
            _exit(3);
        if (n >= (size_t)(end + 4 - bytes) + (size_t)length) {
            view_copy((struct view){end + 4, (size_t)length}, body, REQUEST_MAX);
            return (int)status;
        }
    }
}

static void tell(int to, const char *collection, const char *id)
{
    struct word w = {{0}};

    snprintf(w.path, sizeof w.path, "/%s/%.32s", collection, id);
    if (write(to, &w, sizeof w) != (ssize_t)sizeof w) /* a pipe takes so little whole */
        _exit(4);
}

static void ingest(int fd, int to, unsigned round, unsigned n)
{
    char ids[BATCH][33];
    char json[REQUEST_MAX];
    char body[REQUEST_MAX];
    size_t at = 0;
    int status;

    for (unsigned i = 0; i < BATCH; i++) {
        snprintf(ids[i], sizeof ids[i], "%08X%016X%08X", round + 1, 0xC0DEu, n * BATCH + i);
        at += (size_t)snprintf(
            json + at, sizeof json - at,
            "%s{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/t\",\"type\":"
            "\"contact.received\",\"subject\":\"contacts/%s\",\"data\":{\"channel\":\"PHONE\","
            "\"type\":\"CallIn\",\"source\":\"+358401234567\",\"destination\":\"100\","
            "\"subject\":\"the red car\"}}%s",
            i == 0 ? "[" : ",", ids[i], ids[i], i + 1 == BATCH ? "]" : "");
    }
    status = post(fd, "/ingest", "application/cloudevents-batch+json", "", json, body);
    if (status == 0)
        _exit(0);
    if (status != 200 || strstr(body, "error") != NULL)
        _exit(5);
    for (unsigned i = 0; i < BATCH; i++)
        tell(to, "contacts", ids[i]);
}

static const struct {
    const char *collection;
    const char *body;
} posts[] = {
    {"chats", "{\"originator\":\"sam\",\"destination\":\"desk\",\"from_queue\":{\"id\":"
              "\"00000000000000000000000000000001\"},\"title\":\"t\",\"channel_type\":\"chat\","
              "\"channel_sub_type\":\"text\",\"transcript\":{\"messages\":[{\"message\":\"hello\","
              "\"originator\":\"sam\"}]}}"},
    {"messages", "{\"message\":\"Hei\",\"source\":\"12345678@sms.social365.com\",\"subType\":"
                 "\"sms\",\"sendTime\":\"2035-03-04T12:00:00Z\",\"destinations\":[{\"address\":"
                 "\"+358401234567\"}]}"},
    {"callbacks", "{\"customerNumber\":\"+358401234567\",\"callbackQueueNumber\":\"153\"}"},
};

static void create(int fd, int to, unsigned kind, unsigned round, unsigned n)
{
    char path[64];
    char key[64];
    char body[REQUEST_MAX];
    int status;

    snprintf(path, sizeof path, "/RI/cmi/%s", posts[kind].collection);
    snprintf(key, sizeof key, "Idempotency-Key: r%u-%u-%u\r\n", round, kind, n);
    status = post(fd, path, "application/json", key, posts[kind].body, body);
    if (status == 0)
        _exit(0);
    if (status == 503)
        return; /* Redis is looked at anew after each restart */
    if (status != 201)
        _exit(6);
    tell(to, posts[kind].collection, body);
}

/* Connected before the first of them writes: that may be the server's end. */
static pid_t start_writer(unsigned kind, int fd, int to, unsigned round)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    for (unsigned n = 0;; n++) {
        if (kind == WRITERS - 1)
            ingest(fd, to, round, n);
        else
            create(fd, to, kind, round, n);
    }
}

/* ---- the test ---- */

static void remember(const struct word *w)
{
    if (acknowledged_count == acknowledged_room) {
        acknowledged_room = acknowledged_room == 0 ? 1024 : 2 * acknowledged_room;
        acknowledged = mem_resize(acknowledged, acknowledged_room, sizeof *acknowledged);
    }
    acknowledged[acknowledged_count++] = *w;
}

static void read_back(size_t from)
{
    for (size_t i = from; i < acknowledged_count; i++) {
        struct probe_reply r = serve_ask(&rig, "GET", acknowledged[i].path, "", NULL);

        if (r.status != 200)
            fail_msg("GET %s, which was acknowledged: %d %.*s", acknowledged[i].path, r.status,
                     VIEW_ARG(r.body));
        probe_done(&r);
    }
}

static void one_round(unsigned round, struct rng *rng)
{
    const size_t first = acknowledged_count;
    const size_t enough = 1 + (size_t)rng_below(rng, KILLED_AT);
    pid_t writers[WRITERS];
    int connections[WRITERS];
    struct word w;
    int fds[2];
    int status;

    assert_int_equal(pipe(fds), 0);
    for (unsigned i = 0; i < WRITERS; i++)
        connections[i] = probe_connect(rig.port);
    for (unsigned i = 0; i < WRITERS; i++)
        writers[i] = start_writer(i, connections[i], fds[1], round);
    for (unsigned i = 0; i < WRITERS; i++)
        probe_close(connections[i]);
    close(fds[1]);
    while (acknowledged_count - first < enough) {
        assert_int_equal(read(fds[0], &w, sizeof w), sizeof w);
        remember(&w);
    }
    serve_rig_kill(&rig);
    while (read(fds[0], &w, sizeof w) == (ssize_t)sizeof w) /* until the last writer has ended */
        remember(&w);
    close(fds[0]);
    for (unsigned i = 0; i < WRITERS; i++) {
        assert_int_equal(waitpid(writers[i], &status, 0), writers[i]);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail_msg("writer %u ended with %#x", i, (unsigned)status);
    }
    serve_rig_restart(&rig);
    read_back(first);
}

static void what_was_acknowledged_outlives_every_kill(void **state)
{
    const unsigned rounds = getenv("CMIBRIDGE_LONG") != NULL ? 200 : 20;
    struct rng rng = rng_of(20261126);

    (void)state;
    serve_rig_start(&rig, "");
    for (unsigned round = 0; round < rounds; round++)
        one_round(round, &rng);
    read_back(0);
    printf("%u kills, %zu acknowledged and read back\n", rounds, acknowledged_count);
    serve_rig_done(&rig);
    mem_free(acknowledged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_acknowledged_outlives_every_kill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
