#include "server/history.h"

#include "bridge/core/mem.h"
#include "bridge/ports/fault_point.h"
#include "server/erased.h"
#include "server/history_schema.h"
#include "server/search.h"
#include "server/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <uv.h>

struct chain {
    struct history_job *first;
    struct history_job *last;
    size_t count;
};

/* A thread with a connection and a queue. */
struct lane {
    struct history *owner;
    struct sqlite *db;
    uv_thread_t thread;
    bool started;
    bool writes;
    uv_cond_t wake;
    struct chain waiting; /* under the mutex */
};

struct history {
    uv_mutex_t mutex;
    uv_async_t answers;
    struct chain answered; /* under the mutex, like the four below */
    int64_t commits;
    int64_t failures;
    bool stopping;
    bool sick; /* the file failed the last group, or one of it */
    struct fault trouble;
    struct erased *erased;
    struct lane writer;
    struct lane reader;
    int lock_fd;
    const struct notice *log;
    struct stat *stat_commits;
    struct stat *stat_failures;
    struct stat *stat_writes;
    struct stat *stat_reads;
    struct stat *stat_waiting;
    struct stat *stat_hidden;
    bool said_sick;
    void (*closed)(void *owner);
    void *closed_owner;
};

static void chain_add(struct chain *c, struct history_job *job)
{
    job->next = NULL;
    if (c->last != NULL)
        c->last->next = job;
    else
        c->first = job;
    c->last = job;
    c->count++;
}

static struct history_job *chain_take(struct chain *c)
{
    struct history_job *job = c->first;

    if (job == NULL)
        return NULL;
    c->first = job->next;
    if (c->first == NULL)
        c->last = NULL;
    c->count--;
    return job;
}

/* ---- on the threads ---- */

static void fail_all(struct chain *group, const struct fault *why)
{
    for (struct history_job *job = group->first; job != NULL; job = job->next) {
        if (!job->failed)
            job->fault = *why;
        job->failed = true;
    }
}

static void roll_back(struct sqlite *db)
{
    struct fault ignored;

    if (!sqlite_in_transaction(db))
        return;
    sqlite_do(db, "ROLLBACK");
    (void)!sqlite_check(db, &ignored); /* the caller holds the failure that led here */
}

static bool run_one(struct history_job *job, struct sqlite *db)
{
    bool ok = job->run(job, db, &job->fault);
    struct fault stuck;

    if (!sqlite_check(db, &stuck) && ok) { /* a job that did not look */
        job->fault = stuck;
        ok = false;
    }
    job->failed = !ok;
    return ok;
}

static bool commit(struct sqlite *db, struct fault *f)
{
    FAULT_POINT(HISTORY_WRITTEN);
    sqlite_do(db, "COMMIT");
    if (!sqlite_check(db, f))
        return false;
    FAULT_POINT(HISTORY_COMMITTED);
    return true;
}

/* A job that has the transaction to itself needs no savepoint, which would have every page that it
 * changes written once more. */
static bool run_alone(struct history_job *job, struct sqlite *db, struct fault *f)
{
    if (run_one(job, db))
        return commit(db, f);
    if (!sqlite_in_transaction(db)) {
        *f = job->fault;
        return false;
    }
    sqlite_do(db, "ROLLBACK");
    return sqlite_check(db, f);
}

/* All or nothing for the group; within it all or nothing for each job. False with the fault that
 * took the whole group. */
static bool run_group(struct chain *group, struct sqlite *db, struct fault *f)
{
    sqlite_do(db, "BEGIN IMMEDIATE");
    if (!sqlite_check(db, f))
        return false;
    if (group->count == 1)
        return run_alone(group->first, db, f);
    for (struct history_job *job = group->first; job != NULL; job = job->next) {
        sqlite_do(db, "SAVEPOINT job");
        if (!sqlite_check(db, f))
            return false;
        if (!run_one(job, db)) {
            if (!sqlite_in_transaction(db)) {
                *f = job->fault;
                return false;
            }
            sqlite_do(db, "ROLLBACK TO job");
        }
        sqlite_do(db, "RELEASE job");
        if (!sqlite_check(db, f))
            return false;
    }
    return commit(db, f);
}

/* A bare job has the turn to itself. */
static bool run_bare(struct history_job *job, struct sqlite *db, struct fault *f)
{
    if (run_one(job, db))
        return true;
    *f = job->fault;
    return false;
}

static void write_turn(struct history *h, struct chain *group)
{
    struct fault why = {0};
    bool ok = group->first->bare ? run_bare(group->first, h->writer.db, &why)
                                 : run_group(group, h->writer.db, &why);
    bool sick = !ok;

    if (!ok) {
        roll_back(h->writer.db);
        fail_all(group, &why);
    }
    for (struct history_job *job = group->first; job != NULL; job = job->next)
        if (job->failed && (job->fault.cls == FAULT_RETRY || job->fault.cls == FAULT_STOP)) {
            sick = true; /* the file's trouble, not the job's */
            why = job->fault;
        }
    uv_mutex_lock(&h->mutex);
    if (ok)
        h->commits++;
    else
        h->failures++;
    h->sick = sick;
    h->trouble = why;
    uv_mutex_unlock(&h->mutex);
}

