/* event_record: what publish says of an event that it can't make a record of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "producers/event_record.h"

#include <stdio.h>
#include <string.h>

#define EVENT(type, rest)                                                                          \
    "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/shop\",\"type\":\"" type                  \
    "\",\"subject\":\"messages/7\"" rest "}"
#define CANCELLED(rest) EVENT("message.cancelled", rest)

static struct event_record record;

static int set_up(void **state)
{
    (void)state;
    event_record_init(&record);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    event_record_done(&record);
    return 0;
}

static void refused(const char *json, const char *sentence)
{
    struct fault f = {0};

    assert_false(event_record_make(&record, view_of(json), false, &f));
    assert_int_equal(f.cls, FAULT_REJECT);
    assert_string_equal(f.text, sentence);
}

static void an_attribute_is_a_plain_value_under_a_name_that_a_header_may_have(void **state)
{
    struct fault f = {0};

    (void)state;
    refused(CANCELLED(",\"myExt\":\"x\""),
            "the attribute 'myExt' must have lower-case letters and digits only");
    refused(CANCELLED(",\"my\\u0045xt\":null"),
            "the attribute 'myExt' must have lower-case letters and digits only");
    refused(CANCELLED(",\"my_ext\":1"),
            "the attribute 'my_ext' must have lower-case letters and digits only");
    refused(CANCELLED(",\"\":1"), "an attribute's name is empty");
    refused(CANCELLED(",\"ext\":{\"a\":1}"), "the attribute ext is no plain value");
    refused(CANCELLED(",\"ext\":[1]"), "the attribute ext is no plain value");
    assert_true(
        event_record_make(&record, VIEW(CANCELLED(",\"ext2\":\"x\",\"data\":null")), false, &f));
    assert_true(event_record_make(&record, VIEW(CANCELLED(",\"myExt\":\"x\"")), true, &f));
}

static void the_most_attributes_are_counted(void **state)
{
    char json[2048] = "";
    size_t n = 0;

    (void)state;
    n += (size_t)snprintf(json, sizeof json, "%s", CANCELLED(""));
    n--; /* the closing brace */
    for (int i = 0; i < RECORD_HEADERS_MAX - 4; i++)
        n += (size_t)snprintf(json + n, sizeof json - n, ",\"a%d\":1", i);
    (void)snprintf(json + n, sizeof json - n, "}");
    refused(json, "the event has more than 64 attributes");
}

static void numbers_are_not_shown(void **state)
{
    struct fault f = {0};

    (void)state;
    refused(CANCELLED(",\"Tel358401234567\":1"),
            "the attribute 'Tel…567' must have lower-case letters and digits only");
    refused(CANCELLED(",\"a\\u001b[31m\":1"),
            "the attribute 'a?[31m' must have lower-case letters and digits only");
    refused(CANCELLED(",\"t358401234567\":{}"), "the attribute t…567 is no plain value");
    assert_false(
        event_record_check(&record, VIEW(EVENT("sms.to.+358 40 123 45 67", "")), VIEW_NONE, &f));
    assert_string_equal(f.text, "type 'sms.to.+…567' is none that the consumer knows");
}

/* A line is UTF-8 whatever charset the type of its data names; a record's value is what it names.
 */
static void the_record_is_read_as_the_line_was(void **state)
{
    static const struct {
        const char *type;
        const char *data;
        const char *header;
    } rows[] = {
        {"application/json; charset=ISO-8859-1", "{}", "application/json"},
        {"application/json; charset=utf-8", "{}", "application/json; charset=utf-8"},
        {"text/plain; charset=\\\"iso-8859-1\\\"", "\"\\u00e4\"", "text/plain"},
        {"text/plain;x=y", "\"a\"", "text/plain;x=y"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault f = {0};
        struct cloudevent line;
        struct cloudevent sent;
        struct record r;
        struct buf text;
        char json[512];

        buf_init(&text, 4096);
        (void)snprintf(json, sizeof json,
                       EVENT("contact.remarks.added", ",\"datacontenttype\":\"%s\",\"data\":%s"),
                       rows[i].type, rows[i].data);
        assert_true(event_record_make(&record, view_of(json), false, &f));
        r = (struct record){.has_value = true,
                            .value = record.r.value,
                            .headers = record.r.headers,
                            .header_count = record.r.header_count};
        assert_true(cloudevent_of_record(&r, &sent, &text, &f));
        assert_true(cloudevent_of_json(view_of(json), &line, &text, &f));
        assert_int_equal(sent.content, line.content);
        for (size_t h = 0; h < record.r.header_count; h++)
            if (view_is(record.headers[h].name, "content-type"))
                assert_true(view_is(record.headers[h].value, rows[i].header));
        buf_done(&text);
    }
    refused(CANCELLED(",\"datacontenttype\":\"Application/CloudEvents+json\",\"data\":{}"),
            "datacontenttype is that of a whole event, as which the record would be read; "
            "--structured sends it as it stands");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(an_attribute_is_a_plain_value_under_a_name_that_a_header_may_have),
        CASE(the_most_attributes_are_counted),
        CASE(numbers_are_not_shown),
        CASE(the_record_is_read_as_the_line_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
