#include "bridge/run/consume_state.h"

#include "bridge/core/backoff.h"
#include "bridge/core/datetime.h"
#include "bridge/core/dead_letter.h"
#include "bridge/core/json_out.h"
#include "bridge/core/utf8.h"
#include "bridge/ports/fault_point.h"

#include <stdio.h>
#include <string.h>

#define NUMBER_TEXT    24
#define RESULT_HEADERS 8
#define RESULT_ID_MAX  (CONSUME_KEY_LEN + sizeof ".rejected." + DEAD_LETTER_PLACE_MAX)

const char *consume_disposition_name(enum disposition d)
{
    switch (d) {
    case POISON:
        return "poison";
    case REFUSED:
        return "refused";
    case EXHAUSTED:
        return "exhausted";
    case UNKNOWN_REF:
        return "unknown-ref";
    case UNROUTED:
        return "unrouted";
    }
    return "unknown";
}

/* ---- what a topic does not take ---- */

static struct outlet *outlet_of(struct consume *c, const struct delivery *d)
{
    return d->state == DELIVERY_BURYING ? &c->letters : &c->results;
}

static void say_refused(struct consume *c, struct outlet *o, const struct delivery *d,
                        const char *why)
{
    int64_t now = consume_now(c);

    if (now < o->say_ms && strncmp(o->trouble, why, sizeof o->trouble - 1) == 0)
        return;
    o->say_ms = now + CONSUME_SAY_MS;
    notice_say(c->port.log, NOTICE_WARN, "produce_failed", NOTICE_TEXT("to", o->topic),
               NOTICE_TEXT("reason", why), NOTICE_VIEW("topic", d->record.topic),
               NOTICE_INT("partition", d->record.partition), NOTICE_INT("offset", d->record.offset),
               NOTICE_INT("waiting", (int64_t)o->refused));
}

void consume_report_refused(struct consume *c, struct delivery *d, const char *why)
{
    static const struct backoff again = {CONSUME_AGAIN_MS, CONSUME_REFUSED_MS};
    struct outlet *o = outlet_of(c, d);

    stat_add(o->stat_refused, 1);
    o->refused += d->refusals == 0;
    say_refused(c, o, d, why);
    (void)snprintf(o->trouble, sizeof o->trouble, "%s", why);
    (void)snprintf(o->place, sizeof o->place, "%.*s[%d]@%lld", VIEW_ARG(d->record.topic),
                   (int)d->record.partition, (long long)d->record.offset);
    heap_remove(&c->timers, &d->timer);
    heap_put(&c->timers, &d->timer,
             consume_now(c) + backoff_wait_ms(&again, d->refusals, 0, consume_random(c)));
    d->refusals++;
}

void consume_report_over(struct consume *c, struct delivery *d, enum delivery_state to)
{
    struct outlet *o = outlet_of(c, d);

    if (d->refusals == 0)
        return;
    d->refusals = 0;
    o->refused--;
    if (o->refused > 0)
        return;
    o->trouble[0] = '\0';
    if (to != DELIVERY_DROPPED)
        notice_say(c->port.log, NOTICE_INFO, "produce_works", NOTICE_TEXT("to", o->topic));
}

static void outlet_init(struct consume *c, struct outlet *o, const char *topic)
{
    struct buf labels;

    o->topic = topic;
    if (topic == NULL)
        return;
    buf_init(&labels, 512);
    stats_label(&labels, "topic", view_of(topic));
    o->stat_refused =
        stats_get(c->port.stats, STAT_COUNTER, "cmibridge_produce_failed_total", buf_text(&labels),
                  "Dead letters and results that their topic did not take; each is "
                  "tried again");
    buf_done(&labels);
}

void consume_report_init(struct consume *c)
{
    outlet_init(c, &c->letters, c->conf.dead_letters_topic);
    outlet_init(c, &c->results, c->conf.results_topic);
}

