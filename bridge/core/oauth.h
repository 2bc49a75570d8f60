/*
 * oauth: access tokens of OAuth2 client credentials (RFC 6749 4.4): what the token server's reply
 * holds, and when to fetch the next one. How one is asked for: POST of OAUTH_BODY, signed on by
 * Basic.
 */
#ifndef BRIDGE_CORE_OAUTH_H
#define BRIDGE_CORE_OAUTH_H

#include "bridge/core/fault.h"
#include "bridge/core/view.h"

#include <stdint.h>

#define OAUTH_BODY        "grant_type=client_credentials"
#define OAUTH_BODY_TYPE   "application/x-www-form-urlencoded"
#define OAUTH_TOKEN_MAX   8192     /* with the NUL */
#define OAUTH_LIFE_MS     300000   /* where the server does not say */
#define OAUTH_LIFE_MAX_MS 86400000 /* a longer one is cut to this */

struct oauth_token {
    char text[OAUTH_TOKEN_MAX]; /* visible ASCII; a secret */
    int64_t life_ms;            /* from the reply on */
};

/* false (RETRY) with a sentence in which no secret is: no token came. */
bool oauth_read(int status, struct view body, struct oauth_token *out, struct fault *f) MUST_CHECK;
/* How long a token of that life is used: until shortly before its end, the more the longer it
 * lives. */
int64_t oauth_use_ms(int64_t life_ms);

#endif
