#include "bridge/io/kafka_wake.h"

#include "bridge/core/mem.h"

#include <librdkafka/rdkafka.h>
#include <uv.h>

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct kafka_wake {
    uv_poll_t poll;
    uv_idle_t idle; /* running: the loop doesn't sleep, a turn comes each round */
    uv_timer_t timer;
    int fd;
    unsigned open; /* handles not closed yet */
    kafka_turn *turn;
    void *owner;
    void (*closed)(void *owner);
    void *closed_owner;
};

static void take_turn(struct kafka_wake *w)
{
    if (w->turn(w->owner))
        kafka_wake_soon(w);
    else
        uv_idle_stop(&w->idle);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct kafka_wake *w = poll->data;
    uint64_t count;

    (void)events;
    /* The count says nothing that the queues don't; EAGAIN means another turn emptied it. */
    if (status == 0 && read(w->fd, &count, sizeof count) >= 0)
        take_turn(w);
}

static void on_idle(uv_idle_t *idle)
{
    take_turn(idle->data);
}

static void on_timer(uv_timer_t *timer)
{
    take_turn(timer->data);
}

struct kafka_wake *kafka_wake_new(struct uv_loop_s *loop, kafka_turn *turn, void *owner)
{
    struct kafka_wake *w = mem_zeroed(1, sizeof *w);

    w->turn = turn;
    w->owner = owner;
    w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    /* Without a file descriptor at the start nothing else would work either. */
    if (w->fd < 0 || uv_poll_init(loop, &w->poll, w->fd) != 0)
        abort();
    uv_idle_init(loop, &w->idle);
    uv_timer_init(loop, &w->timer);
    w->poll.data = w->idle.data = w->timer.data = w;
    w->open = 3;
    uv_poll_start(&w->poll, UV_READABLE, on_readable);
    uv_timer_start(&w->timer, on_timer, KAFKA_TICK_MS, KAFKA_TICK_MS);
    return w;
}

void kafka_wake_watch(struct kafka_wake *w, struct rd_kafka_queue_s *queue)
{
    static const uint64_t one = 1;

    rd_kafka_queue_io_event_enable(queue, w->fd, &one, sizeof one);
    kafka_wake_soon(w); /* what is in it already gives no event */
}

void kafka_wake_unwatch(struct kafka_wake *w, struct rd_kafka_queue_s *queue)
{
    (void)w;
    rd_kafka_queue_io_event_enable(queue, -1, NULL, 0);
}

void kafka_wake_soon(struct kafka_wake *w)
{
    if (!uv_is_active((uv_handle_t *)&w->idle) && !uv_is_closing((uv_handle_t *)&w->idle))
        uv_idle_start(&w->idle, on_idle);
}

static void on_closed(uv_handle_t *handle)
{
    struct kafka_wake *w = handle->data;

    if (--w->open > 0)
        return;
    close(w->fd);
    if (w->closed != NULL)
        w->closed(w->closed_owner);
    mem_free(w);
}

void kafka_wake_close(struct kafka_wake *w, void (*closed)(void *owner), void *owner)
{
    assert(!uv_is_closing((uv_handle_t *)&w->poll));
    w->closed = closed;
    w->closed_owner = owner;
    uv_close((uv_handle_t *)&w->poll, on_closed);
    uv_close((uv_handle_t *)&w->idle, on_closed);
    uv_close((uv_handle_t *)&w->timer, on_closed);
}
