#include "bridge/io/http_target.h"

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "bridge/io/http_request.h"

#include <limits.h>
#include <string.h>

static bool check_url(const char *url, struct fault *f)
{
    struct view rest = view_of(url);
    struct view host;

    if (view_starts_nocase(rest, VIEW("https://")))
        rest = view_skip(rest, 8);
    else if (view_starts_nocase(rest, VIEW("http://")))
        rest = view_skip(rest, 7);
    else
        return fault_set(f, FAULT_STOP, "url does not begin with http:// or https://");
    for (size_t i = 0; i < rest.n; i++)
        if (rest.p[i] <= 0x20 || rest.p[i] >= 0x7f || strchr("?#@", rest.p[i]) != NULL)
            return fault_set(f, FAULT_STOP,
                             "url holds '?', '#', '@' or a byte that must be escaped; user and "
                             "password have settings of their own");
    host = view_cut(&rest, '/');
    if (host.n == 0)
        return fault_set(f, FAULT_STOP, "url names no host");
    return true;
}

static bool need(const char *value, const char *setting, const char *auth, struct fault *f)
{
    if (value != NULL && *value != '\0')
        return true;
    return fault_set(f, FAULT_STOP, "%s is missing, which auth '%s' needs", setting, auth);
}

static bool check_auth(const struct http_destination *c, struct fault *f)
{
    struct view name = view_of(c->auth == HTTP_AUTH_API_KEY ? c->key_header : "Authorization");

    switch (c->auth) {
    case HTTP_AUTH_NONE:
        return true;
    case HTTP_AUTH_BASIC:
        if (!need(c->user, "user", "basic", f) || !need(c->secret, "password", "basic", f))
            return false;
        if (view_has(view_of(c->user), ':'))
            return fault_set(f, FAULT_STOP, "user holds a ':', which Basic can't carry");
        return true;
    case HTTP_AUTH_BEARER:
        if (!need(c->secret, "token", "bearer", f))
            return false;
        break;
    case HTTP_AUTH_API_KEY:
        if (!need(c->secret, "api_key", "api-key", f) ||
            !need(c->key_header, "api_key_header", "api-key", f))
            return false;
        break;
    case HTTP_AUTH_CERTIFICATE:
        return need(c->certificate, "certificate", "certificate", f) &&
               need(c->key, "key", "certificate", f);
    }
    if (strlen(c->secret) > HTTP_CLIENT_SECRET_MAX)
        return fault_set(f, FAULT_STOP, "the token or key is longer than %d bytes",
                         HTTP_CLIENT_SECRET_MAX);
    return http_request_check_header(name, view_of(c->secret), f);
}

static bool in_range(int64_t value, int64_t least, int64_t most, const char *setting,
                     struct fault *f)
{
    if (value >= least && value <= most)
        return true;
    return fault_set(f, FAULT_STOP, "%s is %lld; allowed are %lld to %lld", setting,
                     (long long)value, (long long)least, (long long)most);
}

static char *copy(const char *text)
{
    return text != NULL ? mem_text(text, strlen(text)) : NULL;
}

static char *path_of(const char *url)
{
    struct view path = view_of(strchr(strstr(url, "://") + 3, '/'));

    while (path.n > 0 && path.p[path.n - 1] == '/')
        path.n--;
    return mem_text(path.p, path.n);
}

static char *line_of(const struct http_destination *c)
{
    struct buf line;

    if (c->auth != HTTP_AUTH_BEARER && c->auth != HTTP_AUTH_API_KEY)
        return NULL;
    buf_init(&line, HTTP_REQUEST_HEAD_MAX);
    buf_put_text(&line, c->auth == HTTP_AUTH_BEARER ? "Authorization" : c->key_header);
    buf_put_text(&line, c->auth == HTTP_AUTH_BEARER ? ": Bearer " : ": ");
    buf_put_text(&line, c->secret);
    (void)buf_text(&line);
    return line.p; /* the target's from here on */
}

bool http_target_init(struct http_target *t, const struct http_destination *c, struct fault *f)
{
    if (!check_url(c->url, f) || !check_auth(c, f) ||
        !in_range(c->slots, 1, HTTP_CLIENT_SLOTS_MAX, "concurrency", f) ||
        !in_range(c->timeout_ms, 1, INT_MAX, "timeout", f) ||
        !in_range(c->connect_timeout_ms, 1, INT_MAX, "connect_timeout", f) ||
        !in_range(c->low_speed_ms, 0, INT_MAX, "low_speed_ms", f) ||
        !in_range(c->low_speed_bytes, 0, INT_MAX, "low_speed_bytes", f)) {
        f->cls = FAULT_STOP;
        return false;
    }
    t->conf = *c;
    t->conf.reply_max = c->reply_max > 0 ? c->reply_max : HTTP_REPLY_BODY_MAX;
    t->conf.url = copy(c->url);
    t->conf.user = copy(c->user);
    t->conf.secret = copy(c->secret);
    t->conf.key_header = copy(c->key_header);
    t->conf.certificate = copy(c->certificate);
    t->conf.key = copy(c->key);
    t->conf.ca = copy(c->ca);
    t->base = path_of(c->url);
    t->own_line = line_of(c);
    return true;
}

static void drop(const char *text)
{
    mem_free((void *)(uintptr_t)text);
}

static void drop_secret(const char *text)
{
    if (text != NULL)
        explicit_bzero((void *)(uintptr_t)text, strlen(text));
    drop(text);
}

void http_target_done(struct http_target *t)
{
    drop(t->conf.url);
    drop(t->conf.user);
    drop_secret(t->conf.secret);
    drop(t->conf.key_header);
    drop(t->conf.certificate);
    drop(t->conf.key);
    drop(t->conf.ca);
    drop(t->base);
    drop_secret(t->own_line);
    *t = (struct http_target){.base = NULL};
}
