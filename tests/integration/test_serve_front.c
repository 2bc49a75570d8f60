/* serve: what all requests have in common, against the real binary. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/exchange.h"
#include "tests/fakes/serve_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct serve_rig rig;

#define BODY "{\"customerNumber\":\"1\",\"callbackQueueNumber\":\"153\"}"
#define XML                                                                                        \
    "<callback xmlns=\"urn:any\"><customerNumber>1</customerNumber>"                               \
    "<callbackQueueNumber>153</callbackQueueNumber></callback>"

static int start(void **state)
{
    (void)state;
    setenv("CMIBRIDGE_SERVER_CORS_ORIGINS", "https://desk.example.com", 1);
    serve_rig_start(&rig, "limits: {body: 2KiB, remarks: 1KiB}\n"
                          "channels.gate: {type: webhook, url: 'http://127.0.0.1:9',\n"
                          "  signing_secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}\n");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    return 0;
}

static void each_request_is_answered_by_its_row(void **state)
{
    static const struct {
        const char *method;
        const char *path;
        const char *headers;
        const char *body;
        int status;
    } rows[] = {
        {"GET", "/callbacks", "", NULL, 200},
        {"HEAD", "/callbacks", "", NULL, 200},
        {"GET", "/callback%73", "", NULL, 200},
        /* limit, on every GET */
        {"GET", "/callbacks?limit=10000", "", NULL, 200},
        {"GET", "/callbacks?limit=10001", "", NULL, 400},
        {"GET", "/callbacks/2B8ED95B0EC911E79675005056A75D91?limit=1", "", NULL, 404},
        {"GET", "/callbacks/2B8ED95B0EC911E79675005056A75D91?limit=0", "", NULL, 400},
        {"GET", "/customerConsents/whatsapp_1?limit=10001", "", NULL, 400},
        {"GET", "/chats/2B8ED95B0EC911E79675005056A75D91?limit=x", "", NULL, 400},
        {"GET", "/contacts/2B8ED95B0EC911E79675005056A75D91/remarks?limit=-1", "", NULL, 400},
        {"GET", "/callbacks/", "", NULL, 404},
        {"GET", "/Callbacks", "", NULL, 404},
        {"GET", "", "", NULL, 404},
        {"GET", "/../callbacks", "", NULL, 404},
        {"DELETE", "/callbacks", "", NULL, 405},
        {"PATCH", "/callbacks", "", NULL, 405},
        {"POST", "/callbacks/2B8ED95B0EC911E79675005056A75D91", "", BODY, 405},
        /* Accept, on GET only */
        {"GET", "/callbacks", "Accept: */*\r\n", NULL, 200},
        {"GET", "/callbacks", "Accept: application/*\r\n", NULL, 200},
        {"GET", "/callbacks", "Accept: text/html, application/json;q=0.1\r\n", NULL, 200},
        {"GET", "/callbacks", "Accept: text/html\r\n", NULL, 406},
        {"GET", "/callbacks", "Accept: application/json;q=0\r\n", NULL, 406},
        {"GET", "/callbacks", "Accept: application/json;q=0.1,application/xml\r\n", NULL, 200},
        {"GET", "/callbacks", "Accept: text/html\r\nAccept: application/json\r\n", NULL, 200},
        {"GET", "/callbacks", "Accept: application/xml\r\n", NULL, 200},
        {"GET", "/callbacks", "Accept: text/xml, application/json;q=0.9\r\n", NULL, 200},
        {"POST", "/callbacks", "Accept: image/png\r\n", BODY, 201},
        /* Content-Type */
        {"POST", "/callbacks", "Content-Type: application/JSON; charset=\"UTF-8\"\r\n", BODY, 201},
        {"POST", "/callbacks", "Content-Type: application/json; charset=utf8\r\n", BODY, 201},
        {"POST", "/callbacks", "", "\xef\xbb\xbf" BODY, 201}, /* a byte order mark */
        {"POST", "/callbacks", "", BODY "\xef\xbb\xbf", 400},
        {"POST", "/callbacks", "", "\xef\xbb\xbf", 400},
        {"POST", "/callbacks", "Content-Type: application/xml\r\n", "\xef\xbb\xbf" XML, 201},
        {"POST", "/callbacks", "Content-Type: application/json; charset=latin1\r\n", BODY, 415},
        {"POST", "/callbacks", "Content-Type: text/plain\r\n", BODY, 415},
        {"POST", "/callbacks", "Content-Type: application/xml\r\n", BODY, 400},
        {"POST", "/callbacks", "Content-Type: application/xml\r\n", XML, 201},
        {"POST", "/callbacks", "Content-Type: TEXT/XML; charset=utf-8\r\n", XML, 201},
        {"POST", "/callbacks", "Content-Type: text/xml; charset=utf-16\r\n", XML, 415},
        {"POST", "/callbacks", "Content-Type: application/json\r\n", XML, 400},
        {"POST", "/callbacks", "Content-Type: application/xml\r\n", "<!DOCTYPE callback>" XML, 400},
        {"POST", "/callbacks", "Content-Type: application/soap+xml\r\n", XML, 415},
        {"POST", "/callbacks", "Content-Encoding: gzip\r\n", BODY, 415},
        {"POST", "/callbacks", "", "", 400},
        /* parameters */
        {"GET", "/callbacks?limit=1&language=fi&_=123&_=124", "", NULL, 200},
        {"GET", "/callbacks?limit=0", "", NULL, 400},
        {"GET", "/callbacks?limit=-1", "", NULL, 400},
        {"GET", "/callbacks?limit=1.0", "", NULL, 400},
        {"GET", "/callbacks?limit=10000", "", NULL, 200},
        {"GET", "/callbacks?limit=10001", "", NULL, 400},
        {"GET", "/callbacks?limit=1&limit=1", "", NULL, 400},
        {"GET", "/callbacks?language=fin", "", NULL, 400},
        {"GET", "/callbacks?language=f1", "", NULL, 400},
        {"GET", "/callbacks?notes=a", "", NULL, 400},
        {"GET", "/callbacks?Limit=1", "", NULL, 400},
        {"GET", "/callbacks?after=zz", "", NULL, 400},
        {"GET", "/callbacks?after=00", "", NULL, 400},
        {"GET", "/messages?after=00", "", NULL, 400},
        {"GET", "/customerConsents?after=00", "", NULL, 400},
        {"GET", "/chats?after=00", "", NULL, 400},
        {"GET", "/callbacks?_x=%zz&_x=%zz&_%zz=&%5fy=%zz", "", NULL, 200},
        {"GET", "/callbacks?customerNumber=%ff", "", NULL, 400},
        {"GET", "/callbacks?customerNumber=%0", "", NULL, 400},
        {"GET", "/callbacks/2B8ED95B0EC911E79675005056A75D91?after=1", "", NULL, 400},
        {"GET", "/callbacks/%00", "", NULL, 400},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct probe_reply r =
            serve_ask(&rig, rows[i].method, rows[i].path, rows[i].headers, rows[i].body);

        if (r.status != rows[i].status)
            fail_msg("row %zu, %s %s: %d %.*s", i, rows[i].method, rows[i].path, r.status,
                     VIEW_ARG(r.body));
        if (r.status >= 400) {
            assert_string_equal(probe_header(&r, "Content-Type"), "text/plain");
            assert_true(r.body.n > 1 && r.body.p[r.body.n - 1] == '\n');
            assert_ptr_equal(memchr(r.body.p, '\n', r.body.n), r.body.p + r.body.n - 1);
        }
        probe_done(&r);
    }
}

