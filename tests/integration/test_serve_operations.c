/* serve: what each of the 29 operations refuses, row by row of the table of operations, whatever
 * the flags of its route say; and the description of them all, as it is served and printed.
 * (401 and 403 of each: test_serve_users; parameters: test_serve_front.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "server/openapi.h"
#include "tests/fakes/serve_rig.h"
#include "tests/fakes/shell.h"

#include <stdio.h>
#include <string.h>

#define BODY_MAX    2048
#define REMARKS_MAX 1024
#define TARGET_MAX  128
#define NOWHERE     "0123456789ABCDEF0123456789ABCDEF"
#define JSON        "Content-Type: application/json\r\n"

static struct serve_rig rig;

static int start(void **state)
{
    (void)state;
    serve_rig_start(&rig, "limits: {body: 2KiB, remarks: 1KiB}\n");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    return 0;
}

/* ---- what an operation is ---- */

static bool is_read(const struct openapi_operation *o)
{
    return strcmp(o->method, "GET") == 0;
}

/* A body that is JSON or XML. */
static bool takes_fields(const struct openapi_operation *o)
{
    return o->shape != NULL && !is_read(o);
}

/* Remarks. */
static bool takes_text(const struct openapi_operation *o)
{
    return o->shape == NULL && !is_read(o) && strcmp(o->method, "DELETE") != 0;
}

static bool is_named(const struct openapi_operation *o)
{
    return strstr(o->path, "/customerConsents/") != NULL;
}

/* Its target, with that for {id}. */
static void target_of(const struct openapi_operation *o, const char *id, char target[TARGET_MAX])
{
    const char *open = strchr(o->path, '{');
    char before[64];

    if (open == NULL) {
        snprintf(target, TARGET_MAX, "/RI/cmi%s", o->path);
        return;
    }
    view_copy((struct view){o->path, (size_t)(open - o->path)}, before, sizeof before);
    snprintf(target, TARGET_MAX, "/RI/cmi%s%s%s", before, id, strchr(open, '}') + 1);
}

/* About nothing that is there. */
static void target_of_none(const struct openapi_operation *o, char target[TARGET_MAX])
{
    target_of(o, is_named(o) ? "recording_1" : NOWHERE, target);
}

/* What it says of a thing that is not there; bodies that would be taken. */
static const char *body_of(const struct openapi_operation *o)
{
    if (takes_text(o))
        return "The red car";
    if (!takes_fields(o))
        return NULL;
    if (o->shape == &cmi_callback)
        return "{\"customerNumber\":\"1\",\"notes\":\"\",\"lastResult\":\"BUSY\"}";
    if (o->shape == &cmi_message)
        return "{\"message\":\"a\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","
               "\"destinations\":[{\"address\":\"1\"}]}";
    return "{\"description\":\"d\",\"userSessionId\":\"s\"}";
}

/* ---- asking ---- */

static struct probe_reply ask(const struct openapi_operation *o, const char *target,
                              const char *headers, const char *body)
{
    return probe_ask(rig.port, o->method, target, headers, body);
}

/* text: all that is said, or NULL. */
static void expect(const struct openapi_operation *o, const char *target, const char *headers,
                   const char *body, int status, const char *text)
{
    struct probe_reply r = ask(o, target, headers, body);

    if (r.status != status || (text != NULL && !view_is(r.body, text)))
        fail_msg("%s %s (%s): %d %.*s", o->method, target, headers, r.status, VIEW_ARG(r.body));
    if (status >= 400)
        assert_string_equal(probe_header(&r, "Content-Type"), "text/plain");
    probe_done(&r);
}