static void read_turn(struct history *h, struct chain *group)
{
    struct sqlite *db = h->reader.db;

    for (struct history_job *job = group->first; job != NULL; job = job->next) {
        sqlite_do(db, "BEGIN");
        (void)!run_one(job, db);
        roll_back(db); /* nothing was written */
    }
}

static bool may_join(const struct chain *group, const struct history_job *job)
{
    return group->first == NULL || (job != NULL && !job->bare && !group->first->bare);
}

static void lane_main(void *arg)
{
    struct lane *lane = arg;
    struct history *h = lane->owner;

    uv_mutex_lock(&h->mutex);
    for (;;) {
        struct chain group = {0};
        struct history_job *job;

        while (lane->waiting.first == NULL && !h->stopping)
            uv_cond_wait(&lane->wake, &h->mutex);
        while (group.count < HISTORY_GROUP_MAX && may_join(&group, lane->waiting.first) &&
               (job = chain_take(&lane->waiting)) != NULL)
            chain_add(&group, job);
        if (group.first == NULL)
            break;
        uv_mutex_unlock(&h->mutex);
        if (lane->writes)
            write_turn(h, &group);
        else
            read_turn(h, &group);
        uv_mutex_lock(&h->mutex);
        while ((job = chain_take(&group)) != NULL)
            chain_add(&h->answered, job);
        uv_async_send(&h->answers);
    }
    uv_mutex_unlock(&h->mutex);
}

/* ---- on the loop ---- */

static void say_health(struct history *h, bool sick, const struct fault *trouble)
{
    if (sick == h->said_sick)
        return;
    h->said_sick = sick;
    if (sick)
        notice_say(h->log, NOTICE_ERROR, "history_write_failed",
                   NOTICE_TEXT("error", trouble->text));
    else
        notice_say(h->log, NOTICE_INFO, "history_write_recovered",
                   NOTICE_INT("commits", stat_value(h->stat_commits)));
}

static void give_answers(struct history *h)
{
    struct chain answered;
    struct history_job *job;
    struct fault trouble;
    bool sick;

    uv_mutex_lock(&h->mutex);
    answered = h->answered;
    h->answered = (struct chain){0};
    stat_add(h->stat_commits, h->commits);
    stat_add(h->stat_failures, h->failures);
    stat_set(h->stat_waiting, (int64_t)(h->writer.waiting.count + h->reader.waiting.count));
    h->commits = 0;
    h->failures = 0;
    sick = h->sick;
    trouble = h->trouble;
    uv_mutex_unlock(&h->mutex);

    say_health(h, sick, &trouble);
    while ((job = chain_take(&answered)) != NULL) {
        struct fault fault = job->fault; /* done may free the job */

        job->done(job, job->failed ? &fault : NULL);
    }
}

static void on_answers(uv_async_t *async)
{
    give_answers(async->data);
}

static bool hand_in(struct lane *lane, struct history_job *job, struct fault *f)
{
    struct history *h = lane->owner;
    bool stopping;
    bool room;

    job->failed = false;
    job->fault = (struct fault){0};
    uv_mutex_lock(&h->mutex);
    stopping = h->stopping;
    room = !stopping && lane->waiting.count < HISTORY_QUEUE_MAX;
    if (room) {
        chain_add(&lane->waiting, job);
        uv_cond_signal(&lane->wake);
    }
    uv_mutex_unlock(&h->mutex);
    if (stopping)
        return fault_set(f, FAULT_RETRY, "the server is stopping");
    if (!room)
        return fault_set(f, FAULT_RETRY, "the history has %d requests waiting; try again later",
                         HISTORY_QUEUE_MAX);
    return true;
}

bool history_write(struct history *h, struct history_job *job, struct fault *f)
{
    if (!hand_in(&h->writer, job, f))
        return false;
    stat_add(h->stat_writes, 1);
    return true;
}

bool history_read(struct history *h, struct history_job *job, struct fault *f)
{
    if (!hand_in(&h->reader, job, f))
        return false;
    stat_add(h->stat_reads, 1);
    return true;
}

struct erased *history_erased(const struct history *h)
{
    return h == NULL ? NULL : h->erased;
}

void history_count_hidden(struct history *h, int more)
{
    stat_add(h->stat_hidden, more);
}

/* ---- opening and closing ---- */

static bool open_reader(struct history *h, const char *path, struct fault *f)
{
    h->reader.db = sqlite_open(path, true, f);
    if (h->reader.db == NULL)
        return false;
    search_install(h->reader.db);
    return sqlite_check(h->reader.db, f);
}

