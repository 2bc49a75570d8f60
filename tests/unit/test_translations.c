/* translations: values in another language, or as they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/exchange.h"
#include "server/translations.h"

#include <stdio.h>

static void a_value_is_found_by_language_and_text(void **state)
{
    static const struct {
        const char *language;
        const char *value;
        const char *text;
    } rows[] = {
        {"fi", "InQueue", "Jonossa"},
        {"FI", "InQueue", "Jonossa"},
        {"fi", "Service SMS", "Palvelu, uusi"}, /* the later one counts */
        {"sv", "InQueue", "I kö"},
        {"sv", "Open", "Open"},
        {"de", "InQueue", "InQueue"},
        {"fi", "inqueue", "inqueue"},
        {"fi", "", ""},
        {"", "InQueue", "InQueue"},
        {"fin", "InQueue", "InQueue"},
    };
    struct translations *t = translations_new();

    (void)state;
    translations_add(t, VIEW("sv"), VIEW("InQueue"), VIEW("I kö"));
    translations_add(t, VIEW("Fi"), VIEW("Service SMS"), VIEW("Palvelu"));
    translations_add(t, VIEW("fi"), VIEW("InQueue"), VIEW("Jonossa"));
    translations_add(t, VIEW("fi"), VIEW("Service SMS"), VIEW("Palvelu, uusi"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (!view_is(translations_find(t, view_of(rows[i].language), view_of(rows[i].value)),
                     rows[i].text))
            fail_msg("%s %s", rows[i].language, rows[i].value);
    assert_true(view_is(translations_find(NULL, VIEW("fi"), VIEW("InQueue")), "InQueue"));
    assert_null(translations_find(t, VIEW("fi"), VIEW_NONE).p);
    translations_free(t);
}

static void many_values_keep_their_order(void **state)
{
    struct translations *t = translations_new();
    char value[16];
    char text[16];

    (void)state;
    for (unsigned i = 0; i < 500; i++) {
        snprintf(value, sizeof value, "v%u", i * 7919 % 500);
        snprintf(text, sizeof text, "t%u", i * 7919 % 500);
        translations_add(t, VIEW("fi"), view_of(value), view_of(text));
    }
    for (unsigned i = 0; i < 500; i++) {
        snprintf(value, sizeof value, "v%u", i);
        snprintf(text, sizeof text, "t%u", i);
        assert_true(view_is(translations_find(t, VIEW("fi"), view_of(value)), text));
    }
    translations_free(t);
}

static void the_parameter_counts_before_the_user(void **state)
{
    const struct exchange_user user = {.language = "fi"};
    const struct exchange_param param = {VIEW("language"), VIEW("SV")};
    struct exchange x = {.user = &user};

    (void)state;
    assert_true(view_is(translations_language(&x), "fi"));
    x.params = &param;
    x.param_count = 1;
    assert_true(view_is(translations_language(&x), "SV"));
}

static void only_names_and_details_are_translated(void **state)
{
    (void)state;
    assert_true(translations_concern(VIEW("typeDetails")));
    assert_true(translations_concern(VIEW("statusDetails")));
    assert_true(translations_concern(VIEW("queueName")));
    assert_true(translations_concern(VIEW("from_queue.name")));
    assert_true(translations_concern(VIEW("owner_name")));
    assert_string_equal(translations_kind(VIEW("owner_name")), "owner_type");
    assert_null(translations_kind(VIEW("queueName")));
    assert_false(translations_concern(VIEW("name")));
    assert_false(translations_concern(VIEW("status")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_found_by_language_and_text),
        cmocka_unit_test(many_values_keep_their_order),
        cmocka_unit_test(the_parameter_counts_before_the_user),
        cmocka_unit_test(only_names_and_details_are_translated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
