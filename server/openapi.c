#include "server/openapi.h"

#include "server/server.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

const struct route *const openapi_tables[] = {
    email_routes,   script_result_routes, chat_routes,    recording_routes, callback_routes,
    contact_routes, remarks_routes,       message_routes, consent_routes,   NULL,
};

/* Contract, after rule 23. */
const struct openapi_operation openapi_operations[] = {
    {"GET", "/emails", &cmi_email, 200, "400", "Get a list of emails."},
    {"GET", "/emails/{id}", &cmi_email, 200, "400 404", "Get the email."},
    {"GET", "/scriptResults", &cmi_script_result, 200, "400", "Get a list of script results."},
    {"GET", "/scriptResults/{id}", &cmi_script_result, 200, "400 404", "Get the script result."},
    {"GET", "/chats", &cmi_chat, 200, "400", "Get a list of chats."},
    {"POST", "/chats", &cmi_chat, 201, "400", "Add a chat, inbound or outbound."},
    {"GET", "/chats/{id}", &cmi_chat, 200, "400 404", "Get the chat, with its transcript."},
    {"GET", "/callRecordings", &cmi_call_recording, 200, "400", "Get a list of recordings."},
    {"GET", "/callRecordings/{id}", &cmi_call_recording, 200, "400 404",
     "Get the recording, with its listen log."},
    {"GET", "/callRecordings/{id}/listenLog", &cmi_listen_log, 200, "400 404",
     "Get who listened to the recording."},
    {"POST", "/callRecordings/{id}/listenLog", &cmi_listen_log, 201, "400 404",
     "Add that somebody listened to the recording."},
    {"GET", "/callbacks", &cmi_callback, 200, "400", "Get a list of open callbacks."},
    {"POST", "/callbacks", &cmi_callback, 201, "400", "Add a callback."},
    {"GET", "/callbacks/{id}", &cmi_callback, 200, "400 404", "Get the callback."},
    {"PUT", "/callbacks/{id}", &cmi_callback, 204, "400 404",
     "Update customerNumber, notes, lastResult and nextCallTime."},
    {"GET", "/contacts", &cmi_contact, 200, "400", "Get a list of contacts."},
    {"GET", "/contacts/{id}", &cmi_contact, 200, "400 404", "Get the contact."},
    {"GET", "/contacts/{id}/remarks", NULL, 200, "400 404", "Get the remarks of the group."},
    {"POST", "/contacts/{id}/remarks", NULL, 204, "400 404", "Add remarks to a phone call."},
    {"PUT", "/contacts/{id}/remarks", NULL, 204, "400 404", "Update the remarks."},
    {"GET", "/messages", &cmi_message, 200, "400", "Get a list of messages."},
    {"POST", "/messages", &cmi_message, 201, "400", "Add a message."},
    {"GET", "/messages/{id}", &cmi_message, 200, "400 404", "Get the message."},
    {"PUT", "/messages/{id}", &cmi_message, 204, "400 404", "Replace the message."},
    {"DELETE", "/messages/{id}", NULL, 204, "400 404", "Delete the message."},
    {"GET", "/customerConsents", &cmi_customer_consent, 200, "400", "Get a list of consents."},
    {"POST", "/customerConsents", &cmi_customer_consent, 204, "400", "Add or update a consent."},
    {"GET", "/customerConsents/{id}", &cmi_customer_consent, 200, "400 404",
     "Get the consent {usage}_{address}."},
    {"DELETE", "/customerConsents/{id}", NULL, 204, "400 404",
     "Delete the consent {usage}_{address}."},
    {NULL, NULL, NULL, 0, NULL, NULL},
};

