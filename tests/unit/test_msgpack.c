/* msgpack_scan, msgpack_in: MessagePack says what JSON says, and nothing more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/msgpack_scan.h"
#include "bridge/io/json_in.h"
#include "bridge/io/msgpack_in.h"
#include "tests/fakes/msgpack_out.h"
#include "tests/fakes/token_trace.h"

#include <stdlib.h>
#include <string.h>

struct row {
    struct view bytes;
    const char *trace; /* NULL: refused … */
    const char *says;  /* … with a sentence that holds this */
};

#define GOOD(bytes, expected)                                                                      \
    {                                                                                              \
        {"" bytes, sizeof(bytes) - 1}, (expected), NULL                                            \
    }
#define BAD(bytes, expected)                                                                       \
    {                                                                                              \
        {"" bytes, sizeof(bytes) - 1}, NULL, (expected)                                            \
    }

static const struct row rows[] = {
    GOOD("\xc0", "null"),
    GOOD("\xc2", "false"),
    GOOD("\xc3", "true"),
    GOOD("\x00", "i(0=0)"),
    GOOD("\x7f", "i(127=127)"),
    GOOD("\xe0", "i(-32=-32)"),
    GOOD("\xff", "i(-1=-1)"),
    GOOD("\xcc\xff", "i(255=255)"),
    GOOD("\xcd\xff\xff", "i(65535=65535)"),
    GOOD("\xce\xff\xff\xff\xff", "i(4294967295=4294967295)"),
    GOOD("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", "i(9223372036854775807=9223372036854775807)"),
    GOOD("\xcf\x80\x00\x00\x00\x00\x00\x00\x00", "n(9223372036854775808)"),
    GOOD("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "n(18446744073709551615)"),
    GOOD("\xd0\x80", "i(-128=-128)"),
    GOOD("\xd1\x80\x00", "i(-32768=-32768)"),
    GOOD("\xd2\x80\x00\x00\x00", "i(-2147483648=-2147483648)"),
    GOOD("\xd3\x80\x00\x00\x00\x00\x00\x00\x00", "i(-9223372036854775808=-9223372036854775808)"),
    GOOD("\xca\x3d\xcc\xcc\xcd", "n(0.1)"),
    GOOD("\xca\x40\x00\x00\x00", "n(2.0)"),
    GOOD("\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a", "n(0.1)"),
    GOOD("\xcb\x40\x00\x00\x00\x00\x00\x00\x00", "n(2.0)"),
    GOOD("\xcb\x80\x00\x00\x00\x00\x00\x00\x00", "n(-0.0)"),
    GOOD("\xcb\x44\x80\xf0\xcf\x06\x4d\xd5\x92", "n(1e+22)"),
    GOOD("\xcb\x3f\xd5\x55\x55\x55\x55\x55\x55", "n(0.3333333333333333)"),
    GOOD("\xa0", "s()"),
    GOOD("\xa1x", "s(x)"),
    GOOD("\xa3\xe2\x82\xac", "s(\xe2\x82\xac)"),
    GOOD("\xd9\x01x", "s(x)"),
    GOOD("\xda\x00\x01x", "s(x)"),
    GOOD("\xdb\x00\x00\x00\x01x", "s(x)"),
    GOOD("\xdb\x00\x00\x00\x00", "s()"),
    GOOD("\x90", "[]"),
    GOOD("\x80", "{}"),
    GOOD("\xdc\x00\x00", "[]"),
    GOOD("\xdf\x00\x00\x00\x00", "{}"),
    GOOD("\x92\x90\x80", "[[]{}]"),
    GOOD("\x93\x01\x91\x02\x03", "[i(1=1)[i(2=2)]i(3=3)]"),
    GOOD("\x82\xa1"
         "a\x81\xa1"
         "b\x91\xc0\xa1"
         "c\xa1"
         "d",
         "{k(a){k(b)[null]}k(c)s(d)}"),
    GOOD("\x81\xa0\xa0", "{k()s()}"),
    GOOD("\x81\xa1k\xd6\xff\x00\x00\x00\x00", "{k(k)s(1970-01-01T00:00:00.000Z)}"),
    GOOD("\xd6\xff\x5e\x6a\x2d\xa2", "s(2020-03-12T12:40:02.000Z)"),
    GOOD("\xd7\xff\x4c\x63\xc5\x00\x5e\x6a\x2d\xa2", "s(2020-03-12T12:40:02.320Z)"),
    GOOD("\xc7\x0c\xff\x13\x18\xf1\x40\xff\xff\xff\xff\xff\xff\xff\xff",
         "s(1969-12-31T23:59:59.320Z)"),
    BAD("", "there are no bytes"),
    BAD("\xc1", "at byte 0: a byte that begins nothing"),
    BAD("\xcd\x01", "at byte 1: 2 bytes are declared and 1 are left"),
    BAD("\xa2x", "at byte 1: 2 bytes are declared and 1 are left"),
    BAD("\xdb\xff\xff\xff\xffx", "at byte 5: 4294967295 bytes are declared and 1 are left"),
    BAD("\xdd\xff\x00\x00\x00", "at byte 0: 4278190080 items are declared and 0 bytes are left"),
    BAD("\xdf\xff\xff\xff\xff", "at byte 0: 8589934590 items are declared and 0 bytes are left"),
    BAD("\x92\x01", "at byte 0: 2 items are declared and 1 bytes are left"),
    BAD("\x91\xdc\x00\x05\x01", "at byte 1: 5 items are declared and 1 bytes are left"),
    BAD("\x94\x92\x01\x01\x01", "at byte 1: 5 items are declared and 3 bytes are left"),
    BAD("\x01\x01", "at byte 1: something follows the value"),
    BAD("\x90\x90", "at byte 1: something follows the value"),
    BAD("\x81\x01\x01", "at byte 1: a key that is no string"),
    BAD("\x81\xc0\x01", "at byte 1: a key that is no string"),
    BAD("\x82\xa1k\x01\x02\x03", "at byte 4: a key that is no string"),
    BAD("\x81\x80\x01", "at byte 1: a key that is no string"),
    BAD("\xc4\x01x", "at byte 0: binary data"),
    BAD("\xc5\x00\x01x", "at byte 0: binary data"),
    BAD("\xc6\x00\x00\x00\x01x", "at byte 0: binary data"),
    BAD("\xd4\x01x", "at byte 0: an extension type"),
    BAD("\xc7\x01\x05x", "at byte 0: an extension type"),
    BAD("\xd4\xffx", "at byte 0: no timestamp"),
    BAD("\xd5\xffxx", "at byte 0: no timestamp"),
    BAD("\xc7\x00\xff", "at byte 0: no timestamp"),
    BAD("\xc9\xff\xff\xff\xff\xff", "4294967295 bytes are declared"),
    BAD("\xd7\xff\xff\xff\xff\xff\x00\x00\x00\x00", "at byte 0: no timestamp"),
    BAD("\xc7\x0c\xff\x00\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff", "at byte 0: no timestamp"),
    BAD("\xc7\x0c\xff\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00", "at byte 0: no timestamp"),
    BAD("\xca\x7f\xc0\x00\x00", "at byte 0: not a number"),
    BAD("\xca\xff\x80\x00\x00", "at byte 0: not a number, or infinite"),
    BAD("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", "at byte 0: not a number"),
    BAD("\xcb\xff\xf0\x00\x00\x00\x00\x00\x00", "at byte 0: not a number, or infinite"),
    BAD("\xa1\xff", "at byte 0: a string that is not UTF-8"),
    BAD("\x81\xa3\xed\xa0\x80\x01", "at byte 1: a string that is not UTF-8"),
};
#define ROWS (sizeof rows / sizeof *rows)

static void bytes_become_tokens_or_a_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct fault f = {0};
        struct token_trace t;
        bool ok;

        token_trace_init(&t);
        ok = msgpack_in_read(rows[i].bytes, token_trace_sink(&t), &f);
        if (ok != (rows[i].trace != NULL))
            fail_msg("row %zu: %s", i, ok ? "was taken" : f.text);
        if (ok)
            assert_string_equal(buf_text(&t.text), rows[i].trace);
        if (!ok) {
            assert_int_equal(f.cls, FAULT_REJECT);
            assert_int_equal(t.count, 0);
            if (strstr(f.text, rows[i].says) == NULL)
                fail_msg("row %zu: '%s' does not say '%s'", i, f.text, rows[i].says);
        }
        token_trace_done(&t);
    }
}