/* As long as a head may be, all of it counts. */
static void a_long_accept_says_what_it_says(void **state)
{
    static const struct {
        const char *last;
        int status;
    } rows[] = {{"image/png", 406}, {"application/xml", 200}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf request;
        struct probe_reply r;
        int fd = probe_connect(rig.port);

        buf_init(&request, 16384);
        buf_put_text(&request, "GET /RI/cmi/callbacks HTTP/1.1\r\nHost: x\r\nAccept: ");
        while (request.n < 8192)
            buf_put_text(&request, "text/html, ");
        buf_printf(&request, "%s\r\n\r\n", rows[i].last);
        probe_send(fd, buf_view(&request));
        r = probe_read(fd, false);
        assert_int_equal(r.status, rows[i].status);
        if (r.status == 200)
            assert_string_equal(probe_header(&r, "Content-Type"), rows[i].last);
        probe_done(&r);
        probe_close(fd);
        buf_done(&request);
    }
}

static void options_and_405_say_what_is_allowed(void **state)
{
    static const struct {
        const char *path;
        const char *allow;
    } rows[] = {
        {"/callbacks", "GET, HEAD, POST, OPTIONS"},
        {"/messages/2B8ED95B0EC911E79675005056A75D91", "GET, HEAD, PUT, DELETE, OPTIONS"},
        {"/customerConsents/whatsapp_1", "GET, HEAD, DELETE, OPTIONS"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct probe_reply r = serve_ask(&rig, "OPTIONS", rows[i].path, "", NULL);

        assert_int_equal(r.status, 204);
        assert_string_equal(probe_header(&r, "Allow"), rows[i].allow);
        probe_done(&r);
        r = serve_ask(&rig, "TRACE", rows[i].path, "", NULL);
        assert_int_equal(r.status, 405);
        assert_string_equal(probe_header(&r, "Allow"), rows[i].allow);
        probe_done(&r);
    }
    serve_expect(&rig, "OPTIONS", "/nothing", "", NULL, 404, NULL);
}

static void pages_of_allowed_origins_may_call_and_others_may_not(void **state)
{
    struct probe_reply r;

    (void)state;
    r = serve_ask(&rig, "OPTIONS", "/callbacks",
                  "Origin: https://desk.example.com\r\nAccess-Control-Request-Method: POST\r\n",
                  NULL);
    assert_int_equal(r.status, 204);
    assert_string_equal(probe_header(&r, "Access-Control-Allow-Origin"),
                        "https://desk.example.com");
    assert_string_equal(probe_header(&r, "Access-Control-Allow-Methods"),
                        "GET, HEAD, POST, OPTIONS");
    assert_non_null(strstr(probe_header(&r, "Access-Control-Allow-Headers"), "Authorization"));
    probe_done(&r);
    r = serve_ask(&rig, "POST", "/callbacks", "Origin: https://desk.example.com\r\n", BODY);
    assert_int_equal(r.status, 201);
    assert_string_equal(probe_header(&r, "Access-Control-Allow-Origin"),
                        "https://desk.example.com");
    assert_non_null(strstr(probe_header(&r, "Access-Control-Expose-Headers"), "Location, Link"));
    assert_string_equal(probe_header(&r, "Vary"), "Origin");
    probe_done(&r);
    r = serve_ask(&rig, "GET", "/callbacks", "Origin: https://desk.example.org\r\n", NULL);
    assert_int_equal(r.status, 200);
    assert_string_equal(probe_header(&r, "Access-Control-Allow-Origin"), "");
    assert_string_equal(probe_header(&r, "Vary"), "Origin");
    probe_done(&r);
}

#define CROSS "Sec-Fetch-Site: cross-site\r\n"
#define AN_ID "0123456789ABCDEF0123456789ABCDEF"

/* Without its asking for leave: a browser sends these as they are, and signs the user on by itself.
 * test_cors has all that Origin may be. */
static void a_page_of_another_origin_writes_nothing(void **state)
{
    static const char *const strangers[] = {"Origin: https://desk.example.org\r\n",
                                            "Origin: null\r\n", CROSS,
                                            "Origin: https://desk.example.org\r\n" CROSS};
    static const char *const friends[] = {"Origin: https://desk.example.com\r\n" CROSS,
                                          "Origin: http://x\r\nSec-Fetch-Site: same-origin\r\n",
                                          ""};
    static const struct {
        const char *method, *path, *body;
    } writes[] = {
        {"POST", "/RI/cmi/messages", "{}"},
        {"POST", "/RI/cmi/callbacks", BODY},
        {"POST", "/RI/cmi/chats", "{}"},
        {"POST", "/RI/cmi/customerConsents", "{}"},
        {"POST", "/RI/cmi/contacts/" AN_ID "/remarks", "a"},
        {"PUT", "/RI/cmi/messages/" AN_ID, "{}"},
        {"DELETE", "/RI/cmi/messages/" AN_ID, NULL},
        {"POST", "/ingest", "[]"},
    };
    struct probe_reply r;

    (void)state;
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        for (size_t j = 0; j < sizeof writes / sizeof writes[0]; j++) {
            r = probe_ask(rig.port, writes[j].method, writes[j].path, strangers[i], writes[j].body);
            assert_int_equal(r.status, 403);
            assert_non_null(strstr(r.body.p, "server.cors.origins"));
            assert_string_equal(probe_header(&r, "Access-Control-Allow-Origin"), "");
            probe_done(&r);
        }
        serve_expect(&rig, "GET", "/callbacks", strangers[i], NULL, 200, NULL);
        serve_expect(&rig, "OPTIONS", "/callbacks", strangers[i], NULL, 204, NULL);
        r = probe_ask(rig.port, "POST", "/receipts/gate", strangers[i], "{}");
        assert_int_equal(r.status, 401); /* its signature is what counts */
        probe_done(&r);
    }
    for (size_t i = 0; i < sizeof friends / sizeof friends[0]; i++)
        serve_expect(&rig, "POST", "/callbacks", friends[i], BODY, 201, NULL);
}

