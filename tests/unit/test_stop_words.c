/* stop_words: what withdraws a consent, and what only looks like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/stop_words.h"
#include "bridge/io/unicode.h"

#include <string.h>

static void add(struct stop_words *s, const char *list)
{
    struct fault f = {0};

    if (!stop_words_add(s, view_of(list), &f))
        fail_msg("%s", f.text);
}

static void a_word_counts_however_it_is_written_and_only_alone(void **state)
{
    static const struct {
        const char *text;
        bool stops;
    } rows[] = {
        {"ＳＴＯＰ", true},     {"stop\u200b", true}, {"stop", true},       {"STOP", true},
        {" Stop!\r\n", true},   {"\"stop\".", true},  {"opt out", true},    {"Opt \t out", true},
        {"OPT\u00a0OUT", true}, {"optout", false},    {"opt-out", false},   {"don't stop", false},
        {"stop it", false},     {"stopp", false},     {"sto", false},       {"", false},
        {" . ", false},         {"ÄLÄ LÄHETÄ", true}, {"älä lähetä", true}, {"ala laheta", false},
        {"СТОП", true},         {"стоп…", true},      {"ΔΙΑΚΟΠΉ", true},    {"ĽUTUJEM", true},
        {"ŽIADNE", true},       {"¡ALTO!", true},     {"“ALTO”", true},     {"st\xffop", false},
        {"stop\xff", false},    {"ÿ", false},         {"Ÿ", false},         {"\xe2\x82", false},
    };
    struct stop_words s;

    (void)state;
    stop_words_init(&s, &unicode_letters);
    add(&s, STOP_WORDS_DEFAULT);
    add(&s, "Älä lähetä, стоп");
    add(&s, "διακοπή,ľutujem,žiadne,alto");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (stop_words_match(&s, view_of(rows[i].text)) != rows[i].stops)
            fail_msg("row %zu: %s", i, rows[i].text);
    stop_words_done(&s);
}

/* Telephones write the first letter of a text as a capital, and some keyboards marks by themselves.
 */
static void capitals_and_forms_of_every_language_are_one(void **state)
{
    static const struct {
        const char *text;
        bool stops;
    } rows[] = {
        {"iptal", true},
        {"İptal", true},
        {"İPTAL", true},
        {"IPTAL", true},
        {"i\u0307ptal", true},
        {"çık", true},
        {"ÇIK", true},
        {"c\u0327ık", true},
        {"șterge", true},
        {"Șterge", true},
        {"S\u0326terge", true},
        {"HỦY", true},
        {"hu\u0309y", true},
        {"Hu\u0309y.", true},
        {"DỪNG", true},
        {"du\u031b\u0300ng", true},
        {"dung", false},
        {"ΔΙΑΚΟΠΗ", true},
        {"Διακοπή", true},
        {"ԴԱԴԱՐ", true},
        {"STRASSE", true},
        {"停止", true},
        {"停止。", true},
        {"「停止」", true},
        {"إيقاف؟", true},
        {"إيقاف،", true},
        {"— Iptal —", true},
        {"–iptal…", true},
        {"\u2068Iptal!\u2069", true},
        {"¿Iptal?\ufe0f", true},
        {"ip\u00adtal", true},
        {"iptal 停止", false},
        {"停止停", false},
        {"。", false},
    };
    struct stop_words s;

    (void)state;
    stop_words_init(&s, &unicode_letters);
    add(&s, "iptal, çık, șterge, hủy, dừng, διακοπή, դադար, straße, 停止, إيقاف");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (stop_words_match(&s, view_of(rows[i].text)) != rows[i].stops)
            fail_msg("row %zu: %s", i, rows[i].text);
    stop_words_done(&s);
    stop_words_init(&s, &unicode_letters);
    add(&s, "İPTAL, DU\u031b\u0300NG"); /* the list is folded as the text is */
    assert_true(stop_words_match(&s, VIEW("iptal")));
    assert_true(stop_words_match(&s, VIEW("dừng")));
    stop_words_done(&s);
}

static void a_text_of_any_length_and_bytes_is_read(void **state)
{
    struct stop_words s;
    struct buf text;

    (void)state;
    stop_words_init(&s, &unicode_letters);
    add(&s, "stop");
    buf_init(&text, 100000);
    for (int i = 0; i < 50000; i++)
        buf_put_char(&text, ' ');
    buf_put_text(&text, "stop");
    assert_true(stop_words_match(&s, buf_view(&text)));
    for (int i = 0; i < 40000; i++)
        buf_put_char(&text, 'p');
    assert_false(stop_words_match(&s, buf_view(&text)));
    assert_false(stop_words_match(&s, VIEW("stop\0stop")));
    buf_done(&text);
    stop_words_done(&s);
}

static void a_list_that_is_no_good_is_refused(void **state)
{
    static const char *const bad[] = {"", ",", "stop,,end", "stop, !", "st\xffop"};
    struct stop_words s;
    struct fault f = {0};
    struct buf many;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        stop_words_init(&s, &unicode_letters);
        assert_false(stop_words_add(&s, view_of(bad[i]), &f));
        assert_int_equal(f.cls, FAULT_REJECT);
        stop_words_done(&s);
    }
    stop_words_init(&s, &unicode_letters);
    buf_init(&many, 65536);
    for (int i = 0; i < STOP_WORD_BYTES; i++)
        buf_put_char(&many, 'a');
    assert_false(stop_words_add(&s, buf_view(&many), &f));
    buf_clear(&many);
    for (int i = 0; i < STOP_WORDS_MAX; i++)
        buf_printf(&many, "%sword%d", i > 0 ? "," : "", i);
    assert_true(stop_words_add(&s, buf_view(&many), &f));
    assert_true(stop_words_match(&s, VIEW("WORD255")));
    assert_false(stop_words_add(&s, VIEW("one"), &f));
    buf_done(&many);
    stop_words_done(&s);
}

/* Who reads a configuration knows no letters beyond ASCII's, but must not take what is refused
 * later. */
static void a_list_of_punctuation_alone_is_refused_without_letters_too(void **state)
{
    static const char *const bad[] = {"!",       "…",      "。",  "¿",   "“”",
                                      "stop, —", "\u00a0", "、!", "「」"};
    struct stop_words plain;
    struct fault f = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        stop_words_init(&plain, NULL);
        if (stop_words_add(&plain, view_of(bad[i]), &f))
            fail_msg("%s", bad[i]);
        stop_words_done(&plain);
    }
    stop_words_init(&plain, NULL);
    for (uint32_t code = 0x80; code < 0x10000; code++)
        if (plain.letters->is_beside(code) && !unicode_letters.is_beside(code))
            fail_msg("U+%04X is a letter", (unsigned)code);
    add(&plain, "stop, стоп, 停止, إيقاف, ª, ºst, hủy, 〒");
    stop_words_done(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_counts_however_it_is_written_and_only_alone),
        cmocka_unit_test(capitals_and_forms_of_every_language_are_one),
        cmocka_unit_test(a_text_of_any_length_and_bytes_is_read),
        cmocka_unit_test(a_list_that_is_no_good_is_refused),
        cmocka_unit_test(a_list_of_punctuation_alone_is_refused_without_letters_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
