#include "server/erase.h"

#include "bridge/core/mask.h"
#include "bridge/core/mem.h"
#include "bridge/io/redis_aof.h"
#include "bridge/ports/fault_point.h"
#include "server/erase_report.h"
#include "server/erased.h"
#include "server/front.h"
#include "server/history.h"
#include "server/person_sweep.h"
#include "server/queues.h"
#include "server/remains.h"
#include "server/sqlite.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#define STEP_PAUSE_MS 2   /* between two steps in the history: requests go in between */
#define FULL_PAUSE_MS 500 /* while the history has too much waiting */
#define WAIT_PAUSE_MS 5   /* between two looks at what is under way */
#define CHECKPOINTS   2
#define REPORT_MAX    65536

struct erase;

/* What is done, one after the other; each begins the next. */
struct work {
    const char *name;
    bool dry; /* in a dry run, too */
    void (*begin)(struct erase *e);
};

struct erase {
    struct history_job job; /* of the step under way */
    bool (*step)(struct erase *e, struct sqlite *db);
    bool more;
    struct server *server;
    struct erased *erased;
    struct front *front;
    const char *history;
    uv_timer_t timer;
    uv_work_t look;
    struct control_call *call; /* NULL: nothing is under way */
    struct person person;
    char shown[MASK_TEXT_MAX];
    bool dry;
    bool lift;
    int64_t now_ms;
    unsigned at; /* in the list of works */
    struct person_sweep sweep;
    struct erase_store_counts store;
    int64_t found; /* what remains, see remains.h */
    unsigned checkpoints;
    bool journal_kept; /* somebody who reads keeps the journal as it is */
    bool rewritten;    /* the whole file */
    struct fault fault;
    struct erase_store *in_redis; /* at work */
    struct redis_aof *aof;        /* at work */
    bool aof_rewritten;
    struct buf aof_left;
    bool lifted;
    bool outside; /* the history, Redis or a thread has something of ours */
    bool closed;
    bool ended;
    struct stat *count;
};

static void suppress(struct erase *e);
static void sweep(struct erase *e);
static void await(struct erase *e);
static void store(struct erase *e);
static void checkpoint(struct erase *e);
static void look(struct erase *e);
static void rewrite(struct erase *e);
static void checkpoint_again(struct erase *e);
static void look_again(struct erase *e);
static void rewrite_aof(struct erase *e);

static const struct work works[] = {
    {"suppress", false, suppress},         {"history", true, sweep},
    {"requests under way", false, await},  {"redis", true, store},
    {"journal", false, checkpoint},        {"remains", false, look},
    {"rewrite", false, rewrite},           {"journal, again", false, checkpoint_again},
    {"remains, again", false, look_again}, {"append-only file", false, rewrite_aof},
};
#define WORKS (sizeof works / sizeof *works)

static void free_if_over(struct erase *e)
{
    if (!e->closed || e->outside)
        return;
    person_sweep_done(&e->sweep);
    buf_done(&e->aof_left);
    mem_free(e);
}

/* ---- the end ---- */

static void answer(struct erase *e, const struct buf *report)
{
    struct control_call *call = e->call;

    e->call = NULL;
    person_sweep_done(&e->sweep);
    control_answer(call, buf_view(report));
}

static void fail(struct erase *e, const struct fault *f)
{
    struct control_call *call = e->call;

    notice_say(e->server->log, NOTICE_WARN, "erase_failed", NOTICE_TEXT("address", e->shown),
               NOTICE_TEXT("at", e->lift ? "lift" : works[e->at].name),
               NOTICE_TEXT("error", f->text));
    e->call = NULL;
    control_fail(call, f);
}

static struct erase_report report_of(const struct erase *e)
{
    return (struct erase_report){.address = e->shown,
                                 .dry_run = e->dry,
                                 .history = e->sweep.removed,
                                 .mentions = e->sweep.mentions,
                                 .redis = e->store,
                                 .remains = e->found >= 0,
                                 .journal_kept = e->found >= 0 && e->journal_kept,
                                 .history_rewritten = e->rewritten,
                                 .aof_rewritten = e->aof_rewritten,
                                 .aof_left = buf_view(&e->aof_left)};
}

static void report(struct erase *e)
{
    const struct history_removed *n = &e->sweep.removed;
    const struct erase_report all = report_of(e);
    struct buf text;

    if (!e->dry) {
        stat_add(e->count, 1);
        history_count_hidden(e->server->history, n->hidden);
        notice_say(e->server->log, NOTICE_INFO, "erased", NOTICE_TEXT("address", e->shown),
                   NOTICE_INT("contacts", n->contacts), NOTICE_INT("chats", n->chats),
                   NOTICE_INT("emails", n->emails),
                   NOTICE_INT("destinations", e->store.destinations),
                   NOTICE_INT("callbacks", e->store.callbacks),
                   NOTICE_INT("consents", e->store.consents), NOTICE_INT("remains", e->found >= 0));
    }
    buf_init(&text, REPORT_MAX);
    erase_report_write(&all, &text);
    answer(e, &text);
    buf_done(&text);
}

