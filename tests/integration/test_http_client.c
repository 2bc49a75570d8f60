/* http_client.h: what leaves, what comes back, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "tests/fakes/http_rig.h"

#include <stdio.h>
#include <string.h>

static void a_request_arrives_as_it_was_given(void **state)
{
    struct http_rig *b = *state;
    const struct http_header headers[] = {{VIEW("Content-Type"), VIEW("application/json")},
                                          {VIEW("Idempotency-Key"), VIEW("k-1")},
                                          {VIEW("X-Empty"), VIEW("")}};
    const struct http_call post = {.token = 1,
                                   .method = "POST",
                                   .path = VIEW("/a/../b?x=%20y&z"),
                                   .headers = headers,
                                   .header_count = 3,
                                   .body = VIEW("{\"a\":\0\"b\"}")};
    struct http_destination to = http_rig_usual(b);
    const struct hostile_request *r;
    char url[128];
    struct fault f = {0};

    snprintf(url, sizeof url, "%s/RI/cmi/", hostile_http_url(b->server));
    to.url = url;
    http_rig_connect(b, to);
    assert_true(b->port.submit(b->port.ctx, &post, &f));
    http_rig_wait(b, 1);
    assert_int_equal(b->seen.status, 201);
    assert_string_equal(b->seen.body, "00000000000000000000000000000001");
    assert_string_equal(b->seen.content_type, "text/html");
    assert_non_null(strstr(b->seen.location, "/00000000000000000000000000000001"));
    r = hostile_http_request(b->server, 0);
    assert_string_equal(r->method, "POST");
    assert_string_equal(r->path, "/RI/cmi/a/../b?x=%20y&z");
    assert_true(view_eq(r->body, post.body));
    assert_true(view_is(hostile_request_header(r, "Content-Type"), "application/json"));
    assert_true(view_is(hostile_request_header(r, "Idempotency-Key"), "k-1"));
    assert_non_null(hostile_request_header(r, "X-Empty").p);
    assert_null(hostile_request_header(r, "Expect").p);
    assert_null(hostile_request_header(r, "Authorization").p);
    assert_true(view_starts(hostile_request_header(r, "User-Agent"), VIEW("cmibridge/")));
}

static void without_a_path_the_base_url_is_asked(void **state)
{
    struct http_rig *b = *state;
    const struct http_call post = {.token = 1, .method = "POST", .body = VIEW("[]")};
    struct http_destination to = http_rig_usual(b);
    char url[128];
    struct fault f = {0};

    snprintf(url, sizeof url, "%s/ingest", hostile_http_url(b->server));
    to.url = url;
    http_rig_connect(b, to);
    assert_true(b->port.submit(b->port.ctx, &post, &f));
    http_rig_wait(b, 1);
    assert_string_equal(hostile_http_request(b->server, 0)->path, "/ingest");
}

static void a_scheme_is_one_in_any_case(void **state)
{
    struct http_rig *b = *state;
    const struct http_call post = {
        .token = 1, .method = "POST", .path = VIEW("/x"), .body = VIEW("[]")};
    struct http_destination to = http_rig_usual(b);
    char url[128];
    struct fault f = {0};

    snprintf(url, sizeof url, "HTTP%s/RI/cmi", hostile_http_url(b->server) + strlen("http"));
    to.url = url;
    http_rig_connect(b, to);
    assert_true(b->port.submit(b->port.ctx, &post, &f));
    http_rig_wait(b, 1);
    assert_string_equal(hostile_http_request(b->server, 0)->path, "/RI/cmi/x");
}

static void every_method_says_whether_it_has_a_body(void **state)
{
    static const struct {
        const char *method;
        const char *body;
        const char *length; /* NULL: no Content-Length */
        int status;
    } rows[] = {{"POST", "x", "1", 201},   {"DELETE", NULL, NULL, 204}, {"PUT", "xy", "2", 204},
                {"POST", NULL, "0", 201},  {"GET", NULL, NULL, 200},    {"PUT", NULL, "0", 204},
                {"DELETE", "z", "1", 204}, {"POST", "x", "1", 201}};
    struct http_rig *b = *state;

    http_rig_connect(b, http_rig_usual(b));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct hostile_request *r;
        struct view length;

        assert_int_equal(http_rig_call(b, rows[i].method, rows[i].body)->status, rows[i].status);
        r = hostile_http_request(b->server, i);
        assert_string_equal(r->method, rows[i].method);
        length = hostile_request_header(r, "Content-Length");
        assert_true(view_eq(length, view_of(rows[i].length)));
        assert_null(hostile_request_header(r, "Content-Type").p);
        assert_null(hostile_request_header(r, "Transfer-Encoding").p);
    }
    assert_int_equal(hostile_http_connections(b->server), 1);
}

