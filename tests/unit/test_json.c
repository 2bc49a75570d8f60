/* json_scan, json_in, json_out: what is JSON and what is not, and that all of it comes through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/json_out.h"
#include "bridge/core/json_scan.h"
#include "bridge/io/json_in.h"
#include "tests/fakes/token_trace.h"

#include <stdio.h>
#include <string.h>

struct row {
    struct view json;
    const char *trace; /* NULL: refused … */
    const char *says;  /* … with a sentence that holds this */
};

#define GOOD(text, expected)                                                                       \
    {                                                                                              \
        {"" text, sizeof(text) - 1}, (expected), NULL                                              \
    }
#define BAD(text, expected)                                                                        \
    {                                                                                              \
        {"" text, sizeof(text) - 1}, NULL, (expected)                                              \
    }

static const struct row rows[] = {
    GOOD("{}", "{}"),
    GOOD(" [ ] ", "[]"),
    GOOD("\t\r\n null", "null"),
    GOOD("[true,false]", "[truefalse]"),
    GOOD("\"\"", "s()"),
    GOOD("{\"a\":{\"b\":[1,\"x\"]},\"a\":2}", "{k(a){k(b)[i(1=1)s(x)]}k(a)i(2=2)}"),
    GOOD("0", "i(0=0)"),
    GOOD("-0", "n(-0)"),
    GOOD("-12", "i(-12=-12)"),
    GOOD("9223372036854775807", "i(9223372036854775807=9223372036854775807)"),
    GOOD("-9223372036854775808", "i(-9223372036854775808=-9223372036854775808)"),
    GOOD("9223372036854775808", "n(9223372036854775808)"),
    GOOD("[2.0,1e3,1E+3,-0.5e-7]", "[n(2.0)n(1e3)n(1E+3)n(-0.5e-7)]"),
    GOOD("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"", "s(\"\\/\b\f\n\r\tA)"),
    GOOD("\"\\u20AC \\ud83d\\ude00 \xf0\x9f\x98\x80\"",
         "s(\xe2\x82\xac \xf0\x9f\x98\x80 \xf0\x9f\x98\x80)"),
    GOOD("{\"\\u006bey\":null}", "{k(key)null}"),
    GOOD("\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"",
         "s(\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf)"),
    BAD("", "it ends early, after byte 0"),
    BAD("  ", "it ends early"),
    BAD("{", "it ends early"),
    BAD("[1", "it ends early"),
    BAD("\"abc", "it ends early"),
    BAD("\"\xe2\x82", "it ends early"),
    BAD("tru", "it ends early"),
    BAD("-", "it ends early"),
    BAD("1.", "it ends early"),
    BAD("1e", "it ends early"),
    BAD("1e+", "it ends early"),
    BAD("nulL", "at byte 3: a value is missing"),
    BAD("{} {}", "at byte 3: something follows the value"),
    BAD("1 2", "at byte 2: something follows the value"),
    BAD("[1,]", "at byte 3: a value is missing"),
    BAD("[,1]", "at byte 1: a value is missing"),
    BAD("[1 2]", "at byte 3: ',' or ']' is missing"),
    BAD("[1}", "at byte 2: ',' or ']' is missing"),
    BAD("{\"a\":1]", "at byte 6: ',' or '}' is missing"),
    BAD("{\"a\":1,}", "at byte 7: a key in quotes is missing"),
    BAD("{a:1}", "at byte 1: a key in quotes or '}' is missing"),
    BAD("{\"a\" 1}", "at byte 5: ':' is missing"),
    BAD("{\"a\":}", "at byte 5: a value is missing"),
    BAD("[1,\"address\": +36584215]", "at byte 12: ',' or ']' is missing"),
    BAD("+1", "at byte 0: a value is missing"),
    BAD("01", "at byte 1: a number has a leading zero"),
    BAD("-a", "at byte 1: a digit is missing behind '-'"),
    BAD("1.e", "at byte 2: a digit is missing behind '.'"),
    BAD("1e+x", "at byte 3: an exponent is missing"),
    BAD("1ex", "at byte 2: an exponent is missing"),
    BAD("NaN", "at byte 0: a value is missing"),
    BAD("'a'", "at byte 0: a value is missing"),
    BAD("[1] // no", "at byte 4: something follows the value"),
    BAD("\xef\xbb\xbf{}", "at byte 0: a value is missing"),
    BAD("\"a\nb\"", "at byte 2: a control character stands bare"),
    BAD("\"\0\"", "at byte 1: a control character stands bare"),
    BAD("\"\\x\"", "at byte 2: no such escape"),
    BAD("\"\\u12g4\"", "at byte 5: four hex digits"),
    BAD("\"\\ud800\"", "at byte 7: a lone surrogate"),
    BAD("\"\\ud800x\"", "at byte 7: a lone surrogate"),
    BAD("\"\\ud800\\n\"", "at byte 8: a lone surrogate"),
    BAD("\"\\ud800\\ud800\"", "at byte 12: a lone surrogate"),
    BAD("\"\\ude00\"", "at byte 6: a lone surrogate"),
    BAD("{\"\\ude00\":1}", "a lone surrogate"),
    BAD("\"\x80\"", "at byte 1: not UTF-8"),
    BAD("\"\xc0\xaf\"", "at byte 1: not UTF-8"),
    BAD("\"\xc1\xbf\"", "at byte 1: not UTF-8"),
    BAD("\"\xe0\x9f\xbf\"", "at byte 2: not UTF-8"),
    BAD("\"\xed\xa0\x80\"", "at byte 2: not UTF-8"),
    BAD("\"\xf0\x8f\xbf\xbf\"", "at byte 2: not UTF-8"),
    BAD("\"\xf4\x90\x80\x80\"", "at byte 2: not UTF-8"),
    BAD("\"\xf5\x80\x80\x80\"", "at byte 1: not UTF-8"),
    BAD("\"\xe2\x28\xa1\"", "at byte 2: not UTF-8"),
    BAD("\xff", "at byte 0: a value is missing"),
};
#define ROWS (sizeof rows / sizeof *rows)

static void check(const struct row *row, bool ok, struct token_trace *t, const struct fault *f)
{
    if (ok != (row->trace != NULL))
        fail_msg("%.*s: %s", VIEW_ARG(row->json), ok ? "was taken" : f->text);
    if (ok && strcmp(buf_text(&t->text), row->trace) != 0)
        fail_msg("%.*s: %s, not %s", VIEW_ARG(row->json), buf_text(&t->text), row->trace);
    if (!ok && strstr(f->text, row->says) == NULL)
        fail_msg("%.*s: '%s' does not say '%s'", VIEW_ARG(row->json), f->text, row->says);
    if (!ok)
        assert_int_equal(f->cls, FAULT_REJECT);
}

static void whole_bytes_become_tokens_or_a_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct fault f = {0};
        struct token_trace t;
        bool ok;

        token_trace_init(&t);
        ok = json_in_read(rows[i].json, token_trace_sink(&t), &f);
        check(&rows[i], ok, &t, &f);
        if (!ok)
            assert_int_equal(t.count, 0);
        token_trace_done(&t);
    }
}

