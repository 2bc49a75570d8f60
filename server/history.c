#include "server/history.h"

#include "bridge/core/mem.h"
#include "bridge/ports/fault_point.h"
#include "server/erased.h"
#include "server/erased_kin.h"
#include "server/history_schema.h"
#include "server/job_chain.h"
#include "server/readers.h"
#include "server/sqlite.h"
#include "server/sqlite_migrate.h"
#include "server/text_merge.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <uv.h>

struct history {
    uv_mutex_t mutex;
    uv_async_t answers;
    uv_prepare_t turn;
    bool tried;                /* a read at once, in this turn of the loop */
    struct job_chain waiting;  /* for the writer; under the mutex, like the eight below */
    struct job_chain answered; /* of writer and readers */
    int64_t commits;
    int64_t failures;
    bool stopping;
    bool sick; /* the file failed the last group, or one of it */
    struct fault trouble;
    uint64_t trouble_ns; /* when it was */
    int hidden;          /* by how many contacts that can't be shown became more in quiet turns */
    struct erased *erased;
    bool quiet_due;          /* there may be work for a quiet time: quiet_turn */
    struct text_merge merge; /* the writer's, like the two below */
    uv_cond_t wake;          /* the writer */
    struct sqlite *db;       /* the writer's */
    uv_thread_t writer;
    bool writer_started;
    struct readers *readers;
    int lock_fd;
    const struct notice *log;
    struct stat *stat_commits;
    struct stat *stat_failures;
    struct stat *stat_writes;
    struct stat *stat_reads;
    struct stat *stat_waiting;
    struct stat *stat_hidden;
    struct stat *stat_merging;
    char damage[FAULT_TEXT_MAX]; /* on the loop, like the three below; "" for none */
    bool said_sick;
    struct fault said;
    uint64_t said_ns;
    bool closing;
    unsigned open_handles;
    void (*closed)(void *owner);
    void *closed_owner;
};

static int64_t now_ms(void *ctx)
{
    (void)ctx;
    return (int64_t)(uv_hrtime() / 1000000);
}

const struct step_clock history_clock = {now_ms, NULL};

/* ---- on the writer's thread ---- */

static void fail_all(struct job_chain *group, const struct fault *why)
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
static bool run_group(struct job_chain *group, struct sqlite *db, struct fault *f)
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