static const struct {
    const char *status;
    const char *words;
} words[] = {
    {"400", "What is wrong, and what is allowed."},
    {"401", "Sign on."},
    {"403", "No right to this resource or method; or a page of an origin that may not write."},
    {"404", "HTTP 404 Not Found"},
    {"405", "Another method; see Allow."},
    {"406", "Neither JSON nor XML is accepted."},
    {"408", "The request did not come in time."},
    {"409", "Not in this state, or the same request is still under way."},
    {"413", "The body is too long."},
    {"414", "The address of a further page would be too long, or this one is."},
    {"415", "The body is neither JSON nor XML in UTF-8."},
    {"422", "The Idempotency-Key was used with another request."},
    {"429", "Too many attempts to sign on."},
    {"431", "The head is too long."},
    {"500", "A fault of the server; the history may be damaged."},
    {"503", "The store is away; see Retry-After."},
};

const struct openapi_operation *openapi_find(const char *method, const char *path)
{
    for (const struct openapi_operation *o = openapi_operations; o->method != NULL; o++)
        if (strcmp(o->method, method) == 0 && strcmp(o->path, path) == 0)
            return o;
    return NULL;
}

static void pair(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_text(j, text);
}

/* ---- parameters ---- */

static void put_parameter(struct json_out *j, const char *name, const char *in, const char *type)
{
    json_object(j);
    pair(j, "name", name);
    pair(j, "in", in);
    if (strcmp(in, "path") == 0) {
        json_key(j, "required");
        json_bool(j, true);
    }
    json_key(j, "schema");
    json_object(j);
    pair(j, "type", type);
    if (strcmp(name, "limit") == 0) {
        json_key(j, "minimum");
        json_int(j, 1);
        json_key(j, "maximum");
        json_int(j, 10000);
    }
    if (strcmp(name, "language") == 0)
        pair(j, "pattern", "^[A-Za-z]{2}$");
    json_object_end(j);
    json_object_end(j);
}

static const char *type_of(const char *name)
{
    return strcmp(name, "statistics") == 0 || strcmp(name, "pickable") == 0 ? "boolean" : "string";
}

static void put_parameters(struct json_out *j, const struct route *r)
{
    json_key(j, "parameters");
    json_array(j);
    if (strchr(r->path, '{') != NULL)
        put_parameter(j, "id", "path", "string");
    if (strcmp(r->method, "GET") == 0) {
        put_parameter(j, "limit", "query", "integer");
        put_parameter(j, "language", "query", "string");
        if ((r->need & ROUTE_LIST) != 0)
            put_parameter(j, "after", "query", "string");
        for (size_t i = 0; r->params != NULL && r->params[i] != NULL; i++)
            put_parameter(j, r->params[i], "query", type_of(r->params[i]));
    } else {
        put_parameter(j, "Idempotency-Key", "header", "string");
    }
    json_array_end(j);
}

/* ---- bodies ---- */

static void put_reference(struct json_out *j, const struct cmi_shape *shape, const char *of)
{
    struct buf text;

    buf_init(&text, 256);
    buf_printf(&text, "#/components/schemas/%s%s", shape->name, of);
    json_object(j);
    pair(j, "$ref", buf_text(&text));
    json_object_end(j);
    buf_done(&text);
}

static void put_schema(struct json_out *j, const struct route *r, const struct cmi_shape *shape)
{
    bool get = strcmp(r->method, "GET") == 0;

    json_key(j, "schema");
    if (!get) {
        put_reference(j, shape, strcmp(r->method, "POST") == 0 ? "-post" : "-put");
    } else if ((r->need & ROUTE_LIST) == 0) {
        put_reference(j, shape, "");
    } else {
        json_object(j);
        pair(j, "type", "array");
        json_key(j, "items");
        put_reference(j, shape, "-listed");
        json_key(j, "xml");
        json_object(j);
        pair(j, "name", shape->plural);
        json_key(j, "wrapped");
        json_bool(j, true);
        json_object_end(j);
        json_object_end(j);
    }
}

static void put_text_content(struct json_out *j, const char *type)
{
    json_key(j, "content");
    json_object(j);
    json_key(j, type);
    json_object(j);
    json_key(j, "schema");
    json_object(j);
    pair(j, "type", "string");
    json_object_end(j);
    json_object_end(j);
    json_object_end(j);
}