static bool read_in_pieces(struct view json, size_t piece, struct token_sink to, struct fault *f)
{
    struct json_in *j = json_in_new(to);
    bool ok = true;

    while (ok && json.n > 0) {
        size_t n = json.n < piece ? json.n : piece;

        ok = json_in_feed(j, (struct view){json.p, n}, f);
        json = view_skip(json, n);
    }
    ok = ok && json_in_end(j, f);
    json_in_free(j);
    return ok;
}

static void pieces_of_any_size_give_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        for (size_t piece = 1; piece <= 3; piece++) {
            struct fault f = {0};
            struct token_trace t;

            token_trace_init(&t);
            check(&rows[i], read_in_pieces(rows[i].json, piece, token_trace_sink(&t), &f), &t, &f);
            token_trace_done(&t);
        }
    json_in_free(NULL);
}

/* Strings are scanned by eight bytes: what a byte means must not depend on where it stands. */
static void every_byte_is_judged_in_every_place(void **state)
{
    (void)state;
    for (unsigned byte = 1; byte < 256; byte++)
        for (size_t place = 1; place <= 20; place++) {
            char json[] = "\"aaaaaaaaaaaaaaaaaaaa\"";
            bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
            struct fault f = {0};

            json[place] = (char)byte;
            if (json_scan_all(view_of(json), &f) != plain)
                fail_msg("byte %02x at %zu: %s", byte, place, plain ? f.text : "passed");
        }
}

