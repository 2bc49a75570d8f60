/* Standard Webhooks headers of strangers: never believed. Lines: id, timestamp, signature; then the
 * body. A signature of ours over the same is always believed. */
#include "bridge/core/datetime.h"
#include "bridge/core/num.h"
#include "bridge/core/signature.h"
#include "bridge/io/crypto.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct signature_crypto crypto = {crypto_hmac_sha256, crypto_same};
    static char secret[32];
    static bool begun;
    struct view key = {secret, sizeof secret};
    struct view body = {(const char *)data, size};
    struct view id = view_cut(&body, '\n');
    struct view timestamp = view_cut(&body, '\n');
    struct view header = view_cut(&body, '\n');
    char ours[SIGNATURE_TEXT_MAX];
    struct fault f = {0};
    struct buf decoded;
    int64_t seconds = 0;

    if (!begun) {
        crypto_init();
        crypto_random(secret, sizeof secret);
        begun = true;
    }
    if (!num_in(timestamp, 0, DATETIME_MAX_MS / 1000, &seconds))
        seconds = 0;
    if (signature_check(&crypto, &key, 1, id, timestamp, header, body, seconds * 1000, &f))
        abort();
    signature_make(crypto_hmac_sha256, key, id, seconds, body, ours);
    if (id.n > 0 && id.n <= SIGNATURE_ID_MAX && num_in(timestamp, 0, seconds, &seconds) &&
        !signature_check(&crypto, &key, 1, id, timestamp, view_of(ours), body, seconds * 1000, &f))
        abort();
    buf_init(&decoded, size + 1);
    if (signature_key(header, &decoded, &f) &&
        (decoded.n < SIGNATURE_KEY_MIN || decoded.n > SIGNATURE_KEY_MAX))
        abort();
    buf_done(&decoded);
    return 0;
}
