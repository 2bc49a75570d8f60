/* cors: which requests of pages may change something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/cors.h"

static size_t put(struct http_field *fields, size_t n, const char *name, const char *value)
{
    if (value == NULL)
        return n;
    fields[n] = (struct http_field){view_of(name), view_of(value)};
    return n + 1;
}

static void no_page_of_another_origin_may_write(void **state)
{
    static const struct {
        const char *origin, *site, *host;
        bool plain, https; /* may it, at a server without and with TLS? */
    } rows[] = {
        /* no page: curl, a back end */
        {NULL, NULL, "cmi:8080", true, true},
        {NULL, NULL, NULL, true, true},
        {NULL, "none", "cmi:8080", true, true},
        /* the server's own */
        {"http://cmi:8080", NULL, "cmi:8080", true, false},
        {"https://cmi:8080", NULL, "cmi:8080", true, true}, /* a proxy may do TLS */
        {"HTTPS://CMI:8080", NULL, "cmi:8080", true, true},
        {"https://[::1]:8080", NULL, "[::1]:8080", true, true},
        {"https://cmi.example.com", "same-origin", "127.0.0.1:8080", true, true},
        {NULL, "same-origin", "cmi:8080", true, true},
        {NULL, "Same-Origin", "cmi:8080", true, true},
        /* configured */
        {"https://desk.example.com", NULL, "cmi:8080", true, true},
        {"https://desk.example.com", "cross-site", "cmi:8080", true, true},
        {"https://desk.example.com", "same-site", "cmi:8080", true, true},
        {"https://DESK.example.com", "cross-site", NULL, true, true},
        /* strangers */
        {"https://desk.example.org", NULL, "cmi:8080", false, false},
        {"https://desk.example.org", "cross-site", "cmi:8080", false, false},
        {"https://desk.example.org", "same-site", "cmi:8080", false, false},
        {"https://desk.example.org", "none", "cmi:8080", false, false},
        {"https://desk.example.com.evil.org", NULL, "cmi:8080", false, false},
        {"https://desk.example.com:8443", NULL, "cmi:8080", false, false},
        {"http://desk.example.com", NULL, "cmi:8080", false, false},
        {"http://cmi:8081", NULL, "cmi:8080", false, false},
        {"http://cmi", NULL, "cmi:8080", false, false},
        {"https://cmi:8080.evil.org", NULL, "cmi:8080", false, false},
        {"ftp://cmi:8080", NULL, "cmi:8080", false, false},
        {"https://", NULL, "", false, false},
        {"https://cmi", NULL, NULL, false, false},
        {"null", NULL, "cmi:8080", false, false},
        {"null", NULL, "null", false, false},
        {"null", "cross-site", "cmi:8080", false, false},
        {"", NULL, "cmi:8080", false, false},
        {"", NULL, "", false, false},
        {NULL, "cross-site", "cmi:8080", false, false},
        {NULL, "same-site", "cmi:8080", false, false},
        {NULL, "something-new", "cmi:8080", false, false},
    };

    (void)state;
    for (int https = 0; https <= 1; https++) {
        struct cors *c = cors_new();

        cors_allow(c, "https://desk.example.com");
        if (https)
            cors_https(c);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            struct http_field fields[3];
            size_t n = put(fields, 0, "host", rows[i].host);

            n = put(fields, n, "origin", rows[i].origin);
            n = put(fields, n, "sec-fetch-site", rows[i].site);
            if (cors_may_write(c, fields, n) != (https ? rows[i].https : rows[i].plain))
                fail_msg("row %zu, %s", i, https ? "with TLS" : "without");
        }
        cors_free(c);
    }
}

static void what_is_said_twice_is_believed_neither_time(void **state)
{
    const struct http_field origins[] = {{VIEW("Origin"), VIEW("https://desk.example.com")},
                                         {VIEW("Origin"), VIEW("https://desk.example.com")}};
    const struct http_field sites[] = {{VIEW("Sec-Fetch-Site"), VIEW("same-origin")},
                                       {VIEW("Sec-Fetch-Site"), VIEW("same-origin")}};
    struct cors *c = cors_new();

    (void)state;
    cors_allow(c, "https://desk.example.com");
    assert_true(cors_may_write(c, origins, 1));
    assert_false(cors_may_write(c, origins, 2));
    assert_true(cors_may_write(c, sites, 1));
    assert_false(cors_may_write(c, sites, 2));
    cors_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_page_of_another_origin_may_write),
        cmocka_unit_test(what_is_said_twice_is_believed_neither_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