static void u0000_passes_as_a_character(void **state)
{
    struct fault f = {0};
    struct token_trace t;

    (void)state;
    token_trace_init(&t);
    assert_true(json_in_read(VIEW("[\"a\\u0000b\"]"), token_trace_sink(&t), &f));
    assert_true(view_eq(buf_view(&t.text), VIEW("[s(a\0b)]")));
    token_trace_done(&t);
}

static void nested(struct buf *b, size_t depth, bool objects)
{
    for (size_t i = 0; i < depth; i++)
        (void)buf_put_text(b, objects ? "{\"a\":" : "[");
    (void)buf_put_text(b, "1");
    for (size_t i = 0; i < depth; i++)
        (void)buf_put_text(b, objects ? "}" : "]");
}

static void nesting_ends_at_its_limit(void **state)
{
    (void)state;
    for (int objects = 0; objects <= 1; objects++) {
        struct fault f = {0};
        struct buf b;

        buf_init(&b, 1 << 20);
        nested(&b, TOKEN_DEPTH_MAX, objects);
        assert_true(json_scan_all(buf_view(&b), &f));
        buf_clear(&b);
        nested(&b, TOKEN_DEPTH_MAX + 1, objects);
        assert_false(json_scan_all(buf_view(&b), &f));
        assert_non_null(strstr(f.text, "nested deeper than 32"));
        buf_clear(&b);
        for (int i = 0; i < 1 << 18; i++)
            (void)buf_put_text(&b, "[");
        assert_false(json_scan_all(buf_view(&b), &f));
        assert_non_null(strstr(f.text, "at byte 32: nested deeper"));
        buf_done(&b);
    }
}

static void the_sink_s_fault_comes_back_unchanged(void **state)
{
    struct view json = VIEW("{\"a\":[1,2],\"b\":\"x\"}");

    (void)state;
    for (unsigned at = 1; at <= 9; at++) {
        struct fault f = {0};
        char expected[64];
        struct token_trace t;

        (void)snprintf(expected, sizeof expected, "token %u was not wanted", at);
        token_trace_init(&t);
        t.refuse_at = at;
        assert_false(json_in_read(json, token_trace_sink(&t), &f));
        assert_string_equal(f.text, expected);
        assert_int_equal(t.count, at);
        token_trace_done(&t);
        token_trace_init(&t);
        t.refuse_at = at;
        assert_false(read_in_pieces(json, 2, token_trace_sink(&t), &f));
        assert_string_equal(f.text, expected);
        assert_int_equal(t.count, at);
        token_trace_done(&t);
    }
}

static void what_is_written_reads_as_the_same_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct fault f = {0};
        struct token_trace t;
        struct json_out out;
        struct buf b;

        if (rows[i].trace == NULL)
            continue;
        buf_init(&b, 4096);
        json_out_init(&out, &b);
        assert_true(json_in_read(rows[i].json, json_out_sink(&out), &f));
        token_trace_init(&t);
        assert_true(json_in_read(buf_view(&b), token_trace_sink(&t), &f));
        assert_string_equal(buf_text(&t.text), rows[i].trace);
        token_trace_done(&t);
        buf_done(&b);
    }
}

static void writes_every_kind_of_value(void **state)
{
    struct json_out j;
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    json_out_init(&j, &b);
    json_object(&j);
    json_key(&j, "a");
    json_array(&j);
    json_int(&j, INT64_MIN);
    json_number(&j, VIEW("2.50"));
    json_bool(&j, true);
    json_bool(&j, false);
    json_null(&j);
    json_array_end(&j);
    json_key_view(&j, VIEW("\"\x01"));
    json_string(&j, VIEW("\x1f\"\\\b\f\n\r\t\x7f/\xc3\xa4"));
    json_key(&j, "raw");
    json_raw(&j, VIEW("{\"x\": 1}"));
    json_key(&j, "o");
    json_object(&j);
    json_object_end(&j);
    json_key(&j, "t");
    json_text(&j, "");
    json_object_end(&j);
    assert_string_equal(buf_text(&b),
                        "{\"a\":[-9223372036854775808,2.50,true,false,null],\"\\\"\\u0001\":"
                        "\"\\u001f\\\"\\\\\\b\\f\\n\\r\\t\x7f/\xc3\xa4\",\"raw\":{\"x\": 1},"
                        "\"o\":{},\"t\":\"\"}");
    buf_done(&b);
}

