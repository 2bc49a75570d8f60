#include "producers/dlq_put.h"

#include "bridge/core/datetime.h"
#include "producers/console.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void dlq_put_init(struct dlq_put *p, const char *topic, struct dlq_letter *const *letters,
                  size_t count, struct sink_port port)
{
    *p = (struct dlq_put){.topic = topic, .letters = letters, .count = count, .port = port};
}

/* Tokens: 2i for letter i, 2i + 1 for its mark. */
static bool send_mark(struct dlq_put *p, size_t i, struct fault *f)
{
    char place[DEAD_LETTER_PLACE_MAX];
    char id[DEAD_LETTER_PLACE_MAX + 8];
    struct record_header headers[] = {
        {VIEW("content-type"), VIEW("application/json")},
        {VIEW("ce_specversion"), VIEW("1.0")},
        {VIEW("ce_id"), VIEW_NONE},
        {VIEW("ce_source"), VIEW("cmibridge/dlq")},
        {VIEW("ce_type"), VIEW(DEAD_LETTER_MARK_TYPE)},
        {VIEW(DEAD_LETTER_MARK), VIEW_NONE},
    };

    dead_letter_place_text(p->letters[i]->place, place);
    snprintf(id, sizeof id, "replay-%s", place);
    headers[2].value = view_of(id);
    headers[5].value = view_of(place);
    return p->port.produce(
        p->port.ctx,
        &(struct sink_record){.token = 2 * i + 1,
                              .topic = p->topic,
                              .has_value = true,
                              .value = VIEW("{}"),
                              .headers = headers,
                              .header_count = sizeof headers / sizeof headers[0]},
        f);
}

/* With a timestamp of now: the old one might be too old for the topic. */
static bool send_letter(struct dlq_put *p, size_t i, struct fault *f)
{
    const struct dlq_letter *l = p->letters[i];
    const struct dlq_event *e = &l->event;
    char place[DEAD_LETTER_PLACE_MAX];
    char origin[DEAD_LETTER_PLACE_MAX];
    char published[DATETIME_TEXT_MAX];
    size_t n = l->header_count;

    dead_letter_place_text(l->place, place);
    dead_letter_place_text((struct dead_letter_place){e->partition, e->offset}, origin);
    l->headers[n++] = (struct record_header){VIEW(DEAD_LETTER_REPLAY), view_of(place)};
    l->headers[n++] = (struct record_header){VIEW(DEAD_LETTER_ORIGIN), view_of(origin)};
    if (l->has_timestamp) {
        datetime_format(l->timestamp_ms, published);
        l->headers[n++] = (struct record_header){VIEW(DEAD_LETTER_PUBLISHED), view_of(published)};
    }
    return p->port.produce(p->port.ctx,
                           &(struct sink_record){.token = 2 * i,
                                                 .topic = e->topic.p, /* NUL-terminated */
                                                 .has_partition = true,
                                                 .partition = e->partition,
                                                 .has_key = l->has_key,
                                                 .key = l->key,
                                                 .has_value = l->has_value,
                                                 .value = l->value,
                                                 .headers = l->headers,
                                                 .header_count = n},
                           f);
}

/* ---- marks ---- */

static void give_up_mark(struct dlq_put *p, const char *why)
{
    if (p->error[0] == '\0')
        snprintf(p->error, sizeof p->error, "no mark can be made, so no more is replayed: %.200s",
                 why);
    p->open--;
    p->stopped = true;
}

/* false: the others must wait. */
static bool send_marks(struct dlq_put *p)
{
    struct fault f;

    while (p->owed_count > 0) {
        if (!send_mark(p, p->owed[p->owed_count - 1], &f)) {
            if (f.cls == FAULT_RETRY)
                return false;
            give_up_mark(p, f.text);
        }
        p->owed_count--;
    }
    return true;
}

static void on_mark(struct dlq_put *p, size_t i, bool delivered, const char *error)
{
    if (delivered) {
        p->letters[i]->state = DLQ_PUT_MARKED;
        p->marked++;
        p->open--;
    } else if (++p->letters[i]->tries < DLQ_PUT_TRIES) {
        p->owed[p->owed_count++] = i;
    } else {
        give_up_mark(p, error);
    }
}

/* ---- letters ---- */

static bool is_of_one_partition(const struct dlq_letter *a, const struct dlq_letter *b)
{
    return a->event.partition == b->event.partition && view_eq(a->event.topic, b->event.topic);
}

static void put_again(struct dlq_put *p, size_t i)
{
    size_t at = p->again_count++;

    for (; at > 0 && p->again[at - 1] > i; at--)
        p->again[at] = p->again[at - 1];
    p->again[at] = i;
}

static void drop_again(struct dlq_put *p, enum dlq_put_state state)
{
    size_t kept = 0;

    for (size_t k = 0; k < p->again_count; k++)
        if (p->letters[p->again[k]]->state != state)
            p->again[kept++] = p->again[k];
    p->again_count = kept;
}

