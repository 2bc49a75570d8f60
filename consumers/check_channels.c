#include "consumers/check_channels.h"

#include "bridge/core/echo.h"
#include "bridge/core/mem.h"
#include "bridge/io/zone_load.h"
#include "config/schema.h"
#include "consumers/http_secrets.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#define SHOWN_MAX      200 /* bytes of what another system said */
#define PATH_MAX_BYTES 512

/* ---- time zones ---- */

static void check_zone(const struct conf *c, const char *path, const char *name,
                       struct buf *mistakes)
{
    struct zone *zone = mem_zeroed(1, sizeof *zone);
    struct fault f = {0};

    if (name != NULL && !zone_load(name, (int64_t)time(NULL) * 1000, zone, &f))
        buf_printf(mistakes, "%s: %s: %s\n", conf_origin(c, path), path, f.text);
    mem_free(zone);
}

static void check_zones_of(const struct conf *c, const char *map, struct buf *mistakes)
{
    for (size_t i = 0; i < conf_count(c, map); i++) {
        char path[SCHEMA_PATH_MAX];

        (void)snprintf(path, sizeof path, "%s.%s.zone", map, conf_name(c, map, i));
        check_zone(c, path, conf_entry_text(c, map, i, "zone"), mistakes);
    }
}

void check_zones(const struct conf *c, struct buf *mistakes)
{
    check_zones_of(c, "channels", mistakes);
    check_zones_of(c, "chats.queues", mistakes);
    check_zone(c, "callbacks.dialler.zone", conf_text(c, "callbacks.dialler.zone"), mistakes);
}

/* ---- questions that change nothing ---- */

/* What a type's interface can be asked. */
static const struct question {
    const char *type;
    const char *cut; /* is taken off the url's end */
    const char *path;
    enum { NOTHING, TOKEN, NUMBER } names; /* what follows it */
    const char *behind;
} questions[] = {
    {"sinch-conversation", "/messages:send", "/messages?page_size=1", NOTHING, ""},
    {"whatsapp-cloud", "", "/", NUMBER, "?fields=id"},
    {"telegram", "", "/bot", TOKEN, "/getMe"},
    {"cmi-chat", "", "/chats?limit=1", NOTHING, ""},
    {"cmi", "", "/callbacks?limit=1", NOTHING, ""},
};

struct trial {
    struct trials *of;
    const struct schedule_route *route;
    const struct question *question; /* NULL: OPTIONS, which every server knows or refuses */
    char peer[SCHEMA_NAME_MAX + 32];
    char path[PATH_MAX_BYTES];
    char url[2048 + 1];
};

struct trials {
    FILE *to;
    uv_loop_t loop;
    struct tokens *http;
    uv_prepare_t ready;
    struct trial *all;
    size_t count;
    size_t waiting;
    size_t failed;
};

static void say(struct trials *t, const char *peer, bool ok, const char *format, ...)
    PRINTF_LIKE(4, 5);
static void say(struct trials *t, const char *peer, bool ok, const char *format, ...)
{
    va_list args;

    fprintf(t->to, "%-20s %-6s ", peer, ok ? "ok" : "FAILED");
    va_start(args, format);
    (void)vfprintf(t->to, format, args);
    va_end(args);
    fputc('\n', t->to);
    (void)fflush(t->to);
    t->failed += !ok;
}

static const struct question *question_of(const struct schedule_route *r)
{
    const char *type =
        r->channel.setup.kind != NULL ? r->channel.setup.kind->name : r->dialler->name;

    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        if (strcmp(questions[i].type, type) == 0)
            return &questions[i];
    return NULL;
}

static void name(struct trial *one, const struct schedule_route *r)
{
    const struct channel_setup *setup = &r->channel.setup;

    (void)snprintf(one->peer, sizeof one->peer, "%s%s", setup->kind != NULL ? "channel " : "",
                   setup->kind != NULL ? setup->name : "dialler");
}

static void plan(struct trial *one, const struct schedule_route *r)
{
    const struct channel_setup *setup = &r->channel.setup;
    const struct question *q = question_of(r);
    const char *named = "";
    size_t n = strlen(r->http.url);

    (void)snprintf(one->url, sizeof one->url, "%s", r->http.url);
    if (q != NULL && q->names == TOKEN)
        named = setup->token;
    if (q != NULL && q->names == NUMBER)
        named = setup->phone_number_id != NULL ? setup->phone_number_id : "me";
    if (q == NULL)
        return;
    one->question = q;
    if (n > strlen(q->cut) && strcmp(r->http.url + n - strlen(q->cut), q->cut) == 0)
        one->url[n - strlen(q->cut)] = '\0';
    (void)snprintf(one->path, sizeof one->path, "%s%s%s", q->path, named, q->behind);
}

