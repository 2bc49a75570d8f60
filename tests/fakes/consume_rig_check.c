/* consume_rig_check: what the peers of a consume_rig saw, and what must hold of it. */
#define _GNU_SOURCE /* memmem */
#include "tests/fakes/consume_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/event_types.h"
#include "bridge/io/crypto.h"
#include "bridge/io/kafka_reader.h"

#include <stdio.h>
#include <string.h>

#define broken(rig, ...)                                                                           \
    do {                                                                                           \
        consume_rig_print(rig);                                                                    \
        print_message("run %u: ", (rig)->number);                                                  \
        fail_msg(__VA_ARGS__);                                                                     \
    } while (0)

/* ---- what was seen ---- */

static void reset(struct consume_rig *rig, size_t i)
{
    struct consume_rig_seen *s = &rig->seen[i];
    const struct consume_rig_event *e = &rig->events[i];
    const struct event_type *type = event_type_find(view_of(e->type), VIEW_NONE);
    struct consume_rig_seen fresh = {.partition = -1, .is_write = type != NULL && type->is_write};
    char hex[CRYPTO_SHA256_HEX];
    char source[64];
    int n = snprintf(source, sizeof source, "%s\n%s", rig->source, s->id);

    crypto_sha256_hex((struct view){source, (size_t)n}, hex);
    view_copy(view_of(hex), fresh.write_key, sizeof fresh.write_key);
    memcpy(fresh.id, s->id, sizeof fresh.id);
    *s = fresh;
}

static struct view header(const struct record *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (view_is(r->headers[i].name, name))
            return r->headers[i].value;
    return VIEW_NONE;
}

/* Whether the text has "id":"…" of that event. */
static bool names_id(struct view text, const char *id)
{
    char quoted[32];
    int n = snprintf(quoted, sizeof quoted, "\"id\":\"%s\"", id);

    return memmem(text.p, text.n, quoted, (size_t)n) != NULL;
}

static struct consume_rig_seen *of_record(struct consume_rig *rig, const struct record *r)
{
    struct view id = header(r, "ce_id");

    for (size_t i = 0; i < rig->count; i++)
        if (rig->events[i].whole ? names_id(r->value, rig->seen[i].id)
                                 : view_is(id, rig->seen[i].id))
            return &rig->seen[i];
    broken(rig, "a record of no event: %.*s", VIEW_ARG(r->value));
    return NULL;
}

static bool on_event(void *ctx, const struct record *r, int64_t done, int64_t total,
                     struct fault *f)
{
    struct consume_rig_seen *s = of_record(ctx, r);

    (void)done, (void)total, (void)f;
    s->partition = r->partition;
    s->offset = r->offset;
    return true;
}

static bool on_dead(void *ctx, const struct record *r, int64_t done, int64_t total, struct fault *f)
{
    struct consume_rig *rig = ctx;
    struct consume_rig_seen *s = of_record(rig, r);

    (void)done, (void)total, (void)f;
    s->dead_letters++;
    view_copy(header(r, "cmi_error_disposition"), s->disposition, sizeof s->disposition);
    if (!view_eq(r->value, consume_rig_body(&rig->events[s - rig->seen])))
        broken(rig, "the dead letter of %s is not what the event was", s->id);
    return true;
}

static bool on_result(void *ctx, const struct record *r, int64_t done, int64_t total,
                      struct fault *f)
{
    struct consume_rig *rig = ctx;
    struct view key = header(r, "ce_id");

    (void)done, (void)total, (void)f;
    buf_put(&rig->results, r->value);
    buf_put_char(&rig->results, '\n');
    for (size_t i = 0; i < rig->count; i++) {
        struct consume_rig_seen *s = &rig->seen[i];

        if (!view_starts(key, view_of(s->write_key)))
            continue;
        s->results++;
        view_copy(header(r, "ce_traceparent"), s->traceparent, sizeof s->traceparent);
        s->done_results += view_is(header(r, "ce_type"), "cmi.write.done");
        s->said_duplicate |=
            memmem(r->value.p, r->value.n, "\"possible_duplicate\":true", 25) != NULL;
        return true;
    }
    broken(rig, "a result of no event: %.*s", VIEW_ARG(r->value));
    return false;
}