/* All behind it in its partition, too: it may yet be taken, and then comes first. */
static void leave(struct dlq_put *p, size_t i, const char *why, bool behind)
{
    struct dlq_letter *l = p->letters[i];
    const struct dlq_event *e = &l->event;

    console_say("dlq",
                "%" PRId32 ":%" PRId64 " was not replayed: %s; it came from %.*s[%" PRId32
                "] offset %" PRId64,
                l->place.partition, l->place.offset, why, VIEW_ARG(e->topic), e->partition,
                e->offset);
    l->state = DLQ_PUT_LEFT;
    p->refused++;
    for (size_t j = i + 1; behind && j < p->count && is_of_one_partition(l, p->letters[j]); j++)
        if (p->letters[j]->event.fate == DLQ_REPLAY && p->letters[j]->state == DLQ_PUT_NOT) {
            p->letters[j]->state = DLQ_PUT_LEFT;
            p->left++;
        }
    drop_again(p, DLQ_PUT_LEFT);
}

static bool is_of_one_thing(const struct dlq_letter *a, const struct dlq_letter *b)
{
    return (a->has_key && b->has_key && view_eq(a->key, b->key)) ||
           (a->event.subject.n > 0 && view_eq(a->event.subject, b->event.subject));
}

static bool was_overtaken(const struct dlq_put *p, size_t i)
{
    const struct dlq_letter *l = p->letters[i];

    for (size_t j = i + 1; j < p->next && is_of_one_partition(l, p->letters[j]); j++)
        if ((p->letters[j]->state == DLQ_PUT_THERE || p->letters[j]->state == DLQ_PUT_MARKED) &&
            is_of_one_thing(l, p->letters[j]))
            return true;
    return false;
}

/* false: the sink has no room. */
static bool put_one(struct dlq_put *p, size_t i, bool alone)
{
    struct dlq_letter *l = p->letters[i];
    struct fault f;

    if (!send_letter(p, i, &f)) {
        if (f.cls == FAULT_RETRY)
            return false;
        leave(p, i, f.text, f.cls != FAULT_REJECT);
        return true;
    }
    if (l->perhaps)
        console_say("dlq", "%" PRId32 ":%" PRId64 " is sent again, and may be on its topic twice",
                    l->place.partition, l->place.offset);
    l->perhaps = false;
    l->state = DLQ_PUT_OUT;
    drop_again(p, DLQ_PUT_OUT);
    p->alone = alone;
    p->out++;
    p->open++;
    return true;
}

static bool put_failed(struct dlq_put *p)
{
    size_t i = p->again[0];

    if (p->out > 0)
        return false;
    if (!was_overtaken(p, i))
        return put_one(p, i, true);
    leave(p, i, "it failed, and a later one of its key did not", false);
    return true;
}

static bool has_next(struct dlq_put *p)
{
    while (p->next < p->count && (p->letters[p->next]->event.fate != DLQ_REPLAY ||
                                  p->letters[p->next]->state != DLQ_PUT_NOT))
        p->next++;
    return p->next < p->count;
}

static bool put_next(struct dlq_put *p)
{
    bool first = p->marked == 0;

    if (!has_next(p) || p->open >= (first ? 1 : DLQ_PUT_OPEN_MAX) || !put_one(p, p->next, first))
        return false;
    p->next++;
    return true;
}

static void on_letter(struct dlq_put *p, size_t i, bool delivered, const char *error)
{
    struct dlq_letter *l = p->letters[i];
    bool never;

    p->out--;
    if (delivered) {
        l->state = DLQ_PUT_THERE;
        l->tries = 0;
        p->put++;
        p->owed[p->owed_count++] = i;
        return;
    }
    p->open--;
    l->state = DLQ_PUT_NOT;
    l->perhaps = view_starts(view_of(error), VIEW(SINK_PERHAPS));
    never = strcmp(error, SINK_TOO_LARGE) == 0 || view_starts(view_of(error), VIEW(SINK_INVALID));
    if (p->alone && (never || ++l->tries == DLQ_PUT_TRIES))
        leave(p, i, error, !never);
    else
        put_again(p, i);
}

/* ---- the door ---- */

void dlq_put_step(struct dlq_put *p)
{
    bool more = send_marks(p);

    while (more && !p->stopped)
        more = p->again_count > 0 ? put_failed(p) : put_next(p);
}

void dlq_put_report(void *owner, uint64_t token, bool delivered, const char *error)
{
    struct dlq_put *p = owner;

    if (token % 2 == 1)
        on_mark(p, token / 2, delivered, error);
    else
        on_letter(p, token / 2, delivered, error);
}

void dlq_put_stop(struct dlq_put *p)
{
    p->stopped = true;
}

bool dlq_put_done(struct dlq_put *p)
{
    return p->open == 0 && (p->stopped || (p->again_count == 0 && !has_next(p)));
}

void dlq_put_say_open(const struct dlq_put *p)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct dlq_letter *l = p->letters[i];
        bool is_there = l->state == DLQ_PUT_THERE;

        if (is_there || l->state == DLQ_PUT_OUT || l->perhaps)
            console_say("dlq", "%" PRId32 ":%" PRId64 " %s replayed, and is not marked",
                        l->place.partition, l->place.offset, is_there ? "was" : "may have been");
    }
}
