#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/users_rig.h"

#include "bridge/core/mem.h"
#include "bridge/io/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* argon2id with the least of everything, so that tests are quick. */
#define HORSE                                                                                      \
    "$argon2id$v=19$m=8,t=1,p=1$m4ggW6p0y04fgmXTh/"                                                \
    "Xc8Q$usshLmxwy6o7AUXk4Ze8iATpQNS64dXen2x55lsA7DI"
#define STAPLE                                                                                     \
    "$argon2id$v=19$m=8,t=1,p=1$s2l35HFZ1WJadoB7DKlaEA$+"                                          \
    "4z7WWu0mJlq5IHHDJ7Al9HVJyE9978cpJG5wC8Csto"

#define ALL_METHODS                                                                                \
    "  rights: {chats: all, callbacks: all, contacts: all, messages: all, callRecordings: all,\n"  \
    "    emails: all, scriptResults: all, customerConsents: all}\n"

struct serve_rig users_rig;
static char *users;

static void make_users(void)
{
    struct buf b;

    buf_init(&b, 65536);
    serve_rig_user(&b, "ann",
                   "  id: 0000000000000000000000000000000A\n  name: Ann\n  language: fi\n"
                   "  queues: [sms, '153']\n  serve: [sms]\n" ALL_METHODS);
    serve_rig_user(&b, "ben",
                   "  id: 0000000000000000000000000000000B\n  name: Ben\n"
                   "  queues: [wa, '505']\n" ALL_METHODS);
    serve_rig_user(&b, "cat",
                   "  queues: {contacts: [sms]}\n  rights: {contacts: [GET, POST, PUT]}\n");
    serve_rig_user(&b, "dan", "  rights: {}\n");
    serve_rig_user(&b, "boss",
                   "  password: " HORSE "\n  rights: all\n  remarks: any\n  act-for: true\n");
    serve_rig_user(&b, "erin", "  password: " STAPLE "\n  rights: {callbacks: [GET]}\n");
    users = mem_text(b.p, b.n);
    buf_done(&b);
}

int users_rig_start(void **state)
{
    (void)state;
    crypto_init();
    make_users();
    serve_rig_start_users(&users_rig, users, "",
                          "translations: {fi: {Open: Avoinna, SMS: Tekstiviestit}}\n");
    return 0;
}

int users_rig_stop(void **state)
{
    (void)state;
    serve_rig_done(&users_rig);
    mem_free(users);
    return 0;
}

const char *users_rig_file(void)
{
    return users;
}

/* As it is read; how long it has lasted, which grows by itself, is blotted out. */
static char *look_at(const char *path, const char *user)
{
    struct probe_reply r = serve_ask(&users_rig, "GET", path, user, NULL);
    char *text = mem_text(r.body.p, r.body.n);
    char *lasts = strstr(text, "\"totalDuration\":");

    if (r.status != 200)
        fail_msg("%s: %d %s", path, r.status, text);
    for (char *c = lasts != NULL ? lasts + strlen("\"totalDuration\":") : text + r.body.n;
         *c >= '0' && *c <= '9'; c++)
        *c = '#';
    probe_done(&r);
    return text;
}

void users_rig_remember(struct users_rig_thing *t, const char *collection, const char *id,
                        const char *user)
{
    snprintf(t->path, sizeof t->path, "%s/%s", collection, id);
    t->before = look_at(t->path, user);
}

void users_rig_untouched(struct users_rig_thing *t, const char *collection, const char *owner,
                         const char *other, const char *put)
{
    struct probe_reply r;
    const char *id = t->path + strlen(collection) + 1;
    char *after = NULL;

    serve_expect(&users_rig, "GET", t->path, other, NULL, 404, "HTTP 404 Not Found\n");
    if (put != NULL)
        serve_expect(&users_rig, "PUT", t->path, other, put, 404, "HTTP 404 Not Found\n");
    if (strcmp(collection, "/messages") == 0)
        serve_expect(&users_rig, "DELETE", t->path, other, NULL, 404, "HTTP 404 Not Found\n");
    r = serve_ask(&users_rig, "GET", collection, other, NULL);
    assert_int_equal(r.status, 200);
    assert_null(strstr(r.body.p, id));
    probe_done(&r);
    r = serve_ask(&users_rig, "GET", collection, owner, NULL);
    assert_non_null(strstr(r.body.p, id));
    probe_done(&r);
    after = look_at(t->path, owner);
    assert_string_equal(after, t->before);
    mem_free(after);
    mem_free(t->before);
}
