/* openapi: the description that is stored is that of the tables; docs/CMI.md names every operation,
 * and tests that are there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/json_scan.h"
#include "bridge/core/mem.h"
#include "server/openapi.h"

#include <stdio.h>
#include <string.h>

#define FILE_MAX (1 << 20)

static char *file(const char *path)
{
    char *text = mem_zeroed(FILE_MAX, 1);
    FILE *f = fopen(path, "r");

    if (f == NULL)
        fail_msg("%s is not there", path);
    else {
        assert_true(fread(text, 1, FILE_MAX - 1, f) > 0);
        fclose(f);
    }
    return text;
}

static void the_stored_description_is_that_of_the_tables(void **state)
{
    struct fault f = {0};
    char *stored = file("docs/openapi.json");
    struct buf made;

    (void)state;
    buf_init(&made, OPENAPI_MAX);
    openapi_write(OPENAPI_KEY_HEADER, &made);
    assert_true(json_scan_all(buf_view(&made), &f));
    buf_put_char(&made, '\n');
    if (strcmp(buf_text(&made), stored) != 0)
        fail_msg("docs/openapi.json is of before: cmibridge serve --print-openapi > "
                 "docs/openapi.json");
    buf_done(&made);
    mem_free(stored);
}

/* What a generated client needs to sign on. */
static void the_description_says_how_to_sign_on(void **state)
{
    static const char *const parts[] = {
        "\"security\":[{\"basic\":[]},{\"bearer\":[]},{\"apiKey\":[]}]",
        "\"securitySchemes\":{\"basic\":{\"type\":\"http\",\"scheme\":\"basic\"},"
        "\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
        "\"apiKey\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-API-Key\"}}",
    };
    char *stored = file("docs/openapi.json");

    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(stored, parts[i]) == NULL)
            fail_msg("docs/openapi.json lacks %s", parts[i]);
    mem_free(stored);
}

/* In XML <destinations> holds each <destination> in every case, not one within another. */
static void a_list_within_its_wrapper_is_not_wrapped_again(void **state)
{
    static const struct {
        enum cmi_use use;
        int wrapped;
    } rows[] = {{CMI_SINGLE, 0}, {CMI_LISTED, 0}, {CMI_POST, 1}, {CMI_PUT, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *at = NULL;
        int wrapped = 0;
        struct json_out j;
        struct buf text;

        buf_init(&text, OPENAPI_MAX);
        json_out_init(&j, &text);
        openapi_schema(&j, &cmi_message, rows[i].use);
        assert_non_null(strstr(buf_text(&text), "{\"type\":\"object\",\"required\":["
                                                "\"destination\"],\"properties\":{"
                                                "\"destination\":{\"type\":\"array\""));
        for (at = buf_text(&text); (at = strstr(at, "\"wrapped\"")) != NULL; at++)
            wrapped++;
        assert_int_equal(wrapped, rows[i].wrapped);
        buf_done(&text);
    }
}

static void every_route_is_an_operation_and_every_operation_a_route(void **state)
{
    size_t routes = 0;
    size_t operations = 0;

    (void)state;
    for (size_t t = 0; openapi_tables[t] != NULL; t++)
        for (const struct route *r = openapi_tables[t]; r->method != NULL; r++, routes++)
            if (openapi_find(r->method, r->path) == NULL)
                fail_msg("%s %s is no operation", r->method, r->path);
    while (openapi_operations[operations].method != NULL)
        operations++;
    assert_int_equal(routes, 29);
    assert_int_equal(operations, 29);
}

/* Every body and answer that is no text has a shape, and the other way round. */
static void shapes_are_where_bodies_are(void **state)
{
    (void)state;
    for (size_t t = 0; openapi_tables[t] != NULL; t++)
        for (const struct route *r = openapi_tables[t]; r->method != NULL; r++) {
            const struct openapi_operation *o = openapi_find(r->method, r->path);
            bool get = strcmp(r->method, "GET") == 0;
            bool shaped =
                (get && (r->need & ROUTE_TEXT_ANSWER) == 0) || (r->need & ROUTE_BODY_FIELDS) != 0;

            assert_non_null(o);
            if (o == NULL || (o->shape != NULL) != shaped || (o->ok == 200) != get)
                fail_msg("%s %s", r->method, r->path);
        }
}

/* Has it a body that may be JSON or XML? */
static bool takes_fields(const struct openapi_operation *o)
{
    return o->shape != NULL && strcmp(o->method, "GET") != 0;
}

/* Is the program one of those that ctest runs a second time, with bodies in XML? */
static bool runs_in_xml(const char *program)
{
    static const char loop[] =
        "# The same again with every body of a request in XML.\nforeach(name";
    char *lists = file("tests/CMakeLists.txt");
    const char *at = strstr(lists, loop);
    struct view rest = VIEW_NONE;
    struct view names = VIEW_NONE;
    bool found = false;

    assert_non_null(at);
    rest = view_of(at == NULL ? "" : at + strlen(loop));
    names = view_cut(&rest, ')');
    while (!found && names.n > 0) {
        struct view line = view_cut(&names, '\n');

        while (!found && line.n > 0)
            found = view_is(view_cut(&line, ' '), program);
    }
    mem_free(lists);
    return found;
}

/* "| GET /emails | test_history_gets | name |"; with a * behind the program it runs in XML, too. */
static void the_table_names_every_operation_and_tests_that_are_there(void **state)
{
    char *text = file("docs/CMI.md");
    size_t rows = 0;

    (void)state;
    for (const struct openapi_operation *o = openapi_operations; o->method != NULL; o++) {
        char wanted[128];
        char program[64];
        char test[128];
        char path[128];
        char *source = NULL;
        struct view rest = VIEW_NONE;
        struct view cell = VIEW_NONE;
        const char *row = NULL;
        bool marked = false;

        snprintf(wanted, sizeof wanted, "| %s %s | ", o->method, o->path);
        row = strstr(text, wanted);
        if (row == NULL)
            fail_msg("docs/CMI.md lacks %s", wanted);
        rest = view_of(row == NULL ? "" : row + strlen(wanted));
        cell = view_trim(view_cut(&rest, '|'));
        marked = cell.n > 0 && cell.p[cell.n - 1] == '*';
        cell.n -= marked;
        view_copy(cell, program, sizeof program);
        if (marked != runs_in_xml(program))
            fail_msg("%s: does %s run in XML (tests/CMakeLists.txt)?", wanted, program);
        if (!marked && takes_fields(o))
            fail_msg("%s: %s never says its body in XML", wanted, program);
        view_copy(view_trim(view_cut(&rest, '|')), test, sizeof test);
        snprintf(path, sizeof path, "tests/integration/%s.c", program);
        source = file(path);
        if (test[0] == '\0' || strstr(source, test) == NULL)
            fail_msg("%s has no %s", path, test);
        mem_free(source);
        rows++;
    }
    assert_int_equal(rows, 29);
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stored_description_is_that_of_the_tables),
        cmocka_unit_test(the_description_says_how_to_sign_on),
        cmocka_unit_test(a_list_within_its_wrapper_is_not_wrapped_again),
        cmocka_unit_test(every_route_is_an_operation_and_every_operation_a_route),
        cmocka_unit_test(shapes_are_where_bodies_are),
        cmocka_unit_test(the_table_names_every_operation_and_tests_that_are_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
