#include "bridge/io/signals.h"

#include "bridge/core/mem.h"

#include <signal.h>
#include <uv.h>

static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
#define HANDLES 3

struct signals {
    struct signals_owner owner;
    uv_signal_t handles[HANDLES];
    unsigned open; /* handles that are not closed yet */
    bool draining;
};

static void on_signal(uv_signal_t *handle, int number)
{
    struct signals *s = handle->data;
    void (*act)(void *ctx) = s->owner.reload;

    if (number != SIGHUP) {
        act = s->draining ? s->owner.stop : s->owner.drain;
        s->draining = true;
    }
    if (act != NULL)
        act(s->owner.ctx);
}

static void on_closed(uv_handle_t *handle)
{
    struct signals *s = handle->data;

    if (--s->open == 0)
        mem_free(s);
}

void signals_free(struct signals *s)
{
    unsigned open = s != NULL ? s->open : 0;

    for (unsigned i = 0; i < open; i++)
        uv_close((uv_handle_t *)&s->handles[i], on_closed);
}

static void mask_reload(int how)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGHUP);
    (void)pthread_sigmask(how, &set, NULL);
}

void signals_hold(void)
{
    mask_reload(SIG_BLOCK);
}

struct signals *signals_new(struct uv_loop_s *loop, const struct signals_owner *owner,
                            struct fault *f)
{
    struct signals *s = mem_zeroed(1, sizeof *s);
    int error = 0;

    s->owner = *owner;
    for (; s->open < HANDLES; s->open++) {
        uv_signal_t *h = &s->handles[s->open];

        error = uv_signal_init(loop, h);
        h->data = s;
        if (error != 0)
            break;
    }
    /* Only the first can fail: it makes the loop's pipe for signals. */
    if (error != 0 && s->open == 0) {
        mem_free(s);
        (void)fault_set(f, FAULT_STOP, "signals can't be watched: %s", uv_strerror(error));
        return NULL;
    }
    for (unsigned i = 0; i < HANDLES && error == 0; i++) {
        error = uv_signal_start(&s->handles[i], on_signal, numbers[i]);
        uv_unref((uv_handle_t *)&s->handles[i]);
    }
    if (error != 0) {
        signals_free(s);
        (void)fault_set(f, FAULT_STOP, "signals can't be watched: %s", uv_strerror(error));
        return NULL;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    mask_reload(SIG_UNBLOCK);
    return s;
}
