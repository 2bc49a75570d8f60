#include "bridge/run/schedule_state.h"

#include "bridge/core/mem.h"
#include "bridge/ports/fault_point.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define UNREPORTED_MAX 1000 /* outcomes of a shard on their way to Kafka at once */
#define OTHERS_MS      5000 /* another process empties the shard: to be looked at again after */

/*
 * A shard's outbox is read a piece at a time. What was read is told to Kafka; when all of it has
 * its delivery report, the next reading takes it off. If one has failed, all of it is told again,
 * under the same ids. A reading costs as much of one entry as of many: so a shard has one in
 * SCHEDULE_RELAY_EACH_MS, unless there is more than it brought, and readings of several shards are
 * made in the same turn.
 */
struct relay_entry {
    struct schedule_event event; /* its blob is `blob` */
    char *blob;                  /* owned */
    struct view rest;            /* settlements, WITHDRAWN: what of the blob is not told yet */
    unsigned told;               /* of its settlements, of its destinations */
};

/* ---- telling ---- */

enum told { TOLD, TOLD_LATER, TOLD_TOO_LARGE };

/* From now on what is as large is cut, until the limits are read anew. */
static void refused(struct schedule *s, size_t size)
{
    if (size >= s->outcome_refused)
        return;
    s->outcome_refused = size;
    notice_say(s->port.log, NOTICE_WARN, "outcomes_cut", NOTICE_INT("bytes", (int64_t)size),
               NOTICE_TEXT("reason",
                           "the topic takes no outcome of so many bytes: what is as large "
                           "is told in parts, or cut"));
}

static void say_too_large(struct schedule *s, size_t size)
{
    notice_say(s->port.log, NOTICE_ERROR, "outcome_too_large", NOTICE_INT("bytes", (int64_t)size),
               NOTICE_TEXT("reason", "nothing is left to be cut, and the topic does not take it: "
                                     "outcomes wait; its max.message.bytes, and "
                                     "kafka.properties' message.max.bytes, have to be 2000 at "
                                     "least"));
}

/* Which shard, and how large, so that a report says all. */
static uint64_t token_of(unsigned shard, size_t size)
{
    return TOKEN(TOKEN_SHARD, (uint64_t)size * SHARD_COUNT + shard);
}

static enum told offer(struct schedule *s, unsigned shard, struct outcome *o, bool anyhow)
{
    struct outcome_record *r = &s->outcome;
    struct fault f = {0};

    outcome_make(r, o, s->conf.outcomes_topic, shard);
    r->record.token = token_of(shard, r->size);
    if (r->size >= s->outcome_refused && !anyhow)
        return TOLD_TOO_LARGE;
    if (s->port.sink.produce(s->port.sink.ctx, &r->record, &f)) {
        FAULT_POINT(OUTCOME_PRODUCED);
        s->shards[shard].unreported++;
        stat_add(s->stat_told, 1);
        return TOLD;
    }
    if (f.cls != FAULT_REJECT)
        return TOLD_LATER;
    refused(s, r->size);
    if (anyhow)
        say_too_large(s, r->size);
    return TOLD_TOO_LARGE;
}

/* As much of it as the topic takes. One that is too large even so waits, as while Kafka is away:
 * nothing is lost, and /readyz says that the outbox is full when it is. */
static bool produce(struct schedule *s, unsigned shard, struct outcome *o)
{
    enum told told = TOLD_TOO_LARGE;

    if (s->shards[shard].unreported >= UNREPORTED_MAX)
        return false;
    for (o->cut = OUTCOME_WHOLE; told == TOLD_TOO_LARGE && o->cut < OUTCOME_BARE; o->cut++)
        told = offer(s, shard, o, false);
    if (told == TOLD_TOO_LARGE)
        told = offer(s, shard, o, true);
    return told == TOLD;
}