/* Every prefix of what is good is refused, and no byte beyond it is read (ASan watches). */
static void a_cut_value_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t n = 0; rows[i].trace != NULL && n < rows[i].bytes.n; n++) {
            struct fault f = {0};
            char *cut = malloc(n + 1);

            memcpy(cut, rows[i].bytes.p, n);
            assert_false(msgpack_scan_all((struct view){n > 0 ? cut : NULL, n}, &f));
            free(cut);
        }
    }
}

static void nesting_ends_at_its_limit(void **state)
{
    (void)state;
    for (size_t depth = TOKEN_DEPTH_MAX; depth <= TOKEN_DEPTH_MAX + 1; depth++) {
        for (int end = 0; end <= 1; end++) { /* the innermost: a nil, or nothing */
            char bytes[TOKEN_DEPTH_MAX + 2];
            struct fault f = {0};
            struct token_trace t;

            memset(bytes, '\x91', depth);
            bytes[end ? depth - 1 : depth] = end ? '\x90' : '\xc0';
            token_trace_init(&t);
            assert_int_equal(msgpack_in_read((struct view){bytes, depth + (end ? 0 : 1)},
                                             token_trace_sink(&t), &f),
                             depth == TOKEN_DEPTH_MAX);
            if (depth > TOKEN_DEPTH_MAX)
                assert_string_equal(f.text,
                                    "malformed MessagePack at byte 32: nested deeper than 32");
            token_trace_done(&t);
        }
    }
}

