/* template: the specification's example (L1878) and what goes beyond it, for both APIs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/template.h"

#include <string.h>

#define OUT_MAX 16384

static const char example[] =
    "{\"template_body\": \"Dear Customer Your Reservation is ready.\",\"type\": \"template\","
    "\"template_id\": \"buttons_appt\",\"language_code\": \"en\",\"parameters\": {"
    "\"body[1]text\": \"Customer\",\"body[2]text\": \"ready\","
    "\"button[0]quick_reply[1]text\": \"button0text\","
    "\"button[1]quick_reply[1]text\": \"button1text\","
    "\"button[2]quick_reply[1]text\": \"button2text\"}}";

static void read_or_fail(struct template *t, const char *json)
{
    struct fault f = {0};

    if (!template_read(t, view_of(json), &f))
        fail_msg("%s", f.text);
}

static const char *cloud_of(struct template *t, struct buf *out, struct fault *f)
{
    struct json_out j;

    buf_init(out, OUT_MAX);
    json_out_init(&j, out);
    return template_to_cloud(t, &j, f) ? buf_text(out) : NULL;
}

static void the_examples_members_are_read(void **state)
{
    struct template t;

    (void)state;
    read_or_fail(&t, example);
    assert_true(view_is(t.id, "buttons_appt"));
    assert_true(view_is(t.language, "en"));
    assert_true(view_is(t.body, "Dear Customer Your Reservation is ready."));
    assert_int_equal(t.parameter_count, 5);
    assert_true(view_is(t.parameters[4].key, "button[2]quick_reply[1]text"));
    template_done(&t);
}

static void the_conversation_api_gets_the_keys_and_a_payload_for_each_quick_reply(void **state)
{
    struct template t;
    struct json_out j;
    struct buf out;

    (void)state;
    read_or_fail(&t, example);
    buf_init(&out, OUT_MAX);
    json_out_init(&j, &out);
    template_to_conversation(&t, &j);
    assert_string_equal(
        buf_text(&out),
        "{\"template_id\":\"buttons_appt\",\"language_code\":\"en\",\"parameters\":{"
        "\"body[1]text\":\"Customer\",\"body[2]text\":\"ready\","
        "\"button[0]quick_reply[1]text\":\"button0text\",\"button[0]quick_reply[1]payload\":\"\","
        "\"button[1]quick_reply[1]text\":\"button1text\",\"button[1]quick_reply[1]payload\":\"\","
        "\"button[2]quick_reply[1]text\":\"button2text\",\"button[2]quick_reply[1]payload\":\"\""
        "}}");
    buf_done(&out);
    template_done(&t);
}

static void a_payload_that_is_there_stays(void **state)
{
    struct template t;
    struct json_out j;
    struct buf out;

    (void)state;
    read_or_fail(&t, "{\"template_id\":\"t\",\"parameters\":{"
                     "\"button[0]quick_reply[1]text\":\"Yes\","
                     "\"button[0]quick_reply[1]payload\":\"y\","
                     "\"carousel[0]odd\":\"kept\"}}");
    buf_init(&out, OUT_MAX);
    json_out_init(&j, &out);
    template_to_conversation(&t, &j);
    assert_string_equal(buf_text(&out),
                        "{\"template_id\":\"t\",\"parameters\":{"
                        "\"button[0]quick_reply[1]text\":\"Yes\","
                        "\"button[0]quick_reply[1]payload\":\"y\",\"carousel[0]odd\":\"kept\"}}");
    buf_done(&out);
    template_done(&t);
}

#define CLOUD_HEAD                                                                                 \
    "{\"name\":\"t\",\"language\":{\"policy\":\"deterministic\",\"code\":\"en_US\"},"              \
    "\"components\":["
#define T_OF(parameters)                                                                           \
    "{\"template_id\":\"t\",\"language_code\":\"en_US\",\"parameters\":{" parameters "}}"

static void the_cloud_api_gets_components_in_order(void **state)
{
    static const struct {
        const char *json;
        const char *cloud;
    } rows[] = {
        {"{\"template_id\":\"t\",\"language_code\":\"en_US\"}", CLOUD_HEAD "]}"},
        {T_OF("\"button[1]url[1]text\":\"id0\",\"button[0]quick_reply[1]text\":\"Sip\","
              "\"body[2]text\":\"b\",\"body[1]text\":\"a\",\"header[1]image.link\":\"https://x\""),
         CLOUD_HEAD
         "{\"type\":\"header\",\"parameters\":[{\"type\":\"image\",\"image\":{\"link\":"
         "\"https://x\"}}]},"
         "{\"type\":\"body\",\"parameters\":[{\"type\":\"text\",\"text\":\"a\"},"
         "{\"type\":\"text\",\"text\":\"b\"}]},"
         "{\"type\":\"button\",\"sub_type\":\"quick_reply\",\"index\":\"0\",\"parameters\":["
         "{\"type\":\"payload\",\"payload\":\"Sip\"}]},"
         "{\"type\":\"button\",\"sub_type\":\"url\",\"index\":\"1\",\"parameters\":["
         "{\"type\":\"text\",\"text\":\"id0\"}]}]}"},
        {T_OF("\"button[0]quick_reply[1]text\":\"Yes\",\"button[0]quick_reply[1]payload\":\"y\""),
         CLOUD_HEAD "{\"type\":\"button\",\"sub_type\":\"quick_reply\",\"index\":\"0\","
                    "\"parameters\":[{\"type\":\"payload\",\"payload\":\"y\"}]}]}"},
        {T_OF("\"button[0]quick_reply[1]text\":\"Yes\",\"button[0]quick_reply[1]payload\":\"\""),
         CLOUD_HEAD "{\"type\":\"button\",\"sub_type\":\"quick_reply\",\"index\":\"0\","
                    "\"parameters\":[{\"type\":\"payload\",\"payload\":\"Yes\"}]}]}"},
        {T_OF("\"header[1]document.link\":\"l\",\"header[1]document.filename\":\"f\""),
         CLOUD_HEAD "{\"type\":\"header\",\"parameters\":[{\"type\":\"document\",\"document\":{"
                    "\"filename\":\"f\",\"link\":\"l\"}}]}]}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct template t;
        struct buf out;
        struct fault f = {0};
        const char *cloud;

        read_or_fail(&t, rows[i].json);
        cloud = cloud_of(&t, &out, &f);
        if (cloud == NULL)
            fail_msg("row %zu: %s", i, f.text);
        assert_string_equal(cloud, rows[i].cloud);
        buf_done(&out);
        template_done(&t);
    }
}

static void what_the_cloud_api_has_no_place_for_is_refused(void **state)
{
    static const char *const rows[] = {
        "{\"template_id\":\"t\"}", /* no language */
        T_OF("\"body[2]text\":\"gap\""),
        T_OF("\"body[0]text\":\"x\""),
        T_OF("\"body[1]payload\":\"x\""),
        T_OF("\"body[1]image.link\":\"x\""),
        T_OF("\"body[1]text\":\"x\",\"body[1]image.link\":\"x\""),
        T_OF("\"body[01]text\":\"x\""),
        T_OF("\"body[1]\":\"x\""),
        T_OF("\"body1text\":\"x\""),
        T_OF("\"footer[1]text\":\"x\""),
        T_OF("\"button[0]phone[1]text\":\"x\""),
        T_OF("\"button[0]url[1]payload\":\"x\""),
        T_OF("\"button[0]url[1]text\":\"x\",\"button[0]quick_reply[2]text\":\"y\""),
        T_OF("\"button[0]url[1]text\":\"x\",\"button[0]quick_reply[1]payload\":\"y\""),
        T_OF("\"carousel[0]body[1]text\":\"x\""),
        T_OF("\"header[1]image.\":\"x\""),
        T_OF("\"header[1]image\":\"x\""),
        T_OF("\"header[1]image.link\":\"x\",\"header[1]video.link\":\"y\""),
        T_OF("\"header[1]currency.code\":\"x\""),
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct template t;
        struct buf out;
        struct fault f = {0};

        read_or_fail(&t, rows[i]);
        if (cloud_of(&t, &out, &f) != NULL)
            fail_msg("row %zu gave %s", i, buf_text(&out));
        assert_int_equal(f.cls, FAULT_REJECT);
        buf_done(&out);
        template_done(&t);
    }
}

