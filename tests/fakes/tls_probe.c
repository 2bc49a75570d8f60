#include "tests/fakes/tls_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "tests/fakes/probe.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/ssl.h>

#define ANSWER_MAX 65536

struct tls_probe {
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in; /* both are the ssl's */
    BIO *out;
};

struct tls_probe *tls_probe_new(unsigned port)
{
    struct tls_probe *p = mem_zeroed(1, sizeof *p);

    p->fd = probe_connect(port);
    p->ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(p->ctx);
    p->ssl = SSL_new(p->ctx);
    assert_non_null(p->ssl);
    p->in = BIO_new(BIO_s_mem());
    p->out = BIO_new(BIO_s_mem());
    SSL_set_bio(p->ssl, p->in, p->out);
    SSL_set_connect_state(p->ssl);
    assert_int_equal(SSL_do_handshake(p->ssl), -1); /* it waits for an answer */
    return p;
}

/* Called when the server asks for one. */
static int show_if_named(SSL *ssl, void *arg)
{
    const STACK_OF(X509_NAME) *names = SSL_get_client_CA_list(ssl);
    X509_NAME *issuer = X509_get_issuer_name(SSL_get_certificate(ssl));
    bool named = false;

    (void)arg;
    for (int i = 0; i < sk_X509_NAME_num(names); i++)
        named = named || X509_NAME_cmp(sk_X509_NAME_value(names, i), issuer) == 0;
    if (!named)
        SSL_certs_clear(ssl);
    return 1;
}

void tls_probe_certificate(struct tls_probe *p, const char *certificate, const char *key)
{
    assert_int_equal(SSL_use_certificate_file(p->ssl, certificate, SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_use_PrivateKey_file(p->ssl, key, SSL_FILETYPE_PEM), 1);
    SSL_set_cert_cb(p->ssl, show_if_named, NULL);
}

void tls_probe_free(struct tls_probe *p)
{
    SSL_free(p->ssl);
    SSL_CTX_free(p->ctx);
    probe_close(p->fd);
    mem_free(p);
}

int tls_probe_fd(const struct tls_probe *p)
{
    return p->fd;
}

bool tls_probe_send(struct tls_probe *p, size_t most)
{
    char bytes[16384];
    int n = BIO_read(p->out, bytes, (int)(most < sizeof bytes ? most : sizeof bytes));

    if (n > 0)
        probe_send(p->fd, (struct view){bytes, (size_t)n});
    return n > 0;
}

static void flush(struct tls_probe *p)
{
    while (tls_probe_send(p, SIZE_MAX))
        continue;
}

/* false: the connection has ended. */
static bool more(struct tls_probe *p)
{
    struct pollfd ready = {.fd = p->fd, .events = POLLIN};
    char bytes[16384];
    ssize_t n = 0;

    assert_int_equal(poll(&ready, 1, PROBE_PATIENCE_MS), 1);
    n = recv(p->fd, bytes, sizeof bytes, 0);
    return n > 0 && BIO_write(p->in, bytes, (int)n) == n;
}

void tls_probe_shake_hands(struct tls_probe *p)
{
    flush(p);
    while (SSL_do_handshake(p->ssl) != 1) {
        flush(p);
        assert_true(more(p));
    }
    flush(p);
}

/* The answer is whole: head, and body of the length it names. */
static bool is_whole(struct buf *all)
{
    const char *text = buf_text(all);
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, "\r\nContent-Length: ");
    int64_t body = 0;

    if (end == NULL)
        return false;
    if (length != NULL && length < end) {
        length += strlen("\r\nContent-Length: ");
        assert_true(num_int((struct view){length, strcspn(length, "\r")}, &body));
    }
    return all->n >= (size_t)(end + 4 - text) + (size_t)body;
}

void tls_probe_say(struct tls_probe *p, const char *bytes)
{
    assert_int_equal(SSL_write(p->ssl, bytes, (int)strlen(bytes)), strlen(bytes));
    flush(p);
}

int tls_probe_answer(struct tls_probe *p)
{
    struct buf all;
    char bytes[4096];
    int64_t status = 0;
    bool alive = true;
    int n = 0;

    buf_init(&all, ANSWER_MAX);
    while (alive && !is_whole(&all)) {
        while ((n = SSL_read(p->ssl, bytes, sizeof bytes)) > 0)
            assert_true(buf_put(&all, (struct view){bytes, (size_t)n}));
        alive = is_whole(&all) || more(p);
    }
    if (alive)
        assert_true(num_int((struct view){all.p + 9, 3}, &status));
    buf_done(&all);
    return (int)status;
}
