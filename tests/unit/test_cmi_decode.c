/* cmi_decode, cmi_rules: what a visitor gets, in which words a body is refused, and that the
 * specification's own examples pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/core/cmi_rules.h"
#include "bridge/core/mem.h"
#include "bridge/io/json_in.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What the visitor got, as text: name=value; begin and end as name#index( … ); a list's end as
 * name:count. */
struct visit {
    struct buf text;
    const char *refuse; /* the name to refuse */
};

static bool refused(const struct visit *v, const struct cmi_field *field, struct fault *f)
{
    if (v->refuse == NULL || strcmp(v->refuse, field->name) != 0)
        return false;
    return !fault_set(f, FAULT_RETRY, "not now");
}

static bool on_begin(void *ctx, const struct cmi_field *field, size_t index, struct fault *f)
{
    struct visit *v = ctx;

    return !refused(v, field, f) && buf_printf(&v->text, "%s#%zu(", field->name, index);
}

static bool on_value(void *ctx, const struct cmi_field *field, const struct cmi_value *value,
                     struct fault *f)
{
    struct visit *v = ctx;

    if (refused(v, field, f))
        return false;
    (void)buf_printf(&v->text, "%s=", field->name);
    if (value->null)
        return buf_put_text(&v->text, "NULL ");
    switch (field->type) {
    case CMI_INTEGER:
        return buf_printf(&v->text, "%" PRId64 " ", value->integer);
    case CMI_TIME:
        return buf_printf(&v->text, "%" PRId64 " ", value->time_ms);
    case CMI_BOOL:
        return buf_printf(&v->text, "%s ", value->boolean ? "yes" : "no");
    case CMI_STRING:
    case CMI_GUID:
    case CMI_NUMBER:
    case CMI_OBJECT:
    case CMI_LIST:
        break;
    }
    return buf_printf(&v->text, "%s%.*s ", value->named ? "named:" : "", VIEW_ARG(value->text));
}

static bool on_end(void *ctx, const struct cmi_field *field, struct fault *f)
{
    struct visit *v = ctx;

    (void)field;
    (void)f;
    return buf_put_text(&v->text, ")");
}

static bool on_list(void *ctx, const struct cmi_field *field, size_t count, struct fault *f)
{
    struct visit *v = ctx;

    (void)f;
    return buf_printf(&v->text, "%s:%zu ", field->name, count);
}

struct row {
    const struct cmi_shape *shape;
    enum cmi_use use;
    const char *json;
    const char *visited; /* NULL: refused … */
    const char *says;    /* … with this sentence */
};

#define G1 "f5168fbd-d691-4c8d-b1c6-d0bd64563a39"
#define G2 "F5168FBDD6914C8DB1C6D0BD64563A39"

#define CONSENT(members)  &cmi_customer_consent, CMI_POST, "{" members "}"
#define CALLBACK(members) &cmi_callback, CMI_PUT, "{" members "}"
#define MESSAGE(members)                                                                           \
    &cmi_message, CMI_POST, "{\"message\":\"m\",\"source\":\"s\",\"subType\":\"sms\"," members "}"
#define TO_ONE             "\"destinations\":[{\"address\":\"1\"}]"
#define TO_ONE_VISITS      "destinations#0(address=1 )destinations:1 "
#define VISITS             "message=m source=s subType=sms "
#define CONTACT(members)   &cmi_contact, CMI_INGEST, "{" members "}"
#define RECORDING(members) &cmi_call_recording, CMI_INGEST, "{" members "}"
#define SCRIPT(members)    &cmi_script_result, CMI_INGEST, "{" members "}"

