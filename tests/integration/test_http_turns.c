/* http_server: whatever its connections have to do, all else on the loop has its turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/io/http_server.h"
#include "bridge/io/tls.h"
#include "tests/fakes/probe.h"
#include "tests/fakes/tls_probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <uv.h>

#define PIPELINED   20
#define CONNECTIONS 8
#define PATIENCE_S  30
#define REST_MS     200 /* in which a loop that spins turns thousands of times */

struct place {
    uv_loop_t loop;
    uv_prepare_t turn;
    uv_timer_t rest;
    bool rested;
    struct http_server *http;
    unsigned turns;
    unsigned turn_of[PIPELINED]; /* in which a request was served */
    size_t served;
};

static void on_turn(uv_prepare_t *turn)
{
    ((struct place *)turn->data)->turns++;
}

static size_t admit(void *ctx, struct http_visit *v, const struct http_request *r)
{
    (void)ctx;
    (void)v;
    (void)r;
    return 0;
}

static void serve(void *ctx, struct http_visit *v, const struct http_request *r)
{
    struct place *p = ctx;

    (void)r;
    assert_true(p->served < PIPELINED);
    p->turn_of[p->served++] = p->turns;
    http_visit_answer(v, 204, NULL, 0, VIEW_NONE);
}

static void start(struct place *p, struct tls *tls)
{
    struct http_server_conf conf = {.address = "127.0.0.1:0",
                                    .connections_max = CONNECTIONS,
                                    .head_max_bytes = 4096,
                                    .bodies_max_bytes = 4096,
                                    .request_time_ms = PATIENCE_S * 1000,
                                    .tls = tls};
    struct http_server_owner owner = {.ctx = p, .admit = admit, .serve = serve};
    struct fault f = {0};

    *p = (struct place){.turns = 0};
    uv_loop_init(&p->loop);
    uv_prepare_init(&p->loop, &p->turn);
    uv_timer_init(&p->loop, &p->rest);
    p->turn.data = p->rest.data = p;
    uv_prepare_start(&p->turn, on_turn);
    p->http = http_server_new(&p->loop, &conf, owner, &f);
    assert_non_null(p->http);
}

static void stop(struct place *p)
{
    http_server_free(p->http);
    uv_close((uv_handle_t *)&p->turn, NULL);
    uv_close((uv_handle_t *)&p->rest, NULL);
    uv_run(&p->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&p->loop), 0);
}

static void requests_that_came_together_leave_the_loop_its_turns(void **state)
{
    struct place p;
    struct buf requests;
    int fd = -1;

    (void)state;
    start(&p, NULL);
    buf_init(&requests, 65536);
    for (size_t i = 0; i < PIPELINED; i++)
        buf_put_text(&requests, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    fd = probe_connect(http_server_port(p.http));
    probe_send(fd, buf_view(&requests));
    while (p.served < PIPELINED)
        uv_run(&p.loop, UV_RUN_ONCE);
    /* A turn has two occasions: what came, and what is still to do. */
    assert_true(p.turn_of[PIPELINED - 1] - p.turn_of[0] >= PIPELINED / 2 - 1);
    probe_close(fd);
    buf_done(&requests);
    stop(&p);
}

/* A certificate for itself, and its key. */
static struct tls *certificate(void)
{
    static const char make[] =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        "-subj /CN=localhost -keyout '%s' -out '%s' 2>/dev/null";
    char dir[] = "/tmp/cmibridge-turns-XXXXXX";
    char key[64];
    char pem[64];
    char command[512];
    struct fault f = {0};
    struct tls *tls = NULL;

    assert_non_null(mkdtemp(dir));
    snprintf(key, sizeof key, "%s/key", dir);
    snprintf(pem, sizeof pem, "%s/pem", dir);
    snprintf(command, sizeof command, make, key, pem);
    assert_int_equal(system(command), 0);
    tls = tls_new(&(struct tls_conf){.certificate = pem, .key = key}, &f);
    assert_non_null(tls);
    assert_int_equal(unlink(key) | unlink(pem) | rmdir(dir), 0);
    return tls;
}

static void on_rested(uv_timer_t *timer)
{
    ((struct place *)timer->data)->rested = true;
}

static void handshakes_that_wait_for_their_clients_rest(void **state)
{
    struct tls *tls = certificate();
    struct tls_probe *waits[CONNECTIONS];
    struct place p;
    unsigned before = 0;

    (void)state;
    start(&p, tls);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        waits[i] = tls_probe_new(http_server_port(p.http));
        assert_true(tls_probe_send(waits[i], i == 0 ? SIZE_MAX : i));
    }
    while (http_server_connections(p.http) < CONNECTIONS)
        uv_run(&p.loop, UV_RUN_ONCE);
    uv_timer_start(&p.rest, on_rested, REST_MS, 0);
    before = p.turns;
    while (!p.rested)
        uv_run(&p.loop, UV_RUN_ONCE);
    /* What is still to be read, one after the other, and the timer. */
    assert_true(p.turns - before <= (unsigned)CONNECTIONS * 4);
    stop(&p); /* with all of them */
    for (size_t i = 0; i < CONNECTIONS; i++)
        tls_probe_free(waits[i]);
    tls_free(tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_that_came_together_leave_the_loop_its_turns),
        cmocka_unit_test(handshakes_that_wait_for_their_clients_rest),
    };

    if (system("command -v openssl >/dev/null 2>&1") != 0) {
        printf("skipped: openssl is not installed\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
