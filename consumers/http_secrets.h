/*
 * http_secrets: what a request signs on with, as a peer may repeat it, and a peer's sentence
 * without it (core/echo.h, D11).
 */
#ifndef CONSUMERS_HTTP_SECRETS_H
#define CONSUMERS_HTTP_SECRETS_H

#include "bridge/core/buf.h"
#include "bridge/io/http_client.h"

#define HTTP_SECRETS_MAX (8 * (size_t)HTTP_CLIENT_SECRET_MAX)

void http_secrets_init(struct buf *secrets);
/* Adds those of the destination; more are added by echo_add_secret. */
void http_secrets_add(struct buf *secrets, const struct http_destination *d);
void http_secrets_done(struct buf *secrets); /* nothing of them stays in memory */

/* The first line of what a peer said to a request that held nothing else that is secret or
 * somebody's. out has `size` bytes with the NUL. Returns out. */
const char *http_secrets_mask(const struct buf *secrets, struct view said, char *out, size_t size);

#endif
