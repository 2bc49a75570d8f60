#include "server/listing.h"

#include "bridge/core/hex.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/core/shard.h"
#include "bridge/io/redis_schedule_scripts.h"
#include "server/page.h"
#include "server/server.h"
#include "server/store.h"

#include <assert.h>
#include <string.h>

struct cursor {
    unsigned shard;
    struct view members[LISTING_PAGE]; /* owned, in order; taken from `next` on */
    size_t count;
    size_t next;
    struct view last; /* owned: the last member read; the next page begins after it */
    bool ended;
    struct listing *listing;
};

struct listing {
    struct exchange *x;
    struct listing_source source;
    int64_t limit; /* -1: none */
    struct view above;
    struct view below;
    struct cursor cursors[SHARD_COUNT];
    struct listing_item items[LISTING_BATCH];
    size_t item_count;
    size_t turn;    /* the item to be put out next */
    size_t waiting; /* replies */
    bool loaded;    /* the batch's first parts are in, or on their way */
    bool ended;     /* no member is left */
    bool failed;
    bool refused; /* it grew too large beside the answers of others, which was answered */
    bool more;
    int64_t shown;
    char last[LISTING_MEMBER_MAX]; /* shown */
    size_t last_n;
    struct buf out;
};

static void step(struct listing *l);

/* ---- life ---- */

static struct view keep(struct view v)
{
    return (struct view){mem_text(v.p, v.n), v.n};
}

static void drop(struct view *v)
{
    mem_free((void *)(uintptr_t)v->p); /* made by keep */
    *v = VIEW_NONE;
}

static void clear_batch(struct listing *l)
{
    for (size_t i = 0; i < l->item_count; i++) {
        if (l->items[i].part != NULL && l->source.free_part != NULL)
            l->source.free_part(&l->items[i]);
        drop(&l->items[i].member);
        buf_done(&l->items[i].text);
    }
    l->item_count = l->turn = 0;
    l->loaded = false;
}

static void listing_free(struct listing *l)
{
    for (size_t s = 0; s < SHARD_COUNT; s++) {
        for (size_t i = l->cursors[s].next; i < l->cursors[s].count; i++)
            drop(&l->cursors[s].members[i]);
        drop(&l->cursors[s].last);
    }
    clear_batch(l);
    drop(&l->above);
    drop(&l->below);
    buf_done(&l->out);
    if (l->source.free_ctx != NULL)
        l->source.free_ctx(l->source.ctx);
    mem_free(l);
}

/* ---- Link ---- */

/* false: answered. */
static bool link_next(struct listing *l)
{
    struct buf token;
    struct buf path;
    bool ok;

    buf_init(&token, 2 * sizeof l->last);
    buf_init(&path, 64);
    hex_put((struct view){l->last, l->last_n}, &token);
    buf_printf(&path, "/%s", l->source.collection);
    ok = page_link(l->x, buf_text(&path), buf_view(&token));
    buf_done(&path);
    buf_done(&token);
    return ok;
}

/* Where the list goes on: `after` moves the bound that it comes from. */
static bool read_after(struct listing *l)
{
    char member[LISTING_MEMBER_MAX];
    bool given = false;
    struct view token = exchange_param(l->x, "after", &given);
    struct view *bound = l->source.descending ? &l->below : &l->above;
    bool bad = given && (token.n == 0 || token.n > 2 * sizeof member ||
                         !hex_read(token, member, token.n / 2));

    if (bad || (given && !l->source.is_member((struct view){member, token.n / 2}))) {
        exchange_error(l->x, 400, "after is no token that a Link header of this list gave");
        return false;
    }
    if (given) {
        struct view at = {member, token.n / 2};

        if (bound->n == 0 || (view_cmp(at, *bound) < 0) == l->source.descending) {
            drop(bound);
            *bound = keep(at);
        }
    }
    return true;
}

bool listing_limit(struct exchange *x, int64_t otherwise, int64_t *limit)
{
    bool given = false;
    struct view value = exchange_param(x, "limit", &given);

    *limit = otherwise;
    if (!given || num_in(value, 1, LISTING_LIMIT_MAX, limit))
        return true;
    exchange_error(x, 400, "limit is a number from 1 to %d", LISTING_LIMIT_MAX);
    return false;
}

