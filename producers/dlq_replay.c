/* dlq replay: dead letters back into the partitions they came from, in the order they had there. */
#include "producers/dlq.h"

#include "bridge/commands.h"
#include "bridge/core/json_walk.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/io/kafka_sink.h"
#include "producers/console.h"

#include <uv.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LETTERS_MAX 100000      /* in one replay */
#define BYTES_MAX   (256 << 20) /* of them, held in memory to be sorted */

#define REPLAY_HEADERS 2 /* that a replay has beside its own */

enum fate {
    FATE_REPLAY,
    FATE_BEFORE,  /* was replayed before */
    FATE_WRITTEN, /* it, or a later event of its subject, was written since */
};

/* A dead letter as it was on its topic. */
struct letter {
    char *bytes; /* owned; all the views below point into it */
    struct dead_letter_place place;
    struct view topic;
    int32_t partition;
    int64_t offset;
    int64_t time_ms;
    struct view source;
    struct view id;
    struct view subject;
    bool has_key;
    struct view key;
    bool has_value;
    struct view value;
    int64_t timestamp_ms;
    struct record_header *headers; /* owned */
    size_t header_count;
    enum fate fate;
    bool put; /* acknowledged by the broker */
};

struct replay {
    struct dlq *d;
    struct letter **letters; /* sorted by topic, partition, offset */
    size_t count;
    size_t bytes;
    struct letter **by_subject; /* the same, sorted by subject */
    uv_loop_t loop;
    struct notice log;
    struct kafka_sink *sink;
    struct sink_port port;
    struct progress progress;
    uint64_t heard_ns; /* of the last acknowledgement */
    int64_t put;
    int64_t marked;
    bool stopped; /* one was not acknowledged: nothing after it may go */
    char error[FAULT_TEXT_MAX];
};

/* ---- what is to be replayed ---- */

static struct view copy(char **to, struct view v)
{
    struct view made = {*to, v.n};

    if (v.p == NULL)
        return v; /* a header's null is no empty value */
    memcpy(*to, v.p, v.n);
    *to += v.n;
    return made;
}

static struct letter *copy_letter(const struct dlq_entry *e)
{
    const struct record *r = e->record;
    struct letter *l = mem_zeroed(1, sizeof *l);
    size_t n = e->letter.topic.n + 1 + r->key.n + r->value.n + e->event.source.n + e->event.id.n +
               e->event.subject.n;
    char *to;

    for (size_t i = 0; i < r->header_count; i++)
        n += r->headers[i].name.n + r->headers[i].value.n;
    l->bytes = to = mem_zeroed(1, n);
    l->headers = mem_zeroed(r->header_count + REPLAY_HEADERS, sizeof *l->headers);
    l->place = e->place;
    l->topic = copy(&to, e->letter.topic);
    to++; /* a NUL stays behind it */
    l->partition = e->letter.partition;
    l->offset = e->letter.offset;
    l->time_ms = e->letter.time_ms;
    if (e->has_event) {
        l->source = copy(&to, e->event.source);
        l->id = copy(&to, e->event.id);
        l->subject = copy(&to, e->event.subject);
    }
    l->has_key = r->has_key;
    l->key = copy(&to, r->key);
    l->has_value = r->has_value;
    l->value = copy(&to, r->value);
    l->timestamp_ms = r->timestamp_ms;
    for (size_t i = 0; i < r->header_count; i++)
        if (dead_letter_keeps(r->headers[i].name))
            l->headers[l->header_count++] = (struct record_header){copy(&to, r->headers[i].name),
                                                                   copy(&to, r->headers[i].value)};
    return l;
}

