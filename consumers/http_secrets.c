#include "consumers/http_secrets.h"

#include "bridge/core/base64.h"
#include "bridge/core/echo.h"

#include <string.h>

void http_secrets_init(struct buf *secrets)
{
    buf_init(secrets, HTTP_SECRETS_MAX);
}

void http_secrets_add(struct buf *secrets, const struct http_destination *d)
{
    struct buf pair;
    struct buf coded;

    if (d->auth == HTTP_AUTH_NONE || d->auth == HTTP_AUTH_CERTIFICATE || d->secret == NULL)
        return;
    buf_init(&pair, 2 * (size_t)HTTP_CLIENT_SECRET_MAX);
    buf_init(&coded, 4 * (size_t)HTTP_CLIENT_SECRET_MAX);
    if (d->auth == HTTP_AUTH_BASIC && d->user != NULL)
        buf_printf(&pair, "%s:%s", d->user, d->secret);
    else
        buf_put_text(&pair, d->secret);
    base64_encode(buf_view(&pair), &coded);
    echo_add_secret(secrets, d->secret);
    echo_add_secret(secrets, buf_text(&pair));
    echo_add_secret(secrets, buf_text(&coded));
    http_secrets_done(&pair);
    http_secrets_done(&coded);
}

void http_secrets_done(struct buf *secrets)
{
    if (secrets->p != NULL)
        explicit_bzero(secrets->p, secrets->n);
    buf_done(secrets);
}

const char *http_secrets_mask(const struct buf *secrets, struct view said, char *out, size_t size)
{
    struct buf none;

    buf_init(&none, ECHO_PRIVATE_MAX);
    none.full = secrets->full; /* what can't be looked for is not shown */
    return echo_mask(said, "", &none, buf_view(secrets), out, size);
}
