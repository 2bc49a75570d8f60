/*
 * C11's threads on POSIX ones, for ThreadSanitizer alone. librdkafka uses the former, which the
 * sanitizer does not intercept: a thread it knows nothing of ends the process at its first
 * instrumented function, and locks it does not see order nothing.
 *
 * Only what librdkafka uses. In glibc a thrd_t is a pthread_t, and mtx_t and cnd_t have room for
 * what they stand for; the assertions below hold it to that.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t), "a mtx_t is a mutex");
_Static_assert(sizeof(cnd_t) >= sizeof(pthread_cond_t), "a cnd_t is a condition");

struct start {
    thrd_start_t function;
    void *arg;
};

static int answer(int error)
{
    switch (error) {
    case 0:
        return thrd_success;
    case ETIMEDOUT:
        return thrd_timedout;
    case ENOMEM:
        return thrd_nomem;
    default:
        return thrd_error;
    }
}

static void *begin(void *arg)
{
    struct start start = *(struct start *)arg;

    free(arg);
    return (void *)(intptr_t)start.function(start.arg);
}

int thrd_create(thrd_t *thread, thrd_start_t function, void *arg)
{
    struct start *start = malloc(sizeof *start);
    int error;

    if (start == NULL)
        return thrd_nomem;
    *start = (struct start){function, arg};
    error = pthread_create(thread, NULL, begin, start);
    if (error != 0)
        free(start);
    return answer(error);
}

int thrd_join(thrd_t thread, int *result)
{
    void *returned = NULL;
    int error = pthread_join(thread, &returned);

    if (result != NULL)
        *result = (int)(intptr_t)returned;
    return answer(error);
}

int mtx_init(mtx_t *lock, int type)
{
    pthread_mutexattr_t kind;
    int error;

    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, (type & mtx_recursive) != 0 ? PTHREAD_MUTEX_RECURSIVE
                                                                 : PTHREAD_MUTEX_NORMAL);
    error = pthread_mutex_init((pthread_mutex_t *)lock, &kind);
    pthread_mutexattr_destroy(&kind);
    return answer(error);
}

void mtx_destroy(mtx_t *lock)
{
    pthread_mutex_destroy((pthread_mutex_t *)lock);
}

int mtx_lock(mtx_t *lock)
{
    return answer(pthread_mutex_lock((pthread_mutex_t *)lock));
}

int mtx_unlock(mtx_t *lock)
{
    return answer(pthread_mutex_unlock((pthread_mutex_t *)lock));
}

int cnd_init(cnd_t *condition)
{
    return answer(pthread_cond_init((pthread_cond_t *)condition, NULL));
}

void cnd_destroy(cnd_t *condition)
{
    pthread_cond_destroy((pthread_cond_t *)condition);
}

int cnd_signal(cnd_t *condition)
{
    return answer(pthread_cond_signal((pthread_cond_t *)condition));
}

int cnd_broadcast(cnd_t *condition)
{
    return answer(pthread_cond_broadcast((pthread_cond_t *)condition));
}

int cnd_wait(cnd_t *condition, mtx_t *lock)
{
    return answer(pthread_cond_wait((pthread_cond_t *)condition, (pthread_mutex_t *)lock));
}

int cnd_timedwait(cnd_t *condition, mtx_t *lock, const struct timespec *until)
{
    return answer(
        pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)lock, until));
}
