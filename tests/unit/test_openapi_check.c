/* openapi_check: what docs/openapi.json does not describe is found, what it does is let through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/openapi_check.h"

#include <string.h>

#define JSON  "application/json"
#define TEXT  "text/plain; charset=utf-8"
#define ID    "0123456789ABCDEF0123456789ABCDEF"
#define AT    "2026-01-02T03:04:05.678Z"
#define GIVEN "\"id\":\"" ID "\",\"channel\":\"PHONE\",\"type\":\"CallIn\""

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
        {"GET", "/RI/cmi/contacts/" ID, 200, JSON, "{" GIVEN ",\"arrivalTime\":\"" AT "\"}", NULL},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_held_against_the_description),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
