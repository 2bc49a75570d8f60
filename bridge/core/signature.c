#include "bridge/core/signature.h"

#include "bridge/core/base64.h"
#include "bridge/core/datetime.h"
#include "bridge/core/hex.h"
#include "bridge/core/num.h"

#include <stdio.h>

#define PREFIX        "whsec_"
#define VERSION       "v1,"
#define BASE64_DIGEST 44 /* signs of SIGNATURE_DIGEST bytes */

bool signature_key(struct view secret, struct buf *key, struct fault *f)
{
    size_t before = key->n;

    if (!view_starts(secret, VIEW(PREFIX)) ||
        !base64_decode(view_skip(secret, sizeof PREFIX - 1), key) ||
        key->n - before < SIGNATURE_KEY_MIN || key->n - before > SIGNATURE_KEY_MAX)
        return fault_set(f, FAULT_REJECT,
                         "is no signing secret: " PREFIX " and the base64 of %d to %d bytes",
                         SIGNATURE_KEY_MIN, SIGNATURE_KEY_MAX);
    return true;
}

static void put_signed(struct buf *to, struct view id, int64_t timestamp_s, struct view body)
{
    buf_init(to, id.n + 32 + body.n);
    buf_put(to, id);
    buf_put_char(to, '.');
    buf_put_int(to, timestamp_s);
    buf_put_char(to, '.');
    buf_put(to, body);
}

static void base64_of(signature_hmac *hmac, struct view key, struct view data,
                      char out[BASE64_DIGEST + 1])
{
    uint8_t digest[SIGNATURE_DIGEST];
    struct buf text;

    hmac(key, data, digest);
    buf_init(&text, BASE64_DIGEST);
    base64_encode((struct view){(const char *)digest, sizeof digest}, &text);
    view_copy(buf_view(&text), out, BASE64_DIGEST + 1);
    buf_done(&text);
}

void signature_make(signature_hmac *hmac, struct view key, struct view id, int64_t timestamp_s,
                    struct view body, char out[SIGNATURE_TEXT_MAX])
{
    char digest[BASE64_DIGEST + 1];
    struct buf data;

    put_signed(&data, id, timestamp_s, body);
    base64_of(hmac, key, buf_view(&data), digest);
    buf_done(&data);
    (void)snprintf(out, SIGNATURE_TEXT_MAX, VERSION "%s", digest);
}

bool signature_is_base64(const struct signature_crypto *crypto, struct view key, struct view data,
                         struct view text)
{
    char expected[BASE64_DIGEST + 1];

    base64_of(crypto->hmac, key, data, expected);
    return crypto->same(view_of(expected), text);
}

bool signature_is_hex(const struct signature_crypto *crypto, struct view key, struct view data,
                      struct view text)
{
    uint8_t digest[SIGNATURE_DIGEST];
    char expected[2 * SIGNATURE_DIGEST + 1];

    crypto->hmac(key, data, digest);
    hex_write(digest, sizeof digest, expected);
    return crypto->same(view_of(expected), text);
}

bool signature_is_now(int64_t timestamp_s, int64_t wall_ms)
{
    int64_t now_s = wall_ms / 1000;
    int64_t tolerance_s = SIGNATURE_TOLERANCE_MS / 1000;

    return timestamp_s >= now_s - tolerance_s && timestamp_s <= now_s + tolerance_s;
}

/* Every signature is tried under every key, so that time tells nothing of which one was right. */
static bool any_fits(const struct signature_crypto *crypto, const struct view *keys,
                     size_t key_count, struct view data, struct view header)
{
    bool fits = false;

    while (header.n > 0) {
        struct view one = view_cut(&header, ' ');

        if (!view_starts(one, VIEW(VERSION)))
            continue;
        one = view_skip(one, sizeof VERSION - 1);
        for (size_t i = 0; i < key_count; i++)
            fits |= signature_is_base64(crypto, keys[i], data, one);
    }
    return fits;
}

bool signature_check(const struct signature_crypto *crypto, const struct view *keys,
                     size_t key_count, struct view id, struct view timestamp, struct view header,
                     struct view body, int64_t wall_ms, struct fault *f)
{
    int64_t timestamp_s = 0;
    struct buf data;
    bool fits = false;

    if (id.n == 0 || id.n > SIGNATURE_ID_MAX || header.n == 0 || header.n > SIGNATURE_HEADER_MAX)
        return fault_set(f, FAULT_REJECT, "webhook-id or webhook-signature is missing or too long");
    if (!num_in(timestamp, 0, DATETIME_MAX_MS / 1000, &timestamp_s) ||
        !signature_is_now(timestamp_s, wall_ms))
        return fault_set(f, FAULT_REJECT,
                         "webhook-timestamp is missing, or more than 5 minutes off");
    put_signed(&data, id, timestamp_s, body);
    fits = any_fits(crypto, keys, key_count, buf_view(&data), header);
    buf_done(&data);
    return fits || fault_set(f, FAULT_REJECT, "webhook-signature was not made with our secret");
}