static void write_turn(struct history *h, struct job_chain *group)
{
    struct fault why = {0};
    bool ok =
        group->first->bare ? run_bare(group->first, h->db, &why) : run_group(group, h->db, &why);
    bool sick = !ok;

    if (!ok) {
        roll_back(h->db);
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
    h->trouble_ns = uv_hrtime();
    uv_mutex_unlock(&h->mutex);
}

static bool may_join(const struct job_chain *group, const struct history_job *job)
{
    return group->first == NULL || (job != NULL && !job->bare && !group->first->bare);
}

/* What is left of people who were erased, then the indexes. Under the mutex, which is let go
 * meanwhile. A failure is told as a write's is; the next write brings the next try. */
static void quiet_turn(struct history *h)
{
    struct history_removed removed = {0};
    struct allowance left = allowance_of(ERASED_KIN_ROWS_MAX, &history_clock, ERASED_KIN_STEP_MS);
    struct fault why = {0};
    bool more;
    bool ok;

    uv_mutex_unlock(&h->mutex);
    sqlite_do(h->db, "BEGIN IMMEDIATE");
    more = erased_kin_step(h->erased, h->db, &left, &removed) || text_merge_step(&h->merge, h->db);
    sqlite_do(h->db, "COMMIT");
    ok = sqlite_check(h->db, &why);
    if (!ok)
        roll_back(h->db);
    uv_mutex_lock(&h->mutex);
    h->quiet_due = ok && more;
    if (ok)
        h->hidden += removed.hidden;
    if (!ok) {
        h->failures++;
        h->sick = true;
        h->trouble = why;
        h->trouble_ns = uv_hrtime();
    }
    if (!h->quiet_due)
        uv_async_send(&h->answers);
}

/* Under the mutex: until there is something to write, or the end has come. */
static void await_jobs(struct history *h)
{
    const uint64_t quiet_ns = HISTORY_QUIET_MS * UINT64_C(1000000);
    bool quiet = false;

    while (h->waiting.first == NULL && !h->stopping)
        if (!h->quiet_due)
            uv_cond_wait(&h->wake, &h->mutex);
        else if (!quiet)
            quiet = uv_cond_timedwait(&h->wake, &h->mutex, quiet_ns) == UV_ETIMEDOUT;
        else
            quiet_turn(h);
}

static void writer_main(void *arg)
{
    struct history *h = arg;

    uv_mutex_lock(&h->mutex);
    for (;;) {
        struct job_chain group = {0};
        struct history_job *job;

        await_jobs(h);
        while (group.count < HISTORY_GROUP_MAX && may_join(&group, h->waiting.first) &&
               (job = job_chain_take(&h->waiting)) != NULL)
            job_chain_add(&group, job);
        if (group.first == NULL)
            break;
        uv_mutex_unlock(&h->mutex);
        write_turn(h, &group);
        if (!h->merge.under_way)
            text_merge_init(&h->merge);
        uv_mutex_lock(&h->mutex);
        h->quiet_due = true;
        while ((job = job_chain_take(&group)) != NULL)
            job_chain_add(&h->answered, job);
        uv_async_send(&h->answers);
    }
    uv_mutex_unlock(&h->mutex);
}

/* ---- on a reader's thread ---- */

static void on_read(void *ctx, struct history_job *job)
{
    struct history *h = ctx;

    uv_mutex_lock(&h->mutex);
    job_chain_add(&h->answered, job);
    uv_mutex_unlock(&h->mutex);
    uv_async_send(&h->answers);
}

/* ---- on the loop ---- */

static void say_health(struct history *h, bool sick, const struct fault *trouble)
{
    h->said = *trouble;
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

static void note_damage(struct history *h, const struct fault *f)
{
    if (h->damage[0] != '\0' || !sqlite_is_damage(f))
        return;
    (void)snprintf(h->damage, sizeof h->damage, "%s", f->text);
    notice_say(h->log, NOTICE_ERROR, "history_damaged", NOTICE_TEXT("error", f->text),
               NOTICE_TEXT("advice", "nothing more is written to it; restore a copy "
                                     "(docs/OPERATIONS.md)"));
}

static void give_answers(struct history *h)
{
    struct job_chain answered;
    struct history_job *job;
    struct fault trouble;
    size_t waiting;
    bool sick;

    uv_mutex_lock(&h->mutex);
    answered = h->answered;
    h->answered = (struct job_chain){0};
    stat_add(h->stat_commits, h->commits);
    stat_add(h->stat_failures, h->failures);
    stat_set(h->stat_merging, h->quiet_due ? 1 : 0);
    stat_add(h->stat_hidden, h->hidden);
    h->hidden = 0;
    waiting = h->waiting.count;
    h->commits = 0;
    h->failures = 0;
    sick = h->sick;
    trouble = h->trouble;
    h->said_ns = h->trouble_ns;
    uv_mutex_unlock(&h->mutex);

    stat_set(h->stat_waiting, (int64_t)(waiting + readers_waiting(h->readers)));
    say_health(h, sick, &trouble);
    if (sick)
        note_damage(h, &trouble);
    while ((job = job_chain_take(&answered)) != NULL) {
        struct fault fault = job->fault; /* done may free the job */

        note_damage(h, &fault);
        job->done(job, job->failed ? &fault : NULL);
    }
}

static void on_answers(uv_async_t *async)
{
    give_answers(async->data);
}

static bool refuse(const struct history *h, struct fault *f)
{
    if (h->closing)
        return fault_set(f, FAULT_RETRY, "the server is stopping");
    if (h->damage[0] != '\0')
        return fault_set(f, FAULT_RETRY, "the history is damaged; nothing is written to it");
    return fault_set(f, FAULT_RETRY, "the history has %d requests waiting; try again later",
                     HISTORY_QUEUE_MAX);
}

bool history_write(struct history *h, struct history_job *job, struct fault *f)
{
    bool room;

    job->failed = false;
    job->fault = (struct fault){0};
    uv_mutex_lock(&h->mutex);
    room = !h->closing && h->damage[0] == '\0' && h->waiting.count < HISTORY_QUEUE_MAX;
    if (room)
        job_chain_add(&h->waiting, job);
    uv_mutex_unlock(&h->mutex);
    if (!room)
        return refuse(h, f);
    uv_cond_signal(&h->wake); /* not before: the thread would wake to a locked mutex */
    stat_add(h->stat_writes, 1);
    return true;
}

bool history_read(struct history *h, struct history_job *job, struct fault *f)
{
    if (h->closing || !readers_add(h->readers, job))
        return refuse(h, f);
    stat_add(h->stat_reads, 1);
    return true;
}

bool history_read_at_once(struct history *h, struct history_job *job, struct fault *f)
{
    struct fault fault;

    if (h->closing || h->tried)
        return history_read(h, job, f);
    h->tried = true;
    if (!readers_try(h->readers, job))
        return history_read(h, job, f);
    stat_add(h->stat_reads, 1);
    fault = job->fault; /* done may free the job */
    note_damage(h, &fault);
    job->done(job, job->failed ? &fault : NULL);
    return true;
}

/* The loop is about to sleep. */
static void on_turn(uv_prepare_t *turn)
{
    struct history *h = turn->data;

    h->tried = false;
}

const char *history_trouble(const struct history *h, uint64_t *at_ns)
{
    *at_ns = h->said_ns;
    return h->said_sick ? h->said.text : NULL;
}

const char *history_damage(const struct history *h)
{
    return h->damage[0] != '\0' ? h->damage : NULL;
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

static bool count_hidden(struct history *h, struct fault *f)
{
    struct sqlite_query q = sqlite_query(h->db, "SELECT count(*) FROM contacts WHERE row < 0");

    if (sqlite_row(&q))
        stat_set(h->stat_hidden, sqlite_int(&q, 0));
    sqlite_end(&q);
    return sqlite_check(h->db, f);
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

static bool start_writer(struct history *h, struct fault *f)
{
    h->writer_started = uv_thread_create(&h->writer, writer_main, h) == 0;
    return h->writer_started || fault_set(f, FAULT_STOP, "the history's thread can't be started");
}

static bool start_readers(struct history *h, const struct history_conf *conf, struct fault *f)
{
    h->readers = readers_new(conf, (struct readers_owner){h, on_read}, f);
    return h->readers != NULL;
}

static void release(uv_handle_t *handle)
{
    struct history *h = handle->data;
    void (*closed)(void *owner) = h->closed;
    void *owner = h->closed_owner;

    if (--h->open_handles > 0)
        return;
    uv_cond_destroy(&h->wake);
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
    h->stat_merging = stats_get(stats, STAT_GAUGE, "cmibridge_history_merging", "",
                                "1 while indexes of texts may be in more pieces than they should.");
    stat_set(h->stat_merging, 1);
    h->stat_hidden =
        stats_get(stats, STAT_GAUGE, "cmibridge_history_incomplete_contacts", "",
                  "Contacts not shown yet: not all that is required of them is known.");
}

struct history *history_open(struct uv_loop_s *loop, const struct history_conf *conf,
                             const struct notice *log, struct stats *stats, struct fault *f)
{
    struct history *h = mem_zeroed(1, sizeof *h);

    h->log = log;
    h->lock_fd = -1;
    make_stats(h, stats);
    text_merge_init(&h->merge);
    h->quiet_due = true; /* whatever the process before was at */
    uv_mutex_init(&h->mutex);
    uv_cond_init(&h->wake);
    uv_async_init(loop, &h->answers, on_answers);
    uv_prepare_init(loop, &h->turn);
    uv_prepare_start(&h->turn, on_turn);
    h->answers.data = h->turn.data = h;
    h->open_handles = 2;
    if (take_lock(h, conf->file, f) && (h->db = sqlite_open(conf->file, false, f)) != NULL &&
        sqlite_migrate(h->db, history_schema, history_schema_steps, f) &&
        (h->erased = erased_load(h->db, f)) != NULL && count_hidden(h, f) &&
        start_readers(h, conf, f) && start_writer(h, f))
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
    h->closing = true;
    uv_mutex_lock(&h->mutex);
    h->stopping = true;
    uv_mutex_unlock(&h->mutex);
    uv_cond_signal(&h->wake);
    readers_free(h->readers);
    h->readers = NULL;
    if (h->writer_started)
        uv_thread_join(&h->writer);
    sqlite_close(h->db);
    give_answers(h);
    if (h->lock_fd >= 0)
        close(h->lock_fd);
    uv_close((uv_handle_t *)&h->turn, release);
    uv_close((uv_handle_t *)&h->answers, release);
}