static void a_large_body_arrives_whole(void **state)
{
    const size_t n = 4u << 20;
    struct http_rig *b = *state;
    char *bytes = mem_zeroed(n, 1);
    const struct http_call post = {
        .token = 1, .method = "POST", .path = VIEW("/messages"), .body = {bytes, n}};
    struct fault f = {0};

    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    http_rig_connect(b, http_rig_usual(b));
    assert_true(b->port.submit(b->port.ctx, &post, &f));
    http_rig_wait(b, 1);
    assert_int_equal(b->seen.status, 201);
    assert_true(view_eq(hostile_http_request(b->server, 0)->body, post.body));
    mem_free(bytes);
}

static void every_status_is_an_answer_with_its_headers(void **state)
{
    static const int statuses[] = {200, 201, 204, 301, 302, 307, 400, 401, 403, 404, 407, 408,
                                   409, 413, 417, 422, 425, 429, 500, 501, 502, 503, 504};
    struct http_rig *b = *state;

    http_rig_connect(b, http_rig_usual(b));
    for (unsigned i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        const struct hostile_step steps[] = {
            {HOSTILE_REPLY, statuses[i],
             "retry-after:  7 \r\nLOCATION: /elsewhere\r\nWWW-Authenticate: Basic realm=\"x\"\r\n",
             statuses[i] == 204 ? NULL : "why", 1},
            {HOSTILE_REPLY, statuses[i], NULL, NULL, 1},
        };

        hostile_http_script(b->server, steps, 2);
        assert_int_equal(http_rig_call(b, "POST", "{}")->fate, HTTP_ANSWERED);
        assert_int_equal(b->seen.status, statuses[i]);
        assert_string_equal(b->seen.retry_after, "7");
        assert_string_equal(b->seen.location, "/elsewhere");
        assert_string_equal(b->seen.body, statuses[i] == 204 ? "" : "why");
        http_rig_call(b, "DELETE", NULL); /* nothing of the one before is seen in this one's */
        assert_int_equal(b->seen.status, statuses[i]);
        assert_string_equal(b->seen.retry_after, "");
        assert_string_equal(b->seen.location, "");
        assert_string_equal(b->seen.body, "");
        assert_int_equal(hostile_http_count(b->server), 2 * (i + 1)); /* nothing was repeated */
    }
}

static void connections_are_used_again(void **state)
{
    struct http_rig *b = *state;
    struct fault f = {0};

    http_rig_connect(b, http_rig_usual(b));
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(http_rig_call(b, "POST", "{}")->status, 201);
    assert_int_equal(hostile_http_connections(b->server), 1);
    for (unsigned round = 0; round < 5; round++) {
        unsigned before = b->seen.replies;

        for (unsigned i = 0; i < HTTP_RIG_SLOTS; i++)
            assert_true(http_rig_send(b, "POST", "{}", &f));
        http_rig_wait(b, before + HTTP_RIG_SLOTS);
    }
    assert_in_range(hostile_http_connections(b->server), 1, HTTP_RIG_SLOTS);
    assert_int_equal(b->seen.answered, b->seen.replies);
}

static void one_call_more_than_slots_is_for_later(void **state)
{
    struct http_rig *b = *state;
    struct fault f = {0};

    hostile_http_default(b->server, (struct hostile_step){.act = HOSTILE_HOLD});
    http_rig_connect(b, http_rig_usual(b));
    for (unsigned i = 0; i < HTTP_RIG_SLOTS; i++)
        assert_true(http_rig_send(b, "POST", "{}", &f));
    assert_false(http_rig_send(b, "POST", "{}", &f));
    assert_int_equal(f.cls, FAULT_RETRY);
    http_rig_wait_requests(b, HTTP_RIG_SLOTS);
    hostile_http_release(b->server);
    http_rig_wait(b, HTTP_RIG_SLOTS);
    assert_int_equal(b->seen.answered, HTTP_RIG_SLOTS);
    assert_int_equal(http_rig_call(b, "POST", "{}")->status, 201);
}

