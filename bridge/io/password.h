/*
 * password: argon2id (libsodium). Hashing takes about 0.1 s and 64 MiB: never on a loop's thread.
 */
#ifndef BRIDGE_IO_PASSWORD_H
#define BRIDGE_IO_PASSWORD_H

#include "bridge/core/fault.h"
#include "bridge/core/view.h"

#define PASSWORD_HASH_MAX       128    /* bytes of a hash's text, with the NUL */
#define PASSWORD_MEMORY_KIB_MAX 262144 /* that a hash may ask for; and passes over it: */
#define PASSWORD_PASSES_MAX     16

/* "$argon2id$v=19$m=65536,t=2,p=1$…". False: the memory is not there. */
bool password_hash(struct view password, char out[PASSWORD_HASH_MAX]) MUST_CHECK;
/* As long for a wrong password as for the right one. */
bool password_matches(const char *hash, struct view password);
/* Is the text such a hash, and one that does not ask for more than the limits? */
bool password_is_hash(struct view text, struct fault *f) MUST_CHECK;
/* Forgets what was secret. */
void password_wipe(void *p, size_t n);

#endif
