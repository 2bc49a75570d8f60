#include "bridge/io/redis_fsck.h"

#include "bridge/core/mem.h"
#include "bridge/core/shard.h"
#include "bridge/io/redis_schedule_scripts.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#define FAILURES_MAX 3 /* of one check or reading, until it is told and passed over */
#define LOST_MAX     9 /* the same, of no answers though Redis is there: a slot that is stuck */
#define CURSOR_MAX   64
#define SCAN_COUNT   "100" /* members asked for at a time */

/* Where ids stand, and where in a member: "<16 digits>:<id>", "<id>", "<id>/<slice>". Things are
 * counted where they are listed, not where they are pointed to. */
static const struct place {
    const char *name;
    size_t skip;
    bool lists;
    bool paged; /* server/redis/paged.lua: gone through by its last member */
    bool hash;  /* ids are its fields */
} places[] = {
    {.name = "messages", .skip = 17, .lists = true, .paged = true},
    {.name = "callbacks", .skip = 17, .lists = true},
    {.name = "gc", .lists = true},
    {.name = "due"},
    {.name = "dial"},
    {.name = "act"},
    {.name = "lease"},
    {.name = "aside", .hash = true},
    /* Last: of a chat that had no list the first message, above, brings the others here. */
    {.name = "chatmessages", .skip = 17, .lists = true, .paged = true},
};
#define PLACES (sizeof places / sizeof places[0])

struct redis_fsck {
    struct redis *redis;
    struct redis_fsck_conf conf;
    struct redis_fsck_owner owner;
    uv_timer_t timer;
    bool asked;  /* a reply is on its way */
    bool ended;  /* nobody listens any more */
    bool closed; /* the timer is gone */
    unsigned shard;
    size_t place;
    char cursor[CURSOR_MAX]; /* "0": the beginning, or all was read */
    bool read;               /* of this place, since its beginning */
    char (*ids)[GUID_TEXT_MAX];
    size_t count;
    size_t room;
    size_t next;
    unsigned failures; /* of the next one, or of the next reading */
    unsigned losses;
    int64_t checked;
    int64_t found;
    int64_t left;
    char (*told)[GUID_TEXT_MAX]; /* of this shard, in order: what was found to be wrong */
    size_t told_count;
    size_t told_room;
};

static void step(struct redis_fsck *f);

static void free_if_over(struct redis_fsck *f)
{
    if (!f->closed || f->asked)
        return;
    mem_free(f->ids);
    mem_free(f->told);
    mem_free(f);
}

static void on_timer(uv_timer_t *timer)
{
    step(timer->data);
}

static void wait_ms(struct redis_fsck *f, int64_t ms)
{
    (void)uv_timer_start(&f->timer, on_timer, ms > 0 ? (uint64_t)ms : 0, 0);
}

/* Is it to be asked once more? */
static bool tries_again(struct redis_fsck *f, const struct redis_value *v)
{
    if (v->kind == REDIS_LOST ? !redis_up(f->redis) || f->losses++ < LOST_MAX
                              : f->failures++ < FAILURES_MAX)
        return true;
    f->failures = f->losses = 0;
    return false;
}

/* ---- one thing ---- */

/* false: it was told of in this shard already, and stands in several places. */
static bool is_first(struct redis_fsck *f, const char *id)
{
    size_t low = 0;
    size_t high = f->told_count;

    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strcmp(f->told[mid], id);

        if (order == 0)
            return false;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (f->told_count == f->told_room) {
        f->told_room = f->told_room > 0 ? 2 * f->told_room : 64;
        f->told = mem_resize(f->told, f->told_room, sizeof f->told[0]);
    }
    memmove(f->told + low + 1, f->told + low, (f->told_count - low) * sizeof f->told[0]);
    memcpy(f->told[low], id, sizeof f->told[0]);
    f->told_count++;
    return true;
}

static void tell(struct redis_fsck *f, const char *what, struct view word, int64_t count,
                 int64_t left)
{
    f->found += count;
    f->left += left;
    f->owner.found(f->owner.ctx, what, word, count, left);
}

/* As fsck.lua gives it: word, count, left. */
static void tell_all(struct redis_fsck *f, const struct redis_value *v)
{
    if (v->kind == REDIS_ARRAY && v->count == 0)
        return;
    if (!is_first(f, f->ids[f->next]))
        return;
    if (v->kind != REDIS_ARRAY)
        tell(f, f->ids[f->next], VIEW("check-failed"), 1, 1);
    for (size_t i = 0; v->kind == REDIS_ARRAY && i + 2 < v->count && !f->ended; i += 3)
        tell(f, f->ids[f->next], v->items[i].text, v->items[i + 1].integer,
             v->items[i + 2].integer);
}

static void on_checked(void *owner, const struct redis_value *v)
{
    struct redis_fsck *f = owner;

    f->asked = false;
    if (f->ended) {
        free_if_over(f);
        return;
    }
    if (v->kind != REDIS_ARRAY && tries_again(f, v)) {
        wait_ms(f, REDIS_FSCK_RETRY_MS); /* the same one again */
        return;
    }
    f->failures = f->losses = 0;
    if (places[f->place].lists)
        f->checked++;
    tell_all(f, v);
    f->next++;
    if (!f->ended)
        wait_ms(f, f->conf.pace_ms);
}

static void check(struct redis_fsck *f)
{
    char text[SHARD_KEY_MAX];
    const struct view key = shard_key(f->shard, "", VIEW_NONE, text);
    const struct view args[] = {view_of(f->ids[f->next]), f->conf.repair ? VIEW("1") : VIEW("0")};

    f->asked = true;
    redis_run(f->redis, schedule_script(SCHEDULE_SCRIPT_FSCK), &key, 1, args, 2, on_checked, f);
}

