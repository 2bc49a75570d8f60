/* message_list: GET /messages and GET /messages/{id}. */
#include "bridge/core/mem.h"
#include "server/filter.h"
#include "server/listing.h"
#include "server/message_view.h"
#include "server/messages.h"
#include "server/server.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- one ---- */

struct one {
    struct exchange *x;
    struct buf text;
    struct message_view *view;
};

static void on_one(void *owner, enum message_viewed what)
{
    struct one *one = owner;

    if (what == MESSAGE_MORE && exchange_holds(one->x, one->text.n)) {
        message_view_read(one->view, on_one, one);
        return;
    }
    if (what == MESSAGE_MORE)
        ; /* it was answered */
    else if (what == MESSAGE_WHOLE)
        exchange_answer(one->x, 200, show_media_type(one->x->form), buf_view(&one->text));
    else if (what == MESSAGE_NONE)
        exchange_error(one->x, 404, "HTTP 404 Not Found");
    else
        store_unavailable(one->x);
    message_view_free(one->view);
    buf_done(&one->text);
    mem_free(one);
}

void message_get(struct exchange *x)
{
    struct one *one = NULL;
    char id[GUID_TEXT_MAX];

    if (!store_id(x, id))
        return;
    one = mem_zeroed(1, sizeof *one);
    one->x = x;
    buf_init(&one->text, SIZE_MAX / 2); /* what a POST could hold, and the statuses */
    one->view = message_view_new(x, view_of(id), &one->text, NULL, NULL);
    message_view_read(one->view, on_one, one);
}

/* ---- the list ---- */

struct search {
    struct view source;
    struct view sub_type;
    bool has_source;
    bool has_sub_type;
    bool has_after;
    bool has_before;
    int64_t after_ms;
    int64_t before_ms;
};

static bool wanted(void *ctx, const struct redis_value *hash)
{
    const struct search *s = ctx;
    bool timed = store_text(hash, "send").n > 0;
    int64_t send_ms = store_int(hash, "send", 0);

    if (s->has_source && !filter_matches(s->source, store_text(hash, "src")))
        return false;
    if (s->has_sub_type && !filter_matches(s->sub_type, store_text(hash, "sub")))
        return false;
    if (s->has_after && (!timed || send_ms <= s->after_ms))
        return false;
    return !s->has_before || (timed && send_ms < s->before_ms);
}

static void on_listed(void *owner, enum message_viewed what)
{
    struct listing_item *item = owner;

    if (what == MESSAGE_MORE) {
        item->state = LISTING_PARTLY;
        listing_item_done(item);
        return;
    }
    message_view_free(item->part);
    item->part = NULL;
    if (what == MESSAGE_FAILED) {
        listing_item_failed(item);
        return;
    }
    item->state = what == MESSAGE_WHOLE ? LISTING_SHOWN : LISTING_SKIPPED;
    listing_item_done(item);
}

static void load_listed(struct listing_item *item)
{
    if (item->part == NULL)
        item->part = message_view_new(listing_exchange(item), store_member_id(item->member),
                                      &item->text, wanted, item->ctx);
    message_view_read(item->part, on_listed, item);
}

static void free_part(struct listing_item *item)
{
    message_view_free(item->part);
}

void message_list(struct exchange *x)
{
    struct listing_source source = {.collection = "messages",
                                    .is_member = store_is_member,
                                    .zset = "messages",
                                    .paged = true,
                                    .descending = true,
                                    .load = load_listed,
                                    .free_part = free_part,
                                    .free_ctx = mem_free};
    struct search s = {.has_source = false};
    char above[24];
    char below[24];
    bool has_above = false;
    bool has_below = false;
    int64_t ms = 0;

    if (!filter_pattern(x, "source", &s.source, &s.has_source) ||
        !filter_pattern(x, "subType", &s.sub_type, &s.has_sub_type) ||
        !filter_time(x, "sendTime", &s.after_ms, &s.has_after) ||
        !filter_time(x, "sendTimeEnd", &s.before_ms, &s.has_before) ||
        !filter_time(x, "creationTime", &ms, &has_above))
        return;
    /* Members begin with the time and ':'; ';' is the next byte (server/store.h). */
    if (has_above && ms >= 0) {
        snprintf(above, sizeof above, "%016" PRId64 ";", ms);
        source.above = view_of(above);
    }
    if (!filter_time(x, "creationTimeEnd", &ms, &has_below))
        return;
    if (has_below) {
        snprintf(below, sizeof below, "%016" PRId64, ms > 0 ? ms : 0);
        source.below = view_of(below);
    }
    source.ctx = mem_copy(&s, sizeof s);
    listing_start(x, &source);
}