static void next(struct erase *e);

/* ---- steps in the history ---- */

static void on_timer(uv_timer_t *timer);

static void later(struct erase *e, int64_t ms)
{
    uv_timer_start(&e->timer, on_timer, (uint64_t)ms, 0);
}

static bool run(struct history_job *job, struct sqlite *db, struct fault *f)
{
    struct erase *e = (struct erase *)job;

    (void)f; /* the file's troubles stick to it, and history.c looks */
    e->more = e->step(e, db);
    return true;
}

static void done(struct history_job *job, const struct fault *f)
{
    struct erase *e = (struct erase *)job;

    e->outside = false;
    if (f != NULL && e->call != NULL)
        fail(e, f);
    else if (e->ended)
        ;
    else if (e->more)
        later(e, STEP_PAUSE_MS);
    else
        next(e);
    free_if_over(e);
}

static void on_timer(uv_timer_t *timer)
{
    struct erase *e = timer->data;
    struct fault f;

    e->outside = history_write(e->server->history, &e->job, &f);
    if (!e->outside)
        later(e, FULL_PAUSE_MS);
}

static void steps(struct erase *e, bool (*step)(struct erase *e, struct sqlite *db), bool bare)
{
    e->step = step;
    e->job.bare = bare;
    later(e, 0);
}

static bool step_suppress(struct erase *e, struct sqlite *db)
{
    erased_store(e->erased, db, person_normal(&e->person), e->now_ms);
    return false;
}

/* In memory first: what is read from here on is kept out, what was read before stands in the
 * writer's line before us, and the sweep finds it. */
static void suppress(struct erase *e)
{
    erased_add(e->erased, person_normal(&e->person));
    front_mark(e->front);
    steps(e, step_suppress, false);
}

static bool step_sweep(struct erase *e, struct sqlite *db)
{
    return person_sweep_step(&e->sweep, db);
}

static void sweep(struct erase *e)
{
    e->sweep = (struct person_sweep){.person = &e->person,
                                     .erased = e->erased,
                                     .clock = &history_clock,
                                     .dry = e->dry,
                                     .merges = !e->dry};
    steps(e, step_sweep, false);
}

/* ---- Redis ---- */

static void on_wait(uv_timer_t *timer)
{
    await(timer->data);
}

/* A request that was read before may put the person into Redis for as long as it is not answered:
 * behind the search, too. */
static void await(struct erase *e)
{
    if (front_marked(e->front))
        uv_timer_start(&e->timer, on_wait, WAIT_PAUSE_MS, 0);
    else
        next(e);
}

static void on_store(void *owner, const struct erase_store_counts *counts, const struct fault *f)
{
    struct erase *e = owner;

    e->outside = false;
    e->in_redis = NULL;
    e->store = *counts;
    if (f != NULL && e->call != NULL)
        fail(e, f);
    else if (!e->ended)
        next(e);
    free_if_over(e);
}

static void store(struct erase *e)
{
    e->outside = true;
    e->in_redis = erase_store_begin(e->server, &e->person, e->dry, on_store, e);
}

/* ---- what remains in the files ---- */

