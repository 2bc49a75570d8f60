#include "config/channels.h"

#include "bridge/core/mem.h"
#include "config/schema.h"

#include <stdio.h>
#include <string.h>

#define KEYS_BYTES ((size_t)CHANNEL_KEYS_MAX * SIGNATURE_KEY_MAX)

#define PATH_MAX_BYTES (SCHEMA_PATH_MAX + SCHEMA_NAME_MAX)

static const char *path_of(const char *prefix, const char *key, char path[PATH_MAX_BYTES])
{
    (void)snprintf(path, PATH_MAX_BYTES, "%s.%s", prefix, key);
    return path;
}

/* The setting under prefix, or NULL. */
static const char *text(const struct conf *c, const char *prefix, const char *key)
{
    char path[PATH_MAX_BYTES];

    return conf_text(c, path_of(prefix, key, path));
}

/* The buffer never moves: its first room is all it may have. */
static bool read_keys(const struct conf *c, const char *prefix, struct channel_conf *out,
                      struct fault *f)
{
    static const char *const names[] = {"signing_secret", "signing_secret_old"};
    size_t at = 0;

    buf_init(&out->owned, 2 * KEYS_BYTES);
    (void)buf_room(&out->owned, 2 * KEYS_BYTES);
    for (size_t i = 0; i < CHANNEL_KEYS_MAX; i++) {
        const char *secret = text(c, prefix, names[i]);

        if (secret == NULL)
            continue;
        if (!signature_key(view_of(secret), &out->owned, f))
            return fault_add(f, "%s.%s", prefix, names[i]);
        out->setup.keys[i] = (struct view){out->owned.p + at, out->owned.n - at};
        at = out->owned.n;
    }
    return true;
}

static void read_receipts_url(const struct conf *c, const char *prefix, struct channel_conf *out)
{
    const char *base = text(c, prefix, "receipts_url");
    struct buf url;

    if (base == NULL)
        return;
    buf_init(&url, 2 * SCHEMA_PATH_MAX + strlen(base));
    buf_printf(&url, "%s/receipts/%s", base, out->setup.name);
    out->receipts_url = mem_text(url.p, url.n);
    out->setup.receipts_url = out->receipts_url;
    buf_done(&url);
}

/* What the map's entry says; the rest stays as it is. */
static void read_sending(const struct conf *c, const char *prefix, struct sending_conf *to)
{
    const char *hours = text(c, prefix, "hours");
    const char *zone = text(c, prefix, "zone");
    const char *outside = text(c, prefix, "outside_hours");
    char path[PATH_MAX_BYTES];

    if (conf_has(c, path_of(prefix, "rate", path)))
        to->rate = conf_int(c, path);
    if (conf_has(c, path_of(prefix, "burst", path)))
        to->burst = conf_int(c, path);
    if (conf_has(c, path_of(prefix, "recipient_gap", path)))
        to->recipient_gap_ms = conf_ms(c, path);
    if (hours != NULL)
        to->hours = hours;
    if (zone != NULL)
        to->zone = zone;
    if (outside != NULL)
        to->expire_outside = strcmp(outside, "expire") == 0;
}

struct sending_conf channels_sending(const struct conf *c, size_t i,
                                     const struct sending_conf *of_channel)
{
    struct sending_conf out = *of_channel;
    char prefix[SCHEMA_PATH_MAX];

    (void)snprintf(prefix, sizeof prefix, "chats.queues.%s", conf_name(c, "chats.queues", i));
    read_sending(c, prefix, &out);
    return out;
}

bool channels_read(const struct conf *c, size_t i, struct channel_conf *out, struct fault *f)
{
    static const char map[] = "channels";
    const char *type = conf_entry_text(c, map, i, "type");
    char prefix[SCHEMA_PATH_MAX];

    (void)snprintf(prefix, sizeof prefix, "channels.%s", conf_name(c, map, i));
    *out = (struct channel_conf){.setup = {.name = conf_name(c, map, i),
                                           .kind = type != NULL ? channel_find(type) : NULL,
                                           .user = text(c, prefix, "user"),
                                           .password = text(c, prefix, "password"),
                                           .token = text(c, prefix, "token"),
                                           .api_key = text(c, prefix, "api_key"),
                                           .sender = text(c, prefix, "sender"),
                                           .app_id = text(c, prefix, "app_id"),
                                           .phone_number_id = text(c, prefix, "phone_number_id"),
                                           .queue_id = text(c, prefix, "queue_id"),
                                           .receipts_secret = text(c, prefix, "receipts_secret")},
                                 .verify_token = text(c, prefix, "verify_token"),
                                 .sending = {.recipient_gap_ms = -1}};
    if (out->setup.kind == NULL)
        return fault_set(f, FAULT_STOP, "%s.type is missing", prefix);
    read_sending(c, prefix, &out->sending);
    read_receipts_url(c, prefix, out);
    if (read_keys(c, prefix, out, f)) {
        if (out->setup.kind->check(&out->setup, f))
            return true;
        (void)fault_add(f, "channels.%s, of type %s", out->setup.name, type);
    }
    channels_done(out);
    return false;
}

bool channels_read_dialler(const struct conf *c, const struct dialler **kind,
                           struct channel_conf *out, struct fault *f)
{
    static const char prefix[] = "callbacks.dialler";
    const char *type = text(c, prefix, "type");

    *out = (struct channel_conf){
        .setup = {.name = "dialler",
                  .password = text(c, prefix, "password"),
                  .token = text(c, prefix, "token"),
                  .api_key = text(c, prefix, "api_key")},
        .sending = {.hours = text(c, prefix, "hours"), .zone = text(c, prefix, "zone")}};
    *kind = type != NULL ? dialler_find(type) : NULL;
    if (*kind == NULL)
        return true;
    if (text(c, prefix, "url") == NULL)
        return fault_set(f, FAULT_STOP, "callbacks.dialler.url is missing; type: %s needs it",
                         type);
    if (read_keys(c, prefix, out, f)) {
        if ((*kind)->check(&out->setup, f))
            return true;
        (void)fault_add(f, "callbacks.dialler, of type %s", type);
    }
    channels_done(out);
    return false;
}

void channels_done(struct channel_conf *c)
{
    buf_done(&c->owned);
    mem_free(c->receipts_url);
    c->receipts_url = NULL;
    c->setup = (struct channel_setup){.name = NULL};
}

size_t channels_find(const struct conf *c, const char *name)
{
    size_t count = conf_count(c, "channels");
    size_t i = 0;

    while (i < count && strcmp(conf_name(c, "channels", i), name) != 0)
        i++;
    return i;
}
