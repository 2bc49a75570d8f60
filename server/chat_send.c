#include "server/chat_send.h"

#include "bridge/core/address_list.h"
#include "bridge/core/coded.h"
#include "bridge/core/mem.h"
#include "bridge/core/phone.h"
#include "bridge/core/shard.h"
#include "bridge/core/utf8.h"
#include "bridge/io/crypto.h"
#include "server/message_new.h"

#include <stdio.h>
#include <string.h>

#define ADDRESS_MAX 2048 /* bytes of a destination in its list; 256 characters fit */
/* As short and as often as a message may have it: those behind wait meanwhile. */
#define RETRY_DELAY_S 60
#define RETRIES       10

struct dated {
    const struct transcript_line *line;
    int64_t time_ms;
    uint32_t time_ns;
};

struct sending {
    struct exchange *x;
    const struct chat_queue *queue;
    struct buf slice;                  /* the one destination */
    struct dated lines[CHAT_SEND_MAX]; /* oldest first */
    size_t count;
    size_t stored;
    char ids[3][GUID_TEXT_MAX]; /* of the message before, of this one and of the next */
    chat_send_done *done;
    void *owner;
};

/* Blanks are none, which some gateways refuse, and some charge. */
static bool has_text(struct view message)
{
    while (message.n > 0) {
        size_t n = 1;
        int plain = coded_plain(message, &n);

        if (plain != ' ' && plain != '\0' && !view_has(VIEW(" \r\n"), message.p[0]))
            return true;
        message = view_skip(message, n);
    }
    return false;
}

/* A message of the chat's own; what has no text or is the system's stays here. */
static bool goes_out(const struct transcript_line *line)
{
    return !line->system && has_text(line->message);
}

bool chat_send_check(const struct transcript *t, struct view destination, struct fault *f)
{
    char room[PHONE_NORMAL_MAX];
    struct view normal = VIEW_NONE;
    size_t count = 0;

    for (const struct transcript_line *line = t->lines; line != NULL; line = line->next) {
        if (!goes_out(line))
            continue;
        if (++count > CHAT_SEND_MAX)
            return fault_set(f, FAULT_REJECT, "transcript has more than %d messages to send",
                             CHAT_SEND_MAX);
        if (utf8_count(line->message) > CHAT_SEND_TEXT_MAX)
            return fault_set(f, FAULT_REJECT,
                             "transcript: a message has more than %d characters, which can't be "
                             "sent",
                             CHAT_SEND_TEXT_MAX);
    }
    if (utf8_count(destination) > 256)
        return fault_set(f, FAULT_REJECT, "destination has more than 256 characters");
    return phone_normal(destination, room, &normal, f) || fault_add(f, "destination");
}

/* Of the message that the chat's line becomes: from both, and of the chat's shard, so that its
 * scripts reach the one that goes after it. */
static void make_id(const struct exchange *x, size_t place, char id[GUID_TEXT_MAX])
{
    char chat[GUID_TEXT_MAX];
    char text[24];
    struct guid g;

    guid_hex(&x->new_id, chat);
    snprintf(text, sizeof text, "%zu", place);
    g = crypto_guid_of(view_of(chat), view_of(text));
    for (guid_hex(&g, id); shard_of(view_of(id)) != shard_of(view_of(chat)); guid_hex(&g, id))
        if (++g.bytes[sizeof g.bytes - 1] == 0)
            g.bytes[sizeof g.bytes - 2]++;
}

static void end(struct sending *s, enum effect_outcome outcome, const struct fault *f)
{
    chat_send_done *done = s->done;
    void *owner = s->owner;

    buf_done(&s->slice);
    mem_free(s);
    done(owner, outcome, f);
}

static void next(struct sending *s);

static void on_stored(void *owner, enum effect_outcome outcome, const struct fault *f)
{
    struct sending *s = owner;

    if (outcome == EFFECT_DONE || outcome == EFFECT_REPLAY) {
        s->stored++;
        memmove(s->ids, s->ids + 1, 2 * sizeof s->ids[0]);
        next(s);
        return;
    }
    end(s, outcome, f);
}

/* One after the other, and each waits in the store until the one before it has ended. */
static void next(struct sending *s)
{
    const struct transcript_line *line = NULL;
    struct effect e;

    if (s->stored == s->count) {
        end(s, EFFECT_DONE, NULL);
        return;
    }
    line = s->lines[s->stored].line;
    make_id(s->x, s->stored + 1, s->ids[2]);
    effect_init(&e, s->x, STORE_MESSAGE, s->ids[1], EFFECT_NEW);
    e.list = EFFECT_LIST_ADD_CHAT;
    e.behind = s->stored > 0 ? s->ids[0] : NULL;
    if (s->stored + 1 < s->count)
        effect_text(&e, "nx", view_of(s->ids[2]));
    e.created_ms = s->x->wall_ms;
    e.slices = 1;
    e.slice = buf_view(&s->slice);
    message_new_fill(&e, &(struct message_new){.from_now = true,
                                               .count = 1,
                                               .max_retry_count = RETRIES,
                                               .retry_delay_s = RETRY_DELAY_S,
                                               .body = line->message,
                                               .source = view_of(s->queue->address),
                                               .sub_type = view_of(s->queue->channel)});
    effect_apply(&e, on_stored, s);
}

static bool is_later(const struct dated *a, const struct dated *b)
{
    return a->time_ms != b->time_ms ? a->time_ms > b->time_ms : a->time_ns > b->time_ns;
}

/* In the order of their times, those of one time in that of the transcript, which has its newest
 * first. One without a time goes right after the one before it there. */
static void put_in_order(struct sending *s, const struct transcript *t)
{
    struct dated before = {.time_ms = INT64_MIN};
    size_t at = 0;

    for (const struct transcript_line *line = t->lines; line != NULL; line = line->next)
        if (goes_out(line) && s->count < CHAT_SEND_MAX)
            s->count++;
    at = s->count;
    for (const struct transcript_line *line = t->lines; line != NULL && at > 0; line = line->next)
        if (goes_out(line))
            s->lines[--at] = (struct dated){line, line->time_ms, line->time_ns};
    for (size_t i = 0; i < s->count; i++) {
        struct dated one = s->lines[i];

        if (!one.line->has_time) {
            one.time_ms = before.time_ms;
            one.time_ns = before.time_ns;
        }
        before = one;
        for (at = i; at > 0 && is_later(&s->lines[at - 1], &one); at--)
            s->lines[at] = s->lines[at - 1];
        s->lines[at] = one;
    }
}

void chat_send(struct exchange *x, const struct chat_queue *queue, struct view destination,
               const struct transcript *t, chat_send_done *done, void *owner)
{
    struct sending *s = mem_zeroed(1, sizeof *s);

    s->x = x;
    s->queue = queue;
    s->done = done;
    s->owner = owner;
    buf_init(&s->slice, ADDRESS_MAX);
    address_list_begin(&s->slice);
    address_list_add(&s->slice, phone_trim(destination));
    address_list_end(&s->slice, 1);
    put_in_order(s, t);
    make_id(x, 0, s->ids[1]);
    next(s);
}