static void the_sink_s_fault_comes_back_unchanged(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= 6; at++) {
        struct fault f = {0};
        struct token_trace t;

        token_trace_init(&t);
        t.refuse_at = at;
        assert_false(msgpack_in_read(VIEW("\x81\xa1k\x91\x01"), token_trace_sink(&t), &f));
        assert_int_equal(f.cls, FAULT_REJECT);
        assert_non_null(strstr(f.text, "was not wanted"));
        assert_int_equal(t.count, at);
        token_trace_done(&t);
    }
}

static void the_same_content_gives_the_same_tokens_as_json(void **state)
{
    static const char *const texts[] = {
        "null",
        "[]",
        "{}",
        "\"a \\u00e4 \\ud83d\\ude00 \\u0000 z\"",
        "[0,1,-1,-32,-33,127,128,-128,-129,255,256,65535,65536,-32768,-32769,-2147483648,"
        "-2147483649,4294967295,4294967296,9223372036854775807,-9223372036854775808]",
        "[2.0,0.1,-2.5,1e+22,0.3333333333333333]",
        "{\"a\":{\"b\":[true,false,null,{}],\"c\":\"\"},\"long key that has more than thirty-one "
        "bytes\":\"and a value that is longer than that, by some words and then some more, so that "
        "its length no longer fits into one byte of two hundred and fifty-five; it goes on and on "
        "about nothing in particular until the count has passed that mark for certain, now.\"}",
        "{\"destinations\":{\"destination\":[{\"address\":\"+36584215\"},{\"address\":\"8541\"}]},"
        "\"message\":\"x\",\"maxRetryCount\":2,\"retryDelay\":300}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct fault f = {0};
        struct token_trace from_json;
        struct token_trace from_packed;
        struct msgpack_out out;
        struct buf packed;

        buf_init(&packed, 4096);
        msgpack_out_init(&out, &packed);
        token_trace_init(&from_json);
        token_trace_init(&from_packed);
        assert_true(json_in_read(view_of(texts[i]), msgpack_out_sink(&out), &f));
        assert_true(json_in_read(view_of(texts[i]), token_trace_sink(&from_json), &f));
        if (!msgpack_in_read(buf_view(&packed), token_trace_sink(&from_packed), &f))
            fail_msg("%s: %s", texts[i], f.text);
        assert_true(view_eq(buf_view(&from_json.text), buf_view(&from_packed.text)));
        token_trace_done(&from_json);
        token_trace_done(&from_packed);
        buf_done(&packed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_become_tokens_or_a_sentence),
        cmocka_unit_test(a_cut_value_is_refused),
        cmocka_unit_test(nesting_ends_at_its_limit),
        cmocka_unit_test(the_sink_s_fault_comes_back_unchanged),
        cmocka_unit_test(the_same_content_gives_the_same_tokens_as_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
