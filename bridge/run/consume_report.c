#include "bridge/run/consume_state.h"

#include "bridge/core/datetime.h"
#include "bridge/core/dead_letter.h"
#include "bridge/core/json_out.h"
#include "bridge/ports/fault_point.h"

#include <stdio.h>
#include <string.h>

#define NUMBER_TEXT 24

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
    }
    return "unknown";
}

static void produce(struct consume *c, struct delivery *d, const struct sink_record *r)
{
    struct fault f = {0};

    if (c->port.sink.produce(c->port.sink.ctx, r, &f)) {
        FAULT_POINT(RESULT_PRODUCED);
        d->asked++;
        return;
    }
    if (f.cls == FAULT_RETRY) {
        heap_remove(&c->timers, &d->timer);
        heap_put(&c->timers, &d->timer, consume_now(c) + CONSUME_AGAIN_MS);
        return;
    }
    /* The broker would never take it: going on would lose the event or its result. */
    fault_add(&f, "the record at %.*s[%d]@%lld can't be reported to %s", VIEW_ARG(d->record.topic),
              (int)d->record.partition, (long long)d->record.offset, r->topic);
    consume_fail(c, &f);
}

/* ---- results ---- */

/* By the origin `dlq replay` knows what came before what, so a replay keeps its first one. */
static void put_result(struct consume *c, const struct delivery *d, struct json_out *j)
{
    struct dead_letter_place origin = dead_letter_origin(&d->record);

    json_object(j);
    json_key(j, "source");
    json_string(j, d->event.source);
    json_key(j, "id");
    json_string(j, d->event.id);
    json_key(j, "type");
    json_string(j, d->event.type);
    json_key(j, "subject");
    json_string(j, d->event.subject);
    if (d->destination != NULL) {
        json_key(j, "target");
        json_text(j, d->destination->conf->name);
    }
    json_key(j, "method");
    json_text(j, d->type->method);
    if (d->path.n > 0) {
        json_key(j, "path");
        json_string(j, buf_view(&d->path));
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

void consume_report_result(struct consume *c, struct delivery *d)
{
    struct record_header headers[8];
    struct sink_record r = {.token = consume_token(d), .topic = c->conf.results_topic};
    struct buf *data = &c->scratch;
    struct json_out j;
    char time[DATETIME_TEXT_MAX];
    size_t n = 0;

    if (c->conf.results_topic == NULL) {
        consume_move(c, d, DELIVERY_ON_FINISH);
        return;
    }
    buf_clear(data);
    json_out_init(&j, data);
    put_result(c, d, &j);
    datetime_format(c->port.clock.wall_ms(c->port.clock.ctx), time);
    headers[n++] = (struct record_header){VIEW("content-type"), VIEW("application/json")};
    headers[n++] = (struct record_header){VIEW("ce_specversion"), VIEW("1.0")};
    headers[n++] = (struct record_header){VIEW("ce_id"), view_of(d->key)};
    headers[n++] = (struct record_header){VIEW("ce_source"), VIEW("cmibridge/consume")};
    headers[n++] = (struct record_header){VIEW("ce_type"), d->rejected ? VIEW("cmi.write.rejected")
                                                                       : VIEW("cmi.write.done")};
    headers[n++] = (struct record_header){VIEW("ce_time"), view_of(time)};
    headers[n++] = (struct record_header){VIEW("ce_subject"), d->event.subject};
    if (d->trace[0] != '\0')
        headers[n++] = (struct record_header){VIEW("ce_traceparent"), view_of(d->trace)};
    r.has_key = d->record.has_key;
    r.key = d->record.key;
    r.has_value = true;
    r.value = buf_view(data);
    r.headers = headers;
    r.header_count = n;
    produce(c, d, &r);
}

/* ---- dead letters ---- */

static struct view number(char out[NUMBER_TEXT], int64_t n)
{
    (void)snprintf(out, NUMBER_TEXT, "%lld", (long long)n);
    return view_of(out);
}

/* The record as it was, with what failed, where, when and how often in headers beside its own. */
void consume_report_dead(struct consume *c, struct delivery *d)
{
    struct record_header headers[RECORD_HEADERS_MAX + 12];
    struct sink_record r = {.token = consume_token(d), .topic = c->conf.dead_letters_topic};
    struct dead_letter_place origin = dead_letter_origin(&d->record);
    char status[NUMBER_TEXT];
    char attempts[NUMBER_TEXT];
    char partition[NUMBER_TEXT];
    char offset[NUMBER_TEXT];
    char time[DATETIME_TEXT_MAX];
    size_t n = 0;

    for (size_t i = 0; i < d->record.header_count && i < RECORD_HEADERS_MAX; i++)
        if (!view_starts(d->record.headers[i].name, VIEW("cmi_error_")))
            headers[n++] = d->record.headers[i];
    datetime_format(c->port.clock.wall_ms(c->port.clock.ctx), time);
    headers[n++] =
        (struct record_header){VIEW("cmi_error_class"), view_of(fault_class_name(d->fault.cls))};
    if (d->status > 0)
        headers[n++] = (struct record_header){VIEW("cmi_error_status"), number(status, d->status)};
    headers[n++] = (struct record_header){VIEW("cmi_error_text"), view_of(d->fault.text)};
    headers[n++] =
        (struct record_header){VIEW("cmi_error_attempts"), number(attempts, d->attempts)};
    headers[n++] = (struct record_header){VIEW("cmi_error_disposition"),
                                          view_of(consume_disposition_name(d->disposition))};
    headers[n++] = (struct record_header){VIEW("cmi_error_topic"), d->record.topic};
    headers[n++] =
        (struct record_header){VIEW("cmi_error_partition"), number(partition, origin.partition)};
    headers[n++] = (struct record_header){VIEW("cmi_error_offset"), number(offset, origin.offset)};
    headers[n++] = (struct record_header){VIEW("cmi_error_time"), view_of(time)};
    r.has_key = d->record.has_key;
    r.key = d->record.key;
    r.has_value = d->record.has_value;
    r.value = d->record.value;
    r.timestamp_ms = d->record.timestamp_ms > 0 ? d->record.timestamp_ms : 0;
    r.headers = headers;
    r.header_count = n;
    produce(c, d, &r);
}
