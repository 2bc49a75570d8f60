#include "tests/fakes/schedule_rig.h"

#include "bridge/core/address_list.h"
#include "bridge/core/mem.h"
#include "bridge/io/crypto.h"
#include "server/scripts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXTS_MAX  (64u << 20)
#define TIMEOUT_MS 20000
#define REPLY_MAX  512
#define BESIDE_MAX                                                                                 \
    64 /* bytes of a list that is a field (effect.lua); one of several slices has more */

static void say(void *ctx, enum notice_level level, const char *event,
                const struct notice_field *fields, size_t count)
{
    (void)ctx;
    if (level < NOTICE_ERROR)
        return;
    fprintf(stderr, "%s", event);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, " %s=%.*s", fields[i].key, VIEW_ARG(fields[i].text));
    fprintf(stderr, "\n");
}

static const struct notice log_of_errors = {NULL, NOTICE_ERROR, say};

/* ---- answers ---- */

/* A copy that holds until the buffer is cleared: it has its whole room from the start. */
static struct view keep(struct schedule_rig *rig, struct view v)
{
    size_t at = rig->texts.n;

    if (v.p == NULL)
        return VIEW_NONE;
    if (!buf_put(&rig->texts, v))
        abort();
    return (struct view){rig->texts.p + at, v.n};
}

static void on_claimed(void *owner, const struct schedule_claimed *c)
{
    struct schedule_rig *rig = owner;

    rig->claimed = *c;
    for (size_t i = 0; i < c->slice_count; i++) {
        struct rig_slice *s = &rig->slices[i];
        struct schedule_message *m = &s->message;

        s->claimed = c->slices[i];
        *m = c->messages[s->claimed.message];
        s->claimed.addresses = keep(rig, s->claimed.addresses);
        m->source = keep(rig, m->source);
        m->sub_type = keep(rig, m->sub_type);
        m->content_type = keep(rig, m->content_type);
        m->body = keep(rig, m->body);
        m->customer = keep(rig, m->customer);
    }
    rig->owed--;
}

static void on_written(void *owner, uint64_t token, enum schedule_state state)
{
    struct schedule_rig *rig = owner;

    (void)token;
    rig->state = state;
    rig->owed--;
}

static void on_granted(void *owner, const struct schedule_grant *g)
{
    struct schedule_rig *rig = owner;

    rig->grant = *g;
    rig->owed--;
}

static void on_recipients(void *owner, const struct schedule_recipients_answer *a)
{
    struct schedule_rig *rig = owner;

    rig->state = a->state;
    memcpy(rig->recipients, a->recipients, a->count * sizeof a->recipients[0]);
    rig->owed--;
}

static void on_outbox(void *owner, const struct schedule_outbox *o)
{
    struct schedule_rig *rig = owner;

    rig->outbox = *o;
    for (size_t i = 0; i < o->count; i++) {
        rig->events[i] = o->events[i];
        rig->events[i].blob = keep(rig, o->events[i].blob);
    }
    rig->owed--;
}

/* ---- life ---- */

void schedule_rig_await(struct schedule_rig *rig)
{
    while (rig->owed > 0)
        uv_run(&rig->loop, UV_RUN_ONCE);
}

void schedule_rig_await_up(struct schedule_rig *rig)
{
    while (!redis_up(rig->redis))
        uv_run(&rig->loop, UV_RUN_ONCE);
}

void schedule_rig_start(struct schedule_rig *rig, const char *const *extra, int replicas)
{
    struct redis_conf conf = {.timeout_ms = TIMEOUT_MS, .replicas = replicas};
    struct redis_schedule_conf of = {
        .retention_ms = SCHEDULE_RIG_KEEP,
        .outbox_max = SCHEDULE_RIG_OUTBOX,
    };
    const struct schedule_answers answers = {.owner = rig,
                                             .claimed = on_claimed,
                                             .written = on_written,
                                             .granted = on_granted,
                                             .recipients = on_recipients,
                                             .outbox = on_outbox};
    struct fault f = {0};

    memset(rig, 0, sizeof *rig);
    redis_server_need();
    crypto_init();
    scripts_init();
    rig->server = redis_server_start(extra);
    uv_loop_init(&rig->loop);
    conf.address = rig->server->address;
    rig->redis = redis_new(&rig->loop, &conf, &log_of_errors, &f);
    assert(rig->redis != NULL);
    for (unsigned i = 0; i < SCHEDULE_RIG_OWNERS; i++) {
        memcpy(of.owner, "owner  ", 8);
        of.owner[6] = (uint8_t)('0' + i);
        rig->schedules[i] = redis_schedule_new(rig->redis, &of, &answers, &log_of_errors);
        rig->ports[i] = redis_schedule_port(rig->schedules[i]);
    }
    buf_init(&rig->texts, TEXTS_MAX);
    (void)buf_room(&rig->texts, TEXTS_MAX);
    rig->cmi.redis = rig->redis;
    rig->cmi.loop = &rig->loop;
    rig->cmi.log = &log_of_errors;
    schedule_rig_await_up(rig);
}

