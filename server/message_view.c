#include "server/message_view.h"

#include "bridge/core/address_list.h"
#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "bridge/core/shard.h"
#include "bridge/core/slice.h"
#include "server/erased.h"
#include "server/scripts.h"
#include "server/sight.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KEYS_COUNT 5

struct message_view {
    struct exchange *x;
    char id[GUID_TEXT_MAX];
    struct buf *to;
    bool (*wanted)(void *ctx, const struct redis_value *hash);
    void *ctx;
    struct show show;
    int64_t version;
    int64_t slices;
    int64_t next;         /* slice */
    char *repeats_text;   /* owned */
    struct view repeats;  /* those not shown yet */
    struct repeat repeat; /* the next one, if has_repeat */
    bool has_repeat;
    uint8_t *statuses; /* of each destination so far, where there are repeats */
    size_t count;      /* destinations without repeats so far */
    uint32_t position; /* with them */
    message_on_view *done;
    void *owner;
};

struct message_view *message_view_new(struct exchange *x, struct view id_hex, struct buf *to,
                                      bool (*wanted)(void *ctx, const struct redis_value *hash),
                                      void *ctx)
{
    struct message_view *v = mem_zeroed(1, sizeof *v);

    v->x = x;
    snprintf(v->id, sizeof v->id, "%.*s", VIEW_ARG(id_hex));
    v->to = to;
    v->wanted = wanted;
    v->ctx = ctx;
    return v;
}

static void reset(struct message_view *v)
{
    mem_free(v->repeats_text);
    mem_free(v->statuses);
    v->repeats_text = NULL;
    v->statuses = NULL;
    v->repeats = VIEW_NONE;
    v->has_repeat = false;
    v->next = 0;
    v->count = 0;
    v->position = 0;
    buf_clear(v->to);
}

void message_view_free(struct message_view *v)
{
    if (v == NULL)
        return;
    mem_free(v->repeats_text);
    mem_free(v->statuses);
    mem_free(v);
}

static void show_time_if(struct show *s, const char *name, const struct redis_value *hash,
                         const char *field)
{
    if (store_text(hash, field).n > 0)
        show_time(s, name, store_int(hash, field, 0));
}

static void begin(struct message_view *v, const struct redis_value *hash, struct view repeats)
{
    struct show *s = &v->show;
    int64_t created_ms = store_int(hash, "created", 0);

    reset(v);
    v->version = store_int(hash, "ver", 0);
    v->slices = store_int(hash, "C", 0);
    if (repeats.n > 0) {
        v->repeats_text = mem_text(repeats.p, repeats.n);
        v->repeats = (struct view){v->repeats_text, repeats.n};
        v->statuses = mem_zeroed((size_t)store_int(hash, "n", 0) + 1, 1);
        v->has_repeat = repeat_next(&v->repeats, &v->repeat);
    }
    show_init(s, v->x->form, v->to);
    show_item(s, "message");
    show_text(s, "id", view_of(v->id));
    show_text(s, "message", store_text(hash, "body"));
    show_text(s, "source", store_text(hash, "src"));
    show_text(s, "subType", store_text(hash, "sub"));
    show_time_if(s, "sendTime", hash, "send");
    show_time(s, "creationTime", created_ms);
    show_time(s, "creationDate", created_ms);
    show_int(s, "maxRetryCount", store_int(hash, "mr", 0));
    show_int(s, "retryDelay", store_int(hash, "rd", 0));
    show_text(s, "contentType",
              store_text(hash, "ct").n > 0 ? store_text(hash, "ct") : VIEW("text"));
    show_list(s, "destinations", "destination", true);
}

static void show_destination(struct message_view *v, struct view address, enum slice_status status)
{
    show_item(&v->show, "destination");
    show_text(&v->show, "address", address.n > 0 ? address : VIEW(ERASED_ADDRESS));
    show_text(&v->show, "status", view_of(slice_status_name(status)));
    show_item_end(&v->show);
    v->position++;
}

