/* parts: what a text costs, and where it is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/core/parts.h"

#include <string.h>

#define TEXT_MAX 4096

static struct view repeated(struct buf *to, const char *one, size_t count, const char *end)
{
    buf_init(to, TEXT_MAX);
    for (size_t i = 0; i < count; i++)
        buf_put_text(to, one);
    buf_put_text(to, end);
    return buf_view(to);
}

static void a_text_costs_what_the_standard_says(void **state)
{
    static const struct {
        const char *one;
        size_t count;
        const char *end;
        enum parts_coding coding;
        size_t units;
        unsigned parts;
    } rows[] = {
        {"", 0, "", PARTS_GSM7, 0, 1},
        {"a", 160, "", PARTS_GSM7, 160, 1},
        {"a", 161, "", PARTS_GSM7, 161, 2},
        {"a", 306, "", PARTS_GSM7, 306, 2},
        {"a", 307, "", PARTS_GSM7, 307, 3},
        {"€", 80, "", PARTS_GSM7, 160, 1}, /* the extension table counts twice */
        {"€", 80, "a", PARTS_GSM7, 161, 2},
        {"€", 153, "", PARTS_GSM7, 306, 3}, /* 76 in a part of 153: a pair is not cut */
        {"a", 152, "€aaaaaaa", PARTS_GSM7, 161, 2},
        {"a", 152, "€€€€€", PARTS_GSM7, 162, 2},
        {"[", 1, "]{}\\^~|\f", PARTS_GSM7, 18, 1},
        {"ÄÖÜäöüßñΔΩ¿¡§Ç\n\r @£$", 1, "", PARTS_GSM7, 20, 1},
        {"ç", 1, "", PARTS_UCS2, 1, 1}, /* only the capital one is in the alphabet */
        {"`", 1, "", PARTS_UCS2, 1, 1},
        {"\t", 1, "", PARTS_UCS2, 1, 1},
        {"€", 1, "ж", PARTS_UCS2, 2, 1}, /* and in UCS-2 it counts once */
        {"ж", 70, "", PARTS_UCS2, 70, 1},
        {"ж", 71, "", PARTS_UCS2, 71, 2},
        {"ж", 134, "", PARTS_UCS2, 134, 2},
        {"ж", 135, "", PARTS_UCS2, 135, 3},
        {"😀", 35, "", PARTS_UCS2, 70, 1},
        {"😀", 36, "", PARTS_UCS2, 72, 2},
        {"😀", 67, "", PARTS_UCS2, 134, 3}, /* 33 in a part of 67: a pair is not cut */
        {"\xff", 1, "", PARTS_UCS2, 1, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf text;
        struct parts p = parts_of(repeated(&text, rows[i].one, rows[i].count, rows[i].end));

        if (p.coding != rows[i].coding || p.units != rows[i].units || p.count != rows[i].parts)
            fail_msg("row %zu: %d, %zu units, %u parts", i, (int)p.coding, p.units, p.count);
        buf_done(&text);
    }
}

/* Every ASCII character that the default alphabet has not. */
static void ascii_is_in_the_alphabet_but_for_a_few(void **state)
{
    (void)state;
    for (char c = 1; c < 0x7f; c++) {
        bool in = (c >= ' ' && c != '`') || c == '\n' || c == '\r' || c == '\f';

        assert_int_equal(parts_of((struct view){&c, 1}).coding, in ? PARTS_GSM7 : PARTS_UCS2);
    }
}

static void the_parts_are_the_text_and_none_is_too_long(void **state)
{
    static const struct {
        const char *one;
        size_t count;
        size_t room;
    } rows[] = {{"a", 500, 153}, {"€", 200, 153}, {"aaa€", 160, 153},
                {"ж😀", 100, 67}, {"😀", 90, 67},   {"a\xff", 70, 67}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf text;
        struct view whole = repeated(&text, rows[i].one, rows[i].count, "");
        struct view rest = whole;
        struct view part = VIEW_NONE;
        struct parts p = parts_of(whole);
        size_t bytes = 0;
        unsigned count = 0;

        while (parts_next(&p, &rest, &part)) {
            struct parts alone = parts_of(part);

            assert_ptr_equal(part.p,
                             whole.p + bytes); /* so no pair is cut: each is one character */
            assert_true(alone.units <= rows[i].room && alone.count == 1);
            bytes += part.n;
            count++;
        }
        assert_int_equal(bytes, whole.n);
        assert_int_equal(count, p.count);
        buf_done(&text);
    }
}

static void a_text_of_one_part_is_not_cut_at_the_length_of_several(void **state)
{
    struct buf text;
    struct view rest = repeated(&text, "a", 160, "");
    struct view part = VIEW_NONE;
    struct parts p = parts_of(rest);

    (void)state;
    assert_true(parts_next(&p, &rest, &part));
    assert_int_equal(part.n, 160);
    assert_false(parts_next(&p, &rest, &part));
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_costs_what_the_standard_says),
        cmocka_unit_test(ascii_is_in_the_alphabet_but_for_a_few),
        cmocka_unit_test(the_parts_are_the_text_and_none_is_too_long),
        cmocka_unit_test(a_text_of_one_part_is_not_cut_at_the_length_of_several),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