static void read_topic(struct consume_rig *rig, struct kafka_reader *reader, const char *topic,
                       kafka_reader_visit *visit)
{
    struct fault f = {0};

    if (!kafka_reader_scan(reader, topic, visit, rig, NULL, &f))
        broken(rig, "%s can't be read: %s", topic, f.text);
}

/* By a client of its own: one that has idled through an outage of the brokers may time out. */
static void read_topics(struct consume_rig *rig)
{
    struct kafka_conf conf = kafka_rig_conf(&rig->kafka, NULL);
    struct fault f = {0};
    struct kafka_reader *reader = kafka_reader_new(&conf, &f);

    if (reader == NULL)
        broken(rig, "%s", f.text);
    read_topic(rig, reader, rig->events_topic, on_event);
    read_topic(rig, reader, rig->results_topic, on_result);
    read_topic(rig, reader, rig->dead_topic, on_dead);
    kafka_reader_free(reader);
}

/* ---- what the CMI saw ---- */

static void note_effect(struct consume_rig_seen *s, const struct hostile_request *r, size_t number)
{
    s->requests++;
    if (!r->effect)
        return;
    if (s->effects++ == 0)
        s->first_effect = number;
}

/* What is said of a thing by its name must be written under an id that the name's POST made. */
static void check_path(struct consume_rig *rig, const struct consume_rig_event *e,
                       const struct hostile_request *r, size_t number)
{
    const struct event_type *type = event_type_find(view_of(e->type), VIEW_NONE);
    const char *id = strrchr(r->path, '/') + 1;
    unsigned made = 0;

    if (!type->needs_ref || rig->options.lying_ids)
        return;
    for (size_t i = 0; i < number; i++) {
        const struct hostile_request *before = hostile_http_request(rig->cmi, i);
        struct view key = hostile_request_header(before, "Idempotency-Key");
        char text[40];

        made += before->effect;
        snprintf(text, sizeof text, "%032X", made);
        if (!before->effect || strcmp(before->method, "POST") != 0 || strcmp(text, id) != 0)
            continue;
        for (size_t j = 0; j < rig->count; j++)
            if (view_is(key, rig->seen[j].write_key) &&
                strcmp(rig->events[j].subject, e->subject) == 0)
                return;
    }
    broken(rig, "%s %s: no POST for %s has made that", r->method, r->path, e->subject);
}

static void look_at_write(struct consume_rig *rig, const struct hostile_request *r, size_t number,
                          struct view key)
{
    for (size_t i = 0; i < rig->count; i++) {
        const struct consume_rig_event *e = &rig->events[i];

        if (!view_is(key, rig->seen[i].write_key))
            continue;
        note_effect(&rig->seen[i], r, number);
        check_path(rig, e, r, number);
        if (!e->whole && e->content_type == NULL && !view_eq(r->body, consume_rig_body(e)))
            broken(rig, "%s was written with another body: %.*s", rig->seen[i].id,
                   VIEW_ARG(r->body));
        return;
    }
    broken(rig, "%s %s is of no event: its key is '%.*s'", r->method, r->path, VIEW_ARG(key));
}

static void look_at_requests(struct consume_rig *rig)
{
    size_t count = hostile_http_count(rig->cmi);

    for (size_t n = 0; n < count; n++) {
        const struct hostile_request *r = hostile_http_request(rig->cmi, n);

        if (strcmp(r->path, "/ingest") != 0) {
            look_at_write(rig, r, n, hostile_request_header(r, "Idempotency-Key"));
            continue;
        }
        for (size_t i = 0; i < rig->count; i++)
            if (!rig->seen[i].is_write && names_id(r->body, rig->seen[i].id))
                note_effect(&rig->seen[i], r, n);
    }
}

void consume_rig_look(struct consume_rig *rig)
{
    for (size_t i = 0; i < rig->count; i++)
        reset(rig, i);
    buf_clear(&rig->results);
    read_topics(rig);
    look_at_requests(rig);
    if (!consume_rig_ask_committed(rig))
        broken(rig, "the committed offsets can't be had");
}