static void on_closed(void *owner)
{
    *(bool *)owner = true;
}

void schedule_rig_stop(struct schedule_rig *rig)
{
    bool closed = false;

    redis_close(rig->redis, on_closed, &closed);
    while (!closed)
        uv_run(&rig->loop, UV_RUN_ONCE);
    for (unsigned i = 0; i < SCHEDULE_RIG_OWNERS; i++)
        redis_schedule_free(rig->schedules[i]);
    uv_loop_close(&rig->loop);
    buf_done(&rig->texts);
    redis_server_stop(rig->server);
}

/* ---- what the server does ---- */

void schedule_rig_new_id(unsigned shard, char id[GUID_TEXT_MAX])
{
    do
        for (size_t i = 0; i < GUID_HEX_LEN; i++)
            id[i] = "0123456789ABCDEF"[(size_t)random() % 16];
    while ((void)(id[GUID_HEX_LEN] = '\0'), shard_of((struct view){id, GUID_HEX_LEN}) != shard);
}

static void on_effect(void *owner, enum effect_outcome outcome, const struct fault *f)
{
    struct schedule_rig *rig = owner;

    (void)f;
    rig->effect = outcome;
    rig->owed--;
}

static void apply(struct schedule_rig *rig, struct effect *e)
{
    rig->owed++;
    effect_apply(e, on_effect, rig);
    schedule_rig_await(rig);
}

static void on_stored(void *owner, const struct redis_value *v)
{
    struct schedule_rig *rig = owner;

    assert(v->kind == REDIS_STATUS);
    rig->owed--;
}

static void slice_of(struct buf *to, size_t from, size_t count, size_t empty)
{
    char address[24];

    address_list_begin(to);
    for (size_t i = 0; i < count; i++) {
        snprintf(address, sizeof address, "+%zu", from + i + 1);
        address_list_add(to, i == empty ? VIEW("") : view_of(address));
    }
    address_list_end(to, count);
}

static size_t size_of(const struct rig_message *m, size_t k)
{
    size_t left = m->count - k * STORE_SLICE_MAX;

    return left < STORE_SLICE_MAX ? left : STORE_SLICE_MAX;
}

/* Stages slices as messages.c does. */
static void stage(struct schedule_rig *rig, const struct rig_message *m, const char *token,
                  size_t slices)
{
    for (size_t k = 0; k < slices; k++) {
        char name[128];
        char key[SHARD_KEY_MAX];
        struct buf b;
        struct view args[] = {VIEW("SET"), VIEW_NONE, VIEW_NONE, VIEW("PX"), VIEW("60000")};

        buf_init(&b, 1u << 20);
        slice_of(&b, k * STORE_SLICE_MAX, size_of(m, k), SCHEDULE_RIG_NOBODY);
        snprintf(name, sizeof name, "%s:%s:%zu", m->id, token, k);
        args[1] = shard_key(shard_of(view_of(m->id)), "t", view_of(name), key);
        args[2] = buf_view(&b);
        rig->owed++;
        redis_command(rig->redis, args, 5, on_stored, rig);
        buf_done(&b);
    }
}

