/* docs/DELIVERY.md prints the tables of core/delivery.c and core/handover.c, what core/slice.c
 * shows and what core/callback_state.c does: all of it, and nothing else. */
#include "bridge/core/buf.h"
#include "bridge/core/callback_state.h"
#include "bridge/core/delivery.h"
#include "bridge/core/handover.h"
#include "bridge/core/slice.h"
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

/* ---- the status of a destination ---- */

enum { TAKEN, REFUSED, TRIED, OTHERS, DESTINATIONS };

static void put_status_row(struct buf *to, const struct slice *before, const char *event,
                           const struct slice *after, struct view late, size_t i)
{
    buf_printf(to, "| %s | %s | %s |\n", slice_status_name(slice_status(before, VIEW_NONE, i)),
               event, slice_status_name(slice_status(after, late, i)));
}

static void put_status_rows(struct buf *to)
{
    static const uint8_t holder[SLICE_HOLDER_BYTES] = {1};
    const char late = (char)(0x80 >> TAKEN);
    struct slice was;
    struct slice is;

    assert_true(slice_read(&was, VIEW_NONE, DESTINATIONS));
    is = was;
    slice_claim(&is, holder);
    put_status_row(to, &was, "claim", &is, VIEW_NONE, TAKEN);
    was = is;
    slice_hand_over(&is, 2);
    slice_take_back(&is, 0);
    put_status_row(to, &was, "put down", &is, VIEW_NONE, TAKEN);
    slice_hand_over(&is, DESTINATIONS);
    slice_settle(&is, TAKEN, SLICE_OK);
    put_status_row(to, &was, "accept", &is, VIEW_NONE, TAKEN);
    slice_settle(&is, TRIED, SLICE_AGAIN);
    put_status_row(to, &was, "again", &is, VIEW_NONE, TRIED);
    slice_settle(&is, REFUSED, SLICE_DEAD);
    put_status_row(to, &was, "refuse", &is, VIEW_NONE, REFUSED);
    slice_settle(&is, OTHERS, SLICE_OK);
    slice_end_pass(&is);
    was = is;
    slice_claim(&is, holder);
    slice_settle(&is, TRIED, SLICE_OK); /* as receipt.lua does it */
    put_status_row(to, &was, "delivered", &is, VIEW_NONE, TRIED);
    put_status_row(to, &was, "late", &is, (struct view){&late, 1}, TAKEN);
}

/* ---- what a result does to a callback ---- */

#define CALLS_MAX 3

static void put_callback_cell(struct buf *to, enum callback_result result, bool open,
                              int64_t failures)
{
    struct callback_state s = {
        .open = open, .failures = failures, .max_calls = CALLS_MAX, .last_call_ms = -1};
    struct fault f = {0};

    if (callback_put(&s, &(struct callback_put){.result = result}, 1000, 300, &f) != 0) {
        buf_put_text(to, " 409 |");
        return;
    }
    assert_int_equal(s.last, result);
    buf_printf(to, " %s%s%s |", s.open ? "open" : "closed",
               s.last_call_ms == 1000 ? ", called" : "", s.failures > failures ? ", failure" : "");
}

static void put_callback_rows(struct buf *to)
{
    for (int r = CALLBACK_ADDED + 1; r <= CALLBACK_RESCHEDULE; r++) {
        enum callback_result result = (enum callback_result)r;

        buf_printf(to, "| %s |", callback_result_name(result));
        put_callback_cell(to, result, true, 0);
        put_callback_cell(to, result, true, CALLS_MAX - 1);
        put_callback_cell(to, result, false, 0);
        put_callback_cell(to, result, false, CALLS_MAX);
        buf_put_char(to, '\n');
    }
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

static void the_page_has_the_status_of_a_destination(void **state)
{
    (void)state;
    compare("| status | on | then |\n|---|---|---|\n", put_status_rows);
}

static void the_page_has_what_a_result_does_to_a_callback(void **state)
{
    (void)state;
    compare("| result | open | open, its last call | closed | closed after its last call |\n"
            "|---|---|---|---|---|\n",
            put_callback_rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_has_the_rows_of_the_code),
        cmocka_unit_test(the_page_has_the_life_of_a_destination),
        cmocka_unit_test(the_page_has_the_status_of_a_destination),
        cmocka_unit_test(the_page_has_what_a_result_does_to_a_callback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