/* ---- members ---- */

static void on_members(void *owner, const struct redis_value *v)
{
    struct cursor *c = owner;
    struct listing *l = c->listing;

    l->waiting--;
    if (v->kind != REDIS_ARRAY) {
        if (!l->failed) /* one line for all of them */
            store_log(l->x, v);
        l->failed = true;
        c->ended = true;
    } else {
        assert(v->count <= LISTING_PAGE);
        for (size_t i = 0; i < v->count; i++)
            c->members[i] = keep(v->items[i].text);
        c->next = 0;
        c->count = v->count;
        c->ended = v->count < LISTING_PAGE;
        if (v->count > 0) {
            drop(&c->last);
            c->last = keep(v->items[v->count - 1].text);
        }
    }
    if (l->waiting == 0)
        step(l);
}

static struct view bound(struct view at, const char *open_end, char out[LISTING_MEMBER_MAX + 1])
{
    if (at.p == NULL)
        return view_of(open_end);
    out[0] = '(';
    memcpy(out + 1, at.p, at.n);
    return (struct view){out, at.n + 1};
}

/* The same, of a list that is in pages. */
static void read_paged(struct listing *l, struct cursor *c)
{
    char key[SHARD_KEY_MAX];
    struct view prefix = shard_key(c->shard, "", VIEW_NONE, key);
    bool down = l->source.descending;
    bool goes_on = c->last.p != NULL;
    struct view args[] = {view_of(l->source.zset), goes_on && !down ? c->last : l->above,
                          goes_on && down ? c->last : l->below, down ? VIEW("1") : VIEW(""),
                          VIEW("32")};

    l->waiting++;
    redis_run(l->x->server->redis, schedule_script(SCHEDULE_SCRIPT_LISTED), &prefix, 1, args, 5,
              on_members, c);
}

static void read_page(struct listing *l, struct cursor *c)
{
    char key[SHARD_KEY_MAX];
    char low[LISTING_MEMBER_MAX + 1];
    char high[LISTING_MEMBER_MAX + 1];
    struct view after = c->last;
    bool down = l->source.descending;
    struct view min = bound(!down && after.p != NULL ? after : l->above, "-", low);
    struct view max = bound(down && after.p != NULL ? after : l->below, "+", high);
    struct view args[] = {VIEW("ZRANGE"),   shard_key(c->shard, l->source.zset, VIEW_NONE, key),
                          down ? max : min, down ? min : max,
                          VIEW("BYLEX"),    VIEW("LIMIT"),
                          VIEW("0"),        VIEW("32"),
                          VIEW("REV")};

    _Static_assert(LISTING_PAGE == 32, "the page's size stands in the commands, too");
    if (l->source.paged) {
        read_paged(l, c);
        return;
    }
    l->waiting++;
    redis_command(l->x->server->redis, args, down ? 9 : 8, on_members, c);
}

/* True: the next member is known for every shard that has one. */
static bool members_known(struct listing *l)
{
    bool known = true;

    for (size_t s = 0; s < SHARD_COUNT; s++) {
        struct cursor *c = &l->cursors[s];

        if (c->next == c->count && !c->ended) {
            read_page(l, c);
            known = false;
        }
    }
    return known;
}

static struct cursor *first_cursor(struct listing *l)
{
    struct cursor *first = NULL;

    for (size_t s = 0; s < SHARD_COUNT; s++) {
        struct cursor *c = &l->cursors[s];
        int order = 0;

        if (c->next == c->count)
            continue;
        order = first == NULL ? -1 : view_cmp(c->members[c->next], first->members[first->next]);
        if (first == NULL || (l->source.descending ? order > 0 : order < 0))
            first = c;
    }
    return first;
}

/* ---- things ---- */

static void item_start(struct listing *l, struct view member)
{
    struct listing_item *item = &l->items[l->item_count++];

    item->listing = l;
    item->ctx = l->source.ctx;
    item->member = member;
    item->state = LISTING_WAITS;
    item->part = NULL;
    buf_init(&item->text, SIZE_MAX / 2);
}

