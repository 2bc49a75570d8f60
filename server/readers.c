#include "server/readers.h"

#include "bridge/core/mem.h"
#include "server/job_chain.h"
#include "server/search.h"
#include "server/sqlite.h"

#include <assert.h>
#include <inttypes.h>
#include <uv.h>

#define MS_NS       UINT64_C(1000000)
#define US_NS       UINT64_C(1000)
#define WATCH_STEPS 10000 /* of SQLite's machine, between two looks at the time */
#define TRY_STEPS   500

/* A thread with a connection; the loop's own is one, too. */
struct reader {
    struct readers *all;
    struct sqlite *db;
    uv_thread_t thread;
    bool started;
    bool quick_only; /* the first one */
    bool in_job;
    uint64_t begun_ns; /* that job */
    bool broke_off;    /* whatever it says then, it has not seen all */
    bool too_long;     /* the same, and nobody begins it anew */
};

struct readers {
    uv_mutex_t mutex;
    uv_cond_t wake;
    struct job_chain waiting; /* under the mutex, like the two below */
    struct job_chain lengthy; /* broken off by the first thread */
    bool stopping;
    struct readers_owner owner;
    int64_t read_time_ms;
    struct reader *threads;
    int count;
    struct reader loops; /* by which it tries at once */
    struct rest {
        uint64_t to_ns;    /* nothing of this kind till then */
        unsigned too_long; /* tries one after the other that were */
    } rests[READERS_KINDS];
};

/* ---- on the threads ---- */

/* Asked by SQLite now and then, while a statement runs. */
static bool goes_on(void *ctx)
{
    struct reader *one = ctx;
    struct readers *r = one->all;
    uint64_t ran_ns = uv_hrtime() - one->begun_ns;
    bool others_wait;
    bool stopping;

    if (!one->in_job || ran_ns < READERS_QUICK_MS * MS_NS)
        return true;
    one->too_long = ran_ns >= (uint64_t)r->read_time_ms * MS_NS;
    if (one->too_long)
        return false;
    uv_mutex_lock(&r->mutex);
    stopping = r->stopping;
    others_wait = r->waiting.first != NULL;
    uv_mutex_unlock(&r->mutex);
    one->broke_off = stopping || (one->quick_only && others_wait);
    return !one->broke_off;
}

static void run(struct reader *one, struct history_job *job)
{
    struct fault stuck = {0};

    job->failed = false;
    job->fault = (struct fault){0};
    one->broke_off = one->too_long = false;
    one->begun_ns = uv_hrtime();
    sqlite_do(one->db, "BEGIN");
    one->in_job = true;
    job->failed = !job->run(job, one->db, &job->fault);
    one->in_job = false;                                  /* what follows is not broken off */
    if (!sqlite_check(one->db, &stuck) && !job->failed) { /* a job that did not look */
        job->failed = true;
        job->fault = stuck;
    }
    if (sqlite_in_transaction(one->db)) {
        sqlite_do(one->db, "ROLLBACK"); /* nothing was written */
        (void)!sqlite_check(one->db, &stuck);
    }
}

/* The job is the owner's again, or it has gone to those who take long ones. */
static void settle(struct reader *one, struct history_job *job)
{
    struct readers *r = one->all;
    bool again = false;

    if (one->too_long) {
        job->failed = true;
        fault_set(&job->fault, FAULT_RETRY,
                  "to find this takes longer than %" PRId64
                  " ms; ask for what an index leads to, or for a shorter time",
                  r->read_time_ms);
    } else if (one->broke_off) {
        uv_mutex_lock(&r->mutex);
        again = !r->stopping;
        if (again) {
            job_chain_add(&r->lengthy, job);
            uv_cond_broadcast(&r->wake);
        }
        uv_mutex_unlock(&r->mutex);
        if (!again) {
            job->failed = true;
            fault_set(&job->fault, FAULT_RETRY, "the server is stopping");
        }
    }
    if (!again)
        r->owner.ran(r->owner.ctx, job);
}

/* Under the mutex. What was broken off has waited longest. */
static struct history_job *take(struct reader *one)
{
    struct readers *r = one->all;
    struct history_job *job = one->quick_only ? NULL : job_chain_take(&r->lengthy);

    return job != NULL ? job : job_chain_take(&r->waiting);
}

static void reader_main(void *arg)
{
    struct reader *one = arg;
    struct readers *r = one->all;

    uv_mutex_lock(&r->mutex);
    for (;;) {
        struct history_job *job = take(one);

        if (job != NULL) {
            uv_mutex_unlock(&r->mutex);
            run(one, job);
            settle(one, job);
            uv_mutex_lock(&r->mutex);
        } else if (r->stopping) {
            break; /* nothing is broken off for another thread any more */
        } else {
            uv_cond_wait(&r->wake, &r->mutex);
        }
    }
    uv_mutex_unlock(&r->mutex);
}

/* ---- on the loop ---- */