static bool tell_settlements(struct schedule *s, unsigned shard, struct relay_entry *e)
{
    while (e->rest.n > 0) {
        struct view rest = e->rest;
        struct settlement t;
        char id[OUTCOME_ID_MAX];

        if (!settlement_next_event(&rest, &t)) {
            notice_say(s->port.log, NOTICE_ERROR, "outcome_lost", NOTICE_TEXT("id", e->event.id),
                       NOTICE_TEXT("reason", "the outbox's entry can't be read"));
            return true;
        }
        (void)snprintf(id, sizeof id, "%s-%u", e->event.id, e->told);
        if (!produce(s, shard, &(struct outcome){.event = &e->event, .settlement = &t, .id = id}))
            return false;
        e->rest = rest;
        e->told++;
    }
    return true;
}

/* Takes the first n off a list with blanks between. */
static struct view take_some(struct view *list, size_t n)
{
    struct view all = *list;

    for (size_t i = 0; i < n; i++)
        (void)view_cut(list, ' ');
    return (struct view){all.p, all.n - list->n - (list->n > 0)};
}

static size_t count_list(struct view list)
{
    size_t n = 0;

    for (; list.n > 0; n++)
        (void)view_cut(&list, ' ');
    return n;
}

/* Those of its next destinations that one outcome takes: all, or half of them, or half of these.
 * The ids of parts say which: who tells it again may know of another size. */
static bool tell_some_withdrawn(struct schedule *s, unsigned shard, struct relay_entry *e)
{
    size_t left = count_list(e->rest);

    for (size_t count = left;; count = (count + 1) / 2) {
        struct view rest = e->rest;
        char id[OUTCOME_ID_MAX];
        struct outcome o = {.event = &e->event, .destinations = take_some(&rest, count), .id = id};
        enum told told;

        if (e->told == 0 && count == left)
            (void)snprintf(id, sizeof id, "%s", e->event.id);
        else
            (void)snprintf(id, sizeof id, "%s-%u-%zu", e->event.id, e->told, count);
        told = count > 1 ? offer(s, shard, &o, false) : produce(s, shard, &o) ? TOLD : TOLD_LATER;
        if (told == TOLD) {
            e->rest = rest;
            e->told += (unsigned)count;
        }
        if (told != TOLD_TOO_LARGE)
            return told == TOLD;
    }
}

static bool tell_withdrawn(struct schedule *s, unsigned shard, struct relay_entry *e)
{
    while (e->rest.n > 0)
        if (s->shards[shard].unreported >= UNREPORTED_MAX || !tell_some_withdrawn(s, shard, e))
            return false;
    return true;
}

static bool tell(struct schedule *s, unsigned shard, struct relay_entry *e)
{
    bool settlements =
        e->event.type == SCHEDULE_EVENT_SETTLED || e->event.type == SCHEDULE_EVENT_RECEIPT;

    if (e->event.type == SCHEDULE_EVENT_WITHDRAWN)
        return tell_withdrawn(s, shard, e);
    if (settlements && !tell_settlements(s, shard, e))
        return false;
    if (settlements && !e->event.completes)
        return true;
    return produce(s, shard, &(struct outcome){.event = &e->event, .id = e->event.id});
}

/* ---- a shard's outbox ---- */

static void drop_entries(struct shard *sh)
{
    for (size_t i = 0; i < sh->entry_count; i++)
        mem_free(sh->entries[i].blob);
    mem_free(sh->entries);
    sh->entries = NULL;
    sh->entry_count = sh->entry_at = 0;
}

static void begin_again(struct shard *sh)
{
    for (size_t i = 0; i < sh->entry_count; i++) {
        struct view *rest = &sh->entries[i].rest;

        *rest = sh->entries[i].event.blob;
        for (int k = 0; k < 2 && sh->entries[i].event.type == SCHEDULE_EVENT_WITHDRAWN; k++)
            (void)view_cut(rest, '\0'); /* whose consent it is */
        sh->entries[i].told = 0;
    }
    sh->entry_at = 0;
    sh->report_failed = false;
}

