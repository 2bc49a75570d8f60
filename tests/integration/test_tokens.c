/* tokens: OAuth2 client credentials in front of the HTTP client, against a token server and a
 * gateway on loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "consumers/tokens.h"
#include "tests/fakes/hostile_http.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#define REPLIES_MAX 16

static struct rig {
    uv_loop_t loop;
    struct hostile_http *server; /* of tokens */
    struct hostile_http *gateway;
    struct tokens *tokens;
    struct buf log;
    struct http_reply replies[REPLIES_MAX];
    char secrets[REPLIES_MAX][16];
    char error[256]; /* of the last one */
    size_t count;
    bool closed;
} rig;

static void on_reply(void *owner, const struct http_reply *reply)
{
    struct rig *r = owner;

    assert_true(r->count < REPLIES_MAX);
    (void)snprintf(r->secrets[r->count], sizeof r->secrets[0], "%s",
                   reply->secret != NULL ? reply->secret : "none");
    r->replies[r->count++] = *reply;
    if (reply->error != NULL)
        (void)snprintf(r->error, sizeof r->error, "%s", reply->error);
}

static void on_notice(void *ctx, enum notice_level level, const char *event,
                      const struct notice_field *fields, size_t count)
{
    (void)ctx, (void)level;
    buf_put_text(&rig.log, event);
    for (size_t i = 0; i < count; i++)
        buf_printf(&rig.log, " %.*s", VIEW_ARG(fields[i].text));
    buf_put_char(&rig.log, '\n');
}

static const struct notice heard = {NULL, NOTICE_DEBUG, on_notice};

static void answer_with(struct hostile_http *s, int status, const char *body)
{
    hostile_http_default(s, (struct hostile_step){HOSTILE_REPLY, status, NULL, body, 0});
}

static int start(void **state)
{
    (void)state;
    memset(&rig, 0, sizeof rig);
    assert_int_equal(uv_loop_init(&rig.loop), 0);
    rig.server = hostile_http_start();
    rig.gateway = hostile_http_start();
    answer_with(rig.gateway, 200, "{}");
    buf_init(&rig.log, 1 << 16);
    return 0;
}

/* The second destination wants no token. */
static void open_it(void)
{
    static char url[128];
    static struct token_source sources[2];
    struct http_destination to[2] = {{.url = hostile_http_url(rig.gateway),
                                      .slots = 4,
                                      .timeout_ms = 5000,
                                      .connect_timeout_ms = 5000}};
    struct fault f = {0};

    (void)snprintf(url, sizeof url, "%s/oauth2/token", hostile_http_url(rig.server));
    sources[0] = (struct token_source){"conv", url, "key-id", "key-s3cret"};
    sources[1] = (struct token_source){.name = "other"};
    to[1] = to[0];
    rig.tokens = tokens_new(&rig.loop, to, sources, 2, on_reply, &rig, &heard, &f);
    assert_non_null(rig.tokens);
    assert_false(tokens_settled(rig.tokens));
}

static void settle(void)
{
    while (!tokens_settled(rig.tokens))
        uv_run(&rig.loop, UV_RUN_ONCE);
}

static void on_closed(void *owner)
{
    *(bool *)owner = true;
}

static int stop(void **state)
{
    (void)state;
    tokens_close(rig.tokens, on_closed, &rig.closed);
    while (!rig.closed)
        uv_run(&rig.loop, UV_RUN_ONCE);
    (void)uv_run(&rig.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&rig.loop), 0);
    hostile_http_stop(rig.gateway);
    hostile_http_stop(rig.server);
    buf_done(&rig.log);
    return 0;
}

static void ask(unsigned destination, uint64_t token)
{
    static const struct http_header headers[] = {{{"X-Own", 5}, {"1", 1}}};
    const struct http_port port = tokens_port(rig.tokens);
    const struct http_call call = {.token = token,
                                   .destination = destination,
                                   .method = "POST",
                                   .path = VIEW("/send"),
                                   .headers = headers,
                                   .header_count = 1,
                                   .body = VIEW("{}")};
    struct fault f = {0};

    assert_true(port.submit(port.ctx, &call, &f));
}

static void await(size_t count)
{
    while (rig.count < count)
        uv_run(&rig.loop, UV_RUN_ONCE);
}

static struct view header(struct hostile_http *s, size_t i, const char *name)
{
    return hostile_request_header(hostile_http_request(s, i), name);
}

static void one_token_is_fetched_and_goes_with_every_call(void **state)
{
    (void)state;
    answer_with(rig.server, 200, "{\"access_token\":\"T-1\",\"expires_in\":3600}");
    open_it();
    settle();
    for (uint64_t i = 1; i <= 3; i++)
        ask(0, i);
    ask(1, 4);
    await(4);
    assert_int_equal(hostile_http_count(rig.server), 1);
    assert_string_equal(hostile_http_request(rig.server, 0)->method, "POST");
    assert_string_equal(hostile_http_request(rig.server, 0)->path, "/oauth2/token");
    assert_true(
        view_is(hostile_http_request(rig.server, 0)->body, "grant_type=client_credentials"));
    assert_true(view_is(header(rig.server, 0, "Authorization"), /* key-id:key-s3cret */
                        "Basic a2V5LWlkOmtleS1zM2NyZXQ="));
    assert_true(
        view_is(header(rig.server, 0, "Content-Type"), "application/x-www-form-urlencoded"));
    for (size_t i = 0; i < 4; i++) {
        bool other = header(rig.gateway, i, "Authorization").n == 0;

        assert_int_equal(rig.replies[i].status, 200);
        assert_string_equal(rig.secrets[i], rig.replies[i].token == 4 ? "none" : "T-1");
        assert_true(view_is(header(rig.gateway, i, "X-Own"), "1"));
        if (!other)
            assert_true(view_is(header(rig.gateway, i, "Authorization"), "Bearer T-1"));
        rig.count -= other ? 1 : 0;
    }
    assert_int_equal(rig.count, 3); /* one went without */
}

