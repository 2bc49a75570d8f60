#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/kafka_rig.h"

#include "bridge/core/mem.h"
#include "tests/fakes/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAID_MAX 65536

static void note(void *ctx, enum notice_level level, const char *event,
                 const struct notice_field *fields, size_t count)
{
    struct kafka_rig *rig = ctx;

    (void)level;
    buf_put_text(&rig->notices, event);
    for (size_t i = 0; i < count; i++) {
        if (fields[i].is_number)
            buf_printf(&rig->notices, " %s=%lld", fields[i].key, (long long)fields[i].number);
        else
            buf_printf(&rig->notices, " %s=%.*s", fields[i].key, VIEW_ARG(fields[i].text));
    }
    buf_put_char(&rig->notices, '\n');
}

static void on_report(void *owner, uint64_t token, bool delivered, const char *error)
{
    struct kafka_rig *rig = owner;

    (void)token;
    assert_true(delivered == (error == NULL));
    if (delivered)
        rig->delivered++;
    else
        rig->undelivered++;
}

void kafka_rig_start(struct kafka_rig *rig, unsigned brokers)
{
    struct broker *broker = broker_start(brokers);

    kafka_rig_start_on(rig, broker_address(broker));
    rig->broker = broker;
}

void kafka_rig_start_on(struct kafka_rig *rig, const char *address)
{
    static unsigned number;
    struct fault f = {0};
    struct kafka_conf conf;

    *rig = (struct kafka_rig){.address = address,
                              .log = {.ctx = rig, .least = NOTICE_INFO, .say = note}};
    snprintf(rig->group, sizeof rig->group, "readers-%u", ++number);
    buf_init(&rig->notices, 1 << 20);
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    conf = kafka_rig_conf(rig, NULL);
    rig->sink = kafka_sink_new(&rig->loop, &conf, NULL, 0, &rig->log, on_report, rig, &f);
    assert_non_null(rig->sink);
    rig->produce = kafka_sink_port(rig->sink);
}

static void sink_closed(void *owner)
{
    struct kafka_rig *rig = owner;

    rig->sink_closed = true;
}

void kafka_rig_stop(struct kafka_rig *rig)
{
    kafka_sink_close(rig->sink, 10000, sink_closed, rig);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_true(rig->sink_closed);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    broker_stop(rig->broker);
    buf_done(&rig->notices);
}

static void wake_up(uv_timer_t *timer)
{
    (void)timer;
}

void kafka_rig_until_at(struct kafka_rig *rig, bool (*holds)(void *ctx), void *ctx,
                        const char *what, const char *file, int line)
{
    uint64_t end = uv_hrtime() + RIG_PATIENCE_MS * UINT64_C(1000000);
    uv_timer_t timer; /* so that the loop never sleeps for good */

    uv_timer_init(&rig->loop, &timer);
    uv_timer_start(&timer, wake_up, 50, 50);
    while (!holds(ctx) && uv_hrtime() < end)
        uv_run(&rig->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&rig->loop, UV_RUN_NOWAIT);
    if (!holds(ctx))
        print_message("notices:\n%s", buf_text(&rig->notices));
    _assert_true(holds(ctx), what, file, line);
}

bool kafka_rig_noticed(struct kafka_rig *rig, const char *text)
{
    return strstr(buf_text(&rig->notices), text) != NULL;
}

/* What a test wants of a broker: answers without delay. */
struct kafka_conf kafka_rig_conf(const struct kafka_rig *rig, const char *const *topic)
{
    static const struct kafka_property quick[] = {{"fetch.wait.max.ms", "10"},
                                                  {"reconnect.backoff.max.ms", "200"}};

    return (struct kafka_conf){.brokers = rig->address,
                               .group = rig->group,
                               .topics = topic,
                               .topic_count = topic != NULL ? 1 : 0,
                               .assign = KAFKA_ASSIGN_ALL,
                               .properties = quick,
                               .property_count = 2};
}