static void what_is_no_template_is_refused(void **state)
{
    static const struct {
        const char *json;
        const char *says;
    } rows[] = {
        {"", "the template"},
        {"[]", "no JSON object"},
        {"{}", "template_id is missing"},
        {"{\"template_id\":\"\"}", "template_id is missing"},
        {"{\"template_id\":null}", "template_id is missing"},
        {"{\"template_id\":{}}", "template_id is no text"},
        {"{\"template_id\":\"a\",\"template_id\":\"b\"}", "template_id is given twice"},
        {"{\"template_id\":\"t\",\"parameters\":[]}", "parameters is no object"},
        {"{\"template_id\":\"t\",\"parameters\":{},\"parameters\":{}}", "given twice"},
        {"{\"template_id\":\"t\",\"parameters\":{\"a\":true}}", "member 1 is no text"},
        {"{\"template_id\":\"t\",\"parameters\":{\"a\":\"\\u0000\"}}", "member 1 is no text"},
        {"{\"template_id\":\"t\",\"parameters\":{\"a\":\"1\",\"\\u0061\":\"2\"}}", "one key"},
        {"{\"template_id\":\"t\"} x", "the template"},
        {"{\"template_id\":\"\xff\"}", "the template"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct template t;
        struct fault f = {0};

        assert_false(template_read(&t, view_of(rows[i].json), &f));
        if (strstr(f.text, rows[i].says) == NULL)
            fail_msg("row %zu: '%s'", i, f.text);
    }
}

static void there_is_an_end_to_parameters_and_bytes(void **state)
{
    struct template t;
    struct fault f = {0};
    struct buf json;

    (void)state;
    buf_init(&json, 2 * TEMPLATE_BYTES_MAX);
    buf_put_text(&json, "{\"template_id\":\"t\",\"parameters\":{\"k0\":1.5");
    for (int i = 1; i < TEMPLATE_PARAMETERS_MAX; i++)
        buf_printf(&json, ",\"k%d\":-%d", i, i);
    buf_put_text(&json, "}}");
    read_or_fail(&t, buf_text(&json));
    assert_true(view_is(t.parameters[0].value, "1.5")); /* a number is as good as its text */
    template_done(&t);
    buf_drop(&json, 0);
    json.n -= 2;
    buf_put_text(&json, ",\"more\":1}}");
    assert_false(template_read(&t, buf_view(&json), &f));
    assert_non_null(strstr(f.text, "more than 64"));
    json.n -= 2;
    while (json.n <= TEMPLATE_BYTES_MAX)
        buf_put_char(&json, ' ');
    buf_put_text(&json, "}}");
    assert_false(template_read(&t, buf_view(&json), &f));
    assert_non_null(strstr(f.text, "8192 bytes"));
    buf_done(&json);
}

static void escapes_are_undone_once(void **state)
{
    struct template t;
    struct buf out;
    struct fault f = {0};

    (void)state;
    read_or_fail(&t, "{\"templ\\u0061te_id\":\"a\\\"b\",\"language_code\":\"en\","
                     "\"parameters\":{\"body\\u005b1]text\":\"\\u00e4\\n\"}}");
    assert_string_equal(cloud_of(&t, &out, &f),
                        "{\"name\":\"a\\\"b\",\"language\":{\"policy\":\"deterministic\",\"code\":"
                        "\"en\"},\"components\":[{\"type\":\"body\",\"parameters\":[{\"type\":"
                        "\"text\",\"text\":\"ä\\n\"}]}]}");
    buf_done(&out);
    template_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_members_are_read),
        cmocka_unit_test(the_conversation_api_gets_the_keys_and_a_payload_for_each_quick_reply),
        cmocka_unit_test(a_payload_that_is_there_stays),
        cmocka_unit_test(the_cloud_api_gets_components_in_order),
        cmocka_unit_test(what_the_cloud_api_has_no_place_for_is_refused),
        cmocka_unit_test(what_is_no_template_is_refused),
        cmocka_unit_test(there_is_an_end_to_parameters_and_bytes),
        cmocka_unit_test(escapes_are_undone_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
