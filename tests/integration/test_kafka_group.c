/* kafka_source in a consumer group: partitions change hands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/kafka_rig.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define PARTITIONS 4
#define HALF       200

static const char *const topic[] = {"events"};

static struct kafka_conf group_conf(const struct kafka_rig *rig)
{
    struct kafka_conf conf = kafka_rig_conf(rig, topic);

    conf.assign = KAFKA_ASSIGN_GROUP;
    conf.session_timeout_ms = 3500; /* the embedded broker waits this long, less a second */
    return conf;
}

static void send_many(struct kafka_rig *rig, unsigned from, unsigned to)
{
    char text[16];

    for (unsigned i = from; i < to; i++) {
        snprintf(text, sizeof text, "%u", i);
        kafka_rig_send(rig, topic[0], text, text);
    }
    kafka_rig_flush(rig);
}

static bool is_being_revoked(void *ctx)
{
    const struct reader *r = ctx;

    return r->revocations == 1;
}

static bool share_all(void *ctx)
{
    const struct reader *both = ctx;

    return both[0].partitions == PARTITIONS / 2 && both[1].partitions == PARTITIONS / 2;
}

static bool have_all(void *ctx)
{
    const struct reader *both = ctx;

    return both[0].count + both[1].count >= 2 * HALF;
}

/* A second member joins while the first one's work is in flight: nothing moves before that has
 * ended, and then each record is read once. A paused partition is read again. */
static void a_revocation_is_held_open_until_the_work_has_ended(void **state)
{
    struct kafka_rig rig;
    struct reader both[2] = {{.keep = true, .slow_release = true}, {.rig = NULL}};
    struct kafka_conf conf;
    struct fault f = {0};
    unsigned old_slot;
    uint32_t old_epoch;
    bool seen[2 * HALF] = {false};

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], PARTITIONS);
    send_many(&rig, 0, HALF);
    conf = group_conf(&rig);
    reader_start(&both[0], &rig, &conf);
    reader_await(&both[0], HALF);
    assert_int_equal(both[0].partitions, PARTITIONS);
    reader_commit(&both[0], true);
    old_slot = both[0].parts[0].slot;
    old_epoch = both[0].parts[0].epoch;

    reader_start(&both[1], &rig, &conf);
    kafka_rig_until(&rig, is_being_revoked, &both[0]);
    assert_int_equal(both[0].lost, 0);
    /* The work ends only now. The embedded broker, unlike Kafka, takes no commit of the old
     * generation once a member has come; all was committed before. */
    for (size_t i = 0; i < both[0].partitions; i++)
        both[0].port.pause(both[0].port.ctx, both[0].parts[i].slot);
    assert_int_equal(both[1].partitions, 0);
    both[0].partitions = 0;
    both[0].slow_release = false;
    both[0].port.released(both[0].port.ctx);
    assert_false(both[0].port.commit(both[0].port.ctx, old_slot, old_epoch, HALF, false, &f));
    assert_int_equal(kafka_source_out(both[0].source), HALF); /* records outlive the partition */
    reader_give_back(&both[0]);
    both[0].keep = false;

    kafka_rig_until(&rig, share_all, both);
    send_many(&rig, HALF, 2 * HALF);
    assert_int_not_equal(both[0].parts[0].epoch, old_epoch);
    kafka_rig_until(&rig, have_all, both);
    assert_int_equal(both[0].count + both[1].count, 2 * HALF);
    for (size_t r = 0; r < 2; r++)
        for (size_t i = 0; i < both[r].count; i++) {
            unsigned n = 0;

            for (const char *c = both[r].got[i].value; *c != '\0'; c++)
                n = n * 10 + (unsigned)(*c - '0');
            assert_in_range(n, 0, 2 * HALF - 1);
            assert_false(seen[n]);
            seen[n] = true;
        }
    reader_done(&both[1]);
    reader_done(&both[0]);
    kafka_rig_stop(&rig);
}

static bool was_lost(void *ctx)
{
    const struct reader *r = ctx;

    return r->lost == 1 && r->assignments == 2;
}

/* The coordinator doesn't know the member any more (25, UNKNOWN_MEMBER_ID): what was assigned may
 * belong to somebody else already. It joins again, and reads what was not committed once more. */
static void a_lost_assignment_is_told_as_lost(void **state)
{
    struct kafka_rig rig;
    struct reader r = {.commit_on_revoke = true};
    struct kafka_conf conf;

    (void)state;
    broker_embedded_only("Apache Kafka forgets no member that sends heartbeats");
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], PARTITIONS);
    send_many(&rig, 0, HALF);
    conf = group_conf(&rig);
    reader_start(&r, &rig, &conf);
    reader_await(&r, HALF);
    broker_fail(rig.broker, KAFKA_REQUEST_HEARTBEAT, 25, 1);
    kafka_rig_until(&rig, was_lost, &r);
    reader_await(&r, 2 * HALF);
    assert_false(r.failed);
    reader_done(&r);
    kafka_rig_stop(&rig);
}

static bool has_no_trouble(const struct reader *r)
{
    return strcmp(kafka_source_trouble(r->source), "") == 0;
}

static bool one_has_all(void *ctx)
{
    const struct reader *both = ctx;

    return both[0].partitions + both[1].partitions == 1 && has_no_trouble(&both[0]) &&
           has_no_trouble(&both[1]);
}

static bool both_have_trouble(void *ctx)
{
    const struct reader *both = ctx;

    return !has_no_trouble(&both[0]) && !has_no_trouble(&both[1]);
}

static void who_is_given_nothing_has_no_trouble_but_for_an_outage(void **state)
{
    struct kafka_rig rig;
    struct reader both[2] = {{.rig = NULL}, {.rig = NULL}};
    struct kafka_conf conf;

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    conf = group_conf(&rig);
    for (size_t i = 0; i < 2; i++) {
        reader_start(&both[i], &rig, &conf);
        assert_string_equal(kafka_source_trouble(both[i].source), "no partition is assigned yet");
    }
    kafka_rig_until(&rig, one_has_all, both);
    broker_down(rig.broker, SIGKILL);
    kafka_rig_until(&rig, both_have_trouble, both);
    broker_up(rig.broker);
    kafka_rig_until(&rig, one_has_all, both);
    assert_false(both[0].failed || both[1].failed);
    reader_done(&both[1]);
    reader_done(&both[0]);
    kafka_rig_stop(&rig);
}

static bool misses_its_topic(void *ctx)
{
    const struct reader *r = ctx;

    return kafka_rig_noticed(r->rig, "Subscribed topic not available: events");
}

static void who_waits_for_a_topic_says_so(void **state)
{
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;

    (void)state;
    broker_apache_only("the embedded broker makes every topic that it is asked about");
    kafka_rig_start(&rig, 1);
    conf = group_conf(&rig);
    conf.refresh_ms = 500;
    reader_start(&r, &rig, &conf);
    kafka_rig_until(&rig, misses_its_topic, &r);
    assert_non_null(strstr(kafka_source_trouble(r.source),
                           "no partition is assigned yet: Subscribed topic not available: events"));
    kafka_rig_topic(&rig, topic[0], 1);
    reader_await_partitions(&r, 1);
    assert_true(has_no_trouble(&r));
    reader_done(&r);
    kafka_rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_revocation_is_held_open_until_the_work_has_ended),
        cmocka_unit_test(a_lost_assignment_is_told_as_lost),
        cmocka_unit_test(who_is_given_nothing_has_no_trouble_but_for_an_outage),
        cmocka_unit_test(who_waits_for_a_topic_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
