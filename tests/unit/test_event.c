/* event_types, event_body: every event of the contract, and what is made of its data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/event_body.h"
#include "bridge/core/history_time.h"
#include "bridge/io/json_in.h"
#include "bridge/io/msgpack_in.h"
#include "bridge/run/consume.h"
#include "tests/fakes/msgpack_out.h"

#include <stdio.h>
#include <string.h>

static const struct event_type *type_of(const char *name)
{
    const struct event_type *t = event_type_find(view_of(name), VIEW_NONE);

    assert_non_null(t);
    return t;
}

static void every_write_event_has_its_request(void **state)
{
    static const struct {
        const char *type;
        const char *subject;
        const char *request; /* with the id "ID" */
        bool keeps_id;
    } rows[] = {
        {"chat.created", "chats/c 1", "POST /chats", true},
        {"callrecording.listened", "callRecordings/r", "POST /callRecordings/ID/listenLog", false},
        {"callback.requested", "callbacks/b", "POST /callbacks", true},
        {"callback.updated", "callbacks/b", "PUT /callbacks/ID", false},
        {"contact.remarks.added", "contacts/k", "POST /contacts/ID/remarks", false},
        {"contact.remarks.updated", "contacts/k", "PUT /contacts/ID/remarks", false},
        {"message.requested", "messages/m", "POST /messages", true},
        {"message.updated", "messages/m", "PUT /messages/ID", false},
        {"message.cancelled", "messages/m", "DELETE /messages/ID", false},
        {"customerconsent.changed", "customerConsents/whatsapp_+1", "POST /customerConsents",
         false},
        {"customerconsent.deleted", "customerConsents/whatsapp_+3/5_8",
         "DELETE /customerConsents/whatsapp_%2B3%2F5_8", false},
    };
    size_t writes = 0;
    size_t ingests = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct event_type *t = type_of(rows[i].type);
        struct fault f = {0};
        struct view rest;
        struct buf request;

        buf_init(&request, 256);
        assert_true(t->is_write);
        assert_int_equal(t->keeps_id, rows[i].keeps_id);
        assert_int_equal(t->needs_ref, strstr(rows[i].request, "ID") != NULL);
        assert_true(event_type_subject(t, view_of(rows[i].subject), &rest, &f));
        (void)buf_printf(&request, "%s ", t->method);
        assert_true(event_type_path(t, VIEW("ID"), rest, &request, &f));
        assert_string_equal(buf_text(&request), rows[i].request);
        buf_done(&request);
    }
    for (const struct event_type *t = event_types; t->name != NULL; t++) {
        writes += t->is_write;
        ingests += !t->is_write;
    }
    assert_int_equal(writes, 11);
    assert_int_equal(ingests, 17);
}

static bool is_ingest_property(const struct cmi_shape *shape, const char *entry)
{
    struct view rest = view_of(entry);
    struct view name = view_cut(&rest, '.');
    const struct cmi_field *field = cmi_field_find(shape, name.p, name.n);

    return field != NULL && (field->use & CMI_INGEST) != 0 &&
           (rest.n == 0 || (field->shape != NULL && is_ingest_property(field->shape, rest.p)));
}

static void every_row_names_properties_that_exist(void **state)
{
    (void)state;
    for (const struct event_type *t = event_types; t->name != NULL; t++) {
        size_t required = 0;

        assert_int_equal(t->shape != NULL, t->data == EVENT_DATA_BODY);
        if (t->is_write)
            continue;
        assert_int_equal(t->use, CMI_INGEST);
        for (; t->required[required] != NULL; required++)
            if (!is_ingest_property(t->shape, t->required[required]))
                fail_msg("%s: %s", t->name, t->required[required]);
        assert_true(required <= EVENT_REQUIRED_MAX);
        for (size_t i = 0; t->optional != NULL && t->optional[i] != NULL; i++)
            if (!is_ingest_property(t->shape, t->optional[i]))
                fail_msg("%s: %s", t->name, t->optional[i]);
    }
}

