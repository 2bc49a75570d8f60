#include "server/consents_move.h"

#include "bridge/core/buf.h"
#include "bridge/core/cmi_fields.h"
#include "bridge/core/mem.h"
#include "bridge/core/phone.h"
#include "bridge/core/shard.h"
#include "bridge/io/redis_schedule.h"
#include "server/scripts.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#define PAGE       "1000" /* looked at together; Redis answers with those that may be elsewhere */
#define CURSOR_MAX 64
#define USAGE_MAX  16
#define FIELD_MAX  (USAGE_MAX + 1 + PHONE_NORMAL_MAX)

struct consents_move {
    const struct foundation *foundation;
    struct redis *redis;
    uv_timer_t timer;
    unsigned shard;
    char cursor[CURSOR_MAX]; /* of this page; "0": the first */
    char next[CURSOR_MAX];   /* of the one behind it */
    size_t owed;             /* replies, and one while a page is read */
    bool failed;             /* the page comes again */
    bool left;               /* something could not be moved: all is gone through once more */
    bool told;               /* that all is moved, also if nothing was to be */
    bool closed;
    bool ended;
    int64_t moved;
};

/* One consent on its way. */
struct moving {
    struct consents_move *of;
    char usage[USAGE_MAX];
    char field[FIELD_MAX]; /* where it lies */
    size_t field_n;
    char to[FIELD_MAX]; /* where it belongs; empty: it names nobody */
    size_t to_n;
    struct buf stored;
};

static void ask_page(struct consents_move *m);

static void free_if_over(struct consents_move *m)
{
    if (m->closed && m->owed == 0)
        mem_free(m);
}

static void on_timer(uv_timer_t *timer)
{
    struct consents_move *m = timer->data;

    if (m->foundation->sound && redis_up(m->redis))
        ask_page(m);
    else
        uv_timer_start(&m->timer, on_timer, CONSENTS_MOVE_RETRY_MS, 0);
}

static void end_pass(struct consents_move *m)
{
    if (m->moved > 0 || !(m->left || m->told))
        notice_say(m->foundation->server->log, NOTICE_INFO,
                   m->left ? "consents_moved_in_part" : "consents_moved",
                   NOTICE_INT("count", m->moved));
    if (m->left)
        uv_timer_start(&m->timer, on_timer, CONSENTS_MOVE_AGAIN_MS, 0);
    else
        m->told = true;
    m->left = false;
    m->moved = 0;
    m->shard = 0;
}

static void one_less(struct consents_move *m)
{
    if (--m->owed > 0)
        return;
    if (m->ended) {
        free_if_over(m);
    } else if (m->failed) {
        uv_timer_start(&m->timer, on_timer, CONSENTS_MOVE_RETRY_MS, 0);
    } else {
        memcpy(m->cursor, m->next, sizeof m->cursor);
        if (strcmp(m->cursor, "0") != 0 || ++m->shard < SHARD_COUNT)
            ask_page(m);
        else
            end_pass(m);
    }
}

/* ---- one consent ---- */

static void end_moving(struct moving *one)
{
    struct consents_move *m = one->of;

    buf_done(&one->stored);
    mem_free(one);
    one_less(m);
}

/* What Redis refuses, as of a damaged key, must not keep the others where nobody finds them. */
static void fail(struct consents_move *m, const struct redis_value *v)
{
    if (v->kind == REDIS_LOST) {
        m->failed = true;
        return;
    }
    if (!m->left && !m->ended)
        notice_say(m->foundation->server->log, NOTICE_WARN, "consents_move_failed",
                   NOTICE_INT("shard", m->shard),
                   NOTICE_VIEW("error", v->kind == REDIS_ERROR ? v->text : VIEW("no such reply")));
    m->left = true;
}

static void on_taken_away(void *owner, const struct redis_value *v)
{
    struct moving *one = owner;

    if (v->kind == REDIS_TEXT)
        one->of->moved++;
    else
        fail(one->of, v);
    end_moving(one);
}