static void the_next_call_may_be_given_from_inside_a_reply(void **state)
{
    const struct hostile_step steps[] = {{HOSTILE_REPLY, 503, "Retry-After: 9\r\n", "first", 1},
                                         {HOSTILE_REPLY, 200, NULL, "second", 1}};
    struct http_rig *b = *state;
    struct http_destination to = http_rig_usual(b);
    struct fault f = {0};

    to.slots = 1;
    http_rig_connect(b, to);
    hostile_http_script(b->server, steps, 2);
    b->again = true;
    assert_true(http_rig_send(b, "POST", "{}", &f));
    http_rig_wait(b, 2);
    assert_string_equal(b->first.body, "first"); /* read after the slot was taken again */
    assert_string_equal(b->first.retry_after, "9");
    assert_string_equal(b->seen.body, "second");
    assert_string_equal(b->seen.retry_after, "");
}

static void a_cancelled_call_still_gets_its_reply(void **state)
{
    struct http_rig *b = *state;
    struct fault f = {0};

    http_rig_next(b, HOSTILE_SILENCE);
    http_rig_connect(b, http_rig_usual(b));
    assert_true(http_rig_send(b, "POST", "{}", &f));
    http_rig_wait_requests(b, 1);
    b->port.cancel(b->port.ctx, 99); /* names none */
    b->port.cancel(b->port.ctx, 1);
    b->port.cancel(b->port.ctx, 1); /* once is enough */
    assert_int_equal(b->seen.replies, 0);
    http_rig_wait(b, 1);
    assert_int_equal(b->seen.fate, HTTP_UNKNOWN);
    assert_int_equal(http_rig_call(b, "POST", "{}")->status, 201);
    assert_int_equal(b->seen.replies, 2);
}

static void closing_ends_every_call_before_it_returns(void **state)
{
    struct http_rig *b = *state;
    struct fault f = {0};

    hostile_http_default(b->server, (struct hostile_step){.act = HOSTILE_SILENCE});
    http_rig_connect(b, http_rig_usual(b));
    for (unsigned i = 0; i < HTTP_RIG_SLOTS; i++)
        assert_true(http_rig_send(b, "POST", "{}", &f));
    http_rig_wait_requests(b, HTTP_RIG_SLOTS);
    http_rig_close(b);
    assert_int_equal(b->seen.replies, HTTP_RIG_SLOTS);
    assert_int_equal(b->seen.fate, HTTP_UNKNOWN);
    while (!b->closed)
        uv_run(&b->loop, UV_RUN_ONCE);
}

static void closing_from_inside_a_reply_is_allowed(void **state)
{
    const struct hostile_step steps[] = {{.act = HOSTILE_CMI},
                                         {.act = HOSTILE_SILENCE, .times = 9}};
    struct http_rig *b = *state;
    struct fault f = {0};

    hostile_http_script(b->server, steps, 2);
    http_rig_connect(b, http_rig_usual(b));
    b->close_inside = true;
    for (unsigned i = 0; i < HTTP_RIG_SLOTS; i++)
        assert_true(http_rig_send(b, "POST", "{}", &f));
    while (!b->closed)
        uv_run(&b->loop, UV_RUN_ONCE);
    assert_int_equal(b->seen.replies, HTTP_RIG_SLOTS);
    assert_in_range(b->seen.answered, 1, 1);
}

static void without_a_connection_nothing_was_sent(void **state)
{
    struct http_rig *b = *state;
    struct http_destination to = http_rig_usual(b);

    http_rig_connect(b, to);
    assert_int_equal(http_rig_call(b, "POST", "{}")->status, 201);
    hostile_http_down(b->server);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(http_rig_call(b, "POST", "{}")->fate, HTTP_NOT_SENT);
    assert_int_equal(hostile_http_count(b->server), 1);
    hostile_http_up(b->server);
    http_rig_call(b, "POST", "{}");
    http_rig_answered(b, 201);
    http_rig_disconnect(b);
    to.url = "http://no-such-host.invalid:8080";
    http_rig_connect(b, to);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(http_rig_call(b, "POST", "{}")->fate, HTTP_NOT_SENT);
}

