#include "server/sign_on.h"

#include "bridge/core/authorization.h"
#include "bridge/core/mask.h"
#include "bridge/core/mem.h"
#include "bridge/core/throttle.h"
#include "bridge/io/crypto.h"
#include "bridge/io/http_source.h"
#include "bridge/io/password.h"
#include "bridge/io/tls.h"

#include <assert.h>
#include <string.h>

#include <uv.h>

#define WAYS 4 /* places that one digest may be remembered in */
#define SETS (SIGN_ON_KEPT_MAX / WAYS)

/* A password that was right. */
struct kept {
    uint8_t mac[CRYPTO_SHA256_LEN];
    const struct user_record *user; /* of the current set; NULL: free */
    int64_t until_ms;
};

struct waiter {
    sign_on_done *done;
    void *ctx;
};

/* A password that is being verified, or waits for it. */
struct check {
    uv_work_t work;
    struct sign_on *sign_on; /* NULL: it was stopped meanwhile */
    struct check *next;
    uint8_t mac[CRYPTO_SHA256_LEN];
    uint8_t source[HTTP_SOURCE_LEN];
    struct users *users;            /* held */
    const struct user_record *user; /* NULL: nobody of that login, or without a password */
    char login[AUTHORIZATION_LOGIN_MAX + 1];
    char *password;
    size_t password_n;
    struct waiter *waiters;
    size_t waiter_count;
    bool running;
    bool matches;
};

struct sign_on {
    struct sign_on_conf conf;
    struct users *users;
    uint8_t key[CRYPTO_SHA256_LEN];
    struct throttle *throttle;
    struct kept kept[SETS][WAYS];
    struct check *checks; /* in the order they came */
    size_t check_count;
    size_t running;
    size_t waiters;
    bool stopped;
    struct stat *counts[SIGN_ON_WAITS]; /* by outcome */
    char told[TLS_SUBJECT_MAX];         /* the last unknown certificate that the log has */
    int64_t told_ms;
};

/* What is verified for nobody: no password's hash, and as costly as any. */
static const char nobody[] = "$argon2id$v=19$m=65536,t=2,p=1$"
                             "AAAAAAAAAAAAAAAAAAAAAA$"
                             "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

static int64_t now_ms(const struct sign_on *s)
{
    return (int64_t)uv_now(s->conf.loop);
}

static struct view source_view(const uint8_t source[HTTP_SOURCE_LEN])
{
    return (struct view){(const char *)source, HTTP_SOURCE_LEN};
}

/* ---- results ---- */

static struct sign_on_result result(struct sign_on *s, enum sign_on_outcome outcome)
{
    static const char *const outcomes[SIGN_ON_WAITS] = {
        [SIGN_ON_KNOWN] = "outcome=\"known\"",
        [SIGN_ON_NOBODY] = "outcome=\"nobody\"",
        [SIGN_ON_SLOWED] = "outcome=\"slowed\"",
        [SIGN_ON_BUSY] = "outcome=\"busy\"",
    };

    if (s->counts[outcome] == NULL)
        s->counts[outcome] =
            stats_get(s->conf.stats, STAT_COUNTER, "cmibridge_sign_ons_total", outcomes[outcome],
                      "Requests by what became of their credentials, where users sign on.");
    stat_add(s->counts[outcome], 1);
    return (struct sign_on_result){.outcome = outcome};
}

static struct sign_on_result known(struct sign_on *s, const struct user_record *user)
{
    struct sign_on_result r = result(s, SIGN_ON_KNOWN);

    r.user = &user->user;
    r.users = users_keep(s->users);
    return r;
}

/* ---- what is remembered ---- */

static void mac_of(const struct sign_on *s, const struct authorization *a,
                   uint8_t mac[CRYPTO_SHA256_LEN])
{
    struct buf text;

    buf_init(&text, AUTHORIZATION_ROOM);
    buf_put(&text, a->login);
    buf_put_char(&text, ':');
    buf_put(&text, a->password);
    assert(!text.full);
    crypto_hmac_sha256((struct view){(const char *)s->key, sizeof s->key}, buf_view(&text), mac);
    password_wipe(text.p, text.n);
    buf_done(&text);
}

