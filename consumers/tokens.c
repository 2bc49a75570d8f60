#include "consumers/tokens.h"

#include "bridge/core/backoff.h"
#include "bridge/core/mem.h"
#include "bridge/core/oauth.h"
#include "consumers/http_secrets.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#define AGAIN_MIN_MS 1000
#define AGAIN_MAX_MS 60000
/* A fetch's call; the loops' own tokens never come so high. */
#define SCHEME "Bearer "

#define FETCH(i)    (UINT64_MAX - (i))
#define IS_FETCH(t) ((t) > UINT64_MAX - 4096)

static const struct http_header fetch_headers[] = {
    {{"Content-Type", 12}, {OAUTH_BODY_TYPE, sizeof OAUTH_BODY_TYPE - 1}}};

struct call { /* one under way */
    struct call *next;
    struct source *of;
    uint64_t token;
    unsigned number; /* of the access token that it has; 0: it has none, and is not sent */
    char *bearer;    /* owned */
    struct http_header headers[HTTP_HEADERS_MAX];
};

struct source {
    struct tokens *all;
    const struct token_source *conf;
    unsigned destination; /* of its fetches; 0: none */
    struct call *calls;
    char *bearer;    /* owned: "Bearer …"; NULL: there is none */
    unsigned number; /* of it, from 1 */
    int64_t until_ms;
    bool fetching;
    bool settled;
    unsigned failures; /* in a row */
    char why[FAULT_TEXT_MAX];
    uv_timer_t timer; /* the next fetch */
};

struct tokens {
    struct uv_loop_s *loop;
    struct http_client *client;
    const struct notice *log;
    http_on_reply *on_reply;
    void *owner;
    struct source *sources;
    size_t count;
    uv_timer_t refuse; /* tells of the calls that are not sent */
    size_t handles;    /* that are open */
    bool closing;
    void (*closed)(void *owner);
    void *closed_owner;
};

static void forget(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    mem_free(text);
}

/* ---- fetching ---- */

static void on_due(uv_timer_t *timer);

static void again_in(struct source *s, int64_t wait_ms)
{
    (void)uv_timer_start(&s->timer, on_due, (uint64_t)wait_ms, 0);
}

static void failed(struct source *s, const char *why)
{
    const struct backoff waits = {AGAIN_MIN_MS, AGAIN_MAX_MS};
    int64_t wait_ms = backoff_ceiling_ms(&waits, s->failures++);

    view_copy(view_of(why), s->why, sizeof s->why);
    notice_say(s->all->log, NOTICE_WARN, "token_failed", NOTICE_TEXT("channel", s->conf->name),
               NOTICE_TEXT("reason", why), NOTICE_INT("wait_ms", wait_ms));
    again_in(s, wait_ms);
}

static void fetched(struct source *s, const struct oauth_token *token)
{
    int64_t use_ms = oauth_use_ms(token->life_ms);
    struct buf line;

    buf_init(&line, OAUTH_TOKEN_MAX + 16);
    buf_printf(&line, SCHEME "%s", token->text);
    forget(s->bearer);
    s->bearer = mem_text(line.p, line.n);
    explicit_bzero(line.p, line.n);
    buf_done(&line);
    s->number++;
    s->until_ms = (int64_t)uv_now(s->all->loop) + token->life_ms;
    if (s->failures > 0 || s->number == 1)
        notice_say(s->all->log, NOTICE_INFO, "token_fetched", NOTICE_TEXT("channel", s->conf->name),
                   NOTICE_INT("life_ms", token->life_ms));
    s->failures = 0;
    s->why[0] = '\0';
    again_in(s, use_ms);
}

/* The sentence has the server's own words, which may be our credentials. */
static void refused(struct source *s, const char *why)
{
    const struct http_destination d = {
        .auth = HTTP_AUTH_BASIC, .user = s->conf->user, .secret = s->conf->secret};
    struct buf secrets;
    char said[FAULT_TEXT_MAX];

    http_secrets_init(&secrets);
    http_secrets_add(&secrets, &d);
    failed(s, http_secrets_mask(&secrets, view_of(why), said, sizeof said));
    http_secrets_done(&secrets);
}

static void on_fetch(struct source *s, const struct http_reply *reply)
{
    static struct oauth_token token; /* too much for the stack */
    struct fault f = {0};

    s->fetching = false;
    s->settled = true;
    if (s->all->closing)
        return;
    if (reply->fate != HTTP_ANSWERED)
        failed(s, reply->error);
    else if (oauth_read(reply->status, reply->body, &token, &f))
        fetched(s, &token);
    else
        refused(s, f.text);
    explicit_bzero(&token, sizeof token);
}