static void expect_other(const struct openapi_operation *o, const char *target, const char *headers,
                         const char *body, int status)
{
    struct probe_reply r = ask(o, target, headers, body);

    if (r.status == status || r.status == 0)
        fail_msg("%s %s (%s): %d %.*s", o->method, target, headers, r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

/* ---- 406 ---- */

/* Of a GET; remarks are text in any case. */
static void what_can_t_be_shown_as_is_accepted_is_406(void **state)
{
    static const char *const others[] = {"Accept: image/png\r\n", "Accept: text/plain\r\n",
                                         "Accept: application/json;q=0\r\n"};
    static const char *const ours[] = {"", "Accept: application/xml\r\n", "Accept: */*;q=0.1\r\n"};

    (void)state;
    for (const struct openapi_operation *o = openapi_operations; o->method != NULL; o++) {
        char target[TARGET_MAX];

        target_of_none(o, target);
        for (size_t i = 0; i < 3; i++) {
            if (is_read(o) && o->shape != NULL)
                expect(o, target, others[i], NULL, 406,
                       "application/json and application/xml are served here\n");
            else
                expect_other(o, target, others[i], body_of(o), 406);
            expect_other(o, target, ours[i], body_of(o), 406);
        }
    }
}

/* ---- 413, 415 ---- */

static void a_body_of_another_type_is_415(void **state)
{
    static const struct {
        const char *headers;
        bool fields;
        bool text;
    } rows[] = {
        {"", true, true},
        {JSON, true, false},
        {"Content-Type: application/xml\r\n", true, false},
        {"Content-Type: text/xml; charset=utf-8\r\n", true, false},
        {"Content-Type: text/plain\r\n", false, true},
        {"Content-Type: text/plain; charset=latin1\r\n", false, false},
        {"Content-Type: application/json; charset=utf-16\r\n", false, false},
        {"Content-Type: application/x-www-form-urlencoded\r\n", false, false},
        {"Content-Type: application/cloudevents-batch+json\r\n", false, false},
        {"Content-Encoding: gzip\r\n", false, false},
    };

    (void)state;
    for (const struct openapi_operation *o = openapi_operations; o->method != NULL; o++) {
        char target[TARGET_MAX];

        target_of_none(o, target);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            if (takes_fields(o) ? rows[i].fields : rows[i].text)
                expect_other(o, target, rows[i].headers, body_of(o), 415);
            else if (body_of(o) != NULL)
                expect(o, target, rows[i].headers, body_of(o), 415, NULL);
        }
    }
}

static void a_body_over_its_limit_is_413(void **state)
{
    char body[BODY_MAX + 2];

    (void)state;
    for (const struct openapi_operation *o = openapi_operations; o->method != NULL; o++) {
        const size_t most = takes_text(o) ? REMARKS_MAX : BODY_MAX;
        char target[TARGET_MAX];
        char why[80];

        if (body_of(o) == NULL)
            continue;
        target_of_none(o, target);
        memset(body, ' ', sizeof body);
        memcpy(body, "{}", 2);
        body[most] = '\0';
        expect_other(o, target, "", body, 413);
        body[most] = ' ';
        body[most + 1] = '\0';
        snprintf(why, sizeof why, "the body is too large; %zu bytes are allowed\n", most);
        expect(o, target, "", body, 413, why);
    }
}

/* ---- 400, 404, 405 ---- */

static void a_body_that_must_be_there_is_missed(void **state)
{
    (void)state;
    for (const struct openapi_operation *o = openapi_operations; o->method != NULL; o++) {
        char target[TARGET_MAX];

        target_of_none(o, target);
        if (takes_fields(o))
            expect(o, target, JSON, "", 400, "the body is missing\n");
        else
            expect_other(o, target, "", takes_text(o) ? "" : NULL, 400);
    }
}

static void what_is_not_there_is_404_and_what_is_no_id_400(void **state)
{
    (void)state;
    for (const struct openapi_operation *o = openapi_operations; o->method != NULL; o++) {
        char target[TARGET_MAX];

        if (strchr(o->path, '{') == NULL)
            continue;
        target_of_none(o, target);
        expect(o, target, "", body_of(o), 404, "HTTP 404 Not Found\n");
        target_of(o, "x", target);
        if (is_named(o))
            expect(o, target, "", body_of(o), 404, "HTTP 404 Not Found\n");
        else
            expect(o, target, "", body_of(o), 400, "Invalid GUID: 'x'\n");
    }
}

static void another_method_is_405_and_told_which_there_are(void **state)
{
    (void)state;
    for (const struct openapi_operation *o = openapi_operations; o->method != NULL; o++) {
        char target[TARGET_MAX];
        struct probe_reply r;

        target_of_none(o, target);
        r = probe_ask(rig.port, "PATCH", target, "", NULL);
        if (r.status != 405 || strstr(probe_header(&r, "Allow"), o->method) == NULL)
            fail_msg("PATCH %s: %d, Allow: %s", target, r.status, probe_header(&r, "Allow"));
        probe_done(&r);
    }
}

/* ---- the description ---- */

static char *stored(void)
{
    char *text = mem_zeroed(OPENAPI_MAX, 1);
    FILE *f = fopen("docs/openapi.json", "r");

    assert_non_null(f);
    assert_true(fread(text, 1, OPENAPI_MAX - 1, f) > 0);
    fclose(f);
    return text;
}

/* A line end follows it in the file. */
static void the_description_is_served_and_printed_as_it_is_stored(void **state)
{
    static const char *const accepts[] = {"", "Accept: application/xml\r\n"};
    char *text = stored();
    struct probe_reply r;
    struct buf said;

    (void)state;
    buf_init(&said, OPENAPI_MAX);
    assert_int_equal(shell_run("\"$CMIBRIDGE_BIN\" serve --print-openapi", &said), 0);
    assert_string_equal(buf_text(&said), text);
    said.n--;
    for (size_t i = 0; i < 2; i++) {
        r = probe_ask(rig.port, "GET", "/RI/cmi/openapi.json", accepts[i], NULL);
        assert_int_equal(r.status, 200);
        assert_string_equal(probe_header(&r, "Content-Type"), "application/json");
        assert_true(view_eq(r.body, buf_view(&said)));
        probe_done(&r);
    }
    r = probe_ask(rig.port, "POST", "/RI/cmi/openapi.json", JSON, "{}");
    assert_int_equal(r.status, 405);
    probe_done(&r);
    buf_done(&said);
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_t_be_shown_as_is_accepted_is_406),
        cmocka_unit_test(a_body_of_another_type_is_415),
        cmocka_unit_test(a_body_over_its_limit_is_413),
        cmocka_unit_test(a_body_that_must_be_there_is_missed),
        cmocka_unit_test(what_is_not_there_is_404_and_what_is_no_id_400),
        cmocka_unit_test(another_method_is_405_and_told_which_there_are),
        cmocka_unit_test(the_description_is_served_and_printed_as_it_is_stored),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
