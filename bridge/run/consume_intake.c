#include "bridge/run/consume_state.h"

#include "bridge/core/dead_letter.h"
#include "bridge/core/event_body.h"
#include "bridge/core/hex.h"
#include "bridge/core/mask.h"
#include "bridge/core/traceparent.h"

#include <string.h>

/* ---- what a delivery is made of ---- */

static void set_key(struct consume *c, struct delivery *d)
{
    uint8_t digest[32];

    buf_clear(&c->scratch);
    buf_put(&c->scratch, d->event.source);
    buf_put_char(&c->scratch, '\n');
    buf_put(&c->scratch, d->event.id);
    c->port.codec.sha256(buf_view(&c->scratch), digest);
    hex_write(digest, (CONSUME_KEY_LEN - 1) / 2, d->key);
}

static void set_trace(struct consume *c, struct delivery *d)
{
    struct traceparent parent;
    uint8_t random[8];
    uint64_t bits;

    if (!traceparent_parse(d->event.traceparent, &parent))
        return;
    bits = consume_random(c) | 1; /* a span id of zeros is none */
    memcpy(random, &bits, sizeof random);
    parent = traceparent_child(&parent, random);
    traceparent_format(&parent, d->trace);
    if (!traceparent_state_valid(d->event.tracestate))
        d->event.tracestate = VIEW_NONE;
}

const struct consume_destination *consume_destination_of(const struct consume_conf *conf,
                                                         const struct event_type *type)
{
    const struct route_rule *rule =
        route_find(conf->routes, conf->route_count, view_of(type->name));
    const struct consume_destination *to =
        rule != NULL ? &conf->destinations[rule->destination] : NULL;

    return to != NULL && (type->is_write || to->takes_ingest) ? to : NULL;
}

static bool read_event(struct consume *c, struct delivery *d, struct fault *f)
{
    if (!event_type_subject(d->type, d->event.subject, &d->ref, f))
        return fault_add(f, "%s", d->type->name);
    return event_body_make(d->type, &d->event, c->port.codec.json, c->port.codec.msgpack,
                           &d->converted, &d->body, f);
}

/* ---- the record ---- */

static int64_t bytes_of(const struct record *r)
{
    size_t n = r->key.n + r->value.n;

    for (size_t i = 0; i < r->header_count && i < RECORD_HEADERS_READ; i++)
        n += sizeof *r->headers + r->headers[i].name.n + r->headers[i].value.n;
    return (int64_t)n;
}

/* What was made of it counts, too: of a byte of MessagePack may come six of JSON. */
static void count_made(struct consume *c, struct delivery *d, const struct buf *made)
{
    int64_t n = (int64_t)made->n;

    if (n == 0)
        return;
    d->bytes += n;
    consume_partition_flow(c, d->partition, gate_grow(&c->gate, &d->partition->share, n));
}

/* Nobody's mistake but the configuration's: what can be mended there can be replayed. */
static void unrouted(struct consume *c, struct delivery *d)
{
    stat_add(c->stat_unrouted, 1);
    if (!c->conf.unrouted_to_dead_letters) {
        consume_move(c, d, DELIVERY_ON_FINISH);
        return;
    }
    (void)fault_set(&d->fault, FAULT_REJECT,
                    "%s: no route leads this type to a target that takes it", d->type->name);
    consume_bury(c, d, UNROUTED);
}

/* Passed over is what may be meant for others, or what a slip has made unknown: so it is said. */
static void unknown(struct consume *c, struct delivery *d)
{
    char shown[MASK_TEXT_MAX];
    bool others;
    int64_t count = sightings_add(&c->unknown, d->event.type, consume_now(c), &others);

    stat_add(c->stat_skipped, 1);
    if (count > 0)
        notice_say(c->port.log, NOTICE_INFO, others ? "unknown_types" : "unknown_type",
                   NOTICE_TEXT(others ? "such_as" : "type", mask_name(d->event.type, shown)),
                   NOTICE_INT("events", count), NOTICE_VIEW("topic", d->record.topic),
                   NOTICE_INT("partition", d->record.partition),
                   NOTICE_INT("offset", d->record.offset), NOTICE_TEXT("become", "skip"));
    consume_move(c, d, DELIVERY_ON_FINISH);
}

static void begin(struct consume *c, struct delivery *d)
{
    struct view key = d->record.has_key ? d->record.key : d->event.subject;
    const struct consume_destination *to = consume_destination_of(&c->conf, d->type);
    bool readable;

    set_key(c, d);
    set_trace(c, d);
    if (to == NULL) {
        unrouted(c, d);
        return;
    }
    d->destination = &c->destinations[to - c->conf.destinations];
    readable = read_event(c, d, &d->fault);
    count_made(c, d, &d->converted);
    if (!readable) {
        consume_bury(c, d, POISON);
        return;
    }
    if (lanes_join(c->lanes, &d->lane, d->record.slot, key))
        consume_start(c, d);
}

static struct delivery *take(struct consume *c, struct partition *p, const struct record *r,
                             struct fault *f)
{
    int64_t now = consume_now(c);
    struct delivery *d;
    uint64_t ticket;

    if (!tracker_take(&p->tracker, r->offset, now, &ticket)) {
        (void)fault_set(f, FAULT_BUG, "offset %lld of %.*s[%d] came in out of order",
                        (long long)r->offset, VIEW_ARG(r->topic), (int)r->partition);
        return NULL;
    }
    d = consume_delivery_new(c);
    if (d == NULL) {
        (void)fault_set(f, FAULT_BUG, "more records came in than were asked for");
        return NULL;
    }
    d->state = DELIVERY_QUEUED;
    d->record = *r;
    d->partition = p;
    d->taken_ms = now;
    d->ticket = ticket;
    p->held++;
    stat_add(c->stat_state[DELIVERY_QUEUED], 1);
    return d;
}

void consume_take(struct consume *c, struct partition *p, const struct record *r)
{
    struct fault f = {0};
    struct delivery *d = take(c, p, r, &f);
    char shown[MASK_TEXT_MAX];

    if (d == NULL) {
        consume_fail(c, &f);
        c->port.source.give_back(c->port.source.ctx, r->owner);
        return;
    }
    d->bytes = bytes_of(r);
    consume_partition_flow(c, p, gate_enter(&c->gate, &p->share, d->bytes));
    if (dead_letter_own_headers(r) > RECORD_HEADERS_MAX) {
        (void)fault_set(&d->fault, FAULT_REJECT, "the record has more than %d headers",
                        RECORD_HEADERS_MAX);
        consume_bury(c, d, POISON);
        return;
    }
    d->readable = cloudevent_of_record(&d->record, &d->event, &d->event_text, &d->fault);
    count_made(c, d, &d->event_text);
    if (!d->readable) {
        consume_bury(c, d, POISON);
        return;
    }
    /* Or a repetition would count as newer than what came after it (contract 4). */
    if (!d->event.has_time && dead_letter_event_ms(r) > 0) {
        d->event.has_time = true;
        d->event.time_ms = dead_letter_event_ms(r);
    }
    d->type = event_type_find(d->event.type, view_of(c->conf.type_prefix));
    if (d->type != NULL) {
        begin(c, d);
    } else if (c->conf.unknown_to_dead_letters) {
        (void)fault_set(&d->fault, FAULT_REJECT, "'%s' is no event type of ours",
                        mask_sentence(d->event.type, shown, sizeof shown));
        consume_bury(c, d, POISON);
    } else {
        unknown(c, d);
    }
}