/* ---- the next ones ---- */

/* Could not be read: again, and at last the rest of this list is passed over. */
static void on_unread(struct redis_fsck *f, const struct redis_value *v)
{
    char key[SHARD_KEY_MAX];

    if (tries_again(f, v)) {
        wait_ms(f, REDIS_FSCK_RETRY_MS);
        return;
    }
    f->read = true;
    f->count = f->next = 0;
    (void)snprintf(f->cursor, sizeof f->cursor, "0");
    (void)shard_key(f->shard, places[f->place].name, VIEW_NONE, key);
    tell(f, key, VIEW("unreadable"), 1, 1);
    if (!f->ended)
        step(f);
}

static void on_read(struct redis_fsck *f)
{
    f->read = true;
    f->count = f->next = 0;
    f->failures = f->losses = 0;
}

static void take(struct redis_fsck *f, struct view member)
{
    struct view id = view_skip(member, places[f->place].skip);

    if (id.n < GUID_HEX_LEN)
        return; /* no member of ours */
    if (f->count == f->room) {
        f->room = f->room > 0 ? 2 * f->room : 64;
        f->ids = mem_resize(f->ids, f->room, sizeof f->ids[0]);
    }
    id.n = GUID_HEX_LEN;
    view_copy(id, f->ids[f->count++], sizeof f->ids[0]);
}

static void on_members(void *owner, const struct redis_value *v)
{
    struct redis_fsck *f = owner;

    f->asked = false;
    if (f->ended) {
        free_if_over(f);
        return;
    }
    if (v->kind != REDIS_ARRAY || v->count != 2 || v->items[0].text.n >= sizeof f->cursor) {
        on_unread(f, v);
        return;
    }
    on_read(f);
    view_copy(v->items[0].text, f->cursor, sizeof f->cursor);
    for (size_t i = 0; i < v->items[1].count; i += 2)
        take(f, v->items[1].items[i].text);
    step(f);
}

static void on_paged(void *owner, const struct redis_value *v)
{
    struct redis_fsck *f = owner;

    f->asked = false;
    if (f->ended) {
        free_if_over(f);
        return;
    }
    if (v->kind != REDIS_ARRAY ||
        (v->count > 0 && v->items[v->count - 1].text.n >= sizeof f->cursor)) {
        on_unread(f, v);
        return;
    }
    on_read(f);
    view_copy(v->count > 0 ? v->items[v->count - 1].text : VIEW("0"), f->cursor, sizeof f->cursor);
    for (size_t i = 0; i < v->count; i++)
        take(f, v->items[i].text);
    step(f);
}

static void read_paged(struct redis_fsck *f)
{
    char text[SHARD_KEY_MAX];
    const struct view prefix = shard_key(f->shard, "", VIEW_NONE, text);
    const struct view above = f->read ? view_of(f->cursor) : VIEW("");
    const struct view args[] = {view_of(places[f->place].name), above, VIEW(""), VIEW(""),
                                VIEW(SCAN_COUNT)};

    f->asked = true;
    redis_run(f->redis, schedule_script(SCHEDULE_SCRIPT_LISTED), &prefix, 1, args, 5, on_paged, f);
}

static void read_on(struct redis_fsck *f)
{
    char text[SHARD_KEY_MAX];
    const struct view args[] = {places[f->place].hash ? VIEW("HSCAN") : VIEW("ZSCAN"),
                                shard_key(f->shard, places[f->place].name, VIEW_NONE, text),
                                view_of(f->cursor), VIEW("COUNT"), VIEW(SCAN_COUNT)};

    if (places[f->place].paged) {
        read_paged(f);
        return;
    }
    f->asked = true;
    redis_command(f->redis, args, 5, on_members, f);
}

/* false: all was gone through. */
static bool next_place(struct redis_fsck *f)
{
    f->read = false;
    if (++f->place < PLACES)
        return true;
    f->place = 0;
    f->told_count = 0;
    if (++f->shard < SHARD_COUNT)
        return true;
    f->shard = 0;
    return false;
}

static void end_round(struct redis_fsck *f)
{
    int64_t checked = f->checked;
    int64_t found = f->found;
    int64_t left = f->left;

    f->checked = f->found = f->left = 0;
    if (f->conf.rest_ms >= 0)
        wait_ms(f, f->conf.rest_ms);
    f->owner.round(f->owner.ctx, checked, found, left);
}

static void step(struct redis_fsck *f)
{
    if (f->asked || f->ended)
        return;
    if (!redis_up(f->redis)) {
        wait_ms(f, REDIS_FSCK_RETRY_MS);
    } else if (f->next < f->count) {
        check(f);
    } else if (!f->read || strcmp(f->cursor, "0") != 0) {
        read_on(f);
    } else if (next_place(f)) {
        read_on(f);
    } else {
        end_round(f);
    }
}

struct redis_fsck *redis_fsck_new(struct uv_loop_s *loop, struct redis *r,
                                  const struct redis_fsck_conf *conf, struct redis_fsck_owner owner)
{
    struct redis_fsck *f = mem_zeroed(1, sizeof *f);

    f->redis = r;
    f->conf = *conf;
    f->owner = owner;
    (void)snprintf(f->cursor, sizeof f->cursor, "0");
    (void)uv_timer_init(loop, &f->timer); /* never fails */
    f->timer.data = f;
    wait_ms(f, 0);
    return f;
}

static void on_closed(uv_handle_t *handle)
{
    struct redis_fsck *f = handle->data;

    f->closed = true;
    free_if_over(f);
}

void redis_fsck_free(struct redis_fsck *f)
{
    if (f == NULL)
        return;
    f->ended = true;
    uv_close((uv_handle_t *)&f->timer, on_closed);
}
