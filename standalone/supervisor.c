#include "standalone/supervisor.h"

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "standalone/child.h"

#include <assert.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WHY_MAX 8192

enum stage { STARTING, UP, ENDING, DOWN };

struct supervisor {
    uv_loop_t *loop;
    struct plan *plan;
    const struct part *rows;
    size_t count;
    struct supervisor_owner owner;
    enum stage stage;
    size_t ready;   /* ENDING: rows that had become so */
    size_t current; /* STARTING: the row that is to become ready; ENDING: the one that is to end */
    uv_timer_t deadline;
    struct probe *probe;
    struct child *children[PARTS_MAX]; /* NULL: not running */
    struct buf why;                    /* the first thing that went wrong */
};

static void start_current(struct supervisor *s);
static void end_next(struct supervisor *s);

/* Of all that goes wrong the first is told: what follows mostly follows from it. */
static void PRINTF_LIKE(2, 3) blame(struct supervisor *s, const char *format, ...)
{
    char text[WHY_MAX];
    va_list arguments;

    if (s->why.n > 0)
        return;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) > 0)
        buf_put_text(&s->why, text);
    va_end(arguments);
}

static void stop_asking(struct supervisor *s)
{
    probe_stop(s->probe);
    s->probe = NULL;
}

/* ---- starting ---- */

static void on_ready(void *ctx)
{
    struct supervisor *s = ctx;

    stop_asking(s);
    uv_timer_stop(&s->deadline);
    if (++s->current < s->count) {
        start_current(s);
        return;
    }
    s->stage = UP;
    s->owner.up(s->owner.ctx);
}

static void on_line(void *ctx, const char *line)
{
    struct supervisor *s = ctx;
    const struct part *row = &s->rows[s->current];
    struct fault f = {0};

    if (s->stage != STARTING || row->told == NULL)
        return;
    if (row->told(s->plan, line, &f)) {
        on_ready(s);
        return;
    }
    blame(s, "%s", f.text);
    supervisor_end(s);
}

/* One that was still starting may have no handler for the signal yet. */
static bool is_end_as_told(const struct supervisor *s, size_t row, const struct child *child)
{
    return child_ended_well(child) || (row >= s->ready && child_ended_by(child, SIGTERM));
}

static void on_exit(void *ctx, struct child *child)
{
    struct supervisor *s = ctx;
    char log[SITE_PATH_MAX];
    char how[CHILD_HOW_MAX];
    bool ending = s->stage == ENDING;
    size_t row = 0;

    while (row < s->count && s->children[row] != child)
        row++;
    assert(row < s->count);
    s->children[row] = NULL;
    child_how(child, how);
    (void)site_log_path(&s->plan->site, s->rows[row].name, log);
    if (!ending)
        blame(s, "%s %s, so everything ends. Its log is %s; the last line: %s", s->rows[row].name,
              how, log, child_last_line(child));
    else if (!is_end_as_told(s, row, child))
        blame(s, "%s, told to end, %s. Its log is %s; the last line: %s", s->rows[row].name, how,
              log, child_last_line(child));
    child_free(child);
    if (!ending)
        supervisor_end(s);
    else if (row == s->current)
        end_next(s);
}

static void on_deadline(uv_timer_t *timer)
{
    struct supervisor *s = timer->data;
    const struct part *row = &s->rows[s->current];
    char log[SITE_PATH_MAX];

    if (s->stage == ENDING) {
        blame(s, "%s did not end within %lld s and was killed", row->name,
              (long long)(row->end_ms / 1000));
        child_kill(s->children[s->current], SIGKILL);
        return;
    }
    blame(s, "%s is not ready after %lld s: %s; its log is %s", row->name,
          (long long)(row->start_ms / 1000),
          s->probe != NULL ? probe_word(s->probe) : "it has said nothing",
          site_log_path(&s->plan->site, row->name, log));
    supervisor_end(s);
}

static void start_current(struct supervisor *s)
{
    const struct part *row = &s->rows[s->current];
    struct child_conf conf = {.name = row->name,
                              .site = &s->plan->site,
                              .tether = s->plan->program,
                              .admin_port = s->plan->admin[s->current].number,
                              .ctx = s,
                              .on_line = row->question == NULL ? on_line : NULL,
                              .on_exit = on_exit};
    struct probe_question question;
    struct words command = {0};
    struct fault f = {0};

    row->command(s->plan, &command);
    s->children[s->current] = child_start(s->loop, &conf, &command, &f);
    words_done(&command);
    if (s->children[s->current] == NULL) {
        blame(s, "%s can't be started: %s", row->name, f.text);
        supervisor_end(s);
        return;
    }
    uv_timer_start(&s->deadline, on_deadline, (uint64_t)row->start_ms, 0);
    if (row->question != NULL) {
        row->question(s->plan, (unsigned)s->current, &question);
        s->probe = probe_start(s->loop, &question, on_ready, s);
    }
}

struct supervisor *supervisor_start(uv_loop_t *loop, struct plan *plan, const struct part *rows,
                                    size_t count, struct supervisor_owner owner)
{
    struct supervisor *s = mem_zeroed(1, sizeof *s);

    assert(count > 0 && count <= PARTS_MAX);
    s->loop = loop;
    s->plan = plan;
    s->rows = rows;
    s->count = count;
    s->owner = owner;
    buf_init(&s->why, WHY_MAX);
    uv_timer_init(loop, &s->deadline);
    s->deadline.data = s;
    start_current(s);
    return s;
}

/* ---- ending ---- */

static void on_all_ended(uv_handle_t *handle)
{
    struct supervisor *s = handle->data;

    s->stage = DOWN;
    s->owner.down(s->owner.ctx, s->why.n > 0 ? buf_text(&s->why) : NULL);
}

static void end_next(struct supervisor *s)
{
    size_t row = s->count;

    uv_timer_stop(&s->deadline);
    while (row > 0 && s->children[row - 1] == NULL)
        row--;
    if (row == 0) {
        uv_close((uv_handle_t *)&s->deadline, on_all_ended);
        return;
    }
    s->current = row - 1;
    child_kill(s->children[s->current], SIGTERM);
    uv_timer_start(&s->deadline, on_deadline, (uint64_t)s->rows[s->current].end_ms, 0);
}

void supervisor_end(struct supervisor *s)
{
    if (s->stage == ENDING || s->stage == DOWN)
        return;
    s->ready = s->stage == UP ? s->count : s->current;
    s->stage = ENDING;
    stop_asking(s);
    end_next(s);
}

void supervisor_hurry(struct supervisor *s)
{
    blame(s, "killed, as asked for by a second signal");
    supervisor_end(s);
    for (size_t i = 0; i < s->count; i++)
        if (s->children[i] != NULL)
            child_kill(s->children[i], SIGKILL);
}

void supervisor_fail(struct supervisor *s, const char *why)
{
    blame(s, "%s", why);
    supervisor_end(s);
}

void supervisor_free(struct supervisor *s)
{
    buf_done(&s->why);
    mem_free(s);
}
