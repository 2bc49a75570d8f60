#include "bridge/io/redis_memory.h"

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "bridge/io/crypto.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ARGS_MAX  8
#define MARK_MAX  48 /* of a begin, with the NUL */
#define ERROR_MAX 64

enum what { CALL_FIND, CALL_KEEP, CALL_BEGIN, CALL_END, CALL_FORGET };

/* Only what this process began: somebody else may have begun it since. */
static const char forget_script[] =
    "#!lua flags=allow-oom\n"
    "local is = redis.call('GET', KEYS[1])\n"
    "if is and string.sub(is, 1, #ARGV[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end\n"
    "return 0\n";

struct call {
    struct redis_memory *memory;
    struct call *next; /* in a line, or unused */
    uint64_t token;
    enum what what;
    char mark[MARK_MAX];
    struct buf text; /* all arguments, one after the other */
    size_t ends[ARGS_MAX];
    size_t count;
};

struct line {
    struct call *first;
    struct call *last;
};

struct redis_memory {
    struct redis *redis;
    struct redis_script forget;
    char refs_keep_ms[24];
    char ledger_ms[24];
    char marks[33]; /* what the marks of this process begin with */
    uint64_t marked;
    memory_on_answer *on_answer;
    void *owner;
    struct line again;   /* lost their reply; older than those that wait */
    struct line waiting; /* not sent yet */
    struct call *unused;
    unsigned under_way;
};

/* ---- lines ---- */

static void join(struct line *l, struct call *c)
{
    c->next = NULL;
    if (l->last != NULL)
        l->last->next = c;
    else
        l->first = c;
    l->last = c;
}

static struct call *leave(struct line *l)
{
    struct call *c = l->first;

    if (c == NULL)
        return NULL;
    l->first = c->next;
    if (l->first == NULL)
        l->last = NULL;
    return c;
}

/* ---- calls ---- */

static struct call *new_call(struct redis_memory *m, uint64_t token, enum what what)
{
    struct call *c = m->unused;

    if (c != NULL) {
        m->unused = c->next;
    } else {
        c = mem_zeroed(1, sizeof *c);
        c->memory = m;
        buf_init(&c->text, REDIS_MEMORY_ARG_MAX);
    }
    c->token = token;
    c->what = what;
    c->count = 0;
    buf_clear(&c->text);
    return c;
}

static void end_arg(struct call *c)
{
    c->ends[c->count++] = c->text.n;
}

static void add(struct call *c, const char *front, struct view rest)
{
    buf_put_text(&c->text, front);
    buf_put(&c->text, rest);
    end_arg(c);
}

static void add_text(struct call *c, const char *text)
{
    add(c, text, VIEW_NONE);
}

static void add_reference(struct call *c, struct view resource, struct view ref)
{
    buf_put_text(&c->text, "cmi:ref:");
    buf_put(&c->text, resource);
    add(c, ":", ref);
}

static void on_reply(void *owner, const struct redis_value *v);

static void send(struct call *c)
{
    struct view args[ARGS_MAX];
    size_t start = 0;

    for (size_t i = 0; i < c->count; i++) {
        args[i] = (struct view){c->text.p + start, c->ends[i] - start};
        start = c->ends[i];
    }
    c->memory->under_way++;
    if (c->what == CALL_FORGET)
        redis_run(c->memory->redis, &c->memory->forget, args, 1, args + 1, 1, on_reply, c);
    else
        redis_command(c->memory->redis, args, c->count, on_reply, c);
}

static void send_those_that_can(struct redis_memory *m)
{
    while (redis_up(m->redis) && m->under_way < REDIS_MEMORY_UNDER_WAY) {
        struct call *c = leave(m->again.first != NULL ? &m->again : &m->waiting);

        if (c == NULL)
            return;
        send(c);
    }
}

static struct memory_answer read_begin(const struct call *c, const struct redis_value *v)
{
    struct memory_answer a = {.token = c->token, .state = MEMORY_NONE};

    if (v->kind != REDIS_TEXT || view_is(v->text, c->mark))
        return a;
    a.state = view_starts(v->text, VIEW("e")) ? MEMORY_ENDED : MEMORY_BEGUN;
    if (a.state == MEMORY_ENDED)
        a.value = view_skip(v->text, 1);
    return a;
}

static struct memory_answer read_reply(const struct call *c, const struct redis_value *v)
{
    struct memory_answer a = {.token = c->token, .state = MEMORY_STORED};

    if (c->what == CALL_BEGIN)
        return read_begin(c, v);
    if (c->what == CALL_KEEP && v->kind == REDIS_TEXT)
        a.value = v->text;
    if (c->what == CALL_FIND) {
        a.state = v->kind == REDIS_TEXT ? MEMORY_FOUND : MEMORY_NONE;
        a.value = v->text;
    }
    return a;
}

