/*
 * serve: a message of a million destinations, taken and shown whole with the limits that it has
 * unless told otherwise, in bounded memory. That is CMIBRIDGE_LONG=1; else it is a tenth, and
 * memory is not looked at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/num.h"
#include "tests/fakes/serve_rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MILLION  1000000
#define TENTH    100000
#define BODY_MAX (64u << 20)
#define PEAK_KIB 200000

static struct serve_rig rig;

/* The most memory that it has had. */
static int64_t peak_kib(void)
{
    char path[64];
    char line[256];
    int64_t kib = 0;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)rig.pid);
    file = fopen(path, "r");
    assert_non_null(file);
    while (kib == 0 && fgets(line, sizeof line, file) != NULL) {
        const char *digits = line + strcspn(line, "0123456789\n");

        if (strncmp(line, "VmHWM:", 6) == 0)
            assert_true(num_int((struct view){digits, strspn(digits, "0123456789")}, &kib));
    }
    fclose(file);
    assert_true(kib > 0);
    return kib;
}

/* As it is sent, however long it is: no other request is made of it. */
static struct probe_reply ask(struct view head, struct view body)
{
    int fd = probe_connect(rig.port);
    struct probe_reply r;

    probe_send(fd, head);
    probe_send(fd, body);
    r = probe_read(fd, false);
    probe_close(fd);
    return r;
}

static void post(size_t count, char id[33])
{
    struct probe_reply r;
    struct buf body;
    char head[256];

    buf_init(&body, BODY_MAX);
    buf_put_text(&body, "{\"message\":\"Hello\",\"source\":\"12345678@sms.social365.com\","
                        "\"subType\":\"sms\",\"sendTime\":\"2035-03-04T12:00:00Z\","
                        "\"destinations\":[");
    for (size_t i = 0; i < count; i++)
        buf_printf(&body, "%s{\"address\":\"+35840%07zu\"}", i > 0 ? "," : "", i);
    buf_put_text(&body, "]}");
    assert_false(body.full);
    (void)snprintf(head, sizeof head,
                   "POST /RI/cmi/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                   "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                   body.n);
    r = ask(view_of(head), buf_view(&body));
    buf_done(&body);
    if (r.status != 201 || r.body.n != 32)
        fail_msg("POST /messages: %d %.*s", r.status, VIEW_ARG(r.body));
    view_copy(r.body, id, 33);
    probe_done(&r);
}

static void expect_shown(size_t count, const char *id)
{
    static const char begin[] = "\"destinations\":{\"destination\":[";
    struct probe_reply r;
    char head[256];
    char text[80];
    const char *at;

    (void)snprintf(head, sizeof head,
                   "GET /RI/cmi/messages/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", id);
    r = ask(view_of(head), VIEW_NONE);
    assert_int_equal(r.status, 200);
    at = strstr(r.body.p, begin);
    assert_non_null(at);
    at += strlen(begin);
    for (size_t i = 0; i < count; i++) {
        int n = snprintf(text, sizeof text, "%s{\"address\":\"+35840%07zu\",\"status\":\"ADDED\"}",
                         i > 0 ? "," : "", i);

        if (strncmp(at, text, (size_t)n) != 0)
            fail_msg("destination %zu is %.80s", i, at);
        at += n;
    }
    assert_int_equal(strncmp(at, "]}", 2), 0);
    probe_done(&r);
}

static void a_million_destinations_go_there_and_back(void **state)
{
    bool whole = getenv("CMIBRIDGE_LONG") != NULL;
    size_t count = whole ? MILLION : TENTH;
    char id[33];
    int64_t peak;

    (void)state;
    /* However busy the machine's disk is: the rig's is short. */
    assert_int_equal(setenv("CMIBRIDGE_REDIS_TIMEOUT", "30s", 1), 0);
    serve_rig_start(&rig, "");
    post(count, id);
    expect_shown(count, id);
    peak = peak_kib();
    print_message("%zu destinations, %" PRId64 " KiB\n", count, peak);
    assert_true(!whole || peak <= PEAK_KIB);
    serve_rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_destinations_go_there_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
