#define _GNU_SOURCE /* renameat2 */
#include "server/backup.h"

#include "bridge/core/mem.h"
#include "server/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#define WATCH_STEPS 200 /* of SQLite's machine, between two looks: one may copy a large row */

struct backup {
    struct server *server;
    const char *history;
    uv_work_t work;
    struct control_call *call; /* NULL: nothing is under way */
    char to[PATH_MAX];
    char part[PATH_MAX + sizeof BACKUP_SUFFIX];
    int64_t bytes;
    int64_t begun_ms;
    struct fault fault;
    uv_mutex_t mutex;
    bool ended; /* under the mutex: whoever had it has let it go, and wants no copy any more */
};

/* ---- on the thread ---- */

static bool no_good(const char *what, const char *path, struct fault *f)
{
    return fault_set(f, FAULT_RETRY, "%s can't be %s: %s", path, what, strerror(errno));
}

/* Nobody but its owner reads it. What a kill left there goes, but is not written to: it may be a
 * whole copy, which has another name, too (backup_name). */
static bool make_part(const char *path, struct fault *f)
{
    int fd;

    if (unlink(path) != 0 && errno != ENOENT)
        return no_good("removed", path, f);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || fchmod(fd, 0600) != 0) {
        no_good("written", path, f);
        if (fd >= 0)
            close(fd);
        return false;
    }
    close(fd);
    return true;
}

static bool goes_on(void *ctx)
{
    struct backup *b = ctx;
    bool ended;

    uv_mutex_lock(&b->mutex);
    ended = b->ended;
    uv_mutex_unlock(&b->mutex);
    return !ended;
}

static bool copy(struct backup *b, const char *to, struct fault *f)
{
    struct sqlite *db = sqlite_open(b->history, true, f);
    struct sqlite_query q;
    bool ok;

    if (db == NULL)
        return false;
    sqlite_watch(db, WATCH_STEPS, goes_on, b);
    q = sqlite_query(db, "VACUUM INTO ?"); /* one snapshot; whoever writes goes on */
    sqlite_bind_text(&q, view_of(to));
    sqlite_run(&q);
    ok = sqlite_check(db, f);
    sqlite_close(db);
    if (!ok && sqlite_unwritten(f) != NULL) /* of the two files, this one alone is written to */
        fault_set(f, FAULT_RETRY, "%s can't be written: %s", to, sqlite_unwritten(f));
    return ok;
}

static bool sync_path(const char *path, int flags, int64_t *bytes, struct fault *f)
{
    int fd = open(path, flags | O_CLOEXEC);
    struct stat s;
    bool ok = fd >= 0 && fsync(fd) == 0 && fstat(fd, &s) == 0;

    if (ok && bytes != NULL)
        *bytes = s.st_size;
    if (!ok)
        no_good("brought to the disk", path, f);
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool sync_folder(const char *path, struct fault *f)
{
    char room[PATH_MAX];

    snprintf(room, sizeof room, "%s", path);
    return sync_path(dirname(room), O_RDONLY | O_DIRECTORY, NULL, f);
}

/* Not rename, which would take what came to be there meanwhile. Some file systems have no links
 * (FAT, SMB), others (NFS) no such renameat2. */
bool backup_name(const char *part, const char *to, struct fault *f)
{
    if (link(part, to) == 0)
        return unlink(part) == 0 || no_good("removed", part, f);
    if (errno != EEXIST && renameat2(AT_FDCWD, part, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return true;
    return no_good("made", to, f);
}

static void work(uv_work_t *work)
{
    struct backup *b = work->data;

    if (access(b->to, F_OK) == 0) {
        fault_set(&b->fault, FAULT_REJECT, "%s is there already", b->to);
        return;
    }
    if (!make_part(b->part, &b->fault))
        return;
    if (!copy(b, b->part, &b->fault) || !sync_path(b->part, O_RDONLY, &b->bytes, &b->fault) ||
        !goes_on(b) || !backup_name(b->part, b->to, &b->fault)) {
        (void)unlink(b->part);
        if (!goes_on(b))
            fault_set(&b->fault, FAULT_RETRY, "the server is stopping; nothing was copied");
        return;
    }
    (void)!sync_folder(b->to, &b->fault);
}

/* ---- on the loop ---- */

static void free_it(struct backup *b)
{
    uv_mutex_destroy(&b->mutex);
    mem_free(b);
}

static void fail(struct backup *b)
{
    struct control_call *call = b->call;

    notice_say(b->server->log, NOTICE_WARN, "backup_failed", NOTICE_TEXT("error", b->fault.text));
    b->call = NULL;
    control_fail(call, &b->fault);
}

static void on_done(uv_work_t *work, int status)
{
    struct backup *b = work->data;
    struct control_call *call = b->call;
    int64_t ms = (int64_t)uv_now(b->server->loop) - b->begun_ms;
    char answer[128];

    (void)status; /* nobody cancels it */
    if (b->fault.cls != FAULT_NONE) {
        fail(b);
    } else {
        notice_say(b->server->log, NOTICE_INFO, "backup_done", NOTICE_INT("bytes", b->bytes),
                   NOTICE_INT("ms", ms));
        snprintf(answer, sizeof answer, "{\"bytes\":%lld,\"ms\":%lld}", (long long)b->bytes,
                 (long long)ms);
        b->call = NULL;
        control_answer(call, view_of(answer));
    }
    if (b->ended)
        free_it(b);
}

void backup_ask(struct backup *b, struct control_call *call, struct view to)
{
    struct fault f;

    if (b->call != NULL)
        fault_set(&f, FAULT_RETRY, "another backup is under way");
    else if (to.n == 0 || to.p[0] != '/' || to.n >= sizeof b->to || view_has(to, '\0'))
        fault_set(&f, FAULT_REJECT, "the backup's path must be absolute, and shorter than %d bytes",
                  PATH_MAX);
    else {
        b->call = call;
        b->fault = (struct fault){0};
        b->begun_ms = (int64_t)uv_now(b->server->loop);
        view_copy(to, b->to, sizeof b->to);
        snprintf(b->part, sizeof b->part, "%s" BACKUP_SUFFIX, b->to);
        b->work.data = b;
        if (uv_queue_work(b->server->loop, &b->work, work, on_done) == 0)
            return;
        fault_set(&b->fault, FAULT_RETRY, "there is no thread to copy with");
        fail(b);
        return;
    }
    control_fail(call, &f);
}

struct backup *backup_new(struct server *server, const char *history)
{
    struct backup *b = mem_zeroed(1, sizeof *b);

    b->server = server;
    b->history = history;
    uv_mutex_init(&b->mutex);
    return b;
}

void backup_free(struct backup *b)
{
    if (b == NULL)
        return;
    uv_mutex_lock(&b->mutex);
    b->ended = true;
    uv_mutex_unlock(&b->mutex);
    if (b->call == NULL)
        free_it(b);
}