/* Refusals, too: what no path is, what only the HTTP server has seen, and the leave to ask. Blanks
 * after a value are no part of it. */
static void pages_of_allowed_origins_may_read_every_refusal(void **state)
{
    static const char origin[] = "Origin: https://desk.example.com \t\r\n";
    struct probe_reply r;
    struct buf path;

    (void)state;
    r = serve_ask(&rig, "GET", "/nothing", origin, NULL);
    assert_int_equal(r.status, 404);
    assert_string_equal(probe_header(&r, "Access-Control-Allow-Origin"),
                        "https://desk.example.com");
    probe_done(&r);
    r = serve_ask(&rig, "OPTIONS", "/nothing",
                  "Origin: https://desk.example.com\r\nAccess-Control-Request-Method: GET\r\n",
                  NULL);
    assert_int_equal(r.status, 204);
    assert_non_null(strstr(probe_header(&r, "Access-Control-Allow-Methods"), "GET"));
    probe_done(&r);
    r = serve_ask(&rig, "OPTIONS", "/nothing",
                  "Origin: https://desk.example.org\r\nAccess-Control-Request-Method: GET\r\n",
                  NULL);
    assert_int_equal(r.status, 404);
    probe_done(&r);
    buf_init(&path, 2 * HTTP_RULES_TARGET_MAX);
    buf_put_text(&path, "/RI/cmi/callbacks?_=");
    for (int i = 0; i < HTTP_RULES_TARGET_MAX; i++)
        buf_put_char(&path, 'x');
    r = probe_ask(rig.port, "GET", buf_text(&path), origin, NULL);
    assert_int_equal(r.status, 414);
    assert_string_equal(probe_header(&r, "Access-Control-Allow-Origin"),
                        "https://desk.example.com");
    assert_string_equal(probe_header(&r, "Vary"), "Origin");
    probe_done(&r);
    r = probe_ask(rig.port, "GET", buf_text(&path), "Origin: https://desk.example.org\r\n", NULL);
    assert_int_equal(r.status, 414);
    assert_string_equal(probe_header(&r, "Access-Control-Allow-Origin"), "");
    probe_done(&r);
    buf_done(&path);
}