static void a_type_is_found_without_its_prefix(void **state)
{
    (void)state;
    assert_ptr_equal(event_type_find(VIEW("com.example.cc.chat.created"), VIEW("com.example.cc.")),
                     type_of("chat.created"));
    assert_ptr_equal(event_type_find(VIEW("chat.created"), VIEW("com.example.cc.")),
                     type_of("chat.created"));
    assert_null(event_type_find(VIEW("com.example.cc.chat.created"), VIEW_NONE));
    assert_null(event_type_find(VIEW("chat.Created"), VIEW_NONE));
    assert_null(event_type_find(VIEW("chat.created.x"), VIEW_NONE));
    assert_null(event_type_find(VIEW(""), VIEW_NONE));
}

static void a_subject_must_fit_its_type(void **state)
{
    static const struct {
        const char *type;
        const char *subject;
        const char *rest; /* NULL: refused … */
        const char *says;
    } rows[] = {
        {"chat.created", "chats/order/17", "order/17", NULL},
        {"contact.ended", "contacts/x", "x", NULL},
        {"customerconsent.changed", "customerConsents/recording_a_b", "recording_a_b", NULL},
        {"chat.created", "", NULL, "subject is ''; it must be chats/<reference>"},
        {"chat.created", "chats", NULL, "subject is 'chats'; it must be chats/<reference>"},
        {"chat.created", "chats/", NULL, "subject is 'chats/'; it must be chats/<reference>"},
        {"chat.created", "Chats/1", NULL, "subject is 'Chats/…'; it must be chats/<reference>"},
        {"chat.message.added", "messages/1", NULL,
         "subject is 'messages/…'; it must be chats/<id>"},
        {"customerconsent.deleted", "customerConsents/whatsapp_", NULL,
         "subject is 'customerConsents/…'; it must be "
         "customerConsents/<usage>_<address>"},
        {"customerconsent.deleted", "customerConsents/sms_+358401234567", NULL,
         "subject is 'customerConsents/…'; it must be customerConsents/<usage>_<address>"},
        {"customerconsent.deleted", "consents/whatsapp_sam.i.am", NULL,
         "subject is 'consents/…'; it must be customerConsents/<usage>_<address>"},
        {"customerconsent.deleted", "whatsapp_+358%20401%20234%20567", NULL,
         "subject is 'whatsapp_+…567'; it must be customerConsents/<usage>_<address>"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fault f = {0};
        struct view rest;
        bool ok = event_type_subject(type_of(rows[i].type), view_of(rows[i].subject), &rest, &f);

        assert_int_equal(ok, rows[i].rest != NULL);
        if (ok)
            assert_true(view_is(rest, rows[i].rest));
        else
            assert_string_equal(f.text, rows[i].says);
    }
}

static void a_path_that_does_not_fit_is_refused(void **state)
{
    struct fault f = {0};
    struct buf to;

    (void)state;
    buf_init(&to, 12);
    assert_false(event_type_path(type_of("message.updated"), VIEW("0123"), VIEW_NONE, &to, &f));
    assert_string_equal(f.text, "the path of message.updated is longer than 12 bytes");
    buf_done(&to);
}

/* The body that is made of an event's data. */

struct body_row {
    const char *type;
    enum cloudevent_content content;
    const char *data; /* JSON, packed for CLOUDEVENT_MSGPACK; NULL: none */
    const char *body; /* NULL: refused … */
    const char *says; /* … with this sentence */
};

#define CONSENT "{\"address\": \"+1\",\"usage\":\"whatsapp\",\"consent\":true}"

static const struct body_row bodies[] = {
    {"customerconsent.changed", CLOUDEVENT_JSON, CONSENT, CONSENT, NULL},
    {"customerconsent.changed", CLOUDEVENT_MSGPACK, CONSENT,
     "{\"address\":\"+1\",\"usage\":\"whatsapp\",\"consent\":true}", NULL},
    {"customerconsent.changed", CLOUDEVENT_TEXT, CONSENT, NULL,
     "customerconsent.changed: the data's content type must be application/json or "
     "application/msgpack, in UTF-8"},
    {"customerconsent.changed", CLOUDEVENT_JSON, NULL, NULL,
     "customerconsent.changed: data is missing"},
    {"customerconsent.changed", CLOUDEVENT_JSON, "{\"address\":\"1\"", NULL,
     "customerconsent.changed: malformed JSON: it ends early, after byte 14"},
    {"message.requested", CLOUDEVENT_JSON, "{\"maxRetryCount\":11}", NULL,
     "message.requested: maxRetryCount is 11; the maximum is 10"},
    {"message.requested", CLOUDEVENT_MSGPACK, "{\"maxRetryCount\":11}", NULL,
     "message.requested: maxRetryCount is 11; the maximum is 10"},
    {"callback.updated", CLOUDEVENT_JSON, "{\"callbackQueueNumber\":5}", NULL,
     "callback.updated: callbackQueueNumber is an integer; it must be a string"},
    {"contact.remarks.added", CLOUDEVENT_TEXT, "New \"remarks\".\n", "New \"remarks\".\n", NULL},
    {"contact.remarks.added", CLOUDEVENT_JSON, "\"New\\nremarks\"", "New\nremarks", NULL},
    {"contact.remarks.updated", CLOUDEVENT_MSGPACK, "\"New\\nremarks\"", "New\nremarks", NULL},
    {"contact.remarks.updated", CLOUDEVENT_JSON, "\"\"", "", NULL},
    {"contact.remarks.updated", CLOUDEVENT_TEXT, "", "", NULL},
    {"contact.remarks.added", CLOUDEVENT_JSON, "{\"remarks\":\"x\"}", NULL,
     "contact.remarks.added: the remarks are an object; they must be a string"},
    {"contact.remarks.added", CLOUDEVENT_JSON, "null", NULL,
     "contact.remarks.added: the remarks are null; they must be a string"},
    {"contact.remarks.added", CLOUDEVENT_JSON, NULL, NULL,
     "contact.remarks.added: data is missing"},
    {"contact.remarks.added", CLOUDEVENT_TEXT, "\xff", NULL,
     "contact.remarks.added: the remarks are not UTF-8"},
    {"contact.remarks.added", CLOUDEVENT_JSON, "\"a\\u0000\"", NULL,
     "contact.remarks.added: the remarks hold the character U+0000, which no text may"},
    {"contact.remarks.updated", CLOUDEVENT_MSGPACK, "\"a\\u0000\"", NULL,
     "contact.remarks.updated: the remarks hold the character U+0000, which no text may"},
    {"callback.requested", CLOUDEVENT_JSON,
     "{\"customerNumber\":\" \",\"callbackQueueNumber\":\"1\"}", NULL,
     "callback.requested: customerNumber is no number or address; it is required"},
    {"callback.requested", CLOUDEVENT_JSON,
     "{\"customerNumber\":\"\u2066+ (-)\u2069\",\"callbackQueueNumber\":\"1\"}", NULL,
     "callback.requested: customerNumber is no number or address; it is required"},
    {"callback.requested", CLOUDEVENT_JSON,
     "{\"customerNumber\":\"\u00a000\",\"callbackQueueNumber\":\"1\"}", NULL,
     "callback.requested: customerNumber is no number or address; it is required"},
    {"callback.updated", CLOUDEVENT_JSON,
     "{\"customerNumber\":\" \",\"notes\":\"\",\"lastResult\":\"HANDLED\"}", NULL,
     "callback.updated: customerNumber is no number or address; it is required"},
    {"callback.updated", CLOUDEVENT_JSON,
     "{\"customerNumber\":\"\u2003\u200b--\",\"notes\":\"\",\"lastResult\":\"HANDLED\"}", NULL,
     "callback.updated: customerNumber is no number or address; it is required"},
    {"callback.updated", CLOUDEVENT_JSON,
     "{\"customerNumber\":\"00\",\"notes\":\"\",\"lastResult\":\"HANDLED\"}", NULL,
     "callback.updated: customerNumber is no number or address; it is required"},
    {"message.requested", CLOUDEVENT_JSON,
     "{\"message\":\"m\",\"source\":\"s\",\"subType\":\"sms\","
     "\"destinations\":[{\"address\":\"+1\"},{\"address\":\" \"}]}",
     NULL, "message.requested: destinations[1].address: has nothing to match by"},
    {"message.updated", CLOUDEVENT_MSGPACK,
     "{\"message\":\"m\",\"source\":\"s\",\"subType\":\"sms\","
     "\"destinations\":{\"destination\":[{\"address\":\"--\"}]}}",
     NULL, "message.updated: destinations[0].address: has nothing to match by"},
    {"customerconsent.changed", CLOUDEVENT_JSON,
     "{\"address\":\"--\",\"usage\":\"whatsapp\",\"consent\":true}", NULL,
     "customerconsent.changed: address: has nothing to match by"},
    {"contact.remarks.added", CLOUDEVENT_OTHER, "x", NULL,
     "contact.remarks.added: the data's content type must be text/plain, application/json or "
     "application/msgpack, in UTF-8"},
    {"message.cancelled", CLOUDEVENT_JSON, NULL, "", NULL},
    {"message.cancelled", CLOUDEVENT_JSON, "", "", NULL},
    {"message.cancelled", CLOUDEVENT_OTHER, NULL, "", NULL},
    {"message.cancelled", CLOUDEVENT_JSON, " null ", "", NULL},
    {"message.cancelled", CLOUDEVENT_JSON, "{ }", "", NULL},
    {"customerconsent.deleted", CLOUDEVENT_MSGPACK, "{}", "", NULL},
    {"message.cancelled", CLOUDEVENT_JSON, "{\"why\":1}", NULL,
     "message.cancelled: data must be absent, null or {}"},
    {"message.cancelled", CLOUDEVENT_JSON, "[]", NULL,
     "message.cancelled: data must be absent, null or {}"},
    {"message.cancelled", CLOUDEVENT_TEXT, "no", NULL,
     "message.cancelled: data must be absent, null or {}"},
    {"contact.queued", CLOUDEVENT_JSON, "{\"queueId\":\"F5168FBDD6914C8DB1C6D0BD64563A39\"}",
     "{\"queueId\":\"F5168FBDD6914C8DB1C6D0BD64563A39\"}", NULL},
    {"contact.queued", CLOUDEVENT_JSON, "{}", NULL, "contact.queued: queueId is missing"},
    {"contact.queued", CLOUDEVENT_JSON, "{\"queueId\":null}", NULL,
     "contact.queued: queueId is missing"},
    {"email.received", CLOUDEVENT_JSON,
     "{\"title\":\"\",\"content\":\"c\",\"originator\":\"o\",\"destination\":\"d\","
     "\"from_queue\":{\"name\":\"n\"},\"from_address\":{\"address\":\"a\"}}",
     NULL, "email.received: from_queue.id is missing"},
    {"chat.participant.added", CLOUDEVENT_JSON,
     "{\"alias\":\"\",\"uniquekey\":\"Sinch Contact Center\"}",
     "{\"alias\":\"\",\"uniquekey\":\"Sinch Contact Center\"}", NULL},
    {"contact.received", CLOUDEVENT_JSON,
     "{\"channel\":\"FAX\",\"type\":\"CallIn\",\"source\":\"1\",\"destination\":\"2\"}", NULL,
     "contact.received: channel is 'FAX'; allowed are PHONE, CHAT, EMAIL"},
    {"scriptresult.saved", CLOUDEVENT_JSON,
     "{\"script_id\":\"F5168FBDD6914C8DB1C6D0BD64563A39\",\"name\":\"n\",\"contact_id\":\"leg 1\","
     "\"scriptquestions\":[]}",
     "{\"script_id\":\"F5168FBDD6914C8DB1C6D0BD64563A39\",\"name\":\"n\",\"contact_id\":\"leg 1\","
     "\"scriptquestions\":[]}",
     NULL},
};

static void data_becomes_a_body_or_a_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        const struct body_row *row = &bodies[i];
        struct cloudevent e = {.content = row->content, .has_data = row->data != NULL};
        struct fault f = {0};
        struct msgpack_out packer;
        struct buf packed;
        struct buf text;
        struct view body = VIEW_NONE;
        bool ok;

        buf_init(&packed, 4096);
        buf_init(&text, 4096);
        e.data = view_of(row->data);
        if (row->content == CLOUDEVENT_MSGPACK) {
            msgpack_out_init(&packer, &packed);
            assert_true(json_in_read(e.data, msgpack_out_sink(&packer), &f));
            e.data = buf_view(&packed);
        }
        ok = event_body_make(type_of(row->type), &e, json_in_read, msgpack_in_read, &text, &body,
                             &f);
        if (ok != (row->body != NULL))
            fail_msg("row %zu: %s", i, ok ? "was taken" : f.text);
        if (ok && !view_is(body, row->body))
            fail_msg("row %zu: %.*s", i, VIEW_ARG(body));
        if (!ok) {
            assert_int_equal(f.cls, FAULT_REJECT);
            assert_string_equal(f.text, row->says);
        }
        buf_done(&packed);
        buf_done(&text);
    }
}

