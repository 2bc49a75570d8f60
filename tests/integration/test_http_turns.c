/* http_server: whatever its connections have to do, all else on the loop has its turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/io/http_server.h"
#include "tests/fakes/probe.h"

#include <uv.h>

#define PIPELINED  20
#define PATIENCE_S 30

struct place {
    uv_loop_t loop;
    uv_prepare_t turn;
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

static void requests_that_came_together_leave_the_loop_its_turns(void **state)
{
    struct place p = {.turns = 0};
    struct http_server_conf conf = {.address = "127.0.0.1:0",
                                    .connections_max = 1,
                                    .head_max_bytes = 4096,
                                    .bodies_max_bytes = 4096,
                                    .request_time_ms = PATIENCE_S * 1000};
    struct fault f = {0};
    struct buf requests;
    int fd = -1;

    (void)state;
    uv_loop_init(&p.loop);
    uv_prepare_init(&p.loop, &p.turn);
    p.turn.data = &p;
    uv_prepare_start(&p.turn, on_turn);
    p.http = http_server_new(
        &p.loop, &conf, (struct http_server_owner){.ctx = &p, .admit = admit, .serve = serve}, &f);
    assert_non_null(p.http);
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
    http_server_free(p.http);
    uv_close((uv_handle_t *)&p.turn, NULL);
    uv_run(&p.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&p.loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_that_came_together_leave_the_loop_its_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