static const struct row rows[] = {
    {CONSENT("\"address\":\"+1\",\"usage\":\"whatsapp\",\"consent\":false"),
     "address=+1 usage=whatsapp consent=no ", NULL},
    {CONSENT("\"consent\":true,\"x\":[{\"y\":[1]},[]],\"usage\":\"recording\",\"address\":\"1\""),
     "consent=yes usage=recording address=1 ", NULL},
    {CONSENT("\"id\":7,\"address\":\"1\",\"usage\":\"recording\",\"consent\":true,\"id\":{}"), NULL,
     "the body: a key is given twice in one object"}, /* unknown to this shape, too */
    {CONSENT("\"usage\":\"recording\",\"consent\":true"), NULL, "address is missing"},
    {CONSENT("\"usage\":null,\"address\":\"1\",\"consent\":true"), NULL,
     "usage is null; it is required"},
    {CONSENT("\"usage\":\"RECORDING\",\"address\":\"1\",\"consent\":true"), NULL,
     "usage is 'RECORDING'; allowed are whatsapp, recording"},
    {CONSENT("\"consent\":\"true\""), NULL, "consent is a string; it must be true or false"},
    {CONSENT("\"address\":12345678"), NULL, "address is an integer; it must be a string"},
    {CONSENT("\"address\":\"\""), NULL, "address is empty; it is required"},
    {CONSENT("\"address\":\"1\",\"x\":1,\"address\":\"1\""), NULL, "address is given twice"},
    {&cmi_customer_consent, CMI_POST, "[]", NULL, "the body is an array; it must be an object"},
    {&cmi_customer_consent, CMI_POST, "null", NULL, "the body is null; it must be an object"},
    {&cmi_customer_consent, CMI_POST, "{", NULL, "malformed JSON: it ends early, after byte 1"},

    {MESSAGE(TO_ONE), VISITS TO_ONE_VISITS, NULL},
    {MESSAGE("\"destinations\":{\"destination\":[{\"address\":\"1\"},{\"address\":\"2\"}]}"),
     VISITS "destinations#0(address=1 )destinations#1(address=2 )destinations:2 ", NULL},
    {MESSAGE("\"destinations\":{\"more\":[{}],\"destination\":[{\"address\":\"1\"}],\"x\":1}"),
     VISITS TO_ONE_VISITS, NULL},
    {MESSAGE("\"destinations\":[{\"status\":7,\"address\":\"1\"}]"), VISITS TO_ONE_VISITS, NULL},
    {MESSAGE("\"id\":[],\"creationDate\":\"?\",\"creationTime\":null," TO_ONE),
     VISITS TO_ONE_VISITS, NULL},
    {MESSAGE("\"creationDate\":{}," TO_ONE), NULL,
     "creationDate is an object; it must be a string that holds a time"},
    {MESSAGE("\"id\":1,\"id\":2," TO_ONE), NULL, "id is given twice"},
    {MESSAGE("\"x\":1,\"y\":2,\"x\":null," TO_ONE), NULL,
     "the body: a key is given twice in one object"},
    {MESSAGE("\"x\":1,\"\\u0078\":1," TO_ONE), NULL,
     "the body: a key is given twice in one object"},
    {MESSAGE("\"x\":[{\"y\":{\"a\":1,\"a\":1}}]," TO_ONE), NULL,
     "the body: a key is given twice in one object"},
    {MESSAGE("\"destinations\":[{\"address\":\"1\",\"x\":1,\"x\":1}]"), NULL,
     "destinations[0]: a key is given twice in one object"},
    {MESSAGE("\"destinations\":[]"), NULL, "destinations has 0 entries; the minimum is 1"},
    {MESSAGE("\"destinations\":{}"), NULL, "destinations has 0 entries; the minimum is 1"},
    {MESSAGE("\"destinations\":{\"destination\":null}"), NULL,
     "destinations has 0 entries; the minimum is 1"},
    {MESSAGE("\"destinations\":{\"destination\":[],\"destination\":[]}"), NULL,
     "destinations.destination is given twice"},
    {MESSAGE("\"destinations\":{\"destination\":{\"address\":\"1\"}}"), NULL,
     "destinations.destination is an object; it must be an array"},
    {MESSAGE("\"destinations\":\"1\""), NULL, "destinations is a string; it must be an array"},
    {MESSAGE("\"destinations\":[{\"address\":\"1\"},\"2\"]"), NULL,
     "destinations[1] is a string; it must be an object"},
    {MESSAGE("\"destinations\":{\"destination\":[[]]}"), NULL,
     "destinations[0] is an array; it must be an object"},
    {MESSAGE("\"destinations\":[{\"address\":\"1\"},{}]"), NULL,
     "destinations[1].address is missing"},
    {MESSAGE("\"destinations\":{\"destination\":[{},{}]}"), NULL,
     "destinations[0].address is missing"},
    {MESSAGE("\"destinations\":[{\"address\":\"\"}]"), NULL,
     "destinations[0].address is empty; it is required"},
    {MESSAGE(TO_ONE ",\"maxRetryCount\":11"), NULL, "maxRetryCount is 11; the maximum is 10"},
    {MESSAGE(TO_ONE ",\"maxRetryCount\":358409876543"), NULL,
     "maxRetryCount is …543; the maximum is 10"},
    {MESSAGE(TO_ONE ",\"maxRetryCount\":-1"), NULL, "maxRetryCount is -1; the minimum is 0"},
    {MESSAGE(TO_ONE ",\"retryDelay\":59"), NULL, "retryDelay is 59; the minimum is 60"},
    {MESSAGE(TO_ONE ",\"maxRetryCount\":2.0"), VISITS TO_ONE_VISITS "maxRetryCount=2 ", NULL},
    {MESSAGE(TO_ONE ",\"maxRetryCount\":1e1"), VISITS TO_ONE_VISITS "maxRetryCount=10 ", NULL},
    {MESSAGE(TO_ONE ",\"maxRetryCount\":\"2\""), NULL,
     "maxRetryCount is a string; it must be an integer"},
    {MESSAGE(TO_ONE ",\"maxRetryCount\":2.5"), NULL,
     "maxRetryCount is 2.5; it must be an integer of at most 64 bits"},
    {MESSAGE(TO_ONE ",\"maxRetryCount\":35854852156358548521"), NULL,
     "maxRetryCount is …521; it must be an integer of at most 64 bits"},
    {MESSAGE(TO_ONE ",\"sendTime\":\"2020-03-12T13:36:01.320+01:00\""),
     VISITS TO_ONE_VISITS "sendTime=1584016561320 ", NULL},
    {MESSAGE(TO_ONE ",\"sendTime\":1584016561320"), NULL,
     "sendTime is an integer; it must be a string that holds a time"},
    {MESSAGE(TO_ONE ",\"contentType\":\"html\""), NULL,
     "contentType is 'html'; allowed are text, template"},
    {MESSAGE(TO_ONE ",\"contentType\":\"call 358 54852156\""), NULL,
     "contentType is (17 characters); allowed are text, template"},
    {MESSAGE(TO_ONE ",\"contentType\":\"35854852156\""), NULL,
     "contentType is '…156'; allowed are text, template"},

    {CALLBACK("\"customerNumber\":\"+1\",\"notes\":\"\",\"lastResult\":\"BUSY\",\"failures\":1e9,"
              "\"creationTime\":\"\",\"maxCalls\":-1,\"id\":{\"a\":1},\"nextCallTime\":null"),
     "customerNumber=+1 notes= lastResult=BUSY ", NULL},
    {CALLBACK("\"callbackQueueNumber\":5"), NULL,
     "callbackQueueNumber is an integer; it must be a string"},
    {CALLBACK("\"creatorId\":[]"), NULL, "creatorId is an array; it must be a string"},
    {CALLBACK("\"failures\":\"1\""), NULL, "failures is a string; it must be an integer"},
    {CALLBACK("\"maxCalls\":2.5"), NULL,
     "maxCalls is 2.5; it must be an integer of at most 64 bits"},
    {&cmi_callback, CMI_POST, "{\"lastResult\":true}", NULL,
     "lastResult is a boolean; it must be a string"},
    {&cmi_callback, CMI_POST,
     "{\"lastResult\":\"ADDED\",\"callbackQueueNumber\":\"1\",\"customerNumber\":\"2\"}",
     "callbackQueueNumber=1 customerNumber=2 ", NULL},
    {CALLBACK("\"lastResult\":\"GONE\""), NULL,
     "lastResult is 'GONE'; allowed are SUCCESSFUL, BUSY, NO_ANSWER, VOICEMAIL, CUSTOM_TIME, "
     "OTHER, "
     "HANDLED, RESCHEDULE"},
    {CALLBACK("\"customerNumber\":\"+1\",\"lastResult\":\"BUSY\""), NULL, "notes is missing"},

    {&cmi_chat, CMI_POST, "{\"from_queue\":{\"id\":\"7\"}}", NULL,
     "from_queue.id is '7'; it must be a GUID: 32 hex digits, or 36 characters with hyphens"},
    {&cmi_chat, CMI_POST, "{\"from_queue\":{\"name\":1}}", NULL, "from_queue.id is missing"},
    {&cmi_chat, CMI_POST,
     "{\"transcript\":{\"messages\":[{\"message\":\"\",\"originator\":\"\"}]}}", NULL,
     "transcript.messages[0].originator is empty; it is required"},
    {&cmi_chat, CMI_POST,
     "{\"transcript\":{\"messages\":[{\"message\":\"\",\"originator\":\"o\","
     "\"timestamp\":null,\"timeStamp\":null}]}}",
     NULL, "transcript.messages[0].timestamp is given twice"},
    {&cmi_chat, CMI_POST,
     "{\"transcript\":{\"messages\":[{\"message\":\"m\",\"originator\":\"o\","
     "\"type\":\"attachment\"}]}}",
     NULL, "transcript.messages[0].type is 'attachment'; allowed are text"},
    {&cmi_chat_message, CMI_INGEST, "{\"type\":\"attachment\"}", "type=attachment ", NULL},
    {&cmi_chat, CMI_POST, "{\"participants\":[{\"alias\":\"\"}]}", NULL,
     "participants[0].alias is empty; it is required"},
    {&cmi_chat, CMI_POST, "{\"participants\":{\"alias\":\"a\",\"uniquekey\":\"u\"}}", NULL,
     "participants is an object; it must be an array"},
    {&cmi_chat, CMI_POST, "{\"participants\":{\"participant\":[]}}", NULL,
     "participants is an object; it must be an array"},
    {&cmi_chat, CMI_POST, "{\"transcript\":{\"messages\":{}}}", NULL,
     "transcript.messages is an object; it must be an array"},
    {&cmi_email, CMI_INGEST, "{\"attachments\":{\"foo\":1}}", NULL,
     "attachments is an object; it must be an array"},
    {&cmi_email, CMI_INGEST, "{\"cc_address\":{}}", NULL,
     "cc_address is an object; it must be an array"},
    {&cmi_listen_log, CMI_POST,
     "{\"user_guid\":\"" G1 "\",\"description\":\"d\",\"userSessionId\":\"u\"}",
     "user_guid=" G2 " description=d userSessionId=u ", NULL},

    {CONTACT(""), "", NULL},
    {CONTACT("\"source\":\"\",\"agentId\":null,\"requiredAgent\":null,\"totalDuration\":\"x\""),
     "source= agentId=NULL requiredAgent=NULL ", NULL},
    {CONTACT("\"contactGroupId\":\"" G1 "\",\"previousId\":\"" G1 "\""),
     "contactGroupId=" G1 " previousId=" G2 " ", NULL},
    {CONTACT("\"contactGroupId\":\"call 7\",\"previousId\":\"leg/6\""),
     "contactGroupId=named:call 7 previousId=named:leg/6 ", NULL},
    {CONTACT("\"previousId\":\"\""), NULL,
     "previousId is ''; it must be a GUID, or a name of at most 256 bytes"},
    {CONTACT("\"queueId\":\"sales\""), NULL,
     "queueId is 'sales'; it must be a GUID: 32 hex digits, or 36 characters with hyphens"},
    {CONTACT("\"requiredAgent\":{\"id\":\"" G2 "\",\"name\":\"n\",\"type\":2}"),
     "requiredAgent#0(id=" G2 " name=n type=2 )", NULL},
    {CONTACT("\"requiredAgent\":{\"id\":\"" G2 "\",\"name\":null,\"type\":2}"), NULL,
     "requiredAgent.name is null; it is required"},
    {CONTACT("\"requiredAgent\":{\"id\":\"" G2 "\",\"type\":3}"), NULL,
     "requiredAgent.type is 3; the maximum is 2"},
    {CONTACT("\"record\":true,\"script\":false,\"subject\":\"\""),
     "record=yes script=no subject= ", NULL},
    {RECORDING("\"owner_type\":\"outbound campaign\",\"listen_log\":7"),
     "owner_type=outbound campaign ", NULL},
    {SCRIPT("\"scriptquestions\":[]"), "scriptquestions:0 ", NULL},
    {SCRIPT("\"scriptquestions\":null"), "scriptquestions=NULL ", NULL},
    {SCRIPT("\"scriptquestions\":[{\"id\":\"" G2 "\",\"data\":\"d\",\"controltype\":\"c\","
            "\"datatype\":\"t\",\"ordinal\":1.5,\"scriptanswers\":[{\"id\":\"" G2
            "\",\"answerdata\":\"a\",\"ordinal\":0}]}]"),
     "scriptquestions#0(id=" G2
     " data=d controltype=c datatype=t ordinal=1.5 scriptanswers#0(id=" G2
     " answerdata=a ordinal=0 )scriptanswers:1 )scriptquestions:1 ",
     NULL},
    {SCRIPT("\"scriptquestions\":{\"zz\":1}"), NULL,
     "scriptquestions is an object; it must be an array"},
    {SCRIPT("\"scriptquestions\":[{\"scriptanswers\":{\"scriptanswer\":[]}}]"), NULL,
     "scriptquestions[0].scriptanswers is an object; it must be an array"},
    {SCRIPT("\"scriptquestions\":[{\"scriptanswers\":[{},{}]}]"), NULL,
     "scriptquestions[0].scriptanswers[0].id is missing"},
};

