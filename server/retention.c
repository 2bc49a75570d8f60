#include "server/retention.h"

#include "bridge/core/mem.h"
#include "server/history.h"
#include "server/sweep.h"

#include <uv.h>

struct retention {
    struct history_job job;
    struct sweep sweep;
    bool more; /* of the pass, after the step that ran */
    struct server *server;
    uv_timer_t timer;
    bool under_way; /* the job is the history's */
    bool closed;
    bool ended;
    int64_t begun_ms;  /* of the pass, by the loop's clock */
    int64_t merged_ms; /* by the wall's clock; 0: not yet */
    struct history_removed counted;
    struct stat *stats[AGE_KINDS];
    struct stat *passes;
};

static void free_if_over(struct retention *r)
{
    if (r->closed && !r->under_way)
        mem_free(r);
}

static bool run(struct history_job *job, struct sqlite *db, struct fault *f)
{
    struct retention *r = (struct retention *)job;

    (void)f; /* the file's troubles stick to it, and history.c looks */
    r->more = sweep_step(&r->sweep, db);
    return true;
}

static void on_timer(uv_timer_t *timer);

static void wait(struct retention *r, int64_t ms)
{
    uv_timer_start(&r->timer, on_timer, (uint64_t)ms, 0);
}

static void count(struct retention *r)
{
    const struct history_removed *n = &r->sweep.removed;
    const struct history_removed *before = &r->counted;

    stat_add(r->stats[AGE_OF_CONTACTS], n->contacts - before->contacts);
    stat_add(r->stats[AGE_OF_CHATS], n->chats - before->chats);
    stat_add(r->stats[AGE_OF_EMAILS], n->emails - before->emails);
    stat_add(r->stats[AGE_OF_RECORDINGS], n->recordings - before->recordings);
    stat_add(r->stats[AGE_OF_SCRIPTS], n->script_results - before->script_results);
    history_count_hidden(r->server->history, n->hidden - before->hidden);
    r->counted = *n;
}

static void end_pass(struct retention *r)
{
    const struct history_removed *n = &r->sweep.removed;

    stat_add(r->passes, 1);
    if (r->sweep.merges && sweep_taken(&r->sweep) > 0)
        r->merged_ms = r->sweep.now_ms;
    notice_say(r->server->log, NOTICE_INFO, "history_retention",
               NOTICE_INT("contacts", n->contacts), NOTICE_INT("chats", n->chats),
               NOTICE_INT("emails", n->emails), NOTICE_INT("callRecordings", n->recordings),
               NOTICE_INT("scriptResults", n->script_results),
               NOTICE_INT("ms", (int64_t)uv_now(r->server->loop) - r->begun_ms));
    r->sweep.now_ms = 0;
    wait(r, RETENTION_PASS_MS);
}

static void done(struct history_job *job, const struct fault *f)
{
    struct retention *r = (struct retention *)job;

    r->under_way = false;
    if (r->ended) {
        free_if_over(r);
        return;
    }
    if (f != NULL) { /* nothing of the step is so; the pass begins anew, its counts stand */
        notice_say(r->server->log, NOTICE_WARN, "history_retention_failed",
                   NOTICE_TEXT("error", f->text));
        r->sweep.now_ms = 0;
        wait(r, RETENTION_PASS_MS);
        return;
    }
    count(r);
    if (r->more)
        wait(r, RETENTION_PAUSE_MS);
    else
        end_pass(r);
}

static void begin_pass(struct retention *r)
{
    uv_timeval64_t now;

    (void)uv_gettimeofday(&now); /* fails with a bad pointer only */
    r->begun_ms = (int64_t)uv_now(r->server->loop);
    r->counted = (struct history_removed){0};
    r->sweep = (struct sweep){.ages = r->server->ages,
                              .now_ms = now.tv_sec * 1000 + now.tv_usec / 1000,
                              .clock = &history_clock};
    r->sweep.merges = r->merged_ms == 0 || r->sweep.now_ms - r->merged_ms >= RETENTION_MERGE_MS;
}

static void on_timer(uv_timer_t *timer)
{
    struct retention *r = timer->data;
    struct fault f;

    if (r->sweep.now_ms == 0)
        begin_pass(r);
    r->under_way = history_write(r->server->history, &r->job, &f);
    if (!r->under_way)
        wait(r, RETENTION_FIRST_MS); /* the queue is full: others first */
}

static void make_stats(struct retention *r)
{
    struct stats *stats = r->server->stats;

    for (unsigned i = 0; i < AGE_KINDS; i++) {
        struct buf labels;

        buf_init(&labels, STATS_LABELS_MAX);
        stats_label(&labels, "resource", view_of(age_name(i)));
        r->stats[i] =
            stats_get(stats, STAT_COUNTER, "cmibridge_history_expired_total", buf_text(&labels),
                      "Things that the history had kept long enough, and took away.");
        buf_done(&labels);
    }
    r->passes = stats_get(stats, STAT_COUNTER, "cmibridge_history_retention_passes_total", "",
                          "Passes over the history that took away what was kept long enough.");
}

struct retention *retention_new(struct server *server)
{
    struct retention *r = NULL;

    for (unsigned i = 0; i < AGE_KINDS; i++)
        if (server->ages.ms[i] > 0 && r == NULL)
            r = mem_zeroed(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->server = server;
    r->job.run = run;
    r->job.done = done;
    make_stats(r);
    uv_timer_init(server->loop, &r->timer);
    r->timer.data = r;
    wait(r, RETENTION_FIRST_MS);
    return r;
}

static void on_closed(uv_handle_t *handle)
{
    struct retention *r = handle->data;

    r->closed = true;
    free_if_over(r);
}

void retention_free(struct retention *r)
{
    if (r == NULL)
        return;
    r->ended = true;
    uv_close((uv_handle_t *)&r->timer, on_closed);
}