static bool collect(void *ctx, struct dlq *d, const struct dlq_entry *e, struct fault *f)
{
    struct replay *r = ctx;
    struct letter *l;

    if (e->letter.cut || e->record->header_count > RECORD_HEADERS_READ) {
        console_say("dlq",
                    "%" PRId32 ":%" PRId64 " can't be replayed: %s; it came from %.*s[%" PRId32
                    "] offset %" PRId64,
                    e->place.partition, e->place.offset,
                    e->letter.cut ? "it was too large to be kept whole"
                                  : "it has more headers than can be read",
                    VIEW_ARG(e->letter.topic), e->letter.partition, e->letter.offset);
        return true;
    }
    r->bytes += sizeof *l + e->record->key.n + e->record->value.n +
                e->record->header_count * sizeof *l->headers;
    if (r->count == LETTERS_MAX || r->bytes > BYTES_MAX)
        return fault_set(f, FAULT_REJECT,
                         "more than %d dead letters, or %d MiB of them, are asked for; take fewer "
                         "by --type, --since and --until",
                         LETTERS_MAX, BYTES_MAX >> 20);
    r->letters = mem_resize(r->letters, r->count + 1, sizeof *r->letters);
    r->letters[r->count++] = l = copy_letter(e);
    if (!d->force && dlq_marks_has(&d->marks, e->place))
        l->fate = FATE_BEFORE;
    return true;
}

static int by_origin(const void *one, const void *other)
{
    const struct letter *a = *(struct letter *const *)one;
    const struct letter *b = *(struct letter *const *)other;
    int topics = view_cmp(a->topic, b->topic);

    if (topics != 0)
        return topics;
    if (a->partition != b->partition)
        return a->partition < b->partition ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static int by_subject(const void *one, const void *other)
{
    const struct letter *a = *(struct letter *const *)one;
    const struct letter *b = *(struct letter *const *)other;

    return view_cmp(a->subject, b->subject);
}

/* ---- what was written since, by the results ---- */

struct result {
    struct view source;
    struct view id;
    struct view subject;
    struct view topic;
    int64_t partition;
    int64_t offset;
};

static bool read_result(struct view data, struct result *out, struct buf *text)
{
    struct json_walk walk;
    struct view name;
    struct view raw;
    bool ok = true;

    *out = (struct result){.partition = -1, .offset = -1};
    if (!json_walk_init(&walk, data))
        return false;
    while (ok && json_walk_next(&walk, &name, &raw)) {
        if (view_is(name, "\"source\""))
            ok = json_walk_text(raw, text, &out->source);
        else if (view_is(name, "\"id\""))
            ok = json_walk_text(raw, text, &out->id);
        else if (view_is(name, "\"subject\""))
            ok = json_walk_text(raw, text, &out->subject);
        else if (view_is(name, "\"topic\""))
            ok = json_walk_text(raw, text, &out->topic);
        else if (view_is(name, "\"partition\""))
            ok = num_in(raw, 0, INT32_MAX, &out->partition);
        else if (view_is(name, "\"offset\""))
            ok = num_in(raw, 0, INT64_MAX, &out->offset);
    }
    return ok && out->subject.n > 0;
}

/* Within a partition the offsets tell what came later; between partitions only the time can. */
static bool came_later(const struct result *result, int64_t result_ms, const struct letter *l)
{
    if (view_eq(result->source, l->source) && view_eq(result->id, l->id))
        return true; /* it is the event itself, written after all */
    if (view_eq(result->topic, l->topic) && result->partition == l->partition)
        return result->offset > l->offset;
    return result_ms > l->time_ms;
}

static bool take_result(void *ctx, const struct record *record, int64_t done, int64_t total,
                        struct fault *f)
{
    struct replay *r = ctx;
    struct cloudevent event;
    struct result result;
    struct letter key;
    struct letter *wanted = &key;
    struct letter **at;
    struct buf text;
    struct fault unread;

    (void)f;
    r->progress.total = total;
    progress_at(&r->progress, done);
    if (!cloudevent_of_record(record, &event, &r->d->text, &unread) ||
        !view_is(event.type, "cmi.write.done") || event.content != CLOUDEVENT_JSON)
        return true;
    buf_init(&text, DLQ_EVENT_MAX);
    if (buf_room(&text, event.data.n + 1) != NULL && read_result(event.data, &result, &text)) {
        key.subject = result.subject;
        at = bsearch(&wanted, r->by_subject, r->count, sizeof *r->by_subject, by_subject);
        while (at != NULL && at > r->by_subject &&
               view_eq(at[-1]->subject, result.subject)) /* to the first of them */
            at--;
        for (;
             at != NULL && at < r->by_subject + r->count && view_eq((*at)->subject, result.subject);
             at++)
            if ((*at)->fate == FATE_REPLAY &&
                came_later(&result, event.has_time ? event.time_ms : record->timestamp_ms, *at))
                (*at)->fate = FATE_WRITTEN;
    }
    buf_done(&text);
    return true;
}

static bool look_at_results(struct replay *r, struct fault *f)
{
    bool exists = false;
    bool ok;

    if (r->d->results_topic == NULL || r->d->results_topic[0] == '\0')
        return fault_set(f, FAULT_REJECT,
                         "without a results topic it is not known what was written since; --force "
                         "replays all the same");
    r->by_subject = mem_copy(r->letters, r->count * sizeof *r->letters);
    qsort(r->by_subject, r->count, sizeof *r->by_subject, by_subject);
    progress_init(&r->progress, "looking at results", 0);
    ok = kafka_reader_scan(r->d->reader, r->d->results_topic, take_result, r, &exists, f);
    progress_end(&r->progress);
    return ok && (exists || fault_set(f, FAULT_REJECT,
                                      "topic %.80s does not exist, so it is not known what was "
                                      "written since; --force replays all the same",
                                      r->d->results_topic));
}

/* ---- putting back ---- */

/* Tokens: 2i for letter i, 2i + 1 for its mark. */
static void put_mark(struct replay *r, size_t i)
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
    struct fault f;

    dead_letter_place_text(r->letters[i]->place, place);
    snprintf(id, sizeof id, "replay-%s", place);
    headers[2].value = view_of(id);
    headers[5].value = view_of(place);
    if (!r->port.produce(r->port.ctx,
                         &(struct sink_record){.token = 2 * i + 1,
                                               .topic = r->d->topic,
                                               .has_value = true,
                                               .value = VIEW("{}"),
                                               .headers = headers,
                                               .header_count = sizeof headers / sizeof headers[0]},
                         &f) &&
        r->error[0] == '\0')
        snprintf(r->error, sizeof r->error, "%s was replayed, but not marked: %.160s", place,
                 f.text);
}

