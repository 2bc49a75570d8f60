/* dn: a certificate's name, however it is spelled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/dn.h"

#define ROOM 1024

static void expect(struct view text, const char *wanted)
{
    struct fault f = {0};
    struct buf got;

    buf_init(&got, ROOM);
    if (!dn_read(text, &got, &f))
        fail_msg("%.*s: %s", VIEW_ARG(text), f.text);
    assert_string_equal(buf_text(&got), wanted);
    buf_done(&got);
}

static void many_spellings_are_one_name(void **state)
{
    static const char *const rows[][2] = {
        {"CN=maija,O=Example", "CN=maija,O=Example"},
        {"subject=CN=maija,O=Example", "CN=maija,O=Example"},
        {"cn = maija , OID.2.5.4.10 = Example", "CN=maija,O=Example"},
        {"commonName=maija,2.5.4.10=#13074578616d706c65", "CN=maija,O=Example"},
        {"CN=M\\C3\\A4kinen P\\c3\\a4ivi", "CN=Mäkinen Päivi"},
        {"CN=Mäkinen Päivi", "CN=Mäkinen Päivi"},
        {"CN=#0c104dc3a46b696e656e2050c3a469766920", "CN=Mäkinen Päivi\\ "},
        {"EMAIL=a@b.fi,E=a@b.fi", "emailAddress=a@b.fi,emailAddress=a@b.fi"},
        {"serialNumber=77+CN=x,O=Ex", "CN=x+serialNumber=77,O=Ex"},
        {"CN=x+serialNumber=77,O=Ex", "CN=x+serialNumber=77,O=Ex"},
        {"SN=S,surName=S,GN=M,givenName=M,title=Dr", "SN=S,SN=S,GN=M,GN=M,title=Dr"},
        {"organizationIdentifier=VATFI-123", "organizationIdentifier=VATFI-123"},
        {"2.5.4.97=#0c0956415446492d313233", "organizationIdentifier=VATFI-123"},
        {"jurisdictionOfIncorporationCountryName=FI", "jurisdictionC=FI"},
        {"1.2.3.4=x", "1.2.3.4=x"},
        {"1.2.3.4=#0403414243", "1.2.3.4=#0403414243"}, /* no text */
        {"1.2.3.4=#0C02C3", "1.2.3.4=#0c02c3"},         /* cut */
        {"1.2.3.4=#0c01ff", "1.2.3.4=#0c01ff"},         /* no UTF-8 */
        {"1.2.3.4=#1e02d800", "1.2.3.4=#1e02d800"},     /* half a character */
        {"CN=#1e0400c40061", "CN=Äa"},
        {"CN=#1c04000000c4", "CN=Ä"},
        {"CN=#1401c4", "CN=Ä"},
        {"O=Doe\\, John \\+ Co\\\\", "O=Doe\\, John \\+ Co\\\\"},
        {"O=Doe\\2C John \\2b Co\\5C", "O=Doe\\, John \\+ Co\\\\"},
        {"O=\\ a b\\ ", "O=\\ a b\\ "},
        {"O=\\#a#b", "O=\\#a#b"},
        {"O=\\0a\\00", "O=\\0a\\00"},
        {"O=#0c03610062", "O=a\\00b"},
        {"O=a=b", "O=a=b"},
        {"O=", "O="},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect(view_of(rows[i][0]), rows[i][1]);
        expect(view_of(rows[i][1]), rows[i][1]); /* which is as it is */
    }
}

static void other_names_stay_apart(void **state)
{
    static const char *const rows[] = {
        "CN=maija,O=Example", "O=Example,CN=maija",   "CN=Maija,O=Example",    "CN=maija+O=Example",
        "CN=maija",           "CN=maija\\,O=Example", "CN=maija\\ ,O=Example",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(view_of(rows[i]), rows[i]);
}

static void what_a_certificate_has_is_read_like_text(void **state)
{
    char longer[300];
    struct buf put;

    (void)state;
    buf_init(&put, ROOM);
    dn_put(VIEW("2.5.4.3"), 0x0c, VIEW("Mäki"), &put);
    buf_put_char(&put, '+');
    dn_put(VIEW("2.5.4.5"), 0x13, VIEW("a,b"), &put);
    buf_put_char(&put, ',');
    dn_put(VIEW("1.2.3"), 0x04, VIEW("A"), &put);
    expect(buf_view(&put), "CN=Mäki+serialNumber=a\\,b,1.2.3=#040141");
    memset(longer, 'x', sizeof longer);
    for (size_t n = 126; n < sizeof longer; n += 43) {
        char wanted[sizeof longer + 4] = "CN=";

        memcpy(wanted + 3, longer, n);
        wanted[3 + n] = '\0';
        buf_clear(&put);
        dn_put(VIEW("2.5.4.3"), 0x0c, (struct view){longer, n}, &put);
        expect(buf_view(&put), wanted);
    }
    buf_done(&put);
}

static void what_is_no_name_is_named(void **state)
{
    static const char *const rows[][2] = {
        {"", "(0 characters) is no attribute and value, as CN=maija; a comma or '+' of a value "
             "needs a backslash before it"},
        {"CN=x,", "(0 characters) is no attribute and value, as CN=maija; a comma or '+' of a "
                  "value needs a backslash before it"},
        {"CN=Doe, John", "(5 characters) is no attribute and value, as CN=maija; a comma or '+' of "
                         "a value needs a backslash before it"},
        {"CN=x,colour=red", "there is no attribute colour; one by a name that is not known here "
                            "is written by its number (OID), as 2.5.4.3"},
        {"CN=a\\x", "the value of CN is neither UTF-8, with a backslash before what is no letter "
                    "of it (\\, or \\C3), nor # and hex digits"},
        {"CN=\\C3", "the value of CN is neither UTF-8, with a backslash before what is no letter "
                    "of it (\\, or \\C3), nor # and hex digits"},
        {"CN=#xy", "the value of CN is neither UTF-8, with a backslash before what is no letter "
                   "of it (\\, or \\C3), nor # and hex digits"},
        {"CN=#", "the value of CN is neither UTF-8, with a backslash before what is no letter "
                 "of it (\\, or \\C3), nor # and hex digits"},
        {"CN=1+CN=2+CN=3+CN=4+CN=5+CN=6+CN=7+CN=8+CN=9",
         "more than 8 attributes are joined by '+'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault f = {0};
        struct buf got;

        buf_init(&got, ROOM);
        assert_false(dn_read(view_of(rows[i][0]), &got, &f));
        assert_string_equal(f.text, rows[i][1]);
        assert_int_equal(f.cls, FAULT_REJECT);
        buf_done(&got);
    }
}

static void what_is_too_long_fills_the_room(void **state)
{
    static const char *const rows[] = {"CN=1234567890123456", "CN=#0c03313233343536373839",
                                       "CN=1,CN=2,CN=3,CN=4", "CN=1+CN=2+CN=3+CN=4"};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault f = {0};
        struct buf got;

        buf_init(&got, 15);
        (void)!dn_read(view_of(rows[i]), &got, &f);
        assert_true(got.full);
        buf_done(&got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_spellings_are_one_name),
        cmocka_unit_test(other_names_stay_apart),
        cmocka_unit_test(what_a_certificate_has_is_read_like_text),
        cmocka_unit_test(what_is_no_name_is_named),
        cmocka_unit_test(what_is_too_long_fills_the_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
