#include "server/user.h"

#include "bridge/core/mem.h"
#include "bridge/io/crypto.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Tokens are looked up by an HMAC of their digest under a key that lives as long as the set: how
 * long that takes says nothing about the digests. */
struct known_token {
    uint8_t mac[CRYPTO_SHA256_LEN];
    const struct user_record *user;
};

struct users {
    unsigned holds;
    bool is_anonymous;
    struct user_file file; /* anonymous: of one record */
    uint8_t key[CRYPTO_SHA256_LEN];
    const struct user_record **by_login; /* ordered */
    struct known_token *tokens;          /* ordered by mac */
    size_t token_count;
};

static char *copy_of(const char *text)
{
    return mem_text(text, strlen(text));
}

static int by_login(const void *a, const void *b)
{
    const struct user_record *const *x = a;
    const struct user_record *const *y = b;

    return strcmp((*x)->login, (*y)->login);
}

static int by_mac(const void *a, const void *b)
{
    return memcmp(a, b, CRYPTO_SHA256_LEN);
}

static void mac_of(const struct users *u, const uint8_t digest[USER_FILE_DIGEST],
                   uint8_t mac[CRYPTO_SHA256_LEN])
{
    crypto_hmac_sha256((struct view){(const char *)u->key, sizeof u->key},
                       (struct view){(const char *)digest, USER_FILE_DIGEST}, mac);
}

static struct users *make(void)
{
    struct users *u = mem_zeroed(1, sizeof *u);

    u->holds = 1;
    crypto_random(u->key, sizeof u->key);
    return u;
}

struct users *users_new_anonymous(const struct exchange_user *anonymous)
{
    struct users *u = make();
    struct user_record *one = mem_zeroed(1, sizeof *one);

    one->user = *anonymous;
    one->user.login = one->login = copy_of(anonymous->login);
    one->user.name = one->name = copy_of(anonymous->name);
    memcpy(one->language, anonymous->language, 2);
    one->user.language = one->language;
    u->file = (struct user_file){one, 1};
    u->is_anonymous = true;
    return u;
}

struct users *users_new(struct user_file *file)
{
    struct users *u = make();

    u->file = *file;
    *file = (struct user_file){NULL, 0};
    u->by_login = mem_zeroed(u->file.count + 1, sizeof(struct user_record *));
    for (size_t i = 0; i < u->file.count; i++) {
        const struct user_record *one = &u->file.records[i];

        u->by_login[i] = one;
        for (size_t t = 0; t < one->token_count; t++) {
            u->tokens = mem_resize(u->tokens, u->token_count + 1, sizeof *u->tokens);
            mac_of(u, one->tokens[t], u->tokens[u->token_count].mac);
            u->tokens[u->token_count++].user = one;
        }
    }
    qsort(u->by_login, u->file.count, sizeof(struct user_record *), by_login);
    if (u->token_count > 0)
        qsort(u->tokens, u->token_count, sizeof *u->tokens, by_mac);
    return u;
}

struct users *users_keep(struct users *u)
{
    u->holds++;
    return u;
}

void users_let_go(struct users *u)
{
    if (u == NULL)
        return;
    assert(u->holds > 0);
    if (--u->holds > 0)
        return;
    user_file_done(&u->file);
    mem_free(u->by_login);
    mem_free(u->tokens);
    mem_free(u);
}

const struct exchange_user *users_anonymous(const struct users *u)
{
    return u->is_anonymous ? &u->file.records[0].user : NULL;
}

size_t users_count(const struct users *u)
{
    return u->file.count;
}

const struct user_record *users_by_login(const struct users *u, struct view login)
{
    size_t low = 0;
    size_t high = u->is_anonymous ? 0 : u->file.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = view_cmp(login, view_of(u->by_login[middle]->login));

        if (order == 0)
            return u->by_login[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct user_record *users_by_token(const struct users *u, struct view token)
{
    uint8_t digest[CRYPTO_SHA256_LEN];
    struct known_token wanted = {{0}, NULL};
    const struct known_token *found = NULL;

    crypto_sha256(token, digest);
    mac_of(u, digest, wanted.mac);
    if (u->token_count > 0)
        found = bsearch(&wanted, u->tokens, u->token_count, sizeof *u->tokens, by_mac);
    return found != NULL ? found->user : NULL;
}

const struct user_record *users_by_certificate(const struct users *u, struct view subject)
{
    for (size_t i = 0; !u->is_anonymous && i < u->file.count; i++)
        if (u->file.records[i].certificate != NULL &&
            view_is(subject, u->file.records[i].certificate))
            return &u->file.records[i];
    return NULL;
}
