/*
 * tls: the certificate that a server shows, and the authorities whose clients' certificates it
 * believes (GnuTLS, which libmicrohttpd is made with). TLS 1.2 and 1.3.
 *
 * What is read anew counts from the next handshake on; whom the authorities vouch for, from the
 * next look on.
 */
#ifndef BRIDGE_IO_TLS_H
#define BRIDGE_IO_TLS_H

#include "bridge/core/dn.h"
#include "bridge/core/fault.h"
#include "bridge/core/view.h"

#include <stddef.h>

#define TLS_FILE_MAX    (1 << 20) /* bytes of one file */
#define TLS_CHAIN_MAX   8         /* certificates of one end */
#define TLS_SUBJECT_MAX (DN_MAX + 1)
#define TLS_PRIORITIES  "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct tls;

struct tls_conf {
    const char *certificate; /* files in PEM: with its chain, its own first */
    const char *key;
    const char *client_ca; /* NULL: clients are asked for no certificate */
};

/* Reads the files. NULL with a fault if they can't be read, or don't fit together. Copies conf. */
struct tls *tls_new(const struct tls_conf *conf, struct fault *f) MUST_CHECK;
/* Reads them again. False with a fault: it stays with what it has. */
bool tls_reload(struct tls *t, struct fault *f) MUST_CHECK;
void tls_free(struct tls *t); /* NULL is a no-op */

/* Would these files (PEM) do? Certificate and key come both or not at all; `ca`: authorities, or
 * NULL. For who only hands their names on. */
bool tls_check(const char *certificate, const char *key, const char *ca,
               struct fault *f) MUST_CHECK;

/* For a server's library. The authorities, PEM, as they were when tls_new read them; NULL: none. */
const char *tls_client_ca(const struct tls *t);
/* Before the handshake of such a session: it is told the authorities of now, not those of then. */
void tls_name_authorities(struct tls *t, void *session);
/* Another number after each tls_reload that did well: what tls_peer said may be otherwise. */
unsigned tls_generation(const struct tls *t);
/* The subject (as dn_read makes it) of the certificate that the client of this GnuTLS session
 * showed, if one of the authorities vouches for it, today, as a client's. */
bool tls_peer(const struct tls *t, void *session, char out[TLS_SUBJECT_MAX]);
/* Is the handshake of this GnuTLS session over, and well? */
bool tls_is_established(void *session);
/* What a session that is to be tried again waits for: that it can write, else that it can read. */
bool tls_is_writing(void *session);
/* Sends the last that an established session sends, and that it is; as much as the socket takes at
 * once. */
void tls_last_word(void *session, struct view bytes);
/* Gives a session in its handshake the certificate: a retrieve function of GnuTLS (version 3). It
 * finds the tls by `of`, which is called with the session's pointer. */
typedef void tls_function(void);
tls_function *tls_retrieve(const struct tls *(*of)(void *session_pointer));

#endif
