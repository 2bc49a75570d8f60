/*
 * authorization: what an Authorization header says (RFC 9110 section 11.6.2): Basic (RFC 7617, in
 * UTF-8) and Bearer (RFC 6750). Reads; decides nothing.
 */
#ifndef BRIDGE_CORE_AUTHORIZATION_H
#define BRIDGE_CORE_AUTHORIZATION_H

#include "bridge/core/buf.h"

#define AUTHORIZATION_LOGIN_MAX    64   /* bytes; a longer login is nobody's */
#define AUTHORIZATION_PASSWORD_MAX 1024 /* bytes */
#define AUTHORIZATION_TOKEN_MAX    4096 /* bytes */

enum authorization_kind {
    AUTHORIZATION_BASIC,
    AUTHORIZATION_BEARER,
    AUTHORIZATION_NEITHER, /* another scheme, or none of the two as it must be */
};

struct authorization {
    enum authorization_kind kind;
    struct view login; /* BASIC: 1 to LOGIN_MAX bytes, UTF-8 without control characters, no ':' */
    struct view password; /* BASIC: UTF-8 without NUL, may be empty */
    struct view token;    /* BEARER: of its own alphabet, not empty */
};

/* What it gives lies in `value` and `room` (its maximum should be AUTHORIZATION_ROOM). */
#define AUTHORIZATION_ROOM (AUTHORIZATION_LOGIN_MAX + 1 + AUTHORIZATION_PASSWORD_MAX)
struct authorization authorization_read(struct view value, struct buf *room);
/* 1 to LOGIN_MAX bytes of UTF-8 without control characters, blanks at the ends or ':'. */
bool authorization_is_login(struct view login);
/* RFC 6750's b64token: letters, digits, "-._~+/", then '='. */
bool authorization_is_token(struct view token);

#endif
