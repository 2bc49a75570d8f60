/* repeat: a value is found as it is, and by its letters whatever became of the rest; what only
 * looks like it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/repeat.h"

#include <string.h>

/* What was found, as '#'. */
static const char *found_in(struct view text, const char *value, char out[REPEAT_TEXT_MAX + 1])
{
    struct view values = {value, strlen(value) + 1};
    struct repeat r;

    repeat_init(&r, text);
    repeat_find(&r, values, 1);
    view_copy(text, out, REPEAT_TEXT_MAX + 1);
    for (size_t i = 0; i < text.n; i++)
        if (r.marks[i] != 0)
            out[i] = '#';
    return out;
}

struct row {
    const char *value;
    const char *text;
    const char *found;
};

static void check(const struct row *rows, size_t n)
{
    char out[REPEAT_TEXT_MAX + 1];

    for (size_t i = 0; i < n; i++)
        if (strcmp(found_in(view_of(rows[i].text), rows[i].value, out), rows[i].found) != 0)
            fail_msg("'%s' in '%s': '%s', not '%s'", rows[i].value, rows[i].text, out,
                     rows[i].found);
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof(rows)[0])

static void a_value_is_found_as_it_is(void **state)
{
    static const struct row rows[] = {
        {"Sam", "no sam, same", "no ###, same"},
        {"7", "7 of 17", "# of 17"},
        {"a.b!", "x a.b!c", "x ####c"},
        {"Sam I am.", "not Sam I am..", "not #########."},
        {"Sam I am", "xSam I amx", "##########"}, /* long enough to be no accident */
        {"Sam I a", "xSam I ax", "xSam I ax"},
        {"Hello, how are you", "llo, how are!", "############!"},
        {"Hello, how are you", "lo, how are!", "lo, how are!"},
        {"Hello, how are you", "xllo, how arex", "##############"}, /* whole words */
        {"----------------", "a ------------ b", "a ############ b"},
        {"Привет", "ПРИВЕТ, нет", "############, нет"},
        {"", "text", "text"},
        {"text", "", ""},
    };

    (void)state;
    CHECK(rows);
}

static void signs_between_its_letters_may_be_any_or_none(void **state)
{
    static const struct row rows[] = {
        {"Sam I am", "sam+i+am", "########"},
        {"Sam I am", "no Sam,  I - am.", "no ############."},
        {"Sam I am", "SamIam", "######"},
        {"Sam I am", "Sam=20I=20am", "############"},
        {"Sam I am", "Sam I can", "Sam I can"},
        {"a table for two is ready", "no: table_for_two_is_re", "no: ###################"},
        {"a table for two is ready", "table for", "table for"},
    };

    (void)state;
    CHECK(rows);
}

static void what_is_not_ascii_may_have_become_anything(void **state)
{
    static const struct row rows[] = {
        {"Käse", "Käse", "#####"},
        {"Käse", "no KÄSE, no", "no #####, no"},
        {"Käse", "no Kase", "no ####"},
        {"Käse", "Kse is", "### is"},
        {"Käse", "no Kaese", "no #####"},
        {"Käse", "no K?se", "no ####"},
        {"Käse", "no K\xef\xbf\xbdse", "no ######"},
        {"Käse", "no K\xef\xbf\xbd\xef\xbf\xbdse", "no #########"},
        {"Käse", "no Ka\xcc\x88se", "no ######"},
        {"Käse", "to=K=C3=A4se", "to=#########"},
        {"Käse", "to=K=E4se", "to=######"},
        {"Käse", "to=20Kase=20x", "to=20####=20x"},
        {"Käse", "no K\xc3\x83\xc2\xa4se", "no #######"},
        {"Käse", "no K\xc3\x83\xc6\x92\xc3\x82\xc2\xa4se", "no ###########"},
        {"Käse", "no K\xe4se", "no ####"},
        {"Käse", "no K\\303\\244se", "no ###########"},
        {"Käse", "no K{\\\"a}se", "no ########"},
        {"Käse", "xn--kse-qla", "xn--###-qla"},
        {"Ka\xcc\x88se", "Käse Kase Kse K?se K=C3=A4se", "##### #### ### #### #########"},
        {"Ka\xcc\x88se", "Ka\xcc\x88se", "######"},
        {"Straße", "in STRASSE, Strasse, Stra=C3=9Fe", "in #######, #######, ###########"},
        {"Thế", "no The, Th, Th=E1=BA=BF", "no ###, ##, ###########"},
        {"Café 2", "no Cafe 2, Caf? 2, Caf 2", "no ######, ######, #####"},
        {"Éa Öb", "Ea Ob", "#####"},
        {"Käsebrote", "xKasebrotex, Kasebrot", "###########, Kasebrot"},
        {"Hyvää yötä, älä häiritse", "no: Hyvaa y?t=C3=A4, l\xe4 HA\xcc\x88IRITSE!",
         "no: ##############################!"},
        {"Hyvää yötä, älä häiritse", "ta, ala hairitse", "ta, ala hairitse"},
        {"Hyvää yötä, älä häiritse enää", "ta, ala hairitse enaa", "#####################"},
        {"\xef\xbc\xb3\xef\xbd\x81\xef\xbd\x8d", "no Sam", "no ###"}, /* of full width */
    };

    (void)state;
    CHECK(rows);
}