/* What the history can't keep is said before any request. */
static void what_the_history_refuses_is_known_here(void **state)
{
    static const char received[] =
        "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"1\",\"destination\":\"2\"}";
    static const char given[] = "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"1\","
                                "\"destination\":\"2\",\"arrivalTime\":\"2024-01-01T00:00:00Z\"}";
    static const struct {
        const char *type;
        size_t id;
        size_t sequence;
        int64_t time_ms; /* INT64_MIN: none */
        const char *data;
        const char *says; /* NULL: taken */
    } rows[] = {
        {"contact.received", 255, 64, 1, received, NULL},
        {"contact.received", 1, 0, INT64_MIN, received, NULL},
        {"contact.received", 256, 0, 1, received,
         "contact.received: id has 256 bytes; at most 255 are allowed, none of them NUL"},
        {"contact.received", 1, 65, 1, received,
         "contact.received: sequence has 65 bytes; at most 64 are allowed, none of them NUL"},
        {"contact.received", 1, 0, -1, received,
         "contact.received: time must be after 1970-01-01T00:00:00Z and before 2248-09-26"},
        {"contact.received", 1, 0, 0, received, /* who has no time may say so */
         "contact.received: time must be after 1970-01-01T00:00:00Z and before 2248-09-26"},
        {"contact.received", 1, 0, HISTORY_TIME_MAX + 1, received,
         "contact.received: time must be after 1970-01-01T00:00:00Z and before 2248-09-26"},
        {"contact.received", 1, 0, -1, given, NULL},
        {"contact.ended", 1, 0, -1, "{}", NULL}, /* only its order is asked */
        {"contact.updated", 1, 0, 1, "{\"arrivalTime\":\"1969-01-01T00:00:00Z\"}",
         "contact.updated: arrivalTime must be after 1970-01-01T00:00:00Z and before 2248-09-26"},
        {"email.updated", 1, 0, 1, "{\"date_created\":\"2300-01-01T00:00:00Z\"}",
         "email.updated: date_created must be after 1970-01-01T00:00:00Z and before 2248-09-26"},
        {"contact.transferred", 1, 0, 1, "{\"previousId\":\"here\"}",
         "contact.transferred: previousId is the contact itself"},
        {"contact.transferred", 1, 0, 1, "{\"previousId\":\"there\"}", NULL},
        {"message.cancelled", 1024, 1024, -1, "{}", NULL}, /* a write has no such limits */
    };
    char long_text[1024];

    (void)state;
    memset(long_text, 'x', sizeof long_text);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cloudevent e = {.id = {long_text, rows[i].id},
                               .sequence = {long_text, rows[i].sequence},
                               .subject = VIEW("contacts/here"),
                               .has_time = rows[i].time_ms != INT64_MIN,
                               .time_ms = rows[i].time_ms,
                               .has_data = true,
                               .data = view_of(rows[i].data)};
        struct fault f = {0};
        struct buf text;
        struct view body;
        bool ok;

        buf_init(&text, 4096);
        ok = event_body_make(type_of(rows[i].type), &e, json_in_read, msgpack_in_read, &text, &body,
                             &f);
        if (ok != (rows[i].says == NULL))
            fail_msg("row %zu: %s", i, ok ? "was taken" : f.text);
        if (!ok)
            assert_string_equal(f.text, rows[i].says);
        buf_done(&text);
    }
}

