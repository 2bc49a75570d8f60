/* conf_rules: how one signs on to an HTTP destination. */
#include "config/conf_rules.h"

#include <stdio.h>
#include <string.h>

static void path_of(const char *prefix, const char *key, char out[SCHEMA_PATH_MAX])
{
    (void)snprintf(out, SCHEMA_PATH_MAX, "%s.%s", prefix, key);
}

static bool is_among(const char *key, const char *const *others)
{
    for (size_t i = 0; others != NULL && others[i] != NULL; i++)
        if (strcmp(key, others[i]) == 0)
            return true;
    return false;
}

/* What each way of signing on needs; nothing else may be given. */
static const struct need {
    const char *auth;
    const char *key;
} needs[] = {
    {"basic", "user"},       {"basic", "password"},
    {"bearer", "token"},     {"api-key", "api_key"},
    {"oauth2", "user"},      {"oauth2", "password"},
    {"oauth2", "token_url"}, {"certificate", "certificate"},
    {"certificate", "key"},
};

static bool needs_key(const char *auth, const char *key)
{
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
        if (strcmp(needs[i].auth, auth) == 0 && strcmp(needs[i].key, key) == 0)
            return true;
    return false;
}

/* A key that two ways need is told of once. */
static bool was_told(const struct need *of)
{
    for (const struct need *n = needs; n < of; n++)
        if (strcmp(n->key, of->key) == 0)
            return true;
    return false;
}

static void check_needs(struct rules *r, const char *prefix, const char *given_auth,
                        const char *const *others)
{
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        const char *key = needs[i].key;
        char path[SCHEMA_PATH_MAX];
        char auth[SCHEMA_PATH_MAX];

        path_of(prefix, key, path);
        path_of(prefix, "auth", auth);
        if (schema_find(path) == NULL)
            continue; /* not every destination has all ways */
        if (strcmp(needs[i].auth, given_auth) == 0) {
            if (!conf_has(r->c, path))
                rules_mistake(r, auth, "%s is missing; auth: %s needs it", path, given_auth);
        } else if (conf_has(r->c, path) && !needs_key(given_auth, key) && !was_told(&needs[i]) &&
                   !is_among(key, others)) {
            rules_mistake(r, path, "%s is given, but auth is %s; it belongs to auth: %s", path,
                          given_auth, needs[i].auth);
        }
    }
}

static bool is_token(const char *name)
{
    return name[0] != '\0' &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789!#$%&'*+-.^_`|~")] == '\0';
}

static bool is_header_of(const char *name, const char *const *headers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (view_eq_nocase(view_of(name), view_of(headers[i])))
            return true;
    return false;
}

/* The header of a key must be one, and none that a request carries already: ours, or a client's
 * (served). */
static void check_key_header(struct rules *r, const char *prefix, bool served)
{
    static const char *const clients[] = {
        "Accept-Encoding",   "Accept-Language",  "Authorization",
        "Content-Encoding",  "Cookie",           "Date",
        "If-Modified-Since", "If-None-Match",    "Origin",
        "Referer",           "User-Agent",       "X-Forwarded-For",
        "X-Forwarded-Host",  "X-Forwarded-Proto"};
    static const char *const ours[] = {
        "Accept",
        "Connection",
        "Content-Length",
        "Content-Type",
        "Expect",
        "Host",
        "Idempotency-Key",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "traceparent",
        "tracestate",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
    };
    char path[SCHEMA_PATH_MAX];
    const char *name;
    bool carried;

    path_of(prefix, "api_key_header", path);
    name = conf_text(r->c, path);
    if (name == NULL)
        return;
    if (!is_token(name))
        rules_mistake(r, path,
                      "%s is '%s', which is no name of a header: letters, digits and "
                      "!#$%%&'*+-.^_`|~ may be in it",
                      path, name);
    carried = is_header_of(name, ours, sizeof ours / sizeof ours[0]) ||
              (served && is_header_of(name, clients, sizeof clients / sizeof clients[0]));
    if (carried)
        rules_mistake(r, path, "%s is %s, which a request carries for another purpose", path, name);
}

void rules_served_key_header(struct rules *r)
{
    check_key_header(r, "server", true);
}

/* Basic puts a colon between user and password (RFC 7617, 2). The client's credentials of oauth2
 * are sent so, too. */
static void check_user(struct rules *r, const char *prefix, const char *given_auth)
{
    char path[SCHEMA_PATH_MAX];
    const char *user;

    path_of(prefix, "user", path);
    user = conf_text(r->c, path);
    if (user != NULL && strchr(user, ':') != NULL &&
        (strcmp(given_auth, "basic") == 0 || strcmp(given_auth, "oauth2") == 0))
        rules_mistake(r, path,
                      "%s holds a colon, which ends the user's name where auth: %s sends it", path,
                      given_auth);
}

bool rules_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strncmp(host, "localhost", 9) == 0 ||
           strncmp(host, "[::1]", 5) == 0;
}

/* Where the secret itself goes. */
static void check_plain_token_url(struct rules *r, const char *prefix)
{
    char path[SCHEMA_PATH_MAX];
    const char *url;

    path_of(prefix, "token_url", path);
    url = schema_find(path) != NULL ? conf_text(r->c, path) : NULL;
    if (url != NULL && view_starts_nocase(view_of(url), VIEW("http://")) &&
        !rules_loopback(url + strlen("http://")))
        rules_warn(r, path, "sends its credentials unencrypted; an https address would not");
}

static void check_plain_http(struct rules *r, const char *prefix, const char *given_auth)
{
    static const char *const tls[] = {"certificate", "key", "ca"};
    char path[SCHEMA_PATH_MAX];
    const char *url;

    path_of(prefix, "url", path);
    url = conf_text(r->c, path);
    if (url == NULL || !view_starts_nocase(view_of(url), VIEW("http://")))
        return;
    if (strcmp(given_auth, "none") != 0 && !rules_loopback(url + strlen("http://")))
        rules_warn(r, path, "sends its credentials unencrypted; an https address would not");
    for (size_t i = 0; i < sizeof tls / sizeof tls[0]; i++) {
        path_of(prefix, tls[i], path);
        if (conf_has(r->c, path))
            rules_mistake(r, path, "%s is given, but the url begins with http://, not https://",
                          path);
    }
}

void rules_sign_on(struct rules *r, const char *prefix, const char *const *others)
{
    char path[SCHEMA_PATH_MAX];
    const char *auth = NULL;

    path_of(prefix, "auth", path);
    auth = conf_text(r->c, path);
    if (auth == NULL)
        return; /* not a valid one: its own mistake is there already */
    check_needs(r, prefix, auth, others);
    check_user(r, prefix, auth);
    check_key_header(r, prefix, false);
    check_plain_http(r, prefix, auth);
    check_plain_token_url(r, prefix);
}