static void what_only_looks_like_it_is_not_found(void **state)
{
    static const struct row rows[] = {
        {"Käse", "key kiosk kassel cheese kaiaase", "key kiosk kassel cheese kaiaase"},
        {"Käse", "kaesen", "kaesen"},
        {"Åse", "a phase, a response", "a phase, a response"},
        {"Åse", "a case, Ase", "a ####, ###"}, /* the price of it */
        {"Öö", "ok, is no", "ok, is no"},
        {"Öy", "by any", "by any"},
        {"Öy", "no öy", "no ###"},
        {"Привет, как дела? Завтра, по поводу iPhone",
         "Too many requests, please retry after 30 seconds or contact us",
         "Too many requests, please retry after 30 seconds or contact us"},
        {"Tôi muốn đặt bàn cho hai người vào tối thứ bảy lúc bảy giờ",
         "The agent is not available at the moment, the message has been rejected",
         "The agent is not available at the moment, the message has been rejected"},
        {"Příliš žluťoučký kůň úpěl ďábelské ódy",
         "Unsupported value for subType, allowed values are sms, whatsapp, email",
         "Unsupported value for subType, allowed values are sms, whatsapp, email"},
    };

    (void)state;
    CHECK(rows);
}

static void a_text_in_utf_16_is_letters_with_nothing_between(void **state)
{
    static const char text[] = "n\0o\0 \0S\0a\0m\0!";
    char out[REPEAT_TEXT_MAX + 1];

    (void)state;
    found_in((struct view){text, sizeof text - 1}, "Sam", out);
    assert_memory_equal(out, "n\0o\0 \0######!", sizeof text - 1);
}

static void the_longest_text_and_a_longer_value_have_room(void **state)
{
    static char value[64 * REPEAT_TEXT_MAX + 1];
    char text[REPEAT_TEXT_MAX];
    char out[REPEAT_TEXT_MAX + 1];

    (void)state;
    memset(value, 'a', sizeof value - 1);
    memset(text, 'a', sizeof text);
    found_in((struct view){text, sizeof text}, value, out);
    for (size_t i = 0; i < sizeof text; i++)
        assert_int_equal(out[i], '#');
}

static void marks_say_of_which_values(void **state)
{
    struct repeat r;
    unsigned char marks;

    (void)state;
    repeat_init(&r, VIEW("Sam and Käthe, SamBo"));
    repeat_find(&r, VIEW("sam\0kathe\0"), 1);
    assert_false(r.foreign);
    repeat_find(&r, VIEW("Käthe\0"), 2);
    assert_true(r.foreign);
    assert_int_equal(repeat_at(&r, 0, &marks), 3);
    assert_int_equal(marks, 1);
    assert_int_equal(repeat_at(&r, 3, &marks), 0);
    assert_int_equal(marks, 0);
    assert_int_equal(repeat_at(&r, 8, &marks), 6);
    assert_int_equal(marks, 2);
    assert_true(repeat_holds(&r, 0, 3));
    assert_true(repeat_holds(&r, 1, 2)); /* "am" */
    assert_false(repeat_holds(&r, 0, 0));
    assert_false(repeat_holds(&r, 4, 3));
    assert_true(repeat_holds(&r, 16, 3));
    assert_false(repeat_holds(&r, 16, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_found_as_it_is),
        cmocka_unit_test(signs_between_its_letters_may_be_any_or_none),
        cmocka_unit_test(what_is_not_ascii_may_have_become_anything),
        cmocka_unit_test(what_only_looks_like_it_is_not_found),
        cmocka_unit_test(a_text_in_utf_16_is_letters_with_nothing_between),
        cmocka_unit_test(the_longest_text_and_a_longer_value_have_room),
        cmocka_unit_test(marks_say_of_which_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