static void put_content(struct json_out *j, const struct route *r, const struct cmi_shape *shape)
{
    static const char *const types[] = {"application/json", "application/xml"};

    if (shape == NULL) {
        put_text_content(j, "text/plain");
        return;
    }
    json_key(j, "content");
    json_object(j);
    for (size_t i = 0; i < 2; i++) {
        json_key(j, types[i]);
        json_object(j);
        put_schema(j, r, shape);
        json_object_end(j);
    }
    json_object_end(j);
}

/* ---- answers ---- */

static void put_ok(struct json_out *j, const struct route *r, const struct openapi_operation *o)
{
    char status[16];

    snprintf(status, sizeof status, "%d", o->ok);
    json_key(j, status);
    json_object(j);
    pair(j, "description",
         o->ok == 204   ? "Done."
         : o->ok == 201 ? "The id."
                        : "What was asked for.");
    if (o->ok == 201 || (r->need & ROUTE_LIST) != 0) {
        json_key(j, "headers");
        json_object(j);
        json_key(j, o->ok == 201 ? "Location" : "Link");
        json_object(j);
        json_key(j, "schema");
        json_object(j);
        pair(j, "type", "string");
        json_object_end(j);
        json_object_end(j);
        json_object_end(j);
    }
    if (o->ok == 201)
        put_text_content(j, "text/html");
    else if (o->ok == 200)
        put_content(j, r, o->shape);
    json_object_end(j);
}

static bool may_answer(const struct route *r, const struct openapi_operation *o, const char *status)
{
    bool get = strcmp(r->method, "GET") == 0;
    bool body = (r->need & (ROUTE_BODY_FIELDS | ROUTE_BODY_TEXT)) != 0;

    if (strstr(o->errors, status) != NULL)
        return true;
    if (strcmp(status, "406") == 0 || strcmp(status, "414") == 0)
        return get && o->shape != NULL;
    if (strcmp(status, "409") == 0 || strcmp(status, "422") == 0)
        return !get; /* because of its Idempotency-Key */
    if (strcmp(status, "413") == 0 || strcmp(status, "415") == 0)
        return body;
    return strstr("401 403 405 408 429 431 500 503", status) != NULL;
}

static void put_answers(struct json_out *j, const struct route *r,
                        const struct openapi_operation *o)
{
    json_key(j, "responses");
    json_object(j);
    put_ok(j, r, o);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!may_answer(r, o, words[i].status))
            continue;
        json_key(j, words[i].status);
        json_object(j);
        pair(j, "description", words[i].words);
        put_text_content(j, "text/plain");
        json_object_end(j);
    }
    json_object_end(j);
}

/* ---- operations ---- */

static void put_operation(struct json_out *j, const struct route *r)
{
    const struct openapi_operation *o = openapi_find(r->method, r->path);
    char method[8] = "";

    assert(o != NULL); /* a unit test says so of every row */
    for (size_t i = 0; i < sizeof method - 1 && r->method[i] != '\0'; i++)
        method[i] = (char)(r->method[i] | 0x20);
    json_key(j, method);
    json_object(j);
    pair(j, "summary", o->summary);
    put_parameters(j, r);
    if ((r->need & (ROUTE_BODY_FIELDS | ROUTE_BODY_TEXT)) != 0) {
        json_key(j, "requestBody");
        json_object(j);
        json_key(j, "required");
        json_bool(j, true);
        put_content(j, r, o->shape);
        json_object_end(j);
    }
    put_answers(j, r, o);
    json_object_end(j);
}

/* Rows of one path stand together in a path's object, wherever they stand in the tables. */
static void put_path(struct json_out *j, const char *path)
{
    json_key(j, path);
    json_object(j);
    for (size_t t = 0; openapi_tables[t] != NULL; t++)
        for (const struct route *r = openapi_tables[t]; r->method != NULL; r++)
            if (strcmp(r->path, path) == 0)
                put_operation(j, r);
    json_object_end(j);
}