static void write_message(struct schedule_rig *rig, const struct rig_message *m, int64_t version)
{
    static const char token[] = "T";
    size_t slices = (m->count + STORE_SLICE_MAX - 1) / STORE_SLICE_MAX;
    struct exchange x = {.server = &rig->cmi};
    struct effect e;
    struct buf one;

    buf_init(&one, 1u << 20);
    effect_init(&e, &x, m->kind, m->id, version);
    if (version == EFFECT_NEW) {
        effect_int(&e, "kind", m->kind);
        effect_int(&e, "created", 1);
        e.list = m->behind != NULL || m->next != NULL ? EFFECT_LIST_ADD_CHAT : EFFECT_LIST_ADD;
    }
    e.created_ms = 1;
    e.unclaimed = m->kind == STORE_MESSAGE;
    e.due = EFFECT_DUE_AT;
    e.due_ms = m->at_ms;
    effect_int(&e, "st", STORE_LIVE);
    effect_int(&e, "n", (int64_t)m->count);
    effect_int(&e, "C", (int64_t)slices);
    effect_int(&e, "at", m->at_ms);
    effect_int(&e, "mr", m->retries);
    effect_int(&e, "rd", m->retry_delay_s);
    e.behind = version == EFFECT_NEW ? m->behind : NULL;
    if (m->next != NULL)
        effect_text(&e, "nx", view_of(m->next));
    if (m->kind == STORE_MESSAGE) {
        effect_text(&e, "body", VIEW("Hello"));
        effect_text(&e, "src", view_of(m->source));
        effect_text(&e, "sub", view_of(m->sub_type));
        effect_text(&e, "ct", VIEW("text"));
        e.slices = (int64_t)slices;
        if (slices > 1) {
            stage(rig, m, token, slices);
            e.token = token;
        } else {
            slice_of(&one, 0, m->count, SCHEDULE_RIG_NOBODY);
            e.slice = buf_view(&one);
        }
    } else {
        effect_text(&e, "cust", VIEW("+491701"));
        effect_int(&e, "next", m->at_ms);
    }
    apply(rig, &e);
    buf_done(&one);
}

void schedule_rig_post(struct schedule_rig *rig, const struct rig_message *m)
{
    write_message(rig, m, EFFECT_NEW);
}

void schedule_rig_put(struct schedule_rig *rig, const struct rig_message *m, int64_t version)
{
    write_message(rig, m, version);
}

static void end_message(struct schedule_rig *rig, const char *id, int64_t version, bool live)
{
    struct exchange x = {.server = &rig->cmi};
    struct effect e;

    effect_init(&e, &x, STORE_MESSAGE, id, version);
    e.created_ms = 1;
    e.frees = true;
    e.live = live;
    e.due = EFFECT_DUE_NONE;
    e.list = EFFECT_LIST_REMOVE;
    e.purge_ms = 1;
    effect_int(&e, "st", STORE_DELETED);
    effect_int(&e, "purge", 1);
    apply(rig, &e);
}

void schedule_rig_delete(struct schedule_rig *rig, const char *id, int64_t version)
{
    end_message(rig, id, version, false);
}

void schedule_rig_cancel(struct schedule_rig *rig, const char *id, int64_t version)
{
    end_message(rig, id, version, true);
}

void schedule_rig_put_callback(struct schedule_rig *rig, const char *id, int64_t version,
                               int64_t next_ms)
{
    struct exchange x = {.server = &rig->cmi};
    struct effect e;

    effect_init(&e, &x, STORE_CALLBACK, id, version);
    e.created_ms = 1;
    e.frees = true;
    effect_text(&e, "last", next_ms < 0 ? VIEW("SUCCESSFUL") : VIEW("RESCHEDULE"));
    if (next_ms >= 0) {
        e.due = EFFECT_DUE_AT;
        e.due_ms = next_ms;
        effect_int(&e, "st", STORE_LIVE);
        effect_int(&e, "next", next_ms);
        e.told = "called";
    } else {
        e.told = "called-last";
        e.due = EFFECT_DUE_NONE;
        e.list = EFFECT_LIST_REMOVE;
        effect_int(&e, "st", STORE_CLOSED);
        effect_purge(&e, 1);
    }
    apply(rig, &e);
}

/* ---- of the port ---- */

void schedule_rig_claim(struct schedule_rig *rig, unsigned owner, const struct schedule_claim *c)
{
    buf_clear(&rig->texts);
    rig->owed++;
    rig->ports[owner].claim(rig->ports[owner].ctx, c);
    rig->ports[owner].flush(rig->ports[owner].ctx);
    schedule_rig_await(rig);
}

enum schedule_state schedule_rig_write(struct schedule_rig *rig, unsigned owner,
                                       schedule_rig_writer *how, struct schedule_write w)
{
    rig->owed++;
    how(rig->ports[owner].ctx, &w);
    rig->ports[owner].flush(rig->ports[owner].ctx);
    schedule_rig_await(rig);
    return rig->state;
}

enum schedule_state schedule_rig_end_call(struct schedule_rig *rig, unsigned owner,
                                          struct schedule_call_end e)
{
    rig->owed++;
    rig->ports[owner].end_call(rig->ports[owner].ctx, &e);
    schedule_rig_await(rig);
    return rig->state;
}

