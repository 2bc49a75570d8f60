/*
 * access: who comes in to one `serve`, as the configuration has it: the users file or the anonymous
 * user, and the certificate of TLS; and both read again at SIGHUP.
 */
#ifndef SERVER_ACCESS_H
#define SERVER_ACCESS_H

#include "config/conf.h"
#include "server/sign_on.h"

#define ACCESS_MISTAKES_MAX 65536

struct queues;
struct tls;

struct access {
    struct sign_on *sign_on;
    struct tls *tls; /* NULL: plain HTTP */
    /* for reloading */
    const char *file; /* the users file; NULL: an anonymous user */
    const struct queues *queues;
    const struct notice *log;
};

/* What outlives it: conf, queues, and what sign_on points to. log, loop and stats of `sign_on` are
 * given; its API key header is read from the configuration. False with a fault (each mistake of the
 * users file is logged). */
bool access_open(struct access *a, const struct conf *c, const struct queues *queues,
                 struct sign_on_conf *sign_on, struct fault *f) MUST_CHECK;
/* Reads users and certificate again; what has mistakes changes nothing, and is logged. */
void access_reload(struct access *a);
/* Those who wait to be known are answered, and nobody is known any more. */
void access_stop(struct access *a);
void access_close(struct access *a); /* after the server that it was for */

/* The chat and callback queues of the configuration. */
struct queues *access_queues(const struct conf *c);
/* Appends the mistakes in the users file that the configuration names, if it names one. The conf
 * may have mistakes itself (conf_check); those in its queues come first. */
void access_check(const struct conf *c, struct buf *mistakes);

#endif
