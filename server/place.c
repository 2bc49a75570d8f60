#include "server/place.h"

#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "server/row.h"
#include "server/sqlite.h"
#include "server/text_index.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LABELS        (INT64_C(1) << PLACE_BITS)
#define APART         32 /* labels to the first or last of a time: for those that come out of order */
#define WINDOW        4 /* bytes of ids that are compared as a number */
#define STATEMENT_MAX 256

static_assert(PLACE_MS_MAX == (INT64_MAX >> PLACE_BITS) - 1, "a place has room for its time");

/* ---- between which two ---- */

/* A thing beside the one that is looked for, or the end of the time's labels. */
struct side {
    int64_t place;
    bool end;
    struct guid id; /* at an end, beyond which no id is */
};

struct gap {
    struct side below; /* ids that are greater */
    struct side above;
};

/* The first or last thing of those places; its id is compared. */
static bool at(struct sqlite *db, const char *table, const char *order, int64_t from, int64_t to,
               struct side *out)
{
    char sql[STATEMENT_MAX];
    struct sqlite_query q;
    bool found;

    snprintf(sql, sizeof sql,
             "SELECT row, id FROM %s WHERE row >= ? AND row < ? ORDER BY row %s LIMIT 1", table,
             order);
    q = sqlite_query(db, sql);
    sqlite_bind_int(&q, from);
    sqlite_bind_int(&q, to);
    found = sqlite_row(&q) && sqlite_guid(&q, 1, &out->id);
    if (found)
        out->place = sqlite_int(&q, 0);
    out->end = false;
    sqlite_end(&q);
    return found;
}

static bool is_greater(const struct guid *a, const struct guid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) > 0;
}

static int64_t window(const struct guid *id, size_t from)
{
    int64_t n = 0;

    for (size_t i = from; i < from + WINDOW; i++)
        n = n << 8 | (i < sizeof id->bytes ? id->bytes[i] : 0);
    return n;
}

/* The label between the two that is to theirs as the id is to theirs. There is one. */
static int64_t between(const struct gap *g, const struct guid *id)
{
    const int64_t room = g->above.place - g->below.place;
    int64_t least = 1;
    int64_t most = room - 1;
    int64_t label = room / 2;
    size_t i = 0;

    while (i < sizeof id->bytes && g->below.id.bytes[i] == g->above.id.bytes[i])
        i++;
    if (is_greater(&g->below.id, &g->above.id))
        label = room * (window(&g->below.id, i) - window(id, i)) /
                (window(&g->below.id, i) - window(&g->above.id, i));
    if (g->above.end && !g->below.end)
        least = room / 2 < APART ? room / 2 : APART;
    if (g->below.end && !g->above.end)
        most = room - (room / 2 < APART ? room / 2 : APART);
    label = label < least ? least : label;
    return g->below.place + (label > most ? most : label);
}

/* Halves the labels that are between what is known to be below and what is known to be above. */
static struct gap gap_of(struct sqlite *db, const char *table, int64_t ms, const struct guid *id)
{
    const int64_t base = ms << PLACE_BITS;
    struct gap g = {{base - 1, true, {{0}}}, {base + LABELS, true, {{0}}}};
    struct side next = {0};
    int64_t middle;

    memset(g.below.id.bytes, 0xff, sizeof g.below.id.bytes);
    middle = between(&g, id);
    while (g.above.place - g.below.place > 1) {
        bool found = at(db, table, "ASC", middle, g.above.place, &next);

        if (found && is_greater(&next.id, id)) {
            g.below = next;
        } else {
            if (found)
                g.above = next;
            if (!at(db, table, "DESC", g.below.place + 1, middle, &next))
                break;
            if (is_greater(&next.id, id)) {
                g.below = next;
                break;
            }
            g.above = next;
        }
        middle = g.below.place + (g.above.place - g.below.place) / 2;
    }
    return g;
}

/* ---- room between two that have none ---- */

