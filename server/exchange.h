/*
 * exchange: one request to the CMI and the one answer to it.
 *
 * The front (server/front.c) reads the request, checks what is common to all (limits, method, path,
 * media types, Idempotency-Key), and calls the route's handler on the loop's thread with the whole
 * body. The handler, or what it started, answers exactly once with exchange_answer, now or later,
 * on the loop's thread; until then everything in the exchange holds.
 */
#ifndef SERVER_EXCHANGE_H
#define SERVER_EXCHANGE_H

#include "bridge/core/fault.h"
#include "bridge/core/guid.h"
#include "bridge/core/http_rules.h"
#include "bridge/core/view.h"
#include "server/show.h"

#include <stddef.h>
#include <stdint.h>

#define EXCHANGE_PARAMS_MAX  64   /* query parameters */
#define EXCHANGE_KEY_MAX     255  /* bytes of an Idempotency-Key */
#define EXCHANGE_SEGMENT_MAX 1100 /* bytes of a decoded path segment; a longest consent fits */

struct rights;
struct server;

struct exchange_param {
    struct view name;  /* decoded */
    struct view value; /* decoded; contract 13 says what a leading blank may stand for */
};

struct exchange_user {
    struct guid id;
    const char *login;
    const char *name;
    const char *language;        /* two letters */
    bool act_for;                /* may name another user in a listen log */
    bool remarks_any;            /* passes as the responsible user of any contact (contract 21) */
    const struct rights *rights; /* server/rights.h; NULL: all */
};

struct exchange {
    struct server *server;
    const char *method; /* "GET" (also for HEAD), "POST", … */
    bool is_head;
    struct view id; /* the {…} of the path, decoded; VIEW_NONE where the route has none */
    const struct exchange_param *params;
    size_t param_count;
    enum show_form form;              /* of the answer to a GET */
    struct view query;                /* as sent, after '?' */
    const struct http_field *headers; /* of the request */
    size_t header_count;
    struct view content_type; /* as sent, without parameters, lower case; VIEW_NONE where none */
    struct view body;
    const struct exchange_user *user; /* NULL with ROUTE_OPEN */
    int64_t wall_ms;                  /* when the request was read whole */
    struct view key;                  /* Idempotency-Key; VIEW_NONE where none */
    char key_hash[33];                /* lower hex of HMAC(user and key); "" where there is none */
    char unkeyed[65];   /* lower hex SHA-256 over method, what is named (in one spelling) and body;
                           "" where there is no key. Not stored (any more) */
    char digest[65];    /* lower hex HMAC(user and that); "" likewise */
    struct guid new_id; /* for what a POST creates: from user and key, or random */
};

/* Is what is stored of a request's digest this one's? Also as it was stored before it was keyed. On
 * any thread. */
bool exchange_is_same(const struct exchange *x, struct view digest);
/* Adds a header to the answer. name is static; value is copied. */
void exchange_header(struct exchange *x, const char *name, struct view value);
/* The answer that is being made has so many bytes by now. false: it is too much together with those
 * of others; it was answered 503. */
bool exchange_holds(struct exchange *x, size_t bytes);
/* Answers. content_type is static, NULL where there is no body; body is copied. */
void exchange_answer(struct exchange *x, int status, const char *content_type, struct view body);
/* 201 with Location: /RI/cmi/<collection>/<id> and the bare id as text/html (contract 2). */
void exchange_created(struct exchange *x, const char *collection, const struct guid *id);
/* text/plain, one line (contract 4). 503 and 409 "still running" carry Retry-After. */
void exchange_error(struct exchange *x, int status, const char *format, ...) PRINTF_LIKE(3, 4);
/* FAULT_REJECT: 400; FAULT_RETRY: 503; FAULT_BUG: 500. */
void exchange_fault(struct exchange *x, const struct fault *f);
/* The parameter of that name, or VIEW_NONE with *found false. */
struct view exchange_param(const struct exchange *x, const char *name, bool *found);

enum route_need {
    ROUTE_BODY_FIELDS = 1 << 0, /* body required: application/json or none, or XML; else 415 */
    ROUTE_BODY_TEXT = 1 << 1,   /* body required: text/plain or none, at most limits.remarks */
    ROUTE_BODY_BATCH = 1 << 2,  /* application/cloudevents-batch+json */
    ROUTE_LIST = 1 << 3,        /* a list: `after` is known too (contract 11) */
    ROUTE_TEXT_ANSWER = 1 << 4, /* a GET whose answer is text/plain: Accept is not read */
    /* Whoever calls proves by the bytes who it is: nobody signs on, and neither media types,
     * parameters nor Idempotency-Key are looked at. */
    ROUTE_OPEN = 1 << 5,
    ROUTE_NAMED = 1 << 6, /* {id} is a name: one that nothing has is 404, however it looks */
};

struct route {
    const char *method;
    const char *path; /* after the base path: "/callbacks/{id}", one {…} at most */
    unsigned need;    /* enum route_need */
    /* The parameters a GET knows beside `limit`, `language` and `_…`, NULL-terminated, or NULL. Any
     * other one is 400 (contract 10). */
    const char *const *params;
    void (*serve)(struct exchange *x);
};

/* Each resource file exports its rows, ended by a row with method NULL. */
extern const struct route callback_routes[];      /* server/callbacks.c */
extern const struct route message_routes[];       /* server/messages.c */
extern const struct route consent_routes[];       /* server/consents.c */
extern const struct route contact_routes[];       /* server/contacts.c */
extern const struct route email_routes[];         /* server/emails.c */
extern const struct route script_result_routes[]; /* server/script_results.c */
extern const struct route chat_routes[];          /* server/chats.c */
extern const struct route recording_routes[]; /* server/listen_logs.c: callRecordings and theirs */
extern const struct route remarks_routes[];   /* server/remarks.c */
extern const struct route receipt_routes[];   /* server/receipts.c: /receipts/{channel} */
extern const struct route openapi_routes[];   /* server/openapi.c: GET /openapi.json */
extern const struct route ingest_routes[];    /* server/ingest.c: POST /ingest */

#endif
