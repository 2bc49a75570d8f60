/* cloudevent: binary, structured and batched events in; structured ones out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/cloudevent.h"
#include "bridge/core/json_scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void describe(const struct cloudevent *e, struct buf *to)
{
    static const char *const contents[] = {"json", "msgpack", "text", "other"};

    (void)buf_printf(to, "%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|", VIEW_ARG(e->id),
                     VIEW_ARG(e->source), VIEW_ARG(e->type), VIEW_ARG(e->subject),
                     VIEW_ARG(e->sequence), VIEW_ARG(e->partitionkey), VIEW_ARG(e->traceparent),
                     VIEW_ARG(e->tracestate));
    if (e->has_time)
        (void)buf_printf(to, "%" PRId64, e->time_ms);
    (void)buf_printf(to, "|%s|", contents[e->content]);
    if (e->has_data)
        (void)buf_printf(to, "<%.*s>", VIEW_ARG(e->data));
}

/* Binary: headers as "name: value" lines. */

static bool of_lines(const char *lines, const char *value, struct cloudevent *e, struct buf *text,
                     struct fault *f)
{
    struct record_header headers[RECORD_HEADERS_READ + 1];
    struct record r = {.headers = headers, .has_value = value != NULL, .value = view_of(value)};
    struct view rest = view_of(lines);

    while (rest.n > 0) {
        struct view line = view_cut(&rest, '\n');
        struct view name = view_cut(&line, ':');

        assert_true(r.header_count <= RECORD_HEADERS_READ);
        headers[r.header_count++] = (struct record_header){name, view_skip(line, 1)};
    }
    return cloudevent_of_record(&r, e, text, f);
}

#define LEAST "ce_specversion: 1.0\nce_id: 1\nce_source: s\nce_type: t\n"

struct row {
    const char *lines;
    const char *value;
    const char *event; /* NULL: refused … */
    const char *says;  /* … with this sentence */
};

#define MARK "\xef\xbb\xbf"

