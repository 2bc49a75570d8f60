#include "server/remains.h"

#include "bridge/core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PIECE   (1 << 20)
#define OVERLAP (6 * PHONE_NORMAL_MAX) /* what a piece repeats of the one before: all escaped */

bool remains_look(const char *path, const struct person *person, int64_t *found, struct fault *f)
{
    char *room = mem_zeroed(OVERLAP + PIECE, 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int64_t at = 0;
    size_t kept = 0;
    ssize_t n = 0;

    *found = -1;
    while (fd >= 0 && *found < 0 && (n = read(fd, room + kept, PIECE)) > 0) {
        struct view all = {room, kept + (size_t)n};

        if (person_in_bytes(person, all))
            *found = at;
        at += n;
        kept = all.n < OVERLAP ? all.n : OVERLAP;
        memmove(room, room + all.n - kept, kept);
    }
    mem_free(room);
    if (fd >= 0)
        close(fd);
    if (fd < 0 && errno == ENOENT)
        return true; /* no journal */
    return (fd >= 0 && n >= 0) ||
           fault_set(f, FAULT_RETRY, "%s can't be read: %s", path, strerror(errno));
}
