/* accept: which representation a GET is answered in, and what a body says it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/accept.h"

static void the_heaviest_range_wins_and_json_a_tie(void **state)
{
    static const struct {
        const char *header;
        enum accept choice;
    } rows[] = {
        {NULL, ACCEPT_JSON},
        {"", ACCEPT_JSON},
        {" ", ACCEPT_JSON},
        {"*/*", ACCEPT_JSON},
        {"application/*", ACCEPT_JSON},
        {"application/json", ACCEPT_JSON},
        {"Application/JSON", ACCEPT_JSON},
        {"application/xml", ACCEPT_XML},
        {"text/xml", ACCEPT_XML},
        {"application/xml, application/json", ACCEPT_JSON},
        {"application/xml;q=0.9, application/json;q=0.8", ACCEPT_XML},
        {"application/json;q=0.5, */*;q=0.9", ACCEPT_XML},
        {"text/html, application/xml;q=0.9, */*;q=0.8", ACCEPT_XML},
        {"application/json;q=0, */*", ACCEPT_XML},
        {"application/xml;q=0, application/json;q=0.001", ACCEPT_JSON},
        {"application/json;q=0", ACCEPT_NEITHER},
        {"text/html", ACCEPT_NEITHER},
        {"*/*;q=0", ACCEPT_NEITHER},
        {"application/json;charset=utf-8", ACCEPT_JSON},
        {"application/json ; q=1.000", ACCEPT_JSON},
        {"application/json;q=2", ACCEPT_NEITHER},
        {"application/json;q=", ACCEPT_NEITHER},
        {"application/json;q=1.0000", ACCEPT_NEITHER},
        {"application/json;q=x, application/xml;q=0.1", ACCEPT_XML},
        {"application/json;q=0.x, application/xml;q=0.1", ACCEPT_XML},
        {"application/json;q=0.1, application/xml;q=0.5, application/json;q=0.9", ACCEPT_JSON},
        {"application/json;q=0.9, application/xml;q=0.5, application/json;q=0.1", ACCEPT_JSON},
        {",,,;;;=", ACCEPT_NEITHER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (accept_choose(view_of(rows[i].header), true) != rows[i].choice)
            fail_msg("%s", rows[i].header);
}

static void what_is_not_on_offer_is_not_chosen_however_heavy(void **state)
{
    static const struct {
        const char *header;
        enum accept choice;
    } rows[] = {
        {NULL, ACCEPT_JSON},
        {"*/*", ACCEPT_JSON},
        {"application/json;q=0.1,application/xml", ACCEPT_JSON},
        {"application/xml, */*;q=0.001", ACCEPT_JSON},
        {"text/xml, application/*;q=0.5", ACCEPT_JSON},
        {"application/xml", ACCEPT_NEITHER},
        {"application/json;q=0, */*", ACCEPT_NEITHER},
        {"application/xml, application/json;q=0", ACCEPT_NEITHER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (accept_choose(view_of(rows[i].header), false) != rows[i].choice)
            fail_msg("%s", rows[i].header);
}

static void a_media_type_is_cut_from_its_parameters(void **state)
{
    struct view charset = VIEW_NONE;

    (void)state;
    assert_true(
        view_is(accept_media_type(VIEW(" application/json "), &charset), "application/json"));
    assert_int_equal(charset.n, 0);
    assert_true(view_is(accept_media_type(VIEW("text/plain; a=b; Charset=\"UTF-8\""), &charset),
                        "text/plain"));
    assert_true(view_is(charset, "UTF-8"));
    assert_true(accept_is_utf8(charset));
    assert_true(accept_is_utf8(VIEW_NONE));
    assert_true(accept_is_utf8(VIEW("us-ascii")));
    assert_true(
        accept_is_utf8(VIEW("UTF8"))); /* no name of it, but everybody knows what is meant */
    assert_false(accept_is_utf8(VIEW("iso-8859-1")));
    (void)accept_media_type(VIEW("a/b;charset=\""), &charset);
    assert_true(view_is(charset, "\""));
    assert_int_equal(accept_media_type(VIEW(""), &charset).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_heaviest_range_wins_and_json_a_tie),
        cmocka_unit_test(what_is_not_on_offer_is_not_chosen_however_heavy),
        cmocka_unit_test(a_media_type_is_cut_from_its_parameters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