static void a_host_is_found_by_its_name_again_and_again(void **state)
{
    struct http_rig *b = *state;
    struct http_destination to = http_rig_usual(b);
    char url[64];

    snprintf(url, sizeof url, "http://localhost:%d", hostile_http_port(b->server));
    to.url = url;
    hostile_http_default(b->server, (struct hostile_step){.act = HOSTILE_REPLY_AND_CLOSE});
    http_rig_connect(b, to);
    while (b->seen.answered < 10)
        http_rig_call(b, "POST", "{}");
}

static void a_server_that_is_too_slow_is_left(void **state)
{
    struct http_rig *b = *state;
    struct http_destination to = http_rig_usual(b);

    to.low_speed_bytes = 100;
    to.low_speed_ms = 1000;
    http_rig_next(b, HOSTILE_CRAWL);
    http_rig_connect(b, to);
    assert_int_equal(http_rig_call(b, "POST", "{}")->fate, HTTP_UNKNOWN);
    assert_non_null(strstr(b->seen.error, "too slow"));
}

static void each_way_of_authentication_is_sent(void **state)
{
    static const struct {
        struct http_destination how;
        const char *header;
        const char *value;
    } ways[] = {
        {{.auth = HTTP_AUTH_BASIC, .user = "Aladdin", .secret = "open sesame"},
         "Authorization",
         "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, /* RFC 7617's own */
        {{.auth = HTTP_AUTH_BEARER, .secret = "a.b-c"}, "Authorization", "Bearer a.b-c"},
        {{.auth = HTTP_AUTH_API_KEY, .secret = "k 1", .key_header = "X-Key"}, "X-Key", "k 1"},
    };
    struct http_rig *b = *state;

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct http_destination to = http_rig_usual(b);

        to.auth = ways[i].how.auth;
        to.user = ways[i].how.user;
        to.secret = ways[i].how.secret;
        to.key_header = ways[i].how.key_header;
        http_rig_connect(b, to);
        for (size_t k = 2 * i; k < 2 * i + 2; k++) {
            http_rig_call(b, "POST", "{}");
            assert_true(
                view_is(hostile_request_header(hostile_http_request(b->server, k), ways[i].header),
                        ways[i].value));
        }
        http_rig_disconnect(b);
    }
}

static void what_cannot_be_sent_is_refused_and_costs_no_slot(void **state)
{
    static const struct {
        struct view path;
        struct http_header header;
    } bad[] = {
        {{"no-slash", 8}, {{"A", 1}, {"b", 1}}},
        {{"/a b", 4}, {{"A", 1}, {"b", 1}}},
        {{"/a\r\nX: y", 9}, {{"A", 1}, {"b", 1}}},
        {{"/a#b", 4}, {{"A", 1}, {"b", 1}}},
        {{"/\xc3\xa9", 3}, {{"A", 1}, {"b", 1}}},
        {{"/a", 2}, {{"A", 1}, {"b\r\nC: d", 7}}},
        {{"/a", 2}, {{"A", 1}, {"b\0c", 3}}},
        {{"/a", 2}, {{"A", 1}, {"\x7f", 1}}},
        {{"/a", 2}, {{"", 0}, {"b", 1}}},
        {{"/a", 2}, {{"A:", 2}, {"b", 1}}},
        {{"/a", 2}, {{"A b", 3}, {"c", 1}}},
        {{"/a", 2}, {{"content-length", 14}, {"0", 1}}},
        {{"/a", 2}, {{"Transfer-Encoding", 17}, {"chunked", 7}}},
        {{"/a", 2}, {{"Host", 4}, {"elsewhere", 9}}},
    };
    static char long_path[20000];
    struct http_rig *b = *state;
    struct http_call c = {.method = "POST", .path = {long_path, sizeof long_path}};
    struct fault f = {0};

    http_rig_connect(b, http_rig_usual(b));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct http_call one = {
            .method = "POST", .path = bad[i].path, .headers = &bad[i].header, .header_count = 1};

        f = (struct fault){0};
        assert_false(b->port.submit(b->port.ctx, &one, &f));
        assert_int_equal(f.cls, FAULT_REJECT);
    }
    memset(long_path, '/', sizeof long_path);
    assert_false(b->port.submit(b->port.ctx, &c, &f));
    assert_int_equal(f.cls, FAULT_REJECT);
    assert_int_equal(http_rig_call(b, "POST", "{}")->status, 201);
    assert_int_equal(hostile_http_count(b->server), 1);
}

