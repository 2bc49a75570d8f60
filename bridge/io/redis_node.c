#include "bridge/io/redis_node.h"

#include "bridge/core/mem.h"
#include "bridge/io/crypto.h"
#include "bridge/io/redis_greeting.h"
#include "bridge/io/redis_health.h"
#include "bridge/io/redis_held.h"
#include "bridge/io/redis_link.h"
#include "bridge/io/redis_queue.h"
#include "bridge/io/redis_sentinel.h"
#include "bridge/io/redis_words.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#define TROUBLE_MAX  384
#define LATE_TURN_MS 1

enum phase { /* moved by go() only */
             PHASE_WAITING,
             PHASE_LOCATING, /* a Sentinel was asked */
             PHASE_CONNECTING,
             PHASE_GREETING,
             PHASE_UP,
             PHASE_CLOSED,
};

struct watcher {
    void (*changed)(void *owner, bool up);
    void *owner;
};

struct step { /* the owner of a command of the greeting */
    struct redis_node *of;
    enum redis_greeting which;
};

struct redis_node {
    struct uv_loop_s *loop;
    const struct notice *log;
    struct redis_conf conf; /* its texts are the three below */
    char *address_text;     /* of the server; of a Sentinel's answer, the last */
    char *user;
    char *password;
    struct redis_address address;
    struct redis_sentinel *sentinel; /* NULL: the address is given */

    enum phase phase;
    struct redis_link *link; /* from PHASE_CONNECTING to PHASE_UP */
    unsigned attempt;
    int64_t backoff_ms;
    char trouble[TROUBLE_MAX];
    char logged[TROUBLE_MAX];
    struct redis_health health;
    struct redis_queue owed;    /* in the order sent, so also of their deadlines */
    struct redis_queue refused; /* given while they could not be sent */
    struct redis_held held;     /* replied to, and not yet known to be at the replicas */
    bool unwaited;              /* commands were sent that no WAIT stands behind */
    struct step steps[REDIS_GREETING_STEPS];
    struct watcher watchers[REDIS_WATCHERS_MAX];
    size_t watcher_count;

    /* Waiting: the next attempt; connecting: its deadline; else: of owed, or, up without any, the
     * next PING. */
    uv_timer_t timer;
    uv_idle_t turn;   /* runs once after commands were given */
    bool late;        /* one more turn of the loop may bring the overdue reply */
    unsigned handles; /* of libuv and links, not yet gone */
    void (*closed)(void *owner);
    void *closed_owner;
};

static void on_timer(uv_timer_t *timer);
static void on_turn(uv_idle_t *idle);
static void greet(void *ctx);
static void take_reply(void *ctx, const struct redis_value *value);
static void on_lost(void *ctx, const char *why);
static void on_located(void *owner, const char *at, const char *why);
static void put_ping(struct redis_node *r);
static void put_check(struct redis_node *r);

static int64_t now_ms(const struct redis_node *r)
{
    return (int64_t)uv_now(r->loop);
}

/* ---- life ---- */

static void on_gone(void *owner)
{
    struct redis_node *r = owner;

    if (--r->handles > 0)
        return;
    if (r->closed != NULL)
        r->closed(r->closed_owner);
    redis_queue_done(&r->owed);
    redis_queue_done(&r->refused);
    mem_free(r->address_text);
    mem_free(r->user);
    if (r->password != NULL)
        explicit_bzero(r->password, strlen(r->password));
    mem_free(r->password);
    mem_free(r);
}

static void on_handle_gone(uv_handle_t *handle)
{
    on_gone(handle->data);
}

static void start_timer(struct redis_node *r, int64_t wait_ms)
{
    (void)uv_timer_start(&r->timer, on_timer, wait_ms > 0 ? (uint64_t)wait_ms : 0, 0);
}

static void tell_watchers(struct redis_node *r, bool up)
{
    for (size_t i = 0; i < r->watcher_count && r->phase != PHASE_CLOSED; i++)
        r->watchers[i].changed(r->watchers[i].owner, up);
}

/* Half of it by chance, so that the clients of a server that came back do not come as one. */
static int64_t backoff(struct redis_node *r)
{
    uint16_t chance;
    int64_t half = r->backoff_ms / 2;

    crypto_random(&chance, sizeof chance);
    r->backoff_ms =
        r->backoff_ms * 2 < REDIS_BACKOFF_MAX_MS ? r->backoff_ms * 2 : REDIS_BACKOFF_MAX_MS;
    return half + half * chance / UINT16_MAX;
}

