/*
 * tls_probe: a TLS client that goes through its handshake as far as it is told. It believes any
 * certificate.
 */
#ifndef TESTS_FAKES_TLS_PROBE_H
#define TESTS_FAKES_TLS_PROBE_H

#include <stdbool.h>
#include <stddef.h>

struct tls_probe;

/* Connected to 127.0.0.1; its ClientHello is ready, and not sent. */
struct tls_probe *tls_probe_new(unsigned port);
/* Before the handshake: it shows this certificate (files in PEM), but only to a server that names
 * its authority, as browsers do. */
void tls_probe_certificate(struct tls_probe *p, const char *certificate, const char *key);
void tls_probe_free(struct tls_probe *p);
int tls_probe_fd(const struct tls_probe *p);
/* Sends at most so many bytes of what is ready; false: nothing is. */
bool tls_probe_send(struct tls_probe *p, size_t most);
/* Goes on: sends what is ready, and waits for the rest of the handshake. */
void tls_probe_shake_hands(struct tls_probe *p);
void tls_probe_say(struct tls_probe *p, const char *bytes);
/* Reads one answer; its status, 0: the connection ended. */
int tls_probe_answer(struct tls_probe *p);

#endif
