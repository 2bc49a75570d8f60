/* xml_scan, xml_in, xml_out: what is read, as tokens; what is refused, and why; and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/json_out.h"
#include "bridge/core/mem.h"
#include "bridge/core/xml_out.h"
#include "bridge/core/xml_scan.h"
#include "bridge/io/json_in.h"
#include "bridge/io/xml_in.h"
#include "tests/fakes/xml_twin.h"

#include <stdio.h>
#include <string.h>

#define XSI "xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\""

static bool to_json(struct view xml, const struct cmi_shape *shape, struct buf *json,
                    struct fault *f)
{
    struct json_out out;

    json_out_init(&out, json);
    return xml_in_read(xml, shape, json_out_sink(&out), f);
}

static void elements_become_what_their_rows_say(void **state)
{
    static const struct {
        const struct cmi_shape *shape;
        const char *xml;
        const char *json;
    } rows[] = {
        {&cmi_callback, "<callback/>", "{}"},
        {&cmi_callback, "<?xml version='1.0' encoding='utf-8'?>\n<callback>\n</callback>\n", "{}"},
        {&cmi_callback, "\xef\xbb\xbf<callback/>", "{}"},
        {&cmi_callback, "<callback><notes/></callback>", "{\"notes\":\"\"}"},
        {&cmi_callback, "<callback><notes> a\n b </notes></callback>", "{\"notes\":\" a\\n b \"}"},
        {&cmi_callback,
         "<callback><notes>a&amp;&lt;&#228;&#xE4;<![CDATA[<b>&]]>c</notes></callback>",
         "{\"notes\":\"a&<ää<b>&c\"}"},
        {&cmi_callback, "<callback><notes>a<!-- not this -->b<?nor this?></notes></callback>",
         "{\"notes\":\"ab\"}"},
        {&cmi_callback, "<callback><failures> 7 </failures><maxCalls>-1.5e3</maxCalls></callback>",
         "{\"failures\":7,\"maxCalls\":-1.5e3}"},
        {&cmi_callback, "<callback><failures>07</failures></callback>", "{\"failures\":\"07\"}"},
        {&cmi_callback, "<callback><failures></failures></callback>", "{\"failures\":\"\"}"},
        {&cmi_callback, "<callback><failures>[1]</failures></callback>", "{\"failures\":\"[1]\"}"},
        {&cmi_callback, "<callback><nextCallTime>\n2020-01-01T00:00:00Z</nextCallTime></callback>",
         "{\"nextCallTime\":\"2020-01-01T00:00:00Z\"}"},
        {&cmi_callback, "<callback " XSI "><notes i:nil='true'>x</notes></callback>",
         "{\"notes\":null}"},
        {&cmi_callback, "<callback " XSI "><notes i:nil='false'>x</notes></callback>",
         "{\"notes\":\"x\"}"},
        {&cmi_callback, "<callback><notes nil='true'>x</notes></callback>", "{\"notes\":\"x\"}"},
        {&cmi_callback, "<callback xmlns='urn:x'><notes>x</notes></callback>", "{\"notes\":\"x\"}"},
        {&cmi_callback, "<callback xmlns:p='urn:x'><p:notes>x</p:notes></callback>", "{}"},
        {&cmi_callback, "<callback><new><notes>x</notes>y</new><notes>z</notes></callback>",
         "{\"notes\":\"z\"}"},
        {&cmi_callback,
         "<callbacks><callback><notes>a</notes></callback><x/><callback/></callbacks>",
         "[{\"notes\":\"a\"},{}]"},
        {&cmi_customer_consent, "<customerConsent><consent>true</consent></customerConsent>",
         "{\"consent\":true}"},
        {&cmi_customer_consent, "<customerConsent><consent>1</consent></customerConsent>",
         "{\"consent\":\"1\"}"}, /* nor is it in JSON */
        {&cmi_customer_consent, "<customerConsent><consent> false</consent></customerConsent>",
         "{\"consent\":false}"},
        {&cmi_customer_consent, "<customerConsent><consent>yes</consent></customerConsent>",
         "{\"consent\":\"yes\"}"},
        {&cmi_customer_consent,
         "<customerConsent><usage>\n    whatsapp\r\n\t</usage></customerConsent>",
         "{\"usage\":\"whatsapp\"}"},
        {&cmi_message,
         "<message><message>m</message><destinations><destination><address>1</address>"
         "</destination><other/><destination/></destinations></message>",
         "{\"message\":\"m\",\"destinations\":[{\"address\":\"1\"},{}]}"},
        {&cmi_message, "<message><destinations/></message>", "{\"destinations\":[]}"},
        {&cmi_chat,
         "<chat><from_queue><id>x</id></from_queue><transcript><messages><message><message>m"
         "</message><timeStamp>t</timeStamp><system_message>true</system_message></message>"
         "</messages></transcript></chat>",
         "{\"from_queue\":{\"id\":\"x\"},\"transcript\":{\"messages\":[{\"message\":\"m\","
         "\"timestamp\":\"t\",\"system_message\":true}]}}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fault f = {0};
        struct buf json;

        buf_init(&json, 4096);
        if (!to_json(view_of(rows[i].xml), rows[i].shape, &json, &f))
            fail_msg("%s: %s", rows[i].xml, f.text);
        assert_string_equal(buf_text(&json), rows[i].json);
        buf_done(&json);
    }
}

