/* conf: what is read of Kafka, and would not be what was meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/conf.h"
#include "config/yaml_in.h"

#include <stdio.h>

static void a_prefix_of_types_that_ends_amid_a_word_is_warned_of(void **state)
{
    static const struct {
        const char *prefix;
        bool warned;
    } rows[] = {
        {"com.example", true}, {"com.example2", true}, {"com.example.", false},
        {"urn:x:", false},     {"com/", false},        {"com_", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char yaml[80];
        struct buf mistakes;
        struct conf *c;

        buf_init(&mistakes, 4096);
        (void)snprintf(yaml, sizeof yaml, "events: {type_prefix: '%s'}\n", rows[i].prefix);
        c = conf_parse("f", view_of(yaml), 0, &mistakes);
        assert_string_equal(buf_text(&mistakes), "");
        assert_non_null(c);
        assert_int_equal(conf_warning(c, 0) != NULL, rows[i].warned);
        if (rows[i].warned)
            assert_string_equal(conf_warning(c, 0),
                                "f:1: events.type_prefix does not end in a separator, as "
                                "com.example. does: the types that it leaves begin with one, and "
                                "nobody knows them");
        conf_free(c);
        buf_done(&mistakes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prefix_of_types_that_ends_amid_a_word_is_warned_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
