/*
 * user_file: the users and their rights, as YAML (server.users). A login a key; docs/OPERATIONS.md
 * has the whole of it:
 *
 *     maija:
 *       id: 0A6C34F2B1D24E0F9A5B7C8D9E0F1A2B    absent: made from the login
 *       name: Maija Meikäläinen                 absent: the login
 *       language: fi                            absent: en
 *       password: $argon2id$v=19$…              absent: no password signs her on
 *       tokens: [<SHA-256 of a token, hex>]     bearer tokens, API keys
 *       certificate: CN=maija,O=Example         subject of a client certificate (core/dn.h)
 *       rights: {chats: [GET, POST], callbacks: [GET, POST, PUT]}      or `all`; absent: none
 *       queues: [service-sms, 153]              sees these only; also by resource: {chats: […]}
 *       agents: [jussi]                         sees what is theirs, too; also by resource
 *       serve: [service-sms]                    for `pickable`
 *       remarks: any                            writes remarks of any contact
 *       act-for: true                           names others in listen logs
 *
 * Queues are names of chats.queues, numbers of callbacks.queues, or ids.
 */
#ifndef SERVER_USER_FILE_H
#define SERVER_USER_FILE_H

#include "server/exchange.h"
#include "server/rights.h"

#include "bridge/core/buf.h"

#define USER_FILE_USERS_MAX  1000
#define USER_FILE_NAME_MAX   64   /* bytes of a name */
#define USER_FILE_TOKENS_MAX 16   /* of one user */
#define USER_FILE_TEXT_MAX   3072 /* bytes of a certificate's subject, as it is written */
#define USER_FILE_DIGEST     32   /* bytes: SHA-256 */

struct queues;

struct user_record {
    struct exchange_user user; /* what it points to is the record's */
    char *login;
    char *name;
    char language[3];
    struct rights *rights; /* NULL: all */
    char *password;        /* the hash; NULL: none */
    char *certificate;     /* as dn_read makes it; NULL: none */
    uint8_t tokens[USER_FILE_TOKENS_MAX][USER_FILE_DIGEST];
    size_t token_count;
    unsigned line; /* of the login */
};

struct user_file {
    struct user_record *records;
    size_t count;
};

/* Appends "NAME:LINE: sentence\n" to mistakes for each thing wrong; false if there was any, and
 * then `out` is empty. queues: what the names of queues are looked up in; NULL: they are not. No
 * sentence quotes a hash. */
bool user_file_read(struct view yaml, const char *name, const struct queues *queues,
                    struct user_file *out, struct buf *mistakes) MUST_CHECK;
/* The same of a file. A file that others may read or write is a mistake, too: it must have mode
 * 600, or 640 with a group that serve is in. */
bool user_file_load(const char *file, const struct queues *queues, struct user_file *out,
                    struct buf *mistakes) MUST_CHECK;
void user_file_done(struct user_file *f);

#endif
