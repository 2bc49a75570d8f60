/* echo: of what a destination says, its own words are shown, and what it repeats of the event is
 * not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/echo.h"
#include "bridge/io/json_in.h"

#include <string.h>

#define MESSAGE                                                                                    \
    "{\"message\":\"Hello Sam,\\nyour table for two is ready\",\"source\":\"sms-queue\","          \
    "\"subType\":\"sms\",\"destinations\":[{\"address\":\"+358401234567\"},"                       \
    "{\"address\":\"sam@greeneggs.ham\"},{\"address\":\"153\"}]}"

static const char *shown(const char *type, const char *body, const char *rest, const char *said,
                         char out[256])
{
    struct buf privates;

    buf_init(&privates, ECHO_PRIVATE_MAX);
    echo_gather(event_type_find(view_of(type), VIEW("")), view_of(body), view_of(rest),
                json_in_read, &privates);
    echo_mask(view_of(said), "Bad Request", &privates, VIEW_NONE, out, 256);
    buf_done(&privates);
    return out;
}

static void its_own_words_stay_and_what_it_repeats_goes(void **state)
{
    static const struct {
        const char *said;
        const char *shown;
    } rows[] = {
        {"", ""},
        {"Chat queue not found: 'sms-queue'", "Chat queue not found: 'sms-queue'"},
        {"lastResult is 'GONE'; allowed are A, B", "lastResult is 'GONE'; allowed are A, B"},
        {"it doesn't like that, it can't", "it doesn't like that, it can't"},
        {"\r\n  the second line is the first with words\r\nand this is the third",
         "the second line is the first with words"},
        /* whole values, in any case, with or without quotes */
        {"no route to sam@greeneggs.ham", "no route to s…@greeneggs.ham"},
        {"no route to <SAM@GREENEGGS.HAM>", "no route to <S…@GREENEGGS.HAM>"},
        {"no route to 153, nor to 1532", "no route to (3 characters), nor to 1532"},
        {"no route to +358 40 1234567", "no route to +…567"},
        {"bad +358401234567 your table for two is ready", "bad +…567 (27 characters)"},
        {"bad your table for two is ready 0401234567", "bad (27 characters) …567"},
        {"bad text Hello Sam, in it", "bad text (10 characters) in it"},
        {"bad: your table for two is ready", "bad: (27 characters)"},
        {"bad: message=Hello%20Sam%2C&to=sam%40greeneggs.ham",
         "bad: message=(10 characters)&to=s…@greeneggs.ham"},
        {"bad: your+table+for+two+is+ready%0a%00%zz", "bad: (27 characters)?%00%zz"},
        /* pieces */
        {"bad text: ur table for tw...", "bad text: (15 characters)..."},
        {"for two", "for two"}, /* shorter than a piece */
        /* quotes */
        {"the value 'Hello Sam' is bad", "the value '(9 characters)' is bad"},
        {"the value \"table\" is bad", "the value \"(5 characters)\" is bad"},
        {"the value \"chair\" is bad", "the value \"chair\" is bad"},
        {"in `two chairs", "in `(10 characters)"},
        {"{\"error\":\"bad\",\"message\":\"Hello Sam,\\nyour table\"}",
         "{\"error\":\"bad\",\"message\":\"(22 characters)\"}"},
        {"'", "'"},
        {"the value '' is bad", "the value '' is bad"},
        {"the \"\"bad-your table for\" end", "the \"(19 characters)\" end"},
        {"'an apostrophe's word'", "'an apostrophe's word'"},
        {"'an apostrophe's table'", "'(21 characters)'"},
        {"{\"error\":{\"code\":17,\"message\":\"No such sender.\",\"at\":\"to\"}}",
         "{\"error\":{\"code\":17,\"message\":\"No such sender.\",\"at\":\"to\"}}"},
        {"{\"error\":\"no route to sam@greeneggs.ham or 'two' of that name\"}",
         "{\"error\":\"no route to s…@greeneggs.ham or '(3 characters)' of that name\"}"},
        {"{\"error\":\"refused, nobody gets your table for two is ready",
         "{\"error\":\"refused, nobody gets (27 characters)"},
        /* coded */
        {"bad text: SGVsbG8gU2FtLAp5b3VyIHRhYmxlIGZvciB0d28=.", "bad text: (40 characters)."},
        {"bad 'eyJhZGRyZXNzIjoiKzM1ODQwMTIzNDU2NyJ9'", "bad '(36 characters)'"},
        {"to=KzM1ODQwMTIzNDU2NyA_&x", "to=(20 characters)&x"},
        {"bad text: 48656C6C6F2053616D2C2079 end", "bad text: (24 characters) end"},
        {"id 7E1C2B3F9A4D4E5FA6B7C8D9E0F1A2B3 is taken",
         "id 7E1C2B3F9A4D4E5FA6B7C8D9E0F1A2B3 is taken"},
        {"no InternalServerErrorException here", "no InternalServerErrorException here"},
        {"bad: y\\u006fur table &#102;&#x6f;r two", "bad: (18 characters)"},
        /* a page, JSON, or a URL in the other */
        {"<p>bad:&nbsp;your&nbsp;table<br>for  two is ready</p>", "bad: (28 characters)"},
        {"bad: your-table-for-two-is-ready", "bad: (27 characters)"},
        {"bad: your%2520table%2520for%2520two", "bad: (18 characters)"},
        {"bad: your &amp;#116;able for two", "bad: (18 characters)"},
        /* a number, whatever parts its digits */
        {"no route to 358,401,234,567", "no route to …567"},
        {"no route to 358_40_123_45_67!", "no route to …567!"},
        {"no route to 3584:0123:4567", "no route to …567"},
        {"no route to ３５８４０１２３４５６７", "no route to …567"},
        {"no route to 358%2520401 234_567", "no route to …567"},
        {"at 10:51:04, code 12", "at 10:51:04, code 12"},
        {"at 2011-12-31T13:15:30.123Z of 358_401_234_567", "at 2011-12-31T13:15:30.123Z of …567"},
        {"no id 7709311E-0014-4664-8472-00192C96BFA9",
         "no id 7709311E-0014-4664-8472-00192C96BFA9"},
        /* what is no text */
        {"a\x01"
         "b \xff",
         "a?b ?"},
    };
    char out[256];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        shown("message.requested", MESSAGE, "m1", rows[i].said, out);
        if (strcmp(out, rows[i].shown) != 0)
            fail_msg("'%s' became '%s', not '%s'", rows[i].said, out, rows[i].shown);
    }
}

