#include "bridge/ports/fault_point.h"

#ifdef CMIBRIDGE_FAULT_POINTS

#include "bridge/core/num.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const names[] = {
#define FAULT_POINT_NAME(name, text) text,
    FAULT_POINTS(FAULT_POINT_NAME)
#undef FAULT_POINT_NAME
};

/* Read by all threads; a moment comes on one of them, so only that one counts. */
static struct {
    int point; /* -1: none */
    int64_t left;
    int how;
} armed = {-1, 0, SIGKILL};
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void arm(void)
{
    struct view rest = view_of(getenv("CMIBRIDGE_FAULT_POINT"));
    struct view name = view_cut(&rest, ':');
    struct view times = view_cut(&rest, ':');

    if (name.n == 0)
        return;
    for (int i = 0; i < FAULT_POINT_COUNT; i++)
        if (view_is(name, names[i]))
            armed.point = i;
    if (armed.point < 0 || !num_in(times, 1, INT32_MAX, &armed.left)) {
        fprintf(stderr, "cmibridge: CMIBRIDGE_FAULT_POINT is '%s'; it must be name:n\n",
                getenv("CMIBRIDGE_FAULT_POINT"));
        abort();
    }
    armed.how = view_is(rest, "stop") ? SIGSTOP : SIGKILL;
}

bool fault_point_armed(enum fault_point p)
{
    (void)pthread_once(&once, arm);
    return armed.point == (int)p;
}

void fault_point_pass(enum fault_point p)
{
    if (fault_point_armed(p) && --armed.left == 0)
        (void)kill(getpid(), armed.how);
}

#else
typedef int fault_point_is_compiled_out;
#endif