static bool step_checkpoint(struct erase *e, struct sqlite *db)
{
    struct sqlite_query q = sqlite_query(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    bool busy = sqlite_row(&q) && sqlite_int(&q, 0) != 0;

    sqlite_end(&q);
    e->journal_kept = busy;
    return busy && ++e->checkpoints < CHECKPOINTS;
}

static void checkpoint(struct erase *e)
{
    e->checkpoints = 0;
    steps(e, step_checkpoint, true);
}

static void look_now(uv_work_t *work)
{
    struct erase *e = work->data;
    char journal[4096 + sizeof "-wal"];

    snprintf(journal, sizeof journal, "%s-wal", e->history);
    if (remains_look(e->history, &e->person, &e->found, &e->fault) && e->found < 0 &&
        !remains_look(journal, &e->person, &e->found, &e->fault))
        e->found = -1;
}

static void on_looked(uv_work_t *work, int status)
{
    struct erase *e = work->data;

    (void)status; /* nobody cancels it */
    e->outside = false;
    if (e->fault.cls != FAULT_NONE && e->call != NULL)
        fail(e, &e->fault);
    else if (!e->ended)
        next(e);
    free_if_over(e);
}

static void look(struct erase *e)
{
    e->fault = (struct fault){0};
    e->look.data = e;
    e->outside = true;
    if (uv_queue_work(e->server->loop, &e->look, look_now, on_looked) == 0)
        return;
    e->outside = false;
    fault_set(&e->fault, FAULT_RETRY, "there is no thread to look with");
    fail(e, &e->fault);
}

static bool step_rewrite(struct erase *e, struct sqlite *db)
{
    sqlite_do(db, "VACUUM");
    e->rewritten = true;
    return false;
}

static void rewrite(struct erase *e)
{
    if (e->found < 0 || e->journal_kept) /* what was taken may not have left the file yet */
        next(e);
    else
        steps(e, step_rewrite, true);
}

static void checkpoint_again(struct erase *e)
{
    if (e->rewritten)
        checkpoint(e);
    else
        next(e);
}

static void look_again(struct erase *e)
{
    if (e->rewritten)
        look(e);
    else
        next(e);
}

/* ---- Redis' own file ---- */

/* That it was not done is no failure: the report says so. */
static void on_aof(void *owner, const struct redis_aof_outcome *outcome)
{
    struct erase *e = owner;

    e->aof_rewritten = outcome->rewritten;
    buf_put(&e->aof_left, outcome->left);
    redis_aof_free(e->aof);
    e->aof = NULL;
    next(e);
}

static void rewrite_aof(struct erase *e)
{
    e->aof = redis_aof_rewrite(e->server->loop, e->server->redis, on_aof, e);
}

/* ---- one after the other ---- */

static void next(struct erase *e)
{
    if (e->lift) {
        struct buf text;

        buf_init(&text, REPORT_MAX);
        buf_put_text(&text, e->lifted ? "{\"lifted\":true}" : "{\"lifted\":false}");
        answer(e, &text);
        buf_done(&text);
        return;
    }
    FAULT_POINT(ERASING);
    do
        e->at++;
    while (e->at < WORKS && e->dry && !works[e->at].dry);
    if (e->at < WORKS)
        works[e->at].begin(e);
    else
        report(e);
}

static bool step_lift(struct erase *e, struct sqlite *db)
{
    e->lifted = erased_unstore(e->erased, db, person_normal(&e->person));
    return false;
}

/* An address of our own is not a person's: it stands in all that anybody sent. */
static bool is_ours(const struct erase *e)
{
    struct view normal = person_normal(&e->person);

    return queues_has_address(e->server->queues, normal);
}

bool erase_takes(struct view verb)
{
    return view_is(verb, "erase") || view_is(verb, "erase-dry-run") || view_is(verb, "erase-lift");
}

void erase_ask(struct erase *e, struct control_call *call, struct view verb, struct view address)
{
    uv_timeval64_t now;
    struct fault f;

    if (e->call != NULL || e->outside) {
        fault_set(&f, FAULT_RETRY, "another erasure is under way");
        control_fail(call, &f);
        return;
    }
    if (!person_init(&e->person, address, &f)) {
        fault_add(&f, "the address");
        control_fail(call, &f);
        return;
    }
    mask_address(person_normal(&e->person), e->shown);
    if (is_ours(e)) {
        fault_set(&f, FAULT_REJECT, "%s is the address of a queue of yours, not a person's",
                  e->shown);
        control_fail(call, &f);
        return;
    }
    e->call = call;
    (void)uv_gettimeofday(&now); /* fails with a bad pointer only */
    e->now_ms = now.tv_sec * 1000 + now.tv_usec / 1000;
    e->dry = view_is(verb, "erase-dry-run");
    e->lift = view_is(verb, "erase-lift");
    e->lifted = e->aof_rewritten = e->rewritten = false;
    buf_clear(&e->aof_left);
    e->store = (struct erase_store_counts){0};
    person_sweep_done(&e->sweep);
    e->sweep = (struct person_sweep){0};
    e->found = -1;
    if (e->lift) {
        erased_lift(e->erased, person_normal(&e->person));
        steps(e, step_lift, false);
        return;
    }
    e->at = e->dry ? 1 : 0;
    works[e->at].begin(e);
}

struct erase *erase_new(struct server *server, struct front *front, const char *history)
{
    struct erase *e = mem_zeroed(1, sizeof *e);

    e->server = server;
    e->front = front;
    e->history = history;
    e->erased = history_erased(server->history);
    e->job.run = run;
    e->job.done = done;
    buf_init(&e->aof_left, REPORT_MAX / 2);
    e->count = stats_get(server->stats, STAT_COUNTER, "cmibridge_erasures_total", "",
                         "People who were erased.");
    uv_timer_init(server->loop, &e->timer);
    e->timer.data = e;
    return e;
}

static void on_closed(uv_handle_t *handle)
{
    struct erase *e = handle->data;

    e->closed = true;
    free_if_over(e);
}

void erase_free(struct erase *e)
{
    struct fault f;

    if (e == NULL)
        return;
    e->ended = true;
    redis_aof_free(e->aof);
    if (e->call != NULL) {
        fault_set(&f, FAULT_RETRY, "the server is stopping; erase again");
        fail(e, &f);
    }
    if (e->in_redis != NULL)
        erase_store_end(e->in_redis);
    uv_close((uv_handle_t *)&e->timer, on_closed);
}