static const struct row binary[] = {
    {LEAST, NULL, "1|s|t|||||||json|", NULL},
    {LEAST, "", "1|s|t|||||||json|<>", NULL},
    {LEAST "content-type: application/json; charset=utf-8", "{}", "1|s|t|||||||json|<{}>", NULL},
    {LEAST, MARK "{}", "1|s|t|||||||json|<{}>", NULL}, /* as serve takes a body */
    {LEAST, MARK, "1|s|t|||||||json|<>", NULL},
    {LEAST "content-type: text/plain", MARK "x", "1|s|t|||||||text|<" MARK "x>", NULL},
    {LEAST "content-type: application/msgpack", MARK "x", "1|s|t|||||||msgpack|<" MARK "x>", NULL},
    {LEAST "Content-Type:  APPLICATION/MSGPACK ", "x", "1|s|t|||||||msgpack|<x>", NULL},
    {LEAST "content-type: application/vnd.msgpack", "x", "1|s|t|||||||msgpack|<x>", NULL},
    {LEAST "content-type: application/x-msgpack", "x", "1|s|t|||||||msgpack|<x>", NULL},
    {LEAST "content-type: application/vnd.acme+json", "x", "1|s|t|||||||json|<x>", NULL},
    {LEAST "content-type: text/plain;charset=UTF-8", "x", "1|s|t|||||||text|<x>", NULL},
    {LEAST "content-type: application/xml", "x", "1|s|t|||||||other|<x>", NULL},
    {LEAST "content-type: application/json; Charset=\"UTF-8\"", "x", "1|s|t|||||||json|<x>", NULL},
    {LEAST "content-type: application/json;charset=latin1", "x", "1|s|t|||||||other|<x>", NULL},
    {LEAST "content-type: application/json; a=b; CHARSET=\"utf-16\"", "x", "1|s|t|||||||other|<x>",
     NULL},
    {LEAST "content-type: text/plain; charset=iso-8859-1", "x", "1|s|t|||||||other|<x>", NULL},
    {LEAST "content-type: application/cloudevents+json; charset=latin1", "{}", NULL,
     "content-type must be application/cloudevents+json in UTF-8"},
    {LEAST "content-type: ", "x", "1|s|t|||||||json|<x>", NULL},
    {LEAST "ce_subject: chats/1\nce_sequence: 007\nce_partitionkey: k\nce_time: "
           "2020-03-12T12:36:01.320Z\nce_traceparent: " TRACE "\nce_tracestate: a=b\nce_other: x\n"
           "ID: 9\nce_ID: 9\nce_datacontenttype: text/plain\nce_: y",
     "x", "1|s|t|chats/1|007|k|" TRACE "|a=b|1584016561320|json|<x>", NULL},
    {LEAST "ce_traceparent: nonsense\nce_tracestate: a=b", NULL, "1|s|t|||||||json|", NULL},
    {LEAST "ce_traceparent: " TRACE "\nce_traceparent: " TRACE, NULL, "1|s|t|||||||json|", NULL},
    {LEAST "traceparent: " TRACE "\ntracestate: a=b", NULL, "1|s|t||||" TRACE "|a=b||json|", NULL},
    {LEAST "ce_traceparent: " TRACE "\ntraceparent: x\ntracestate: a=b", NULL,
     "1|s|t||||" TRACE "|||json|", NULL},
    {LEAST "ce_time: ", NULL, "1|s|t|||||||json|", NULL},
    {LEAST "ce_time: soon", NULL, NULL, "attribute time: "},
    {LEAST "ce_time: 2020-06-31T00:00:00Z", NULL, NULL, "attribute time: "},
    {"", "x", NULL, "not a CloudEvent: attribute specversion is missing"},
    {"ce_specversion: 1.0\nce_source: s\nce_type: t", "x", NULL,
     "not a CloudEvent: attribute id is missing"},
    {"ce_specversion: 1.0\nce_id: \nce_source: s\nce_type: t", "x", NULL,
     "not a CloudEvent: attribute id is empty"},
    {"ce_specversion: 1.0\nce_id: 1\nce_type: t", "x", NULL,
     "not a CloudEvent: attribute source is missing"},
    {"ce_specversion: 1.0\nce_id: 1\nce_source: s", "x", NULL,
     "not a CloudEvent: attribute type is missing"},
    {"ce_specversion: 0.3\nce_id: 1\nce_source: s\nce_type: t", "x", NULL,
     "specversion is '0.3'; it must be 1.0"},
    {LEAST "ce_id: 2", "x", NULL, "attribute id is given twice"},
    {LEAST "content-type: a/b\nContent-Type: a/b", "x", NULL, "header content-type is given twice"},
    {LEAST "ce_subject: a\tb", "x", NULL, "attribute subject holds a control character"},
    {LEAST "ce_subject: a\x7f", "x", NULL, "attribute subject holds a control character"},
    {LEAST "ce_subject: a\xc2\x85", "x", NULL, "attribute subject holds a control character"},
    {LEAST "ce_subject: \xc3", "x", NULL, "attribute subject is not UTF-8"},
    {LEAST "content-type: a\xff", "x", NULL, "attribute datacontenttype is not UTF-8"},
    {LEAST "content-type: application/cloudevents+xml", "x", NULL,
     "content-type must be application/cloudevents+json in structured mode"},
    {LEAST "content-type: application/cloudevents-batch+json", "[]", NULL,
     "content-type must be application/cloudevents+json in structured mode"},
    {LEAST "content-type: application/cloudevents+json", NULL, NULL,
     "a structured event has no value"},
};

static void check(size_t i, const char *event, const char *says, bool ok,
                  const struct cloudevent *e, const struct fault *f)
{
    struct buf text;

    if (ok != (event != NULL))
        fail_msg("row %zu: %s", i, ok ? "was taken" : f->text);
    if (!ok) {
        assert_int_equal(f->cls, FAULT_REJECT);
        if (strncmp(f->text, says, strlen(says)) != 0)
            fail_msg("row %zu: '%s' does not say '%s'", i, f->text, says);
        return;
    }
    buf_init(&text, 8192);
    describe(e, &text);
    if (strcmp(buf_text(&text), event) != 0)
        fail_msg("row %zu: %s", i, buf_text(&text));
    buf_done(&text);
}