static void no_reply(void *owner, const struct http_reply *reply)
{
    (void)owner;
    fail_msg("a reply: %s", reply->error);
}

static void destinations_that_make_no_sense_are_refused(void **state)
{
    struct http_rig *b = *state;
    const struct http_destination good = http_rig_usual(b);
    const struct {
        struct http_destination to;
        const char *sentence;
    } bad[] = {
        {{.url = "ftp://x"}, "url does not begin"},
        {{.url = "http://"}, "url names no host"},
        {{.url = "http://u:p@x"}, "url holds"},
        {{.url = "http://x/?y"}, "url holds"},
        {{.auth = HTTP_AUTH_BASIC, .user = "u"}, "password is missing"},
        {{.auth = HTTP_AUTH_BASIC, .user = "u:v", .secret = "s"}, "user holds a ':'"},
        {{.auth = HTTP_AUTH_BEARER}, "token is missing"},
        {{.auth = HTTP_AUTH_BEARER, .secret = "a\nb"}, "holds a control character"},
        {{.auth = HTTP_AUTH_API_KEY, .secret = "s"}, "api_key_header is missing"},
        {{.auth = HTTP_AUTH_API_KEY, .secret = "s", .key_header = "X Y"}, "name"},
        {{.auth = HTTP_AUTH_CERTIFICATE, .certificate = "f"}, "key is missing"},
        {{.slots = HTTP_CLIENT_SLOTS_MAX + 1}, "concurrency is 4097"},
        {{.timeout_ms = -1}, "timeout is -1"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct http_destination to[2] = {good, bad[i].to};
        struct fault f = {0};

        to[1].url = to[1].url != NULL ? to[1].url : good.url;
        to[1].slots = to[1].slots != 0 ? to[1].slots : 1;
        to[1].timeout_ms = to[1].timeout_ms != 0 ? to[1].timeout_ms : 1;
        to[1].connect_timeout_ms = 1;
        assert_null(http_client_new(&b->loop, to, 2, no_reply, NULL, &f));
        assert_int_equal(f.cls, FAULT_STOP);
        if (strstr(f.text, bad[i].sentence) == NULL)
            fail_msg("row %zu: '%s'", i, f.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_RIG_TEST(a_request_arrives_as_it_was_given),
        HTTP_RIG_TEST(without_a_path_the_base_url_is_asked),
        HTTP_RIG_TEST(a_scheme_is_one_in_any_case),
        HTTP_RIG_TEST(every_method_says_whether_it_has_a_body),
        HTTP_RIG_TEST(a_large_body_arrives_whole),
        HTTP_RIG_TEST(every_status_is_an_answer_with_its_headers),
        HTTP_RIG_TEST(connections_are_used_again),
        HTTP_RIG_TEST(one_call_more_than_slots_is_for_later),
        HTTP_RIG_TEST(the_next_call_may_be_given_from_inside_a_reply),
        HTTP_RIG_TEST(a_cancelled_call_still_gets_its_reply),
        HTTP_RIG_TEST(closing_ends_every_call_before_it_returns),
        HTTP_RIG_TEST(closing_from_inside_a_reply_is_allowed),
        HTTP_RIG_TEST(without_a_connection_nothing_was_sent),
        HTTP_RIG_TEST(a_host_is_found_by_its_name_again_and_again),
        HTTP_RIG_TEST(a_server_that_is_too_slow_is_left),
        HTTP_RIG_TEST(each_way_of_authentication_is_sent),
        HTTP_RIG_TEST(what_cannot_be_sent_is_refused_and_costs_no_slot),
        HTTP_RIG_TEST(destinations_that_make_no_sense_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
