#include "tests/fakes/clock_shift.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static char file[64];
static char linked[80]; /* to the library: LD_PRELOAD has no words for a blank in a path */
static volatile int64_t *shift;

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "clock_shift: %s\n", what);
    exit(1);
}

/* A sanitizer's runtime does not like to come behind it, and gets along. */
static void excuse_order(void)
{
    const char *options = getenv("ASAN_OPTIONS");
    char text[512];

    (void)snprintf(text, sizeof text, "%s:verify_asan_link_order=0",
                   options != NULL ? options : "");
    setenv("ASAN_OPTIONS", text, 1);
}

void clock_shift_begin(void)
{
    const char *build = getenv("CMIBRIDGE_BUILD");
    char library[512];
    void *at;
    int fd;

    (void)snprintf(library, sizeof library, "%s/tests/libclock_shift.so",
                   build != NULL ? build : "");
    if (access(library, R_OK) != 0)
        give_up("CMIBRIDGE_BUILD has no tests/libclock_shift.so");
    (void)snprintf(file, sizeof file, "/tmp/cmibridge-clock-XXXXXX");
    fd = mkstemp(file);
    if (fd < 0 || ftruncate(fd, sizeof *shift) != 0)
        give_up("no file");
    at = mmap(NULL, sizeof *shift, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at == MAP_FAILED)
        give_up("its file can't be mapped");
    shift = at;
    setenv("CMIBRIDGE_CLOCK_SHIFT", file, 1);
    (void)snprintf(linked, sizeof linked, "%s.so", file);
    if (symlink(library, linked) != 0)
        give_up("its library can't be linked to");
    setenv("LD_PRELOAD", linked, 1);
    excuse_order();
}

void clock_shift_set(int64_t off_ms)
{
    *shift = off_ms;
}

void clock_shift_end(void)
{
    unsetenv("LD_PRELOAD");
    unsetenv("CMIBRIDGE_CLOCK_SHIFT");
}

void clock_shift_done(void)
{
    munmap((void *)(uintptr_t)shift, sizeof *shift);
    shift = NULL;
    unlink(file);
    unlink(linked);
}