static void a_body_is_visited_or_refused_with_a_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct visit v = {.refuse = NULL};
        struct cmi_visitor visitor = {&v, on_begin, on_value, on_end, on_list};
        struct fault f = {0};
        bool ok;

        buf_init(&v.text, 4096);
        ok = cmi_body_check(json_in_read, view_of(row->json), row->shape, row->use, visitor, &f);
        if (ok != (row->visited != NULL))
            fail_msg("%s: %s", row->json, ok ? "was taken" : f.text);
        if (ok)
            assert_string_equal(buf_text(&v.text), row->visited);
        else
            assert_string_equal(f.text, row->says);
        assert_int_equal(f.cls, ok ? FAULT_NONE : FAULT_REJECT);
        buf_done(&v.text);
    }
}

static void a_private_value_is_never_quoted(void **state)
{
    struct fault f = {0};
    char json[400];

    (void)state;
    (void)snprintf(json, sizeof json, "{\"destinations\":[{\"address\":\"%0257d\"}]}", 358);
    assert_false(cmi_body_check(json_in_read, view_of(json), &cmi_message, CMI_POST,
                                (struct cmi_visitor){.ctx = NULL}, &f));
    assert_string_equal(f.text, "destinations[0].address has 257 characters; the maximum is 256");
}