/* INT64_MAX: when an answer or a report comes. */
static void go_on_at(struct schedule *s, struct shard *sh, int64_t at_ms)
{
    heap_remove(&s->relays, &sh->relay_timer);
    if (at_ms != INT64_MAX)
        heap_put(&s->relays, &sh->relay_timer, at_ms);
}

static bool is_told(const struct schedule *s, const struct shard *sh)
{
    return sh->entry_count > 0 && sh->unreported == 0 && !sh->report_failed &&
           (s->conf.outcomes_topic == NULL || sh->entry_at == sh->entry_count);
}

/* When the shard is read, at or after at_ms: in a turn with others. */
static int64_t reading_ms(const struct schedule *s, const struct shard *sh, int64_t at_ms)
{
    int64_t turns = SCHEDULE_RELAY_EACH_MS / SCHEDULE_RELAY_SOON_MS;
    int64_t turn = (at_ms + SCHEDULE_RELAY_SOON_MS - 1) / SCHEDULE_RELAY_SOON_MS;

    if (s->ending || sh->more)
        return at_ms;
    if (at_ms < sh->read_ms + SCHEDULE_RELAY_EACH_MS) /* in the shard's own one of those */
        turn += ((sh - s->shards) % turns + turns - turn % turns) % turns;
    return turn * SCHEDULE_RELAY_SOON_MS;
}

static void read_outbox(struct schedule *s, unsigned number)
{
    const char *ids[SCHEDULE_OUTBOX_MAX];
    struct shard *sh = &s->shards[number];

    for (size_t i = 0; i < sh->entry_count; i++)
        ids[i] = sh->entries[i].event.id;
    sh->reading = true;
    sh->relay_wanted = false;
    sh->read_ms = schedule_now(s);
    s->port.schedule.read_outbox(s->port.schedule.ctx, number, ids, sh->entry_count);
}

/* All of the shard is told again, what the topic took, too: so ever more seldom. */
static int64_t again_ms(const struct shard *sh)
{
    int64_t wait = SCHEDULE_AGAIN_MS;

    for (unsigned i = 1; i < sh->refusals && wait < SCHEDULE_REFUSED_MS; i++)
        wait *= 2;
    return wait < SCHEDULE_REFUSED_MS ? wait : SCHEDULE_REFUSED_MS;
}

static void go_on(struct schedule *s, unsigned number)
{
    struct shard *sh = &s->shards[number];

    if (sh->report_failed) {
        if (sh->unreported > 0) {
            go_on_at(s, sh, INT64_MAX);
            return;
        }
        begin_again(sh);
        go_on_at(s, sh, schedule_now(s) + again_ms(sh));
        return;
    }
    while (s->conf.outcomes_topic != NULL && sh->entry_at < sh->entry_count) {
        if (!tell(s, number, &sh->entries[sh->entry_at])) {
            go_on_at(s, sh, schedule_now(s) + SCHEDULE_AGAIN_MS);
            return;
        }
        sh->entry_at++;
    }
    go_on_at(s, sh, is_told(s, sh) ? reading_ms(s, sh, schedule_now(s)) : INT64_MAX);
}

void schedule_relay_soon(struct schedule *s, unsigned shard)
{
    struct shard *sh = &s->shards[shard];
    int64_t at = reading_ms(s, sh, schedule_now(s));

    sh->relay_wanted = sh->reading || sh->entry_count > 0;
    if (!sh->relay_wanted && at < sh->relay_timer.at_ms)
        go_on_at(s, sh, at);
}

static struct shard *of_timer(struct heap_item *item)
{
    return (void *)((char *)item - offsetof(struct shard, relay_timer));
}

void schedule_relay_due(struct schedule *s)
{
    int64_t now = schedule_now(s);

    while (schedule_relay_wake_ms(s) <= now) {
        struct shard *sh = of_timer(heap_first(&s->relays));
        unsigned number = (unsigned)(sh - s->shards);

        heap_remove(&s->relays, &sh->relay_timer);
        if (sh->entry_count == 0 || is_told(s, sh))
            read_outbox(s, number);
        else
            go_on(s, number);
    }
}

