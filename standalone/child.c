#include "standalone/child.h"

#include "bridge/core/mem.h"
#include "standalone/tether.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ADMIN_VARIABLE "CMIBRIDGE_ADMIN_LISTEN" /* admin.listen; each program has its own */

struct child {
    struct child_conf conf;
    uv_process_t process;
    uv_pipe_t says; /* standard output, where on_line is wanted */
    bool line_seen;
    char line[CHILD_LINE_MAX];
    size_t line_n;
    int log;
    unsigned handles; /* open or closing */
    bool freed;
    int64_t status;
    int signal;
    char last_line[CHILD_LINE_MAX];
};

static void on_closed(uv_handle_t *handle)
{
    struct child *c = handle->data;

    if (--c->handles == 0 && c->freed)
        mem_free(c);
}

static int open_log(const struct child_conf *conf)
{
    char path[SITE_PATH_MAX];
    char kept[SITE_PATH_MAX + 2];

    (void)site_log_path(conf->site, conf->name, path);
    (void)snprintf(kept, sizeof kept, "%s.1", path);
    (void)rename(path, kept); /* there is none at the first start */
    return open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* Finds the last line that holds something, in the log's last bytes. */
static void keep_last_line(struct child *c)
{
    char tail[CHILD_LINE_MAX];
    off_t size = lseek(c->log, 0, SEEK_END);
    off_t from = size > (off_t)sizeof tail - 1 ? size - ((off_t)sizeof tail - 1) : 0;
    ssize_t n = pread(c->log, tail, sizeof tail - 1, from);
    char *line;

    (void)snprintf(c->last_line, sizeof c->last_line, "(nothing)");
    while (n > 0 && (tail[n - 1] == '\n' || tail[n - 1] == '\r'))
        n--;
    if (n <= 0)
        return;
    tail[n] = '\0';
    line = strrchr(tail, '\n');
    line = line != NULL ? line + 1 : tail;
    for (char *p = line; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
    (void)snprintf(c->last_line, sizeof c->last_line, "%s", line);
}

static void on_process_exit(uv_process_t *process, int64_t status, int signal)
{
    struct child *c = process->data;

    c->status = status;
    c->signal = signal;
    keep_last_line(c);
    c->conf.on_exit(c->conf.ctx, c);
}

static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    struct child *c = handle->data;

    (void)wanted;
    *out = uv_buf_init(c->line + c->line_n, (unsigned)(sizeof c->line - 1 - c->line_n));
}

/* Only the first line counts; what comes after it is read over. */
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct child *c = stream->data;
    char *end;

    (void)buf;
    if (n < 0) {
        uv_read_stop(stream);
        return;
    }
    c->line_n += (size_t)n;
    c->line[c->line_n] = '\0';
    end = strchr(c->line, '\n');
    if (end == NULL && c->line_n < sizeof c->line - 1)
        return;
    if (end != NULL)
        *end = '\0';
    c->line_n = 0;
    if (c->line_seen)
        return;
    c->line_seen = true;
    c->conf.on_line(c->conf.ctx, c->line);
}

static int spawn(uv_loop_t *loop, struct child *c, const struct words *command)
{
    struct words full = {0};
    const int tie = site_tie(c->conf.site);
    uv_stdio_container_t io[] = {{.flags = UV_IGNORE},
                                 {.flags = UV_INHERIT_FD, .data.fd = c->log},
                                 {.flags = UV_INHERIT_FD, .data.fd = c->log},
                                 [TETHER_HELD] = {.flags = UV_INHERIT_FD, .data.fd = tie}};
    uv_process_options_t options = {.file = c->conf.tether,
                                    .exit_cb = on_process_exit,
                                    .flags = UV_PROCESS_DETACHED,
                                    .stdio_count = sizeof io / sizeof io[0],
                                    .stdio = io};
    int error;

    if (tie < 0)
        return uv_translate_sys_error(errno);
    words_add(&full, "%s", c->conf.tether);
    words_add(&full, "tether");
    words_add(&full, TETHER_HOLDING);
    words_add(&full, "%ld", (long)getpid());
    for (size_t i = 0; i < command->count; i++)
        words_add(&full, "%s", command->at[i]);
    if (c->conf.on_line != NULL) {
        io[1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
        io[1].data.stream = (uv_stream_t *)&c->says;
    }
    if (c->conf.admin_port != 0) {
        char address[32];

        (void)snprintf(address, sizeof address, "127.0.0.1:%u", c->conf.admin_port);
        setenv(ADMIN_VARIABLE, address, 1);
    } else {
        unsetenv(ADMIN_VARIABLE);
    }
    options.args = full.at;
    error = uv_spawn(loop, &c->process, &options);
    words_done(&full);
    close(tie);
    return error;
}

struct child *child_start(uv_loop_t *loop, const struct child_conf *conf,
                          const struct words *command, struct fault *f)
{
    struct child *c = mem_zeroed(1, sizeof *c);
    int error;

    c->conf = *conf;
    c->log = open_log(conf);
    if (c->log < 0) {
        fault_set(f, FAULT_REJECT, "its log can't be opened: %s", strerror(errno));
        mem_free(c);
        return NULL;
    }
    if (conf->on_line != NULL) {
        uv_pipe_init(loop, &c->says, 0);
        c->says.data = c;
        c->handles++;
    }
    c->process.data = c;
    c->handles++;
    error = spawn(loop, c, command);
    if (error != 0) {
        fault_set(f, FAULT_RETRY, "%s", uv_strerror(error));
        child_free(c);
        return NULL;
    }
    if (conf->on_line != NULL)
        uv_read_start((uv_stream_t *)&c->says, on_room, on_read);
    return c;
}

void child_kill(struct child *c, int signal)
{
    (void)uv_process_kill(&c->process, signal); /* fails if it has just ended; on_exit tells */
}

void child_free(struct child *c)
{
    c->freed = true;
    close(c->log);
    if (c->conf.on_line != NULL)
        uv_close((uv_handle_t *)&c->says, on_closed);
    uv_close((uv_handle_t *)&c->process, on_closed);
}

bool child_ended_well(const struct child *c)
{
    return c->signal == 0 && c->status == 0;
}

bool child_ended_by(const struct child *c, int signal)
{
    return c->signal == signal;
}

const char *child_how(const struct child *c, char out[CHILD_HOW_MAX])
{
    if (c->signal != 0)
        (void)snprintf(out, CHILD_HOW_MAX, "was killed by signal %d", c->signal);
    else
        (void)snprintf(out, CHILD_HOW_MAX, "ended with status %lld", (long long)c->status);
    return out;
}

const char *child_last_line(const struct child *c)
{
    return c->last_line;
}