static bool same(const uint8_t a[CRYPTO_SHA256_LEN], const uint8_t b[CRYPTO_SHA256_LEN])
{
    return crypto_same((struct view){(const char *)a, CRYPTO_SHA256_LEN},
                       (struct view){(const char *)b, CRYPTO_SHA256_LEN});
}

static struct kept *set_of(struct sign_on *s, const uint8_t mac[CRYPTO_SHA256_LEN])
{
    return s->kept[((size_t)mac[0] << 8 | mac[1]) % SETS];
}

static const struct user_record *recall(struct sign_on *s, const uint8_t mac[CRYPTO_SHA256_LEN])
{
    struct kept *set = set_of(s, mac);

    for (size_t i = 0; i < WAYS; i++)
        if (set[i].user != NULL && set[i].until_ms > now_ms(s) && same(set[i].mac, mac))
            return set[i].user;
    return NULL;
}

static void remember(struct sign_on *s, const struct check *c)
{
    struct kept *set = set_of(s, c->mac);
    struct kept *to = &set[0];

    for (size_t i = 1; i < WAYS && to->user != NULL; i++)
        if (set[i].user == NULL || set[i].until_ms < to->until_ms)
            to = &set[i];
    memcpy(to->mac, c->mac, sizeof to->mac);
    to->user = c->user;
    to->until_ms = now_ms(s) + SIGN_ON_KEPT_MS;
}

/* ---- verification ---- */

static void check_free(struct check *c)
{
    users_let_go(c->users);
    password_wipe(c->password, c->password_n);
    mem_free(c->password);
    mem_free(c->waiters);
    mem_free(c);
}

/* In the thread pool. A password for nobody matches nothing, whatever came out. */
static void verify(uv_work_t *work)
{
    struct check *c = work->data;
    bool matches = password_matches(c->user != NULL ? c->user->password : nobody,
                                    (struct view){c->password, c->password_n});

    c->matches = matches && c->user != NULL;
}

static void unlink_check(struct sign_on *s, struct check *c)
{
    struct check **at = &s->checks;

    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    s->check_count--;
    s->waiters -= c->waiter_count;
}

static void answer(struct sign_on *s, struct check *c, enum sign_on_outcome outcome)
{
    for (size_t i = 0; i < c->waiter_count; i++) {
        struct sign_on_result r = outcome == SIGN_ON_KNOWN ? known(s, c->user) : result(s, outcome);

        c->waiters[i].done(c->waiters[i].ctx, &r);
    }
    c->waiter_count = 0;
}

static void start_some(struct sign_on *s);

/* The login of a user is told to the log; what nobody is called may be a password in the wrong
 * field. */
static void log_wrong(const struct sign_on *s, const struct check *c)
{
    char source[HTTP_SOURCE_TEXT];

    http_source_text(c->source, source);
    notice_say(s->conf.log, NOTICE_WARN, "sign_on_refused",
               NOTICE_TEXT("user", c->user != NULL ? c->login : "unknown"),
               NOTICE_TEXT("source", source));
}

static void on_verified(uv_work_t *work, int status)
{
    struct check *c = work->data;
    struct sign_on *s = c->sign_on;

    if (s == NULL || status != 0) {
        check_free(c);
        return;
    }
    s->running--;
    unlink_check(s, c);
    if (c->matches)
        throttle_succeeded(s->throttle, source_view(c->source), view_of(c->login), now_ms(s));
    else
        log_wrong(s, c);
    if (c->users != s->users) {
        answer(s, c, SIGN_ON_BUSY); /* the users changed meanwhile: ask again */
    } else {
        if (c->matches)
            remember(s, c);
        answer(s, c, c->matches ? SIGN_ON_KNOWN : SIGN_ON_NOBODY);
    }
    check_free(c);
    start_some(s);
}