/* However long it is; a consent's is a name. */
static void an_id_that_is_none_is_400(void **state)
{
    static const size_t lengths[] = {1, 1100, 1101, 5000};
    struct buf path;

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        buf_init(&path, HTTP_RULES_TARGET_MAX);
        buf_put_text(&path, "/callbacks/");
        for (size_t n = 0; n < lengths[i]; n++)
            buf_put_char(&path, 'x');
        serve_expect(&rig, "GET", buf_text(&path), "", NULL, 400, NULL);
        buf_clear(&path);
        buf_put_text(&path, "/customerConsents/");
        for (size_t n = 0; n < lengths[i]; n++)
            buf_put_char(&path, 'x');
        serve_expect(&rig, "GET", buf_text(&path), "", NULL, 404, NULL);
        buf_done(&path);
    }
    serve_expect(&rig, "GET", "/callbacks/a%E2%80%A8b%E2%80%AEc", "", NULL, 400,
                 "Invalid GUID: 'a?b?c'\n");
}

static void a_body_one_byte_over_the_limit_is_413(void **state)
{
    char body[2100];

    (void)state;
    for (size_t n = 2048; n <= 2049; n++) {
        memset(body, ' ', n);
        memcpy(body, BODY, sizeof BODY - 1);
        body[n] = '\0';
        serve_expect(&rig, "POST", "/callbacks", "", body, n == 2048 ? 201 : 413,
                     n == 2048 ? NULL : "the body is too large; 2048 bytes are allowed\n");
    }
}