bool readers_add(struct readers *r, struct history_job *job)
{
    bool room;

    uv_mutex_lock(&r->mutex);
    room = r->waiting.count + r->lengthy.count < HISTORY_QUEUE_MAX;
    if (room)
        job_chain_add(&r->waiting, job);
    uv_mutex_unlock(&r->mutex);
    if (room)
        uv_cond_signal(&r->wake); /* not before: the thread would wake to a locked mutex */
    return room;
}

static bool try_goes_on(void *ctx)
{
    struct reader *one = ctx;

    one->broke_off = one->in_job && uv_hrtime() - one->begun_ns >= READERS_TRY_US * US_NS;
    return !one->broke_off;
}

/* What took too long, whatever made it so (a walk, a step that is not broken off, a disk), is paid
 * for by a rest, and twice as much by the next that does. On a busy machine it may be others who
 * ran meanwhile, so that no more than READERS_QUICK_MS of it counts. */
static void rest_after(struct rest *rest, uint64_t now_ns, uint64_t took_ns)
{
    const uint64_t most_ns = READERS_REST_MAX_MS * MS_NS;
    uint64_t counted_ns = took_ns < READERS_QUICK_MS * MS_NS ? took_ns : READERS_QUICK_MS * MS_NS;
    uint64_t rest_ns = READERS_REST_TIMES * counted_ns << rest->too_long;

    if (rest_ns < most_ns)
        rest->too_long++;
    else
        rest_ns = most_ns;
    rest->to_ns = now_ns + rest_ns;
}

bool readers_try(struct readers *r, struct history_job *job)
{
    struct reader *one = &r->loops;
    struct rest *rest = &r->rests[job->kind % READERS_KINDS];
    uint64_t now_ns = uv_hrtime();

    if (now_ns < rest->to_ns)
        return false;
    run(one, job);
    now_ns = uv_hrtime();
    if (now_ns - one->begun_ns < READERS_TRY_US * US_NS)
        rest->too_long = 0;
    else
        rest_after(rest, now_ns, now_ns - one->begun_ns);
    return !one->broke_off && !(job->failed && job->fault.cls == FAULT_RETRY);
}

size_t readers_waiting(struct readers *r)
{
    size_t n;

    if (r == NULL)
        return 0;
    uv_mutex_lock(&r->mutex);
    n = r->waiting.count + r->lengthy.count;
    uv_mutex_unlock(&r->mutex);
    return n;
}

static bool open_db(struct reader *one, const char *path, int steps, bool (*watch)(void *ctx),
                    struct fault *f)
{
    one->db = sqlite_open(path, true, f);
    if (one->db == NULL)
        return false;
    search_install(one->db);
    sqlite_watch(one->db, steps, watch, one);
    return sqlite_check(one->db, f);
}

static bool start(struct reader *one, const char *path, struct fault *f)
{
    if (!open_db(one, path, WATCH_STEPS, goes_on, f))
        return false;
    one->started = uv_thread_create(&one->thread, reader_main, one) == 0;
    return one->started || fault_set(f, FAULT_STOP, "the history's thread can't be started");
}

/* The loop waits for nobody. */
static bool open_loops(struct readers *r, const char *path, struct fault *f)
{
    if (!open_db(&r->loops, path, TRY_STEPS, try_goes_on, f))
        return false;
    sqlite_do(r->loops.db, "PRAGMA busy_timeout = 0");
    return sqlite_check(r->loops.db, f);
}

struct readers *readers_new(const struct history_conf *conf, struct readers_owner owner,
                            struct fault *f)
{
    struct readers *r = mem_zeroed(1, sizeof *r);
    int count = conf->readers;

    assert(conf->read_time_ms >= READERS_QUICK_MS);
    assert(count >= HISTORY_READERS_MIN && count <= HISTORY_READERS_MAX);
    r->owner = owner;
    r->count = count;
    r->read_time_ms = conf->read_time_ms;
    r->threads = mem_zeroed((size_t)count, sizeof *r->threads);
    uv_mutex_init(&r->mutex);
    uv_cond_init(&r->wake);
    if (!open_loops(r, conf->file, f)) {
        readers_free(r);
        return NULL;
    }
    for (int i = 0; i < count; i++) {
        r->threads[i].all = r;
        r->threads[i].quick_only = i == 0;
        if (!start(&r->threads[i], conf->file, f)) {
            readers_free(r);
            return NULL;
        }
    }
    return r;
}

void readers_free(struct readers *r)
{
    if (r == NULL)
        return;
    uv_mutex_lock(&r->mutex);
    r->stopping = true;
    uv_cond_broadcast(&r->wake);
    uv_mutex_unlock(&r->mutex);
    for (int i = 0; i < r->count; i++) {
        if (r->threads[i].started)
            uv_thread_join(&r->threads[i].thread);
        sqlite_close(r->threads[i].db);
    }
    sqlite_close(r->loops.db);
    uv_cond_destroy(&r->wake);
    uv_mutex_destroy(&r->mutex);
    mem_free(r->threads);
    mem_free(r);
}
