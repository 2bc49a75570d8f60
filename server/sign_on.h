/*
 * sign_on: who a request is from (contract 23), by a password (Basic), a token (bearer, or an API
 * key in a header of its own), or the certificate of the connection.
 *
 * Tokens and certificates are looked up. A password costs 0.1 s and 64 MiB (argon2id), so it is
 * verified in the thread pool, SIGN_ON_AT_ONCE at a time, the same one for all that wait with it;
 * what was right is remembered for SIGN_ON_KEPT_MS under a keyed digest. Who is nobody costs the
 * same as a wrong password. Tries are slowed (core/throttle.h); what is remembered, and tokens that
 * are right, are not tries.
 *
 * Where there is an anonymous user, nothing of all this happens.
 */
#ifndef SERVER_SIGN_ON_H
#define SERVER_SIGN_ON_H

#include "bridge/core/stats.h"
#include "bridge/io/http_server.h"
#include "bridge/ports/notice.h"
#include "server/user.h"

#define SIGN_ON_AT_ONCE     2      /* passwords verified at a time */
#define SIGN_ON_CHECKS_MAX  64     /* different ones that wait or are verified; further ones: 503 */
#define SIGN_ON_WAITERS_MAX 1000   /* requests that wait for them */
#define SIGN_ON_KEPT_MS     300000 /* how long a verified password is remembered */
#define SIGN_ON_KEPT_MAX    1024   /* of them */

struct sign_on;
struct uv_loop_s;

struct sign_on_conf {
    struct uv_loop_s *loop;
    const struct notice *log;
    struct stats *stats;
    const char *api_key_header; /* "X-API-Key"; outlives the sign_on */
};

enum sign_on_outcome {
    SIGN_ON_KNOWN,  /* result.user */
    SIGN_ON_NOBODY, /* no credentials, or wrong ones: 401 */
    SIGN_ON_SLOWED, /* too many tries: 429, again after retry_s */
    SIGN_ON_BUSY,   /* too many at once, or the users have just changed: 503 */
    SIGN_ON_WAITS,  /* done is called later */
};

struct sign_on_result {
    enum sign_on_outcome outcome;
    const struct exchange_user *user;
    struct users *users; /* SIGN_ON_KNOWN: a hold on the user's set, now the caller's */
    int64_t retry_s;
};

typedef void sign_on_done(void *ctx, const struct sign_on_result *r);

/* Takes the caller's hold on the users. */
struct sign_on *sign_on_new(const struct sign_on_conf *conf, struct users *users);
/* Whom the request is from, or SIGN_ON_WAITS, and then done is called once, from the loop; never
 * from inside. */
struct sign_on_result sign_on_look(struct sign_on *s, const struct http_request *r,
                                   sign_on_done *done, void *ctx);
/* Might it be from somebody? false: its body need not be taken. */
bool sign_on_may_be_known(const struct sign_on *s, const struct http_request *r);
/* Other users from here on; takes the hold. What was remembered is forgotten. */
void sign_on_change(struct sign_on *s, struct users *users);
/* Who waits is answered (SIGN_ON_BUSY) before it returns; nobody waits from here on. */
void sign_on_stop(struct sign_on *s);
/* After that; a verification that still runs is the loop's, which must run to its end. NULL is a
 * no-op. */
void sign_on_free(struct sign_on *s);

#endif