static void fetch(struct source *s)
{
    const struct http_port to = http_client_port(s->all->client);
    const struct http_call call = {
        .token = FETCH((uint64_t)(s - s->all->sources)),
        .destination = s->destination,
        .method = "POST",
        .headers = fetch_headers,
        .header_count = 1,
        .body = VIEW(OAUTH_BODY),
    };
    struct fault f = {0};

    if (s->fetching || s->all->closing)
        return;
    s->fetching = to.submit(to.ctx, &call, &f);
    if (!s->fetching) {
        s->settled = true;
        failed(s, f.text);
    }
}

static void on_due(uv_timer_t *timer)
{
    fetch(timer->data);
}

/* ---- calls ---- */

static bool has_token(const struct source *s)
{
    return s->bearer != NULL && (int64_t)uv_now(s->all->loop) < s->until_ms;
}

static const char *why_not(const struct source *s)
{
    return s->why[0] != '\0' ? s->why : "it is being fetched";
}

static void call_free(struct call *c)
{
    forget(c->bearer);
    mem_free(c);
}

static void refuse(struct tokens *t, struct source *s)
{
    struct call **at = &s->calls;
    char error[FAULT_TEXT_MAX + 16];

    while (*at != NULL) {
        struct call *c = *at;
        struct http_reply reply = {.token = c->token, .fate = HTTP_NOT_SENT, .error = error};

        if (c->number != 0) {
            at = &c->next;
            continue;
        }
        (void)snprintf(error, sizeof error, "no token: %s", why_not(s));
        *at = c->next;
        call_free(c);
        t->on_reply(t->owner, &reply);
        at = &s->calls; /* the owner may have made others */
    }
}

static void on_refuse(uv_timer_t *timer)
{
    struct tokens *t = timer->data;

    for (size_t i = 0; i < t->count; i++)
        refuse(t, &t->sources[i]);
}

static bool submit(void *ctx, const struct http_call *call, struct fault *f)
{
    struct tokens *t = ctx;
    struct source *s = &t->sources[call->destination];
    const struct http_port to = http_client_port(t->client);
    struct http_call signed_on = *call;
    struct call *c;

    if (s->destination == 0)
        return to.submit(to.ctx, call, f);
    if (call->header_count >= HTTP_HEADERS_MAX)
        return fault_set(f, FAULT_REJECT, "there are too many headers");
    c = mem_zeroed(1, sizeof *c);
    c->of = s;
    c->token = call->token;
    if (has_token(s)) {
        memcpy(c->headers, call->headers, call->header_count * sizeof c->headers[0]);
        c->bearer = mem_text(s->bearer, strlen(s->bearer));
        c->headers[call->header_count] =
            (struct http_header){VIEW("Authorization"), view_of(c->bearer)};
        c->number = s->number;
        signed_on.headers = c->headers;
        signed_on.header_count++;
        if (!to.submit(to.ctx, &signed_on, f)) {
            call_free(c);
            return false;
        }
    } else {
        (void)uv_timer_start(&t->refuse, on_refuse, 0, 0); /* never from inside the call */
    }
    c->next = s->calls;
    s->calls = c;
    return true;
}

static void cancel(void *ctx, uint64_t token)
{
    struct tokens *t = ctx;
    const struct http_port to = http_client_port(t->client);

    to.cancel(to.ctx, token); /* one that is not sent has its reply soon */
}

/* Takes the call out of those of its source. */
static struct call *take(struct tokens *t, uint64_t token)
{
    for (size_t i = 0; i < t->count; i++)
        for (struct call **at = &t->sources[i].calls; *at != NULL; at = &(*at)->next)
            if ((*at)->token == token && (*at)->number != 0) {
                struct call *c = *at;

                *at = c->next;
                return c;
            }
    return NULL;
}

static void on_reply(void *owner, const struct http_reply *reply)
{
    struct tokens *t = owner;
    struct http_reply told = *reply;
    struct call *c;

    if (IS_FETCH(reply->token)) {
        on_fetch(&t->sources[UINT64_MAX - reply->token], reply);
        return;
    }
    c = take(t, reply->token);
    if (c != NULL && reply->fate == HTTP_ANSWERED && reply->status == 401 &&
        c->number == c->of->number && !t->closing)
        fetch(c->of); /* perhaps it was revoked */
    if (c != NULL)
        told.secret = c->bearer + sizeof SCHEME - 1;
    t->on_reply(t->owner, &told);
    if (c != NULL)
        call_free(c);
}