/* The one door of the phase. Nothing of the owner's is called here. */
static void go(struct redis_node *r, enum phase to)
{
    static const bool allowed[][PHASE_CLOSED + 1] = {
        [PHASE_WAITING] =
            {[PHASE_LOCATING] = true, [PHASE_CONNECTING] = true, [PHASE_CLOSED] = true},
        [PHASE_LOCATING] =
            {[PHASE_WAITING] = true, [PHASE_CONNECTING] = true, [PHASE_CLOSED] = true},
        [PHASE_CONNECTING] =
            {[PHASE_WAITING] = true, [PHASE_GREETING] = true, [PHASE_CLOSED] = true},
        [PHASE_GREETING] = {[PHASE_WAITING] = true, [PHASE_UP] = true, [PHASE_CLOSED] = true},
        [PHASE_UP] = {[PHASE_WAITING] = true, [PHASE_CLOSED] = true},
        [PHASE_CLOSED] = {false},
    };
    const struct redis_link_owner owner = {r, greet, take_reply, on_lost};

    assert(allowed[r->phase][to]);
    if (r->phase == PHASE_LOCATING)
        redis_sentinel_cancel(r->sentinel);
    r->phase = to;
    r->late = false;
    r->unwaited = false;
    if ((to == PHASE_WAITING || to == PHASE_CLOSED) && r->link != NULL) {
        redis_link_close(r->link, on_gone, r);
        r->link = NULL;
    }
    switch (to) {
    case PHASE_WAITING:
        start_timer(r, backoff(r));
        break;
    case PHASE_LOCATING:
        redis_sentinel_ask(r->sentinel, on_located, r);
        start_timer(r, REDIS_SENTINEL_MS);
        break;
    case PHASE_CONNECTING:
        r->link = redis_link_open(r->loop, &r->address, r->attempt++, owner);
        r->handles++;
        start_timer(r, r->conf.timeout_ms);
        break;
    case PHASE_GREETING:
        break; /* the first command of the greeting starts the timer */
    case PHASE_UP:
        r->trouble[0] = r->logged[0] = '\0';
        redis_health_begin(&r->health, now_ms(r));
        r->backoff_ms = REDIS_BACKOFF_MIN_MS;
        break;
    case PHASE_CLOSED:
        uv_close((uv_handle_t *)&r->timer, on_handle_gone);
        uv_close((uv_handle_t *)&r->turn, on_handle_gone);
        if (r->sentinel != NULL)
            redis_sentinel_close(r->sentinel, on_gone, r);
        break;
    }
}

/* The sentence without its beginning: "Redis at ADDRESS: …". */
static void lose(struct redis_node *r, const char *why)
{
    bool was_up = r->phase == PHASE_UP;

    snprintf(r->trouble, sizeof r->trouble, "Redis at %s: %s", r->address_text, why);
    go(r, PHASE_WAITING);
    if (was_up || strcmp(r->trouble, r->logged) != 0) {
        memcpy(r->logged, r->trouble, sizeof r->logged);
        notice_say(r->log, NOTICE_WARN, "redis_down", NOTICE_TEXT("why", r->trouble));
    }
    if (was_up)
        tell_watchers(r, false);
    redis_held_lose(&r->held, r->trouble);
    redis_queue_lose(&r->owed, r->trouble);
}

static void on_lost(void *ctx, const char *why)
{
    lose(ctx, why);
}

static void seek(struct redis_node *r)
{
    go(r, r->sentinel != NULL ? PHASE_LOCATING : PHASE_CONNECTING);
}

static void on_located(void *owner, const char *at, const char *why)
{
    struct redis_node *r = owner;
    struct fault f = {0};

    if (at == NULL) {
        lose(r, why);
    } else if (!redis_address_parse(at, &r->address, &f)) {
        lose(r, f.text);
    } else {
        mem_free(r->address_text);
        r->address_text = mem_text(at, strlen(at));
        go(r, PHASE_CONNECTING);
    }
}

struct redis_node *redis_node_new(struct uv_loop_s *loop, const struct redis_conf *conf,
                                  struct redis_sentinel *sentinel, const struct notice *log,
                                  struct fault *f)
{
    struct redis_address address = {.host = ""};
    struct redis_node *r;