void kafka_rig_topic(struct kafka_rig *rig, const char *name, unsigned partitions)
{
    broker_topic(rig->broker, name, partitions);
}

void kafka_rig_produce(struct kafka_rig *rig, const struct sink_record *r)
{
    struct fault f = {0};

    while (!rig->produce.produce(rig->produce.ctx, r, &f)) {
        assert_int_equal(f.cls, FAULT_RETRY);
        uv_run(&rig->loop, UV_RUN_ONCE);
    }
}

void kafka_rig_send(struct kafka_rig *rig, const char *topic, const char *key, const char *value)
{
    kafka_rig_produce(rig, &(struct sink_record){.topic = topic,
                                                 .has_key = key != NULL,
                                                 .key = view_of(key),
                                                 .has_value = value != NULL,
                                                 .value = view_of(value)});
}

static bool all_reported(void *ctx)
{
    const struct kafka_rig *rig = ctx;

    return kafka_sink_waiting(rig->sink) == 0;
}

void kafka_rig_flush(struct kafka_rig *rig)
{
    kafka_rig_until(rig, all_reported, rig);
}

void kafka_rig_send_many(struct kafka_rig *rig, const char *topic, unsigned from, unsigned to)
{
    char key[16];
    char value[16];

    for (unsigned i = from; i < to; i++) {
        snprintf(key, sizeof key, "key-%u", i % 17);
        snprintf(value, sizeof value, "%u", i);
        kafka_rig_send(rig, topic, key, value);
    }
    kafka_rig_flush(rig);
    assert_int_equal(rig->undelivered, 0);
}

int kafka_rig_command(const struct kafka_rig *rig, const char *before, const char *arguments,
                      const char **output)
{
    static struct buf said; /* for as long as the program */
    char line[4096];
    size_t n;
    int code;

    n = (size_t)snprintf(line, sizeof line,
                         "%s \"$CMIBRIDGE_BIN\" %s -b %s -X fetch.wait.max.ms=10 2>&1", before,
                         arguments, rig->address);
    assert_in_range(n, 1, sizeof line - 1);
    if (said.max == 0)
        buf_init(&said, SAID_MAX);
    code = shell_run(line, &said);
    *output = said.p;
    return code;
}

/* ---- readers ---- */

static void assigned(void *ctx, const struct source_partition *parts, size_t count)
{
    struct reader *r = ctx;

    r->assignments++;
    for (size_t i = 0; i < count; i++) {
        assert_in_range(r->partitions, 0, 63);
        r->parts[r->partitions++] = parts[i];
    }
}

static void revoked(void *ctx, const struct source_partition *parts, size_t count, bool lost)
{
    struct reader *r = ctx;

    assert_int_equal(count, r->partitions);
    assert_int_equal(parts[0].epoch, r->parts[0].epoch);
    r->revocations++;
    r->lost += lost;
    if (r->slow_release)
        return;
    if (r->commit_on_revoke && !lost)
        reader_commit(r, true);
    reader_give_back(r);
    r->partitions = 0;
    r->port.released(r->port.ctx);
}

static void record(void *ctx, const struct record *record)
{
    struct reader *r = ctx;
    struct got *got = &r->got[r->count];

    assert_in_range(r->count, 0, RIG_GOT_MAX - 1);
    assert_ptr_not_equal(record->owner, NULL);
    *got = (struct got){.owner = record->owner,
                        .slot = record->slot,
                        .epoch = record->epoch,
                        .partition = record->partition,
                        .offset = record->offset,
                        .timestamp_ms = record->timestamp_ms,
                        .has_key = record->has_key,
                        .has_value = record->has_value,
                        .header_count = record->header_count,
                        .value_bytes = record->value.n};
    snprintf(got->value, sizeof got->value, "%.*s", VIEW_ARG(record->value));
    snprintf(got->key, sizeof got->key, "%.*s", VIEW_ARG(record->key));
    for (size_t i = 0; i < record->header_count; i++) {
        size_t n = strlen(got->headers);

        snprintf(got->headers + n, sizeof got->headers - n, "%.*s%s%.*s\n",
                 VIEW_ARG(record->headers[i].name), record->headers[i].value.p != NULL ? "=" : "",
                 VIEW_ARG(record->headers[i].value));
    }
    r->count++;
    if (!r->keep) {
        r->port.give_back(r->port.ctx, got->owner);
        got->owner = NULL;
    }
}

