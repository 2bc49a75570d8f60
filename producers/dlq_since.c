#include "producers/dlq_since.h"

#include "bridge/core/datetime.h"
#include "bridge/core/guid.h"
#include "bridge/core/json_walk.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/core/subject.h"
#include "producers/console.h"

#include <inttypes.h>
#include <stdlib.h>

#define ALIASES_AT_FIRST 1024

/* What an event writes to. */
struct name {
    char *text; /* owned */
    size_t n;
    struct dlq_event *event;
    /* Of an event that lacked its name: the one that has created it, source and id; owned; NULL:
     * none has. */
    char *maker_source;
    char *maker_id;
    enum dlq_fate made; /* what that would come to, were it any other write */
};

/* Another name of what names[first] and those equal to it name. */
struct alias {
    char text[SUBJECT_COLLECTION_MAX + GUID_TEXT_MAX];
    size_t n;
    size_t first;
};

struct look {
    struct dlq *d;
    struct name *names; /* sorted by text */
    size_t count;
    struct alias *aliases; /* sorted by text, and each once, after sort_aliases */
    size_t alias_count;
    size_t alias_room; /* aliases are sorted when there are so many */
    bool learning;     /* else judging */
    struct kafka_reader_kept kept;
    struct progress progress;
};

/* ---- names ---- */

static struct view name_text(const struct name *n)
{
    return (struct view){n->text, n->n};
}

static int by_text(const void *one, const void *other)
{
    return view_cmp(name_text(one), name_text(other));
}

static struct view alias_text(const struct alias *a)
{
    return (struct view){a->text, a->n};
}

static int by_alias(const void *one, const void *other)
{
    const struct alias *a = one;
    const struct alias *b = other;
    int texts = view_cmp(alias_text(a), alias_text(b));

    return texts != 0 ? texts : a->first < b->first ? -1 : a->first > b->first;
}