/* ---- what must hold ---- */

/* D1: what lies below a committed offset has ended. */
static void check_loss(struct consume_rig *rig, size_t i)
{
    const struct consume_rig_seen *s = &rig->seen[i];

    if (s->partition < 0)
        broken(rig, "%s is not in its topic", s->id);
    if (s->offset >= rig->committed[s->partition] || rig->events[i].fate == RIG_PASSED_OVER)
        return;
    if (s->effects == 0 && s->dead_letters == 0)
        broken(rig, "%s (%s) was committed past, and neither written nor dead-lettered", s->id,
               rig->events[i].type);
    if (s->is_write && s->results == 0 && rig->events[i].type != NULL)
        broken(rig, "%s (%s) was committed past without a result", s->id, rig->events[i].type);
}

/* D2: a death makes at most one repetition, which is the same write to the CMI or is told of. */
static void check_duplicates(struct consume_rig *rig, size_t i)
{
    const struct consume_rig_seen *s = &rig->seen[i];

    if (rig->options.honours_key && s->is_write && s->effects > 1)
        broken(rig, "%s was done %d times under one key", s->id, s->effects);
    if (s->is_write && s->effects > 1 && s->results > 0 && !s->said_duplicate &&
        s->offset < rig->committed[s->partition])
        broken(rig, "%s was done %d times and no result says so", s->id, s->effects);
}

/* D3: of one key the first effects are in the order of the events; one that is not written yet
 * holds up all that come after it, but one that was given up leaves the order. */
static void check_order(struct consume_rig *rig, size_t i)
{
    const struct consume_rig_seen *s = &rig->seen[i];

    for (size_t j = 0; s->effects > 0 && j < i; j++) {
        const struct consume_rig_seen *before = &rig->seen[j];

        if (strcmp(rig->events[i].key, rig->events[j].key) != 0 || before->dead_letters > 0 ||
            rig->events[j].fate != RIG_WRITTEN)
            continue;
        if (before->effects == 0 || before->first_effect >= s->first_effect)
            broken(rig, "%s (%s) was done before %s (%s), which comes first of key %s", s->id,
                   rig->events[i].type, before->id, rig->events[j].type, rig->events[i].key);
    }
}

void consume_rig_check_now(struct consume_rig *rig)
{
    consume_rig_look(rig);
    for (size_t i = 0; i < rig->count; i++) {
        check_loss(rig, i);
        check_duplicates(rig, i);
        check_order(rig, i);
    }
}

static void check_fate(struct consume_rig *rig, size_t i, int *refused)
{
    const struct consume_rig_seen *s = &rig->seen[i];
    const struct consume_rig_event *e = &rig->events[i];

    if (s->offset >= rig->committed[s->partition])
        broken(rig, "%s (%s) is not committed", s->id, e->type);
    switch (e->fate) {
    case RIG_PASSED_OVER:
        if (s->requests + s->results + s->dead_letters > 0)
            broken(rig, "%s (%s) was not passed over", s->id, e->type);
        return;
    case RIG_POISON:
        if (s->requests > 0 || s->dead_letters == 0 || strcmp(s->disposition, "poison") != 0)
            broken(rig, "%s (%s): %d requests, %d dead letters (%s)", s->id, e->type, s->requests,
                   s->dead_letters, s->disposition);
        return;
    case RIG_WRITTEN:
        if (s->dead_letters > 0) {
            ++*refused;
            if (s->done_results > 0)
                broken(rig, "%s (%s) was given up, and said to be done", s->id, e->type);
        } else if (s->is_write && s->done_results == 0) {
            broken(rig, "%s (%s) was not said to be done", s->id, e->type);
        }
        return;
    }
}

void consume_rig_check_end(struct consume_rig *rig, int refused)
{
    int found = 0;

    consume_rig_check_now(rig);
    for (size_t i = 0; i < rig->count; i++)
        check_fate(rig, i, &found);
    if (found != refused)
        broken(rig, "%d events were given up, %d should have been", found, refused);
}
