#include "bridge/io/crypto.h"

#include <assert.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define SHA1_LEN 20

static EVP_MD *sha1; /* fetched once: OpenSSL 3 looks it up by name at every use otherwise */

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "cmibridge: %s\n", what);
    abort();
}

void crypto_init(void)
{
    if (sodium_init() < 0)
        give_up("libsodium can't be started");
    if (sha1 == NULL)
        sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    if (sha1 == NULL)
        give_up("OpenSSL has no SHA-1 here, which version 5 identifiers need");
}

/* libsodium takes no NULL pointer, even for no bytes. */
static const unsigned char *bytes(struct view v)
{
    return (const unsigned char *)(v.p != NULL ? v.p : "");
}

void crypto_sha256(struct view data, uint8_t out[CRYPTO_SHA256_LEN])
{
    (void)crypto_hash_sha256(out, bytes(data), data.n); /* always 0 */
}

void crypto_sha256_hex(struct view data, char out[CRYPTO_SHA256_HEX])
{
    uint8_t digest[CRYPTO_SHA256_LEN];

    crypto_sha256(data, digest);
    sodium_bin2hex(out, CRYPTO_SHA256_HEX, digest, sizeof digest);
}

static void sha1_of(const struct view *parts, size_t count, uint8_t out[SHA1_LEN])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned n = 0;
    bool ok;

    assert(sha1 != NULL && "crypto_init comes first");
    ok = ctx != NULL && EVP_DigestInit_ex(ctx, sha1, NULL) == 1;
    for (size_t i = 0; ok && i < count; i++)
        ok = EVP_DigestUpdate(ctx, bytes(parts[i]), parts[i].n) == 1;
    if (!ok || EVP_DigestFinal_ex(ctx, out, &n) != 1 || n != SHA1_LEN)
        give_up("OpenSSL can't make a SHA-1 digest");
    EVP_MD_CTX_free(ctx);
}

void crypto_sha1(struct view data, uint8_t out[SHA1_LEN])
{
    sha1_of(&data, 1, out);
}

void crypto_hmac_sha256(struct view key, struct view data, uint8_t out[CRYPTO_SHA256_LEN])
{
    crypto_auth_hmacsha256_state state;

    (void)crypto_auth_hmacsha256_init(&state, bytes(key), key.n);
    (void)crypto_auth_hmacsha256_update(&state, bytes(data), data.n);
    (void)crypto_auth_hmacsha256_final(&state, out);
}

void crypto_keyed(const uint8_t key[CRYPTO_KEY_LEN], struct view data, uint8_t out[16])
{
    (void)crypto_generichash(out, 16, bytes(data), data.n, key, CRYPTO_KEY_LEN);
}

void crypto_random(void *out, size_t n)
{
    randombytes_buf(out, n);
}

bool crypto_same(struct view a, struct view b)
{
    return a.n == b.n && sodium_memcmp(bytes(a), bytes(b), a.n) == 0;
}

struct guid crypto_guid_random(void)
{
    uint8_t random[16];

    crypto_random(random, sizeof random);
    return guid_v4_of_random(random);
}

struct guid crypto_guid_of(struct view a, struct view b)
{
    const struct view parts[] = {a, VIEW("\n"), b};
    uint8_t digest[SHA1_LEN];

    sha1_of(parts, 3, digest);
    return guid_v5_of_digest(digest);
}