/* A member in one piece is what its key and its value are one after the other. */
static void a_member_is_its_key_and_its_value(void **state)
{
    struct json_out j;
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    json_out_init(&j, &b);
    json_object(&j);
    json_string_member(&j, "a", VIEW("b\"c"));
    json_string_member(&j, "none", VIEW_NONE);
    json_plain_member(&j, "plain", VIEW("2011-12-31"));
    json_plain_member(&j, "empty", VIEW_NONE);
    json_key(&j, "inner");
    json_object(&j);
    json_raw_member(&j, "n", VIEW("-2.50"));
    json_object_end(&j);
    json_raw_member(&j, "yes", VIEW("true"));
    json_object_end(&j);
    assert_string_equal(buf_text(&b), "{\"a\":\"b\\\"c\",\"none\":\"\",\"plain\":\"2011-12-31\","
                                      "\"empty\":\"\",\"inner\":{\"n\":-2.50},\"yes\":true}");
    buf_done(&b);
}

static void a_member_past_the_maximum_is_not_written_in_part(void **state)
{
    static const char longest[] = "{\"key\":\"1234567890\""; /* fits, without its end */

    (void)state;
    for (size_t max = 1; max < sizeof longest; max++) {
        struct json_out j;
        struct buf b;

        buf_init(&b, max);
        json_out_init(&j, &b);
        json_object(&j);
        json_string_member(&j, "key", VIEW("1234567890"));
        assert_int_equal(b.full, max < sizeof longest - 1);
        assert_string_equal(buf_text(&b), b.full ? "{" : longest);
        buf_done(&b);
    }
}

/* Every byte at every place of texts of every length around the eight that are looked at together,
 * among bytes that need no escape and among such as make a borrow. */
static void a_byte_is_escaped_wherever_it_stands(void **state)
{
    static const char others[] = {'a', '\x20', '\x7f', '\xc3', '!', '#', '[', ']'};

    (void)state;
    for (size_t n = 1; n <= 26; n++)
        for (size_t at = 0; at < n; at++)
            for (unsigned c = 0; c < 256; c++) {
                bool escapes = c < 0x20 || c == '"' || c == '\\';
                char text[32];
                struct json_out j;
                struct buf b;

                for (size_t i = 0; i < n; i++)
                    text[i] = others[(i + at + c) % sizeof others];
                text[at] = (char)c;
                buf_init(&b, 256);
                json_out_init(&j, &b);
                json_string(&j, (struct view){text, n});
                assert_true(b.n >= n + 2);
                assert_memory_equal(b.p + 1, text, at);
                assert_int_equal(b.p[1 + at] == '\\', escapes);
                assert_memory_equal(b.p + b.n - (n - at), text + at + 1, n - at - 1);
                assert_int_equal(b.p[b.n - 1], '"');
                if (!escapes)
                    assert_int_equal(b.n, n + 2);
                buf_done(&b);
            }
}

static void a_full_buffer_refuses_the_tokens(void **state)
{
    struct fault f = {0};
    struct json_out j;
    struct buf b;

    (void)state;
    buf_init(&b, 9);
    json_out_init(&j, &b);
    assert_true(json_in_read(VIEW("{\"a\":\"bc\"}") /* 10 */, json_out_sink(&j), &f) == false);
    assert_string_equal(f.text, "as JSON it is longer than 9 bytes");
    buf_done(&b);
    buf_init(&b, 10);
    json_out_init(&j, &b);
    assert_true(json_in_read(VIEW("{\"a\":\"bc\"}"), json_out_sink(&j), &f));
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_bytes_become_tokens_or_a_sentence),
        cmocka_unit_test(pieces_of_any_size_give_the_same),
        cmocka_unit_test(every_byte_is_judged_in_every_place),
        cmocka_unit_test(u0000_passes_as_a_character),
        cmocka_unit_test(nesting_ends_at_its_limit),
        cmocka_unit_test(the_sink_s_fault_comes_back_unchanged),
        cmocka_unit_test(what_is_written_reads_as_the_same_tokens),
        cmocka_unit_test(writes_every_kind_of_value),
        cmocka_unit_test(a_member_is_its_key_and_its_value),
        cmocka_unit_test(a_member_past_the_maximum_is_not_written_in_part),
        cmocka_unit_test(a_byte_is_escaped_wherever_it_stands),
        cmocka_unit_test(a_full_buffer_refuses_the_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
