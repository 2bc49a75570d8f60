/* dlq replay: dead letters back into the partitions they came from, in the order they had there. */
#include "producers/dlq_put.h"

#include "bridge/commands.h"
#include "bridge/core/event_types.h"
#include "bridge/core/mem.h"
#include "bridge/io/kafka_sink.h"
#include "producers/console.h"

#include <uv.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LETTERS_MAX 100000      /* in one replay */
#define BYTES_MAX   (256 << 20) /* of them, held in memory to be sorted */

struct replay {
    struct dlq *d;
    struct dlq_letter **letters; /* sorted by topic, partition, offset */
    size_t count;
    size_t bytes;
    uv_loop_t loop;
    struct notice log;
    struct kafka_sink *sink;
    struct dlq_put put;
    struct progress progress;
    uv_signal_t told[2]; /* to end: SIGINT, SIGTERM */
    int number;          /* of the first that came; 0: none */
    bool hurry;          /* another one came */
    uint64_t heard_ns;   /* of the last report */
    int64_t impossible;  /* asked for, and can't be replayed */
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

static bool is_history(const struct dlq *d, const struct dlq_entry *e)
{
    const struct event_type *t =
        e->has_event ? event_type_find(e->event.type, view_of(d->filter.type_prefix)) : NULL;

    return t != NULL && !t->is_write;
}

static struct dlq_letter *copy_letter(const struct dlq *d, const struct dlq_entry *e)
{
    const struct record *r = e->record;
    struct dlq_letter *l = mem_zeroed(1, sizeof *l);
    size_t n = e->letter.topic.n + 1 + r->key.n + r->value.n + e->event.source.n + e->event.id.n +
               e->event.subject.n;
    char *to;