bool consume_report_ready(const struct consume *c, struct buf *why)
{
    const struct outlet *outlets[] = {&c->letters, &c->results};
    bool ready = true;

    for (size_t i = 0; i < sizeof outlets / sizeof outlets[0]; i++)
        if (outlets[i]->refused > 0)
            ready = !buf_printf(why, "topic %s does not take %zu records, such as that of %s: %s\n",
                                outlets[i]->topic, outlets[i]->refused, outlets[i]->place,
                                outlets[i]->trouble);
    return ready;
}

/* false: the record can't be produced, ever. */
static bool produce(struct consume *c, struct delivery *d, const struct sink_record *r,
                    struct fault *f)
{
    if (c->port.sink.produce(c->port.sink.ctx, r, f)) {
        FAULT_POINT(RESULT_PRODUCED);
        d->asked++;
        return true;
    }
    if (f->cls == FAULT_STOP) {
        consume_report_refused(c, d, f->text);
        return true;
    }
    if (f->cls != FAULT_RETRY)
        return false;
    consume_again_later(c, d);
    return true;
}

static void stop(struct consume *c, const struct delivery *d, const struct sink_record *r,
                 struct fault *f)
{
    /* The broker would never take it: going on would lose the event or its result. */
    fault_add(f, "the record at %.*s[%d]@%lld can't be reported to %s", VIEW_ARG(d->record.topic),
              (int)d->record.partition, (long long)d->record.offset, r->topic);
    consume_fail(c, f);
}

/* ---- results ---- */

/* most: characters of what the event says of itself. By the origin `dlq replay` knows what came
 * before what, so a replay keeps its first one. */
static void put_result(struct consume *c, const struct delivery *d, struct json_out *j, size_t most)
{
    struct dead_letter_place origin = dead_letter_origin(&d->record);

    json_object(j);
    json_key(j, "source");
    json_string(j, utf8_cut(d->event.source, most));
    json_key(j, "id");
    json_string(j, utf8_cut(d->event.id, most));
    json_key(j, "type");
    json_string(j, utf8_cut(d->event.type, most));
    json_key(j, "subject");
    json_string(j, utf8_cut(d->event.subject, most));
    if (d->destination != NULL) {
        json_key(j, "target");
        json_text(j, d->destination->conf->name);
    }
    json_key(j, "method");
    json_text(j, d->type->method);
    if (d->path.n > 0) {
        json_key(j, "path");
        json_string(j, utf8_cut(buf_view(&d->path), most));
    }
    if (d->status > 0) {
        json_key(j, "status");
        json_int(j, d->status);
    }
    if (d->created[0] != '\0') {
        json_key(j, "created");
        json_text(j, d->created);
    }
    if (d->replaced[0] != '\0') {
        json_key(j, "replaced_id");
        json_text(j, d->replaced);
    }
    json_key(j, "attempts");
    json_int(j, d->attempts);
    json_key(j, "milliseconds");
    json_int(j, consume_now(c) - d->taken_ms);
    json_key(j, "possible_duplicate");
    json_bool(j, d->possible_duplicate);
    if (d->rejected) {
        json_key(j, "disposition");
        json_text(j, consume_disposition_name(d->disposition));
        json_key(j, "error");
        json_text(j, d->fault.text);
    }
    json_key(j, "topic");
    json_string(j, d->record.topic);
    json_key(j, "partition");
    json_int(j, origin.partition);
    json_key(j, "offset");
    json_int(j, origin.offset);
    json_object_end(j);
}

/* The same for the same result, however often it is produced; another for each outcome of the
 * event, and of each of its replays. */
static struct view result_id(const struct delivery *d, char out[RESULT_ID_MAX])
{
    struct dead_letter_place letter;
    char place[DEAD_LETTER_PLACE_MAX] = "";

    if (dead_letter_replay(&d->record, &letter))
        dead_letter_place_text(letter, place);
    (void)snprintf(out, RESULT_ID_MAX, "%s.%s%s%s", d->key, d->rejected ? "rejected" : "done",
                   place[0] != '\0' ? "." : "", place);
    return view_of(out);
}

/* A topic that is compacted takes nothing without a key: where the event has none it is what it is
 * about, which is also its key for the order of writes. */