static void on_report(void *owner, uint64_t token, bool delivered, const char *error)
{
    struct replay *r = owner;
    struct letter *l = r->letters[token / 2];
    char place[DEAD_LETTER_PLACE_MAX];

    r->heard_ns = uv_hrtime();
    if (token % 2 == 1) {
        r->marked += delivered;
        return;
    }
    if (delivered) {
        l->put = true;
        r->put++;
        put_mark(r, token / 2);
        return;
    }
    r->stopped = true;
    dead_letter_place_text(l->place, place);
    if (r->error[0] == '\0')
        snprintf(r->error, sizeof r->error, "%s was not replayed: %.160s", place, error);
}

static bool put_letter(struct replay *r, size_t i, struct fault *f)
{
    struct letter *l = r->letters[i];
    char place[DEAD_LETTER_PLACE_MAX];
    char origin[DEAD_LETTER_PLACE_MAX];

    dead_letter_place_text(l->place, place);
    dead_letter_place_text((struct dead_letter_place){l->partition, l->offset}, origin);
    l->headers[l->header_count] = (struct record_header){VIEW(DEAD_LETTER_REPLAY), view_of(place)};
    l->headers[l->header_count + 1] =
        (struct record_header){VIEW(DEAD_LETTER_ORIGIN), view_of(origin)};
    return r->port.produce(
        r->port.ctx,
        &(struct sink_record){.token = 2 * i,
                              .topic = l->topic.p, /* NUL-terminated */
                              .has_partition = true,
                              .partition = l->partition,
                              .has_key = l->has_key,
                              .key = l->key,
                              .has_value = l->has_value,
                              .value = l->value,
                              .timestamp_ms = l->timestamp_ms > 0 ? l->timestamp_ms : 0,
                              .headers = l->headers,
                              .header_count = l->header_count + REPLAY_HEADERS},
        f);
}

static bool is_silent(const struct replay *r)
{
    return (uv_hrtime() - r->heard_ns) / 1000000 > (uint64_t)r->d->timeout_ms;
}

static bool start(struct replay *r, struct fault *f)
{
    struct kafka_conf conf = kafka_options_conf(&r->d->options);

    /* No time-out of single records: one that fails while a later one gets through would break the
     * order. Silence ends it all at once. */
    r->log = console_notice("dlq");
    r->sink = kafka_sink_new(&r->loop, &conf, NULL, 0, &r->log, on_report, r, f);
    if (r->sink == NULL)
        return false;
    r->port = kafka_sink_port(r->sink);
    r->heard_ns = uv_hrtime();
    return true;
}