/* What was given again in between, with the status of the first one. */
static void show_repeats(struct message_view *v)
{
    while (v->has_repeat && v->repeat.position == v->position) {
        enum slice_status status =
            v->repeat.of < v->count ? (enum slice_status)v->statuses[v->repeat.of] : SLICE_ADDED;

        show_destination(v, v->repeat.text, status);
        v->has_repeat = repeat_next(&v->repeats, &v->repeat);
    }
}

/* Of an erased person nothing goes out any more, whenever that is noticed. */
static enum slice_status status_of(const struct slice *state, struct view late, size_t i,
                                   struct view address)
{
    enum slice_status status = slice_status(state, late, i);

    return address.n == 0 && status != SLICE_HANDLED ? SLICE_FAILED : status;
}

static void show_slice(struct message_view *v, const struct redis_value parts[3], size_t most)
{
    struct view list = parts[0].text;
    struct view late = parts[2].text;
    struct view address = VIEW_NONE;
    struct slice state;
    size_t count = 0;

    if (!address_list_open(&list, &count) || count == 0 || count > SLICE_DESTINATIONS_MAX)
        return;
    if (!slice_read(&state, parts[1].text, count))
        notice_say(v->x->server->log, NOTICE_ERROR, "slice_unreadable",
                   NOTICE_TEXT("message", v->id));
    for (size_t i = 0; i < count && v->count < most && address_list_next(&list, &address); i++) {
        enum slice_status status = status_of(&state, late, i, address);

        show_repeats(v);
        if (v->statuses != NULL)
            v->statuses[v->count] = (uint8_t)status;
        v->count++;
        show_destination(v, address, status);
    }
}

static void end(struct message_view *v)
{
    show_repeats(v);
    show_list_end(&v->show, true);
    show_item_end(&v->show);
}

/* reply: {fields, repeats, parts}, as message.lua gives it. */
static enum message_viewed take_page(struct message_view *v, const struct redis_value *reply)
{
    const struct redis_value *hash = &reply->items[0];
    const struct redis_value *parts = &reply->items[2];

    if (store_int(hash, "kind", 0) != STORE_MESSAGE || store_int(hash, "st", 0) == STORE_DELETED)
        return MESSAGE_NONE;
    if (v->next > 0 && store_int(hash, "ver", 0) != v->version) {
        v->next = 0; /* another message now: from the start */
        return MESSAGE_MORE;
    }
    if (v->next == 0) {
        if (!sight_of_message(v->x, hash) || (v->wanted != NULL && !v->wanted(v->ctx, hash)))
            return MESSAGE_NONE;
        begin(v, hash, reply->items[1].text);
    }
    for (size_t i = 0; i + 2 < parts->count; i += 3)
        show_slice(v, &parts->items[i], (size_t)store_int(hash, "n", 0));
    v->next += MESSAGE_VIEW_PAGE;
    if (v->next < v->slices)
        return MESSAGE_MORE;
    end(v);
    return MESSAGE_WHOLE;
}

static void on_page(void *owner, const struct redis_value *reply)
{
    struct message_view *v = owner;
    enum message_viewed what = MESSAGE_FAILED;

    if (reply->kind == REDIS_ARRAY && reply->count == 3)
        what = take_page(v, reply);
    else
        store_log(v->x, reply);
    v->done(v->owner, what);
}

void message_view_read(struct message_view *v, message_on_view *done, void *owner)
{
    static const char *const names[KEYS_COUNT] = {"m", "c", "sl", "late", "rep"};
    char texts[KEYS_COUNT][SHARD_KEY_MAX];
    struct view keys[KEYS_COUNT];
    struct view id = view_of(v->id);
    char first[24];
    char count[24];
    struct view args[2];

    for (size_t i = 0; i < KEYS_COUNT; i++)
        keys[i] = shard_key(shard_of(id), names[i], id, texts[i]);
    snprintf(first, sizeof first, "%" PRId64, v->next);
    snprintf(count, sizeof count, "%d", MESSAGE_VIEW_PAGE);
    args[0] = view_of(first);
    args[1] = view_of(count);
    v->done = done;
    v->owner = owner;
    redis_run(v->x->server->redis, script_of(SCRIPT_MESSAGE), keys, KEYS_COUNT, args, 2, on_page,
              v);
}
