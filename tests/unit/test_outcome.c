/* schedule_outcome: what is told of a destination. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/settlement.h"
#include "bridge/run/schedule_outcome.h"

static struct outcome_record record;

static void expect(bool overtaken, const char *type, const char *data)
{
    const struct schedule_event event = {.type = SCHEDULE_EVENT_SETTLED,
                                         .message = "0123456789ABCDEF0123456789ABCDEF",
                                         .overtaken = overtaken};
    const struct settlement settlement = {.state = SETTLEMENT_AGAIN,
                                          .attempt = 1,
                                          .at_ms = 1000,
                                          .retry_at_ms = 2000,
                                          .address = VIEW("+1"),
                                          .reason = VIEW("503")};
    struct outcome o = {.event = &event, .settlement = &settlement, .id = "1-0"};
    bool told = false;

    outcome_make(&record, &o, "outcomes", 7);
    for (size_t i = 0; i < record.record.header_count; i++)
        told = told || (view_is(record.headers[i].name, "ce_type") &&
                        view_is(record.headers[i].value, type));
    assert_true(told);
    assert_string_equal(buf_text(&record.data), data);
}

static void what_is_to_be_tried_again_has_failed_where_its_message_was_deleted(void **state)
{
    (void)state;
    expect(false, "message.destination.retryscheduled",
           "{\"message\":\"0123456789ABCDEF0123456789ABCDEF\",\"destination\":0,"
           "\"address\":\"+1\",\"state\":\"again\",\"attempt\":1,\"reason\":\"503\","
           "\"time\":\"1970-01-01T00:00:01.000Z\",\"retryTime\":\"1970-01-01T00:00:02.000Z\","
           "\"possible_duplicate\":false}");
    expect(true, "message.destination.failed",
           "{\"message\":\"0123456789ABCDEF0123456789ABCDEF\",\"destination\":0,"
           "\"address\":\"+1\",\"state\":\"failed\",\"attempt\":1,\"reason\":\"503\","
           "\"time\":\"1970-01-01T00:00:01.000Z\",\"overtaken\":true,"
           "\"possible_duplicate\":false}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_to_be_tried_again_has_failed_where_its_message_was_deleted),
    };
    int failed;

    outcome_record_init(&record);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    outcome_record_done(&record);
    return failed;
}