static void start_some(struct sign_on *s)
{
    for (struct check *c = s->checks; c != NULL && s->running < SIGN_ON_AT_ONCE; c = c->next) {
        if (c->running)
            continue;
        c->running = true;
        s->running++;
        c->work.data = c;
        if (uv_queue_work(s->conf.loop, &c->work, verify, on_verified) != 0)
            assert(!"uv_queue_work fails for no work only");
    }
}

static void wait_for(struct sign_on *s, struct check *c, sign_on_done *done, void *ctx)
{
    c->waiters = mem_resize(c->waiters, c->waiter_count + 1, sizeof *c->waiters);
    c->waiters[c->waiter_count++] = (struct waiter){done, ctx};
    s->waiters++;
}

static struct check *check_new(struct sign_on *s, const struct authorization *a,
                               const uint8_t mac[CRYPTO_SHA256_LEN], const struct http_request *r)
{
    struct check *c = mem_zeroed(1, sizeof *c);
    struct check **at = &s->checks;

    c->sign_on = s;
    memcpy(c->mac, mac, sizeof c->mac);
    memcpy(c->source, r->source, sizeof c->source);
    c->users = users_keep(s->users);
    c->user = users_by_login(s->users, a->login);
    if (c->user != NULL && c->user->password == NULL)
        c->user = NULL;
    memcpy(c->login, a->login.p, a->login.n);
    c->password = mem_text(a->password.p, a->password.n);
    c->password_n = a->password.n;
    while (*at != NULL)
        at = &(*at)->next;
    *at = c;
    s->check_count++;
    return c;
}

static struct sign_on_result slowed(struct sign_on *s, int64_t wait_ms)
{
    struct sign_on_result r = result(s, SIGN_ON_SLOWED);

    r.retry_s = (wait_ms + 999) / 1000;
    return r;
}

static struct sign_on_result by_password(struct sign_on *s, const struct authorization *a,
                                         const struct http_request *r, sign_on_done *done,
                                         void *ctx)
{
    uint8_t mac[CRYPTO_SHA256_LEN];
    const struct user_record *user = NULL;
    struct check *c = s->checks;
    int64_t wait_ms = 0;

    mac_of(s, a, mac);
    if ((user = recall(s, mac)) != NULL)
        return known(s, user);
    if (s->stopped || s->waiters == SIGN_ON_WAITERS_MAX)
        return result(s, SIGN_ON_BUSY);
    while (c != NULL && !(c->users == s->users && same(c->mac, mac) &&
                          memcmp(c->source, r->source, sizeof c->source) == 0))
        c = c->next;
    if (c == NULL) {
        if (s->check_count == SIGN_ON_CHECKS_MAX)
            return result(s, SIGN_ON_BUSY);
        wait_ms = throttle_try(s->throttle, source_view(r->source), a->login, now_ms(s));
        if (wait_ms > 0)
            return slowed(s, wait_ms);
        c = check_new(s, a, mac, r);
    }
    wait_for(s, c, done, ctx);
    start_some(s);
    return (struct sign_on_result){.outcome = SIGN_ON_WAITS};
}

/* ---- what the request holds ---- */

static struct sign_on_result by_token(struct sign_on *s, struct view token,
                                      const struct http_request *r)
{
    const struct user_record *user = users_by_token(s->users, token);
    int64_t wait_ms = 0;

    if (user != NULL)
        return known(s, user);
    wait_ms = throttle_try(s->throttle, source_view(r->source), VIEW_NONE, now_ms(s));
    return wait_ms > 0 ? slowed(s, wait_ms) : result(s, SIGN_ON_NOBODY);
}

/* Once a connection asks, it goes on: one line a minute, or where it is another certificate, a
 * second. */
