/*
 * history: the store of contact history: one SQLite file that one process owns.
 *
 * The loop touches the file only for reads that are short. It hands in jobs; a writer's thread runs
 * all that wait in one transaction, each inside a savepoint of its own, so that a failing one does
 * not take the others; and only after COMMIT do their answers come back to the loop (D1, group
 * commit). Jobs that only read have threads of their own (server/readers.h); what was answered
 * before one is handed in, it sees. While the disk is full or fails, jobs end with FAULT_RETRY;
 * when it is well again, so are they: nothing needs a restart. A file that is damaged is another
 * matter (history_damage).
 */
#ifndef SERVER_HISTORY_H
#define SERVER_HISTORY_H

#include "bridge/core/fault.h"
#include "bridge/core/stats.h"
#include "bridge/ports/notice.h"
#include "server/allowance.h"

#include <stdint.h>

#define HISTORY_QUEUE_MAX 4096 /* jobs waiting for a thread; more are refused with FAULT_RETRY */
#define HISTORY_GROUP_MAX 512  /* jobs in one transaction */

#define HISTORY_QUIET_MS 50 /* without a write: then indexes are put in order (text_merge.h) */

#define HISTORY_READERS_MIN 2 /* threads that read */
#define HISTORY_READERS_MAX 16

struct erased;
struct history;
struct sqlite;
struct uv_loop_s;

/* One piece of work, the first member of its maker's struct. */
struct history_job {
    /* On the thread, in a transaction. false with a fault: what it wrote is undone. "Not found" and
     * the like are no faults: the job keeps them to itself. A write runs once; a read may be begun
     * anew, by another thread. */
    bool (*run)(struct history_job *job, struct sqlite *db, struct fault *f);
    /* On the loop, when all is durable (f is NULL) or nothing is (f says why). The job is its
     * maker's again. */
    void (*done)(struct history_job *job, const struct fault *f);
    bool bare;     /* run by itself and outside a transaction: for what SQLite does only so */
    uint32_t kind; /* of a read at once: those of one kind are short or long alike, most often */
    /* private to history.c */
    struct history_job *next;
    struct fault fault;
    bool failed;
};

struct history_conf {
    const char *file;
    int readers;          /* threads that read */
    int64_t read_time_ms; /* the most that one job may read; then it fails (RETRY) */
};

/* Opens or makes the file, brings its schema up, takes its lock (FILE-lock), starts the threads.
 * NULL with a fault: another process owns it, it is newer, it cannot be opened. conf is copied. */
struct history *history_open(struct uv_loop_s *loop, const struct history_conf *conf,
                             const struct notice *log, struct stats *stats,
                             struct fault *f) MUST_CHECK;
/* Ends what is waiting (reads that take long with RETRY), gives every answer before it returns,
 * lets the file go. `closed` is called on the loop when the memory is gone (may be NULL). h may be
 * NULL. */
void history_close(struct history *h, void (*closed)(void *owner), void *owner);

/* Queues a job; done is never called from inside. false: the queue is full (RETRY), and the job
 * still its maker's. */
bool history_write(struct history *h, struct history_job *job, struct fault *f) MUST_CHECK;
bool history_read(struct history *h, struct history_job *job, struct fault *f) MUST_CHECK;

/* As history_read, for what is short most often and whose `done` may be called from inside: the
 * first such read of a turn of the loop is tried at once (server/readers.h), the others go to the
 * threads, which run them meanwhile. */
bool history_read_at_once(struct history *h, struct history_job *job, struct fault *f) MUST_CHECK;

/* Why the newest write that the disk failed was failed, and by the clock of uv_hrtime when; NULL
 * while none was, or the one after it went well. Holds until the loop's next turn. */
const char *history_trouble(const struct history *h, uint64_t *at_ns);

/* The sentence, once anything has found the file itself damaged; else NULL. From then on nothing is
 * written to it: history_write refuses (RETRY). What can still be read is. */
const char *history_damage(const struct history *h);

/* For steps of long work on the writer's thread (server/allowance.h). */
extern const struct step_clock history_clock;

/* Who was erased. NULL without a history. */
struct erased *history_erased(const struct history *h);

/* Contacts that can't be shown yet, because not all that CMI requires of them is known: by how many
 * they became more. */
void history_count_hidden(struct history *h, int more);

#endif