static void a_token_is_fetched_again_shortly_before_its_end(void **state)
{
    (void)state;
    answer_with(rig.server, 200, "{\"access_token\":\"T-1\",\"expires_in\":1}");
    open_it();
    settle();
    answer_with(rig.server, 200, "{\"access_token\":\"T-2\",\"expires_in\":3600}");
    while (hostile_http_count(rig.server) < 2)
        uv_run(&rig.loop, UV_RUN_ONCE); /* its timer */
    ask(0, 1);                          /* with the old one, or with the new one: never without */
    await(1);
    assert_int_equal(rig.replies[0].status, 200);
    do
        ask(0, 2);
    while ((void)await(rig.count + 1),
           !view_is(header(rig.gateway, rig.count - 1, "Authorization"), "Bearer T-2") &&
               rig.count < REPLIES_MAX);
    assert_true(view_is(header(rig.gateway, rig.count - 1, "Authorization"), "Bearer T-2"));
    assert_int_equal(hostile_http_count(rig.server), 2);
}

static void without_a_token_nothing_is_sent_and_the_reply_says_why(void **state)
{
    (void)state;
    answer_with(rig.server, 401,
                "{\"error\":\"invalid_client\",\"error_description\":\"key-s3cret\"}");
    open_it();
    ask(0, 7); /* before the first answer */
    await(1);
    assert_int_equal(rig.replies[0].fate, HTTP_NOT_SENT);
    settle();
    ask(0, 8);
    await(2);
    assert_int_equal(rig.replies[1].token, 8);
    assert_int_equal(rig.replies[1].fate, HTTP_NOT_SENT);
    assert_string_equal(rig.error, "no token: the token server answered 401: invalid_client");
    assert_int_equal(hostile_http_count(rig.gateway), 0);
    ask(1, 9); /* others go on */
    await(3);
    assert_int_equal(rig.replies[2].status, 200);

    answer_with(rig.server, 200, "{\"access_token\":\"T-1\"}");
    hostile_http_wait(rig.server, 1);
    while (hostile_http_count(rig.server) < 2)
        uv_run(&rig.loop, UV_RUN_ONCE); /* it is tried again */
    do
        ask(0, 10);
    while ((void)await(rig.count + 1),
           rig.replies[rig.count - 1].fate != HTTP_ANSWERED && rig.count < REPLIES_MAX);
    assert_int_equal(rig.replies[rig.count - 1].status, 200);
    assert_non_null(strstr(buf_text(&rig.log), "token_failed conv"));
    assert_non_null(strstr(buf_text(&rig.log), "token_fetched conv"));
    assert_null(strstr(buf_text(&rig.log), "s3cret"));
    assert_null(strstr(buf_text(&rig.log), "T-1"));
}

/* An error's words are the server's, and may be anything. */
static void what_a_token_server_repeats_of_the_credentials_is_not_said(void **state)
{
    (void)state;
    answer_with(rig.server, 400, "{\"error\":\"bad client key-id:key-s3cret\"}");
    open_it();
    settle();
    ask(0, 1);
    await(1);
    assert_string_equal(rig.error,
                        "no token: the token server answered 400: bad client (17 characters)");
    assert_null(strstr(buf_text(&rig.log), "s3cret"));
}

static void an_answer_without_a_token_is_said(void **state)
{
    (void)state;
    answer_with(rig.server, 200, "{}");
    open_it();
    settle();
    ask(0, 1);
    await(1);
    assert_string_equal(rig.error, "no token: the token server's answer holds no access_token of 1 "
                                   "to 8191 characters");
}

static void a_revoked_token_is_fetched_anew_once(void **state)
{
    (void)state;
    answer_with(rig.server, 200, "{\"access_token\":\"T-1\"}");
    open_it();
    settle();
    answer_with(rig.gateway, 401, "{}");
    answer_with(rig.server, 200, "{\"access_token\":\"T-2\"}");
    for (uint64_t i = 1; i <= 3; i++)
        ask(0, i);
    await(3);
    assert_int_equal(rig.replies[0].status, 401); /* the channel makes of it what it will */
    answer_with(rig.gateway, 200, "{}");
    while (hostile_http_count(rig.server) < 2)
        uv_run(&rig.loop, UV_RUN_ONCE);
    do
        ask(0, 4);
    while ((void)await(rig.count + 1),
           !view_is(header(rig.gateway, rig.count - 1, "Authorization"), "Bearer T-2") &&
               rig.count < REPLIES_MAX);
    assert_int_equal(rig.replies[rig.count - 1].status, 200);
    assert_int_equal(hostile_http_count(rig.server), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_token_is_fetched_and_goes_with_every_call, start, stop),
        cmocka_unit_test_setup_teardown(a_token_is_fetched_again_shortly_before_its_end, start,
                                        stop),
        cmocka_unit_test_setup_teardown(what_a_token_server_repeats_of_the_credentials_is_not_said,
                                        start, stop),
        cmocka_unit_test_setup_teardown(an_answer_without_a_token_is_said, start, stop),
        cmocka_unit_test_setup_teardown(without_a_token_nothing_is_sent_and_the_reply_says_why,
                                        start, stop),
        cmocka_unit_test_setup_teardown(a_revoked_token_is_fetched_anew_once, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
