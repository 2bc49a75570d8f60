/* How long `cmibridge serve` keeps what it holds, and `cmibridge backup`. */
#define _GNU_SOURCE /* prlimit */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/sqlite.h"
#include "tests/fakes/serve_rig.h"
#include "tests/fakes/shell.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH "Content-Type: application/cloudevents-batch+json\r\n"
#define OLD   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1"
#define NEW   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA2"
#define LATE  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA3"

/* A call of a customer; more: "\"time\":…," and the like, or ""; arrival: "\"arrivalTime\":…," or
 * "". */
static void ingest_call(struct serve_rig *rig, const char *id, const char *more,
                        const char *arrival)
{
    char batch[1024];
    struct probe_reply r;

    snprintf(batch, sizeof batch,
             "[{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/t\",\"type\":"
             "\"contact.received\",\"subject\":\"contacts/%s\",%s\"data\":{%s\"channel\":\"PHONE\","
             "\"type\":\"CallIn\",\"source\":\"+358401234567\",\"destination\":\"100\"}}]",
             id, id, more, arrival);
    r = probe_ask(rig->port, "POST", "/ingest", BATCH, batch);
    if (r.status != 200 || strstr(r.body.p, "\"status\":204") == NULL)
        fail_msg("%d %.*s", r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

static void expect_metric(struct serve_rig *rig, const char *line)
{
    struct probe_reply r = probe_ask(rig->admin_port, "GET", "/metrics", "", NULL);

    if (strstr(r.body.p, line) == NULL)
        fail_msg("/metrics lacks '%s'", line);
    probe_done(&r);
}

static void a_contact_goes_at_its_age_and_no_late_event_brings_it_back(void **state)
{
    struct serve_rig rig;

    (void)state;
    setenv("CMIBRIDGE_HISTORY_RETENTION_CONTACTS", "30d", 1);
    serve_rig_start(&rig, "");
    /* What arrived long ago and is told only now is stored, and goes with the next pass. */
    ingest_call(&rig, OLD, "", "\"arrivalTime\":\"2020-01-01T00:00:00Z\",");
    ingest_call(&rig, NEW, "", "");
    serve_expect(&rig, "GET", "/contacts/" OLD, "", NULL, 200, NULL);
    serve_rig_stop(&rig);
    serve_rig_restart(&rig);
    assert_true(serve_rig_await(&rig, "event=history_retention contacts=1 chats=0"));
    serve_expect(&rig, "GET", "/contacts/" OLD, "", NULL, 404, NULL);
    serve_expect(&rig, "GET", "/contacts/" NEW, "", NULL, 200, NULL);
    expect_metric(&rig, "cmibridge_history_expired_total{resource=\"contacts\"} 1\n");
    ingest_call(&rig, OLD, "\"time\":\"2020-01-01T00:00:00Z\",", "");
    ingest_call(&rig, LATE, "\"time\":\"2020-01-01T00:00:00Z\",", "");
    serve_expect(&rig, "GET", "/contacts/" OLD, "", NULL, 404, NULL);
    serve_expect(&rig, "GET", "/contacts/" LATE, "", NULL, 404, NULL);
    expect_metric(&rig, "cmibridge_ingest_events_total{result=\"expired\"} 2\n");
    expect_metric(&rig, "cmibridge_history_incomplete_contacts 0\n");
    serve_rig_done(&rig);
    unsetenv("CMIBRIDGE_HISTORY_RETENTION_CONTACTS");
}

static void tell(struct serve_rig *rig, const char *type, const char *subject, const char *time,
                 const char *data)
{
    char batch[1024];
    struct probe_reply r;

    snprintf(batch, sizeof batch,
             "[{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/t\",\"type\":\"%s\",\"subject\":"
             "\"%s\",%s\"data\":{%s}}]",
             type, subject, time, data);
    r = probe_ask(rig->port, "POST", "/ingest", BATCH, batch);
    if (r.status != 200 || strstr(r.body.p, "\"status\":204") == NULL)
        fail_msg("%d %.*s", r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

#define MADE(when)                                                                                 \
    "\"call_id\":\"" OLD "\",\"contact_id\":\"" OLD "\",\"owner_id\":\"" OLD                       \
    "\",\"owner_type\":\"queue\",\"owner_name\":\"Q\",\"file_name\":\"a.wav\"" when
#define SAVED(when)                                                                                \
    "\"script_id\":\"" OLD "\",\"name\":\"s\",\"contact_id\":\"" OLD                               \
    "\",\"scriptquestions\":[]" when

/* Told today of what is long past its age it is not stored; told late of what is not, it is. */
static void a_recording_and_a_script_result_go_by_their_own_time(void **state)
{
    static const char old[] = "\"time\":\"2020-01-01T00:00:00Z\",";
    struct serve_rig rig;

    (void)state;
    serve_rig_start(&rig, "history.retention.callRecordings: 30d\n"
                          "history.retention.scriptResults: 30d\n");
    tell(&rig, "callrecording.created", "callRecordings/" OLD, "",
         MADE(",\"creation_time\":\"2020-01-01T00:00:00Z\""));
    tell(&rig, "callrecording.created", "callRecordings/" NEW, old,
         MADE(",\"creation_time\":\"2200-01-01T00:00:00Z\""));
    tell(&rig, "scriptresult.saved", "scriptResults/" OLD, "",
         SAVED(",\"modificationtime\":\"2020-01-01T00:00:00Z\""));
    tell(&rig, "scriptresult.saved", "scriptResults/" NEW, old,
         SAVED(",\"modificationtime\":\"2200-01-01T00:00:00Z\""));
    tell(&rig, "scriptresult.saved", "scriptResults/" LATE, old, SAVED(""));
    serve_expect(&rig, "GET", "/callRecordings/" OLD, "", NULL, 404, NULL);
    serve_expect(&rig, "GET", "/callRecordings/" NEW, "", NULL, 200, NULL);
    serve_expect(&rig, "GET", "/scriptResults/" OLD, "", NULL, 404, NULL);
    serve_expect(&rig, "GET", "/scriptResults/" NEW, "", NULL, 200, NULL);
    serve_expect(&rig, "GET", "/scriptResults/" LATE, "", NULL, 404, NULL);
    expect_metric(&rig, "cmibridge_ingest_events_total{result=\"expired\"} 3\n");
    serve_rig_done(&rig);
}

/* ---- backup ---- */

#define BEFORE 50 /* contacts that are acknowledged before it begins */

static void number(unsigned n, char id[33])
{
    snprintf(id, 33, "%032X", n + 1);
}

static pid_t go_on_ingesting(struct serve_rig *rig)
{
    pid_t pid = fork();
    char id[33];

    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    for (unsigned n = 1000; n < 1000000; n++) {
        number(n, id);
        ingest_call(rig, id, "", "");
    }
    _exit(0);
}

static int back_up(struct serve_rig *rig, const char *to, struct buf *said)
{
    char command[512];

    snprintf(command, sizeof command, "\"$CMIBRIDGE_BIN\" backup --config %s %s 2>&1", rig->config,
             to);
    return shell_run(command, said);
}

static void check_file(const char *path)
{
    struct stat s;
    struct fault f = {0};
    struct sqlite *db = sqlite_open(path, true, &f);
    struct sqlite_query q;

    if (db == NULL)
        fail_msg("%s", f.text);
    q = sqlite_query(db, "PRAGMA integrity_check");
    assert_true(sqlite_row(&q));
    assert_true(view_is(sqlite_text(&q, 0), "ok"));
    sqlite_end(&q);
    sqlite_close(db);
    assert_int_equal(stat(path, &s), 0);
    assert_int_equal(s.st_mode & 0777, 0600);
}

static void restore(const struct serve_rig *rig, const char *copy)
{
    static const char *const of_it[] = {"-wal", "-shm"};
    char path[128];

    snprintf(path, sizeof path, "%s/history.sqlite", rig->dir);
    assert_int_equal(rename(copy, path), 0);
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/history.sqlite%s", rig->dir, of_it[i]);
        unlink(path);
    }
}

static void a_backup_has_all_that_was_acknowledged_before_it(void **state)
{
    struct serve_rig rig;
    struct buf said;
    char copy[128];
    char path[64];
    char id[33];
    pid_t child;

    (void)state;
    buf_init(&said, 1024);
    serve_rig_start(&rig, "");
    for (unsigned n = 0; n < BEFORE; n++) {
        number(n, id);
        ingest_call(&rig, id, "", "");
    }
    child = go_on_ingesting(&rig);
    number(1000, id);
    snprintf(path, sizeof path, "/contacts/%s", id);
    for (int status = 0; status != 200;) { /* it is at it */
        struct probe_reply r = serve_ask(&rig, "GET", path, "", NULL);

        status = r.status;
        probe_done(&r);
    }
    snprintf(copy, sizeof copy, "%s/copy.sqlite", rig.dir);
    if (back_up(&rig, copy, &said) != 0)
        fail_msg("%s", buf_text(&said));
    check_file(copy);
    assert_int_equal(back_up(&rig, copy, &said), 1); /* what is there stays */
    assert_non_null(strstr(buf_text(&said), "is there already"));
    assert_int_equal(back_up(&rig, "/nowhere/copy.sqlite", &said), 1);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    serve_rig_kill(&rig);
    restore(&rig, copy);
    serve_rig_restart(&rig);
    number(1000, id);
    serve_expect(&rig, "GET", path, "", NULL, 200, NULL);
    for (unsigned n = 0; n < BEFORE; n++) {
        number(n, id);
        snprintf(path, sizeof path, "/contacts/%s", id);
        serve_expect(&rig, "GET", path, "", NULL, 200, NULL);
    }
    serve_rig_done(&rig);
    buf_done(&said);
}

/* Killed between its two names, a backup leaves both: one file. */
static void a_backup_leaves_an_older_one_that_was_moved_away(void **state)
{
    struct serve_rig rig;
    struct buf said;
    struct stat older;
    struct stat s;
    char copy[128];
    char part[160];
    char moved[160];

    (void)state;
    buf_init(&said, 1024);
    serve_rig_start(&rig, "");
    snprintf(copy, sizeof copy, "%s/copy.sqlite", rig.dir);
    snprintf(part, sizeof part, "%s.part", copy);
    snprintf(moved, sizeof moved, "%s.1", copy);
    assert_int_equal(back_up(&rig, copy, &said), 0);
    assert_int_equal(link(copy, part), 0);
    assert_int_equal(rename(copy, moved), 0);
    assert_int_equal(stat(moved, &older), 0);
    assert_int_equal(back_up(&rig, copy, &said), 0);
    assert_int_equal(stat(copy, &s), 0);
    assert_int_not_equal(s.st_ino, older.st_ino);
    assert_int_equal(stat(moved, &s), 0);
    assert_int_equal(s.st_size, older.st_size);
    assert_int_equal(s.st_mtim.tv_sec, older.st_mtim.tv_sec);
    assert_int_equal(s.st_mtim.tv_nsec, older.st_mtim.tv_nsec);
    check_file(copy);
    check_file(moved);
    assert_int_equal(access(part, F_OK), -1);
    unlink(copy);
    unlink(moved);
    serve_rig_done(&rig);
    buf_done(&said);
}

/* It is the copy that can't be written; the history is well. */
static void a_copy_that_has_no_room_is_named(void **state)
{
    struct serve_rig rig;
    struct rlimit before;
    struct rlimit small;
    struct buf said;
    char copy[128];
    char wanted[256];

    (void)state;
    buf_init(&said, 1024);
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    serve_rig_start(&rig, "");
    assert_true(signal(SIGXFSZ, SIG_DFL) != SIG_ERR);
    snprintf(copy, sizeof copy, "%s/copy.sqlite", rig.dir);
    assert_int_equal(prlimit(rig.pid, RLIMIT_FSIZE, NULL, &before), 0);
    small = before;
    small.rlim_cur = 8192;
    assert_int_equal(prlimit(rig.pid, RLIMIT_FSIZE, &small, NULL), 0);
    assert_int_equal(back_up(&rig, copy, &said), 1);
    snprintf(wanted, sizeof wanted, "cmibridge backup: %s.part can't be written: disk I/O error\n",
             copy);
    assert_string_equal(buf_text(&said), wanted);
    assert_int_equal(prlimit(rig.pid, RLIMIT_FSIZE, &before, NULL), 0);
    assert_int_equal(back_up(&rig, copy, &said), 0);
    unlink(copy);
    serve_rig_done(&rig);
    buf_done(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_contact_goes_at_its_age_and_no_late_event_brings_it_back),
        cmocka_unit_test(a_recording_and_a_script_result_go_by_their_own_time),
        cmocka_unit_test(a_backup_has_all_that_was_acknowledged_before_it),
        cmocka_unit_test(a_backup_leaves_an_older_one_that_was_moved_away),
        cmocka_unit_test(a_copy_that_has_no_room_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
