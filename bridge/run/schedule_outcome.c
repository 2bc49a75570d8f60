#include "bridge/run/schedule_outcome.h"

#include "bridge/core/datetime.h"
#include "bridge/core/json_out.h"
#include "bridge/core/num.h"
#include "bridge/core/utf8.h"

#include <stdio.h>
#include <string.h>

#define SUBJECT_MAX 4096
#define SHORT_MAX   64 /* characters of a text that is cut */

/* ---- its data ---- */

static void put_text(struct json_out *j, const char *key, struct view text)
{
    if (text.n == 0)
        return;
    json_key(j, key);
    json_string(j, text);
}

/* One that somebody else has written, and may be long. */
static void put_cut(struct json_out *j, const char *key, struct view text, struct outcome *o)
{
    struct view told = text;

    if (o->cut != OUTCOME_WHOLE)
        told = utf8_cut(text, o->cut == OUTCOME_SHORT ? SHORT_MAX : 0);
    o->was_cut = o->was_cut || told.n < text.n;
    put_text(j, key, told);
}

static void put_number(struct json_out *j, const char *key, int64_t n)
{
    json_key(j, key);
    json_int(j, n);
}

static void put_flag(struct json_out *j, const char *key, bool set)
{
    json_key(j, key);
    json_bool(j, set);
}

static void put_time(struct json_out *j, const char *key, int64_t ms)
{
    char text[DATETIME_TEXT_MAX];

    if (ms <= 0)
        return;
    datetime_format(ms, text);
    json_key(j, key);
    json_text(j, text);
}

/* What was to be tried again is not once its message is deleted. */
static bool is_over(const struct outcome *o)
{
    return o->event->overtaken && o->settlement->state == SETTLEMENT_AGAIN;
}

static enum settlement_state state_of(const struct outcome *o)
{
    return is_over(o) ? SETTLEMENT_FAILED : o->settlement->state;
}

static void put_settlement(struct json_out *j, struct outcome *o)
{
    const struct schedule_event *e = o->event;
    const struct settlement *t = o->settlement;

    put_text(j, "message", view_of(e->message));
    put_number(j, "destination", (int64_t)e->slice * SLICE_DESTINATIONS_MAX + t->index);
    put_cut(j, "address", t->address, o);
    put_text(j, "state", view_of(settlement_state_name(state_of(o))));
    if (t->state != SETTLEMENT_DELIVERED && t->state != SETTLEMENT_LATE)
        put_number(j, "attempt", t->attempt); /* a receipt does not say which one it is of */
    put_cut(j, "reason", t->reason, o);
    put_cut(j, "providerId", t->provider_id, o);
    put_time(j, "time", t->at_ms);
    if (!is_over(o))
        put_time(j, "retryTime", t->retry_at_ms);
    if (e->overtaken)
        put_flag(j, "overtaken", true);
    put_flag(j, "possible_duplicate", t->possible_duplicate);
}

static bool is_call(const struct schedule_event *e)
{
    return e->type == SCHEDULE_EVENT_CALLED || e->type == SCHEDULE_EVENT_CALLED_LAST;
}

/* What had been handed over when a consent was withdrawn. */
static void put_withdrawn(struct json_out *j, struct outcome *o)
{
    struct view blob = o->event->blob;
    struct view usage = view_cut(&blob, '\0');
    struct view address = view_cut(&blob, '\0');
    struct view rest = o->destinations;

    put_text(j, "usage", view_cut(&usage, '_'));
    put_cut(j, "address", address, o);
    json_key(j, "destinations");
    json_array(j);
    while (rest.n > 0) {
        struct view one = view_cut(&rest, ' ');
        struct view message = view_cut(&one, '/');
        int64_t destination = 0;

        json_object(j);
        put_text(j, "message", message);
        if (num_int(one, &destination))
            put_number(j, "destination", destination);
        json_object_end(j);
    }
    json_array_end(j);
}

static void put_call(struct json_out *j, struct outcome *o)
{
    const struct schedule_event *e = o->event;

    put_text(j, "callback", view_of(e->message));
    put_text(j, "lastResult", view_of(callback_result_name(e->result)));
    put_number(j, "failures", e->failures);
    put_number(j, "maxCalls", e->max_calls);
    if (e->type == SCHEDULE_EVENT_CALLED)
        put_time(j, "nextCallTime", e->next_call_ms);
    put_cut(j, "reason", e->blob, o);
    put_flag(j, "possible_duplicate", e->possible_duplicate);
}

static void put_counts(struct json_out *j, const struct outcome *o)
{
    const struct schedule_event *e = o->event;

    put_text(j, "message", view_of(e->message));
    put_number(j, "added", e->added);
    put_number(j, "handled", e->ok);
    put_number(j, "failed", e->dead);
    put_number(j, "cancelled", e->cancelled);
    put_number(j, "inFlight", e->out);
}