static void binary_records_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof binary / sizeof *binary; i++) {
        struct cloudevent e;
        struct fault f = {0};
        struct buf text;
        bool ok;

        buf_init(&text, 0); /* binary mode needs none */
        ok = of_lines(binary[i].lines, binary[i].value, &e, &text, &f);
        check(i, binary[i].event, binary[i].says, ok, &e, &f);
        buf_done(&text);
    }
}

static void an_attribute_and_the_headers_have_a_maximum(void **state)
{
    struct record_header headers[RECORD_HEADERS_READ + 1] = {
        {VIEW("ce_specversion"), VIEW("1.0")}, {VIEW("ce_id"), VIEW("1")},
        {VIEW("ce_source"), VIEW("s")},        {VIEW("ce_type"), VIEW("t")},
        {VIEW("ce_subject"), VIEW_NONE},
    };
    struct record r = {.headers = headers, .header_count = 5};
    char longest[CLOUDEVENT_ATTRIBUTE_MAX + 1];
    struct cloudevent e;
    struct fault f = {0};
    struct buf text;

    (void)state;
    buf_init(&text, 0);
    memset(longest, 'x', sizeof longest);
    headers[4].value = (struct view){longest, sizeof longest - 1};
    assert_true(cloudevent_of_record(&r, &e, &text, &f));
    headers[4].value.n++;
    assert_false(cloudevent_of_record(&r, &e, &text, &f));
    assert_string_equal(f.text, "attribute subject has 1025 bytes; the maximum is 1024");
    r.header_count = RECORD_HEADERS_READ;
    for (size_t i = 4; i <= RECORD_HEADERS_READ; i++)
        headers[i] = (struct record_header){VIEW("x"), VIEW("y")};
    assert_true(cloudevent_of_record(&r, &e, &text, &f));
    r.header_count++;
    assert_false(cloudevent_of_record(&r, &e, &text, &f));
    assert_string_equal(f.text, "the record has more than 256 headers");
    buf_done(&text);
}

#define JSON(members)                                                                              \
    "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\"" members "}"

