#include "server/queues.h"

#include "bridge/core/mem.h"
#include "bridge/core/phone.h"
#include "bridge/core/utf8.h"

#include <stdint.h>
#include <string.h>

struct queues {
    struct chat_queue *chats;
    size_t chat_count;
    struct callback_queue *callbacks;
    size_t callback_count;
};

static char *copy_of(const char *text)
{
    return text != NULL ? mem_text(text, strlen(text)) : NULL;
}

static void drop(const char *text)
{
    mem_free((void *)(uintptr_t)text); /* made by copy_of */
}

struct queues *queues_new(void)
{
    return mem_zeroed(1, sizeof(struct queues));
}

void queues_free(struct queues *q)
{
    if (q == NULL)
        return;
    for (size_t i = 0; i < q->chat_count; i++) {
        drop(q->chats[i].entry);
        drop(q->chats[i].address);
        drop(q->chats[i].name);
        drop(q->chats[i].channel);
        drop(q->chats[i].via);
    }
    for (size_t i = 0; i < q->callback_count; i++) {
        drop(q->callbacks[i].number);
        drop(q->callbacks[i].original_number);
        drop(q->callbacks[i].original_name);
    }
    mem_free(q->chats);
    mem_free(q->callbacks);
    mem_free(q);
}

void queues_add_chat(struct queues *q, const struct chat_queue *one)
{
    struct chat_queue *to = NULL;

    q->chats = mem_resize(q->chats, q->chat_count + 1, sizeof *q->chats);
    to = &q->chats[q->chat_count++];
    to->entry = copy_of(one->entry);
    to->address = copy_of(one->address != NULL ? one->address : "");
    to->id = one->id;
    to->name = copy_of(one->name);
    to->channel = copy_of(one->channel);
    to->via = copy_of(one->via);
}

void queues_add_callback(struct queues *q, const struct callback_queue *one)
{
    struct callback_queue *to = NULL;

    q->callbacks = mem_resize(q->callbacks, q->callback_count + 1, sizeof *q->callbacks);
    to = &q->callbacks[q->callback_count++];
    to->number = copy_of(one->number);
    to->original_number =
        copy_of(one->original_number != NULL ? one->original_number : one->number);
    to->original_name = copy_of(one->original_name);
}

const struct chat_queue *queues_chat_by_address(const struct queues *q, struct view address)
{
    struct view wanted = view_trim(address);

    for (size_t i = 0; wanted.n > 0 && i < q->chat_count; i++)
        if (utf8_eq_nocase(view_trim(view_of(q->chats[i].address)), wanted))
            return &q->chats[i];
    return NULL;
}

const struct chat_queue *queues_chat_by_id(const struct queues *q, const struct guid *id)
{
    for (size_t i = 0; i < q->chat_count; i++)
        if (guid_eq(&q->chats[i].id, id))
            return &q->chats[i];
    return NULL;
}

const struct chat_queue *queues_chat_by_entry(const struct queues *q, struct view entry)
{
    for (size_t i = 0; i < q->chat_count; i++)
        if (q->chats[i].entry != NULL && view_is(entry, q->chats[i].entry))
            return &q->chats[i];
    return NULL;
}

const struct callback_queue *queues_callback(const struct queues *q, struct view number)
{
    struct view wanted = view_trim(number);

    for (size_t i = 0; i < q->callback_count; i++)
        if (view_is(wanted, q->callbacks[i].number))
            return &q->callbacks[i];
    return NULL;
}

static bool is_that(const char *address, struct view normal)
{
    char room[PHONE_NORMAL_MAX];
    struct view own;
    struct fault nameless;

    return address != NULL && phone_normal(view_of(address), room, &own, &nameless) &&
           view_eq(own, normal);
}

bool queues_has_address(const struct queues *q, struct view normal)
{
    for (size_t i = 0; i < q->chat_count; i++)
        if (is_that(q->chats[i].address, normal))
            return true;
    for (size_t i = 0; i < q->callback_count; i++)
        if (is_that(q->callbacks[i].number, normal) ||
            is_that(q->callbacks[i].original_number, normal))
            return true;
    return false;
}