static void a_consent_s_subject_and_data_name_the_same(void **state)
{
    static const struct {
        const char *subject;
        const char *data;
        const char *says; /* NULL: taken */
    } rows[] = {
        {"whatsapp_+358501234572", "+358501234572", NULL},
        {"whatsapp_+358501234572", "00358 50-123 4572", NULL},
        {"whatsapp_sam.I.am_2", " Sam.i.am_2 ", NULL},
        {"whatsapp_-", "-", "customerconsent.changed: address: has nothing to match by"},
        {"whatsapp_-", "+358501234572",
         "customerconsent.changed: address is …572, but (1 character) in the subject; they must be "
         "the same"},
        {"whatsapp_+358501234572", "+358501234573",
         "customerconsent.changed: address is …573, but …572 in the subject; they must be the "
         "same"},
        {"whatsapp_sam", "sam.i.am",
         "customerconsent.changed: address is (8 characters), but (3 characters) in the subject; "
         "they must be the same"},
        {"recording_+358501234572", "+358501234572",
         "customerconsent.changed: usage is 'whatsapp', but 'recording' in the subject; they must "
         "be the same"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char subject[128];
        char data[128];
        struct cloudevent e = {.content = CLOUDEVENT_JSON, .has_data = true};
        struct fault f = {0};
        struct view body;
        struct buf text;
        bool ok;

        (void)snprintf(subject, sizeof subject, "customerConsents/%s", rows[i].subject);
        (void)snprintf(data, sizeof data,
                       "{\"address\":\"%s\",\"usage\":\"whatsapp\",\"consent\":true}",
                       rows[i].data);
        e.subject = view_of(subject);
        e.data = view_of(data);
        buf_init(&text, 256);
        ok = event_body_make(type_of("customerconsent.changed"), &e, json_in_read, msgpack_in_read,
                             &text, &body, &f);
        if (ok != (rows[i].says == NULL))
            fail_msg("row %zu: %s", i, ok ? "was taken" : f.text);
        if (!ok)
            assert_string_equal(f.text, rows[i].says);
        buf_done(&text);
    }
}

static void a_body_that_does_not_fit_is_refused(void **state)
{
    struct cloudevent e = {
        .content = CLOUDEVENT_JSON, .has_data = true, .data = VIEW("\"0123456789\"")};
    struct fault f = {0};
    struct view body;
    struct buf text;

    (void)state;
    buf_init(&text, 9);
    assert_false(event_body_make(type_of("contact.remarks.added"), &e, json_in_read,
                                 msgpack_in_read, &text, &body, &f));
    assert_string_equal(f.text, "contact.remarks.added: the remarks have more than 9 bytes");
    buf_done(&text);
}

#define MILLION 1000000

static bool is_taken(const struct cloudevent *e)
{
    struct fault f = {0};
    struct buf text;
    struct view body;
    bool ok;

    buf_init(&text, CONSUME_EVENT_MAX);
    ok = event_body_make(type_of("message.requested"), e, json_in_read, msgpack_in_read, &text,
                         &body, &f);
    if (!ok)
        print_error("%s\n", f.text);
    buf_done(&text);
    return ok;
}

static void a_message_to_a_million_is_an_event(void **state)
{
    const struct record_header type[] = {
        {VIEW("content-type"), VIEW("application/cloudevents+json")}};
    struct msgpack_out packer;
    struct cloudevent e;
    struct fault f = {0};
    struct buf event;
    struct buf other;
    size_t data_at;

    (void)state;
    buf_init(&event, CONSUME_EVENT_MAX);
    buf_init(&other, CONSUME_EVENT_MAX);
    buf_put_text(&event, "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"\\/shop\",\"type\":"
                         "\"message.requested\",\"subject\":\"messages/m\",\"data\":");
    data_at = event.n;
    buf_put_text(&event, "{\"message\":\"Hello\",\"source\":\"s@x\",\"subType\":\"sms\","
                         "\"sendTime\":\"2035-03-12T09:00:00.000Z\",\"destinations\":{"
                         "\"destination\":[{\"address\":\"+358401234567\"}");
    for (size_t i = 1; i < MILLION; i++)
        buf_put_text(&event, ",{\"address\":\"+358401234567\"}");
    assert_true(buf_put_text(&event, "]}}}"));
    assert_true(cloudevent_of_record(
        &(struct record){
            .value = buf_view(&event), .has_value = true, .headers = type, .header_count = 1},
        &e, &other, &f));
    assert_true(is_taken(&e));
    msgpack_out_init(&packer, &other);
    buf_clear(&other);
    assert_true(json_in_read((struct view){event.p + data_at, event.n - data_at - 1},
                             msgpack_out_sink(&packer), &f));
    e = (struct cloudevent){
        .content = CLOUDEVENT_MSGPACK, .has_data = true, .data = buf_view(&other)};
    assert_true(is_taken(&e));
    buf_done(&event);
    buf_done(&other);
}

/* What an ingest event hands to its visitor. */

static bool note(void *ctx, const struct cmi_field *field, const struct cmi_value *v,
                 struct fault *f)
{
    (void)f;
    return buf_printf(ctx, "%s=%s ", field->name, v->null ? "NULL" : "…");
}

static bool note_begin(void *ctx, const struct cmi_field *field, size_t index, struct fault *f)
{
    (void)f;
    return buf_printf(ctx, "%s#%zu(", field->name, index);
}

static bool note_end(void *ctx, const struct cmi_field *field, struct fault *f)
{
    (void)field;
    (void)f;
    return buf_put_text(ctx, ")");
}

static bool note_list(void *ctx, const struct cmi_field *field, size_t count, struct fault *f)
{
    (void)f;
    return buf_printf(ctx, "%s:%zu ", field->name, count);
}

static void an_ingest_event_reads_what_its_row_names(void **state)
{
    static const char agent[] =
        "\"requiredAgent\":{\"id\":\"F5168FBDD6914C8DB1C6D0BD64563A39\",\"name\":\"n\",\"type\":1}";
    static const struct {
        const char *type;
        const char *reads;
    } rows[] = {
        {"contact.ended", "status=… disconnectTime=NULL "},
        {"contact.updated", "source=… status=… requiredAgent#0(id=… name=… type=… )"},
        {"contact.closed", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fault f = {0};
        char json[512];
        struct buf seen;
        struct cmi_visitor visitor = {&seen, note_begin, note, note_end, note_list};

        buf_init(&seen, 1024);
        (void)snprintf(json, sizeof json,
                       "{\"source\":\"s\",\"status\":\"Handled\",%s,\"disconnectTime\":null,"
                       "\"totalDuration\":1,\"unknown\":1}",
                       agent);
        if (!event_body_check(type_of(rows[i].type), json_in_read, view_of(json), NULL, visitor,
                              &f))
            fail_msg("%s", f.text);
        assert_string_equal(buf_text(&seen), rows[i].reads);
        buf_done(&seen);
    }
}

static void an_event_that_reads_all_hands_on_its_lists(void **state)
{
    struct fault f = {0};
    struct buf seen;
    struct cmi_visitor visitor = {&seen, note_begin, note, note_end, note_list};

    (void)state;
    buf_init(&seen, 1024);
    assert_true(event_body_check(type_of("email.updated"), json_in_read,
                                 VIEW("{\"to_address\":[{\"address\":\"a\"}],\"cc_address\":[],"
                                      "\"bcc_address\":null,\"contactGroupId\":\"mine\"}"),
                                 NULL, visitor, &f));
    assert_string_equal(buf_text(&seen), "to_address#0(address=… )to_address:1 cc_address:0 "
                                         "bcc_address=NULL contactGroupId=… ");
    buf_done(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_write_event_has_its_request),
        cmocka_unit_test(every_row_names_properties_that_exist),
        cmocka_unit_test(a_type_is_found_without_its_prefix),
        cmocka_unit_test(a_subject_must_fit_its_type),
        cmocka_unit_test(a_path_that_does_not_fit_is_refused),
        cmocka_unit_test(data_becomes_a_body_or_a_sentence),
        cmocka_unit_test(what_the_history_refuses_is_known_here),
        cmocka_unit_test(a_consent_s_subject_and_data_name_the_same),
        cmocka_unit_test(a_body_that_does_not_fit_is_refused),
        cmocka_unit_test(a_message_to_a_million_is_an_event),
        cmocka_unit_test(an_ingest_event_reads_what_its_row_names),
        cmocka_unit_test(an_event_that_reads_all_hands_on_its_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