struct http_port tokens_port(struct tokens *t)
{
    return (struct http_port){t, submit, cancel};
}

bool tokens_settled(const struct tokens *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->sources[i].destination != 0 && !t->sources[i].settled)
            return false;
    return true;
}

bool tokens_ready(const struct tokens *t, struct buf *why)
{
    bool ready = true;

    for (size_t i = 0; i < t->count; i++)
        if (t->sources[i].destination != 0 && !has_token(&t->sources[i]))
            ready = !buf_printf(why, "channel %s has no token: %s\n", t->sources[i].conf->name,
                                why_not(&t->sources[i]));
    return ready;
}

/* ---- making and unmaking ---- */

static void free_all(struct tokens *t)
{
    for (size_t i = 0; i < t->count; i++) {
        while (t->sources[i].calls != NULL) {
            struct call *c = t->sources[i].calls;

            t->sources[i].calls = c->next;
            call_free(c);
        }
        forget(t->sources[i].bearer);
    }
    mem_free(t->sources);
    mem_free(t);
}

static void gone(struct tokens *t)
{
    void (*closed)(void *owner) = t->closed;
    void *owner = t->closed_owner;

    if (--t->handles > 0)
        return;
    free_all(t);
    if (closed != NULL)
        closed(owner);
}

static void on_timer_gone(uv_handle_t *handle)
{
    gone(handle->data);
}

static void on_source_gone(uv_handle_t *handle)
{
    gone(((struct source *)handle->data)->all);
}

static void on_client_gone(void *owner)
{
    gone(owner);
}

void tokens_close(struct tokens *t, void (*closed)(void *owner), void *owner)
{
    t->closing = true;
    t->closed = closed;
    t->closed_owner = owner;
    for (size_t i = 0; i < t->count; i++)
        uv_close((uv_handle_t *)&t->sources[i].timer, on_source_gone);
    uv_close((uv_handle_t *)&t->refuse, on_timer_gone);
    http_client_close(t->client, on_client_gone, t);
}

/* The destinations as they were given, but for those who want a token; then the token servers, each
 * with the authorities of its channel: it gets the channel's secret. */
static size_t servers_too(struct tokens *t, const struct http_destination *to,
                          struct http_destination *all)
{
    size_t n = t->count;

    for (size_t i = 0; i < t->count; i++) {
        struct source *s = &t->sources[i];

        all[i] = to[i];
        if (s->conf->url == NULL)
            continue;
        all[i].auth = HTTP_AUTH_NONE;
        s->destination = (unsigned)n;
        all[n] = to[i];
        all[n].url = s->conf->url;
        all[n].slots = 1;
        all[n].auth = HTTP_AUTH_BASIC;
        all[n].user = s->conf->user;
        all[n].secret = s->conf->secret;
        n++;
    }
    return n;
}

struct tokens *tokens_new(struct uv_loop_s *loop, const struct http_destination *to,
                          const struct token_source *sources, size_t count, http_on_reply *told,
                          void *owner, const struct notice *log, struct fault *f)
{
    struct tokens *t = mem_zeroed(1, sizeof *t);
    struct http_destination *all = mem_zeroed(2 * count + 1, sizeof *all);

    t->loop = loop;
    t->log = log;
    t->on_reply = told;
    t->owner = owner;
    t->count = count;
    t->sources = mem_zeroed(count + 1, sizeof *t->sources);
    for (size_t i = 0; i < count; i++)
        t->sources[i] = (struct source){.all = t, .conf = &sources[i]};
    t->client = http_client_new(loop, all, servers_too(t, to, all), on_reply, t, f);
    mem_free(all);
    if (t->client == NULL) {
        free_all(t);
        return NULL;
    }
    t->handles = count + 2;
    (void)uv_timer_init(loop, &t->refuse);
    t->refuse.data = t;
    for (size_t i = 0; i < count; i++) {
        (void)uv_timer_init(loop, &t->sources[i].timer);
        t->sources[i].timer.data = &t->sources[i];
        if (t->sources[i].destination != 0)
            fetch(&t->sources[i]);
    }
    return t;
}