static void a_consent_s_address_and_remarks_are_private_too(void **state)
{
    char out[256];

    (void)state;
    assert_string_equal(shown("customerconsent.deleted", "", "whatsapp_sam.i.am",
                              "no consent of sam.i.am, whatsapp", out),
                        "no consent of (8 characters), whatsapp");
    assert_string_equal(
        shown("contact.remarks.added", "Sam is angry", "c1", "remark too long: sam is angry", out),
        "remark too long: (12 characters)");
    assert_string_equal(shown("contact.remarks.added", "Sam\rwants two tables\r\nand tea", "c1",
                              "no: wants two tables, and tea", out),
                        "no: (16 characters), (7 characters)");
    assert_string_equal(shown("message.cancelled", "", "my_ref", "my_ref is ref", out),
                        "my_ref is ref");
}

/* What went through a character set that lacks its letters, or came back in capitals. */
static void a_text_is_known_without_the_letters_that_were_lost(void **state)
{
    static const char *const said[] = {
        "not allowed: Hyvää yötä, älä häiritse",
        "not allowed: HYVÄÄ YÖTÄ, ÄLÄ HÄIRITSE",
        "not allowed: Hyv?? y?t?, ?l? h?iritse",
        "not allowed: Hyv\xe4\xe4 y\xf6t\xe4, \xe4l\xe4 h\xe4iritse",
        "not allowed: Hyv&auml;&auml; y&ouml;t&auml;, &auml;l&auml; h&auml;iritse",
        ("not allowed: Hyv\\xc3\\xa4\\xc3\\xa4 y\\xc3\\xb6t\\xc3\\xa4, "
         "\\xc3\\xa4l\\xc3\\xa4 h\\xc3\\xa4iritse"),
    };
    char out[256];

    (void)state;
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        shown("contact.remarks.added", "Hyvää yötä, älä häiritse", "c", said[i], out);
        if (strstr(out, "iritse") != NULL || strstr(out, "IRITSE") != NULL ||
            strstr(out, "Hyv") != NULL || strncmp(out, "not allowed: ", 13) != 0)
            fail_msg("'%s' became '%s'", said[i], out);
    }
}

/* What has no ASCII letters to be known by is not shown in any encoding, nor is anything like it.
 */
