/* person: found in addresses and texts however written, and nobody else for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/person.h"
#include "bridge/core/rng.h"

#include <stdio.h>
#include <string.h>

static void is_found_and_taken_out(void **state)
{
    static const struct {
        const char *address;
        const char *text;
        const char *without;
    } rows[] = {
        {"+358401234567", "call 358401234567", "call …"},
        {"+358401234567", "+358 40 123-4567!", "…!"},
        {"+358401234567", "(00358401234567)", "(…)"},
        {"+358401234567", "tel:+358401234567;ext", "tel:…;ext"},
        {"+358401234567", "358401234567 or +358\u00a040\u00a01234567.", "… or …."},
        {"+358401234567", "1 358401234567", "1 …"},
        {"+358401234567", "1358401234567", "1358401234567"},
        {"+358401234567", "3584012345678", "3584012345678"},
        {"+358401234567", "35840123456", "35840123456"},
        {"+358401234567", "358401234567358401234567", "358401234567358401234567"},
        {"+358401234567", "358401234567,358401234567", "…,…"},
        {"+358401234567", "358x401234567", "358x401234567"},
        {"+358401234567", "3\t\t\t\t\t\t\t\t\t58401234567", "3\t\t\t\t\t\t\t\t\t58401234567"},
        {"+358401234567", "", ""},
        {"+358401234567", "at +358 (0)40 1234567.", "at …."},
        {"+358401234567", "+358(0)401234567 or 358 (0) 401234567", "… or …"},
        {"+3580000", "358(0)0000, 358(0)000", "…, …"},
        {"+35800000", "358(0)00000 358(0)0000", "… …"},
        {"+358401234567", "+358 40\n123\r\n4567", "…"},
        {"+358401234567", "358/40/123_4567, 358_401234567", "…, …"},
        {"+358401234567", "{\"n\":\"\\u002b35840123\\u0034567\"}", "{\"n\":\"…\"}"},
        {"+358401234567", "\\u0033\\u003584\\u00301\\u00a0234\\u002d567\\u0020", "…\\u0020"},
        {"+358401234567", "\\u0030\\u0030358401234567", "…"},
        {"+358401234567", "40\\n, 358\\n40\\t1234\\/567", "40\\n, …"},
        {"+358401234567", "\\u0031358401234567", "\\u0031358401234567"},
        {"+358401234567", "358401234567\\u0038", "358401234567\\u0038"},
        {"+358401234567", "\\u00358401234567", "\\u00358401234567"},
        {"153", "room 153", "room 153"}, /* too short to be told from other numbers */
        {"Sam.I.Am@GreenEggs.ham", "from sam.i.am@greeneggs.ham.", "from …."},
        {"sam@greeneggs.ham", "<SAM@greeneggs.ham>", "<…>"},
        {"sam@greeneggs.ham", "uncle.sam@greeneggs.ham", "uncle.sam@greeneggs.ham"},
        {"sam@greeneggs.ham", "unclesam@greeneggs.ham", "unclesam@greeneggs.ham"},
        {"sam@greeneggs.ham", "sam@greeneggs.hamster", "sam@greeneggs.hamster"},
        {"sam@greeneggs.ham", "sam@greeneggs.ham.example", "sam@greeneggs.ham.example"},
        {"sam", "sam is here", "sam is here"},
        {"Äiti@Ökö.fi", "<äITI@öKÖ.fi>", "<…>"},
        {"äiti@ökö.fi", "aiti@ökö.fi", "aiti@ökö.fi"},
        {"maki@x.fi", "ömaki@x.fi, Ö.maki@x.fi", "ömaki@x.fi, Ö.maki@x.fi"},
        {"maki@x.fi", "maki@x.fiä, maki@x.fi.жe", "maki@x.fiä, maki@x.fi.жe"},
        {"maki@x.fi", "“maki@x.fi”–maki@x.fi×.maki@x.fi..", "“…”–…×.….."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct person p;
        struct fault f;
        struct buf b;

        assert_true(person_init(&p, view_of(rows[i].address), &f));
        buf_init(&b, 1000);
        person_without(&p, view_of(rows[i].text), &b);
        assert_string_equal(buf_text(&b), rows[i].without);
        assert_int_equal(person_mentioned(&p, view_of(rows[i].text)),
                         strcmp(rows[i].text, rows[i].without) != 0);
        buf_done(&b);
    }
}

