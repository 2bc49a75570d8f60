/* crypto: the published vectors, and what only we say of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/crypto.h"

#include <stdio.h>
#include <string.h>

static const char *hex(const uint8_t *p, size_t n)
{
    static char out[129];

    for (size_t i = 0; i < n; i++)
        snprintf(out + 2 * i, 3, "%02x", p[i]);
    return out;
}

static void sha256_gives_the_digests_of_fips_180(void **state)
{
    static const struct {
        const char *text;
        const char *digest;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    char out[CRYPTO_SHA256_HEX];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        crypto_sha256_hex(view_of(rows[i].text), out);
        assert_string_equal(out, rows[i].digest);
    }
    crypto_sha256_hex(VIEW_NONE, out);
    assert_string_equal(out, rows[0].digest);
}

static void sha1_gives_the_digests_of_rfc_3174(void **state)
{
    static const struct {
        const char *text;
        const char *digest;
    } rows[] = {
        {"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
    };
    uint8_t out[20];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        crypto_sha1(view_of(rows[i].text), out);
        assert_string_equal(hex(out, sizeof out), rows[i].digest);
    }
}

static void hmac_gives_the_digests_of_rfc_4231(void **state)
{
    char long_key[131];
    char twenty[21];
    struct view key;
    uint8_t out[CRYPTO_SHA256_LEN];

    (void)state;
    memset(twenty, 0x0b, sizeof twenty);
    key = (struct view){twenty, 20};
    crypto_hmac_sha256(key, VIEW("Hi There"), out);
    assert_string_equal(hex(out, sizeof out),
                        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    crypto_hmac_sha256(VIEW("Jefe"), VIEW("what do ya want for nothing?"), out);
    assert_string_equal(hex(out, sizeof out),
                        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(long_key, 0xaa, sizeof long_key); /* longer than a block: hashed first */
    key = (struct view){long_key, sizeof long_key};
    crypto_hmac_sha256(key, VIEW("Test Using Larger Than Block-Size Key - Hash Key First"), out);
    assert_string_equal(hex(out, sizeof out),
                        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void comparison_sees_length_and_every_byte(void **state)
{
    (void)state;
    assert_true(crypto_same(VIEW("secret"), VIEW("secret")));
    assert_false(crypto_same(VIEW("secret"), VIEW("secreT")));
    assert_false(crypto_same(VIEW("secret"), VIEW("secre")));
    assert_true(crypto_same(VIEW_NONE, VIEW("")));
    assert_false(crypto_same(VIEW_NONE, VIEW("x")));
}

static void identifiers_of_the_same_names_are_the_same(void **state)
{
    struct guid a = crypto_guid_of(VIEW("user"), VIEW("key"));
    struct guid same = crypto_guid_of(VIEW("user"), VIEW("key"));
    struct guid other = crypto_guid_of(VIEW("use"), VIEW("rkey"));
    uint8_t digest[20];
    struct guid expected;

    (void)state;
    crypto_sha1(VIEW("user\nkey"), digest);
    expected = guid_v5_of_digest(digest);
    assert_true(guid_eq(&a, &expected));
    assert_true(guid_eq(&a, &same));
    assert_false(guid_eq(&a, &other));
    assert_int_equal(a.bytes[6] >> 4, 5);
}

static void random_identifiers_differ(void **state)
{
    struct guid a = crypto_guid_random();
    struct guid b = crypto_guid_random();

    (void)state;
    assert_false(guid_eq(&a, &b));
    assert_int_equal(a.bytes[6] >> 4, 4);
    assert_int_equal(a.bytes[8] >> 6, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_digests_of_fips_180),
        cmocka_unit_test(sha1_gives_the_digests_of_rfc_3174),
        cmocka_unit_test(hmac_gives_the_digests_of_rfc_4231),
        cmocka_unit_test(comparison_sees_length_and_every_byte),
        cmocka_unit_test(identifiers_of_the_same_names_are_the_same),
        cmocka_unit_test(random_identifiers_differ),
    };

    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