    assert(conf->timeout_ms > 0);
    if (sentinel == NULL && !redis_address_parse(conf->address, &address, f))
        return NULL;
    (void)signal(SIGPIPE, SIG_IGN); /* libuv writes to a lost connection: an error, not an end */
    r = mem_zeroed(1, sizeof *r);
    r->loop = loop;
    r->log = log;
    r->address = address;
    r->sentinel = sentinel;
    r->address_text = mem_text(conf->address, strlen(conf->address));
    if (conf->user != NULL)
        r->user = mem_text(conf->user, strlen(conf->user));
    if (conf->password != NULL)
        r->password = mem_text(conf->password, strlen(conf->password));
    r->conf = *conf;
    r->conf.address = NULL;
    r->conf.user = r->user;
    r->conf.password = r->password;
    for (size_t i = 0; i < REDIS_GREETING_STEPS; i++)
        r->steps[i] = (struct step){r, (enum redis_greeting)i};
    r->backoff_ms = REDIS_BACKOFF_MIN_MS;
    snprintf(r->trouble, sizeof r->trouble, "Redis at %s: not connected yet", r->address_text);
    (void)uv_timer_init(loop, &r->timer); /* neither ever fails */
    (void)uv_idle_init(loop, &r->turn);
    r->timer.data = r->turn.data = r;
    r->handles = sentinel != NULL ? 3 : 2;
    seek(r);
    return r;
}

void redis_node_close(struct redis_node *r, void (*closed)(void *owner), void *owner)
{
    r->closed = closed;
    r->closed_owner = owner;
    go(r, PHASE_CLOSED);
    redis_held_lose(&r->held, "the connection to Redis was closed");
    redis_queue_lose(&r->owed, "the connection to Redis was closed");
    redis_queue_lose(&r->refused, "the connection to Redis was closed");
}

bool redis_node_up(const struct redis_node *r)
{
    return r->phase == PHASE_UP;
}

const char *redis_node_trouble(const struct redis_node *r)
{
    return r->trouble;
}

const char *redis_node_refusal(const struct redis_node *r)
{
    return redis_health_refusal(&r->health, now_ms(r));
}

const char *redis_node_address(const struct redis_node *r)
{
    return r->address_text;
}

void redis_node_watch(struct redis_node *r, void (*changed)(void *owner, bool up), void *owner)
{
    assert(r->watcher_count < REDIS_WATCHERS_MAX);
    r->watchers[r->watcher_count++] = (struct watcher){changed, owner};
}

/* ---- deadlines ---- */