static bool count_hidden(struct history *h, struct fault *f)
{
    struct sqlite_query q =
        sqlite_query(h->reader.db, "SELECT count(*) FROM contacts WHERE row < 0");

    if (sqlite_row(&q))
        stat_set(h->stat_hidden, sqlite_int(&q, 0));
    sqlite_end(&q);
    return sqlite_check(h->reader.db, f);
}

/* The kernel lets the lock go with the process, however that ends. */
static bool take_lock(struct history *h, const char *path, struct fault *f)
{
    char *name = mem_zeroed(strlen(path) + sizeof "-lock", 1);

    memcpy(name, path, strlen(path));
    memcpy(name + strlen(path), "-lock", sizeof "-lock");
    h->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (h->lock_fd < 0)
        fault_set(f, FAULT_STOP, "the history's lock %s can't be opened: %s", name,
                  strerror(errno));
    else if (flock(h->lock_fd, LOCK_EX | LOCK_NB) != 0)
        fault_set(f, FAULT_STOP,
                  "the history %s is in use by another cmibridge serve; one process owns a history",
                  path);
    else {
        mem_free(name);
        return true;
    }
    mem_free(name);
    return false;
}

static bool start_lane(struct history *h, struct lane *lane, bool writes, struct fault *f)
{
    lane->owner = h;
    lane->writes = writes;
    lane->started = uv_thread_create(&lane->thread, lane_main, lane) == 0;
    return lane->started || fault_set(f, FAULT_STOP, "the history's thread can't be started");
}

static void stop_lane(struct lane *lane)
{
    if (lane->started)
        uv_thread_join(&lane->thread);
    lane->started = false;
    sqlite_close(lane->db);
    lane->db = NULL;
}

static void release(uv_handle_t *handle)
{
    struct history *h = handle->data;
    void (*closed)(void *owner) = h->closed;
    void *owner = h->closed_owner;

    uv_cond_destroy(&h->writer.wake);
    uv_cond_destroy(&h->reader.wake);
    uv_mutex_destroy(&h->mutex);
    erased_free(h->erased);
    mem_free(h);
    if (closed != NULL)
        closed(owner);
}

static void make_stats(struct history *h, struct stats *stats)
{
    h->stat_commits = stats_get(stats, STAT_COUNTER, "cmibridge_history_commits_total", "",
                                "Transactions of the contact history that became durable.");
    h->stat_failures = stats_get(stats, STAT_COUNTER, "cmibridge_history_commit_failures_total", "",
                                 "Transactions of the contact history that failed.");
    h->stat_writes = stats_get(stats, STAT_COUNTER, "cmibridge_history_jobs_total",
                               "kind=\"write\"", "Pieces of work handed to the contact history.");
    h->stat_reads = stats_get(stats, STAT_COUNTER, "cmibridge_history_jobs_total", "kind=\"read\"",
                              "Pieces of work handed to the contact history.");
    h->stat_waiting = stats_get(stats, STAT_GAUGE, "cmibridge_history_waiting", "",
                                "Pieces of work that wait for the history's threads.");
    h->stat_hidden =
        stats_get(stats, STAT_GAUGE, "cmibridge_history_incomplete_contacts", "",
                  "Contacts not shown yet: not all that is required of them is known.");
}

struct history *history_open(struct uv_loop_s *loop, const char *path, const struct notice *log,
                             struct stats *stats, struct fault *f)
{
    struct history *h = mem_zeroed(1, sizeof *h);

    h->log = log;
    h->lock_fd = -1;
    make_stats(h, stats);
    uv_mutex_init(&h->mutex);
    uv_cond_init(&h->writer.wake);
    uv_cond_init(&h->reader.wake);
    uv_async_init(loop, &h->answers, on_answers);
    h->answers.data = h;
    if (take_lock(h, path, f) && (h->writer.db = sqlite_open(path, false, f)) != NULL &&
        sqlite_migrate(h->writer.db, history_schema, history_schema_steps, f) &&
        (h->erased = erased_load(h->writer.db, f)) != NULL && open_reader(h, path, f) &&
        count_hidden(h, f) && start_lane(h, &h->writer, true, f) &&
        start_lane(h, &h->reader, false, f))
        return h;
    history_close(h, NULL, NULL);
    return NULL;
}

void history_close(struct history *h, void (*closed)(void *owner), void *owner)
{
    if (h == NULL)
        return;
    h->closed = closed;
    h->closed_owner = owner;
    uv_mutex_lock(&h->mutex);
    h->stopping = true;
    uv_cond_signal(&h->writer.wake);
    uv_cond_signal(&h->reader.wake);
    uv_mutex_unlock(&h->mutex);
    stop_lane(&h->reader);
    stop_lane(&h->writer);
    give_answers(h);
    if (h->lock_fd >= 0)
        close(h->lock_fd);
    uv_close((uv_handle_t *)&h->answers, release);
}