    for (size_t i = 0; i < r->header_count; i++)
        n += r->headers[i].name.n + r->headers[i].value.n;
    l->bytes = to = mem_zeroed(1, n);
    l->headers = mem_zeroed(r->header_count + DLQ_PUT_HEADERS, sizeof *l->headers);
    l->place = e->place;
    l->event.topic = copy(&to, e->letter.topic);
    to++; /* a NUL stays behind it */
    l->event.partition = e->letter.partition;
    l->event.offset = e->letter.offset;
    l->event.published = dead_letter_published(r, &e->letter, e->has_event ? &e->event : NULL);
    l->event.is_history = is_history(d, e);
    l->event.lacked_name = view_is(e->letter.disposition, "unknown-ref");
    if (e->has_event) {
        l->event.source = copy(&to, e->event.source);
        l->event.id = copy(&to, e->event.id);
        l->event.subject = copy(&to, e->event.subject);
    }
    l->has_key = r->has_key;
    l->key = copy(&to, r->key);
    l->has_value = r->has_value;
    l->value = copy(&to, r->value);
    l->has_timestamp = dead_letter_timestamp(r, &e->letter, &l->timestamp_ms);
    for (size_t i = 0; i < r->header_count; i++)
        if (dead_letter_keeps(r->headers[i].name))
            l->headers[l->header_count++] = (struct record_header){copy(&to, r->headers[i].name),
                                                                   copy(&to, r->headers[i].value)};
    return l;
}

static void say_impossible(struct replay *r, struct dead_letter_place place,
                           const struct dlq_event *e, const char *why)
{
    console_say("dlq",
                "%" PRId32 ":%" PRId64 " can't be replayed: %s; it came from %.*s[%" PRId32
                "] offset %" PRId64,
                place.partition, place.offset, why, VIEW_ARG(e->topic), e->partition, e->offset);
    r->impossible++;
}

static bool collect(void *ctx, struct dlq *d, const struct dlq_entry *e, struct fault *f)
{
    struct replay *r = ctx;
    struct dlq_letter *l;

    if (e->letter.cut || e->record->header_count > RECORD_HEADERS_READ) {
        const struct dlq_event origin = {
            .topic = e->letter.topic, .partition = e->letter.partition, .offset = e->letter.offset};

        say_impossible(r, e->place, &origin,
                       e->letter.cut ? "it was too large to be kept whole"
                                     : "it has more headers than can be read");
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
    r->letters[r->count++] = l = copy_letter(d, e);
    if (!d->force && dlq_marks_has(&d->marks, e->place))
        l->event.fate = DLQ_BEFORE;
    return true;
}

static int by_origin(const void *one, const void *other)
{
    const struct dlq_event *a = &(*(struct dlq_letter *const *)one)->event;
    const struct dlq_event *b = &(*(struct dlq_letter *const *)other)->event;
    int topics = view_cmp(a->topic, b->topic);

    if (topics != 0)
        return topics;
    if (a->partition != b->partition)
        return a->partition < b->partition ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static bool look_since(struct replay *r, struct fault *f)
{
    struct dlq_event **events = mem_zeroed(r->count, sizeof *events);
    bool ok;

    for (size_t i = 0; i < r->count; i++)
        events[i] = &r->letters[i]->event;
    ok = dlq_since(r->d, events, r->count, f);
    mem_free(events);
    return ok;
}

/* What can't go back to where it came from holds up no other. Sorted, each topic is asked for once.
 */
static bool look_for_origins(struct replay *r, struct fault *f)
{
    struct view topic = VIEW_NONE;
    int32_t partitions = 0;
    char why[FAULT_TEXT_MAX];

    for (size_t i = 0; i < r->count; i++) {
        struct dlq_event *e = &r->letters[i]->event;

        if (e->fate != DLQ_REPLAY)
            continue;
        if (!view_eq(e->topic, topic) &&
            !kafka_reader_partitions(r->d->reader, e->topic.p, &partitions, f))
            return false;
        topic = e->topic;
        if (e->partition < partitions)
            continue;
        if (partitions == 0)
            (void)snprintf(why, sizeof why, "its topic does not exist any more");
        else
            (void)snprintf(why, sizeof why, "its topic has %" PRId32 " partition%s now", partitions,
                           partitions == 1 ? "" : "s");
        e->fate = DLQ_GONE;
        say_impossible(r, r->letters[i]->place, e, why);
    }
    return true;
}

/* ---- putting back ---- */

static void on_report(void *owner, uint64_t token, bool delivered, const char *error)
{
    struct replay *r = owner;

    r->heard_ns = uv_hrtime();
    dlq_put_report(&r->put, token, delivered, error);
}

static void on_told(uv_signal_t *handle, int number)
{
    struct replay *r = handle->data;

    r->hurry = r->number != 0;
    if (r->number == 0)
        r->number = number;
    if (!r->hurry && !dlq_put_done(&r->put))
        console_say("dlq", "ending when what was sent is marked; once more ends it at once");
    dlq_put_stop(&r->put);
}

static void watch_signals(struct replay *r)
{
    static const int numbers[] = {SIGINT, SIGTERM};

    for (size_t i = 0; i < 2; i++) {
        (void)uv_signal_init(&r->loop, &r->told[i]);
        r->told[i].data = r;
        (void)uv_signal_start(&r->told[i], on_told, numbers[i]);
    }
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
    dlq_put_init(&r->put, r->d->topic, r->letters, r->count, kafka_sink_port(r->sink));
    r->heard_ns = uv_hrtime();
    return true;
}

static void wake_up(uv_timer_t *timer)
{
    (void)timer; /* so that silence is noticed */
}

static void put_back(struct replay *r, int64_t chosen)
{
    const char *trouble = kafka_sink_trouble(r->sink);
    uv_timer_t timer;

    uv_timer_init(&r->loop, &timer);
    uv_timer_start(&timer, wake_up, 200, 200);
    watch_signals(r);
    progress_init(&r->progress, "replayed", chosen);
    for (;;) {
        dlq_put_step(&r->put);
        progress_at(&r->progress, r->put.put);
        if (dlq_put_done(&r->put) || is_silent(r) || r->hurry)
            break;
        uv_run(&r->loop, UV_RUN_ONCE);
    }
    progress_end(&r->progress);
    if (!dlq_put_done(&r->put) && !r->hurry)
        console_say("dlq", "nothing was acknowledged for %" PRId64 " s, so it ends%s%s",
                    r->d->timeout_ms / 1000, trouble[0] != '\0' ? ": " : "", trouble);
    dlq_put_stop(&r->put);
    uv_close((uv_handle_t *)&timer, NULL);
    for (size_t i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&r->told[i], NULL);
    kafka_sink_close(r->sink, 0, NULL, NULL);
    uv_run(&r->loop, UV_RUN_DEFAULT);
}

/* ---- the command ---- */

static int64_t count_fate(const struct replay *r, enum dlq_fate fate)
{
    int64_t n = 0;

    for (size_t i = 0; i < r->count; i++)
        n += r->letters[i]->event.fate == fate;
    return n;
}

static void say_plan(const struct replay *r)
{
    static const char *const names[] = {[DLQ_REPLAY] = "replay",
                                        [DLQ_BEFORE] = "replayed before",
                                        [DLQ_GONE] = "can't be replayed",
                                        [DLQ_PERHAPS] = "perhaps written since",
                                        [DLQ_WRITTEN] = "written since"};
    char place[DEAD_LETTER_PLACE_MAX];

    for (size_t i = 0; i < r->count; i++) {
        const struct dlq_event *e = &r->letters[i]->event;

        dead_letter_place_text(r->letters[i]->place, place);
        printf("%-10s %s[%" PRId32 "] offset %" PRId64 "  %s\n", place, e->topic.p, e->partition,
               e->offset, names[e->fate]);
    }
}

static void say_counts(const struct replay *r, int64_t chosen)
{
    int64_t perhaps = count_fate(r, DLQ_PERHAPS);

    printf("%s %" PRId64 " of %" PRId64 "; passed over: %" PRId64 " replayed before, %" PRId64
           " written since",
           r->d->dry_run ? "would replay" : "replayed", r->d->dry_run ? chosen : r->put.put, chosen,
           count_fate(r, DLQ_BEFORE), count_fate(r, DLQ_WRITTEN));
    if (perhaps > 0)
        printf(", %" PRId64 " perhaps written since: it can't be told for certain "
               "(--dry-run names them, --force replays them)",
               perhaps);
    if (r->impossible > 0)
        printf(", %" PRId64 " can't be replayed", r->impossible);
    if (r->put.refused > 0)
        printf(", %" PRId64 " refused", r->put.refused);
    if (r->put.left > 0)
        printf(", %" PRId64 " left behind what was refused", r->put.left);
    putchar('\n');
}

/* Which there are, in their order, and what is to become of each. */
static bool find_letters(struct replay *r, struct fault *f)
{
    if (!dlq_read_marks(r->d, f) || !dlq_scan(r->d, collect, r, f) ||
        (!r->d->force && r->count > 0 && !look_since(r, f)))
        return false;
    if (r->count > 0)
        qsort(r->letters, r->count, sizeof *r->letters, by_origin);
    return look_for_origins(r, f);
}

static int put_code(const struct replay *r, int64_t chosen, bool all_there)
{
    const struct dlq_put *p = &r->put;

    if (p->marked < p->put)
        console_say("dlq", "%" PRId64 " are not marked and would be replayed again",
                    p->put - p->marked);
    if (p->put == chosen && p->marked == p->put && all_there)
        return COMMAND_OK;
    if (r->number != 0)
        console_say("dlq", "told to end; the next replay goes on with the rest");
    return r->number != 0 && p->marked == p->put && p->refused == 0 && all_there ? 128 + r->number
                                                                                 : COMMAND_FAILED;
}

static int run(struct replay *r)
{
    bool all_there;
    int64_t chosen;
    struct fault f;

    if (!find_letters(r, &f)) {
        console_say("dlq", "%s", f.text);
        return f.cls == FAULT_RETRY ? COMMAND_UNAVAILABLE : COMMAND_FAILED;
    }
    chosen = count_fate(r, DLQ_REPLAY);
    if (r->d->dry_run)
        say_plan(r);
    else if (chosen > 0) {
        if (!start(r, &f)) {
            console_say("dlq", "%s", f.text);
            return COMMAND_CONFIG;
        }
        put_back(r, chosen);
    }
    dlq_put_say_open(&r->put);
    if (r->put.error[0] != '\0')
        console_say("dlq", "%s", r->put.error);
    say_counts(r, chosen);
    all_there = dlq_say_missing(r->d) && r->impossible == 0;
    if (r->d->dry_run)
        return all_there ? COMMAND_OK : COMMAND_FAILED;
    return put_code(r, chosen, all_there);
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
    return code;
}