static const struct row structured[] = {
    {"application/cloudevents+json", JSON(""), "1|s|t|||||||json|", NULL},
    {"Application/CloudEvents+JSON; charset=utf-8", JSON(""), "1|s|t|||||||json|", NULL},
    {"application/cloudevents", JSON(""), "1|s|t|||||||json|", NULL},
    {"application/cloudevents", MARK JSON(",\"data\":{}"), "1|s|t|||||||json|<{}>", NULL},
    {"application/cloudevents", JSON(",\"data_base64\":\"77u/e30=\""), "1|s|t|||||||json|<{}>",
     NULL},
    {"application/cloudevents+json",
     JSON(",\"subject\":\"a\\u002fb\",\"time\":\"2020-03-12T12:36:01.320Z\",\"sequence\":\"7\","
          "\"partitionkey\":\"\\\"k\",\"traceparent\":\"" TRACE "\",\"tracestate\":\"a=b\","
          "\"other\":{\"id\":\"x\"},\"ID\":\"9\",\"data\": { \"a\" : [1, \"}\"] } "),
     "1|s|t|a/b|7|\"k|" TRACE "|a=b|1584016561320|json|<{ \"a\" : [1, \"}\"] }>", NULL},
    {"application/cloudevents+json",
     "{\"\\u0069d\":\"1\",\"source\":\"s\",\"type\":\"t\",\"specversion\":\"1.0\",\"data\":[null]}",
     "1|s|t|||||||json|<[null]>", NULL},
    {"application/cloudevents+json", JSON(",\"data\":null"), "1|s|t|||||||json|<null>", NULL},
    {"application/cloudevents+json", JSON(",\"data\":\"a\\nb\""), "1|s|t|||||||json|<\"a\\nb\">",
     NULL},
    {"application/cloudevents+json", JSON(",\"datacontenttype\":\"text/plain\",\"data\":\"a\\nb\""),
     "1|s|t|||||||text|<a\nb>", NULL},
    {"application/cloudevents+json", JSON(",\"data\":\"ab\",\"datacontenttype\":\"text/plain\""),
     "1|s|t|||||||text|<ab>", NULL},
    {"application/cloudevents+json", JSON(",\"datacontenttype\":\"text/plain\",\"data\":null"),
     "1|s|t|||||||text|", NULL},
    {"application/cloudevents+json",
     JSON(",\"datacontenttype\":\"application/msgpack\",\"data_base64\":\"gA==\""),
     "1|s|t|||||||msgpack|<\x80>", NULL},
    {"application/cloudevents+json", JSON(",\"data_base64\":\"e\\u0033\\u0030=\""),
     "1|s|t|||||||json|<{}>", NULL},
    {"application/cloudevents+json",
     JSON(",\"datacontenttype\":\"text/plain;charset=latin1\",\"data_base64\":\"e30=\""),
     "1|s|t|||||||other|<{}>", NULL},
    {"application/cloudevents+json", /* within JSON it is UTF-8, whatever it says */
     JSON(",\"datacontenttype\":\"text/plain;charset=latin1\",\"data\":\"a\""),
     "1|s|t|||||||text|<a>", NULL},
    {"application/cloudevents+json", JSON(",\"data_base64\":null,\"subject\":null,\"data\":1"),
     "1|s|t|||||||json|<1>", NULL},
    {"application/cloudevents+json", /* no trace is no reason to refuse */
     JSON(",\"traceparent\":7,\"tracestate\":{\"a\":1},\"data\":1"), "1|s|t|||||||json|<1>", NULL},
    {"application/cloudevents+json", JSON(",\"data_base64\":\"gA=\""), NULL,
     "data_base64 is not base64"},
    {"application/cloudevents+json", JSON(",\"data_base64\":7"), NULL,
     "data_base64 must be a string"},
    {"application/cloudevents+json", JSON(",\"data_base64\":\"\",\"data\":1"), NULL,
     "data and data_base64 exclude each other"},
    {"application/cloudevents+json", JSON(",\"data\":1,\"data\":2"), NULL, "data is given twice"},
    {"application/cloudevents+json", JSON(",\"data_base64\":\"\",\"data_base64\":\"\""), NULL,
     "data_base64 is given twice"},
    {"application/cloudevents+json",
     JSON(",\"datacontenttype\":\"application/msgpack\",\"data\":{}"), NULL,
     "data belongs in data_base64, as datacontenttype is neither JSON nor text/plain"},
    {"application/cloudevents+json", JSON(",\"datacontenttype\":\"text/plain\",\"data\":{}"), NULL,
     "data of type text/plain must be a string"},
    {"application/cloudevents+json", JSON(",\"subject\":7"), NULL, "subject must be a string"},
    {"application/cloudevents+json", JSON(",\"i\\u0064\":\"2\""), NULL,
     "attribute id is given twice"},
    {"application/cloudevents+json", JSON(",\"id\":null"), NULL, "attribute id is given twice"},
    {"application/cloudevents+json", JSON(",\"data\":null,\"data\":null"), NULL,
     "data is given twice"},
    {"application/cloudevents+json", JSON(",\"ext\":1,\"e\\u0078t\":2"), NULL,
     "a key is given twice in one object"},
    {"application/cloudevents+json", JSON(",\"subject\":\"a\\u0000b\""), NULL,
     "attribute subject holds a control character"},
    {"application/cloudevents+json", "{\"id\":\"1\"}", NULL,
     "not a CloudEvent: attribute specversion is missing"},
    {"application/cloudevents+json", "[]", NULL, "an event must be a JSON object"},
    {"application/cloudevents+json", JSON(",\"data\":"), NULL, "malformed JSON at byte "},
    {"application/cloudevents+json", "", NULL, "malformed JSON: it ends early"},
};

