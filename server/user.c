#include "server/user.h"

#include "bridge/core/mem.h"

#include <string.h>

struct users {
    struct exchange_user anonymous;
    char *login;
    char *name;
    char *language;
};

static char *copy_of(const char *text)
{
    return mem_text(text, strlen(text));
}

struct users *users_new_anonymous(const struct exchange_user *anonymous)
{
    struct users *u = mem_zeroed(1, sizeof *u);

    u->login = copy_of(anonymous->login);
    u->name = copy_of(anonymous->name);
    u->language = copy_of(anonymous->language);
    u->anonymous = *anonymous;
    u->anonymous.login = u->login;
    u->anonymous.name = u->name;
    u->anonymous.language = u->language;
    return u;
}

void users_free(struct users *u)
{
    if (u == NULL)
        return;
    mem_free(u->login);
    mem_free(u->name);
    mem_free(u->language);
    mem_free(u);
}

const struct exchange_user *users_find(const struct users *u, const struct http_field *headers,
                                       size_t header_count)
{
    (void)headers;
    (void)header_count;
    return &u->anonymous;
}
