/* hex and ascii: what is a digit and what is none, for every byte; bytes there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/ascii.h"
#include "bridge/core/hex.h"

#include <ctype.h>
#include <string.h>

/* In the C locale, which this program is in, <ctype.h> says of ASCII what ascii.h does. */
static void every_byte_is_what_it_is(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char c = (char)byte;

        assert_int_equal(ascii_is_digit(c), isdigit(byte) != 0);
        assert_int_equal(ascii_is_letter(c), isalpha(byte) != 0);
        assert_int_equal(ascii_is_alnum(c), isalnum(byte) != 0);
        assert_int_equal((unsigned char)ascii_lower(c), tolower(byte));
        assert_int_equal(hex_digit(c) >= 0, isxdigit(byte) != 0);
    }
    assert_int_equal(hex_digit('0'), 0);
    assert_int_equal(hex_digit('9'), 9);
    assert_int_equal(hex_digit('a'), 10);
    assert_int_equal(hex_digit('F'), 15);
}

static void bytes_are_read_as_they_were_written(void **state)
{
    static const unsigned char bytes[] = {0x00, 0x7f, 0x80, 0xff, 0x0a};
    unsigned char back[sizeof bytes];
    char text[2 * sizeof bytes + 1];
    struct buf put;

    (void)state;
    hex_write(bytes, sizeof bytes, text);
    assert_string_equal(text, "007f80ff0a");
    assert_true(hex_read(view_of(text), back, sizeof back));
    assert_memory_equal(back, bytes, sizeof bytes);
    assert_true(hex_read(VIEW("007F80Ff0A"), back, sizeof back));
    assert_memory_equal(back, bytes, sizeof bytes);
    assert_true(hex_read(VIEW_NONE, back, 0));
    buf_init(&put, 16);
    hex_put((struct view){(const char *)bytes, sizeof bytes}, &put);
    assert_true(view_is(buf_view(&put), text));
    buf_done(&put);
}

static void what_is_no_pair_of_digits_is_refused(void **state)
{
    static const char *const texts[] = {"", "0", "00", "00000", "00 0", "00g0", "000g", "-100"};
    unsigned char out[2];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(hex_read(view_of(texts[i]), out, sizeof out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_what_it_is),
        cmocka_unit_test(bytes_are_read_as_they_were_written),
        cmocka_unit_test(what_is_no_pair_of_digits_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
