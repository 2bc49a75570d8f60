/* docs/DELIVERY.md prints the tables of core/delivery.c and core/handover.c: all of them, and
 * nothing else. */
#include "bridge/core/buf.h"
#include "bridge/core/delivery.h"
#include "bridge/core/handover.h"
#include "standalone/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void put_rows(struct buf *to)
{
    for (int s = 0; s < DELIVERY_STATE_COUNT; s++)
        for (int e = 0; e < DELIVERY_EVENT_COUNT; e++)
            if (delivery_has((enum delivery_state)s, (enum delivery_event)e))
                buf_printf(to, "| %s | %s | %s |\n", delivery_state_name((enum delivery_state)s),
                           delivery_event_name((enum delivery_event)e),
                           delivery_state_name(
                               delivery_next((enum delivery_state)s, (enum delivery_event)e)));
}

static void put_handover_rows(struct buf *to)
{
    for (int s = 0; s < HANDOVER_STATE_COUNT; s++)
        for (int e = 0; e < HANDOVER_EVENT_COUNT; e++)
            if (handover_has((enum handover_state)s, (enum handover_event)e))
                buf_printf(to, "| %s | %s | %s |\n", handover_state_name((enum handover_state)s),
                           handover_event_name((enum handover_event)e),
                           handover_state_name(
                               handover_next((enum handover_state)s, (enum handover_event)e)));
}

static void compare(const char *head, void (*put)(struct buf *to))
{
    char path[4096];
    struct buf page;
    struct buf rows;
    struct fault f = {0};
    const char *at;

    (void)snprintf(path, sizeof path, "%s/docs/DELIVERY.md", getenv("CMIBRIDGE_SOURCE"));
    buf_init(&page, 1 << 20);
    buf_init(&rows, 1 << 20);
    put(&rows);
    buf_put_char(&rows, '\n'); /* the table's end */
    if (!file_get(path, &page, &f))
        fail_msg("%s", f.text);
    at = strstr(buf_text(&page), head);
    assert_non_null(at);
    at += strlen(head);
    if (strncmp(at, buf_text(&rows), rows.n) != 0)
        fail_msg("docs/DELIVERY.md should have, after '%s':\n%s", head, buf_text(&rows));
    buf_done(&rows);
    buf_done(&page);
}

static void the_page_has_the_rows_of_the_code(void **state)
{
    (void)state;
    compare("| from | on | to |\n|---|---|---|\n", put_rows);
}

static void the_page_has_the_life_of_a_destination(void **state)
{
    (void)state;
    compare("| before | on | after |\n|---|---|---|\n", put_handover_rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_has_the_rows_of_the_code),
        cmocka_unit_test(the_page_has_the_life_of_a_destination),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