static void more_parameters_than_allowed_are_refused(void **state)
{
    struct buf path;

    (void)state;
    for (int extra = 0; extra <= 1; extra++) {
        buf_init(&path, 4096);
        buf_put_text(&path, "/callbacks?");
        for (int i = 0; i < EXCHANGE_PARAMS_MAX + extra; i++)
            buf_printf(&path, "_%d=1&", i);
        serve_expect(&rig, "GET", buf_text(&path), "", NULL, extra == 0 ? 200 : 400, NULL);
        buf_done(&path);
    }
}

/* No operation that writes has one. */
static void a_parameter_of_a_write_is_refused(void **state)
{
    static const struct {
        const char *method, *path, *body;
    } writes[] = {
        {"POST", "/chats", "{}"},
        {"POST", "/callRecordings/" AN_ID "/listenLog", "{}"},
        {"POST", "/callbacks", BODY},
        {"PUT", "/callbacks/" AN_ID, "{}"},
        {"POST", "/contacts/" AN_ID "/remarks", "a"},
        {"PUT", "/contacts/" AN_ID "/remarks", "a"},
        {"POST", "/messages", "{}"},
        {"PUT", "/messages/" AN_ID, "{}"},
        {"DELETE", "/messages/" AN_ID, NULL},
        {"POST", "/customerConsents", "{}"},
        {"DELETE", "/customerConsents/recording_1", NULL},
    };
    static const struct {
        const char *query, *why;
    } wrong[] = {
        {"urgent=1", "there is no parameter 'urgent' here\n"},
        {"_=1&language=FI", "there is no parameter 'language' here\n"},
        {"%2B358401234567=1", "there is no parameter '+…567' here\n"},
        {"limit=20", "there is no parameter 'limit' here\n"},
        {"%2B358401234567=%zz", "+…567: the % at byte 1 has no two hexadecimal digits "
                                "after it\n"},
        {"%FF=1", NULL},
    };
    char path[128];

    (void)state;
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++)
        for (size_t j = 0; j < sizeof wrong / sizeof wrong[0]; j++) {
            snprintf(path, sizeof path, "%s?%s", writes[i].path, wrong[j].query);
            serve_expect(&rig, writes[i].method, path, "", writes[i].body, 400, wrong[j].why);
        }
    serve_expect(&rig, "POST", "/callbacks?_=1", "", BODY, 201, NULL);
}

static void requests_are_counted_and_a_trace_is_logged(void **state)
{
    struct probe_reply r;

    (void)state;
    serve_expect(&rig, "POST", "/callbacks",
                 "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n", BODY,
                 201, NULL);
    assert_true(serve_rig_await(&rig, "trace=0af7651916cd43dd8448eb211c80319c"));
    r = probe_ask(rig.admin_port, "GET", "/metrics", "", NULL);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.body.p, "cmibridge_http_requests_total{route=\"/callbacks\","
                                     "method=\"POST\",status=\"201\"}"));
    assert_non_null(strstr(r.body.p, "cmibridge_store_up 1"));
    probe_done(&r);
    r = probe_ask(rig.admin_port, "GET", "/healthz", "", NULL);
    assert_int_equal(r.status, 200);
    probe_done(&r);
    r = probe_ask(rig.admin_port, "POST", "/healthz", "", "");
    assert_int_equal(r.status, 405);
    probe_done(&r);
    r = probe_ask(rig.admin_port, "GET", "/", "", NULL);
    assert_int_equal(r.status, 404);
    probe_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_is_answered_by_its_row),
        cmocka_unit_test(a_long_accept_says_what_it_says),
        cmocka_unit_test(options_and_405_say_what_is_allowed),
        cmocka_unit_test(pages_of_allowed_origins_may_call_and_others_may_not),
        cmocka_unit_test(a_page_of_another_origin_writes_nothing),
        cmocka_unit_test(pages_of_allowed_origins_may_read_every_refusal),
        cmocka_unit_test(an_id_that_is_none_is_400),
        cmocka_unit_test(a_body_one_byte_over_the_limit_is_413),
        cmocka_unit_test(more_parameters_than_allowed_are_refused),
        cmocka_unit_test(a_parameter_of_a_write_is_refused),
        cmocka_unit_test(requests_are_counted_and_a_trace_is_logged),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
