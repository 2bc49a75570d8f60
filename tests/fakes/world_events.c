/* world_events: how a world begins, which events there are, and what must hold of each (world.h).
 */
#define _GNU_SOURCE /* memmem */
#include "tests/fakes/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* ---- events ---- */

static void put_header(struct world_event *e, size_t i, const char *name, const char *value)
{
    e->headers[i] = (struct record_header){view_of(name), view_of(value)};
}

static bool is_ingest(const struct world_event *e)
{
    return e->kind == WORLD_INGEST || e->kind == WORLD_INGEST_REFUSED;
}

static enum world_kind any_kind(struct world *w, int n, int key)
{
    uint64_t dice = rng_below(&w->rng, 100);
    bool has_ref = false;

    for (int i = 0; i < n; i++)
        has_ref |= w->events[i].kind == WORLD_POST && w->events[i].key == key;
    return dice < 45   ? WORLD_POST
           : dice < 65 ? (has_ref ? WORLD_PUT : WORLD_POST)
           : dice < 83 ? WORLD_INGEST
           : dice < 85 ? WORLD_INGEST_REFUSED
           : dice < 90 ? WORLD_POISON
           : dice < 95 ? WORLD_UNKNOWN
                       : WORLD_REFUSED;
}

static void fill(struct world *w, struct world_event *e, int n)
{
    (void)snprintf(e->id, sizeof e->id, "e%d", n);
    (void)snprintf(e->key_text, sizeof e->key_text, "k%d", e->key);
    if (n % 3 == 0)
        (void)snprintf(e->replay, sizeof e->replay, "0:%d", n);
    switch (e->kind) {
    case WORLD_REFUSED:
        (void)snprintf(e->type, sizeof e->type, "callback.requested");
        (void)snprintf(e->subject, sizeof e->subject, "callbacks/ref%dx", e->key);
        (void)snprintf(e->body, sizeof e->body,
                       "{\"callbackQueueNumber\":\"999\",\"customerNumber\":\"%d\","
                       "\"notes\":\"secret\"}",
                       n);
        break;
    case WORLD_POST:
        (void)snprintf(e->type, sizeof e->type, "callback.requested");
        (void)snprintf(e->subject, sizeof e->subject, "callbacks/ref%d", e->key);
        (void)snprintf(e->body, sizeof e->body,
                       "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"%d\"}", n);
        break;
    case WORLD_PUT:
        (void)snprintf(e->type, sizeof e->type, "callback.updated");
        (void)snprintf(e->subject, sizeof e->subject, "callbacks/ref%d", e->key);
        (void)snprintf(e->body, sizeof e->body,
                       "{\"customerNumber\":\"%d\",\"lastResult\":\"BUSY\",\"notes\":\"\"}", n);
        break;
    case WORLD_INGEST:
    case WORLD_INGEST_REFUSED:
        (void)snprintf(e->type, sizeof e->type, "contact.queued");
        (void)snprintf(e->subject, sizeof e->subject, "contacts/%032d", n);
        (void)snprintf(e->body, sizeof e->body, "{\"queueId\":\"%032d\"}", n);
        break;
    case WORLD_POISON:
        (void)snprintf(e->type, sizeof e->type, "callback.requested");
        (void)snprintf(e->subject, sizeof e->subject, "callbacks/bad%d", n);
        (void)snprintf(e->body, sizeof e->body, "{\"callbackQueueNumber\":%d", n);
        break;
    case WORLD_UNKNOWN:
        (void)snprintf(e->type, sizeof e->type, "weather.changed");
        (void)snprintf(e->subject, sizeof e->subject, "sky");
        (void)snprintf(e->body, sizeof e->body, "%d", n);
        break;
    }
    e->destination = is_ingest(e) ? 0 : w->honours_key[0] ? 0 : 1;
    put_header(e, 0, "content-type", "application/json");
    put_header(e, 1, "ce_specversion", "1.0");
    put_header(e, 2, "ce_id", e->id);
    put_header(e, 3, "ce_type", e->type);
    put_header(e, 4, "ce_subject", e->subject);
    put_header(e, 5, "ce_source", "/cc/test");
    put_header(e, 6, e->replay[0] != '\0' ? "cmi_replay" : "mine", e->replay);
}

