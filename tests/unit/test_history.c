/* sqlite, history: one file, one owner, group commit, trouble and recovery. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "server/history.h"
#include "server/sqlite.h"
#include "server/sqlite_migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define DIR_MAX 200

struct world {
    char dir[DIR_MAX];
    char file[DIR_MAX + 16];
    uv_loop_t loop;
    struct stats *stats;
    struct notice log;
    unsigned failed_lines; /* history_write_failed */
    unsigned recovered_lines;
    struct history *history;
    int64_t read_time_ms;
};

static void say(void *ctx, enum notice_level level, const char *event,
                const struct notice_field *fields, size_t field_count)
{
    struct world *w = ctx;

    (void)level;
    (void)fields;
    (void)field_count;
    if (strcmp(event, "history_write_failed") == 0)
        w->failed_lines++;
    if (strcmp(event, "history_write_recovered") == 0)
        w->recovered_lines++;
}

static int set_up(void **state)
{
    struct world *w = mem_zeroed(1, sizeof *w);

    snprintf(w->dir, sizeof w->dir, "%s/cmibridge-unit-XXXXXX",
             getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    if (mkdtemp(w->dir) == NULL)
        return -1;
    snprintf(w->file, sizeof w->file, "%s/h.db", w->dir);
    uv_loop_init(&w->loop);
    w->read_time_ms = 3600000;
    w->stats = stats_new();
    w->log = (struct notice){.ctx = w, .least = NOTICE_DEBUG, .say = say};
    *state = w;
    return 0;
}

static struct history *try_to_open(struct world *w, struct fault *f)
{
    struct history_conf conf = {
        .file = w->file, .readers = HISTORY_READERS_MIN, .read_time_ms = w->read_time_ms};

    return history_open(&w->loop, &conf, &w->log, w->stats, f);
}

static void open_history(struct world *w)
{
    struct fault f = {0};

    w->history = try_to_open(w, &f);
    if (w->history == NULL)
        fail_msg("%s", f.text);
}

static void close_history(struct world *w)
{
    history_close(w->history, NULL, NULL);
    w->history = NULL;
    uv_run(&w->loop, UV_RUN_DEFAULT);
}

static int tear_down(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-lock", NULL};
    struct world *w = *state;
    char name[DIR_MAX + 32];

    if (w->history != NULL)
        close_history(w);
    if (uv_loop_close(&w->loop) != 0)
        return -1;
    for (size_t i = 0; suffixes[i] != NULL; i++) {
        snprintf(name, sizeof name, "%s%s", w->file, suffixes[i]);
        unlink(name);
    }
    stats_free(w->stats);
    if (rmdir(w->dir) != 0)
        return -1;
    mem_free(w);
    return 0;
}

static int64_t commits(struct world *w)
{
    return stat_value(stats_get(w->stats, STAT_COUNTER, "cmibridge_history_commits_total", "", ""));
}

/* ---- sqlite ---- */

static int64_t count_rows(struct sqlite *db, const char *sql)
{
    struct sqlite_query q = sqlite_query(db, sql);
    int64_t n = -1;

    if (sqlite_row(&q))
        n = sqlite_int(&q, 0);
    sqlite_end(&q);
    return n;
}

static void trouble_sticks_until_it_is_looked_at(void **state)
{
    struct world *w = *state;
    struct fault f = {0};
    struct sqlite *db = sqlite_open(w->file, false, &f);
    struct sqlite_query q;

    assert_non_null(db);
    sqlite_script(db,
                  "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT); INSERT INTO t VALUES (1, 'x');");
    sqlite_script(db, "INSERT INTO t VALUES (1, 'again')");
    sqlite_script(db, "INSERT INTO t VALUES (2, 'not done')");
    q = sqlite_query(db, "SELECT a FROM t");
    assert_false(sqlite_row(&q));
    assert_false(sqlite_check(db, &f));
    assert_int_equal(f.cls, FAULT_BUG);
    assert_non_null(strstr(f.text, "UNIQUE"));
    assert_true(sqlite_check(db, &f));
    assert_int_equal(count_rows(db, "SELECT count(*) FROM t"), 1);
    sqlite_query(db, "SELECT nonsense FROM nowhere");
    assert_false(sqlite_check(db, &f));
    assert_int_equal(f.cls, FAULT_BUG);
    sqlite_close(db);
}

static void values_come_back_as_they_went(void **state)
{
    struct world *w = *state;
    struct fault f = {0};
    struct sqlite *db = sqlite_open(w->file, false, &f);
    struct guid in = {{1, 2, 3, 0, 255}};
    struct guid out = {{0}};
    struct sqlite_query q;

    sqlite_script(db, "CREATE TABLE t (a INTEGER, b TEXT, c BLOB, d TEXT, e TEXT) STRICT");
    q = sqlite_query(db, "INSERT INTO t VALUES (?, ?, ?, ?, ?)");
    sqlite_bind_int(&q, INT64_MIN);
    sqlite_bind_text(&q, VIEW("\xc3\xa4 ' \" \n"));
    sqlite_bind_guid(&q, &in);
    sqlite_bind_null(&q);
    sqlite_bind_text(&q, VIEW_NONE);
    sqlite_run(&q);
    q = sqlite_query(db, "SELECT a, b AS \"x.y\", c, d, e FROM t");
    assert_true(sqlite_row(&q));
    assert_true(sqlite_int(&q, 0) == INT64_MIN);
    assert_true(view_is(sqlite_text(&q, 1), "\xc3\xa4 ' \" \n"));
    assert_string_equal(sqlite_column_name(&q, 1), "x.y");
    assert_true(sqlite_guid(&q, 2, &out) && guid_eq(&in, &out));
    assert_int_equal(sqlite_kind(&q, 3), SQLITE_KIND_NULL);
    assert_int_equal(sqlite_kind(&q, 4), SQLITE_KIND_TEXT);
    assert_false(sqlite_guid(&q, 3, &out));
    assert_false(sqlite_row(&q));
    assert_true(sqlite_check(db, &f));
    sqlite_close(db);
}

/* The same text, nested in itself and among more texts than are kept. */
static void statements_are_kept_and_may_nest(void **state)
{
    struct world *w = *state;
    struct fault f = {0};
    struct sqlite *db = sqlite_open(w->file, false, &f);
    struct sqlite_query outer;
    int64_t sum = 0;

    sqlite_script(db, "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2), (3);");
    outer = sqlite_query(db, "SELECT a FROM t");
    while (sqlite_row(&outer)) {
        struct sqlite_query inner = sqlite_query(db, "SELECT a FROM t");

        while (sqlite_row(&inner))
            sum += sqlite_int(&outer, 0) * sqlite_int(&inner, 0);
        for (int i = 0; i < 2 * SQLITE_STATEMENTS_KEPT; i++) {
            char sql[64];

            snprintf(sql, sizeof sql, "SELECT a + %d FROM t", i);
            assert_int_equal(count_rows(db, sql), 1 + i);
        }
    }
    assert_int_equal(sum, 36);
    assert_true(sqlite_check(db, &f));
    sqlite_close(db);
}

static void a_schema_only_goes_forward(void **state)
{
    static const char *const steps[] = {"CREATE TABLE a (x)", "CREATE TABLE b (x)",
                                        "CREATE TABLE c (x); nonsense"};
    struct world *w = *state;
    struct fault f = {0};
    struct sqlite *db = sqlite_open(w->file, false, &f);

    assert_true(sqlite_migrate(db, steps, 1, &f));
    assert_true(sqlite_migrate(db, steps, 2, &f));
    assert_true(sqlite_migrate(db, steps, 2, &f));
    assert_false(sqlite_migrate(db, steps, 3, &f));
    assert_non_null(strstr(f.text, "schema step 3"));
    assert_int_equal(count_rows(db, "SELECT count(*) FROM sqlite_schema"), 2); /* undone whole */
    assert_false(sqlite_migrate(db, steps, 1, &f));
    assert_int_equal(f.cls, FAULT_STOP);
    assert_non_null(strstr(f.text, "newer cmibridge (schema 2; this one knows up to 1)"));
    sqlite_close(db);
}

static void a_foreign_file_is_left_alone(void **state)
{
    struct world *w = *state;
    struct fault f = {0};
    struct sqlite *db = sqlite_open(w->file, false, &f);

    sqlite_script(db, "CREATE TABLE somebodys (x)");
    sqlite_close(db);
    assert_null(try_to_open(w, &f));
    assert_int_equal(f.cls, FAULT_STOP);
    assert_non_null(strstr(f.text, "not a history of ours"));
    uv_run(&w->loop, UV_RUN_DEFAULT);
}

/* ---- history ---- */

enum job_kind { INSERT, INSERT_TWICE, FULL, ROOMY, GATE, COUNT, ENDLESS };

struct job {
    struct history_job job;
    struct world *w;
    enum job_kind kind;
    int64_t n;      /* what to insert; of COUNT: what was found */
    uv_sem_t *gate; /* GATE: waited for, on the thread */
    uv_sem_t *inside;
    int runs; /* of ENDLESS */
    bool done;
    struct fault fault;
};

static bool run_job(struct history_job *base, struct sqlite *db, struct fault *f)
{
    struct job *j = (struct job *)base;
    struct sqlite_query q;

    switch (j->kind) {
    case GATE:
        uv_sem_post(j->inside);
        uv_sem_wait(j->gate);
        break;
    case FULL: /* from here on the file may not grow */
        q = sqlite_query(db, "PRAGMA max_page_count = 1");
        sqlite_run(&q);
        break;
    case ROOMY:
        q = sqlite_query(db, "PRAGMA max_page_count = 1000000");
        sqlite_run(&q);
        break;
    case ENDLESS: /* told by the one that runs it that it runs */
        j->runs++;
        uv_sem_post(j->inside);
        q = sqlite_query(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                             " SELECT count(*) FROM n");
        sqlite_run(&q);
        break;
    case COUNT:
        j->n = count_rows(db, "SELECT count(*) FROM idempotency_keys");
        break;
    case INSERT:
    case INSERT_TWICE:
        for (int i = 0; i < (j->kind == INSERT_TWICE ? 2 : 1); i++) {
            q = sqlite_query(db, "INSERT INTO idempotency_keys VALUES (?, hex(zeroblob(3000)), 0)");
            sqlite_bind_text(&q, (struct view){(const char *)&j->n, sizeof j->n});
            sqlite_run(&q);
        }
        break;
    }
    return sqlite_check(db, f);
}

static void job_done(struct history_job *base, const struct fault *f)
{
    struct job *j = (struct job *)base;

    j->done = true;
    if (f != NULL)
        j->fault = *f;
}

static struct job *job(struct world *w, enum job_kind kind, int64_t n)
{
    struct job *j = mem_zeroed(1, sizeof *j);

    j->w = w;
    j->kind = kind;
    j->n = n;
    j->job.run = run_job;
    j->job.done = job_done;
    return j;
}

static void hand_in(struct job *j)
{
    struct fault f;
    bool reads = j->kind == COUNT || j->kind == ENDLESS;
    bool taken = reads ? history_read(j->w->history, &j->job, &f)
                       : history_write(j->w->history, &j->job, &f);

    assert_true(taken);
    assert_false(j->done); /* never from inside */
}

static void wait_for(struct job *j)
{
    while (!j->done)
        uv_run(&j->w->loop, UV_RUN_ONCE);
}

static int64_t stored(struct world *w)
{
    struct job *j = job(w, COUNT, 0);
    int64_t n;

    hand_in(j);
    wait_for(j);
    n = j->n;
    mem_free(j);
    return n;
}

static enum fault_class write_one(struct world *w, enum job_kind kind, int64_t n)
{
    struct job *j = job(w, kind, n);
    enum fault_class cls;

    hand_in(j);
    wait_for(j);
    cls = j->fault.cls;
    mem_free(j);
    return cls;
}

/* The writer is kept busy until all are handed in; then it takes them together. */
static void what_waits_together_is_committed_together(void **state)
{
    enum { MANY = 300 };
    struct world *w = *state;
    struct job *jobs[MANY];
    struct job *gate;
    uv_sem_t open;
    uv_sem_t inside;
    int64_t before;

    uv_sem_init(&open, 0);
    uv_sem_init(&inside, 0);
    open_history(w);
    before = commits(w);
    gate = job(w, GATE, 0);
    gate->gate = &open;
    gate->inside = &inside;
    hand_in(gate);
    uv_sem_wait(&inside);
    for (int i = 0; i < MANY; i++) {
        jobs[i] = job(w, INSERT, i);
        hand_in(jobs[i]);
    }
    uv_sem_post(&open);
    for (int i = 0; i < MANY; i++) {
        wait_for(jobs[i]);
        assert_int_equal(jobs[i]->fault.cls, FAULT_NONE);
        mem_free(jobs[i]);
    }
    assert_true(gate->done);
    mem_free(gate);
    assert_int_equal(commits(w) - before, 2); /* the gate's, and one for all */
    assert_int_equal(stored(w), MANY);
    uv_sem_destroy(&open);
    uv_sem_destroy(&inside);
}

static void one_that_fails_does_not_take_the_others(void **state)
{
    struct world *w = *state;
    struct job *jobs[5];
    struct job *gate;
    uv_sem_t open;
    uv_sem_t inside;

    uv_sem_init(&open, 0);
    uv_sem_init(&inside, 0);
    open_history(w);
    gate = job(w, GATE, 0);
    gate->gate = &open;
    gate->inside = &inside;
    hand_in(gate);
    uv_sem_wait(&inside);
    for (int i = 0; i < 5; i++) {
        jobs[i] = job(w, i == 2 ? INSERT_TWICE : INSERT, i);
        hand_in(jobs[i]);
    }
    uv_sem_post(&open);
    for (int i = 0; i < 5; i++) {
        wait_for(jobs[i]);
        assert_int_equal(jobs[i]->fault.cls, i == 2 ? FAULT_BUG : FAULT_NONE);
        mem_free(jobs[i]);
    }
    mem_free(gate);
    assert_int_equal(stored(w), 4); /* its first insert is undone with it */
    uv_sem_destroy(&open);
    uv_sem_destroy(&inside);
}

static void a_full_disk_is_waited_out(void **state)
{
    struct world *w = *state;
    uint64_t before_ns = uv_hrtime();
    uint64_t at_ns;

    open_history(w);
    assert_int_equal(write_one(w, INSERT, 1), FAULT_NONE);
    assert_null(history_trouble(w->history, &at_ns));
    assert_int_equal(write_one(w, FULL, 0), FAULT_NONE);
    assert_int_equal(write_one(w, INSERT, 2), FAULT_RETRY);
    assert_non_null(history_trouble(w->history, &at_ns));
    assert_non_null(strstr(history_trouble(w->history, &at_ns), "full"));
    assert_true(at_ns > before_ns && at_ns < uv_hrtime());
    assert_int_equal(write_one(w, INSERT, 2), FAULT_RETRY);
    assert_int_equal(stored(w), 1); /* reading goes on */
    assert_int_equal(w->failed_lines, 1);
    assert_int_equal(w->recovered_lines, 0);
    assert_int_equal(write_one(w, ROOMY, 0), FAULT_NONE);
    assert_int_equal(write_one(w, INSERT, 2), FAULT_NONE);
    assert_int_equal(stored(w), 2);
    assert_null(history_trouble(w->history, &at_ns));
    assert_int_equal(w->failed_lines, 1); /* once each, not once a request */
    assert_int_equal(w->recovered_lines, 1);
}

static void a_full_queue_refuses_for_now(void **state)
{
    struct world *w = *state;
    struct job *jobs = mem_zeroed(HISTORY_QUEUE_MAX + 1, sizeof *jobs);
    struct job *gate;
    struct fault f = {0};
    uv_sem_t open;
    uv_sem_t inside;

    uv_sem_init(&open, 0);
    uv_sem_init(&inside, 0);
    open_history(w);
    gate = job(w, GATE, 0);
    gate->gate = &open;
    gate->inside = &inside;
    hand_in(gate);
    uv_sem_wait(&inside);
    for (int i = 0; i <= HISTORY_QUEUE_MAX; i++) {
        struct job *j = job(w, INSERT, i);

        jobs[i] = *j;
        mem_free(j);
        assert_int_equal(history_write(w->history, &jobs[i].job, &f), i < HISTORY_QUEUE_MAX);
    }
    assert_int_equal(f.cls, FAULT_RETRY);
    uv_sem_post(&open);
    wait_for(&jobs[HISTORY_QUEUE_MAX - 1]);
    assert_int_equal(stored(w), HISTORY_QUEUE_MAX);
    mem_free(gate);
    mem_free(jobs);
    uv_sem_destroy(&open);
    uv_sem_destroy(&inside);
}

static void a_second_owner_gets_a_sentence(void **state)
{
    struct world *w = *state;
    struct fault f = {0};

    open_history(w);
    assert_null(try_to_open(w, &f));
    assert_int_equal(f.cls, FAULT_STOP);
    assert_non_null(strstr(f.text, "in use by another cmibridge serve"));
    close_history(w);
    open_history(w);
}

/* Whichever thread each begins on: then only one is left to what is quick, and it breaks off what
 * is not. At the end they are broken off for good. */
static void what_reads_without_end_holds_up_nothing_else(void **state)
{
    enum { ENDLESS_ONES = 5, QUICK_ONES = 20 };
    struct world *w = *state;
    struct job *endless[ENDLESS_ONES];
    uv_sem_t inside;
    int runs = 0;

    uv_sem_init(&inside, 0);
    open_history(w);
    for (int i = 0; i < ENDLESS_ONES; i++) {
        endless[i] = job(w, ENDLESS, 0);
        endless[i]->inside = &inside;
        hand_in(endless[i]);
    }
    for (int i = 0; i < HISTORY_READERS_MIN; i++)
        uv_sem_wait(&inside);
    for (int i = 1; i <= QUICK_ONES; i++) {
        assert_int_equal(write_one(w, INSERT, i), FAULT_NONE);
        assert_int_equal(stored(w), i);
    }
    for (int i = 0; i < ENDLESS_ONES; i++)
        assert_false(endless[i]->done);
    close_history(w);
    for (int i = 0; i < ENDLESS_ONES; i++) {
        assert_true(endless[i]->done);
        assert_int_equal(endless[i]->fault.cls, FAULT_RETRY);
        assert_string_equal(endless[i]->fault.text, "the server is stopping");
        runs += endless[i]->runs;
        mem_free(endless[i]);
    }
    assert_true(runs > ENDLESS_ONES); /* those that were broken off began anew */
    uv_sem_destroy(&inside);
}

static void what_reads_for_too_long_is_given_up(void **state)
{
    enum { ENDLESS_ONES = 3 };
    struct world *w = *state;
    struct job *endless[ENDLESS_ONES];
    uv_sem_t inside;

    uv_sem_init(&inside, 0);
    w->read_time_ms = 20;
    open_history(w);
    for (int i = 0; i < ENDLESS_ONES; i++) {
        endless[i] = job(w, ENDLESS, 0);
        endless[i]->inside = &inside;
        hand_in(endless[i]);
    }
    for (int i = 0; i < ENDLESS_ONES; i++) {
        wait_for(endless[i]);
        assert_int_equal(endless[i]->fault.cls, FAULT_RETRY);
        assert_string_equal(endless[i]->fault.text,
                            "to find this takes longer than 20 ms; ask for what an index leads "
                            "to, or for a shorter time");
        mem_free(endless[i]);
    }
    assert_int_equal(write_one(w, INSERT, 1), FAULT_NONE);
    assert_int_equal(stored(w), 1);
    close_history(w);
    uv_sem_destroy(&inside);
}

/* One of them: while the loop reads, what came with it is read by the threads. */
static void the_first_short_read_of_a_turn_is_done_at_once(void **state)
{
    struct world *w = *state;
    struct job *first = job(w, COUNT, 0);
    struct job *second = job(w, COUNT, 0);
    struct fault f;

    open_history(w);
    assert_int_equal(write_one(w, INSERT, 1), FAULT_NONE);
    assert_true(history_read_at_once(w->history, &first->job, &f));
    assert_true(first->done);
    assert_int_equal(first->n, 1); /* what was answered before, it sees */
    assert_true(history_read_at_once(w->history, &second->job, &f));
    assert_false(second->done);
    wait_for(second);
    assert_int_equal(second->n, 1);
    mem_free(first);
    mem_free(second);
}

static void a_read_at_once_that_fails_says_so(void **state)
{
    struct world *w = *state;
    struct job *j = job(w, INSERT, 1); /* which a reader may not */
    struct fault f;

    open_history(w);
    assert_true(history_read_at_once(w->history, &j->job, &f));
    wait_for(j);
    assert_int_not_equal(j->fault.cls, FAULT_NONE);
    assert_int_equal(stored(w), 0);
    mem_free(j);
}

/* The loop breaks it off; a thread begins it anew. What is of another kind is tried all the same.
 */
static void a_long_read_at_once_goes_to_the_threads(void **state)
{
    struct world *w = *state;
    struct job *j = job(w, ENDLESS, 0);
    struct job *other = job(w, COUNT, 0);
    uv_sem_t inside;
    struct fault f;

    uv_sem_init(&inside, 0);
    open_history(w);
    j->inside = &inside;
    j->job.kind = 1;
    other->job.kind = 2;
    assert_true(history_read_at_once(w->history, &j->job, &f));
    assert_false(j->done);
    uv_sem_wait(&inside);
    uv_sem_wait(&inside);
    uv_run(&w->loop, UV_RUN_NOWAIT); /* the next turn */
    assert_true(history_read_at_once(w->history, &other->job, &f));
    assert_true(other->done);
    assert_int_equal(write_one(w, INSERT, 1), FAULT_NONE);
    assert_int_equal(stored(w), 1);
    close_history(w);
    assert_true(j->done);
    assert_true(j->runs >= 2);
    assert_int_equal(j->fault.cls, FAULT_RETRY);
    mem_free(j);
    mem_free(other);
    uv_sem_destroy(&inside);
}

static void closing_ends_what_waits_and_answers_it(void **state)
{
    struct world *w = *state;
    struct job *jobs[50];

    open_history(w);
    for (int i = 0; i < 50; i++) {
        jobs[i] = job(w, INSERT, i);
        hand_in(jobs[i]);
    }
    close_history(w);
    for (int i = 0; i < 50; i++) {
        assert_true(jobs[i]->done);
        assert_int_equal(jobs[i]->fault.cls, FAULT_NONE);
        mem_free(jobs[i]);
    }
    open_history(w);
    assert_int_equal(stored(w), 50);
}

int main(void)
{
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(trouble_sticks_until_it_is_looked_at),
        IN_A_WORLD(values_come_back_as_they_went),
        IN_A_WORLD(statements_are_kept_and_may_nest),
        IN_A_WORLD(a_schema_only_goes_forward),
        IN_A_WORLD(a_foreign_file_is_left_alone),
        IN_A_WORLD(what_waits_together_is_committed_together),
        IN_A_WORLD(one_that_fails_does_not_take_the_others),
        IN_A_WORLD(a_full_disk_is_waited_out),
        IN_A_WORLD(a_full_queue_refuses_for_now),
        IN_A_WORLD(a_second_owner_gets_a_sentence),
        IN_A_WORLD(what_reads_without_end_holds_up_nothing_else),
        IN_A_WORLD(what_reads_for_too_long_is_given_up),
        IN_A_WORLD(the_first_short_read_of_a_turn_is_done_at_once),
        IN_A_WORLD(a_read_at_once_that_fails_says_so),
        IN_A_WORLD(a_long_read_at_once_goes_to_the_threads),
        IN_A_WORLD(closing_ends_what_waits_and_answers_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
