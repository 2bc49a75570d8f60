/* http_client.h over TLS: authorities, names and client certificates, made for the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/http_rig.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct certificates made;
static const char *system_authorities; /* NULL: those of this machine */

/* libcurl's directory of the system's authorities is compiled in; here it is one of the test's. */
CURL *__real_curl_easy_init(void);
CURL *__wrap_curl_easy_init(void);

CURL *__wrap_curl_easy_init(void)
{
    CURL *easy = __real_curl_easy_init();

    if (system_authorities != NULL)
        curl_easy_setopt(easy, CURLOPT_CAPATH, system_authorities);
    return easy;
}

static int make_certificates(void **state)
{
    (void)state;
    certificates_make(&made);
    return 0;
}

static int remove_certificates(void **state)
{
    (void)state;
    certificates_remove(&made);
    return 0;
}

static const char *file(const char *name)
{
    return certificates_file(&made, name);
}

static void serve(struct http_rig *b, const char *name, bool wants_client)
{
    char certificate[32];
    char key[32];

    snprintf(certificate, sizeof certificate, "%s.pem", name);
    snprintf(key, sizeof key, "%s.key", name);
    hostile_http_stop(b->server);
    b->server = hostile_http_start_tls(file(certificate), file(key),
                                       wants_client ? file("ours.pem") : NULL);
}

static struct http_destination trusting(const struct http_rig *b, const char *ca)
{
    struct http_destination to = http_rig_usual(b);

    to.ca = ca != NULL ? file(ca) : NULL;
    return to;
}

static void a_server_of_our_authority_is_trusted_and_its_connection_kept(void **state)
{
    struct http_rig *b = *state;

    serve(b, "server", false);
    http_rig_connect(b, trusting(b, "ours.pem"));
    for (unsigned i = 0; i < 3; i++) {
        http_rig_call(b, "POST", "{}");
        http_rig_answered(b, 201);
    }
    assert_int_equal(hostile_http_connections(b->server), 1);
}

/* Not one byte of the request has left where the server can't be trusted. */
static void not_sent(struct http_rig *b, struct http_destination to)
{
    http_rig_connect(b, to);
    assert_int_equal(http_rig_call(b, "POST", "{}")->fate, HTTP_NOT_SENT);
    assert_string_not_equal(b->seen.error, "");
    assert_int_equal(hostile_http_count(b->server), 0);
    http_rig_disconnect(b);
}

static void a_server_of_another_authority_gets_nothing(void **state)
{
    struct http_rig *b = *state;

    serve(b, "server", false);
    not_sent(b, trusting(b, "theirs.pem"));
    not_sent(b, trusting(b, NULL)); /* the system's authorities */
    not_sent(b, trusting(b, "no-such-file.pem"));
}

/* Or whoever has a certificate of any authority of the system's would be given our password. */
static void authorities_of_our_own_are_trusted_instead_of_the_systems(void **state)
{
    struct http_rig *b = *state;

    serve(b, "server", false);
    system_authorities = file("system");
    not_sent(b, trusting(b, "theirs.pem"));
    http_rig_connect(b, trusting(b, NULL));
    http_rig_call(b, "POST", "{}");
    system_authorities = NULL;
    http_rig_answered(b, 201);
}

static void put_in_place(const char *name)
{
    char command[256];

    snprintf(command, sizeof command, "cp '%s' '%s'", file(name), file("authorities.pem"));
    assert_int_equal(system(command), 0);
}

static void authorities_that_are_replaced_are_those_of_the_next_connection(void **state)
{
    struct http_rig *b = *state;

    serve(b, "server", false);
    put_in_place("theirs.pem");
    http_rig_connect(b, trusting(b, "authorities.pem"));
    assert_int_equal(http_rig_call(b, "POST", "{}")->fate, HTTP_NOT_SENT);
    put_in_place("ours.pem");
    http_rig_call(b, "POST", "{}");
    http_rig_answered(b, 201);
}

static void a_server_of_another_name_gets_nothing(void **state)
{
    struct http_rig *b = *state;

    serve(b, "elsewhere", false);
    not_sent(b, trusting(b, "ours.pem"));
}

static void a_plain_server_gets_nothing_over_tls(void **state)
{
    struct http_rig *b = *state;
    struct http_destination to;
    char url[64];

    to = trusting(b, "ours.pem");
    snprintf(url, sizeof url, "https://localhost:%d", hostile_http_port(b->server));
    to.url = url;
    to.connect_timeout_ms = HTTP_RIG_SHORT_MS; /* it waits for a request; we for its hello */
    not_sent(b, to);
}

static void a_client_certificate_is_shown_and_checked(void **state)
{
    struct http_rig *b = *state;
    struct http_destination to;

    serve(b, "server", true);
    to = trusting(b, "ours.pem");
    to.auth = HTTP_AUTH_CERTIFICATE;
    to.certificate = file("client.pem");
    to.key = file("client.key");
    http_rig_connect(b, to);
    http_rig_call(b, "POST", "{}");
    http_rig_answered(b, 201);
    http_rig_disconnect(b);

    to.certificate = file("stranger.pem");
    to.key = file("stranger.key");
    http_rig_connect(b, to);
    /* TLS 1.3 lets the request leave before the server says no. */
    assert_int_not_equal(http_rig_call(b, "POST", "{}")->fate, HTTP_ANSWERED);
    http_rig_disconnect(b);

    http_rig_connect(b, trusting(b, "ours.pem")); /* shows none */
    assert_int_not_equal(http_rig_call(b, "POST", "{}")->fate, HTTP_ANSWERED);
    http_rig_disconnect(b);

    to.certificate = file("no-such-file.pem");
    http_rig_connect(b, to);
    assert_int_equal(http_rig_call(b, "POST", "{}")->fate, HTTP_NOT_SENT);
    assert_int_equal(hostile_http_count(b->server), 1);
}

static void a_kept_connection_that_dies_sends_nothing_twice(void **state)
{
    struct http_rig *b = *state;

    serve(b, "server", false);
    http_rig_connect(b, trusting(b, "ours.pem"));
    http_rig_call(b, "POST", "{}");
    http_rig_next(b, HOSTILE_CLOSE);
    assert_int_equal(http_rig_call(b, "POST", "{}")->fate, HTTP_UNKNOWN);
    http_rig_next(b, HOSTILE_RESET);
    assert_int_equal(http_rig_call(b, "POST", "{}")->fate, HTTP_UNKNOWN);
    assert_int_equal(hostile_http_count(b->server), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_RIG_TEST(a_server_of_our_authority_is_trusted_and_its_connection_kept),
        HTTP_RIG_TEST(a_server_of_another_authority_gets_nothing),
        HTTP_RIG_TEST(authorities_of_our_own_are_trusted_instead_of_the_systems),
        HTTP_RIG_TEST(authorities_that_are_replaced_are_those_of_the_next_connection),
        HTTP_RIG_TEST(a_server_of_another_name_gets_nothing),
        HTTP_RIG_TEST(a_plain_server_gets_nothing_over_tls),
        HTTP_RIG_TEST(a_client_certificate_is_shown_and_checked),
        HTTP_RIG_TEST(a_kept_connection_that_dies_sends_nothing_twice),
    };

    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