/* The first of that name; l->count: there is none. */
static size_t find_name(const struct look *l, struct view text)
{
    size_t from = 0;
    size_t to = l->count;

    while (from < to) {
        size_t mid = from + (to - from) / 2;

        if (view_cmp(name_text(&l->names[mid]), text) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from < l->count && view_eq(name_text(&l->names[from]), text) ? from : l->count;
}

static size_t find_alias(const struct look *l, struct view text)
{
    size_t from = 0;
    size_t to = l->alias_count;

    while (from < to) {
        size_t mid = from + (to - from) / 2;

        if (view_cmp(alias_text(&l->aliases[mid]), text) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static void take_names(struct look *l, struct dlq_event *const *events, size_t count)
{
    char room[SUBJECT_NAME_MAX];

    l->names = mem_zeroed(count, sizeof *l->names);
    for (size_t i = 0; i < count; i++) {
        struct view text = subject_name(events[i]->subject, room);

        if (events[i]->fate == DLQ_REPLAY && !events[i]->is_history && text.n > 0)
            l->names[l->count++] =
                (struct name){.text = mem_text(text.p, text.n), .n = text.n, .event = events[i]};
    }
    if (l->count > 0)
        qsort(l->names, l->count, sizeof *l->names, by_text);
}

static void sort_aliases(struct look *l)
{
    size_t kept = 0;

    if (l->alias_count > 0)
        qsort(l->aliases, l->alias_count, sizeof *l->aliases, by_alias);
    for (size_t i = 0; i < l->alias_count; i++)
        if (kept == 0 || by_alias(&l->aliases[kept - 1], &l->aliases[i]) != 0)
            l->aliases[kept++] = l->aliases[i];
    l->alias_count = kept;
}

static bool add_alias(struct look *l, struct view text, size_t first, struct fault *f)
{
    struct alias a = {.n = text.n, .first = first};

    if (l->alias_count == l->alias_room) {
        sort_aliases(l);
        if (l->alias_count > DLQ_ALIASES_MAX)
            return fault_set(f, FAULT_REJECT,
                             "the references of what is asked for stood for more than %d ids; take "
                             "fewer by --type, --since and --until",
                             DLQ_ALIASES_MAX);
        l->alias_room = 2 * l->alias_count + ALIASES_AT_FIRST;
        l->aliases = mem_resize(l->aliases, l->alias_room, sizeof *l->aliases);
    }
    view_copy(text, a.text, sizeof a.text);
    l->aliases[l->alias_count++] = a;
    return true;
}

/* ---- results ---- */

struct result {
    struct view source; /* of the event */
    struct view id;
    struct view type;
    struct view subject;
    struct view path;
    struct view created;
    struct view topic;
    int64_t partition;
    int64_t offset;
    int64_t at_ms; /* 0: not known */
};

static bool read_result(struct view data, struct result *out, struct buf *text)
{
    const struct {
        const char *name;
        struct view *to;
    } texts[] = {{"\"source\"", &out->source}, {"\"id\"", &out->id},
                 {"\"type\"", &out->type},     {"\"subject\"", &out->subject},
                 {"\"path\"", &out->path},     {"\"created\"", &out->created},
                 {"\"topic\"", &out->topic}};
    struct json_walk walk;
    struct view name;
    struct view raw;
    bool ok = true;

    *out = (struct result){.partition = -1, .offset = -1};
    if (!json_walk_init(&walk, data))
        return false;
    while (ok && json_walk_next(&walk, &name, &raw)) {
        for (size_t i = 0; ok && i < sizeof texts / sizeof texts[0]; i++)
            if (view_is(name, texts[i].name))
                ok = json_walk_text(raw, text, texts[i].to);
        if (ok && view_is(name, "\"partition\""))
            ok = num_in(raw, 0, INT32_MAX, &out->partition);
        else if (ok && view_is(name, "\"offset\""))
            ok = num_in(raw, 0, INT64_MAX, &out->offset);
    }
    return ok && out->subject.n > 0;
}

/* What it went to, by its id. */
static struct view id_name(const struct look *l, const struct result *r, char out[SUBJECT_NAME_MAX])
{
    const struct event_type *t = event_type_find(r->type, view_of(l->d->filter.type_prefix));

    return t == NULL ? VIEW_NONE : subject_name_of_write(t, r->path, r->created, out);
}

static bool learn(struct look *l, const struct result *r, struct fault *f)
{
    char name_room[SUBJECT_NAME_MAX];
    char id_room[SUBJECT_NAME_MAX];
    struct view name = subject_name(r->subject, name_room);
    size_t first = find_name(l, name);
    struct view id = first < l->count ? id_name(l, r, id_room) : VIEW_NONE;

    return id.n == 0 || view_eq(id, name) || add_alias(l, id, first, f);
}

static bool is_result_of(const struct result *r, const struct dlq_event *e)
{
    return view_eq(r->source, e->source) && view_eq(r->id, e->id);
}

static enum dlq_fate fate_by(const struct result *r, const struct dlq_event *e)
{
    static const enum dlq_fate by_time[] = {[DEAD_LETTER_EARLIER] = DLQ_REPLAY,
                                            [DEAD_LETTER_PERHAPS] = DLQ_PERHAPS,
                                            [DEAD_LETTER_SINCE] = DLQ_WRITTEN};

    if (is_result_of(r, e))
        return DLQ_WRITTEN; /* it is the event itself, written after all */
    if (view_eq(r->topic, e->topic) && r->partition == e->partition)
        return r->offset > e->offset ? DLQ_WRITTEN : DLQ_REPLAY;
    return r->at_ms > 0 ? by_time[dead_letter_since(&e->published, r->at_ms)] : DLQ_PERHAPS;
}

static bool creates(const struct look *l, const struct result *r)
{
    const struct event_type *t = event_type_find(r->type, view_of(l->d->filter.type_prefix));

    return t != NULL && t->keeps_id;
}

/* It was waiting for that one. But for one only: by another one the name stands for something else.
 */
static enum dlq_fate fate_by_maker(const struct result *r, struct name *n, enum dlq_fate fate)
{
    if (n->maker_id == NULL) {
        n->maker_source = mem_text(r->source.p, r->source.n);
        n->maker_id = mem_text(r->id.p, r->id.n);
        n->made = fate;
    }
    if (view_is(r->source, n->maker_source) && view_is(r->id, n->maker_id))
        return DLQ_REPLAY;
    return fate > n->made ? fate : n->made;
}

static void judge_named(struct look *l, const struct result *r, size_t first)
{
    for (size_t i = first; i < l->count && by_text(&l->names[i], &l->names[first]) == 0; i++) {
        struct dlq_event *e = l->names[i].event;
        enum dlq_fate fate = fate_by(r, e);

        if (e->lacked_name && creates(l, r) && !is_result_of(r, e))
            fate = fate_by_maker(r, &l->names[i], fate);
        if (fate > e->fate)
            e->fate = fate;
    }
}

static void judge_by(struct look *l, const struct result *r, struct view name)
{
    judge_named(l, r, find_name(l, name));
    for (size_t i = find_alias(l, name);
         i < l->alias_count && view_eq(alias_text(&l->aliases[i]), name); i++)
        judge_named(l, r, l->aliases[i].first);
}

static void judge(struct look *l, const struct result *r)
{
    char name_room[SUBJECT_NAME_MAX];
    char id_room[SUBJECT_NAME_MAX];
    struct view name = subject_name(r->subject, name_room);
    struct view id = id_name(l, r, id_room);

    judge_by(l, r, name);
    if (id.n > 0 && !view_eq(id, name))
        judge_by(l, r, id);
}

/* A rejected one tells what its reference stood for, too. */
static bool take_result(void *ctx, const struct record *record, int64_t done, int64_t total,
                        struct fault *f)
{
    struct look *l = ctx;
    struct cloudevent event;
    struct result result;
    struct buf text;
    struct fault unread;
    bool ok = true;

    l->progress.total = total;
    progress_at(&l->progress, done);
    if (!cloudevent_of_record(record, &event, &l->d->text, &unread) ||
        event.content != CLOUDEVENT_JSON ||
        !(view_is(event.type, "cmi.write.done") ||
          (l->learning && view_is(event.type, "cmi.write.rejected"))))
        return true;
    buf_init(&text, DLQ_EVENT_MAX);
    if (buf_room(&text, event.data.n + 1) != NULL && read_result(event.data, &result, &text)) {
        result.at_ms = event.has_time ? event.time_ms : record->timestamp_ms;
        if (l->learning)
            ok = learn(l, &result, f);
        else
            judge(l, &result);
    }
    buf_done(&text);
    return ok;
}

/* ---- the look ---- */

static bool scan(struct look *l, bool learning, struct fault *f)
{
    bool ok;

    l->learning = learning;
    progress_init(&l->progress, learning ? "looking at names" : "looking at results", 0);
    ok = kafka_reader_scan(l->d->reader, l->d->results_topic, take_result, l, &l->kept, f);
    progress_end(&l->progress);
    return ok;
}

/* Of what the topic has no longer, all may have been written since that ended no earlier. */
static void judge_dropped(struct look *l)
{
    const char *topic = l->d->results_topic;
    char since[DATETIME_TEXT_MAX];
    int64_t count = 0;

    if (!l->kept.dropped)
        return;
    for (size_t i = 0; i < l->count; i++) {
        struct dlq_event *e = l->names[i].event;

        if (e->fate == DLQ_REPLAY &&
            dead_letter_since(&e->published, l->kept.since_ms) != DEAD_LETTER_EARLIER) {
            e->fate = DLQ_PERHAPS;
            count++;
        }
    }
    if (count == 0)
        return;
    datetime_format(l->kept.since_ms, since);
    console_say("dlq",
                "topic %.80s has dropped its results%s%s, so it is not known whether what %" PRId64
                " dead letters are about was written since",
                topic, l->kept.since_ms == INT64_MAX ? "" : " of before ",
                l->kept.since_ms == INT64_MAX ? "" : since, count);
}

static bool has_references(const struct look *l)
{
    size_t i = 0;

    while (i < l->count && !subject_may_be_reference(name_text(&l->names[i])))
        i++;
    return i < l->count;
}

static bool look(struct look *l, struct fault *f)
{
    const char *topic = l->d->results_topic;
    bool ok;

    if (topic == NULL || topic[0] == '\0')
        return fault_set(f, FAULT_REJECT,
                         "without a results topic it is not known what was written since; --force "
                         "replays all the same");
    ok = !has_references(l) || scan(l, true, f);
    sort_aliases(l);
    if (!ok || !scan(l, false, f))
        return false;
    if (!l->kept.exists)
        return fault_set(f, FAULT_REJECT,
                         "topic %.80s does not exist, so it is not known what was written since; "
                         "--force replays all the same",
                         topic);
    judge_dropped(l);
    return true;
}

bool dlq_since(struct dlq *d, struct dlq_event *const *events, size_t count, struct fault *f)
{
    struct look l = {.d = d};
    bool ok;

    take_names(&l, events, count);
    ok = l.count == 0 || look(&l, f);
    for (size_t i = 0; i < l.count; i++) {
        mem_free(l.names[i].text);
        mem_free(l.names[i].maker_source);
        mem_free(l.names[i].maker_id);
    }
    mem_free(l.names);
    mem_free(l.aliases);
    return ok;
}
