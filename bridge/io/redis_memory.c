#include "bridge/io/redis_memory.h"

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define CALL_ARGS_MAX 8
#define CALL_TEXT_MAX 4096 /* bytes of one call's arguments */

struct call {
    struct redis_memory *memory;
    struct call *next; /* waiting, or unused */
    uint64_t token;
    bool is_begin;
    bool is_find;
    struct buf text; /* all arguments, one after the other */
    size_t ends[CALL_ARGS_MAX];
    size_t count;
};

struct redis_memory {
    struct redis *redis;
    char refs_keep_ms[24];
    char ledger_ms[24];
    memory_on_answer *on_answer;
    void *owner;
    struct call *waiting; /* lost their reply: sent again when Redis is back */
    struct call *unused;
};

static void add(struct call *c, const char *front, struct view a, struct view b)
{
    buf_put_text(&c->text, front);
    buf_put(&c->text, a);
    buf_put(&c->text, b);
    c->ends[c->count++] = c->text.n;
}

static void add_text(struct call *c, const char *text)
{
    add(c, text, VIEW_NONE, VIEW_NONE);
}

static struct call *new_call(struct redis_memory *m, uint64_t token)
{
    struct call *c = m->unused;

    if (c != NULL)
        m->unused = c->next;
    else
        c = mem_zeroed(1, sizeof *c);
    if (c->memory == NULL)
        buf_init(&c->text, CALL_TEXT_MAX);
    c->memory = m;
    c->next = NULL;
    c->token = token;
    c->is_begin = c->is_find = false;
    c->count = 0;
    buf_clear(&c->text);
    return c;
}

static void on_reply(void *owner, const struct redis_value *v);

static void send(struct call *c)
{
    struct view args[CALL_ARGS_MAX];
    size_t start = 0;

    for (size_t i = 0; i < c->count; i++) {
        args[i] = (struct view){c->text.p + start, c->ends[i] - start};
        start = c->ends[i];
    }
    redis_command(c->memory->redis, args, c->count, on_reply, c);
}

static struct memory_answer read_reply(const struct call *c, const struct redis_value *v)
{
    struct memory_answer a = {.token = c->token, .state = MEMORY_STORED};

    if (v->kind == REDIS_ERROR) {
        a.state = MEMORY_FAILED;
        a.error = "Redis refused to store it";
    } else if (c->is_find) {
        a.state = v->kind == REDIS_TEXT ? MEMORY_FOUND : MEMORY_NONE;
        a.value = v->text;
    } else if (c->is_begin) {
        bool ended = v->kind == REDIS_TEXT && v->text.n > 0 && v->text.p[0] == 'e';

        a.state = v->kind != REDIS_TEXT ? MEMORY_NONE : ended ? MEMORY_ENDED : MEMORY_BEGUN;
        a.value = ended ? view_skip(v->text, 1) : VIEW_NONE;
    }
    return a;
}

static void on_reply(void *owner, const struct redis_value *v)
{
    struct call *c = owner;
    struct redis_memory *m = c->memory;
    struct memory_answer a;

    if (v->kind == REDIS_LOST) {
        c->next = m->waiting;
        m->waiting = c;
        return;
    }
    a = read_reply(c, v);
    m->on_answer(m->owner, &a);
    c->next = m->unused;
    m->unused = c;
}

static void on_change(void *owner, bool is_up)
{
    struct redis_memory *m = owner;
    struct call *c = m->waiting;

    if (!is_up)
        return;
    m->waiting = NULL;
    while (c != NULL) {
        struct call *next = c->next;

        c->next = NULL;
        send(c);
        c = next;
    }
}

/* ---- the port ---- */

static bool up(void *ctx)
{
    return redis_up(((struct redis_memory *)ctx)->redis);
}

static void put_reference(struct call *c, struct view resource, struct view ref)
{
    add(c, "cmi:ref:", resource, VIEW(":"));
    c->count--; /* the name follows in the same argument */
    add(c, "", ref, VIEW_NONE);
}

/* An argument too long is a defect of the caller: references and ids have limits of their own. */
static void submit(struct call *c)
{
    assert(!c->text.full);
    send(c);
}

static void find(void *ctx, uint64_t token, struct view resource, struct view ref)
{
    struct redis_memory *m = ctx;
    struct call *c = new_call(m, token);

    c->is_find = true;
    add_text(c, "GETEX");
    put_reference(c, resource, ref);
    add_text(c, "PX");
    add_text(c, m->refs_keep_ms);
    submit(c);
}

static void keep(void *ctx, uint64_t token, struct view resource, struct view ref, struct view id)
{
    struct redis_memory *m = ctx;
    struct call *c = new_call(m, token);

    add_text(c, "SET");
    put_reference(c, resource, ref);
    add(c, "", id, VIEW_NONE);
    add_text(c, "PX");
    add_text(c, m->refs_keep_ms);
    submit(c);
}

static void begin(void *ctx, uint64_t token, struct view key)
{
    struct redis_memory *m = ctx;
    struct call *c = new_call(m, token);

    c->is_begin = true;
    add_text(c, "SET");
    add(c, "cmi:led:", key, VIEW_NONE);
    add_text(c, "b");
    add_text(c, "NX");
    add_text(c, "GET");
    add_text(c, "PX");
    add_text(c, m->ledger_ms);
    submit(c);
}

static void end(void *ctx, uint64_t token, struct view key, struct view outcome)
{
    struct redis_memory *m = ctx;
    struct call *c = new_call(m, token);

    add_text(c, "SET");
    add(c, "cmi:led:", key, VIEW_NONE);
    add(c, "e", outcome, VIEW_NONE);
    add_text(c, "PX");
    add_text(c, m->ledger_ms);
    submit(c);
}

struct memory_port redis_memory_port(struct redis_memory *m)
{
    return (struct memory_port){m, up, find, keep, begin, end};
}

struct redis_memory *redis_memory_new(struct redis *r, int64_t refs_keep_ms,
                                      memory_on_answer *on_answer, void *owner)
{
    struct redis_memory *m = mem_zeroed(1, sizeof *m);

    m->redis = r;
    m->on_answer = on_answer;
    m->owner = owner;
    (void)snprintf(m->refs_keep_ms, sizeof m->refs_keep_ms, "%" PRId64, refs_keep_ms);
    (void)snprintf(m->ledger_ms, sizeof m->ledger_ms, "%" PRId64, REDIS_MEMORY_LEDGER_MS);
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
    free_calls(m->waiting);
    free_calls(m->unused);
    mem_free(m);
}