static struct view result_key(const struct delivery *d)
{
    return d->record.has_key        ? d->record.key
           : d->event.subject.n > 0 ? d->event.subject
                                    : d->event.id;
}

/* A result is small, but for what it says of the event: a key, a subject, an id as long as a record
 * may be. */
static bool produce_short(struct consume *c, struct delivery *d, struct sink_record *r,
                          struct fault *f)
{
    struct record_header headers[RESULT_HEADERS];
    struct json_out j;

    buf_clear(&c->scratch);
    json_out_init(&j, &c->scratch);
    put_result(c, d, &j, CONSUME_CUT_KEY_MAX);
    r->value = buf_view(&c->scratch);
    r->key = r->key.n <= CONSUME_CUT_KEY_MAX ? r->key : view_of(d->key);
    memcpy(headers, r->headers, r->header_count * sizeof *headers);
    for (size_t i = 0; i < r->header_count; i++)
        headers[i].value = utf8_cut(headers[i].value, CONSUME_CUT_KEY_MAX);
    r->headers = headers;
    return produce(c, d, r, f);
}

void consume_report_result(struct consume *c, struct delivery *d)
{
    struct record_header headers[RESULT_HEADERS];
    struct sink_record r = {.token = consume_token(d), .topic = c->conf.results_topic};
    struct buf *data = &c->scratch;
    struct json_out j;
    char id[RESULT_ID_MAX];
    char time[DATETIME_TEXT_MAX];
    struct fault f = {0};
    size_t n = 0;

    if (c->conf.results_topic == NULL) {
        consume_move(c, d, DELIVERY_ON_FINISH);
        return;
    }
    buf_clear(data);
    json_out_init(&j, data);
    put_result(c, d, &j, CONSUME_RESULT_MAX);
    datetime_format(c->port.clock.wall_ms(c->port.clock.ctx), time);
    headers[n++] = (struct record_header){VIEW("content-type"), VIEW("application/json")};
    headers[n++] = (struct record_header){VIEW("ce_specversion"), VIEW("1.0")};
    headers[n++] = (struct record_header){VIEW("ce_id"), result_id(d, id)};
    headers[n++] = (struct record_header){VIEW("ce_source"), VIEW("cmibridge/consume")};
    headers[n++] = (struct record_header){VIEW("ce_type"), d->rejected ? VIEW("cmi.write.rejected")
                                                                       : VIEW("cmi.write.done")};
    headers[n++] = (struct record_header){VIEW("ce_time"), view_of(time)};
    headers[n++] = (struct record_header){VIEW("ce_subject"), d->event.subject};
    if (d->trace[0] != '\0')
        headers[n++] = (struct record_header){VIEW("ce_traceparent"), view_of(d->trace)};
    r.has_key = true;
    r.key = result_key(d);
    r.has_value = true;
    r.value = buf_view(data);
    r.headers = headers;
    r.header_count = n;
    if ((d->too_large || data->full || !produce(c, d, &r, &f)) && !produce_short(c, d, &r, &f))
        stop(c, d, &r, &f);
}

/* ---- dead letters ---- */

static struct view number(char out[NUMBER_TEXT], int64_t n)
{
    (void)snprintf(out, NUMBER_TEXT, "%lld", (long long)n);
    return view_of(out);
}

/* The record's own headers; those of an earlier dead letter are not its own, but a replay's place
 * is kept. */
static size_t put_own(const struct delivery *d, struct record_header *to)
{
    size_t n = 0;

    for (size_t i = 0; i < d->record.header_count && n < DEAD_LETTER_OWN_MAX; i++)
        if (!view_starts(d->record.headers[i].name, VIEW(DEAD_LETTER_PREFIX)))
            to[n++] = d->record.headers[i];
    return n;
}

/* What does not fit into its topic is kept without its value and headers: where it came from is
 * said, and it may still be there. Else one large record would hold up all that come after it. */
