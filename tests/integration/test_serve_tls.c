/* `serve` over TLS, as curl sees it: versions, names, clients' certificates, certificates renewed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/crypto.h"
#include "tests/fakes/serve_rig.h"
#include "tests/fakes/shell.h"
#include "tests/fakes/tls_probe.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX   (4 << 20)
#define DESTINATIONS 5000 /* many times what a TLS record and the library's buffers hold */

#define SHORT "limits: {request_time: 3s, connections: 12}\n"
#define LIMIT 12 /* connections of it */

static char dir[] = "/tmp/cmibridge-tls-XXXXXX";
static struct serve_rig rig;

static void need(const char *program)
{
    char command[128];

    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", program);
    if (system(command) == 0)
        return;
    printf("skipped: %s is not installed\n", program);
    exit(77);
}

static void sh(const char *format, ...) PRINTF_LIKE(1, 2);
static void sh(const char *format, ...)
{
    char command[4096];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(command, sizeof command, format, args);
    va_end(args);
    if (system(command) != 0)
        fail_msg("%s", command);
}

/* Runs curl on a path of the server, which it calls `host`. Returns the exit code; *status is the
 * answer's, 0 for none. */
static int curl(const char *host, const char *options, const char *path, int *status,
                struct buf *body)
{
    char command[2048];
    int code;

    snprintf(command, sizeof command,
             "curl -sS --noproxy '*' --max-time 30 --resolve %s:%u:127.0.0.1 -w '\\n%%{http_code}' "
             "%s https://%s:%u/RI/cmi%s 2>/dev/null",
             host, rig.port, options, host, rig.port, path);
    code = shell_run(command, body);
    *status = 0;
    for (size_t i = body->n >= 3 ? body->n - 3 : body->n; i < body->n; i++)
        *status = *status * 10 + (body->p[i] - '0');
    body->n -= body->n >= 4 ? 4 : body->n;
    return code;
}

static void expect(const char *host, const char *options, int code, int status)
{
    struct buf body;
    int got_status = 0;
    int got = 0;

    buf_init(&body, ANSWER_MAX);
    got = curl(host, options, "/callbacks", &got_status, &body);
    if (got != code || got_status != status)
        fail_msg("curl %s: exit %d, status %d %s", options, got, got_status, buf_text(&body));
    buf_done(&body);
}

#define NAMED                                                                                      \
    "/C=FI/O=Doe, John \\+ Co/organizationIdentifier=VATFI-1/2.999.1=x"                            \
    "/CN=Mäkinen Päivi+serialNumber=77/emailAddress=a@b.fi/SN=S/title=Dr"

static int start(void **state)
{
    static const char make[] =
        "set -e; cd '%s'\n"
        "ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        "-subj \"/CN=$1\" -keyout $1.key -out $1.pem; }\n"
        "leaf() { openssl req -utf8 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
        "-subj \"$3\" -keyout $1.key -out $1.csr\n"
        "printf 'subjectAltName=%%s\\nextendedKeyUsage=%%s\\n' \"$4\" \"$5\" >$1.ext\n"
        "openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days 2 "
        "-extfile $1.ext -out $1.pem; }\n"
        "exec >log 2>&1\n"
        "ca ours; ca theirs\n"
        "leaf server ours /CN=localhost DNS:localhost serverAuth\n"
        "leaf renewed ours /CN=renewed DNS:renewed.example serverAuth\n"
        "leaf client ours /O=Example/CN=client DNS:client clientAuth\n"
        "leaf stranger theirs /O=Example/CN=client DNS:client clientAuth\n"
        "leaf misused ours /O=Example/CN=client DNS:client serverAuth\n"
        "leaf named ours '" NAMED "' DNS:client clientAuth\n"
        "leaf unknown ours /O=Example/CN=unknown/serialNumber=0401234567 DNS:client clientAuth\n";
    struct buf named;
    char users[1024];
    char server[1024];
    char digest[CRYPTO_SHA256_HEX];

    (void)state;
    crypto_init();
    crypto_sha256_hex(VIEW("ann-token"), digest);
    assert_non_null(mkdtemp(dir));
    sh(make, dir);
    buf_init(&named, 512);
    snprintf(users, sizeof users,
             "openssl x509 -noout -subject -nameopt RFC2253 -in '%s/named.pem' | tr -d '\\n'", dir);
    assert_int_equal(shell_run(users, &named), 0);
    snprintf(users, sizeof users,
             "ann: {rights: all, tokens: [%s]}\n"
             "cert: {rights: all, certificate: 'CN=client,O=Example'}\n"
             "named: {rights: all, certificate: '%s'}\n",
             digest, buf_text(&named));
    buf_done(&named);
    sh("cd '%s' && cp server.pem now.pem && cp server.key now.key && cp ours.pem clients.pem", dir);
    snprintf(server, sizeof server,
             "  tls: {certificate: %s/now.pem, key: %s/now.key, client_ca: %s/clients.pem}\n", dir,
             dir, dir);
    serve_rig_start_users(&rig, users, server, "");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    sh("rm -r '%s'", dir);
    return 0;
}

