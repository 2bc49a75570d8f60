#include "standalone/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool write_all(int fd, struct view text)
{
    while (text.n > 0) {
        ssize_t n = write(fd, text.p, text.n);

        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            text = view_skip(text, (size_t)n);
    }
    return true;
}

bool file_put(const char *path, struct view text, struct fault *f)
{
    char new_path[PATH_MAX];
    int fd;
    bool ok;

    if ((size_t)snprintf(new_path, sizeof new_path, "%s.new", path) >= sizeof new_path)
        return fault_set(f, FAULT_REJECT, "a file's path is longer than %d bytes", PATH_MAX - 5);
    fd = open(new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return fault_set(f, FAULT_REJECT, "%s can't be written: %s", new_path, strerror(errno));
    ok = write_all(fd, text);
    if (close(fd) != 0 || !ok || rename(new_path, path) != 0) {
        fault_set(f, FAULT_REJECT, "%s can't be written: %s", path, strerror(errno));
        (void)unlink(new_path);
        return false;
    }
    return true;
}

bool file_get(const char *path, struct buf *out, struct fault *f)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char some[16384];
    ssize_t n = 0;

    if (fd < 0)
        return fault_set(f, FAULT_REJECT, "%s can't be read: %s", path, strerror(errno));
    while ((n = read(fd, some, sizeof some)) > 0)
        buf_put(out, (struct view){some, (size_t)n});
    close(fd);
    if (n < 0)
        return fault_set(f, FAULT_REJECT, "%s can't be read: %s", path, strerror(errno));
    if (out->full)
        return fault_set(f, FAULT_REJECT, "%s is longer than %zu bytes", path, out->max);
    return true;
}

/* What is on no disk, such as /dev/null, has nothing to wait for. */
static bool sync_data(int fd)
{
    while (fdatasync(fd) != 0)
        if (errno != EINTR)
            return errno == EINVAL || errno == EROFS;
    return true;
}

bool file_append(const char *path, struct view text, struct fault *f)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write_all(fd, text) && sync_data(fd);

    if (!ok)
        fault_set(f, FAULT_REJECT, "%s can't be written: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}
