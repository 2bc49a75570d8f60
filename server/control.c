#include "server/control.h"

#include "bridge/core/buf.h"
#include "bridge/core/json_out.h"
#include "bridge/core/mem.h"
#include "bridge/core/utf8.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#define BACKLOG    8
#define ANSWER_MAX (1 << 20)

struct control {
    uv_pipe_t pipe;
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    control_ask *ask;
    void *ctx;
    struct control_call *first;
    size_t calls;
    bool closed;
};

struct control_call {
    struct control *of;
    struct control_call *next;
    uv_pipe_t pipe;
    uv_write_t write;
    char line[CONTROL_LINE_MAX];
    size_t n;
    struct buf answer;
    bool asked;  /* the owner has it, and will answer */
    bool closed; /* the connection is */
};

static void free_if_over(struct control *c)
{
    if (c->closed && c->calls == 0)
        mem_free(c);
}

static void call_free_if_over(struct control_call *call)
{
    struct control *c = call->of;
    struct control_call **at = &c->first;

    if (!call->closed || call->asked)
        return;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    buf_done(&call->answer);
    mem_free(call);
    c->calls--;
    free_if_over(c);
}

static void on_call_closed(uv_handle_t *handle)
{
    struct control_call *call = handle->data;

    call->closed = true;
    call_free_if_over(call);
}

static void hang_up(struct control_call *call)
{
    if (!uv_is_closing((uv_handle_t *)&call->pipe))
        uv_close((uv_handle_t *)&call->pipe, on_call_closed);
}

static void on_written(uv_write_t *write, int status)
{
    (void)status; /* who has gone does not want to know */
    hang_up(write->data);
}

void control_answer(struct control_call *call, struct view json)
{
    uv_buf_t out;

    call->asked = false;
    if (call->closed || uv_is_closing((uv_handle_t *)&call->pipe)) {
        call_free_if_over(call);
        return;
    }
    buf_put(&call->answer, json);
    buf_put_char(&call->answer, '\n');
    out = uv_buf_init(call->answer.p, (unsigned)call->answer.n);
    call->write.data = call;
    if (uv_write(&call->write, (uv_stream_t *)&call->pipe, &out, 1, on_written) != 0)
        hang_up(call);
}

void control_fail(struct control_call *call, const struct fault *f)
{
    struct json_out j;
    struct buf text;
    struct view sentence = view_of(f->text);

    while (!utf8_valid(sentence)) /* it was cut within a character */
        sentence.n--;
    buf_init(&text, ANSWER_MAX);
    json_out_init(&j, &text);
    json_object(&j);
    json_key(&j, "error");
    json_string(&j, sentence);
    json_object_end(&j);
    control_answer(call, buf_view(&text));
    buf_done(&text);
}

static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *room)
{
    struct control_call *call = handle->data;

    (void)wanted;
    *room = uv_buf_init(call->line + call->n, (unsigned)(sizeof call->line - call->n));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *room)
{
    struct control_call *call = stream->data;
    struct view line = {call->line, 0};
    struct view argument;
    struct view verb;
    char *end;

    (void)room;
    if (n <= 0) {
        if (n < 0)
            hang_up(call);
        return;
    }
    call->n += (size_t)n;
    end = memchr(call->line, '\n', call->n);
    if (end == NULL) {
        if (call->n == sizeof call->line)
            hang_up(call);
        return;
    }
    uv_read_stop(stream);
    line.n = (size_t)(end - call->line);
    argument = line;
    verb = view_cut(&argument, '\t');
    call->asked = true;
    call->of->ask(call->of->ctx, call, verb, argument);
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct control *c = stream->data;
    struct control_call *call;

    if (status != 0)
        return;
    call = mem_zeroed(1, sizeof *call);
    call->of = c;
    call->next = c->first;
    c->first = call;
    c->calls++;
    buf_init(&call->answer, ANSWER_MAX);
    (void)uv_pipe_init(stream->loop, &call->pipe, 0); /* never fails */
    call->pipe.data = call;
    if (uv_accept(stream, (uv_stream_t *)&call->pipe) != 0 || c->calls > CONTROL_CALLS_MAX ||
        uv_read_start((uv_stream_t *)&call->pipe, on_room, on_read) != 0)
        hang_up(call);
}

static void on_closed(uv_handle_t *handle)
{
    struct control *c = handle->data;

    c->closed = true;
    free_if_over(c);
}

/* Nobody else gets at it between bind and chmod: the mask is for what bind makes. */
static int bind_private(uv_pipe_t *pipe, const char *path)
{
    mode_t before = umask(0177);
    int error = uv_pipe_bind(pipe, path);

    (void)umask(before);
    return error;
}

struct control *control_new(struct uv_loop_s *loop, const char *history, control_ask *ask,
                            void *ctx, struct fault *f)
{
    struct control *c = mem_zeroed(1, sizeof *c);
    int n = snprintf(c->path, sizeof c->path, "%s" CONTROL_SUFFIX, history);
    int error;

    if (n < 0 || (size_t)n >= sizeof c->path) {
        mem_free(c);
        fault_set(f, FAULT_REJECT, "the path of the history is longer than %zu bytes",
                  sizeof c->path - sizeof CONTROL_SUFFIX);
        return NULL;
    }
    c->ask = ask;
    c->ctx = ctx;
    (void)uv_pipe_init(loop, &c->pipe, 0); /* never fails */
    c->pipe.data = c;
    (void)unlink(c->path); /* one of before: whoever has the history's lock has this, too */
    error = bind_private(&c->pipe, c->path);
    if (error == 0)
        error = uv_listen((uv_stream_t *)&c->pipe, BACKLOG, on_connection);
    if (error == 0)
        return c;
    fault_set(f, FAULT_STOP, "the socket %s can't be had: %s", c->path, uv_strerror(error));
    uv_close((uv_handle_t *)&c->pipe, on_closed);
    return NULL;
}

void control_free(struct control *c)
{
    if (c == NULL)
        return;
    (void)unlink(c->path);
    for (struct control_call *call = c->first; call != NULL; call = call->next)
        if (!call->asked && call->answer.n == 0) /* nothing is to be said to it any more */
            hang_up(call);
    uv_close((uv_handle_t *)&c->pipe, on_closed);
}