static void wake_up(uv_timer_t *timer)
{
    (void)timer; /* so that silence is noticed */
}

static void put_back(struct replay *r, int64_t chosen)
{
    struct fault f;
    uv_timer_t timer;

    uv_timer_init(&r->loop, &timer);
    uv_timer_start(&timer, wake_up, 200, 200);
    progress_init(&r->progress, "replayed", chosen);
    for (size_t i = 0; i < r->count && !r->stopped; i++) {
        if (r->letters[i]->fate != FATE_REPLAY)
            continue;
        while (!r->stopped && !put_letter(r, i, &f)) {
            if (f.cls != FAULT_RETRY || is_silent(r)) {
                r->stopped = true;
                snprintf(r->error, sizeof r->error, "%s", f.text);
                break;
            }
            uv_run(&r->loop, UV_RUN_ONCE);
        }
        progress_at(&r->progress, r->put);
    }
    while (!is_silent(r) && kafka_sink_waiting(r->sink) > 0) {
        uv_run(&r->loop, UV_RUN_ONCE);
        progress_at(&r->progress, r->put);
    }
    progress_end(&r->progress);
    uv_close((uv_handle_t *)&timer, NULL);
    kafka_sink_close(r->sink, 0, NULL, NULL);
    uv_run(&r->loop, UV_RUN_DEFAULT);
}

/* ---- the command ---- */

static int64_t count_fate(const struct replay *r, enum fate fate)
{
    int64_t n = 0;

    for (size_t i = 0; i < r->count; i++)
        n += r->letters[i]->fate == fate;
    return n;
}

static void say_plan(const struct replay *r)
{
    static const char *const names[] = {"replay", "replayed before", "written since"};
    char place[DEAD_LETTER_PLACE_MAX];

    for (size_t i = 0; i < r->count; i++) {
        dead_letter_place_text(r->letters[i]->place, place);
        printf("%-10s %s[%" PRId32 "] offset %" PRId64 "  %s\n", place, r->letters[i]->topic.p,
               r->letters[i]->partition, r->letters[i]->offset, names[r->letters[i]->fate]);
    }
}

static int run(struct replay *r)
{
    int64_t chosen;
    struct fault f;

    if (!dlq_read_marks(r->d, &f) || !dlq_scan(r->d, collect, r, &f) ||
        (!r->d->force && r->count > 0 && !look_at_results(r, &f))) {
        console_say("dlq", "%s", f.text);
        return f.cls == FAULT_RETRY ? COMMAND_UNAVAILABLE : COMMAND_FAILED;
    }
    if (r->count > 0)
        qsort(r->letters, r->count, sizeof *r->letters, by_origin);
    chosen = count_fate(r, FATE_REPLAY);
    if (r->d->dry_run)
        say_plan(r);
    else if (chosen > 0) {
        if (!start(r, &f)) {
            console_say("dlq", "%s", f.text);
            return COMMAND_CONFIG;
        }
        put_back(r, chosen);
    }
    if (r->error[0] != '\0')
        console_say("dlq", "%s", r->error);
    printf("%s %" PRId64 " of %" PRId64 "; passed over: %" PRId64 " replayed before, %" PRId64
           " written since\n",
           r->d->dry_run ? "would replay" : "replayed", r->d->dry_run ? chosen : r->put, chosen,
           count_fate(r, FATE_BEFORE), count_fate(r, FATE_WRITTEN));
    if (r->d->dry_run)
        return COMMAND_OK;
    if (r->marked < r->put)
        console_say("dlq", "%" PRId64 " are not marked and would be replayed again",
                    r->put - r->marked);
    return r->put == chosen && r->marked == r->put ? COMMAND_OK : COMMAND_FAILED;
}

int dlq_replay(struct dlq *d)
{
    struct replay r = {.d = d};
    int code;

    uv_loop_init(&r.loop);
    code = run(&r);
    uv_loop_close(&r.loop);
    for (size_t i = 0; i < r.count; i++) {
        mem_free(r.letters[i]->bytes);
        mem_free(r.letters[i]->headers);
        mem_free(r.letters[i]);
    }
    mem_free(r.letters);
    mem_free(r.by_subject);
    return code;
}