static void structured_records_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof structured / sizeof *structured; i++) {
        struct record_header header = {VIEW("content-type"), view_of(structured[i].lines)};
        struct record r = {.headers = &header,
                           .header_count = 1,
                           .has_value = true,
                           .value = view_of(structured[i].value)};
        struct cloudevent e;
        struct fault f = {0};
        struct buf text;
        bool ok;

        buf_init(&text, 2 * r.value.n);
        ok = cloudevent_of_record(&r, &e, &text, &f);
        check(i, structured[i].event, structured[i].says, ok, &e, &f);
        buf_done(&text);
    }
}

static void only_what_must_be_unescaped_takes_room(void **state)
{
    struct view plain = VIEW(JSON(",\"data\":\"a\\nb\""));
    struct view escaped = VIEW(JSON(",\"subject\":\"a\\nb\""));
    struct cloudevent e;
    struct fault f = {0};
    struct buf text;

    (void)state;
    buf_init(&text, 2 * escaped.n - 1);
    assert_true(cloudevent_of_json(plain, &e, &text, &f));
    assert_int_equal(text.cap, 0);
    assert_false(cloudevent_of_json(escaped, &e, &text, &f));
    assert_non_null(strstr(f.text, "; the maximum is "));
    buf_done(&text);
}

/* Each unescaped attribute is a view into the same buffer: none may move when the next comes. */
static void unescaped_attributes_stay_where_they_are(void **state)
{
    char json[4096] = "{\"specversion\":\"1.0\",\"id\":\"\\u0041\",\"type\":\"\\u0042\"";
    size_t n = strlen(json);
    struct cloudevent e;
    struct fault f = {0};
    struct buf text;

    (void)state;
    for (int i = 0; i < 100; i++) { /* names that nobody knows, with escapes */
        (void)snprintf(json + n, sizeof json - n, ",\"\\u0078%d\":0", i);
        n += strlen(json + n);
    }
    (void)snprintf(json + n, sizeof json - n, ",\"source\":\"\\u0043\",\"data_base64\":\"e30=\"}");
    buf_init(&text, 2 * sizeof json);
    assert_true(cloudevent_of_json(view_of(json), &e, &text, &f));
    assert_true(view_is(e.id, "A") && view_is(e.type, "B") && view_is(e.source, "C"));
    assert_true(view_is(e.data, "{}"));
    buf_done(&text);
}

static void a_batch_is_taken_apart(void **state)
{
    static const struct {
        const char *batch;
        const char *events;
    } rows[] = {
        {"[]", ""},
        {" [ ] ", ""},
        {"[{\"id\":\"1\"}]", "<{\"id\":\"1\"}>"},
        {" [ {\"a\":[1,2]} , 7 , [ 3 ] ]\r\n", "<{\"a\":[1,2]}><7><[ 3 ]>"},
        {"[{\"a\":nul},{\"\x80\"},{]]", "<{\"a\":nul}><{\"\x80\"}><{]>"}, /* judged one by one */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cloudevent_batch b = {.rest = view_of(rows[i].batch)};
        struct fault f = {0};
        struct view json;
        struct buf seen;

        buf_init(&seen, 1024);
        while (cloudevent_next(&b, &json, &f))
            (void)buf_printf(&seen, "<%.*s>", VIEW_ARG(json));
        assert_int_equal(f.cls, FAULT_NONE);
        assert_string_equal(buf_text(&seen), rows[i].events);
        buf_done(&seen);
    }
}

