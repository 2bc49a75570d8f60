/*
 * cors: pages of other origins that may call from a browser (contract 2, server.cors.origins).
 */
#ifndef SERVER_CORS_H
#define SERVER_CORS_H

#include "server/pending.h"

#define CORS_FIELDS_MAX 3

struct cors;

struct cors *cors_new(void);
void cors_free(struct cors *c);
void cors_allow(struct cors *c, const char *origin); /* "https://desk.example.com"; copied */
/* A page may send that header, too (the API key's); at most 128 bytes. */
void cors_allow_header(struct cors *c, const char *name);
void cors_https(struct cors *c); /* our own pages can't be http: we speak TLS ourselves */
/* What every answer to a request with those header fields carries; returns how many fields. */
size_t cors_fields(const struct cors *c, const struct http_field *headers, size_t header_count,
                   struct http_field out[CORS_FIELDS_MAX]);
/* May a request with those header fields change anything? A browser sends the simplest of a page's
 * requests without asking for leave, with what it signs the user on by; so none that comes from a
 * page may whose origin is neither allowed nor our own, that of Host. A proxy may do TLS for us,
 * and change Host: then the browser's word (Sec-Fetch-Site) counts. Who sends neither is no page.
 */
bool cors_may_write(const struct cors *c, const struct http_field *headers, size_t header_count);
/* Does the request ask for leave, for a page of an allowed origin? */
bool cors_is_preflight(const struct cors *c, const struct http_request *r);
/* Adds to the answer what the browser needs to hand it to the page, and, if the request asks for
 * leave (OPTIONS with Access-Control-Request-Method), what it may send. Nothing for other origins.
 */
void cors_answer(const struct cors *c, struct pending *p, struct view allowed_methods);

#endif