/* What the status says of address and credentials; NULL: all is well. */
static const char *objection(const struct trial *one, int status)
{
    if (status == 401)
        return "the credentials are refused";
    if (one->question == NULL)
        return NULL; /* it is there; what it makes of OPTIONS is its own affair */
    if (status == 403)
        return "the credentials are good, but not for this";
    if (status >= 300 && status < 400)
        return "it redirects elsewhere; the url must be the gateway's own";
    if (status == 404)
        return "nothing is there; are the url and what names us right?";
    return status == 200 ? NULL : "that is no answer of a working gateway";
}

/* What the gateway says, without what it repeats of how it was signed on to. */
static const char *masked(const struct trial *one, const struct http_reply *reply,
                          char out[SHOWN_MAX])
{
    struct channel_told told;
    struct buf secrets;

    channel_told_secrets(&one->route->channel.setup, &told);
    http_secrets_init(&secrets);
    http_secrets_add(&secrets, &one->route->http);
    for (size_t i = 0; i < CHANNEL_SECRETS_MAX; i++)
        echo_add_secret(&secrets, told.secrets[i]);
    echo_add_secret(&secrets, reply->secret);
    http_secrets_mask(&secrets, reply->body, out, SHOWN_MAX);
    http_secrets_done(&secrets);
    return out;
}

static void on_reply(void *owner, const struct http_reply *reply)
{
    struct trials *t = owner;
    const struct trial *one = &t->all[reply->token];
    const char *wrong = objection(one, reply->status);
    const char *asked = one->question != NULL ? "a question" : "OPTIONS";
    char said[SHOWN_MAX];

    if (reply->fate != HTTP_ANSWERED)
        say(t, one->peer, false, "%s: %s", one->url, reply->error);
    else if (wrong == NULL)
        say(t, one->peer, true, "%s: %d to %s", one->url, reply->status, asked);
    else
        say(t, one->peer, false, "%s: %d to %s: %s%s%s", one->url, reply->status, asked, wrong,
            reply->body.n > 0 ? ": " : "", masked(one, reply, said));
    if (--t->waiting == 0)
        tokens_close(t->http, NULL, NULL);
}

static void ask(struct trials *t, size_t i)
{
    const struct http_port port = tokens_port(t->http);
    const struct trial *one = &t->all[i];
    const struct http_call call = {.token = i,
                                   .destination = (unsigned)i,
                                   .method = one->question != NULL ? "GET" : "OPTIONS",
                                   .path = view_of(one->path)};
    struct fault f = {0};

    if (port.submit(port.ctx, &call, &f))
        t->waiting++;
    else
        say(t, one->peer, false, "%s", f.text);
}

static void on_ready(uv_prepare_t *ready)
{
    struct trials *t = ready->data;

    if (!tokens_settled(t->http))
        return;
    uv_close((uv_handle_t *)ready, NULL);
    for (size_t i = 0; i < t->count; i++)
        ask(t, i);
    if (t->waiting == 0)
        tokens_close(t->http, NULL, NULL);
}

static void unsaid(void *ctx, enum notice_level level, const char *event,
                   const struct notice_field *fields, size_t count)
{
    (void)ctx, (void)level, (void)event, (void)fields, (void)count; /* the reply says it, too */
}

size_t check_channels(const struct schedule_channels *all, FILE *to)
{
    struct trials t = {.to = to};
    static const struct notice silent = {NULL, NOTICE_ERROR, unsaid};
    struct http_destination at[SCHEDULE_ROUTES_MAX];
    struct token_source tokens[SCHEDULE_ROUTES_MAX];
    struct fault f = {0};

    if (all->route_count == 0)
        return 0;
    t.all = mem_zeroed(all->route_count, sizeof *t.all);
    for (size_t i = 0; i < all->route_count; i++) {
        struct trial *one = &t.all[t.count];

        name(one, &all->routes[i]);
        if (all->routes[i].http.url == NULL) {
            say(&t, one->peer, false, "it has no url");
            continue;
        }
        one->route = &all->routes[i];
        plan(one, one->route);
        at[t.count] = all->routes[i].http;
        tokens[t.count] = all->routes[i].token;
        at[t.count].url = one->url;
        at[t.count].slots = 1;
        if (at[t.count].timeout_ms > CHECK_CHANNELS_MS)
            at[t.count].timeout_ms = CHECK_CHANNELS_MS;
        t.count++;
    }
    if (t.count == 0) {
        mem_free(t.all);
        return t.failed;
    }
    (void)uv_loop_init(&t.loop);
    t.http = tokens_new(&t.loop, at, tokens, t.count, on_reply, &t, &silent, &f);
    if (t.http == NULL) {
        say(&t, "channels", false, "%s", f.text);
    } else {
        (void)uv_prepare_init(&t.loop, &t.ready);
        t.ready.data = &t;
        (void)uv_prepare_start(&t.ready, on_ready);
    }
    (void)uv_run(&t.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&t.loop);
    mem_free(t.all);
    return t.failed;
}
