/*
 * openapi: the description of the interface in OpenAPI 3.0, made from the tables of routes and
 * fields: what is served at /RI/cmi/openapi.json, printed by `cmibridge serve --print-openapi`, and
 * stored as docs/openapi.json.
 */
#ifndef SERVER_OPENAPI_H
#define SERVER_OPENAPI_H

#include "bridge/core/cmi_fields.h"
#include "bridge/core/json_out.h"
#include "server/exchange.h"

#define OPENAPI_MAX (1 << 20)

/* The interface's 29 operations: tables of routes below /RI/cmi, NULL-terminated. */
extern const struct route *const openapi_tables[];
/* Of what an operation is; and what it may answer. */
struct openapi_operation {
    const char *method;
    const char *path;
    const struct cmi_shape *shape; /* NULL: text */
    int ok;
    const char *errors; /* "400 404": beside those that every operation may answer */
    const char *summary;
};
extern const struct openapi_operation openapi_operations[]; /* ended by one with method NULL */
const struct openapi_operation *openapi_find(const char *method, const char *path); /* or NULL */

#define OPENAPI_KEY_HEADER "X-API-Key" /* server.api_key_header, where it is not given */
/* key_header: which header may hold an API key. */
void openapi_write(const char *key_header, struct buf *to);

/* ---- schemas (server/openapi_schema.c) ---- */

/* The schema of an object of the shape, with the fields of the use. */
void openapi_schema(struct json_out *j, const struct cmi_shape *shape, enum cmi_use use);

#endif
