/* conf: an origin is one that a browser may say, else it is a mistake that is told of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/conf.h"

#include <stdio.h>
#include <string.h>

#define MISTAKES_MAX 65536

static void an_origin_is_what_a_browser_says(void **state)
{
    static const char form[] = "write it like https://desk.example.com:8443, with nothing behind";
    static const char port[] = " out, as browsers do";
    static const struct {
        const char *origin;
        const char *says; /* words of the sentence; NULL: it may be one */
    } rows[] = {
        {"https://desk.example.com", NULL},
        {"http://localhost:3000", NULL},
        {"file://", NULL},
        {"HTTPS://Desk.Example.com:8443", NULL},
        {"http://[::1]:8080", NULL},
        {"http://127.0.0.1", NULL},
        {"http://desk.example.com:443", NULL},
        {"capacitor://localhost", NULL},
        {"*", "each origin that may must be named"},
        {"null", "which is what pages of any sandbox and file say"},
        {"https://desk.example.com/", form},
        {"https://desk.example.com/desk", form},
        {"https://desk.example.com?a", form},
        {"https://desk.example.com#a", form},
        {"https://*.example.com", form},
        {"desk.example.com", form},
        {"desk.example.com:8443", form},
        {"//desk.example.com", form},
        {"https:desk.example.com", form},
        {"https://", form},
        {"https://:8443", form},
        {"https://desk.example.com:", form},
        {"https://desk.example.com:0", form},
        {"https://desk.example.com:65536", form},
        {"https://desk.example.com https://a.example", form},
        {"1https://desk.example.com", form},
        {"https://desk.example.com:443", port},
        {"http://[::1]:80", port},
        {"https://bob:hunter2@desk.example.com", "names a user; an origin is scheme://host[:port]"},
        {"", "is empty"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char yaml[256];
        struct conf *c;
        struct buf b;

        snprintf(yaml, sizeof yaml, "server: {cors: {origins: ['https://a.example', '%s']}}\n",
                 rows[i].origin);
        buf_init(&b, MISTAKES_MAX);
        c = conf_parse("f", view_of(yaml), 0, &b);
        if ((c != NULL) != (rows[i].says == NULL) ||
            (c == NULL && (strstr(buf_text(&b), rows[i].says) == NULL ||
                           strstr(buf_text(&b), "f:1: server.cors.origins[1] ") == NULL)))
            fail_msg("'%s': %s", rows[i].origin, b.n > 0 ? buf_text(&b) : "was taken");
        assert_null(strstr(buf_text(&b), "hunter2"));
        conf_free(c);
        buf_done(&b);
    }
}

static void every_mistake_is_told_of_at_once(void **state)
{
    struct conf *c;
    struct buf b;

    (void)state;
    buf_init(&b, MISTAKES_MAX);
    c = conf_parse("f",
                   VIEW("server:\n  cors:\n    origins:\n      - '*'\n      - https://a.example/\n"
                        "      - a.example\n"),
                   0, &b);
    assert_null(c);
    assert_string_equal(
        buf_text(&b),
        "f:4: server.cors.origins[0] is '*'; pages call with the user's credentials, so each "
        "origin that may must be named\n"
        "f:5: server.cors.origins[1] is 'https://a.example/'; write it like "
        "https://desk.example.com:8443, with nothing behind\n"
        "f:6: server.cors.origins[2] is 'a.example'; write it like "
        "https://desk.example.com:8443, with nothing behind\n");
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_origin_is_what_a_browser_says),
        cmocka_unit_test(every_mistake_is_told_of_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