static void a_text_may_have_the_maximum_of_bytes_and_not_one_more(void **state)
{
    (void)state;
    for (int over = 0; over <= 1; over++) {
        char *text = mem_zeroed(CMI_SCALAR_MAX + 2, 1);
        struct fault f = {0};
        struct buf json;
        bool ok;

        memset(text, 'x', (size_t)CMI_SCALAR_MAX + (size_t)over);
        buf_init(&json, CMI_SCALAR_MAX + 256);
        assert_true(buf_printf(&json, "{\"customerNumber\":\"1\",\"lastResult\":\"BUSY\","
                                      "\"notes\":\""));
        assert_true(buf_put_text(&json, text) && buf_put_text(&json, "\"}"));
        ok = cmi_body_check(json_in_read, buf_view(&json), &cmi_callback, CMI_PUT,
                            (struct cmi_visitor){.ctx = NULL}, &f);
        assert_int_equal(ok, over == 0);
        if (!ok)
            assert_string_equal(f.text, "notes has 1048577 bytes; the maximum is 1048576");
        buf_done(&json);
        mem_free(text);
    }
}

static void the_visitor_can_end_the_reading(void **state)
{
    static const char *const names[] = {"message", "destinations", "address"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct visit v = {.refuse = names[i]};
        struct cmi_visitor visitor = {&v, on_begin, on_value, on_end, on_list};
        struct fault f = {0};

        buf_init(&v.text, 4096);
        assert_false(cmi_body_check(
            json_in_read,
            VIEW("{\"message\":\"m\",\"destinations\":[{\"address\":\"1\"}],\"x\":1}"),
            &cmi_message, CMI_POST, visitor, &f));
        assert_int_equal(f.cls, FAULT_RETRY);
        assert_string_equal(f.text, "not now");
        buf_done(&v.text);
    }
}

