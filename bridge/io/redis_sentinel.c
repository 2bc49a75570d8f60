#include "bridge/io/redis_sentinel.h"

#include "bridge/core/mem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#define WHY_MAX 256
#define AT_MAX  (REDIS_HOST_MAX + 16)

struct redis_sentinel {
    struct uv_loop_s *loop;
    struct redis_address all[REDIS_SENTINELS_MAX];
    size_t count;
    size_t next;
    char *primary;
    struct redis_link *link; /* of the question under way */
    redis_sentinel_answer *done;
    void *owner;
    unsigned links; /* not yet gone */
    bool closing;
    uv_idle_t end; /* `closed` is called from the loop, also where no link is open */
    void (*closed)(void *owner);
    void *closed_owner;
};

static bool add(struct redis_sentinel *s, struct view one, struct fault *f)
{
    char text[AT_MAX];

    if (s->count == REDIS_SENTINELS_MAX)
        return fault_set(f, FAULT_STOP, "more than %d addresses of Sentinels", REDIS_SENTINELS_MAX);
    view_copy(one, text, sizeof text);
    return redis_address_parse(text, &s->all[s->count], f) && ++s->count > 0;
}

struct redis_sentinel *redis_sentinel_new(struct uv_loop_s *loop, const char *addresses,
                                          const char *primary, struct fault *f)
{
    struct redis_sentinel *s = mem_zeroed(1, sizeof *s);
    struct view rest = view_of(addresses);

    s->loop = loop;
    do {
        if (!add(s, view_trim(view_cut(&rest, ',')), f)) {
            mem_free(s);
            return NULL;
        }
    } while (rest.n > 0);
    s->primary = mem_text(primary, strlen(primary));
    (void)uv_idle_init(loop, &s->end); /* never fails */
    s->end.data = s;
    return s;
}

static void end_if_gone(struct redis_sentinel *s)
{
    if (!s->closing || s->links > 0 || s->end.data != NULL)
        return;
    s->closed(s->closed_owner);
    mem_free(s->primary);
    mem_free(s);
}

static void on_link_gone(void *owner)
{
    struct redis_sentinel *s = owner;

    s->links--;
    end_if_gone(s);
}

static void drop_link(struct redis_sentinel *s)
{
    if (s->link != NULL)
        redis_link_close(s->link, on_link_gone, s);
    s->link = NULL;
}

static void answer(struct redis_sentinel *s, const char *at, const char *why)
{
    drop_link(s);
    s->done(s->owner, at, why);
}

static void on_lost(void *ctx, const char *why)
{
    char text[WHY_MAX];

    snprintf(text, sizeof text, "the Sentinel that was asked: %s", why);
    answer(ctx, NULL, text);
}

static void on_opened(void *ctx)
{
    struct redis_sentinel *s = ctx;

    buf_printf(redis_link_out(s->link),
               "*3\r\n$8\r\nSENTINEL\r\n$23\r\nGET-MASTER-ADDR-BY-NAME\r\n$%zu\r\n%s\r\n",
               strlen(s->primary), s->primary);
    redis_link_flush(s->link);
}

static void on_reply(void *ctx, const struct redis_value *v)
{
    struct redis_sentinel *s = ctx;
    char text[WHY_MAX > AT_MAX ? WHY_MAX : AT_MAX];

    if (v->kind == REDIS_ARRAY && v->count == 2 && v->items[0].kind == REDIS_TEXT &&
        v->items[1].kind == REDIS_TEXT && v->items[0].text.n < REDIS_HOST_MAX) {
        bool six = view_has(v->items[0].text, ':');

        snprintf(text, sizeof text, "%s%.*s%s:%.*s", six ? "[" : "", VIEW_ARG(v->items[0].text),
                 six ? "]" : "", VIEW_ARG(v->items[1].text));
        answer(s, text, NULL);
        return;
    }
    if (v->kind == REDIS_ERROR)
        snprintf(text, sizeof text, "the Sentinel that was asked: %.*s", VIEW_ARG(v->text));
    else
        snprintf(text, sizeof text, "the Sentinel that was asked knows no primary named '%s'",
                 s->primary);
    answer(s, NULL, text);
}

void redis_sentinel_ask(struct redis_sentinel *s, redis_sentinel_answer *done, void *owner)
{
    const struct redis_link_owner link_owner = {s, on_opened, on_reply, on_lost};

    assert(s->link == NULL && !s->closing);
    s->done = done;
    s->owner = owner;
    s->links++;
    s->link = redis_link_open(s->loop, &s->all[s->next], 0, link_owner);
    s->next = (s->next + 1) % s->count;
}

void redis_sentinel_cancel(struct redis_sentinel *s)
{
    drop_link(s);
}

static void on_end_closed(uv_handle_t *handle)
{
    struct redis_sentinel *s = handle->data;

    handle->data = NULL;
    end_if_gone(s);
}

void redis_sentinel_close(struct redis_sentinel *s, void (*closed)(void *owner), void *owner)
{
    s->closing = true;
    s->closed = closed;
    s->closed_owner = owner;
    drop_link(s);
    uv_close((uv_handle_t *)&s->end, on_end_closed);
}