int64_t schedule_relay_wake_ms(const struct schedule *s)
{
    const struct heap_item *first = heap_first(&s->relays);

    return first == NULL || !schedule_up(s) ? INT64_MAX : first->at_ms;
}

void schedule_relay_init(struct schedule *s)
{
    heap_init(&s->relays);
    outcome_record_init(&s->outcome);
    s->outcome_refused = SIZE_MAX;
    for (unsigned i = 0; i < SHARD_COUNT; i++)
        go_on_at(s, &s->shards[i], schedule_now(s) + SCHEDULE_RELAY_SOON_MS);
}

void schedule_outbox(void *schedule, const struct schedule_outbox *o)
{
    struct schedule *s = schedule;
    struct shard *sh = &s->shards[o->shard];
    int64_t now = schedule_now(s);

    assert(sh->reading);
    sh->reading = false;
    if (o->state != SCHEDULE_DONE) {
        go_on_at(s, sh, now + SCHEDULE_AGAIN_MS);
        return;
    }
    drop_entries(sh);
    sh->refusals = 0;
    stat_add(s->stat_unreadable, (int64_t)o->unreadable);
    sh->more = o->more;
    if (!o->other && !o->more && o->count == 0) /* a claim, which would say it, may wait for long */
        schedule_outbox_full(s, o->shard, false);
    if (o->other || o->count == 0) {
        go_on_at(s, sh,
                 o->other                       ? now + OTHERS_MS
                 : sh->relay_wanted || sh->more ? reading_ms(s, sh, now)
                                                : now + SCHEDULE_RELAY_IDLE_MS);
        return;
    }
    sh->entries = mem_zeroed(o->count, sizeof *sh->entries);
    sh->entry_count = o->count;
    for (size_t i = 0; i < o->count; i++) {
        struct relay_entry *e = &sh->entries[i];

        e->event = o->events[i];
        e->blob = mem_text(e->event.blob.p, e->event.blob.n);
        e->event.blob.p = e->blob;
    }
    begin_again(sh);
    go_on(s, o->shard);
}

void schedule_relay_report(struct schedule *s, uint64_t token_rest, bool delivered,
                           const char *error)
{
    struct shard *sh = &s->shards[token_rest % SHARD_COUNT];
    size_t size = token_rest / SHARD_COUNT;

    assert(sh->unreported > 0);
    sh->unreported--;
    if (!delivered && !sh->report_failed)
        sh->refusals++;
    if (!delivered)
        sh->report_failed = true;
    if (!delivered && strcmp(error, SINK_TOO_LARGE) == 0) {
        sh->refusals = 0; /* it is cut */
        refused(s, size);
        if (size <= OUTCOME_BARE_MAX)
            say_too_large(s, size);
    }
    if (is_told(s, sh))
        go_on_at(s, sh, reading_ms(s, sh, schedule_now(s)));
    else if (sh->unreported == 0 || sh->entry_at < sh->entry_count)
        go_on_at(s, sh, schedule_now(s));
}

/* Nothing is left for the next reading that might not come. */
void schedule_relay_hurry(struct schedule *s)
{
    for (unsigned i = 0; i < SHARD_COUNT; i++)
        if (is_told(s, &s->shards[i]) && !s->shards[i].reading)
            go_on_at(s, &s->shards[i], schedule_now(s));
}

bool schedule_relay_idle(const struct schedule *s)
{
    for (unsigned i = 0; i < SHARD_COUNT; i++)
        if (s->shards[i].reading || s->shards[i].unreported > 0 ||
            (schedule_up(s) && is_told(s, &s->shards[i])))
            return false;
    return true;
}

void schedule_relay_done(struct schedule *s)
{
    for (unsigned i = 0; i < SHARD_COUNT; i++)
        drop_entries(&s->shards[i]);
    heap_done(&s->relays);
    outcome_record_done(&s->outcome);
}