/* Only the code: what Redis says after it may quote an argument. */
static const char *refusal(const struct redis_value *v, char out[ERROR_MAX])
{
    struct view rest = v->text;
    struct view code = view_cut(&rest, ' ');

    snprintf(out, ERROR_MAX, "Redis refused it: %.*s", (int)(code.n < 32 ? code.n : 32), code.p);
    return out;
}

static void on_reply(void *owner, const struct redis_value *v)
{
    struct call *c = owner;
    struct redis_memory *m = c->memory;
    struct memory_answer a = {.token = c->token, .state = MEMORY_FAILED};
    char error[ERROR_MAX];

    m->under_way--;
    if (v->kind == REDIS_LOST) {
        join(&m->again, c);
        send_those_that_can(m); /* none, but where it was lost for want of room only */
        return;
    }
    if (v->kind == REDIS_ERROR)
        a.error = refusal(v, error);
    else
        a = read_reply(c, v);
    c->next = m->unused;
    m->unused = c;
    if (c->what != CALL_FORGET)
        m->on_answer(m->owner, &a);
    send_those_that_can(m);
}

static void on_change(void *owner, bool is_up)
{
    if (is_up)
        send_those_that_can(owner);
}

/* ---- the port ---- */

static bool up(void *ctx)
{
    const struct redis_memory *m = ctx;

    return redis_up(m->redis);
}

static void submit(struct call *c)
{
    assert(!c->text.full && "names, keys and ids have limits of their own");
    join(&c->memory->waiting, c);
    send_those_that_can(c->memory);
}

static void find(void *ctx, uint64_t token, struct view resource, struct view ref)
{
    struct redis_memory *m = ctx;
    struct call *c = new_call(m, token, CALL_FIND);

    add_text(c, "GETEX");
    add_reference(c, resource, ref);
    add_text(c, "PX");
    add_text(c, m->refs_keep_ms);
    submit(c);
}

static void keep(void *ctx, uint64_t token, struct view resource, struct view ref, struct view id)
{
    struct redis_memory *m = ctx;
    struct call *c = new_call(m, token, CALL_KEEP);

    add_text(c, "SET");
    add_reference(c, resource, ref);
    add(c, "", id);
    add_text(c, "GET");
    add_text(c, "PX");
    add_text(c, m->refs_keep_ms);
    submit(c);
}

static void begin(void *ctx, uint64_t token, struct view key)
{
    struct redis_memory *m = ctx;
    struct call *c = new_call(m, token, CALL_BEGIN);

    snprintf(c->mark, sizeof c->mark, "b%.32s%" PRIx64, m->marks, m->marked++ & 0xffffffffffff);
    add_text(c, "SET");
    add(c, "cmi:led:", key);
    add_text(c, c->mark);
    add_text(c, "NX");
    add_text(c, "GET");
    add_text(c, "PX");
    add_text(c, m->ledger_ms);
    submit(c);
}

static void end(void *ctx, uint64_t token, struct view key, struct view outcome)
{
    struct redis_memory *m = ctx;
    struct call *c = new_call(m, token, CALL_END);

    add_text(c, "SET");
    add(c, "cmi:led:", key);
    add(c, "e", outcome);
    add_text(c, "PX");
    add_text(c, m->ledger_ms);
    submit(c);
}

static void forget(void *ctx, struct view key)
{
    struct redis_memory *m = ctx;
    struct call *c = new_call(m, 0, CALL_FORGET);

    add(c, "cmi:led:", key);
    add(c, "b", view_of(m->marks));
    submit(c);
}

struct memory_port redis_memory_port(struct redis_memory *m)
{
    return (struct memory_port){m, up, find, keep, begin, end, forget};
}

struct redis_memory *redis_memory_new(struct redis *r, int64_t refs_keep_ms,
                                      memory_on_answer *on_answer, void *owner)
{
    struct redis_memory *m = mem_zeroed(1, sizeof *m);
    const struct guid mine = crypto_guid_random();
    char hex[GUID_TEXT_MAX];

    guid_hex(&mine, hex);
    memcpy(m->marks, hex, GUID_HEX_LEN);
    m->redis = r;
    redis_script_init(&m->forget, forget_script);
    m->forget.one_key = true;
    m->on_answer = on_answer;
    m->owner = owner;
    snprintf(m->refs_keep_ms, sizeof m->refs_keep_ms, "%" PRId64, refs_keep_ms);
    snprintf(m->ledger_ms, sizeof m->ledger_ms, "%" PRId64, REDIS_MEMORY_LEDGER_MS);
    redis_watch(r, on_change, m);
    return m;
}

static void free_calls(struct call *c)
{
    while (c != NULL) {
        struct call *next = c->next;

        buf_done(&c->text);
        mem_free(c);
        c = next;
    }
}

void redis_memory_free(struct redis_memory *m)
{
    if (m == NULL)
        return;
    free_calls(m->again.first);
    free_calls(m->waiting.first);
    free_calls(m->unused);
    mem_free(m);
}