static void read_outbox(struct schedule_rig *rig, unsigned owner, unsigned shard,
                        const char *const *ids, size_t count)
{
    rig->owed++;
    rig->ports[owner].read_outbox(rig->ports[owner].ctx, shard, ids, count);
    rig->ports[owner].flush(rig->ports[owner].ctx);
    schedule_rig_await(rig);
}

void schedule_rig_read_outbox(struct schedule_rig *rig, unsigned owner, unsigned shard)
{
    buf_clear(&rig->texts);
    read_outbox(rig, owner, shard, NULL, 0);
}

enum schedule_state schedule_rig_sent(struct schedule_rig *rig, unsigned owner, unsigned shard)
{
    static char texts[SCHEDULE_OUTBOX_MAX][SCHEDULE_EVENT_ID_MAX];
    const char *ids[SCHEDULE_OUTBOX_MAX];
    size_t count = rig->outbox.count;

    for (size_t i = 0; i < count; i++) {
        memcpy(texts[i], rig->events[i].id, sizeof texts[i]);
        ids[i] = texts[i];
    }
    read_outbox(rig, owner, shard, ids, count);
    return rig->outbox.state;
}

/* ---- scripts and commands ---- */

struct reply {
    struct schedule_rig *rig;
    char text[REPLY_MAX];
    int64_t integer;
};

static void on_reply(void *owner, const struct redis_value *v)
{
    struct reply *r = owner;

    view_copy(v->text, r->text, sizeof r->text);
    r->integer = v->integer;
    if (v->kind == REDIS_INTEGER)
        snprintf(r->text, sizeof r->text, "%lld", (long long)v->integer);
    if (v->kind == REDIS_ARRAY && v->count > 0) /* fsck's first word */
        view_copy(v->items[0].text, r->text, sizeof r->text);
    r->rig->owed--;
}

const char *schedule_rig_run(struct schedule_rig *rig, unsigned shard,
                             const struct redis_script *script, const struct view *args,
                             size_t count)
{
    static struct reply r;
    char key[SHARD_KEY_MAX];
    struct view keys[] = {shard_key(shard, "", VIEW_NONE, key)};

    r = (struct reply){.rig = rig};
    rig->owed++;
    redis_run(rig->redis, script, keys, 1, args, count, on_reply, &r);
    schedule_rig_await(rig);
    return r.text;
}

static struct reply command(struct schedule_rig *rig, const char *const *words, size_t count)
{
    struct reply r = {.rig = rig};
    struct view args[16];

    assert(count <= 16);
    for (size_t i = 0; i < count; i++)
        args[i] = view_of(words[i]);
    rig->owed++;
    redis_command(rig->redis, args, count, on_reply, &r);
    schedule_rig_await(rig);
    return r;
}

int64_t schedule_rig_integer(struct schedule_rig *rig, const char *const *words, size_t count)
{
    return command(rig, words, count).integer;
}

const char *schedule_rig_text(struct schedule_rig *rig, const char *const *words, size_t count)
{
    static struct reply r;

    r = command(rig, words, count);
    return r.text;
}

/* ---- erasing somebody ---- */

static struct view list_of(const struct rig_message *m, size_t k, size_t empty, struct buf *to)
{
    buf_init(to, 1u << 20);
    slice_of(to, k * STORE_SLICE_MAX, size_of(m, k), empty);
    return buf_view(to);
}

bool schedule_rig_erase(struct schedule_rig *rig, const struct rig_message *m, size_t k, size_t was,
                        size_t empty)
{
    unsigned shard = shard_of(view_of(m->id));
    char name[GUID_TEXT_MAX + 24];
    char texts[3][SHARD_KEY_MAX];
    struct view thing = shard_key(shard, "m", view_of(m->id), texts[0]);
    struct view keys[] = {thing, thing, shard_key(shard, "sh", VIEW_NONE, texts[1])};
    struct buf posted, old, with;
    bool beside =
        list_of(m, k, SCHEDULE_RIG_NOBODY, &posted).n <= BESIDE_MAX && m->count <= STORE_SLICE_MAX;
    struct view args[] = {beside ? VIEW("c0") : VIEW(""), list_of(m, k, was, &old),
                          list_of(m, k, empty, &with)};
    struct reply r = {.rig = rig};

    snprintf(name, sizeof name, "%s:%zu", m->id, k);
    if (!beside)
        keys[0] = shard_key(shard, "c", view_of(name), texts[2]);
    rig->owed++;
    redis_run(rig->redis, script_of(SCRIPT_SWAP), keys, 3, args, 3, on_reply, &r);
    schedule_rig_await(rig);
    buf_done(&posted);
    buf_done(&old);
    buf_done(&with);
    return r.integer == 1;
}
