#include "standalone/site.h"

#include "bridge/core/num.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCKET_NAME "redis.sock"

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

/* The lock's file holds the process id of who has it, for the sentence. */
static bool take_lock(struct site *s, struct fault *f)
{
    char path[SITE_PATH_MAX];
    char holder[24] = "";
    ssize_t n;

    s->lock = open(site_path(s, "dev.lock", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock < 0)
        return fault_set(f, FAULT_REJECT, "%s can't be opened: %s", path, strerror(errno));
    if (flock(s->lock, LOCK_EX | LOCK_NB) != 0) {
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

    *s = (struct site){.lock = -1};
    if (make_dir(dir, f) && find_dir(s, dir, f) && take_lock(s, f) &&
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
    if (s->lock >= 0)
        close(s->lock);
    s->lock = -1;
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
