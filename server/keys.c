#include "server/keys.h"

#include "bridge/core/hex.h"
#include "bridge/core/phone.h"
#include "bridge/io/crypto.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define HEAD_MAX 256 /* bytes in front of what is hashed */

static unsigned bucket_of(const char *key_hash)
{
    return ((unsigned char)key_hash[0] * 31u + (unsigned char)key_hash[1] * 7u +
            (unsigned char)key_hash[2]) %
           KEYS_BUCKETS;
}

void keys_let_go(struct keys *k, struct pending *p)
{
    struct pending **at = &k->running[bucket_of(p->x.key_hash)];

    while (*at != NULL && *at != p)
        at = &(*at)->next_running;
    if (*at != NULL)
        *at = p->next_running;
}

static bool is_key(struct view key)
{
    for (size_t i = 0; i < key.n; i++)
        if (key.p[i] < ' ' || key.p[i] > '~')
            return false;
    return key.n > 0 && key.n <= EXCHANGE_KEY_MAX;
}

/* What a key, or a request, is for, bound to the user who sent it. */
static void key_mac(const struct keys *k, const struct exchange_user *user, const char *purpose,
                    struct view key, uint8_t mac[CRYPTO_SHA256_LEN])
{
    char hex[GUID_TEXT_MAX];
    struct buf text;

    guid_hex(&user->id, hex);
    buf_init(&text, EXCHANGE_KEY_MAX + HEAD_MAX);
    buf_printf(&text, "%s\n%s\n", purpose, hex);
    buf_put(&text, key);
    assert(!text.full);
    crypto_hmac_sha256((struct view){(const char *)k->secret, sizeof k->secret}, buf_view(&text),
                       mac);
    buf_done(&text);
}

/* What the request names, in one spelling: the {id} as 32 hex digits, or a consent's usage and the
 * normal form of its address. So the same request spelled otherwise is the same request. */
static void put_thing(const struct pending *p, struct buf *to)
{
    char hex[GUID_TEXT_MAX];
    char room[PHONE_NORMAL_MAX];
    struct view rest = p->x.id;
    struct view usage = view_cut(&rest, '_');
    struct view address = VIEW_NONE;
    struct guid g;
    struct fault f = {0};

    buf_printf(to, "%s\n", p->route->route->path);
    if (guid_parse(p->x.id, &g)) {
        guid_hex(&g, hex);
        buf_put_text(to, hex);
    } else if (usage.n < p->x.id.n && phone_normal(rest, room, &address, &f)) {
        buf_put(to, usage);
        buf_put_char(to, '_');
        buf_put(to, address);
    } else {
        buf_put(to, p->x.id);
    }
}

/* What was asked, and of that what is kept: who has the store and lacks its secret can't try out
 * whose number was in it. */
static void hash_key(const struct keys *k, struct pending *p)
{
    uint8_t mac[CRYPTO_SHA256_LEN];
    struct buf all;

    key_mac(k, p->x.user, "id", p->x.key, mac);
    p->x.new_id = guid_v4_of_random(mac);
    key_mac(k, p->x.user, "key", p->x.key, mac);
    hex_write(mac, 16, p->x.key_hash);
    crypto_sha256_hex(p->x.body, p->x.unkeyed);
    buf_init(&all, p->x.id.n + HEAD_MAX);
    buf_printf(&all, "%s\n%s\n", p->x.method, p->x.unkeyed);
    put_thing(p, &all);
    assert(!all.full);
    crypto_sha256_hex(buf_view(&all), p->x.unkeyed);
    buf_done(&all);
    key_mac(k, p->x.user, "digest", view_of(p->x.unkeyed), mac);
    hex_write(mac, sizeof mac, p->x.digest);
}

bool keys_take(struct keys *k, struct pending *p)
{
    size_t count = 0;
    struct view key =
        http_field_find(p->request->headers, p->request->header_count, "Idempotency-Key", &count);
    struct pending **bucket = NULL;

    if (count == 0) {
        p->x.new_id = crypto_guid_random();
        return true;
    }
    if (count > 1 || !is_key(key)) {
        exchange_error(&p->x, 400,
                       "Idempotency-Key is one key of 1 to %d printable ASCII characters",
                       EXCHANGE_KEY_MAX);
        return false;
    }
    if (!k->known) {
        exchange_error(&p->x, 503, "the server is starting; try again");
        return false;
    }
    p->x.key = key;
    hash_key(k, p);
    bucket = &k->running[bucket_of(p->x.key_hash)];
    for (const struct pending *other = *bucket; other != NULL; other = other->next_running)
        if (strcmp(other->x.key_hash, p->x.key_hash) == 0) {
            exchange_header(&p->x, "Retry-After", VIEW("1"));
            exchange_error(&p->x, 409, "the first request with this Idempotency-Key still runs");
            return false;
        }
    p->next_running = *bucket;
    *bucket = p;
    return true;
}
