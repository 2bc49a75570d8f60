/* percent: paths and queries, there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/percent.h"

#include <string.h>

#define SIZE 512

typedef bool decode_function(struct view text, char *out, struct view *decoded, struct fault *f);

struct row {
    struct view text;
    struct view decoded;
};

static void assert_decodes(decode_function *decode, struct view text, struct view expected)
{
    char out[SIZE];
    struct view decoded = VIEW_NONE;
    struct fault f = {0};

    if (!decode(text, out, &decoded, &f))
        fail_msg("%.*s: %s", VIEW_ARG(text), f.text);
    assert_true(view_eq(decoded, expected));
    memcpy(out, text.p, text.n);
    assert_true(decode((struct view){out, text.n}, out, &decoded, &f)); /* in its own place */
    assert_ptr_equal(decoded.p, out);
    assert_true(view_eq(decoded, expected));
}

static void both_decode_what_is_encoded(void **state)
{
    const struct row rows[] = {
        {VIEW("abc"), VIEW("abc")},       {VIEW("a%20b"), VIEW("a b")},
        {VIEW("%2F%2f%26"), VIEW("//&")}, {VIEW("%C3%A4%e2%82%ac"), VIEW("ä€")},
        {VIEW("ä"), VIEW("ä")},           {VIEW("\xc3%A4"), VIEW("ä")},
        {VIEW("%2541"), VIEW("%41")}, /* once, not twice */
        {VIEW("%2B"), VIEW("+")},         {VIEW("%01%7F"), VIEW("\x01\x7f")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_decodes(percent_decode_segment, rows[i].text, rows[i].decoded);
        assert_decodes(percent_decode_query, rows[i].text, rows[i].decoded);
    }
}

static void a_plus_is_a_blank_in_a_query_only(void **state)
{
    (void)state;
    assert_decodes(percent_decode_segment, VIEW("whatsapp_+358"), VIEW("whatsapp_+358"));
    assert_decodes(percent_decode_query, VIEW("a+b"), VIEW("a b"));
}

static void nothing_decodes_to_nothing(void **state)
{
    char out[1];
    struct view decoded = VIEW("x");
    struct fault f = {0};

    (void)state;
    assert_true(percent_decode_segment(VIEW_NONE, out, &decoded, &f));
    assert_int_equal(decoded.n, 0);
}

static void what_stands_for_no_text_is_refused_with_its_place(void **state)
{
    const struct {
        struct view text;
        const char *sentence;
    } rows[] = {
        {VIEW("%"), "the % at byte 1 has no two hexadecimal digits after it"},
        {VIEW("ab%2"), "the % at byte 3 has no two hexadecimal digits after it"},
        {VIEW("%g0"), "the % at byte 1 has no two hexadecimal digits after it"},
        {VIEW("%0g"), "the % at byte 1 has no two hexadecimal digits after it"},
        {VIEW("%41%%"), "the % at byte 4 has no two hexadecimal digits after it"},
        {VIEW("%+1"), "the % at byte 1 has no two hexadecimal digits after it"},
        {VIEW("a%00"), "U+0000 is not allowed"},
        {VIEW("a\0b"), "U+0000 is not allowed"},
        {VIEW("%ff"), "it is not UTF-8 when decoded"},
        {VIEW("%C0%80"), "it is not UTF-8 when decoded"},
        {VIEW("%ED%A0%80"), "it is not UTF-8 when decoded"},
        {VIEW("%C3"), "it is not UTF-8 when decoded"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[SIZE];
        struct view decoded = VIEW("untouched");
        struct fault f = {0};

        assert_false(percent_decode_segment(rows[i].text, out, &decoded, &f));
        assert_int_equal(f.cls, FAULT_REJECT);
        assert_string_equal(f.text, rows[i].sentence);
        assert_true(view_is(decoded, "untouched"));
        assert_false(percent_decode_query(rows[i].text, out, &decoded, &f));
    }
}

static void encoding_keeps_the_unreserved_and_nothing_else(void **state)
{
    const struct row rows[] = {
        {VIEW("AZaz09-._~"), VIEW("AZaz09-._~")},
        {VIEW("a b/c?d&e=f+g%h"), VIEW("a%20b%2Fc%3Fd%26e%3Df%2Bg%25h")},
        {VIEW("ä"), VIEW("%C3%A4")},
        {VIEW("\0\xff"), VIEW("%00%FF")},
        {VIEW("."), VIEW("%2E")},
        {VIEW(".."), VIEW("%2E%2E")},
        {VIEW("..."), VIEW("...")},
        {VIEW("a.b"), VIEW("a.b")},
        {VIEW(""), VIEW("")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;

        buf_init(&b, SIZE);
        percent_encode(rows[i].text, &b);
        assert_true(view_eq(buf_view(&b), rows[i].decoded));
        buf_done(&b);
    }
}

static void every_character_comes_back_from_its_encoding(void **state)
{
    struct buf b;
    char text[0x7f];

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i + 1);
    buf_init(&b, SIZE);
    percent_encode((struct view){text, sizeof text}, &b);
    assert_decodes(percent_decode_segment, buf_view(&b), (struct view){text, sizeof text});
    assert_decodes(percent_decode_query, buf_view(&b), (struct view){text, sizeof text});
    buf_clear(&b);
    percent_encode_query((struct view){text, sizeof text}, &b);
    assert_decodes(percent_decode_query, buf_view(&b), (struct view){text, sizeof text});
    buf_clear(&b);
    percent_encode_query(VIEW("+358*,a?b&c=d e#f+ä"), &b);
    assert_true(view_is(buf_view(&b), "%2B358*,a?b%26c%3Dd%20e%23f%2B%C3%A4"));
    buf_done(&b);
}

static void a_query_is_taken_apart_pair_by_pair(void **state)
{
    struct view query = VIEW("&a=1&&b=2=3&c&=4&d=&");
    const char *const pairs[][2] = {{"a", "1"}, {"b", "2=3"}, {"c", ""}, {"", "4"}, {"d", ""}};
    struct view name;
    struct view value;

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_true(percent_next_pair(&query, &name, &value));
        assert_true(view_is(name, pairs[i][0]));
        assert_true(view_is(value, pairs[i][1]));
    }
    assert_false(percent_next_pair(&query, &name, &value));
    assert_false(percent_next_pair(&query, &name, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_decode_what_is_encoded),
        cmocka_unit_test(a_plus_is_a_blank_in_a_query_only),
        cmocka_unit_test(nothing_decodes_to_nothing),
        cmocka_unit_test(what_stands_for_no_text_is_refused_with_its_place),
        cmocka_unit_test(encoding_keeps_the_unreserved_and_nothing_else),
        cmocka_unit_test(every_character_comes_back_from_its_encoding),
        cmocka_unit_test(a_query_is_taken_apart_pair_by_pair),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