/* hand: where what is handed over is noted; of the place it leaves nothing is told. */
static void run(struct moving *one, unsigned shard, const char *hand, bool puts,
                redis_on_reply *done)
{
    char texts[3][SHARD_KEY_MAX];
    struct view none = shard_key(shard, "none", VIEW_NONE, texts[2]);
    char out[SHARD_KEY_MAX];
    struct view field = {one->field, one->field_n};
    struct view to = {one->to, one->to_n};
    struct view keys[] = {shard_key(shard, "consent", VIEW_NONE, texts[0]),
                          shard_key(shard, "consents", VIEW_NONE, texts[1]), none,
                          hand != NULL ? view_of(hand) : none,
                          shard_key(shard, "out", VIEW_NONE, out)};
    struct view args[] = {
        puts ? to : field, view_of(one->usage), puts ? buf_view(&one->stored) : VIEW(""),
        VIEW(""),          VIEW("1"),           buf_view(&one->stored),
        puts ? field : to};

    redis_run(one->of->redis, script_of(SCRIPT_CONSENT), keys, 5, args, 7, done, one);
}

static void take_away(struct moving *one)
{
    run(one, one->of->shard, NULL, false, on_taken_away);
}

static void on_put(void *owner, const struct redis_value *v)
{
    struct moving *one = owner;

    if (v->kind == REDIS_TEXT && !one->of->ended) {
        take_away(one);
        return;
    }
    if (v->kind != REDIS_TEXT)
        fail(one->of, v);
    end_moving(one);
}

static void move(struct consents_move *m, struct view field, struct view stored)
{
    struct view address = field;
    struct view usage = view_cut(&address, '_');
    char room[PHONE_NORMAL_MAX];
    char hand[SHARD_KEY_MAX];
    struct view normal = VIEW("");
    struct moving *one;
    struct fault nameless;

    if (usage.n >= USAGE_MAX || field.n > FIELD_MAX || stored.n == 0 ||
        stored.n > CMI_ADDRESS_MAX + 1)
        return; /* none of ours */
    if (phone_normal(address, room, &normal, &nameless) && view_eq(normal, address))
        return; /* a name, which has its line ends and letters */
    one = mem_zeroed(1, sizeof *one);
    one->of = m;
    view_copy(usage, one->usage, sizeof one->usage);
    memcpy(one->field, field.p, field.n);
    one->field_n = field.n;
    buf_init(&one->stored, CMI_ADDRESS_MAX + 1);
    buf_put(&one->stored, stored);
    m->owed++;
    if (normal.n == 0) {
        take_away(one);
        return;
    }
    one->to_n = (size_t)snprintf(one->to, sizeof one->to, "%s_%.*s", one->usage, VIEW_ARG(normal));
    (void)redis_schedule_hand_key(shard_of(normal), (struct view){one->to, one->to_n}, hand);
    run(one, shard_of(normal), hand, true, on_put);
}

/* ---- page after page ---- */

static void on_page(void *owner, const struct redis_value *v)
{
    struct consents_move *m = owner;

    if (v->kind != REDIS_ARRAY || v->count != 2 || v->items[0].text.n >= sizeof m->next ||
        v->items[1].kind != REDIS_ARRAY) {
        fail(m, v);
        snprintf(m->next, sizeof m->next, "0");
        one_less(m);
        return;
    }
    view_copy(v->items[0].text, m->next, sizeof m->next);
    for (size_t i = 0; i + 1 < v->items[1].count && !m->ended; i += 2)
        move(m, v->items[1].items[i].text, v->items[1].items[i + 1].text);
    one_less(m);
}

static void ask_page(struct consents_move *m)
{
    char key[SHARD_KEY_MAX];
    struct view args[] = {VIEW("HSCAN"),
                          shard_key(m->shard, "consent", VIEW_NONE, key),
                          view_of(m->cursor),
                          VIEW("MATCH"),
                          VIEW("*_*[\r\n\x80-\xff]*"),
                          VIEW("COUNT"),
                          VIEW(PAGE)};

    m->failed = false;
    m->owed = 1;
    redis_command(m->redis, args, 7, on_page, m);
}

struct consents_move *consents_move_new(const struct foundation *f)
{
    struct consents_move *m = mem_zeroed(1, sizeof *m);

    m->foundation = f;
    m->redis = f->server->redis;
    snprintf(m->cursor, sizeof m->cursor, "0");
    uv_timer_init(f->server->loop, &m->timer);
    m->timer.data = m;
    uv_timer_start(&m->timer, on_timer, 0, 0);
    return m;
}

static void on_closed(uv_handle_t *handle)
{
    struct consents_move *m = handle->data;

    m->closed = true;
    free_if_over(m);
}

void consents_move_free(struct consents_move *m)
{
    if (m == NULL)
        return;
    m->ended = true;
    uv_close((uv_handle_t *)&m->timer, on_closed);
}
