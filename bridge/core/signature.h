/*
 * signature: Standard Webhooks, made and checked: HMAC-SHA256 over "id.timestamp.body", the body's
 * bytes as they travel; headers webhook-id, webhook-timestamp (seconds), webhook-signature
 * ("v1,<base64>", several with blanks between while keys are exchanged).
 *
 * The HMAC and the comparison in constant time are handed in. Time is an argument.
 */
#ifndef BRIDGE_CORE_SIGNATURE_H
#define BRIDGE_CORE_SIGNATURE_H

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"

#include <stdint.h>

#define SIGNATURE_KEY_MIN      24 /* bytes, decoded */
#define SIGNATURE_KEY_MAX      64
#define SIGNATURE_TOLERANCE_MS 300000 /* older or younger than that is refused */
#define SIGNATURE_ID_MAX       128    /* bytes of a webhook-id */
#define SIGNATURE_HEADER_MAX   1024   /* bytes of a webhook-signature */
#define SIGNATURE_DIGEST       32
#define SIGNATURE_TEXT_MAX     48 /* "v1," and 44 signs, with the NUL */

typedef void signature_hmac(struct view key, struct view data, uint8_t out[SIGNATURE_DIGEST]);
typedef bool signature_same(struct view a, struct view b); /* constant time for equal lengths */

struct signature_crypto {
    signature_hmac *hmac;
    signature_same *same;
};

/* "whsec_<base64>" to the key's bytes, appended to `key`. false (REJECT): of another form or
 * length; the sentence quotes nothing. */
bool signature_key(struct view secret, struct buf *key, struct fault *f) MUST_CHECK;

/* "v1,<base64>". */
void signature_make(signature_hmac *hmac, struct view key, struct view id, int64_t timestamp_s,
                    struct view body, char out[SIGNATURE_TEXT_MAX]);

/* Is one of the signatures made with one of the keys, now? false (REJECT): why not, for the log and
 * nobody else. Whether the id came before is for the caller to see. */
bool signature_check(const struct signature_crypto *crypto, const struct view *keys,
                     size_t key_count, struct view id, struct view timestamp, struct view header,
                     struct view body, int64_t wall_ms, struct fault *f) MUST_CHECK;

/* The base64 or lower-case hex text of an HMAC, compared in constant time. */
bool signature_is_base64(const struct signature_crypto *crypto, struct view key, struct view data,
                         struct view text) MUST_CHECK;
bool signature_is_hex(const struct signature_crypto *crypto, struct view key, struct view data,
                      struct view text) MUST_CHECK;

/* Not older and not younger than the tolerance? */
bool signature_is_now(int64_t timestamp_s, int64_t wall_ms) MUST_CHECK;

#endif