static void what_is_not_to_be_is_refused_by_name(void **state)
{
    static const struct {
        const char *xml;
        const char *says;
    } rows[] = {
        {"", "not well-formed"},
        {"  ", "not well-formed"},
        {"{}", "not well-formed"},
        {"<callback>", "not well-formed"},
        {"<callback/><callback/>", "not well-formed"},
        {"<callback><notes>a</note></callback>", "not well-formed, at line 1"},
        {"<callback>\n<notes a='1' a='2'/></callback>", "not well-formed, at line 2"},
        {"<callback><notes>&nbsp;</notes></callback>", "not well-formed"},
        {"<callback><notes>&#0;</notes></callback>", "not well-formed"},
        {"<callback><notes>&#1;</notes></callback>", "not well-formed"},
        {"<callback><p:notes/></callback>", "not well-formed"},
        {"<message/>", "the root element must be <callback>"},
        {"<x:callback xmlns:x='urn:x'/>", "the root element must be <callback>"},
        {"<callback>text</callback>", "callback holds text; it must hold elements"},
        {"<callback><notes>a<b/></notes></callback>", "notes holds an element; it must hold text"},
        {"<!DOCTYPE callback><callback/>", "DOCTYPE"},
        {"<?xml version='1.0'?><!DOCTYPE c [<!ENTITY a 'b'>]><callback/>", "DOCTYPE"},
        {"<callback><!ENTITY a 'b'></callback>", "declaration"},
        {"<?xml version='1.0' encoding='ISO-8859-1'?><callback/>", "not in UTF-8"},
        {"<callback><notes>\xe4</notes></callback>", "not UTF-8"},
        {"\xff\xfe<", "not UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fault f = {0};
        struct buf json;

        buf_init(&json, 4096);
        if (to_json(view_of(rows[i].xml), &cmi_callback, &json, &f) ||
            strstr(f.text, rows[i].says) == NULL)
            fail_msg("%s: %s", rows[i].xml, f.text);
        assert_int_equal(f.cls, FAULT_REJECT);
        buf_done(&json);
    }
}

static void repeat(struct buf *to, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        buf_put_text(to, text);
}

/* Each bound holds at it, and is refused one over. */
static void bounds_hold(void **state)
{
    static const struct {
        const char *before;
        const char *again;
        size_t most;
        const char *after;
        const char *again_after;
        const char *says;
    } rows[] = {
        {"<callback>", "<x>", 31, "", "</x>", "deeper than 32"},
        {"<callback ", "a%d='1' ", 16, "/>", NULL, "more than 16 attributes"},
        {"<callback a='", "x", 4082, "'/>", NULL, "a tag of more than 4096 bytes"},
        {"<callback><!--", "x", 4096, "--></callback>", NULL, "a comment of more than 4096"},
        {"<callback><?", "x", 4095, "?></callback>", NULL, "instruction of more than 4096"},
        {"<callback><notes>", "x", 1048576, "</notes></callback>", NULL, "more than 1048576 bytes"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t over = 0; over < 2; over++) {
            struct fault f = {0};
            struct buf json;
            struct buf xml;
            bool ok;

            buf_init(&json, 4 << 20);
            buf_init(&xml, 4 << 20);
            buf_put_text(&xml, rows[i].before);
            for (size_t n = 0; n < rows[i].most + over; n++) {
                if (strchr(rows[i].again, '%') != NULL)
                    buf_printf(&xml, "a%zu='1' ", n);
                else
                    buf_put_text(&xml, rows[i].again);
            }
            buf_put_text(&xml, rows[i].after);
            if (rows[i].again_after != NULL) {
                repeat(&xml, rows[i].again_after, rows[i].most + over);
                buf_put_text(&xml, "</callback>");
            }
            ok = to_json(buf_view(&xml), &cmi_callback, &json, &f);
            if (ok == (over == 1) || (!ok && strstr(f.text, rows[i].says) == NULL))
                fail_msg("row %zu, %zu over: %s", i, over, ok ? "taken" : f.text);
            buf_done(&json);
            buf_done(&xml);
        }
}

/* What libxml2 keeps each of, in a table that gets slow: names of elements, attributes, prefixes
 * and processing instructions, and namespaces. `most` of them fit beside the other names. */
static void different_names_are_bounded(void **state)
{
    static const struct {
        const char *before;
        const char *after;
        size_t most;
    } rows[] = {
        {"<", "/>", XML_IN_NAMES_MAX - 1},
        {"<x><y/></x><", "/>", XML_IN_NAMES_MAX - 3},
        {"<x ", "='1'/>", XML_IN_NAMES_MAX - 2},
        {"<x xmlns='urn:", "'/>", XML_IN_NAMES_MAX - 2},
        {"<x xmlns:", "='urn:x'/>", XML_IN_NAMES_MAX - 3},
        {"<?", " x?>", XML_IN_NAMES_MAX - 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t over = 0; over < 2; over++) {
            size_t count = rows[i].most + over;
            struct fault f = {0};
            struct buf json;
            struct buf xml;

            buf_init(&json, 4096);
            buf_init(&xml, 1 << 20);
            buf_put_text(&xml, "<callback>");
            for (size_t n = 0; n < 2 * count; n++) /* each twice */
                buf_printf(&xml, "%sn%zu%s", rows[i].before, n % count, rows[i].after);
            buf_put_text(&xml, "</callback>");
            if (to_json(buf_view(&xml), &cmi_callback, &json, &f) != (over == 0))
                fail_msg("'%s', %zu over: %s", rows[i].before, over, f.text);
            if (over == 1) {
                assert_int_equal(f.cls, FAULT_REJECT);
                assert_string_equal(f.text, "there are more than 1024 different names in the XML");
            }
            buf_done(&json);
            buf_done(&xml);
        }
}

/* A sink that refuses ends the reading with its own fault. */
static bool take_three(void *ctx, const struct token *t, struct fault *f)
{
    int *left = ctx;

    (void)t;
    return --*left >= 0 || fault_set(f, FAULT_REJECT, "enough");
}

static void a_sink_that_refuses_ends_the_reading(void **state)
{
    struct fault f = {0};
    int left = 3;

    (void)state;
    assert_false(xml_in_read(VIEW("<callback><notes>a</notes><gwPrefix>b</gwPrefix></callback>"),
                             &cmi_callback, (struct token_sink){take_three, &left}, &f));
    assert_string_equal(f.text, "enough");
    assert_int_equal(left, -1);
}

static void what_is_written_is_what_was_meant(void **state)
{
    struct fault f = {0};
    struct xml_out x;
    struct buf xml;
    struct buf json;

    (void)state;
    buf_init(&xml, 4096);
    buf_init(&json, 4096);
    xml_out_init(&x, &xml);
    xml_open(&x, "callback");
    xml_text(&x, "notes", VIEW("<a> & \"b\" ]]> 'c'\r\n\t\x01\x1f\xef\xbf\xbe ä€😀"));
    xml_close(&x);
    assert_string_equal(buf_text(&xml),
                        "<callback><notes>&lt;a&gt; &amp; \"b\" ]]&gt; 'c'&#13;\n\t"
                        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd ä€😀</notes></callback>");
    assert_true(to_json(buf_view(&xml), &cmi_callback, &json, &f));
    assert_string_equal(buf_text(&json), "{\"notes\":\"<a> & \\\"b\\\" ]]> 'c'\\r\\n\\t"
                                         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd ä€😀\"}");
    buf_done(&xml);
    buf_done(&json);
}

/* The specification's examples, JSON to XML to JSON to XML: the last two are the first two. */
static void every_example_goes_there_and_back(void **state)
{
    static const struct {
        const char *file;
        const struct cmi_shape *shape;
    } rows[] = {
        {"bodies/post-callbacks", &cmi_callback},
        {"bodies/post-chats-inbound", &cmi_chat},
        {"bodies/post-chats-outbound", &cmi_chat},
        {"bodies/post-customerConsents", &cmi_customer_consent},
        {"bodies/post-listenLog", &cmi_listen_log},
        {"bodies/post-messages-schedule", &cmi_message},
        {"bodies/post-messages-template", &cmi_message},
        {"bodies/put-callbacks", &cmi_callback},
        {"bodies/put-messages", &cmi_message},
        {"spec/callbacks-505", &cmi_callback},
        {"spec/chats-inbound", &cmi_chat},
        {"spec/chats-outbound", &cmi_chat},
        {"spec/customerConsents-whatsapp", &cmi_customer_consent},
        {"spec/messages-sms", &cmi_message},
        {"spec/messages-template", &cmi_message},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = mem_zeroed(65536, 1);
        char path[128];
        struct buf xml[2];
        struct buf json;
        struct fault f = {0};
        FILE *file;

        snprintf(path, sizeof path, "tests/golden/%s.json", rows[i].file);
        file = fopen(path, "r");
        assert_non_null(file);
        assert_true(fread(text, 1, 65535, file) > 0);
        fclose(file);
        buf_init(&xml[0], 1 << 20);
        buf_init(&xml[1], 1 << 20);
        buf_init(&json, 1 << 20);
        assert_true(xml_twin_of(view_of(text), rows[i].shape, &xml[0]));
        if (!to_json(buf_view(&xml[0]), rows[i].shape, &json, &f))
            fail_msg("%s: %s", path, f.text);
        assert_true(xml_twin_of(buf_view(&json), rows[i].shape, &xml[1]));
        assert_string_equal(buf_text(&xml[0]), buf_text(&xml[1]));
        assert_true(xml[0].n > 40);
        buf_done(&xml[0]);
        buf_done(&xml[1]);
        buf_done(&json);
        mem_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_become_what_their_rows_say),
        cmocka_unit_test(what_is_not_to_be_is_refused_by_name),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(different_names_are_bounded),
        cmocka_unit_test(a_sink_that_refuses_ends_the_reading),
        cmocka_unit_test(what_is_written_is_what_was_meant),
        cmocka_unit_test(every_example_goes_there_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