static void put_data(struct buf *to, struct outcome *o)
{
    struct json_out j;

    json_out_init(&j, to);
    json_object(&j);
    if (o->settlement != NULL)
        put_settlement(&j, o);
    else if (o->event->type == SCHEDULE_EVENT_WITHDRAWN)
        put_withdrawn(&j, o);
    else if (is_call(o->event))
        put_call(&j, o);
    else
        put_counts(&j, o);
    if (o->was_cut)
        put_flag(&j, "cut", true);
    json_object_end(&j);
}

/* ---- the record ---- */

static const char *type_of_settlement(const struct outcome *o)
{
    switch (state_of(o)) {
    case SETTLEMENT_HANDLED:
        return "message.destination.handled";
    case SETTLEMENT_AGAIN:
        return "message.destination.retryscheduled";
    case SETTLEMENT_FAILED:
    case SETTLEMENT_UNKNOWN:
        return "message.destination.failed";
    case SETTLEMENT_DELIVERED:
    case SETTLEMENT_LATE:
        return "message.delivery.updated";
    }
    return "message.destination.failed";
}

static const char *type_of_event(const struct schedule_event *e)
{
    switch (e->type) {
    case SCHEDULE_EVENT_SETTLED: /* what it completes */
    case SCHEDULE_EVENT_COMPLETED:
        return "message.completed";
    case SCHEDULE_EVENT_CANCELLED:
        return "message.cancelled";
    case SCHEDULE_EVENT_CALLED:
        return "callback.attempted";
    case SCHEDULE_EVENT_CALLED_LAST:
        return e->result == CALLBACK_SUCCESSFUL || e->result == CALLBACK_HANDLED
                   ? "callback.completed"
                   : "callback.exhausted";
    case SCHEDULE_EVENT_WITHDRAWN:
        return "consent.overtaken";
    case SCHEDULE_EVENT_RECEIPT:
        break;
    }
    return "message.delivery.updated";
}

/* What it is about: the key under which its outcomes keep their order. */
static struct view key_of(struct outcome *o)
{
    struct view blob = o->event->blob;
    struct view key;

    if (o->event->type != SCHEDULE_EVENT_WITHDRAWN)
        return view_of(o->event->message);
    blob = view_cut(&blob, '\0');
    key = o->cut == OUTCOME_BARE ? utf8_cut(blob, SHORT_MAX) : blob;
    o->was_cut = o->was_cut || key.n < blob.n;
    return key;
}

static const char *resource_of(const struct schedule_event *e)
{
    return is_call(e)                            ? "callbacks"
           : e->type == SCHEDULE_EVENT_WITHDRAWN ? "customerConsents"
                                                 : "messages";
}

void outcome_record_init(struct outcome_record *r)
{
    buf_init(&r->data, OUTCOME_DATA_MAX);
    buf_init(&r->subject, SUBJECT_MAX);
}

void outcome_record_done(struct outcome_record *r)
{
    buf_done(&r->data);
    buf_done(&r->subject);
}

static void put_header(struct outcome_record *r, struct view name, struct view value)
{
    r->headers[r->record.header_count++] = (struct record_header){name, value};
    r->size += name.n + value.n;
}

void outcome_make(struct outcome_record *r, struct outcome *o, const char *topic, unsigned shard)
{
    const struct settlement *t = o->settlement;

    o->was_cut = false;
    r->record = (struct sink_record){.topic = topic, .has_key = true, .has_value = true};
    r->record.headers = r->headers;
    r->record.key = key_of(o);
    buf_clear(&r->data);
    put_data(&r->data, o);
    r->record.value = buf_view(&r->data);
    r->size = r->record.key.n + r->record.value.n;
    buf_clear(&r->subject);
    buf_printf(&r->subject, "%s/%.*s", resource_of(o->event), VIEW_ARG(r->record.key));
    (void)snprintf(r->id, sizeof r->id, "%02u-%s", shard, o->id); /* two shards may have one id */
    datetime_format(t != NULL ? t->at_ms : o->event->at_ms, r->time);
    put_header(r, VIEW("content-type"), VIEW("application/json"));
    put_header(r, VIEW("ce_specversion"), VIEW("1.0"));
    put_header(r, VIEW("ce_id"), view_of(r->id));
    put_header(r, VIEW("ce_source"), VIEW("cmibridge/schedule"));
    put_header(r, VIEW("ce_type"),
               view_of(t != NULL ? type_of_settlement(o) : type_of_event(o->event)));
    put_header(r, VIEW("ce_time"), view_of(r->time));
    put_header(r, VIEW("ce_subject"), buf_view(&r->subject));
}
