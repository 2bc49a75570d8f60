#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/check_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGS_MAX    12
#define PATIENCE_MS 60000

static void close_one(struct check_rig *r, uv_handle_t *handle)
{
    uv_close(handle, NULL);
    if (--r->open == 0)
        uv_close((uv_handle_t *)&r->patience, NULL);
}

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *room)
{
    struct check_rig *r = handle->loop->data;

    (void)size;
    *room = uv_buf_init(r->piece, sizeof r->piece);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *piece)
{
    struct check_rig *r = stream->loop->data;
    size_t which = stream == (uv_stream_t *)&r->pipes[1];

    if (n > 0)
        buf_put(&r->said[which], (struct view){piece->base, (size_t)n});
    else if (n < 0)
        close_one(r, (uv_handle_t *)stream);
}

static void on_exit_code(uv_process_t *process, int64_t code, int signal)
{
    struct check_rig *r = process->loop->data;

    r->code = signal != 0 ? -signal : code;
    close_one(r, (uv_handle_t *)process);
}

static void on_late(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("cmibridge check did not end");
}

int check_rig_start(void **state)
{
    struct check_rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    (void)uv_loop_init(&r->loop);
    r->loop.data = r;
    buf_init(&r->said[0], 1 << 20);
    buf_init(&r->said[1], 1 << 20);
    assert_in_range(snprintf(r->dir, sizeof r->dir, "%s/cmibridge-check-XXXXXX",
                             getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp"),
                    1, sizeof r->dir - 1); /* a name that is cut is not ours */
    assert_non_null(mkdtemp(r->dir));
    (void)snprintf(r->file, sizeof r->file, "%s/c.yaml", r->dir);
    *state = r;
    return 0;
}

int check_rig_stop(void **state)
{
    struct check_rig *r = *state;

    (void)unlink(r->file);
    (void)rmdir(r->dir);
    buf_done(&r->said[0]);
    buf_done(&r->said[1]);
    assert_int_equal(uv_run(&r->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&r->loop), 0);
    free(r);
    return 0;
}

void check_rig_write(struct check_rig *r, const char *yaml)
{
    FILE *to = fopen(r->file, "wb");

    assert_non_null(to);
    assert_int_equal(fwrite(yaml, 1, strlen(yaml), to), strlen(yaml));
    assert_int_equal(fclose(to), 0);
}

int64_t check_rig_run(struct check_rig *r, const char *const *words)
{
    char *args[ARGS_MAX + 4] = {0};
    char *binary = getenv("CMIBRIDGE_BIN");
    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE}};
    uv_process_options_t options = {.stdio = stdio, .stdio_count = 3, .exit_cb = on_exit_code};
    size_t n = 0;

    assert_non_null(binary);
    args[n++] = binary;
    args[n++] = strdup("check");
    for (size_t i = 0; words[i] != NULL; i++)
        args[n++] = strdup(strcmp(words[i], "FILE") == 0 ? r->file : words[i]);
    for (int i = 0; i < 2; i++) {
        buf_clear(&r->said[i]);
        assert_int_equal(uv_pipe_init(&r->loop, &r->pipes[i], 0), 0);
        stdio[i + 1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
        stdio[i + 1].data.stream = (uv_stream_t *)&r->pipes[i];
    }
    options.file = binary;
    options.args = args;
    r->open = 3;
    (void)uv_timer_init(&r->loop, &r->patience);
    (void)uv_timer_start(&r->patience, on_late, PATIENCE_MS, 0);
    assert_int_equal(uv_spawn(&r->loop, &r->process, &options), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(uv_read_start((uv_stream_t *)&r->pipes[i], on_room, on_read), 0);
    while (r->open > 0)
        (void)uv_run(&r->loop, UV_RUN_ONCE);
    for (size_t i = 1; i < n; i++)
        free(args[i]);
    return r->code;
}

const char *check_rig_out(struct check_rig *r)
{
    return buf_text(&r->said[0]);
}

const char *check_rig_err(struct check_rig *r)
{
    return buf_text(&r->said[1]);
}

static void assert_says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, text);
}

void check_rig_out_has(struct check_rig *r, const char *text)
{
    assert_says(check_rig_out(r), text);
}

void check_rig_err_has(struct check_rig *r, const char *text)
{
    assert_says(check_rig_err(r), text);
}
