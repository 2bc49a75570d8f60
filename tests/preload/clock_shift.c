/*
 * clock_shift: preloaded into a process (LD_PRELOAD), it sets its wall clock: off the real one by
 * the milliseconds in the file that CMIBRIDGE_CLOCK_SHIFT names, read anew each time. Monotonic
 * clocks go on. Without heap or other libraries, so that it gets along with any allocator.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MS_PER_S  1000
#define NS_PER_MS 1000000
#define NS_PER_S  1000000000L

static int64_t shift_ms(void)
{
    static const volatile int64_t *shift;

    if (shift == NULL) {
        const char *path = getenv("CMIBRIDGE_CLOCK_SHIFT");
        int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        void *at;

        if (fd < 0)
            abort(); /* a test that would prove nothing */
        at = mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, fd, 0);
        close(fd);
        if (at == MAP_FAILED)
            abort();
        shift = at;
    }
    return *shift;
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's begin with "__". */
int clock_gettime(clockid_t which, struct timespec *out)
{
    int result = (int)syscall(SYS_clock_gettime, which, out);

    if (result == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) {
        int64_t ns = out->tv_nsec + shift_ms() % MS_PER_S * NS_PER_MS;

        out->tv_sec += shift_ms() / MS_PER_S + (ns < 0 ? -1 : ns / NS_PER_S);
        out->tv_nsec = (long)(ns < 0 ? ns + NS_PER_S : ns % NS_PER_S);
    }
    return result;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec t;

    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &t) != 0)
        return -1;
    out->tv_sec = t.tv_sec;
    out->tv_usec = t.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out)
{
    struct timespec t;

    if (clock_gettime(CLOCK_REALTIME, &t) != 0)
        return (time_t)-1;
    if (out != NULL)
        *out = t.tv_sec;
    return t.tv_sec;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