static void where_a_value_is_not_ascii_nothing_else_that_is_not_is_shown(void **state)
{
    static const struct {
        const char *value;
        const char *said;
        const char *shown;
    } rows[] = {
        {"Привет, как дела", "нет: ПРИВЕТ, КАК ДЕЛА! (5)", "???: (16 characters)! (5)"},
        {"Привет", "no: =D0=9F=D1=80=D0=B8, size=80", "no: ?, size=80"},
        {"Привет", "no: \xc3\x90\xc2\x9f\xc3\x91\xc2\x80", "no: ????"}, /* as Latin-1 */
        {"Привет", "no: \xcf\xf0\xe8\xe2\xe5\xf2", "no: ??????"},       /* in windows-1251 */
        {"Привет", "no: \\u041f\\u0440 &#1080;\\x{432}", "no: ?? ??"},
        {"李明", "no 李明 in 李明希 or 'ab'", "no (2 characters) in ??? or 'ab'"},
        {"Öy", "no Öy in Übung", "no (2 characters) in ?bung"},
        {"Käse", "ungültig: Käse, Kase, K=C3=A4se; lang=DE",
         "ung?ltig: (4 characters), (4 characters), (9 characters); lang=DE"},
        {"Käse", "{\"error\":\"bad\",\"text\":\"kase\"}",
         "{\"error\":\"bad\",\"text\":\"(4 characters)\"}"},
        {"Käse", "K%C3%A4se is K\\u00e4se", "(4 characters) is (4 characters)"},
        {"käthe@kaese.de", "no kathe@kaese.de, k=C3=A4the@kaese.de",
         "no (14 characters), (19 characters)"},
        {"käthe@kaese.de", "no käthe@kaese.de", "no k…@kaese.de"},
        {"Käse", "K=C3=A4se", "(9 characters)"},
        {"cheese", "ungültig: cheese", "ungültig: (6 characters)"},
    };
    char out[256];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        shown("contact.remarks.added", rows[i].value, "c", rows[i].said, out);
        if (strcmp(out, rows[i].shown) != 0)
            fail_msg("'%s' became '%s', not '%s'", rows[i].said, out, rows[i].shown);
    }
}

static void where_not_all_can_be_looked_for_nothing_is_shown(void **state)
{
    char body[ECHO_PRIVATE_MAX + 64];
    char out[256];

    (void)state;
    memset(body, 'x', sizeof body);
    body[sizeof body - 1] = '\0';
    assert_string_equal(shown("contact.remarks.added", body, "c1", "too long\nsaid so", out),
                        "Bad Request; (8 characters)");
    assert_string_equal(shown("message.requested", "{}", "m1", "too long", out),
                        "Bad Request; (8 characters)");
}

static void a_long_line_is_cut_without_its_private_end(void **state)
{
    char said[ECHO_LINE_MAX + 64];
    struct buf privates;
    char out[32];

    (void)state;
    memset(said, 'y', sizeof said);
    memcpy(said + ECHO_LINE_MAX - 6, " 'Hello Sam,'", 14);
    buf_init(&privates, ECHO_PRIVATE_MAX);
    echo_mask((struct view){said, sizeof said}, "", &privates, VIEW_NONE, out, sizeof out);
    assert_int_equal(strlen(out), sizeof out - 1);
    buf_done(&privates);
}

static void nothing_is_shown_of_what_the_request_signed_on_with(void **state)
{
    static const struct {
        const char *said;
        const char *shown;
    } rows[] = {
        {"bad credentials: Basic YnJpZDpzZWhyLWdlaGVpbQ== / brid:sehr-geheim for brid",
         "bad credentials: Basic (24 characters) / (16 characters) for brid"},
        {"the token sehr-geheim@here.com is old", "the token (20 characters) is old"},
        {"the password is sehr-geheim, not that", "the password is (11 characters), not that"},
        {"the password is \"sehr-geheim\"", "the password is \"(11 characters)\""},
        {"the key '4711' is none, nor is 47110815",
         "the key '(4 characters)' is none, nor is …815"},
        {"the key sehr-geheim@her is cut", "the key (15 characters) is cut"},
        {"sehr-geheim@here.com is no sam@greeneggs.ham", "(20 characters) is no s…@greeneggs.ham"},
    };
    static const char *const known[] = {"brid:sehr-geheim",
                                        "YnJpZDpzZWhyLWdlaGVpbQ==",
                                        "sehr-geheim",
                                        "sehr-geheim@here.com",
                                        "4711",
                                        "",
                                        NULL};
    struct buf privates;
    struct buf secrets;
    char out[256];

    (void)state;
    buf_init(&privates, ECHO_PRIVATE_MAX);
    buf_put(&privates, VIEW("sam@greeneggs.ham\0sehr-geheim@here.com\0"));
    buf_init(&secrets, 256);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        echo_add_secret(&secrets, known[i]);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(
            echo_mask(view_of(rows[i].said), "", &privates, buf_view(&secrets), out, sizeof out),
            rows[i].shown);
    buf_done(&privates);
    buf_done(&secrets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_shown_of_what_the_request_signed_on_with),
        cmocka_unit_test(its_own_words_stay_and_what_it_repeats_goes),
        cmocka_unit_test(a_consent_s_address_and_remarks_are_private_too),
        cmocka_unit_test(a_text_is_known_without_the_letters_that_were_lost),
        cmocka_unit_test(where_a_value_is_not_ascii_nothing_else_that_is_not_is_shown),
        cmocka_unit_test(where_not_all_can_be_looked_for_nothing_is_shown),
        cmocka_unit_test(a_long_line_is_cut_without_its_private_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
