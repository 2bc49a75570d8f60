#include "consumers/schedule_channels.h"

#include "bridge/core/mem.h"
#include "bridge/io/crypto.h"
#include "config/schema.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static_assert(CONF_CHANNELS_MAX + 1 == SCHEDULE_ROUTES_MAX, "a route a channel, and the dialler");

#define PATH_MAX_BYTES ((size_t)SCHEMA_PATH_MAX + SCHEMA_NAME_MAX)

static const char *text(const struct conf *c, const char *prefix, const char *key)
{
    char path[PATH_MAX_BYTES];

    (void)snprintf(path, sizeof path, "%s.%s", prefix, key);
    return conf_text(c, path);
}

static int64_t ms(const struct conf *c, const char *prefix, const char *key)
{
    char path[PATH_MAX_BYTES];

    (void)snprintf(path, sizeof path, "%s.%s", prefix, key);
    return conf_ms(c, path);
}

static int64_t number(const struct conf *c, const char *prefix, const char *key)
{
    char path[PATH_MAX_BYTES];

    (void)snprintf(path, sizeof path, "%s.%s", prefix, key);
    return conf_int(c, path);
}

/* A password or token that the channel itself puts into its requests is not sent as a header: auth
 * is none there. */
static void read_http(const struct conf *c, const char *prefix, struct http_destination *to)
{
    static const struct {
        const char *name;
        enum http_auth auth;
        const char *secret;
    } ways[] = {
        {"none", HTTP_AUTH_NONE, NULL},
        {"basic", HTTP_AUTH_BASIC, "password"},
        {"bearer", HTTP_AUTH_BEARER, "token"},
        {"api-key", HTTP_AUTH_API_KEY, "api_key"},
        {"certificate", HTTP_AUTH_CERTIFICATE, NULL},
        {"oauth2", HTTP_AUTH_NONE, NULL}, /* read_token */
    };
    const char *auth = text(c, prefix, "auth");

    *to = (struct http_destination){
        .url = text(c, prefix, "url"),
        .slots = (int)number(c, prefix, "concurrency"),
        .timeout_ms = ms(c, prefix, "timeout"),
        .connect_timeout_ms = ms(c, prefix, "connect_timeout"),
        .user = text(c, prefix, "user"),
        .key_header = text(c, prefix, "api_key_header"),
        .certificate = text(c, prefix, "certificate"),
        .key = text(c, prefix, "key"),
        .ca = text(c, prefix, "ca"),
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (auth == NULL || strcmp(auth, ways[i].name) != 0)
            continue;
        to->auth = ways[i].auth;
        to->secret = ways[i].secret != NULL ? text(c, prefix, ways[i].secret) : NULL;
    }
}

static void read_token(const struct conf *c, const char *prefix, struct schedule_route *r)
{
    const char *auth = text(c, prefix, "auth");

    r->token = (struct token_source){.name = r->channel.setup.name};
    if (auth == NULL || strcmp(auth, "oauth2") != 0)
        return;
    r->token.url = text(c, prefix, "token_url");
    r->token.user = text(c, prefix, "user");
    r->token.secret = text(c, prefix, "password");
}

static bool read_channels(const struct conf *c, struct schedule_channels *s, struct fault *f)
{
    size_t count = conf_count(c, "channels");

    for (size_t i = 0; i < count; i++) {
        struct schedule_route *r = &s->routes[i];
        char prefix[SCHEMA_PATH_MAX];

        if (!channels_read(c, i, &r->channel, f))
            return false;
        s->route_count = s->channel_count = i + 1;
        r->channel.setup.hmac_sha256 = crypto_hmac_sha256;
        (void)snprintf(prefix, sizeof prefix, "channels.%s", conf_name(c, "channels", i));
        read_http(c, prefix, &r->http);
        read_token(c, prefix, r);
    }
    return true;
}

static bool read_dialler(const struct conf *c, struct schedule_channels *s, struct fault *f)
{
    struct schedule_route *r = &s->routes[s->route_count];

    if (!channels_read_dialler(c, &r->dialler, &r->channel, f))
        return false;
    if (r->dialler == NULL)
        return true;
    s->route_count++;
    r->channel.setup.hmac_sha256 = crypto_hmac_sha256;
    read_http(c, "callbacks.dialler", &r->http);
    r->token = (struct token_source){.name = "dialler"}; /* it knows no oauth2 */
    return true;
}

static void read_sources(const struct conf *c, struct schedule_channels *s)
{
    static const char map[] = "chats.queues";
    size_t count = conf_count(c, map);

    s->sources = mem_zeroed(count, sizeof *s->sources);
    for (size_t i = 0; i < count; i++) {
        const char *address = conf_entry_text(c, map, i, "address");
        const char *via = conf_entry_text(c, map, i, "via");

        if (address == NULL || via == NULL)
            continue;
        s->sources[s->source_count++] = (struct schedule_source){
            address, conf_entry_text(c, map, i, "channel"), channels_find(c, via), i};
    }
}

bool schedule_channels_make(const struct conf *c, struct schedule_channels *out, struct fault *f)
{
    memset(out, 0, sizeof *out);
    if (!read_channels(c, out, f) || !read_dialler(c, out, f)) {
        schedule_channels_done(out);
        return false;
    }
    read_sources(c, out);
    return true;
}

void schedule_channels_done(struct schedule_channels *s)
{
    for (size_t i = 0; i < s->route_count; i++)
        channels_done(&s->routes[i].channel);
    mem_free(s->sources);
    s->sources = NULL;
    s->route_count = s->channel_count = s->source_count = 0;
}
