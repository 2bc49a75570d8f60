/* openapi_check: what docs/openapi.json does not describe is found, what it does is let through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/cmi_sample.h"
#include "tests/fakes/openapi_check.h"
#include "tests/fakes/xml_twin.h"

#include <stdio.h>
#include <string.h>

#define JSON "application/json"
#define TEXT "text/plain; charset=utf-8"
#define ID   "0123456789ABCDEF0123456789ABCDEF"
#define AT   "2026-01-02T03:04:05.678Z"
#define GIVEN                                                                                      \
    "\"id\":\"" ID "\",\"contactGroupId\":\"" ID "\",\"channel\":\"PHONE\",\"type\":\"CallIn\","   \
    "\"typeDetails\":\"CallIn\",\"status\":\"InQueue\",\"statusDetails\":\"InQueue\","             \
    "\"source\":\"1\",\"destination\":\"2\",\"arrivalTime\":\"" AT "\",\"totalDuration\":1"

static void answers_are_held_against_the_description(void **state)
{
    static const struct {
        const char *method;
        const char *target;
        int status;
        const char *type;
        const char *body;
        const char *wrong; /* a part of the sentence; NULL: nothing is */
    } rows[] = {
        {"GET", "/RI/cmi/contacts?limit=1", 200, JSON, "[{" GIVEN "}]", NULL},
        {"GET", "/RI/cmi/contacts/" ID, 200, JSON, "{" GIVEN ",\"record\":true}", NULL},
        {"GET", "/RI/cmi/contact%73/" ID, 200, JSON, "{" GIVEN "}", NULL},
        {"GET", "/RI/cmi/contacts/" ID, 200, JSON, "{" GIVEN ",\"disconnectTime\":\"" AT "\"}",
         NULL},
        {"GET", "/RI/cmi/contacts/" ID, 200, "application/xml", "<contact/>", NULL},
        {"GET", "/RI/cmi/contacts/" ID "/remarks", 200, "text/plain", "x", NULL},
        {"GET", "/RI/cmi/contacts/x", 400, TEXT, "Invalid GUID: 'x'\n", NULL},
        {"HEAD", "/RI/cmi/contacts", 200, JSON, "", NULL},
        {"POST", "/RI/cmi/chats", 201, "text/html", ID, NULL},
        {"DELETE", "/RI/cmi/customerConsents/whatsapp_%2B358401", 204, "", "", NULL},
        {"PATCH", "/RI/cmi/chats", 405, TEXT, "no\n", NULL},
        {"GET", "/RI/cmi/chats", 431, TEXT, "no\n", NULL},
        {"GET", "/RI/cmi/nothing", 404, TEXT, "HTTP 404 Not Found\n", NULL},
        {"GET", "/metrics", 200, "text/plain", "x 1\n", NULL},
        {"GET", "/RI/cmi/chats", 0, "", "", NULL},

        {"GET", "/RI/cmi/contacts", 200, JSON, "{" GIVEN "}", "an array"},
        {"GET", "/RI/cmi/contacts", 200, JSON, "[{" GIVEN "},{" GIVEN ",\"x\":1}]", ".1.x"},
        {"GET", "/RI/cmi/contacts/" ID, 200, JSON, "{\"id\":\"1\"}", "pattern"},
        {"GET", "/RI/cmi/contacts/" ID, 200, JSON, "{\"channel\":\"FAX\"}", "enumeration"},
        {"GET", "/RI/cmi/contacts/" ID, 200, JSON, "{\"subject\":null}", "a string"},
        {"GET", "/RI/cmi/contacts/" ID, 200, JSON, "{\"record\":\"true\"}", "true or false"},
        {"GET", "/RI/cmi/contacts/" ID, 200, JSON, "{\"arrivalTime\":\"today\"}", "a time"},
        {"GET", "/RI/cmi/contacts/" ID, 200, JSON, "{\"id\":", "200: "},
        {"GET", "/RI/cmi/contacts/" ID, 200, JSON, "{\"id\":\"" ID "\"}", ".contactGroupId"},
        {"GET", "/RI/cmi/contacts", 200, JSON, "[{" GIVEN "},{}]", ".1.id: it is required"},
        {"GET", "/RI/cmi/callbacks/" ID, 200, JSON, "{\"failures\":-1}", "bounds"},
        {"GET", "/RI/cmi/callbacks/" ID, 200, JSON, "{\"failures\":1.5}", "an integer"},
        {"GET", "/RI/cmi/callbacks/" ID, 200, JSON, "{\"failures\":\"1\"}", "a number"},
        {"GET", "/RI/cmi/messages/" ID, 200, JSON, "{\"destinations\":[]}", "an object"},
        {"GET", "/RI/cmi/messages/" ID, 200, JSON,
         "{\"destinations\":{\"destination\":[{\"address\":1}]}}", ".destinations.destination.0"},
        {"GET", "/RI/cmi/contacts/" ID, 502, TEXT, "no\n", "no such status"},
        {"GET", "/RI/cmi/contacts/" ID, 200, "text/html", "x", "text/html"},
        {"GET", "/RI/cmi/contacts/", 200, JSON, "{}", "no such operation"},
        {"POST", "/RI/cmi/contacts", 201, "text/html", ID, "no such operation"},
        {"DELETE", "/RI/cmi/customerConsents/whatsapp_1", 204, "", "x", "no body"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *wrong = openapi_wrong(rows[i].method, rows[i].target, rows[i].status,
                                          rows[i].type, view_of(rows[i].body));

        if ((wrong == NULL) != (rows[i].wrong == NULL) ||
            (wrong != NULL && strstr(wrong, rows[i].wrong) == NULL))
            fail_msg("row %zu (%s %s): %s", i, rows[i].method, rows[i].target,
                     wrong != NULL ? wrong : "nothing found");
    }
}