/* Places to be laid out anew: those from `from` on, so many, over as many labels from `to` on. */
struct spread {
    int64_t from;
    int64_t from_size;
    int64_t to;
    int64_t to_size;
    int64_t gap; /* the place above which one more is to fit in; INT64_MAX: none */
};

static int64_t count(struct sqlite *db, const struct row_table *table, int64_t from, int64_t size)
{
    char sql[STATEMENT_MAX];
    struct sqlite_query q;
    int64_t n = 0;

    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s WHERE row >= ? AND row < ?", table->name);
    q = sqlite_query(db, sql);
    sqlite_bind_int(&q, from);
    sqlite_bind_int(&q, from + size);
    if (sqlite_row(&q))
        n = sqlite_int(&q, 0);
    sqlite_end(&q);
    return n;
}

static void move(struct sqlite *db, const struct row_table *table, int64_t from, int64_t to)
{
    const struct row_texts *w = NULL;
    char sql[STATEMENT_MAX];
    struct sqlite_query q;

    for (w = table->texts; w != NULL && w->index != NULL; w++)
        text_index_remove(db, w->index, from);
    snprintf(sql, sizeof sql, "UPDATE %s SET row = ? WHERE row = ?", table->name);
    q = sqlite_query(db, sql);
    sqlite_bind_int(&q, to);
    sqlite_bind_int(&q, from);
    sqlite_run(&q);
    for (w = table->texts; w != NULL && w->index != NULL; w++)
        text_index_add(db, w->index, to);
}

static size_t rows_of(struct sqlite *db, const struct row_table *table, const struct spread *s,
                      int64_t *rows, size_t max)
{
    char sql[STATEMENT_MAX];
    struct sqlite_query q;
    size_t n = 0;

    snprintf(sql, sizeof sql, "SELECT row FROM %s WHERE row >= ? AND row < ? ORDER BY row",
             table->name);
    q = sqlite_query(db, sql);
    sqlite_bind_int(&q, s->from);
    sqlite_bind_int(&q, s->from + s->from_size);
    while (n < max && sqlite_row(&q))
        rows[n++] = sqlite_int(&q, 0);
    sqlite_end(&q);
    return n;
}

/* Those that go down first, from the lowest on, then those that go up, from the highest on: so each
 * finds its place free. */
static void lay_out(struct sqlite *db, const struct row_table *table, const struct spread *s,
                    size_t n)
{
    int64_t *rows = mem_zeroed(n + 1, sizeof *rows);
    int64_t *places = mem_zeroed(n + 1, sizeof *places);
    int64_t slots;

    n = rows_of(db, table, s, rows, n);
    slots = 2 * ((int64_t)n + (s->gap != INT64_MAX));
    for (size_t i = 0; i < n; i++)
        places[i] = s->to + (2 * ((int64_t)i + (rows[i] > s->gap)) + 1) * s->to_size / slots;
    for (size_t i = 0; i < n; i++)
        if (places[i] < rows[i])
            move(db, table, rows[i], places[i]);
    for (size_t i = n; i-- > 0;)
        if (places[i] > rows[i])
            move(db, table, rows[i], places[i]);
    mem_free(places);
    mem_free(rows);
}

/* May 2^bits labels hold so many? At most their root, so that a move makes room for many to come;
 * where all are too many for that, the power of 3/4, of 7/8. */
static bool holds(int bits, int64_t n, int rank)
{
    int needed = 0;

    while (INT64_C(1) << needed < n)
        needed++;
    return needed << rank <= bits * ((1 << rank) - 1);
}

/* The least labels around the gap that may hold one more: as an ordered list's labels are kept
 * (Bender and others, "Two Simplified Algorithms for Maintaining Order in a List"). */
static bool spread_around(struct sqlite *db, const struct row_table *table, int64_t below, int rank)
{
    for (int bits = 2; bits <= PLACE_BITS; bits++) {
        const int64_t size = INT64_C(1) << bits;
        const int64_t from = below & -size;
        const int64_t n = count(db, table, from, size);

        if (holds(bits, n + 1, rank)) {
            lay_out(db, table, &(struct spread){from, size, from, size, below}, (size_t)n);
            return true;
        }
    }
    return false;
}