void world_make_events(struct world *w, size_t count)
{
    assert_true(count <= WORLD_EVENTS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct world_event *e = &w->events[i];

        *e = (struct world_event){.key = (int)rng_below(&w->rng, WORLD_KEYS)};
        e->kind = any_kind(w, (int)i, e->key);
        e->partition = e->key % WORLD_PARTITIONS;
        fill(w, e, (int)i);
        e->offset = w->partitions[e->partition].count;
        w->partitions[e->partition].events[w->partitions[e->partition].count++] = i;
    }
    w->event_count = count;
}

void world_remake_event(struct world *w, size_t i, enum world_kind kind)
{
    w->events[i].kind = kind;
    fill(w, &w->events[i], (int)i);
}

/* ---- promises ---- */

static bool is_passed_over(const struct world *w, const struct world_event *e)
{
    return e->kind == WORLD_UNKNOWN ||
           (is_ingest(e) && !w->destinations[0].takes_ingest && !w->conf.unrouted_to_dead_letters);
}

/* D1: everything below a committed offset has ended. */
void world_check_commit(struct world *w, int partition, int64_t next_offset)
{
    for (int64_t o = w->partitions[partition].committed; o < next_offset; o++) {
        const struct world_event *e = &w->events[w->partitions[partition].events[o]];

        if (is_passed_over(w, e))
            continue;
        if (e->effects == 0 && e->dead_letters == 0)
            fail_msg("%s (%s) was committed past, and neither written nor dead-lettered", e->id,
                     e->type);
        if (!is_ingest(e) && e->results == 0)
            fail_msg("%s (%s) was committed past without a result", e->id, e->type);
    }
}

static bool is_letter(const struct sink_record *r)
{
    return strcmp(r->topic, "cmi-dead-letters") == 0;
}

static struct world_event *named(struct world *w, struct view id)
{
    for (size_t i = 0; i < w->event_count; i++)
        if (view_is(id, w->events[i].id))
            return &w->events[i];
    return NULL;
}

static struct view id_of_letter(const struct sink_record *r)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (view_is(r->headers[i].name, "ce_id"))
            return r->headers[i].value;
    return VIEW_NONE;
}

/* A dead letter has the event's headers, a result its id among its data. */
struct world_event *world_event_of(struct world *w, const struct sink_record *r)
{
    static const char mark[] = "\"id\":\"";
    struct view rest = r->value;
    struct world_event *e = is_letter(r) ? named(w, id_of_letter(r)) : NULL;
    const char *at;

    while (e == NULL && !is_letter(r) &&
           (at = memmem(rest.p, rest.n, mark, sizeof mark - 1)) != NULL) {
        at += sizeof mark - 1;
        rest = (struct view){at, rest.n - (size_t)(at - rest.p)};
        e = named(w, view_cut(&rest, '"'));
    }
    if (e == NULL)
        fail_msg("a record was produced for no event of this world");
    return e;
}

static void take_letter(struct world_event *e, const struct sink_record *r)
{
    e->dead_letters++;
    for (size_t i = 0; i < r->header_count; i++)
        if (view_is(r->headers[i].name, "cmi_error_disposition"))
            view_copy(r->headers[i].value, e->disposition, sizeof e->disposition);
        else if (view_is(r->headers[i].name, "cmi_error_text"))
            assert_null(memmem(r->headers[i].value.p, r->headers[i].value.n, "secret", 6));
    assert_true(view_is(r->value, e->body));
}

void world_take_record(struct world *w, const struct sink_record *r)
{
    struct world_event *e = world_event_of(w, r);

    if (is_letter(r)) {
        take_letter(e, r);
        return;
    }
    e->results++;
    world_check_result(e, r->headers, r->header_count);
    if (memmem(r->value.p, r->value.n, "\"possible_duplicate\":true", 25) != NULL)
        e->said_duplicate = true;
}

