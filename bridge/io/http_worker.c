#include "bridge/io/http_worker.h"

#include "bridge/core/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

struct list {
    struct http_transfer *first;
    struct http_transfer *last;
};

struct http_worker {
    uv_thread_t thread;
    void (*wake)(void *owner);
    void *owner;
    struct list taken; /* ended, taken over from the worker at once: the owner's */

    /* The worker's thread's own */
    uv_loop_t loop;
    uv_async_t called;
    uv_prepare_t before_sleep;
    struct http_multi *multi;
    struct list under_way;
    struct list to_return; /* ended, HTTP_WORKER_BATCH at most */
    unsigned to_return_count;

    uv_mutex_t lock; /* of all below, and of `cancel` of the worker's transfers */
    struct list given;
    struct list ended;
    bool cancels; /* some of `cancel` have been set */
    bool stopping;
};

/* ---- lists ---- */

static void join(struct list *l, struct http_transfer *t)
{
    t->prev = l->last;
    t->next = NULL;
    if (l->last != NULL)
        l->last->next = t;
    else
        l->first = t;
    l->last = t;
}

static void leave(struct list *l, struct http_transfer *t)
{
    if (t->prev != NULL)
        t->prev->next = t->next;
    else
        l->first = t->next;
    if (t->next != NULL)
        t->next->prev = t->prev;
    else
        l->last = t->prev;
}

/* All of `from` behind what is in `to`. */
static void join_all(struct list *to, struct list *from)
{
    if (from->first == NULL)
        return;
    from->first->prev = to->last;
    if (to->last != NULL)
        to->last->next = from->first;
    else
        to->first = from->first;
    to->last = from->last;
    *from = (struct list){NULL, NULL};
}

/* ---- on the worker's thread ---- */

static void return_ended(struct http_worker *w)
{
    if (w->to_return_count == 0)
        return;
    w->to_return_count = 0;
    uv_mutex_lock(&w->lock);
    join_all(&w->ended, &w->to_return);
    uv_mutex_unlock(&w->lock);
    w->wake(w->owner);
}

static void end(struct http_worker *w, struct http_transfer *t, CURLcode result)
{
    http_transfer_end(t, result, http_multi_trouble(w->multi));
    leave(&w->under_way, t);
    join(&w->to_return, t);
    if (++w->to_return_count >= HTTP_WORKER_BATCH)
        return_ended(w);
}

static void on_done(void *owner, CURL *easy, CURLcode result)
{
    end(owner, http_transfer_of(easy), result);
}

static void on_before_sleep(uv_prepare_t *prepare)
{
    return_ended(prepare->data);
}

static void give_up(struct http_worker *w, struct http_transfer *t)
{
    http_multi_remove(w->multi, t->easy);
    end(w, t, CURLE_ABORTED_BY_CALLBACK);
}

static struct http_transfer *cancelled(struct http_worker *w)
{
    struct http_transfer *t = w->under_way.first;

    uv_mutex_lock(&w->lock);
    while (t != NULL && !t->cancel)
        t = t->next;
    uv_mutex_unlock(&w->lock);
    return t;
}

static void stop(struct http_worker *w)
{
    while (w->under_way.first != NULL)
        give_up(w, w->under_way.first);
    return_ended(w);
    http_multi_close(w->multi, NULL, NULL);
    uv_close((uv_handle_t *)&w->called, NULL);
    uv_close((uv_handle_t *)&w->before_sleep, NULL);
}

static void on_called(uv_async_t *called)
{
    struct http_worker *w = called->data;
    struct list given;
    struct http_transfer *t;
    bool cancels;
    bool stopping;

    uv_mutex_lock(&w->lock);
    given = w->given;
    w->given = (struct list){NULL, NULL};
    cancels = w->cancels;
    w->cancels = false;
    stopping = w->stopping;
    uv_mutex_unlock(&w->lock);
    while ((t = given.first) != NULL) {
        leave(&given, t);
        join(&w->under_way, t);
        http_transfer_begin(t, w->multi);
    }
    while (cancels && (t = cancelled(w)) != NULL)
        give_up(w, t);
    if (stopping)
        stop(w);
}

static void work(void *ctx)
{
    struct http_worker *w = ctx;

    uv_run(&w->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&w->loop) != 0)
        abort(); /* something of ours is still on it: a defect */
}

/* ---- on the owner's ---- */

struct http_worker *http_worker_start(unsigned connections, void (*wake)(void *owner), void *owner)
{
    struct http_worker *w = mem_zeroed(1, sizeof *w);

    w->wake = wake;
    w->owner = owner;
    if (uv_loop_init(&w->loop) != 0 || uv_mutex_init(&w->lock) != 0 ||
        uv_async_init(&w->loop, &w->called, on_called) != 0) {
        fprintf(stderr, "cmibridge: no loop can be had for the HTTP thread\n");
        abort();
    }
    (void)uv_prepare_init(&w->loop, &w->before_sleep); /* neither ever fails */
    (void)uv_prepare_start(&w->before_sleep, on_before_sleep);
    w->called.data = w->before_sleep.data = w;
    w->multi = http_multi_new(&w->loop, connections, on_done, w, http_transfer_listening);
    if (uv_thread_create(&w->thread, work, w) != 0) {
        fprintf(stderr, "cmibridge: the HTTP thread can't be started\n");
        abort();
    }
    return w;
}

void http_worker_give(struct http_worker *w, struct http_transfer *t)
{
    uv_mutex_lock(&w->lock);
    join(&w->given, t);
    uv_mutex_unlock(&w->lock);
    (void)uv_async_send(&w->called);
}

void http_worker_cancel(struct http_worker *w, struct http_transfer *t)
{
    uv_mutex_lock(&w->lock);
    t->cancel = w->cancels = true;
    uv_mutex_unlock(&w->lock);
    (void)uv_async_send(&w->called);
}

struct http_transfer *http_worker_take(struct http_worker *w)
{
    struct http_transfer *t;

    if (w->taken.first == NULL) {
        uv_mutex_lock(&w->lock);
        join_all(&w->taken, &w->ended);
        uv_mutex_unlock(&w->lock);
    }
    t = w->taken.first;
    if (t != NULL)
        leave(&w->taken, t);
    return t;
}

void http_worker_stop(struct http_worker *w)
{
    uv_mutex_lock(&w->lock);
    w->stopping = true;
    uv_mutex_unlock(&w->lock);
    (void)uv_async_send(&w->called);
    uv_thread_join(&w->thread);
}

void http_worker_free(struct http_worker *w)
{
    assert(w->taken.first == NULL && w->ended.first == NULL);
    uv_mutex_destroy(&w->lock);
    mem_free(w);
}