#define TRUST "--cacert %s/ours.pem "
#define TOKEN "-H 'Authorization: Bearer ann-token' "

/* The options with the directory put in. */
static const char *with(const char *format)
{
    static char options[1024];
    const char *at = format;
    size_t n = 0;

    while (*at != '\0') {
        bool here = at[0] == '%' && at[1] == 's';

        n += (size_t)snprintf(options + n, sizeof options - n, "%.*s", here ? (int)sizeof dir : 1,
                              here ? dir : at);
        at += here ? 2 : 1;
    }
    return options;
}

static void who_trusts_the_authority_is_served(void **state)
{
    (void)state;
    expect("localhost", with(TRUST TOKEN), 0, 200);
    expect("localhost", with(TRUST), 0, 401);
    expect("localhost", TOKEN, 60, 0);                   /* unknown authority */
    expect("renewed.example", with(TRUST TOKEN), 60, 0); /* another name */
}

static void tls_is_1_2_or_1_3(void **state)
{
    (void)state;
    expect("localhost", with(TRUST TOKEN "--tls-max 1.2 --tlsv1.2 "), 0, 200);
    expect("localhost", with(TRUST TOKEN "--tlsv1.3 "), 0, 200);
    expect("localhost",
           with(TRUST TOKEN "--tls-max 1.1 --tlsv1.0 --ciphers 'DEFAULT:@SECLEVEL=0' "), 35, 0);
    assert_int_equal(probe_raw(rig.port, "GET /RI/cmi/callbacks HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
}

static void a_certificate_of_the_authority_signs_on(void **state)
{
    (void)state;
    expect("localhost", with(TRUST "--cert %s/client.pem --key %s/client.key "), 0, 200);
    expect("localhost", with(TRUST "--cert %s/stranger.pem --key %s/stranger.key "), 0, 401);
    expect("localhost", with(TRUST "--cert %s/misused.pem --key %s/misused.key "), 0, 401);
    expect("localhost", with(TRUST "--cert %s/unknown.pem --key %s/unknown.key "), 0, 401);
    /* Other credentials count before it. */
    expect("localhost",
           with(TRUST "--cert %s/client.pem --key %s/client.key -H 'Authorization: Bearer x' "), 0,
           401);
}

/* As openssl prints it: escaped, attributes by names that other programs don't have, by numbers. */
static void a_subject_is_known_as_it_was_copied(void **state)
{
    (void)state;
    expect("localhost", with(TRUST "--cert %s/named.pem --key %s/named.key "), 0, 200);
}

static void a_refused_certificate_s_subject_is_told(void **state)
{
    (void)state;
    buf_clear(&rig.log);
    expect("localhost", with(TRUST "--cert %s/unknown.pem --key %s/unknown.key "), 0, 401);
    assert_true(serve_rig_await(&rig, "event=certificate_unknown"));
    assert_true(serve_rig_await(&rig, "subject=\"serialNumber=…567,CN=unknown,O=Example\""));
}

static void a_large_body_comes_in_and_goes_out(void **state)
{
    char path[96];
    char name[128];
    char options[512];
    FILE *file = NULL;
    struct buf body;
    int status = 0;

    (void)state;
    snprintf(name, sizeof name, "%s/body.json", dir);
    file = fopen(name, "w");
    assert_non_null(file);
    fputs("{\"source\":\"12345678@sms.social365.com\",\"message\":\"m\",\"subType\":\"sms\","
          "\"sendTime\":\"2099-01-01T00:00:00Z\",\"destinations\":[",
          file);
    for (int i = 0; i < DESTINATIONS; i++)
        fprintf(file, "%s{\"address\":\"+35840%07d\"}", i > 0 ? "," : "", i);
    fputs("]}", file);
    assert_int_equal(fclose(file), 0);
    buf_init(&body, ANSWER_MAX);
    snprintf(options, sizeof options,
             "--cacert %s/ours.pem " TOKEN
             "-H 'Content-Type: application/json' -H 'Expect:' --data-binary @%s",
             dir, name);
    assert_int_equal(curl("localhost", options, "/messages", &status, &body), 0);
    if (status != 201)
        fail_msg("%d %s", status, buf_text(&body));
    snprintf(path, sizeof path, "/messages/%s", buf_text(&body));
    assert_int_equal(curl("localhost", with(TRUST TOKEN), path, &status, &body), 0);
    assert_int_equal(status, 200);
    assert_true(body.n > (size_t)DESTINATIONS * 40);
    assert_non_null(strstr(buf_text(&body), "+358400004999"));
    buf_done(&body);
}

static void hang_up(const char *event)
{
    buf_clear(&rig.log);
    assert_int_equal(kill(rig.pid, SIGHUP), 0);
    assert_true(serve_rig_await(&rig, event));
}

static void a_renewed_certificate_counts_from_sighup(void **state)
{
    (void)state;
    sh("cd '%s' && cp renewed.pem now.pem", dir);
    hang_up("event=certificate_mistake"); /* the key is the old one's */
    expect("localhost", with(TRUST TOKEN), 0, 200);
    sh("cd '%s' && cp renewed.key now.key", dir);
    hang_up("event=certificate_read");
    expect("renewed.example", with(TRUST TOKEN), 0, 200);
    expect("localhost", with(TRUST TOKEN), 60, 0);
    expect("renewed.example", with(TRUST "--cert %s/client.pem --key %s/client.key "), 0, 200);
}

static int asked(struct tls_probe *p)
{
    tls_probe_say(p, "GET /RI/cmi/callbacks HTTP/1.1\r\nHost: x\r\n\r\n");
    return tls_probe_answer(p);
}

/* Connected, with that certificate if the server says that it takes such. */
static struct tls_probe *probe_of(const char *name)
{
    struct tls_probe *p = tls_probe_new(rig.port);
    char files[2][128];

    snprintf(files[0], sizeof files[0], "%s/%s.pem", dir, name);
    snprintf(files[1], sizeof files[1], "%s/%s.key", dir, name);
    tls_probe_certificate(p, files[0], files[1]);
    tls_probe_shake_hands(p);
    return p;
}

static void expect_of(const char *name, int status)
{
    struct tls_probe *p = probe_of(name);

    assert_int_equal(asked(p), status);
    tls_probe_free(p);
}

/* In the handshake, for who shows a certificate only where its authority is named, and for who is
 * connected already. */
static void renewed_authorities_count_from_sighup(void **state)
{
    struct tls_probe *kept = NULL;

    (void)state;
    expect_of("client", 200);
    expect_of("stranger", 401);
    kept = probe_of("client");
    assert_int_equal(asked(kept), 200);
    sh("cd '%s' && cat ours.pem theirs.pem >clients.pem", dir);
    hang_up("event=certificate_read");
    assert_int_equal(asked(kept), 200);
    expect_of("client", 200);
    expect_of("stranger", 200);
    sh("cd '%s' && cp theirs.pem clients.pem", dir);
    hang_up("event=certificate_read");
    assert_int_equal(asked(kept), 401);
    tls_probe_free(kept);
    expect_of("client", 401);
    expect_of("stranger", 200);
    sh("cd '%s' && cp ours.pem clients.pem", dir);
    hang_up("event=certificate_read");
    expect_of("client", 200);
}

/* ---- handshakes that don't end ---- */

/* What somebody begins a handshake with, and then is silent. NULL: a whole ClientHello. */
static const char *const beginnings[] = {"\x16", "\x16\x03\x01", "\x80\x2e\x01", "\x01", NULL};
#define BEGINNINGS (sizeof beginnings / sizeof beginnings[0])

static struct tls_probe *unfinished(const struct serve_rig *at, size_t i)
{
    struct tls_probe *p = tls_probe_new(at->port);
    const char *begins = beginnings[i % BEGINNINGS];
    struct pollfd answered = {.fd = tls_probe_fd(p), .events = POLLIN};

    if (begins != NULL) {
        probe_send(answered.fd, view_of(begins));
    } else {
        assert_true(tls_probe_send(p, SIZE_MAX));
        assert_int_equal(poll(&answered, 1, PROBE_PATIENCE_MS), 1); /* the server's part of it */
    }
    return p;
}

static void start_short(struct serve_rig *at)
{
    char server[512];

    snprintf(server, sizeof server, "  tls: {certificate: %s/server.pem, key: %s/server.key}\n",
             dir, dir);
    serve_rig_start_users(at, "ann: {rights: all}\n", server, SHORT);
}

static void new_client_is_served(const struct serve_rig *at)
{
    struct tls_probe *p = tls_probe_new(at->port);

    tls_probe_shake_hands(p);
    assert_int_equal(asked(p), 401);
    tls_probe_free(p);
}

static void unfinished_handshakes_stop_nobody_and_are_cut(void **state)
{
    struct serve_rig at;
    struct tls_probe *kept = NULL;
    struct tls_probe *slow = NULL;
    struct tls_probe *half[LIMIT - 3];
    struct probe_reply r;

    (void)state;
    start_short(&at);
    kept = tls_probe_new(at.port);
    tls_probe_shake_hands(kept);
    assert_int_equal(asked(kept), 401);
    slow = unfinished(&at, BEGINNINGS - 1);
    for (size_t i = 0; i < LIMIT - 3; i++)
        half[i] = unfinished(&at, i);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(asked(kept), 401);
        new_client_is_served(&at);
    }
    r = probe_ask(at.admin_port, "GET", "/healthz", "", NULL);
    assert_int_equal(r.status, 200);
    probe_done(&r);
    tls_probe_shake_hands(slow); /* its client had only taken its time */
    assert_int_equal(asked(slow), 401);
    for (size_t i = 0; i < LIMIT - 3; i++) {
        (void)probe_is_closed(tls_probe_fd(half[i]));
        tls_probe_free(half[i]);
    }
    tls_probe_free(slow);
    tls_probe_free(kept);
    serve_rig_done(&at);
}

static void a_handshake_is_cut_however_busily_it_drips(void **state)
{
    struct serve_rig at;
    struct tls_probe *p = NULL;
    struct pollfd ended = {.events = POLLIN};
    bool more = true;

    (void)state;
    start_short(&at);
    p = tls_probe_new(at.port);
    ended.fd = tls_probe_fd(p);
    /* A byte each 100 ms: less than the hello's 200 and more in the time. */
    while (more && poll(&ended, 1, 100) == 0)
        more = tls_probe_send(p, 1);
    assert_true(more && probe_is_closed(ended.fd));
    tls_probe_free(p);
    new_client_is_served(&at);
    serve_rig_done(&at);
}

static void unfinished_handshakes_up_to_the_limit_make_way(void **state)
{
    struct serve_rig at;
    struct tls_probe *half[LIMIT];

    (void)state;
    start_short(&at);
    for (size_t i = 0; i < LIMIT; i++)
        half[i] = unfinished(&at, i);
    new_client_is_served(&at); /* when they have been cut */
    for (size_t i = 0; i < LIMIT; i++)
        tls_probe_free(half[i]);
    half[0] = unfinished(&at, BEGINNINGS - 1);
    serve_rig_done(&at); /* ends well with one under way */
    tls_probe_free(half[0]);
}

static void a_request_that_stops_halfway_is_answered(void **state)
{
    static const char *const halves[] = {
        "GET /RI/cmi/callbacks HTTP/1.1\r\nHost: x\r\n",
        "POST /RI/cmi/callbacks HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{",
        "POST /RI/cmi/callbacks HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n{",
    };
    static const int statuses[] = {408, 408, 413};
    struct tls_probe *probes[3];
    struct serve_rig at;

    (void)state;
    start_short(&at);
    for (size_t i = 0; i < 3; i++) {
        probes[i] = tls_probe_new(at.port);
        tls_probe_shake_hands(probes[i]);
        tls_probe_say(probes[i], halves[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(tls_probe_answer(probes[i]), statuses[i]);
        (void)probe_is_closed(tls_probe_fd(probes[i]));
        tls_probe_free(probes[i]);
    }
    serve_rig_done(&at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_trusts_the_authority_is_served),
        cmocka_unit_test(tls_is_1_2_or_1_3),
        cmocka_unit_test(a_certificate_of_the_authority_signs_on),
        cmocka_unit_test(a_subject_is_known_as_it_was_copied),
        cmocka_unit_test(a_refused_certificate_s_subject_is_told),
        cmocka_unit_test(a_large_body_comes_in_and_goes_out),
        cmocka_unit_test(a_renewed_certificate_counts_from_sighup),
        cmocka_unit_test(renewed_authorities_count_from_sighup),
        cmocka_unit_test(unfinished_handshakes_stop_nobody_and_are_cut),
        cmocka_unit_test(a_handshake_is_cut_however_busily_it_drips),
        cmocka_unit_test(unfinished_handshakes_up_to_the_limit_make_way),
        cmocka_unit_test(a_request_that_stops_halfway_is_answered),
    };

    need("openssl");
    need("curl");
    return cmocka_run_group_tests(tests, start, stop);
}
