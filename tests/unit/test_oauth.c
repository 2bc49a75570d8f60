#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/oauth.h"

#include <string.h>

static void a_token_and_its_life_are_read(void **state)
{
    static const struct {
        const char *body;
        int64_t life_ms;
    } rows[] = {
        {"{\"access_token\":\"T.1-a_~+/=\",\"expires_in\":3599,\"scope\":\"\","
         "\"token_type\":\"bearer\"}",
         3599000},
        {"{\"token_type\":\"Bearer\",\"access_token\":\"T.1-a_~+/=\"}", OAUTH_LIFE_MS},
        {"{\"access_token\":\"T.1-a_~+/=\",\"expires_in\":-5}", 1000},
        {"{\"access_token\":\"T.1-a_~+/=\",\"expires_in\":9007199254740991}", OAUTH_LIFE_MAX_MS},
        {"{\"access_token\":\"T.1-a_~+/=\",\"expires_in\":\"soon\"}", OAUTH_LIFE_MS},
    };
    static struct oauth_token t;
    struct fault f = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(oauth_read(200, view_of(rows[i].body), &t, &f));
        assert_string_equal(t.text, "T.1-a_~+/=");
        assert_int_equal(t.life_ms, rows[i].life_ms);
    }
}

static void what_is_no_token_is_refused_without_a_secret_in_the_sentence(void **state)
{
    static const struct {
        int status;
        const char *body;
        const char *says;
    } rows[] = {
        {401, "{\"error\":\"invalid_client\",\"error_description\":\"key s3cret is unknown\"}",
         "the token server answered 401: invalid_client"},
        {503, "<html>s3cret</html>", "the token server answered 503"},
        {302, "", "the token server answered 302"},
        {200, "", "the token server's answer holds no access_token of 1 to 8191 characters"},
        {200, "{\"access_token\":\"s3cret\\r\\nX-Evil: 1\"}",
         "the token server's answer holds no access_token of 1 to 8191 characters"},
        {200, "{\"access_token\":\"\"}",
         "the token server's answer holds no access_token of 1 to 8191 characters"},
        {200, "{\"access_token\":\"s3cret\",\"token_type\":\"mac\"}",
         "the token server's token is no bearer token"},
        {200, "{\"access_token\":\"s3cret\",\"token_type\":7}",
         "the token server's token is no bearer token"},
    };
    static struct oauth_token t;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault f = {0};

        assert_false(oauth_read(rows[i].status, view_of(rows[i].body), &t, &f));
        assert_string_equal(f.text, rows[i].says);
        assert_int_equal(f.cls, FAULT_RETRY);
    }
}

static void a_token_is_given_up_shortly_before_its_end(void **state)
{
    (void)state;
    assert_int_equal(oauth_use_ms(3600000), 3540000);
    assert_int_equal(oauth_use_ms(10000), 9000);
    assert_int_equal(oauth_use_ms(1000), 900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_and_its_life_are_read),
        cmocka_unit_test(what_is_no_token_is_refused_without_a_secret_in_the_sentence),
        cmocka_unit_test(a_token_is_given_up_shortly_before_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