/* Lists of thousands are: what is wrong in the last item is found. */
static void a_long_list_is_looked_through(void **state)
{
    const char *wrong = NULL;
    struct buf list;

    (void)state;
    buf_init(&list, 8 << 20);
    for (int i = 0; i < 9999; i++)
        buf_put_text(&list, i == 0 ? "[{" GIVEN "}" : ",{" GIVEN "}");
    buf_put_text(&list, "]");
    assert_true(list.n > 2 << 20 && !list.full);
    assert_null(openapi_wrong("GET", "/RI/cmi/contacts", 200, JSON, buf_view(&list)));
    list.n--;
    buf_put_text(&list, ",{" GIVEN ",\"subject\":7}]");
    wrong = openapi_wrong("GET", "/RI/cmi/contacts", 200, JSON, buf_view(&list));
    assert_string_equal(wrong, "GET /RI/cmi/contacts 200: .9999.subject: it must be a string");
    buf_done(&list);
}

/* ---- what must be in every answer ---- */

/* Is the sample, as what that GET answers, one that is described, and one that has a twin in XML?
 */
static bool is_described(const struct cmi_shape *shape, const struct cmi_sample *s)
{
    bool listed = s->use == CMI_LISTED;
    struct json_out j;
    struct buf json;
    struct buf xml;
    char target[96];
    bool described = false;

    buf_init(&json, 1 << 16);
    buf_init(&xml, 1 << 16);
    json_out_init(&j, &json);
    if (listed)
        json_array(&j);
    cmi_sample_write(s, shape, &j);
    if (listed)
        json_array_end(&j);
    snprintf(target, sizeof target, "/RI/cmi/%s%s", shape->plural, listed ? "" : "/" ID);
    if (shape == &cmi_listen_log)
        snprintf(target, sizeof target, "/RI/cmi/callRecordings/" ID "/listenLog");
    described = openapi_wrong("GET", target, 200, JSON, buf_view(&json)) == NULL;
    if (xml_twin_of_answer(buf_view(&json), shape, &xml) != described)
        fail_msg("GET %s: JSON %s: %s", target, described ? "only" : "not", buf_text(&json));
    buf_done(&json);
    buf_done(&xml);
    return described;
}

/* Each property of the shape and of what is in it, left out of a whole answer. */
static unsigned leave_out_each(const struct cmi_shape *root, const struct cmi_shape *shape,
                               enum cmi_use use)
{
    unsigned required = 0;

    for (size_t i = 0; i < shape->field_count; i++) {
        const struct cmi_field *field = &shape->fields[i];
        bool always = (field->use & CMI_ALWAYS) != 0;
        struct cmi_sample s = {use, true, true, field, TWIST_LEFT_OUT};

        if ((field->use & (unsigned)use) == 0)
            continue;
        if (is_described(root, &s) == always)
            fail_msg("%s, use %x: an answer without %s", root->name, (unsigned)use, field->name);
        required += always;
        if (field->shape != NULL)
            required += leave_out_each(root, field->shape, use);
    }
    return required;
}

static void an_answer_without_what_is_required_is_found(void **state)
{
    static const enum cmi_use uses[] = {CMI_LISTED, CMI_SINGLE};
    unsigned required = 0;

    (void)state;
    for (size_t i = 0; cmi_shapes[i] != NULL; i++)
        for (size_t u = 0; u < 2; u++) {
            struct cmi_sample least = {.use = uses[u], .wrapped = true};
            struct cmi_sample full = {.use = uses[u], .full = true, .wrapped = true};

            if (uses[u] == CMI_SINGLE && cmi_shapes[i] == &cmi_listen_log)
                continue; /* there is no such GET */
            assert_true(is_described(cmi_shapes[i], &least));
            assert_true(is_described(cmi_shapes[i], &full));
            required += leave_out_each(cmi_shapes[i], cmi_shapes[i], uses[u]);
        }
    assert_true(required > 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_held_against_the_description),
        cmocka_unit_test(a_long_list_is_looked_through),
        cmocka_unit_test(an_answer_without_what_is_required_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
