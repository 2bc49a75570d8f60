/* serve: a stop word withdraws the consent of whoever wrote it, however their number and the word
 * are spelled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/crypto.h"
#include "tests/fakes/receipt_rig.h"

#include <stdio.h>
#include <time.h>

#define KEY_TEXT "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static struct serve_rig rig;

static int start(void **state)
{
    (void)state;
    crypto_init();
    serve_rig_start(&rig, "channels.hook: {type: webhook, url: 'http://127.0.0.1:9',\n"
                          "  signing_secret: " KEY_TEXT "}\n"
                          "consent: {stop_words: {vi: dừng, es: alto, pt: sair}}\n");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    return 0;
}

static void write_from(const char *event, const char *from, const char *text)
{
    char body[256];

    (void)snprintf(body, sizeof body, "{\"from\":\"%s\",\"subType\":\"whatsapp\",\"text\":\"%s\"}",
                   from, text);
    assert_int_equal(receipt_rig_hook(&rig, "hook", KEY_TEXT, event, body, (int64_t)time(NULL)),
                     200);
}

static void expect_consent(const char *number, bool consent)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/customerConsents/whatsapp_%s", number);
    serve_holds(&rig, path, consent ? "\"consent\":true" : "\"consent\":false");
}

static void consent_to(const char *number)
{
    char body[128];

    (void)snprintf(body, sizeof body,
                   "{\"address\":\"%s\",\"usage\":\"whatsapp\",\"consent\":true}", number);
    serve_expect(&rig, "POST", "/customerConsents", "", body, 204, "");
}

/* WhatsApp names them by one, campaigns have the other. */
static void a_number_of_two_spellings_is_withdrawn_in_both(void **state)
{
    static const char *const rows[][2] = {
        {"5215512345678", "525512345678"},
        {"5491123456789", "541123456789"},
        {"553167654321", "5531967654321"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char event[16];

        consent_to(rows[i][1]);
        (void)snprintf(event, sizeof event, "twin-%zu", i);
        write_from(event, rows[i][0], "Alto!");
        expect_consent(rows[i][0], false);
        expect_consent(rows[i][1], false);
        consent_to(rows[i][1]); /* the customer comes back; the gateway repeats itself */
        write_from(event, rows[i][0], "Alto!");
        expect_consent(rows[i][1], true);
    }
}

static void capitals_and_marks_written_apart_are_the_word(void **state)
{
    static const char *const texts[] = {"DỪNG", "du\u031b\u0300ng", "\u2068Dừng.\u2069"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char event[16];

        consent_to("+84912345678");
        (void)snprintf(event, sizeof event, "word-%zu", i);
        write_from(event, "84912345678", texts[i]);
        expect_consent("84912345678", false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_of_two_spellings_is_withdrawn_in_both),
        cmocka_unit_test(capitals_and_marks_written_apart_are_the_word),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
