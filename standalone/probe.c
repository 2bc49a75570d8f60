#include "standalone/probe.h"

#include "bridge/core/mem.h"

#include <stdio.h>
#include <string.h>

struct probe {
    struct probe_question question;
    void (*ready)(void *owner);
    void *owner;
    uv_timer_t again;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } peer;
    bool peer_open;
    bool stopped;
    bool good;
    unsigned handles; /* open or closing; the last one to close frees */
    uv_connect_t connecting;
    uv_write_t writing;
    char answer[PROBE_ANSWER_MAX];
    size_t answer_n;
    char word[PROBE_WORD_MAX];
};

static void ask(struct probe *p);

static void on_again(uv_timer_t *timer)
{
    ask(timer->data);
}

static void on_closed(uv_handle_t *handle)
{
    struct probe *p = handle->data;

    p->handles--;
    if (handle == &p->peer.handle)
        p->peer_open = false;
    if (p->stopped) {
        if (p->handles == 0)
            mem_free(p);
        return;
    }
    if (handle != &p->peer.handle)
        return;
    if (p->good)
        p->ready(p->owner); /* may stop the probe */
    else
        uv_timer_start(&p->again, on_again, PROBE_AGAIN_MS, 0);
}

static void hang_up(struct probe *p)
{
    if (p->peer_open && !uv_is_closing(&p->peer.handle))
        uv_close(&p->peer.handle, on_closed);
}

/* Keeps what a person would want to know of a bad answer. */
static void note(struct probe *p, const char *text)
{
    const char *body = strstr(text, "\r\n\r\n");
    size_t n;

    if (body != NULL)
        text = body + 4;
    n = strcspn(text, "\r\n");
    if (n >= sizeof p->word)
        n = sizeof p->word - 1;
    memcpy(p->word, text, n);
    p->word[n] = '\0';
}

static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    struct probe *p = handle->data;

    (void)wanted;
    *out = uv_buf_init(p->answer + p->answer_n,
                       (unsigned)(sizeof p->answer - 1 - p->answer_n)); /* full: ends the reading */
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct probe *p = stream->data;
    size_t good_n = strlen(p->question.good);

    (void)buf;
    if (n > 0)
        p->answer_n += (size_t)n;
    p->answer[p->answer_n] = '\0';
    if (p->answer_n >= good_n && memcmp(p->answer, p->question.good, good_n) == 0) {
        p->good = true;
        hang_up(p);
    } else if (n < 0) {
        note(p, p->answer_n > 0 ? p->answer : uv_strerror((int)n));
        hang_up(p);
    } else if (p->answer_n >= good_n && p->question.socket != NULL) {
        note(p, p->answer); /* a server that keeps the connection: what came is the answer */
        hang_up(p);
    }
}

static void on_written(uv_write_t *w, int status)
{
    struct probe *p = w->data;

    if (status < 0) {
        note(p, uv_strerror(status));
        hang_up(p);
    }
}

static void on_connected(uv_connect_t *c, int status)
{
    struct probe *p = c->data;
    uv_buf_t request;

    if (status < 0 || p->stopped) {
        if (status < 0)
            note(p, uv_strerror(status));
        hang_up(p);
        return;
    }
    /* libuv takes a mutable base and does not change it. */
    request.base = (char *)(uintptr_t)p->question.request;
    request.len = strlen(p->question.request);
    p->writing.data = p;
    if (uv_write(&p->writing, &p->peer.stream, &request, 1, on_written) != 0 ||
        uv_read_start(&p->peer.stream, on_room, on_read) != 0)
        hang_up(p);
}

static void ask(struct probe *p)
{
    struct sockaddr_in at;

    p->answer_n = 0;
    p->connecting.data = p;
    p->peer_open = true;
    p->handles++;
    if (p->question.socket != NULL) {
        uv_pipe_init(p->again.loop, &p->peer.pipe, 0);
        p->peer.handle.data = p;
        uv_pipe_connect(&p->connecting, &p->peer.pipe, p->question.socket, on_connected);
        return;
    }
    uv_tcp_init(p->again.loop, &p->peer.tcp);
    p->peer.handle.data = p;
    if (uv_ip4_addr("127.0.0.1", (int)p->question.port, &at) != 0 ||
        uv_tcp_connect(&p->connecting, &p->peer.tcp, (const struct sockaddr *)&at, on_connected) !=
            0)
        hang_up(p);
}

struct probe *probe_start(uv_loop_t *loop, const struct probe_question *question,
                          void (*ready)(void *owner), void *owner)
{
    struct probe *p = mem_zeroed(1, sizeof *p);

    p->question = *question;
    p->ready = ready;
    p->owner = owner;
    uv_timer_init(loop, &p->again);
    p->again.data = p;
    p->handles = 1;
    ask(p);
    return p;
}

void probe_stop(struct probe *p)
{
    if (p == NULL)
        return;
    p->stopped = true;
    hang_up(p);
    uv_close((uv_handle_t *)&p->again, on_closed);
}

const char *probe_word(const struct probe *p)
{
    return p->word;
}