static void is_told_from_others_by_address(void **state)
{
    static const struct {
        const char *address;
        const char *column;
        bool is;
    } rows[] = {
        {"+358401234567", "00358 40 1234567", true},
        {"+358401234567", "sip:+358401234567@pbx.example", true},
        {"+358401234567", "+358401234568", false},
        {"153", "153", true},
        {"153", "1533", false},
        {"153", "sip:153@pbx.example", false},
        {"sam", " Sam", true},
        {"sam", "sam2", false},
        {"sam@x.example", "Sam <sam@x.example>", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct person p;
        struct fault f;

        assert_true(person_init(&p, view_of(rows[i].address), &f));
        if (person_is(&p, view_of(rows[i].column)) != rows[i].is)
            fail_msg("%s in '%s'", rows[i].address, rows[i].column);
    }
}

static void remains_are_found_among_other_bytes(void **state)
{
    struct person p;
    struct fault f;

    (void)state;
    assert_true(person_init(&p, VIEW("+358401234567"), &f));
    assert_true(person_in_bytes(&p, VIEW("CallIn+358401234567100Sales"))); /* columns touch */
    assert_true(person_in_bytes(&p, VIEW("\x03\x8e+358 40 123 4567\x01")));
    assert_false(person_in_bytes(&p, VIEW("CallIn+35840123456Sales3")));
    assert_true(person_in_bytes(&p, VIEW("x\\u0033584(0)01234567x")));
    assert_true(person_in_bytes(&p, VIEW("3x358(0)401234567")));
    assert_true(person_init(&p, VIEW("sam@greeneggs.ham"), &f));
    assert_true(person_in_bytes(&p, VIEW("xSam@greeneggs.hamEmailIn")));
    assert_false(person_in_bytes(&p, VIEW("Sam@greeneggs")));
}

static void an_address_is_found_among_bytes_as_json_escapes_it(void **state)
{
    static const struct {
        const char *address;
        const char *bytes;
        bool found;
    } rows[] = {
        {"maija+cc@x.fi", "{\"a\":\"maija\\u002Bcc@x.fi\"}", true},
        {"maija+cc@x.fi", "\\u004d\\u0041ija\\u002bcc\\u0040x\\u002efi", true},
        {"maija+cc@x.fi", "maija\\u002bcc@x.f", false},
        {"maija+cc@x.fi", "maija\\u002bcc@x.f\\u006", false},
        {"maija+cc@x.fi", "maija\\u002dcc@x.fi", false},
        {"maija+cc@x.fi", "maija\\u00", false},
        {"mäija@x.fi", "m\\u00e4ija@x.fi", true},
        {"mäija@x.fi", "M\\u00C4IJA@X.FI", true},
        {"äiti@x.fi", "\\u00C4iti@x.fi", true},
        {"o'brien@x.ie", "o\\u0027brien@x.ie", true},
        {"sales/fi@x.fi", "sales\\/fi@x.fi", true},
        {"\"a b\"@x.fi", "\\\"a b\\\"@x.fi", true},
        {"a\\b@x.fi", "a\\\\b@x.fi", true},
        {"a\\b@x.fi", "a\\b@x.fi", true}, /* MessagePack escapes nothing */
        {"a\\u0062@x.fi", "a\\u0062@x.fi", true},
        {"\U0001f600@x.fi", "\\ud83d\\uDE00@x.fi", true},
        {"x\U0001f600@x.fi", "\\u0078\U0001f600@x.fi", true},
        {"\U0001f600@x.fi", "\\ud83d\\u0041@x.fi", false},
        {"\U0001f600@x.fi", "\\ud83d@x.fi", false},
        {"\xc3@x.fi", "\xc3@x.fi", true}, /* no UTF-8 */
        {"\xc3@x.fi", "\xc5\\u0040x.fi", false},
        {"maija@x.fi", "maija@x.fi\\", true},
        {"maija@x.fi", "\\maija@x.f\\", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct person p;
        struct fault f;

        assert_true(person_init(&p, view_of(rows[i].address), &f));
        if (person_in_bytes(&p, view_of(rows[i].bytes)) != rows[i].found)
            fail_msg("%s in '%s'", rows[i].address, rows[i].bytes);
    }
}

static void what_names_nobody_is_refused(void **state)
{
    struct person p;
    struct fault f;

    (void)state;
    assert_false(person_init(&p, VIEW("+ - "), &f));
    assert_int_equal(f.cls, FAULT_REJECT);
}

/* ---- known only when asked for ---- */

struct asked {
    const struct person *p;
    size_t addresses; /* how often it was asked */
    size_t parts;
};

static bool is_the_person(const void *ctx, struct view normal)
{
    struct asked *const *asked = ctx;

    (*asked)->addresses++;
    return view_eq(normal, person_normal((*asked)->p));
}

static bool is_of_the_person(const void *ctx, struct view part)
{
    struct asked *const *asked = ctx;

    (*asked)->parts++;
    return view_eq(part, person_part(person_normal((*asked)->p)));
}

static struct person_known known_by(struct asked *const *asked)
{
    return (struct person_known){is_the_person, is_of_the_person, asked};
}

static const char *random_text(struct rng *rng, const char *address)
{
    static const char *const pieces[] = {
        "0",       "00",      "1",       "7",       "+",       " ",    "-",      ".", "(",
        ")",       "\u00a0",  "x",       "sa",      "m",       "@",    "a@b.fi", "ä", "%",
        "_",       "\n",      "358",     "4012345", "1234567", "<",    ">",      "/", "(0)",
        "\\u0033", "\\u0030", "\\u002b", "\\u00",   "\\n",     "\xc3", "sam@x.y"};
    static char text[400];
    size_t n = 0;

    for (uint64_t i = rng_below(rng, 24); i > 0; i--) {
        const char *piece = rng_below(rng, 6) == 0
                                ? address
                                : pieces[rng_below(rng, sizeof pieces / sizeof *pieces)];

        n += (size_t)snprintf(text + n, sizeof text - n, "%s", piece);
    }
    text[n] = '\0';
    return text;
}

/* The same is found, by addresses that are asked for, as by one that is given. */
static void who_is_known_only_when_asked_for_is_found_alike(void **state)
{
    static const char *const addresses[] = {"3584012345", "1234567", "0401234567", "a@b.fi",
                                            "sam@x.y",    "äm@x.y",  "@sam",       "153"};
    struct rng rng = rng_of(17);
    unsigned found = 0;

    (void)state;
    for (unsigned i = 0; i < 50000; i++) {
        const char *address = addresses[i % (sizeof addresses / sizeof *addresses)];
        const char *text = random_text(&rng, address);
        struct person p;
        struct asked counts = {.p = &p};
        struct asked *asked = &counts;
        struct person_known known = known_by(&asked);
        struct fault f;
        struct buf one;
        struct buf other;

        assert_true(person_init(&p, view_of(address), &f));
        buf_init(&one, 1000);
        buf_init(&other, 1000);
        person_without(&p, view_of(text), &one);
        person_without_known(view_of(text), &known, &other);
        if (p.distinct && strcmp(buf_text(&one), buf_text(&other)) != 0)
            fail_msg("%s in '%s': '%s', but '%s'", address, text, buf_text(&one), buf_text(&other));
        if (p.distinct)
            assert_int_equal(person_known_mentioned(view_of(text), &known),
                             person_mentioned(&p, view_of(text)));
        found += p.distinct && person_mentioned(&p, view_of(text));
        buf_done(&one);
        buf_done(&other);
    }
    assert_true(found > 5000);
}

/* Whatever a text holds, it asks for no more parts of addresses than it has bytes, and for whole
 * ones where a part is somebody's; even then the questions are in proportion to its length. */
static void asking_is_linear_in_the_text(void **state)
{
    static const struct {
        const char *address;
        const char *piece;
        size_t most; /* addresses asked for, a byte */
    } rows[] = {
        {"99999999", "1 ", 0},
        {"99999999", "12-", 0},
        {"99999999", "1234 ", 0},
        {"99999999", "1", 0},
        {"99999999", "(0)", 0},
        {"99999999", "1(0)", 0},
        {"99999999", "\\u0031", 0},
        {"99999999", "\\u0031 ", 0},
        {"99999999", "'@", 0},
        {"99999999", "!!!!!!!!!@", 0},
        {"sam@x.fi", "@", 0},
        {"sam@x.fi", "!!!!!!!!!!!!!!!!@", 0},
        {"sam@x.fi", "ä@", 0},
        {"sam@x.fi", "a@b.", 0},
        {"sam@x.fi", "!!!!!!!!!!!!!!!!@x.fi!!!!!!!!!!!!!!!!", 1},
        {"11111112", "1 ", 7},
        {"10101011", "1(0)", 7},
    };
    enum { TIMES = 2000 };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct person p;
        struct asked counts = {.p = &p};
        struct asked *asked = &counts;
        struct person_known known = known_by(&asked);
        struct fault f;
        struct buf text;

        assert_true(person_init(&p, view_of(rows[i].address), &f));
        buf_init(&text, 1 << 20);
        for (int k = 0; k < TIMES; k++)
            buf_put_text(&text, rows[i].piece);
        assert_false(person_known_mentioned(buf_view(&text), &known));
        if (counts.parts > text.n || counts.addresses > rows[i].most * text.n)
            fail_msg("'%s': %zu parts, %zu addresses for %zu bytes", rows[i].piece, counts.parts,
                     counts.addresses, text.n);
        buf_done(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_found_and_taken_out),
        cmocka_unit_test(is_told_from_others_by_address),
        cmocka_unit_test(remains_are_found_among_other_bytes),
        cmocka_unit_test(an_address_is_found_among_bytes_as_json_escapes_it),
        cmocka_unit_test(what_names_nobody_is_refused),
        cmocka_unit_test(who_is_known_only_when_asked_for_is_found_alike),
        cmocka_unit_test(asking_is_linear_in_the_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
