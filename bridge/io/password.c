#include "bridge/io/password.h"

#include "bridge/core/num.h"

#include <string.h>

#include <sodium.h>

_Static_assert(PASSWORD_HASH_MAX == crypto_pwhash_STRBYTES, "libsodium's size of a hash");

bool password_hash(struct view password, char out[PASSWORD_HASH_MAX])
{
    return crypto_pwhash_str_alg(out, password.p != NULL ? password.p : "", password.n,
                                 crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                 crypto_pwhash_MEMLIMIT_INTERACTIVE,
                                 crypto_pwhash_ALG_ARGON2ID13) == 0;
}

bool password_matches(const char *hash, struct view password)
{
    return crypto_pwhash_str_verify(hash, password.p != NULL ? password.p : "", password.n) == 0;
}

/* "m=65536" */
static bool read_number(struct view *rest, char stop, const char *name, int64_t max)
{
    struct view one = view_cut(rest, stop);
    int64_t n = 0;

    return view_starts(one, view_of(name)) && num_in(view_skip(one, strlen(name)), 1, max, &n);
}

bool password_is_hash(struct view text, struct fault *f)
{
    static const char head[] = "$argon2id$v=19$";
    struct view rest = text;

    if (text.n >= PASSWORD_HASH_MAX || !view_starts(text, view_of(head)))
        return fault_set(f, FAULT_REJECT,
                         "is no argon2id hash, as `cmibridge users passwd` makes it");
    rest = view_skip(text, strlen(head));
    if (!read_number(&rest, ',', "m=", PASSWORD_MEMORY_KIB_MAX) ||
        !read_number(&rest, ',', "t=", PASSWORD_PASSES_MAX) || !read_number(&rest, '$', "p=", 1) ||
        !view_has(rest, '$'))
        return fault_set(f, FAULT_REJECT,
                         "is a hash that asks for more than %d KiB and %d passes, or is damaged",
                         PASSWORD_MEMORY_KIB_MAX, PASSWORD_PASSES_MAX);
    return true;
}

void password_wipe(void *p, size_t n)
{
    sodium_memzero(p, n);
}
