#include "tests/fakes/http_rig.h"

#include "bridge/core/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void keep(char *to, size_t room, struct view v)
{
    size_t n = v.n < room ? v.n : room - 1;

    if (n > 0)
        memcpy(to, v.p, n);
    to[n] = '\0';
}

#define KEEP(array, v) keep((array), sizeof(array), (v))

static void on_closed(void *owner)
{
    struct http_rig *b = owner;

    b->closed = true;
    uv_stop(&b->loop);
}

void http_rig_close(struct http_rig *b)
{
    b->closed = false;
    http_client_close(b->client, on_closed, b);
    b->client = NULL;
}

bool http_rig_send(struct http_rig *b, const char *method, const char *body, struct fault *f)
{
    const struct http_call call = {.token = b->seen.replies + 1,
                                   .method = method,
                                   .path = VIEW("/callbacks"),
                                   .body = view_of(body)};

    return b->port.submit(b->port.ctx, &call, f);
}

static void on_reply(void *owner, const struct http_reply *r)
{
    struct http_rig *b = owner;
    struct http_seen *s = &b->seen;
    struct fault f = {0};

    uv_stop(&b->loop); /* a timer brought it, perhaps: then nothing would end the loop's turn */
    s->replies++;
    s->answered += r->fate == HTTP_ANSWERED;
    if (b->again) {
        b->again = false;
        assert_true(http_rig_send(b, "POST", "{}", &f)); /* the slot is free already */
    }
    s->token = r->token;
    s->fate = r->fate;
    s->status = r->status;
    KEEP(s->retry_after, r->retry_after);
    KEEP(s->location, r->location);
    KEEP(s->content_type, r->content_type);
    KEEP(s->body, r->body);
    s->cut = r->cut;
    KEEP(s->error, view_of(r->error));
    if (s->replies == 1)
        b->first = *s;
    assert_int_equal(r->error == NULL, r->fate == HTTP_ANSWERED);
    if (b->close_inside) {
        b->close_inside = false;
        http_rig_close(b);
    }
}

struct http_destination http_rig_usual(const struct http_rig *b)
{
    return (struct http_destination){.url = hostile_http_url(b->server),
                                     .slots = HTTP_RIG_SLOTS,
                                     .timeout_ms = HTTP_RIG_LONG_MS,
                                     .connect_timeout_ms = HTTP_RIG_LONG_MS};
}

void http_rig_connect(struct http_rig *b, struct http_destination to)
{
    struct fault f = {0};

    b->client = http_client_new(&b->loop, &to, 1, on_reply, b, &f);
    assert_non_null(b->client);
    b->port = http_client_port(b->client);
}

void http_rig_disconnect(struct http_rig *b)
{
    if (b->client == NULL)
        return;
    http_rig_close(b);
    while (!b->closed)
        uv_run(&b->loop, UV_RUN_ONCE);
}

int http_rig_start(void **state)
{
    struct http_rig *b = mem_zeroed(1, sizeof *b);

    b->server = hostile_http_start();
    uv_loop_init(&b->loop);
    *state = b;
    return 0;
}

int http_rig_stop(void **state)
{
    struct http_rig *b = *state;

    http_rig_disconnect(b);
    assert_int_equal(uv_loop_close(&b->loop), 0); /* nothing was left on it */
    hostile_http_stop(b->server);
    mem_free(b);
    return 0;
}

void http_rig_wait(struct http_rig *b, unsigned count)
{
    while (b->seen.replies < count)
        uv_run(&b->loop, UV_RUN_ONCE);
}

void http_rig_wait_requests(struct http_rig *b, size_t count)
{
    while (hostile_http_count(b->server) < count)
        uv_run(&b->loop, UV_RUN_NOWAIT);
}

void http_rig_answered(struct http_rig *b, int status)
{
    if (b->seen.fate != HTTP_ANSWERED || b->seen.status != status)
        fail_msg("fate %d, status %d: '%s'", (int)b->seen.fate, b->seen.status, b->seen.error);
}

const struct http_seen *http_rig_call(struct http_rig *b, const char *method, const char *body)
{
    struct fault f = {0};
    unsigned before = b->seen.replies;

    assert_true(http_rig_send(b, method, body, &f));
    assert_int_equal(b->seen.replies, before); /* never from inside submit */
    http_rig_wait(b, before + 1);
    assert_int_equal(b->seen.token, before + 1);
    return &b->seen;
}

void http_rig_next(struct http_rig *b, enum hostile_act act)
{
    const struct hostile_step step = {.act = act};

    hostile_http_script(b->server, &step, 1);
}