/* A million destinations: a list's length has no limit and costs no memory of ours. */
static void a_long_list_is_read_in_pieces(void **state)
{
    struct visit v = {.refuse = NULL};
    struct cmi_visitor visitor = {.ctx = &v, .list = on_list};
    struct cmi_decode d;
    struct fault f = {0};
    struct json_in *in;

    (void)state;
    buf_init(&v.text, 4096);
    cmi_decode_init(&d, &cmi_message, CMI_POST, visitor);
    in = json_in_new(cmi_decode_sink(&d));
    assert_true(json_in_feed(
        in, VIEW("{\"message\":\"m\",\"source\":\"s\",\"subType\":\"sms\",\"destinations\":["),
        &f));
    for (int i = 0; i < 1000000; i++) {
        if (!json_in_feed(in, VIEW("{\"address\":\"+358401234567\"},"), &f))
            fail_msg("%s", f.text);
    }
    assert_true(json_in_feed(in, VIEW("{\"address\":\"1\"}]}"), &f));
    assert_true(json_in_end(in, &f));
    assert_true(cmi_decode_end(&d, &f));
    assert_string_equal(buf_text(&v.text), "destinations:1000001 ");
    json_in_free(in);
    buf_done(&v.text);
}

static void a_value_that_never_came_is_no_body(void **state)
{
    struct cmi_decode d;
    struct fault f = {0};

    (void)state;
    cmi_decode_init(&d, &cmi_message, CMI_POST, (struct cmi_visitor){.ctx = NULL});
    assert_false(cmi_decode_end(&d, &f));
    assert_string_equal(f.text, "the body ends early");
}