static void put_paths(struct json_out *j)
{
    json_key(j, "paths");
    json_object(j);
    for (const struct openapi_operation *o = openapi_operations; o->method != NULL; o++) {
        bool before = false;

        for (const struct openapi_operation *b = openapi_operations; b != o; b++)
            before = before || strcmp(b->path, o->path) == 0;
        if (!before)
            put_path(j, o->path);
    }
    json_object_end(j);
}

static bool has_use(const struct cmi_shape *shape, enum cmi_use use)
{
    for (size_t i = 0; i < shape->field_count; i++)
        if ((shape->fields[i].use & (unsigned)use) != 0)
            return true;
    return false;
}

static void put_schemas(struct json_out *j)
{
    static const struct {
        enum cmi_use use;
        const char *of;
    } kinds[] = {{CMI_SINGLE, ""}, {CMI_LISTED, "-listed"}, {CMI_POST, "-post"}, {CMI_PUT, "-put"}};

    json_key(j, "schemas");
    json_object(j);
    for (size_t i = 0; cmi_shapes[i] != NULL; i++)
        for (size_t k = 0; k < 4; k++) {
            struct buf name;

            if (!has_use(cmi_shapes[i], kinds[k].use))
                continue;
            buf_init(&name, 256);
            buf_printf(&name, "%s%s", cmi_shapes[i]->name, kinds[k].of);
            json_key(j, buf_text(&name));
            buf_done(&name);
            openapi_schema(j, cmi_shapes[i], kinds[k].use);
        }
    json_object_end(j);
}

/* ---- who asks ----
 *
 * How a generated client signs on. A client's certificate is a way of some servers only
 * (docs/OPERATIONS.md). */

static const char *const schemes[] = {"basic", "bearer", "apiKey"};
#define SCHEMES (sizeof schemes / sizeof *schemes)

static void put_security_schemes(struct json_out *j, const char *key_header)
{
    json_key(j, "securitySchemes");
    json_object(j);
    for (size_t i = 0; i < SCHEMES; i++) {
        bool is_key = strcmp(schemes[i], "apiKey") == 0;

        json_key(j, schemes[i]);
        json_object(j);
        pair(j, "type", is_key ? "apiKey" : "http");
        if (is_key)
            pair(j, "in", "header");
        pair(j, is_key ? "name" : "scheme", is_key ? key_header : schemes[i]);
        json_object_end(j);
    }
    json_object_end(j);
}

/* Any one of them, for every operation. */
static void put_security(struct json_out *j)
{
    json_key(j, "security");
    json_array(j);
    for (size_t i = 0; i < SCHEMES; i++) {
        json_object(j);
        json_key(j, schemes[i]);
        json_array(j);
        json_array_end(j);
        json_object_end(j);
    }
    json_array_end(j);
}

void openapi_write(const char *key_header, struct buf *to)
{
    struct json_out j;

    json_out_init(&j, to);
    json_object(&j);
    pair(&j, "openapi", "3.0.3");
    json_key(&j, "info");
    json_object(&j);
    pair(&j, "title", "Contact Management Interface (CMI) v1 of cmibridge");
    pair(&j, "version", "v1");
    json_object_end(&j);
    json_key(&j, "servers");
    json_array(&j);
    json_object(&j);
    pair(&j, "url", "/RI/cmi");
    json_object_end(&j);
    json_array_end(&j);
    put_security(&j);
    put_paths(&j);
    json_key(&j, "components");
    json_object(&j);
    put_schemas(&j);
    put_security_schemes(&j, key_header);
    json_object_end(&j);
    json_object_end(&j);
}

/* ---- GET /openapi.json ---- */

static void get_openapi(struct exchange *x)
{
    struct buf text;

    buf_init(&text, OPENAPI_MAX);
    openapi_write(x->server->api_key_header, &text);
    exchange_answer(x, 200, "application/json", buf_view(&text));
    buf_done(&text);
}

const struct route openapi_routes[] = {
    {"GET", "/openapi.json", ROUTE_TEXT_ANSWER, NULL, get_openapi},
    {NULL, NULL, 0, NULL, NULL},
};