/* false: refused. */
static bool make_room(struct sqlite *db, const struct row_table *table, int64_t ms,
                      const struct gap *g)
{
    const int64_t base = ms << PLACE_BITS;
    const int64_t n = count(db, table, base, LABELS);

    if (n >= PLACE_SAME_MAX) {
        sqlite_refuse(db, "the history has as many things of this millisecond as it can hold");
        return false;
    }
    if (g->below.end || g->above.end) { /* where one came, others may: room at both ends */
        lay_out(db, table, &(struct spread){base, LABELS, base + LABELS / 4, LABELS / 2, INT64_MAX},
                (size_t)n);
        return true;
    }
    for (int rank = 1; rank <= 3; rank++)
        if (spread_around(db, table, g->below.place, rank))
            return true;
    lay_out(db, table, &(struct spread){base, LABELS, base, LABELS, g->below.place}, (size_t)n);
    return true;
}

int64_t place_take(struct sqlite *db, const struct row_table *table, int64_t ms,
                   const struct guid *id)
{
    struct gap g = gap_of(db, table->name, ms, id);

    if (g.above.place - g.below.place == 1) {
        if (!make_room(db, table, ms, &g))
            return 0;
        g = gap_of(db, table->name, ms, id);
    }
    return between(&g, id);
}

static int64_t hidden_now(void)
{
    struct timespec now = {0, 0};

    clock_gettime(CLOCK_REALTIME, &now);
    return -(((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000) * LABELS);
}

int64_t place_take_hidden(struct sqlite *db, const struct row_table *table)
{
    int64_t lowest = hidden_now() + 1;
    char sql[STATEMENT_MAX];
    struct sqlite_query q;

    snprintf(sql, sizeof sql, "SELECT row FROM %s WHERE row < 0 ORDER BY row LIMIT 1", table->name);
    q = sqlite_query(db, sql);
    if (sqlite_row(&q) && sqlite_int(&q, 0) < lowest)
        lowest = sqlite_int(&q, 0);
    sqlite_end(&q);
    return lowest - 1;
}

int64_t place_hidden_ms(int64_t place)
{
    return -place >> PLACE_BITS;
}

int64_t place_ms(int64_t place)
{
    return place >> PLACE_BITS;
}

int64_t place_after(int64_t ms)
{
    if (ms < 0)
        return -1;
    return ms > PLACE_MS_MAX ? INT64_MAX : (ms << PLACE_BITS) + LABELS - 1;
}

int64_t place_before(int64_t ms)
{
    if (ms < 0)
        return 0;
    return ms > PLACE_MS_MAX ? INT64_MAX : ms << PLACE_BITS;
}

/* ---- marks ---- */

static bool read_place(struct view text, int64_t *out)
{
    return num_in(text, 0, INT64_MAX, out) && (text.n == 1 || text.p[0] != '0');
}

bool place_mark_read(struct view text, struct place_mark *out)
{
    struct view rest = text;

    out->has_id = view_has(text, '-');
    if (!read_place(view_cut(&rest, '-'), &out->place))
        return false;
    return !out->has_id || (rest.n == GUID_HEX_LEN && guid_parse(rest, &out->id) &&
                            place_ms(out->place) <= PLACE_MS_MAX);
}

void place_mark_put(const struct place_mark *m, struct buf *to)
{
    char hex[GUID_TEXT_MAX];

    buf_put_int(to, m->place);
    if (!m->has_id)
        return;
    guid_hex(&m->id, hex);
    buf_printf(to, "-%s", hex);
}

struct place_gap place_mark_find(struct sqlite *db, const char *table, const struct place_mark *m)
{
    struct place_gap gap = {m->place, m->place};
    struct gap g;

    if (!m->has_id)
        return gap;
    g = gap_of(db, table, place_ms(m->place), &m->id);
    gap.above = g.above.place;
    gap.below = !g.above.end && guid_eq(&g.above.id, &m->id) ? g.above.place : g.below.place;
    return gap;
}