static void a_batch_must_be_an_array(void **state)
{
    static const struct {
        const char *batch;
        const char *why; /* behind what every sentence begins with */
    } rows[] = {
        {"", ""},
        {"{}", ""},
        {"7", ""},
        {"\"[]\"", ""},
        {",{}]", ""},
        {"]", ""},
        {"[", ""},
        {"[}", ""},
        {"[,{}]", ""},
        {"[]]", ""},
        {"[{}", "; behind event 1 it is none"},
        {"[{},", "; behind event 1 it is none"},
        {"[{},]", "; behind event 1 it is none"},
        {"[{} {}]", "; behind event 1 it is none"},
        {"[{},{}}", "; behind event 2 it is none"},
        {"[{},{}],", "; behind event 2 it is none"},
        {"[{},{\"a\":\"]", "; behind event 2 it is none"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cloudevent_batch b = {.rest = view_of(rows[i].batch)};
        struct fault f = {0};
        struct view json;
        char why[FAULT_TEXT_MAX];

        while (cloudevent_next(&b, &json, &f))
            ;
        assert_int_equal(f.cls, FAULT_REJECT);
        snprintf(why, sizeof why, "a batch must be a JSON array of events%s", rows[i].why);
        assert_string_equal(f.text, why);
    }
}

/* Its data may be as deep in every mode, and in a batch. */
static void data_is_as_deep_around_as_alone(void **state)
{
    (void)state;
    for (int deep = TOKEN_DEPTH_MAX; deep <= TOKEN_DEPTH_MAX + 1; deep++) {
        char json[512] =
            "[{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"data\":";
        struct cloudevent_batch b = {.rest = VIEW_NONE};
        struct cloudevent e;
        struct fault f = {0};
        struct view event;
        struct buf text;
        size_t n = strlen(json);

        memset(json + n, '[', (size_t)deep);
        memset(json + n + deep, ']', (size_t)deep);
        memcpy(json + n + 2 * deep, "}]", 3);
        b.rest = view_of(json);
        buf_init(&text, sizeof json);
        assert_true(cloudevent_next(&b, &event, &f));
        assert_int_equal(cloudevent_of_json(event, &e, &text, &f), deep == TOKEN_DEPTH_MAX);
        assert_int_equal(f.cls, deep == TOKEN_DEPTH_MAX ? FAULT_NONE : FAULT_REJECT);
        buf_done(&text);
    }
}

static void what_is_written_is_read_back(void **state)
{
    static const struct {
        enum event_data kind;
        const char *data;
        const char *read;
    } rows[] = {
        {EVENT_DATA_BODY, "{\"a\": 1}", "json|<{\"a\": 1}>"},
        {EVENT_DATA_BODY, "", "json|"},
        {EVENT_DATA_TEXT, "a \"remark\"\n", "text|<a \"remark\"\n>"},
        {EVENT_DATA_TEXT, "", "text|<>"},
        {EVENT_DATA_NONE, "", "json|"},
    };
    struct cloudevent e = {.id = VIEW("i\"1"),
                           .source = VIEW("s"),
                           .type = VIEW("com.example.t"),
                           .subject = VIEW("contacts/1"),
                           .sequence = VIEW("7"),
                           .partitionkey = VIEW("k"),
                           .traceparent = VIEW(TRACE),
                           .tracestate = VIEW("a=b"),
                           .has_time = true,
                           .time_ms = 1584016561320,
                           .time_ns = 7};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cloudevent back;
        struct fault f = {0};
        struct json_out j;
        struct buf json;
        struct buf text;
        struct buf seen;
        char expected[256] = "i\"1|s|t|contacts/1|7|k|" TRACE "|a=b|1584016561320|";

        buf_init(&json, 4096);
        buf_init(&text, 8192);
        buf_init(&seen, 4096);
        json_out_init(&j, &json);
        cloudevent_write_json(&j, &e, "t", view_of(rows[i].data), rows[i].kind);
        if (!cloudevent_of_json(buf_view(&json), &back, &text, &f))
            fail_msg("%s", f.text);
        describe(&back, &seen);
        assert_int_equal(back.time_ns, 7);
        memcpy(expected + strlen(expected), rows[i].read, strlen(rows[i].read) + 1);
        assert_string_equal(buf_text(&seen), expected);
        buf_done(&json);
        buf_done(&text);
        buf_done(&seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binary_records_are_read),
        cmocka_unit_test(an_attribute_and_the_headers_have_a_maximum),
        cmocka_unit_test(structured_records_are_read),
        cmocka_unit_test(only_what_must_be_unescaped_takes_room),
        cmocka_unit_test(unescaped_attributes_stay_where_they_are),
        cmocka_unit_test(a_batch_is_taken_apart),
        cmocka_unit_test(a_batch_must_be_an_array),
        cmocka_unit_test(data_is_as_deep_around_as_alone),
        cmocka_unit_test(what_is_written_is_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