void world_check_result(struct world_event *e, const struct record_header *headers, size_t count)
{
    struct view id = VIEW_NONE;
    bool rejected = false;
    char *known;

    for (size_t i = 0; i < count; i++)
        if (view_is(headers[i].name, "ce_id"))
            id = headers[i].value;
        else if (view_is(headers[i].name, "ce_type"))
            rejected = view_is(headers[i].value, "cmi.write.rejected");
    known = e->result_ids[rejected];
    if (known[0] == '\0')
        view_copy(id, known, sizeof e->result_ids[0]);
    assert_true(view_is(id, known));
    assert_string_not_equal(e->result_ids[0], e->result_ids[1]);
    assert_true(e->replay[0] == '\0' || strstr(known, e->replay) != NULL);
}

void world_check_end(struct world *w)
{
    for (size_t i = 0; i < w->event_count; i++) {
        const struct world_event *e = &w->events[i];
        bool should_fail = e->kind == WORLD_POISON || e->kind == WORLD_REFUSED ||
                           e->kind == WORLD_INGEST_REFUSED ||
                           (is_ingest(e) && !w->destinations[0].takes_ingest);

        if (is_passed_over(w, e)) {
            assert_int_equal(e->effects + e->dead_letters + e->results, 0);
            continue;
        }
        if (should_fail != (e->dead_letters > 0))
            fail_msg("%s (%s): %d dead letters, %d effects", e->id, e->type, e->dead_letters,
                     e->effects);
        assert_int_equal(e->kind == WORLD_POISON, strcmp(e->disposition, "poison") == 0);
        if (e->effects > 1 && !e->said_duplicate) /* D2 */
            fail_msg("%s was done %d times and no result says so", e->id, e->effects);
        for (size_t j = 0; j < i; j++) { /* D3 */
            const struct world_event *before = &w->events[j];

            if (before->key == e->key && before->effects > 0 && e->effects > 0 &&
                before->dead_letters == 0 && e->dead_letters == 0 &&
                before->effect_order > e->effect_order)
                fail_msg("%s (%s, partition %d, offset %lld) was done before %s (%s, offset %lld), "
                         "which comes first of key %d",
                         e->id, e->type, e->partition, (long long)e->offset, before->id,
                         before->type, (long long)before->offset, e->key);
        }
    }
}

/* ---- the world ---- */

void world_init(struct world *w, uint64_t seed)
{
    memset(w, 0, sizeof *w);
    w->rng = rng_of(seed);
    heap_init(&w->actions);
    heap_init(&w->held);
    w->refusal = 400;
    w->honours_key[0] = rng_below(&w->rng, 2) == 0;
    w->honours_key[1] = false;
    w->refuses_whole = rng_below(&w->rng, 2) == 0;
    w->answer_max = 20 + rng_below(&w->rng, 400); /* one result fits */
    w->destinations[0] = (struct consume_destination){.name = "ours",
                                                      .url = "http://ours",
                                                      .concurrency = 1 + (int)rng_below(&w->rng, 4),
                                                      .honours_key = true,
                                                      .takes_ingest = true,
                                                      .http_ingest = 2};
    w->destinations[1] = (struct consume_destination){.name = "vendor",
                                                      .url = "http://vendor",
                                                      .concurrency = 1 + (int)rng_below(&w->rng, 4),
                                                      .http = 1};
    w->routes[0] = (struct route_rule){"callback.*", w->honours_key[0] ? 0 : 1};
    w->routes[1] = (struct route_rule){"*", 0};
    w->conf = (struct consume_conf){
        .destinations = w->destinations,
        .destination_count = 2,
        .routes = w->routes,
        .route_count = 2,
        .type_prefix = "",
        .results_topic = "cmi-results",
        .dead_letters_topic = "cmi-dead-letters",
        .in_flight = 4 + (int64_t)rng_below(&w->rng, 30),
        .in_flight_bytes = 1 << 20,
        .retry = {100, 5000},
        .retry_after_max_ms = 60000,
        .attempts_max = 10,
        .breaker = {5, {200, 10000}},
        .budget_burst = 1000,
        .budget_per_success_milli = 1000,
        .refs_wait_ms = 30000,
        .commit_interval_ms = 50,
        .drain_ms = (int64_t)rng_below(&w->rng, 200),
        .head_of_line_ms = 60000,
    };
    w->faults.latency_ms = 1 + (int64_t)rng_below(&w->rng, 100);
}
