#include "standalone/site.h"

#include "bridge/core/num.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SOCKET_NAME "redis.sock"
#define PIPE_NAME   "parts.pipe"

static bool make_dir(const char *path, struct fault *f)
{
    struct stat found;

    if (mkdir(path, 0700) == 0)
        return true;
    if (errno != EEXIST)
        return fault_set(f, FAULT_REJECT, "the directory %s can't be made: %s", path,
                         strerror(errno));
    if (stat(path, &found) != 0 || !S_ISDIR(found.st_mode))
        return fault_set(f, FAULT_REJECT, "%s is no directory", path);
    return true;
}

static bool find_dir(struct site *s, const char *dir, struct fault *f)
{
    char found[PATH_MAX];

    if (realpath(dir, found) == NULL)
        return fault_set(f, FAULT_REJECT, "the directory %s can't be used: %s", dir,
                         strerror(errno));
    if (strlen(found) >= sizeof s->dir)
        return fault_set(f, FAULT_REJECT, "the directory's path is longer than %d bytes",
                         SITE_DIR_MAX - 1);
    memcpy(s->dir, found, strlen(found) + 1);
    return true;
}

/* It is the process's alone, unlike flock's: a child of one that is killed has none of it. The file
 * holds the process id of who has it, for the sentence. */
static bool take_lock(struct site *s, struct fault *f)
{
    char path[SITE_PATH_MAX];
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char holder[24] = "";
    ssize_t n;

    s->lock = open(site_path(s, "dev.lock", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock < 0)
        return fault_set(f, FAULT_REJECT, "%s can't be opened: %s", path, strerror(errno));
    if (fcntl(s->lock, F_SETLK, &all) != 0) {
        n = read(s->lock, holder, sizeof holder - 1);
        holder[n > 0 ? strcspn(holder, "\n") : 0] = '\0';
        return fault_set(f, FAULT_RETRY,
                         "%s is in use by another cmibridge dev (process %s); end that one, or "
                         "choose another directory with --dir",
                         s->dir, holder);
    }
    n = snprintf(holder, sizeof holder, "%ld\n", (long)getpid());
    if (ftruncate(s->lock, 0) != 0 || pwrite(s->lock, holder, (size_t)n, 0) != n)
        return fault_set(f, FAULT_REJECT, "%s can't be written: %s", path, strerror(errno));
    return true;
}

static bool open_pipe(struct site *s, struct fault *f)
{
    char path[SITE_PATH_MAX];

    if (mkfifo(site_path(s, PIPE_NAME, path), 0600) != 0 && errno != EEXIST)
        return fault_set(f, FAULT_REJECT, "%s can't be made: %s", path, strerror(errno));
    s->parts = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (s->parts < 0)
        return fault_set(f, FAULT_REJECT, "%s can't be opened: %s", path, strerror(errno));
    return true;
}

/* A socket's path has 107 bytes at most; where DIR is too long for that, a short one is made. */
static bool place_socket(struct site *s, struct fault *f)
{
    char path[SITE_PATH_MAX];

    if (strlen(site_path(s, SOCKET_NAME, path)) < sizeof s->redis_socket) {
        memcpy(s->redis_socket, path, strlen(path) + 1);
        return true;
    }
    (void)snprintf(s->short_dir, sizeof s->short_dir, "/tmp/cmibridge-XXXXXX");
    if (mkdtemp(s->short_dir) == NULL) {
        s->short_dir[0] = '\0';
        return fault_set(f, FAULT_REJECT, "no directory for a socket can be made in /tmp: %s",
                         strerror(errno));
    }
    (void)snprintf(s->redis_socket, sizeof s->redis_socket, "%.80s/%s", s->short_dir, SOCKET_NAME);
    return true;
}

bool site_open(struct site *s, const char *dir, struct fault *f)
{
    char path[SITE_PATH_MAX];

    *s = (struct site){.lock = -1, .parts = -1};
    if (make_dir(dir, f) && find_dir(s, dir, f) && take_lock(s, f) && open_pipe(s, f) &&
        make_dir(site_path(s, "log", path), f) && make_dir(site_path(s, "redis", path), f) &&
        place_socket(s, f))
        return true;
    site_close(s);
    return false;
}

void site_close(struct site *s)
{
    if (s->short_dir[0] != '\0') {
        (void)unlink(s->redis_socket); /* Redis has removed it, unless it was killed */
        (void)rmdir(s->short_dir);
        s->short_dir[0] = '\0';
    }
    if (s->parts >= 0)
        close(s->parts);
    s->parts = -1;
    if (s->lock >= 0)
        close(s->lock);
    s->lock = -1;
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* A pipe that nobody has open for writing is at its end. */
bool site_quiet(const struct site *s, int64_t wait_ms)
{
    const int64_t until_ms = now_ms() + wait_ms;
    struct pollfd ended = {.fd = s->parts};
    char byte;

    while (read(s->parts, &byte, 1) != 0) {
        int64_t left_ms = until_ms - now_ms();

        if (left_ms <= 0)
            return false;
        (void)poll(&ended, 1, (int)left_ms);
    }
    return true;
}

int site_tie(const struct site *s)
{
    char path[SITE_PATH_MAX];

    return open(site_path(s, PIPE_NAME, path), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

const char *site_path(const struct site *s, const char *name, char out[SITE_PATH_MAX])
{
    (void)snprintf(out, SITE_PATH_MAX, "%s/%.255s", s->dir, name);
    return out;
}

const char *site_log_path(const struct site *s, const char *name, char out[SITE_PATH_MAX])
{
    (void)snprintf(out, SITE_PATH_MAX, "%s/log/%.255s.log", s->dir, name);
    return out;
}
