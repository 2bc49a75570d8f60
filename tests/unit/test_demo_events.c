/* tests/golden/demo-events.jsonl has a good event of every type. */
#include "bridge/core/event_types.h"
#include "producers/event_record.h"
#include "producers/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TYPES_MAX 64

static bool has[TYPES_MAX];
static size_t type_count;

static void every_event_of_the_demo_keeps_the_rules(void **state)
{
    char path[4096];
    struct lines lines;
    struct event_record record;
    struct fault f = {0};
    struct view line;
    FILE *file;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/tests/golden/demo-events.jsonl",
                   getenv("CMIBRIDGE_SOURCE"));
    file = fopen(path, "r");
    assert_non_null(file);
    lines_init(&lines, fileno(file), 1 << 20);
    event_record_init(&record);
    while (lines_next(&lines, &line, &f)) {
        if (!event_record_check(&record, line, VIEW_NONE, &f) ||
            !event_record_make(&record, line, false, &f))
            fail_msg("line %lld: %s", (long long)lines.number, f.text);
        for (size_t i = 0; i < record.r.header_count; i++) {
            const struct event_type *type;

            if (!view_is(record.headers[i].name, "ce_type"))
                continue;
            type = event_type_find(record.headers[i].value, VIEW_NONE);
            assert_non_null(type);
            has[type - event_types] = true;
        }
    }
    assert_int_equal(f.cls, FAULT_NONE);
    event_record_done(&record);
    lines_done(&lines);
    (void)fclose(file);
}

static void no_type_is_missing(void **state)
{
    (void)state;
    assert_true(type_count > 0 && type_count < TYPES_MAX);
    for (size_t i = 0; i < type_count; i++)
        if (!has[i])
            fail_msg("%s is missing", event_types[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_of_the_demo_keeps_the_rules),
        cmocka_unit_test(no_type_is_missing),
    };

    while (type_count < TYPES_MAX && event_types[type_count].name != NULL)
        type_count++;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
