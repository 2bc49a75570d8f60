/* signature: the published example of Standard Webhooks, and every way to get it wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/base64.h"
#include "bridge/core/signature.h"
#include "bridge/io/crypto.h"

#include <string.h>

#define NOW_MS   INT64_C(1614265330500)
#define NOW_TEXT VIEW("1614265330")
#define ID       VIEW("msg_p5jXN8AQM9LWM0D4loKWxJek")
#define BODY     VIEW("{\"test\": 2432232314}")
#define SIGNED   "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static const struct signature_crypto crypto = {crypto_hmac_sha256, crypto_same};

static struct view example_key(struct buf *key)
{
    struct fault f = {0};

    buf_init(key, SIGNATURE_KEY_MAX);
    if (!signature_key(VIEW("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), key, &f))
        fail_msg("%s", f.text);
    return buf_view(key);
}

static void the_published_example_is_made_and_taken(void **state)
{
    struct buf key;
    struct view keys[2] = {VIEW("another key of thirty-two bytes."), example_key(&key)};
    char text[SIGNATURE_TEXT_MAX];
    struct fault f = {0};

    (void)state;
    signature_make(crypto_hmac_sha256, keys[1], ID, NOW_MS / 1000, BODY, text);
    assert_string_equal(text, SIGNED);
    assert_true(signature_check(&crypto, keys, 2, ID, NOW_TEXT, VIEW(SIGNED), BODY, NOW_MS, &f));
    assert_true(signature_check(&crypto, keys, 2, ID, NOW_TEXT, VIEW("v1a,x v1,y " SIGNED), BODY,
                                NOW_MS, &f));
    buf_done(&key);
}

static void what_is_off_in_any_way_is_refused(void **state)
{
    const struct {
        struct view id;
        struct view timestamp;
        struct view header;
        struct view body;
        int64_t wall_ms;
        bool taken;
    } rows[] = {
        {ID, NOW_TEXT, VIEW(SIGNED), BODY, NOW_MS + 300 * 1000, true},
        {ID, NOW_TEXT, VIEW(SIGNED), BODY, NOW_MS - 300 * 1000, true},
        {ID, NOW_TEXT, VIEW(SIGNED), BODY, NOW_MS + 301 * 1000, false}, /* too old */
        {ID, NOW_TEXT, VIEW(SIGNED), BODY, NOW_MS - 301 * 1000, false}, /* from the future */
        {VIEW("msg_p5jXN8AQM9LWM0D4loKWxJeK"), NOW_TEXT, VIEW(SIGNED), BODY, NOW_MS, false},
        {VIEW_NONE, NOW_TEXT, VIEW(SIGNED), BODY, NOW_MS, false},
        {ID, VIEW("1614265331"), VIEW(SIGNED), BODY, NOW_MS, false},
        {ID, VIEW_NONE, VIEW(SIGNED), BODY, NOW_MS, false},
        {ID, VIEW("1614265330.0"), VIEW(SIGNED), BODY, NOW_MS, false},
        {ID, VIEW("-1"), VIEW(SIGNED), BODY, NOW_MS, false},
        {ID, VIEW("99999999999999999999"), VIEW(SIGNED), BODY, NOW_MS, false},
        {ID, NOW_TEXT, VIEW_NONE, BODY, NOW_MS, false},
        {ID, NOW_TEXT, VIEW("v1,"), BODY, NOW_MS, false},
        {ID, NOW_TEXT, VIEW("v1"), BODY, NOW_MS, false},
        {ID, NOW_TEXT, VIEW("V1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="), BODY, NOW_MS,
         false},
        {ID, NOW_TEXT, VIEW("v1,g0hm9sse+otpjtgt/tmiktsyzle3ufjelvlnioljoe=="), BODY, NOW_MS,
         false},
        {ID, NOW_TEXT, VIEW("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE"), BODY, NOW_MS, false},
        {ID, NOW_TEXT, VIEW(SIGNED), VIEW("{\"test\":2432232314}"), NOW_MS, false}, /* re-encoded */
        {ID, NOW_TEXT, VIEW(SIGNED), VIEW("{\"test\": 2432232315}"), NOW_MS, false},
        {ID, NOW_TEXT, VIEW(SIGNED), VIEW_NONE, NOW_MS, false},
    };
    struct buf key;
    struct view k = example_key(&key);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault f = {0};
        bool taken = signature_check(&crypto, &k, 1, rows[i].id, rows[i].timestamp, rows[i].header,
                                     rows[i].body, rows[i].wall_ms, &f);

        if (taken != rows[i].taken)
            fail_msg("row %zu: %s", i, f.text);
        assert_int_equal(f.cls, taken ? FAULT_NONE : FAULT_REJECT);
    }
    buf_done(&key);
}

static void every_flipped_bit_of_the_body_is_seen(void **state)
{
    char body[] = "{\"test\": 2432232314}";
    struct buf key;
    struct view k = example_key(&key);

    (void)state;
    for (size_t bit = 0; bit < 8 * (sizeof body - 1); bit++) {
        struct fault f = {0};

        body[bit / 8] = (char)(body[bit / 8] ^ 1 << bit % 8);
        assert_false(
            signature_check(&crypto, &k, 1, ID, NOW_TEXT, VIEW(SIGNED), view_of(body), NOW_MS, &f));
        body[bit / 8] = (char)(body[bit / 8] ^ 1 << bit % 8);
    }
    buf_done(&key);
}

static void a_secret_has_its_form(void **state)
{
    static const char *const bad[] = {
        "",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2La", /* 21 bytes */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!",
        ("whsec_"
         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
         "AAAA"), /* 66 bytes */
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buf key;
        struct fault f = {0};

        buf_init(&key, 1024);
        if (signature_key(view_of(bad[i]), &key, &f))
            fail_msg("taken: %s", bad[i]);
        assert_null(strstr(f.text, "MfKQ"));
        buf_done(&key);
    }
}

static void base64_is_written_as_rfc_4648_has_it(void **state)
{
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"},
                                          {"\xff\xfe\xfd", "//79"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out;
        struct buf back;

        buf_init(&out, 64);
        buf_init(&back, 64);
        base64_encode(view_of(rows[i][0]), &out);
        assert_string_equal(buf_text(&out), rows[i][1]);
        assert_true(base64_decode(buf_view(&out), &back));
        assert_string_equal(buf_text(&back), rows[i][0]);
        buf_done(&out);
        buf_done(&back);
    }
}

static void a_hex_digest_is_lower_case(void **state)
{
    /* RFC 4231, test case 2. */
    const char *hex = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

    (void)state;
    assert_true(signature_is_hex(&crypto, VIEW("Jefe"), VIEW("what do ya want for nothing?"),
                                 view_of(hex)));
    assert_false(signature_is_hex(&crypto, VIEW("Jefe"), VIEW("what do ya want for nothing!"),
                                  view_of(hex)));
    assert_false(signature_is_hex(&crypto, VIEW("Jefe"), VIEW("what do ya want for nothing?"),
                                  VIEW("5BDC")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_example_is_made_and_taken),
        cmocka_unit_test(what_is_off_in_any_way_is_refused),
        cmocka_unit_test(every_flipped_bit_of_the_body_is_seen),
        cmocka_unit_test(a_secret_has_its_form),
        cmocka_unit_test(base64_is_written_as_rfc_4648_has_it),
        cmocka_unit_test(a_hex_digest_is_lower_case),
    };

    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