static void log_unknown(struct sign_on *s, const struct http_request *r)
{
    bool another = s->told[0] == '\0' || strcmp(s->told, r->certificate) != 0;
    char subject[TLS_SUBJECT_MAX];
    char source[HTTP_SOURCE_TEXT];

    if (s->told[0] != '\0' && now_ms(s) - s->told_ms < (another ? 1000 : 60000))
        return;
    view_copy(view_of(r->certificate), s->told, sizeof s->told);
    s->told_ms = now_ms(s);
    http_source_text(r->source, source);
    notice_say(
        s->conf.log, NOTICE_WARN, "certificate_unknown",
        NOTICE_TEXT("subject", mask_sentence(view_of(r->certificate), subject, sizeof subject)),
        NOTICE_TEXT("source", source));
}

static struct sign_on_result by_certificate(struct sign_on *s, const struct http_request *r)
{
    const struct user_record *user = users_by_certificate(s->users, view_of(r->certificate));

    if (user == NULL)
        log_unknown(s, r);
    return user != NULL ? known(s, user) : result(s, SIGN_ON_NOBODY);
}

static struct view header(const struct http_request *r, const char *name, size_t *count)
{
    return http_field_find(r->headers, r->header_count, name, count);
}

static struct sign_on_result by_header(struct sign_on *s, struct view value,
                                       const struct http_request *r, sign_on_done *done, void *ctx)
{
    struct sign_on_result out;
    struct authorization a;
    struct buf room;

    buf_init(&room, AUTHORIZATION_ROOM);
    a = authorization_read(value, &room);
    if (a.kind == AUTHORIZATION_BASIC)
        out = by_password(s, &a, r, done, ctx);
    else if (a.kind == AUTHORIZATION_BEARER)
        out = by_token(s, a.token, r);
    else
        out = result(s, SIGN_ON_NOBODY);
    password_wipe(room.p, room.n);
    buf_done(&room);
    return out;
}

struct sign_on_result sign_on_look(struct sign_on *s, const struct http_request *r,
                                   sign_on_done *done, void *ctx)
{
    const struct exchange_user *anonymous = users_anonymous(s->users);
    size_t count = 0;
    struct view value = VIEW_NONE;

    if (anonymous != NULL)
        return (struct sign_on_result){SIGN_ON_KNOWN, anonymous, users_keep(s->users), 0};
    value = header(r, "Authorization", &count);
    if (count == 1)
        return by_header(s, value, r, done, ctx);
    if (count > 1)
        return result(s, SIGN_ON_NOBODY);
    value = header(r, s->conf.api_key_header, &count);
    if (count > 0)
        return count == 1 ? by_token(s, value, r) : result(s, SIGN_ON_NOBODY);
    return r->certificate != NULL ? by_certificate(s, r) : result(s, SIGN_ON_NOBODY);
}

bool sign_on_may_be_known(const struct sign_on *s, const struct http_request *r)
{
    size_t authorizations = 0;
    size_t keys = 0;

    if (users_anonymous(s->users) != NULL || r->certificate != NULL)
        return true;
    (void)header(r, "Authorization", &authorizations);
    (void)header(r, s->conf.api_key_header, &keys);
    return authorizations + keys > 0;
}

/* ---- birth and death ---- */

struct sign_on *sign_on_new(const struct sign_on_conf *conf, struct users *users)
{
    struct sign_on *s = mem_zeroed(1, sizeof *s);
    uint8_t key[16];

    s->conf = *conf;
    s->users = users;
    crypto_random(s->key, sizeof s->key);
    crypto_random(key, sizeof key);
    s->throttle = throttle_new(key);
    return s;
}

void sign_on_change(struct sign_on *s, struct users *users)
{
    users_let_go(s->users);
    s->users = users;
    memset(s->kept, 0, sizeof s->kept);
}

void sign_on_stop(struct sign_on *s)
{
    s->stopped = true;
    while (s->checks != NULL) {
        struct check *c = s->checks;

        unlink_check(s, c);
        answer(s, c, SIGN_ON_BUSY);
        c->sign_on = NULL;
        if (!c->running)
            check_free(c);
    }
}

void sign_on_free(struct sign_on *s)
{
    if (s == NULL)
        return;
    sign_on_stop(s);
    throttle_free(s->throttle);
    users_let_go(s->users);
    mem_free(s);
}
