#include "server/users_text.h"

#include "bridge/core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

bool users_text_resolve(const char *file, char resolved[USERS_TEXT_NAME_MAX + 1])
{
    char *real = realpath(file, NULL);
    struct stat st;
    bool is_link = false;

    if (real == NULL && errno != ENOENT) {
        fprintf(stderr, "%s: %s\n", file, strerror(errno));
        return false;
    }
    is_link = real == NULL && lstat(file, &st) == 0;
    if (is_link)
        fprintf(stderr, "%s: is a symbolic link to a file that there is not\n", file);
    else
        (void)snprintf(resolved, USERS_TEXT_NAME_MAX + 1, "%s", real != NULL ? real : file);
    free(real);
    return !is_link;
}

/* The file's text; "" where there is no file yet. False: told why. */
bool users_text_read(const char *file, struct buf *text)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    char piece[4096];
    ssize_t n = 0;

    if (fd < 0 && errno == ENOENT)
        return true;
    if (fd < 0) {
        fprintf(stderr, "%s: can't be opened: %s\n", file, strerror(errno));
        return false;
    }
    while ((n = read(fd, piece, sizeof piece)) > 0)
        if (!buf_put(text, (struct view){piece, (size_t)n}))
            break;
    if (n < 0 || text->full)
        fprintf(stderr, "%s: %s\n", file, n < 0 ? strerror(errno) : "is too large");
    close(fd);
    return n >= 0 && !text->full;
}

static bool write_all(int fd, struct view v)
{
    while (v.n > 0) {
        ssize_t n = write(fd, v.p, v.n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        v = view_skip(v, (size_t)n);
    }
    return true;
}

static char *directory_of(const char *file)
{
    const char *slash = strrchr(file, '/');

    if (slash == NULL)
        return mem_text(".", 1);
    return slash == file ? mem_text("/", 1) : mem_text(file, (size_t)(slash - file));
}

/* The directory's entry must be on the disk, too. */
static bool sync_directory(const char *file)
{
    char *directory = directory_of(file);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    mem_free(directory);
    return ok;
}

/* Whose the file is to be: the old one's owner, or else, where root makes it, the directory's,
 * which is the user that serve runs as if the directory is serve's. */
static bool give(int fd, const char *file)
{
    struct stat st;
    char *directory = NULL;
    bool known = stat(file, &st) == 0;
    bool there = known;

    if (!known && geteuid() == 0) {
        directory = directory_of(file);
        known = stat(directory, &st) == 0;
        mem_free(directory);
    }
    if (fchmod(fd, there ? (st.st_mode & 0640) | 0600 : 0600) != 0)
        return false;
    return !known || (st.st_uid == geteuid() && st.st_gid == getegid()) ||
           fchown(fd, st.st_uid, st.st_gid) == 0;
}

/* Whole or not at all. */
bool users_text_write(const char *file, struct view text)
{
    char temporary[USERS_TEXT_NAME_MAX + 16];
    int fd = -1;
    bool ok = false;

    (void)snprintf(temporary, sizeof temporary, "%s.new", file);
    (void)unlink(temporary); /* what a run that was killed has left; we hold the lock */
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
        ok = give(fd, file) && write_all(fd, text) && fsync(fd) == 0;
        ok = close(fd) == 0 && ok;
        ok = ok && rename(temporary, file) == 0 && sync_directory(file);
    }
    if (!ok)
        fprintf(stderr, "%s: can't be written: %s\n", file, strerror(errno));
    if (!ok && fd >= 0)
        (void)unlink(temporary);
    return ok;
}

/* A new one is whose the file is, or root's would keep out everybody else. One that is there is not
 * given away: it may be a link to any file. */
static int open_lock(const char *name, const char *file)
{
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0 && errno == EEXIST)
        return open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && !give(fd, file)) {
        close(fd);
        (void)unlink(name);
        return -1;
    }
    return fd;
}

/* One who changes the file at a time. -1: told why. */
int users_text_lock(const char *file)
{
    char name[USERS_TEXT_NAME_MAX + 16];
    int fd;

    (void)snprintf(name, sizeof name, "%s.lock", file);
    fd = open_lock(name, file);
    if (fd >= 0 && flock(fd, LOCK_EX) == 0)
        return fd;
    fprintf(stderr, "%s: can't be locked: %s\n", name, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}