static void a_template_message_must_be_one(void **state)
{
    static const struct {
        const char *message; /* escaped */
        const char *says;    /* NULL: fine as a template */
    } cases[] = {
        {"{\\\"template_id\\\":\\\"a\\\"}", NULL},
        {"{\\\"language_code\\\":\\\"en\\\",\\\"template\\\\u005fid\\\":\\\"a\\\"}", NULL},
        {"{\\\"template_id\\\":\\\"\\\"}", "message is no template"},
        {"{\\\"template_id\\\":7}", "message is no template"},
        {"{\\\"a\\\":{\\\"template_id\\\":\\\"a\\\"}}", "message is no template"},
        {"{\\\"template_id\\\":\\\"a\\\",\\\"b\\\":{\\\"c\\\":1,\\\"c\\\":2}}",
         "message, a template: a key is given twice in one object"},
        {"{\\\"template_id\\\":\\\"a\\\",\\\"template\\\\u005fid\\\":\\\"a\\\"}",
         "message, a template: a key is given twice in one object"},
        {"{}", "message is no template"},
        {"[]", "message is no template"},
        {"\\\"template_id\\\"", "message is no template"},
        {"Hello", "message, a template: malformed JSON at byte 0"},
        {"{\\\"template_id\\\":\\\"a\\\"", "message, a template: malformed JSON: it ends early"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int way = 0; way < 3; way++) {
            struct fault f = {0};
            char json[512];
            const char *type = way == 2 ? "text" : "template";
            bool ok;

            (void)snprintf(json, sizeof json,
                           "{%s%s%s\"message\":\"%s\",\"source\":\"s\",\"subType\":\"whatsapp\","
                           "\"destinations\":[{\"address\":\"1\"}]%s%s%s}",
                           way == 0 ? "\"contentType\":\"" : "", way == 0 ? type : "",
                           way == 0 ? "\"," : "", cases[i].message,
                           way > 0 ? ",\"contentType\":\"" : "", way > 0 ? type : "",
                           way > 0 ? "\"" : "");
            ok = cmi_body_check(json_in_read, view_of(json), &cmi_message, CMI_POST,
                                (struct cmi_visitor){.ctx = NULL}, &f);
            if (ok != (way == 2 || cases[i].says == NULL))
                fail_msg("%s: %s", json, ok ? "was taken" : f.text);
            if (!ok)
                assert_ptr_equal(strstr(f.text, cases[i].says), f.text);
        }
}

static void a_next_call_time_fits_the_result_or_is_the_stored_one(void **state)
{
    struct fault f = {0};

    (void)state;
    assert_true(cmi_check_next_call_time(VIEW("CUSTOM_TIME"), 5, false, 0, &f));
    assert_true(cmi_check_next_call_time(VIEW("RESCHEDULE"), 5, true, 6, &f));
    assert_true(cmi_check_next_call_time(VIEW("BUSY"), 5, true, 5, &f));
    assert_false(cmi_check_next_call_time(VIEW("BUSY"), 5, true, 6, &f));
    assert_false(cmi_check_next_call_time(VIEW("BUSY"), 0, false, 0, &f));
    assert_string_equal(
        f.text, "nextCallTime is allowed only when lastResult is CUSTOM_TIME or RESCHEDULE");
}

static void the_specification_s_examples_pass(void **state)
{
    static const struct {
        const char *file;
        const struct cmi_shape *shape;
        enum cmi_use use;
        const char *visits; /* some of it */
    } cases[] = {
        {"post-chats-inbound", &cmi_chat, CMI_POST,
         "from_queue#0(id=999102030405060708090A0B0C0D0E0F )title=Discussion with Bot "},
        {"post-chats-outbound", &cmi_chat, CMI_POST, "channel_type=chatout channel_sub_type=sms "},
        {"post-listenLog", &cmi_listen_log, CMI_POST,
         "userSessionId=6936084DBA3C4941C80F2CB2E3EC00E3 "},
        {"post-callbacks", &cmi_callback, CMI_POST, "nextCallTime=1570192562440 "},
        {"put-callbacks", &cmi_callback, CMI_PUT, "lastResult=HANDLED notes=Comments "},
        {"post-messages-schedule", &cmi_message, CMI_POST,
         "destinations#0(address=+36584215 )destinations#1(address=854125477 )destinations:2 "},
        {"post-messages-template", &cmi_message, CMI_POST, "contentType=template "},
        {"put-messages", &cmi_message, CMI_PUT, "maxRetryCount=2 retryDelay=3600 "},
        {"post-customerConsents", &cmi_customer_consent, CMI_POST,
         "address=+8541255455 usage=whatsapp consent=yes "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct visit v = {.refuse = NULL};
        struct cmi_visitor visitor = {&v, on_begin, on_value, on_end, on_list};
        struct fault f = {0};
        char path[128];
        char json[8192];
        size_t n;
        FILE *file;

        (void)snprintf(path, sizeof path, "tests/golden/bodies/%s.json", cases[i].file);
        file = fopen(path, "rb");
        assert_non_null(file);
        n = fread(json, 1, sizeof json, file);
        assert_int_equal(fclose(file), 0);
        buf_init(&v.text, 8192);
        if (!cmi_body_check(json_in_read, (struct view){json, n}, cases[i].shape, cases[i].use,
                            visitor, &f))
            fail_msg("%s: %s", path, f.text);
        if (strstr(buf_text(&v.text), cases[i].visits) == NULL)
            fail_msg("%s: %s", path, buf_text(&v.text));
        buf_done(&v.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_visited_or_refused_with_a_sentence),
        cmocka_unit_test(a_private_value_is_never_quoted),
        cmocka_unit_test(a_text_may_have_the_maximum_of_bytes_and_not_one_more),
        cmocka_unit_test(the_visitor_can_end_the_reading),
        cmocka_unit_test(a_long_list_is_read_in_pieces),
        cmocka_unit_test(a_value_that_never_came_is_no_body),
        cmocka_unit_test(a_template_message_must_be_one),
        cmocka_unit_test(a_next_call_time_fits_the_result_or_is_the_stored_one),
        cmocka_unit_test(the_specification_s_examples_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
