#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/dlq_rig.h"

#include "bridge/core/datetime.h"

#include <stdio.h>

void dlq_rig_start(struct kafka_rig *rig)
{
    kafka_rig_start(rig, 1);
    kafka_rig_topic(rig, DLQ_RIG_EVENTS, 1);
    kafka_rig_topic(rig, DLQ_RIG_DEAD, 2);
    kafka_rig_topic(rig, DLQ_RIG_RESULTS, 1);
}

static int64_t ms_of(const char *time)
{
    int64_t ms = 1000;
    struct fault f = {0};

    assert_true(time == NULL || datetime_parse(view_of(time), &ms, &f));
    return ms;
}

void dlq_rig_bury(struct kafka_rig *rig, const struct dlq_rig_letter *letter)
{
    const struct record_header headers[] = {
        {VIEW("content-type"), VIEW("application/json")},
        {VIEW("ce_specversion"), VIEW("1.0")},
        {VIEW("ce_id"), view_of(letter->id)},
        {VIEW("ce_source"), VIEW("/shop")},
        {VIEW("ce_type"), view_of(letter->type)},
        {VIEW("ce_subject"), view_of(letter->subject)},
        {VIEW("mine"), VIEW("kept")},
        {VIEW("null"), {NULL, 0}},
        {VIEW("empty"), VIEW("")},
        {VIEW("cmi_error_class"), VIEW("reject")},
        {VIEW("cmi_error_status"), VIEW("400")},
        {VIEW("cmi_error_text"), VIEW("it was refused, call 0612345678")},
        {VIEW("cmi_error_attempts"), VIEW("1")},
        {VIEW("cmi_error_disposition"), view_of(letter->disposition)},
        {VIEW("cmi_error_topic"), VIEW(DLQ_RIG_EVENTS)},
        {VIEW("cmi_error_partition"), VIEW("0")},
        {VIEW("cmi_error_offset"), view_of(letter->offset)},
        {VIEW("cmi_error_time"), view_of(letter->time)},
    };

    kafka_rig_produce(rig,
                      &(struct sink_record){.topic = DLQ_RIG_DEAD,
                                            .has_key = true,
                                            .key = view_of(letter->subject),
                                            .has_value = true,
                                            .value = VIEW("{\"a\":1}"),
                                            .timestamp_ms = ms_of(letter->published),
                                            .headers = headers,
                                            .header_count = sizeof headers / sizeof headers[0]});
}

void dlq_rig_bury_bare(struct kafka_rig *rig, const struct dlq_rig_bare *letter)
{
    const struct record_header headers[] = {
        {VIEW("content-type"), VIEW("application/json")},
        {VIEW("ce_specversion"), VIEW("1.0")},
        {VIEW("ce_id"), view_of(letter->id)},
        {VIEW("ce_source"), VIEW("/shop")},
        {VIEW("ce_type"), VIEW("message.requested")},
        {VIEW("ce_subject"), VIEW("messages/7")},
        {VIEW("cmi_error_class"), VIEW("reject")},
        {VIEW("cmi_error_topic"), view_of(letter->topic)},
        {VIEW("cmi_error_partition"), view_of(letter->partition)},
        {VIEW("cmi_error_offset"), view_of(letter->offset)},
    };

    kafka_rig_produce(rig,
                      &(struct sink_record){.topic = DLQ_RIG_DEAD,
                                            .has_value = true,
                                            .value = letter->value,
                                            .headers = headers,
                                            .header_count = sizeof headers / sizeof headers[0]});
}

void dlq_rig_report(struct kafka_rig *rig, const struct dlq_rig_result *r)
{
    char data[512];
    const struct record_header headers[] = {
        {VIEW("content-type"), VIEW("application/json")},
        {VIEW("ce_specversion"), VIEW("1.0")},
        {VIEW("ce_id"), view_of(r->id)},
        {VIEW("ce_source"), VIEW("cmibridge")},
        {VIEW("ce_type"), view_of(r->type)},
        {VIEW("ce_time"), view_of(r->time)}, /* the last one: it may be left out */
    };

    snprintf(data, sizeof data,
             "{\"source\":\"/shop\",\"id\":\"%s\",\"subject\":\"%s\",%s%s\"topic\":"
             "\"" DLQ_RIG_EVENTS "\",\"partition\":%u,\"offset\":%u}",
             r->id, r->subject, r->more == NULL ? "" : r->more, r->more == NULL ? "" : ",",
             r->partition, r->offset);
    kafka_rig_produce(rig,
                      &(struct sink_record){.topic = DLQ_RIG_RESULTS,
                                            .has_value = true,
                                            .value = view_of(data),
                                            .headers = headers,
                                            .header_count = sizeof headers / sizeof headers[0] -
                                                            (r->time == NULL)});
}