static void mind_replies(struct redis_node *r)
{
    int64_t left_ms = redis_queue_head(&r->owed)->deadline_ms - now_ms(r);

    if (left_ms > 0) {
        start_timer(r, left_ms);
    } else if (!r->late) {
        /* Timers run before sockets are read: if it was this process that slept, the reply is here
         * already. */
        r->late = true;
        start_timer(r, LATE_TURN_MS);
    } else {
        lose(r, "no reply within the time limit");
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct redis_node *r = timer->data;

    if (r->phase == PHASE_WAITING) {
        seek(r);
    } else if (r->phase == PHASE_LOCATING) {
        lose(r, "no answer from a Sentinel within the time limit");
    } else if (r->phase == PHASE_CONNECTING) {
        lose(r, "no connection within the time limit");
    } else if (r->owed.count > 0) {
        mind_replies(r);
    } else if (r->phase == PHASE_UP) {
        put_ping(r);
        put_check(r);
    }
}

/* ---- commands ---- */

static void wake(struct redis_node *r)
{
    (void)uv_idle_start(&r->turn, on_turn);
}

static void refuse(struct redis_node *r, const struct redis_owed *c)
{
    assert(r->refused.count <= REDIS_IN_FLIGHT && "the caller goes on without waiting");
    redis_queue_put(&r->refused, c);
    if (r->phase != PHASE_CLOSED)
        wake(r);
}

/* What the caller began to write, at `from`, becomes a command under way, or is taken back. */
static void send_or_refuse(struct redis_node *r, size_t from, struct redis_owed *c)
{
    struct buf *out = redis_link_out(r->link);

    if (out->full) {
        out->n = from;
        out->full = false;
        mem_free(c->tail);
        c->tail = NULL;
        refuse(r, c);
        return;
    }
    c->deadline_ms = now_ms(r) + r->conf.timeout_ms;
    if (r->owed.count == 0)
        start_timer(r, r->conf.timeout_ms);
    redis_queue_put(&r->owed, c);
    r->unwaited = true;
    wake(r);
}

static bool can_send(const struct redis_node *r)
{
    return r->phase == PHASE_UP && r->owed.count < REDIS_IN_FLIGHT;
}

static void put(struct redis_node *r, const struct view *args, size_t count, redis_on_reply *done,
                void *owner)
{
    struct buf *out = redis_link_out(r->link);
    struct redis_owed c = {.done = done, .owner = owner};
    size_t from = out->n;

    redis_words_begin(out, count);
    for (size_t i = 0; i < count; i++)
        redis_words_put(out, args[i]);
    send_or_refuse(r, from, &c);
}

void redis_node_command(struct redis_node *r, const struct view *args, size_t count,
                        redis_on_reply *done, void *owner)
{
    assert(count > 0 && count <= REDIS_ARGS_MAX);
    if (!can_send(r)) {
        refuse(r, &(struct redis_owed){.done = done, .owner = owner});
        return;
    }
    put_check(r);
    put(r, args, count, done, owner);
}

void redis_node_refuse(struct redis_node *r, const char *why, redis_on_reply *done, void *owner)
{
    refuse(r, &(struct redis_owed){.done = done, .owner = owner, .why = why});
}

void redis_node_run(struct redis_node *r, const struct redis_script *s, const struct view *keys,
                    size_t key_count, const struct view *args, size_t arg_count,
                    redis_on_reply *done, void *owner)
{
    struct redis_owed c = {.done = done, .owner = owner, .script = s};
    struct buf *out;
    size_t from;
    size_t tail;
    char number[24];

    c.args = 3 + key_count + arg_count;
    assert(c.args <= REDIS_ARGS_MAX);
    if (!can_send(r)) {
        refuse(r, &c);
        return;
    }
    put_check(r);
    out = redis_link_out(r->link);
    from = out->n;
    redis_words_begin(out, c.args);
    redis_words_put(out, VIEW("EVALSHA"));
    redis_words_put(out, view_of(s->sha));
    tail = out->n;
    snprintf(number, sizeof number, "%zu", key_count);
    redis_words_put(out, view_of(number));
    for (size_t i = 0; i < key_count; i++)
        redis_words_put(out, keys[i]);
    for (size_t i = 0; i < arg_count; i++)
        redis_words_put(out, args[i]);
    c.tail_bytes = out->n - tail;
    c.tail = mem_copy(out->p + tail, c.tail_bytes);
    send_or_refuse(r, from, &c);
}

/* The server does not know the script: the same again with its text, which also teaches it. */
static void run_by_text(struct redis_node *r, struct redis_owed *c)
{
    struct buf *out = redis_link_out(r->link);
    size_t from = out->n;
    char *tail = c->tail;

    redis_words_begin(out, c->args);
    redis_words_put(out, VIEW("EVAL"));
    redis_words_put(out, view_of(c->script->text));
    buf_put(out, (struct view){tail, c->tail_bytes});
    c->script = NULL;
    c->tail = NULL;
    mem_free(tail);
    send_or_refuse(r, from, c);
}

/* ---- replicas ---- */

static void on_waited(void *owner, const struct redis_value *v)
{
    struct redis_node *r = owner;
    char why[128];

    if (v->kind == REDIS_LOST) { /* with the connection; or there was no room for it */
        if (r->phase == PHASE_UP)
            lose(r, "more commands at once than the limits allow");
        return;
    }
    if (v->kind == REDIS_INTEGER && v->integer >= r->conf.replicas) {
        redis_held_give(&r->held);
        return;
    }
    if (v->kind == REDIS_INTEGER)
        snprintf(why, sizeof why, "%d of the %d replicas of redis.replicas have the last writes",
                 (int)v->integer, r->conf.replicas);
    else
        snprintf(why, sizeof why, "WAIT is refused: %.*s", VIEW_ARG(v->text));
    lose(r, why);
}

/* Behind all that was given since the last one. */
static void put_wait(struct redis_node *r)
{
    char replicas[16];
    char limit_ms[24];

    snprintf(replicas, sizeof replicas, "%d", r->conf.replicas);
    snprintf(limit_ms, sizeof limit_ms, "%lld", (long long)(r->conf.timeout_ms / 2));
    put(r, (struct view[]){VIEW("WAIT"), view_of(replicas), view_of(limit_ms)}, 3, on_waited, r);
    r->unwaited = false;
}

static void on_pinged(void *owner, const struct redis_value *v)
{
    (void)owner; /* that a reply came, or none, is all that matters */
    (void)v;
}

/* It changes nothing, so no WAIT is needed for it. */
static void put_ping(struct redis_node *r)
{
    bool unwaited = r->unwaited;

    put(r, (struct view[]){VIEW("PING")}, 1, on_pinged, r);
    r->unwaited = unwaited;
}

/* ---- the durable profile ---- */

static void on_checked(void *owner, const struct redis_value *v)
{
    const struct step *step = owner;
    struct fault f = {0};

    if (v->kind != REDIS_LOST && !redis_greeting_accept(step->which, v, &f))
        lose(step->of, f.text); /* and the next greeting says the same */
}

/* In front of what is given next: after a rest, no write is believed before the answer is. */
static void put_check(struct redis_node *r)
{
    bool unwaited = r->unwaited;

    if (!r->conf.durable || !redis_health_check_due(&r->health, now_ms(r)))
        return;
    for (size_t i = REDIS_GREETING_APPENDONLY; i <= REDIS_GREETING_POLICY; i++) {
        struct redis_greeting_command c;

        if (redis_greeting_command(r->steps[i].which, &r->conf, &c))
            put(r, c.args, c.count, on_checked, &r->steps[i]);
    }
    r->unwaited = unwaited;
}

static void on_turn(uv_idle_t *idle)
{
    struct redis_node *r = idle->data;

    (void)uv_idle_stop(&r->turn);
    if (r->conf.replicas > 0 && r->phase == PHASE_UP && r->unwaited)
        put_wait(r);
    if (r->link != NULL)
        redis_link_flush(r->link);
    for (size_t left = r->refused.count; left > 0 && r->refused.count > 0; left--) {
        struct redis_value lost = {.kind = REDIS_LOST};
        struct redis_owed c = redis_queue_take(&r->refused);

        lost.text =
            view_of(c.why != NULL           ? c.why
                    : r->trouble[0] != '\0' ? r->trouble
                                            : "more commands at once than the limits allow");
        c.done(c.owner, &lost);
    }
}

/* ---- replies ---- */

static void take_reply(void *ctx, const struct redis_value *value)
{
    struct redis_node *r = ctx;
    const struct redis_link *link = r->link;
    struct fault wont = {0};
    struct redis_owed c;

    r->late = false;
    if (r->owed.count == 0) {
        lose(r, "a reply came that nothing asked for");
        return;
    }
    c = redis_queue_take(&r->owed);
    if (c.script != NULL && redis_health_is_code(value, VIEW("NOSCRIPT"))) {
        run_by_text(r, &c);
        return;
    }
    mem_free(c.tail);
    redis_health_mind(&r->health, r->address_text, value, now_ms(r));
    if (redis_health_wont_do(value))
        fault_set(&wont, FAULT_RETRY, "%.*s", VIEW_ARG(value->text));
    if (r->conf.replicas > 0 && r->phase == PHASE_UP && c.done != on_waited &&
        c.done != on_pinged && c.done != on_checked)
        redis_held_put(&r->held, c.done, c.owner, value);
    else
        c.done(c.owner, value);
    if (wont.cls != FAULT_NONE && r->link == link && r->phase == PHASE_UP)
        lose(r, wont.text);
}

/* ---- the greeting of a new connection ---- */

static void on_greeting(void *owner, const struct redis_value *value)
{
    const struct step *step = owner;
    struct redis_node *r = step->of;
    struct fault f = {0};

    if (value->kind == REDIS_LOST)
        return;
    if (!redis_greeting_accept(step->which, value, &f)) {
        lose(r, f.text);
        return;
    }
    if (step->which != REDIS_GREETING_LAST)
        return;
    go(r, PHASE_UP);
    notice_say(r->log, NOTICE_INFO, "redis_node_up", NOTICE_TEXT("address", r->address_text));
    tell_watchers(r, true);
}

static void greet(void *ctx)
{
    struct redis_node *r = ctx;

    go(r, PHASE_GREETING);
    for (size_t i = 0; i < REDIS_GREETING_STEPS; i++) {
        struct redis_greeting_command c;

        if (redis_greeting_command(r->steps[i].which, &r->conf, &c))
            put(r, c.args, c.count, on_greeting, &r->steps[i]);
    }
}
