/* one_line: what is left of a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/one_line.h"
#include "bridge/core/view.h"

#include <string.h>

static void what_spoils_a_line_becomes_a_question_mark(void **state)
{
    static const struct {
        const char *text;
        const char *left;
    } rows[] = {
        {"", ""},
        {"Invalid GUID: '\xc3\xa4\xe2\x82\xac\xf0\x9f\x99\x82'",
         "Invalid GUID: '\xc3\xa4\xe2\x82\xac\xf0\x9f\x99\x82'"},
        {"a\r\nb\x1b\x7f", "a??b??"},
        {"a\xc2\x85"
         "b",
         "a?b"},
        {"\xe2\x80\xa8\xe2\x80\xa9", "??"},
        {"\xe2\x80\xaa\xe2\x80\xae", "??"},
        {"\xe2\x81\xa6\xe2\x81\xa9", "??"},
        {"\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa", /* their neighbours */
         "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa"},
        {"a\xff"
         "bcdef",
         "a?bcdef"},
        {"cut\xe2\x80", "cut"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        size_t n = strlen(rows[i].text);

        memcpy(text, rows[i].text, n);
        n = one_line(text, n);
        if (!view_is((struct view){text, n}, rows[i].left))
            fail_msg("row %zu: %.*s", i, (int)n, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_spoils_a_line_becomes_a_question_mark),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