static bool produce_cut(struct consume *c, struct delivery *d, struct sink_record *r,
                        struct record_header *about, size_t count, struct fault *f)
{
    about[count++] = (struct record_header){VIEW(DEAD_LETTER_CUT), VIEW("value")};
    r->has_value = false;
    r->value = VIEW_NONE;
    if (r->key.n > CONSUME_CUT_KEY_MAX) {
        r->has_key = false;
        r->key = VIEW_NONE;
    }
    r->headers = about;
    r->header_count = count;
    if (!produce(c, d, r, f))
        return false;
    notice_say(c->port.log, NOTICE_WARN, "dead_letter_cut", NOTICE_VIEW("topic", d->record.topic),
               NOTICE_INT("partition", d->record.partition), NOTICE_INT("offset", d->record.offset),
               NOTICE_INT("bytes", (int64_t)(d->record.key.n + d->record.value.n)));
    return true;
}

/* The record as it was, with what failed, where, when and how often in headers beside its own. Its
 * own timestamp, too: by that of an old record the topic's retention would drop it at once. */
void consume_report_dead(struct consume *c, struct delivery *d)
{
    struct record_header headers[RECORD_HEADERS_READ];
    struct sink_record r = {.token = consume_token(d), .topic = c->conf.dead_letters_topic};
    struct dead_letter_place origin = dead_letter_origin(&d->record);
    struct fault f = {0};
    char status[NUMBER_TEXT];
    char attempts[NUMBER_TEXT];
    char partition[NUMBER_TEXT];
    char offset[NUMBER_TEXT];
    char time[DATETIME_TEXT_MAX];
    char timestamp[DATETIME_TEXT_MAX] = DEAD_LETTER_TIMELESS;
    size_t own = put_own(d, headers);
    size_t n = own;

    datetime_format(c->port.clock.wall_ms(c->port.clock.ctx), time);
    headers[n++] =
        (struct record_header){VIEW(DEAD_LETTER_CLASS), view_of(fault_class_name(d->fault.cls))};
    if (d->status > 0)
        headers[n++] = (struct record_header){VIEW(DEAD_LETTER_STATUS), number(status, d->status)};
    headers[n++] = (struct record_header){VIEW(DEAD_LETTER_TEXT), view_of(d->fault.text)};
    headers[n++] =
        (struct record_header){VIEW(DEAD_LETTER_ATTEMPTS), number(attempts, d->attempts)};
    headers[n++] = (struct record_header){VIEW(DEAD_LETTER_DISPOSITION),
                                          view_of(consume_disposition_name(d->disposition))};
    headers[n++] = (struct record_header){VIEW(DEAD_LETTER_TOPIC), d->record.topic};
    headers[n++] =
        (struct record_header){VIEW(DEAD_LETTER_PARTITION), number(partition, origin.partition)};
    headers[n++] = (struct record_header){VIEW(DEAD_LETTER_OFFSET), number(offset, origin.offset)};
    headers[n++] = (struct record_header){VIEW(DEAD_LETTER_TIME), view_of(time)};
    if (d->record.timestamp_ms > 0)
        datetime_format(d->record.timestamp_ms, timestamp);
    headers[n++] = (struct record_header){VIEW(DEAD_LETTER_TIMESTAMP), view_of(timestamp)};
    r.has_key = d->record.has_key;
    r.key = d->record.key;
    r.has_value = d->record.has_value;
    r.value = d->record.value;
    r.headers = headers;
    r.header_count = n;
    if ((d->too_large || !produce(c, d, &r, &f)) &&
        !produce_cut(c, d, &r, headers + own, n - own, &f))
        stop(c, d, &r, &f);
}

void consume_report_too_large(struct consume *c, struct delivery *d)
{
    bool letter = d->state == DELIVERY_BURYING;
    struct sink_record r = {.topic = letter ? c->conf.dead_letters_topic : c->conf.results_topic};
    struct fault f = {0};

    if (!d->too_large) {
        d->too_large = true;
        consume_move(c, d, letter ? DELIVERY_ON_BURY : DELIVERY_ON_PRODUCED);
        return;
    }
    (void)fault_set(&f, FAULT_REJECT, "%s: let its max.message.bytes be larger", SINK_TOO_LARGE);
    stop(c, d, &r, &f);
}