static void commit_done(void *ctx, bool ok, const char *error)
{
    struct reader *r = ctx;

    assert_true(ok == (error == NULL));
    if (ok)
        r->commits_done++;
    else
        r->commits_refused++;
}

static void on_failed(void *ctx, const struct fault *f)
{
    struct reader *r = ctx;

    assert_false(r->failed);
    r->failed = true;
    r->fault = *f;
}

void reader_start(struct reader *r, struct kafka_rig *rig, const struct kafka_conf *conf)
{
    struct fault f = {0};

    r->rig = rig;
    if (r->got == NULL)
        r->got = mem_zeroed(RIG_GOT_MAX, sizeof *r->got);
    r->source = kafka_source_new(&rig->loop, conf, &rig->log, &f);
    if (r->source == NULL)
        fail_msg("%s", f.text);
    r->port = kafka_source_port(r->source);
    kafka_source_start(r->source, &(struct source_owner){.ctx = r,
                                                         .assigned = assigned,
                                                         .revoked = revoked,
                                                         .record = record,
                                                         .commit_done = commit_done,
                                                         .failed = on_failed});
}

struct awaited {
    struct reader *r;
    size_t count;
};

static bool has_got(void *ctx)
{
    const struct awaited *a = ctx;

    return a->r->count >= a->count;
}

void reader_await(struct reader *r, size_t count)
{
    struct awaited a = {r, count};

    kafka_rig_until(r->rig, has_got, &a);
    assert_int_equal(r->count, count);
}

static bool has_partitions(void *ctx)
{
    const struct awaited *a = ctx;

    return a->r->assignments > 0 && a->r->partitions == a->count;
}

void reader_await_partitions(struct reader *r, size_t count)
{
    struct awaited a = {r, count};

    kafka_rig_until(r->rig, has_partitions, &a);
}

static bool has_failed(void *ctx)
{
    const struct reader *r = ctx;

    return r->failed;
}

void reader_await_failure(struct reader *r)
{
    kafka_rig_until(r->rig, has_failed, r);
}

void reader_give_back(struct reader *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->got[i].owner != NULL) {
            r->port.give_back(r->port.ctx, r->got[i].owner);
            r->got[i].owner = NULL;
        }
}

void reader_commit(struct reader *r, bool now)
{
    struct fault f = {0};

    for (size_t p = 0; p < r->partitions; p++) {
        int64_t next = r->parts[p].next_offset;

        for (size_t i = 0; i < r->count; i++)
            if (r->got[i].slot == r->parts[p].slot && r->got[i].epoch == r->parts[p].epoch)
                next = r->got[i].offset + 1;
        if (!r->port.commit(r->port.ctx, r->parts[p].slot, r->parts[p].epoch, next, now, &f))
            fail_msg("%s", f.text);
    }
}

static void on_closed(void *owner)
{
    struct reader *r = owner;

    r->closed = true;
}

static bool is_closed(void *ctx)
{
    const struct reader *r = ctx;

    return r->closed;
}

void reader_close(struct reader *r)
{
    kafka_source_close(r->source, 10000, on_closed, r);
    kafka_rig_until(r->rig, is_closed, r);
    r->source = NULL;
}

void reader_done(struct reader *r)
{
    if (r->source != NULL)
        reader_close(r);
    mem_free(r->got);
    r->got = NULL;
}