/* Loads so many. False: something is on its way, step is called when it is in. */
static bool load(struct listing *l, struct listing_item *items, size_t count)
{
    l->waiting++; /* ours: nothing ends before all have begun */
    for (size_t i = 0; i < count; i++) {
        l->waiting++;
        items[i].state = LISTING_WAITS;
        l->source.load(&items[i]);
    }
    return --l->waiting == 0;
}

void listing_item_done(struct listing_item *item)
{
    if (--item->listing->waiting == 0)
        step(item->listing);
}

void listing_item_failed(struct listing_item *item)
{
    item->listing->failed = true;
    item->state = LISTING_SKIPPED;
    listing_item_done(item);
}

struct exchange *listing_exchange(const struct listing_item *item)
{
    return item->listing->x;
}

/* As many as may be shown, and one to know whether there are more. False: pages are on their way.
 */
static bool gather(struct listing *l)
{
    size_t most = LISTING_BATCH;

    if (l->limit >= 0 && l->limit - l->shown + 1 < (int64_t)most)
        most = (size_t)(l->limit - l->shown + 1);
    while (l->item_count < most && !l->ended) {
        struct cursor *c = NULL;

        if (!members_known(l))
            return false;
        if ((c = first_cursor(l)) != NULL) {
            item_start(l, c->members[c->next]);
            c->members[c->next++] = VIEW_NONE;
        }
        l->ended = c == NULL;
    }
    return true;
}

static void put_out(struct listing *l, struct listing_item *item)
{
    if (item->state != LISTING_SHOWN)
        return;
    if ((l->limit >= 0 && l->shown == l->limit) || l->out.n > LISTING_BYTES_MAX) {
        l->more = true;
        return;
    }
    l->refused = !exchange_holds(l->x, l->out.n + item->text.n);
    if (l->refused)
        return;
    show_join_next(l->x->form, l->shown == 0, &l->out);
    buf_put(&l->out, buf_view(&item->text));
    buf_done(&item->text);
    l->shown++;
    l->last_n = item->member.n;
    memcpy(l->last, item->member.p, item->member.n);
}

static void finish(struct listing *l)
{
    struct exchange *x = l->x;

    if (l->refused) {
        /* it was answered */
    } else if (l->failed) {
        store_unavailable(x);
    } else if (!l->more || link_next(l)) {
        show_join_end(x->form, l->source.collection, &l->out);
        exchange_answer(x, 200, show_media_type(x->form), buf_view(&l->out));
    }
    listing_free(l);
}

/* Puts the batch out in its order. False: the rest of a large item is on its way. */
static bool put_batch(struct listing *l)
{
    for (; l->turn < l->item_count && !l->more && !l->refused; l->turn++) {
        struct listing_item *item = &l->items[l->turn];

        while (item->state == LISTING_PARTLY && !l->refused) {
            l->refused = !exchange_holds(l->x, l->out.n + item->text.n);
            if (!l->refused && !load(l, item, 1))
                return false;
        }
        if (!l->refused)
            put_out(l, item);
    }
    return true;
}

/* Goes on until something has to be waited for. */
static void step(struct listing *l)
{
    while (!l->failed && !l->refused) {
        if (!l->loaded) {
            if (!gather(l))
                return;
            if (l->item_count == 0)
                break;
            l->loaded = true;
            if (!load(l, l->items, l->item_count))
                return;
        }
        if (!put_batch(l))
            return;
        if (l->more || l->ended)
            break;
        clear_batch(l);
    }
    finish(l);
}

void listing_start(struct exchange *x, const struct listing_source *source)
{
    struct listing *l = mem_zeroed(1, sizeof *l);

    l->x = x;
    l->source = *source;
    l->above = source->above.n > 0 ? keep(source->above) : VIEW_NONE;
    l->below = source->below.n > 0 ? keep(source->below) : VIEW_NONE;
    buf_init(&l->out, SIZE_MAX / 2); /* LISTING_BYTES_MAX and one item */
    show_join_begin(x->form, source->collection, &l->out);
    for (unsigned s = 0; s < SHARD_COUNT; s++) {
        l->cursors[s].shard = s;
        l->cursors[s].listing = l;
    }
    if (!listing_limit(x, -1, &l->limit) || !read_after(l)) {
        listing_free(l);
        return;
    }
    step(l);
}
