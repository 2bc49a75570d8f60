/* What a source tells of where it begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/kafka_rig.h"

#define SOME 5

static const char *const topic[] = {"events"};

/* Kafka forgets the offsets of a group that was away for a week: then all is read again, which
 * can't be told from a first start. */
static void a_log_that_is_read_from_its_start_is_said_aloud(void **state)
{
    struct kafka_rig rig;
    struct reader of_nothing = {.rig = NULL};
    struct reader of_some = {.rig = NULL};
    struct kafka_conf conf;

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    conf = kafka_rig_conf(&rig, topic);
    reader_start(&of_nothing, &rig, &conf);
    reader_await_partitions(&of_nothing, 1);
    reader_done(&of_nothing);
    assert_true(kafka_rig_noticed(&rig, "kafka_nothing_committed topic=events partition=0"));
    assert_false(kafka_rig_noticed(&rig, "Kafka has forgotten its offsets"));

    kafka_rig_send_many(&rig, topic[0], 0, SOME);
    conf.group = "another";
    reader_start(&of_some, &rig, &conf);
    reader_await(&of_some, SOME);
    assert_true(kafka_rig_noticed(&rig, "kafka_nothing_committed topic=events partition=0 start=0 "
                                        "records=5 reason=it is the group's first start, or "
                                        "Kafka has forgotten its offsets"));
    reader_done(&of_some);
    kafka_rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_that_is_read_from_its_start_is_said_aloud),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
