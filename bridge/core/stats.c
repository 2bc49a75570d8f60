#include "bridge/core/stats.h"

#include "bridge/core/mem.h"
#include "bridge/core/utf8.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define SLOTS 8192 /* of the hash table: a power of two, at least twice STATS_MAX */

_Static_assert(SLOTS >= 2 * STATS_MAX, "the hash table always has free slots");

static const struct {
    int64_t ms;
    const char *seconds;
} bounds[] = {
    {1, "0.001"}, {2, "0.002"}, {5, "0.005"},  {10, "0.01"},  {20, "0.02"},
    {50, "0.05"}, {100, "0.1"}, {200, "0.2"},  {500, "0.5"},  {1000, "1"},
    {2000, "2"},  {5000, "5"},  {10000, "10"}, {20000, "20"}, {60000, "60"},
};

#define BOUNDS (sizeof bounds / sizeof bounds[0])

/* All series of one name. */
struct family {
    char *name;
    const char *help;
    enum stat_kind kind;
    struct stat *first;
    struct stat *last;
    struct family *next;
};

struct stat {
    const struct family *family; /* NULL: the overflow series */
    char *labels;
    struct stat *next; /* of the family */
    int64_t value;     /* histogram: the count */
    bool hidden;       /* until it is set */
    int64_t sum_ms;
    int64_t counts[]; /* histogram: BOUNDS of them, each without those before it */
};

struct stats {
    struct family *first;
    struct family *last;
    size_t series;
    struct stat *slots[SLOTS];
    struct stat *overflow;
    int64_t overflowed;
};

static int64_t sum(int64_t a, int64_t b)
{
    if (b > 0 && a > INT64_MAX - b)
        return INT64_MAX;
    if (b < 0 && a < INT64_MIN - b)
        return INT64_MIN;
    return a + b;
}

struct stats *stats_new(void)
{
    struct stats *s = mem_zeroed(1, sizeof *s);

    s->overflow = mem_zeroed(1, sizeof *s->overflow);
    return s;
}

void stats_free(struct stats *s)
{
    if (s == NULL)
        return;
    for (struct family *f = s->first, *next_family; f != NULL; f = next_family) {
        for (struct stat *st = f->first, *next; st != NULL; st = next) {
            next = st->next;
            mem_free(st->labels);
            mem_free(st);
        }
        next_family = f->next;
        mem_free(f->name);
        mem_free(f);
    }
    mem_free(s->overflow);
    mem_free(s);
}

/* FNV-1a. Names and labels are ours, their values are few: nobody picks them to collide. */
static uint64_t hash(uint64_t h, const char *text)
{
    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return h;
}

/* Where that series is, or the free slot where it would be. */
static struct stat **slot_of(struct stats *s, const char *name, const char *labels)
{
    uint64_t h = hash(hash(UINT64_C(0xcbf29ce484222325), name), labels);
    size_t i = (size_t)(h % SLOTS);

    while (s->slots[i] != NULL && (strcmp(s->slots[i]->family->name, name) != 0 ||
                                   strcmp(s->slots[i]->labels, labels) != 0))
        i = (i + 1) % SLOTS;
    return &s->slots[i];
}

static struct family *family_get(struct stats *s, enum stat_kind kind, const char *name,
                                 const char *help)
{
    struct family *f = s->first;

    while (f != NULL && strcmp(f->name, name) != 0)
        f = f->next;
    if (f != NULL)
        return f;
    f = mem_zeroed(1, sizeof *f);
    f->name = mem_text(name, strlen(name));
    f->help = help;
    f->kind = kind;
    if (s->last != NULL)
        s->last->next = f;
    else
        s->first = f;
    s->last = f;
    return f;
}

static struct stat *series_new(struct family *f, const char *labels)
{
    size_t counts = f->kind == STAT_HISTOGRAM ? BOUNDS : 0;
    struct stat *st = mem_zeroed(1, sizeof *st + counts * sizeof st->counts[0]);

    st->family = f;
    st->labels = mem_text(labels, strlen(labels));
    if (f->last != NULL)
        f->last->next = st;
    else
        f->first = st;
    f->last = st;
    return st;
}

struct stat *stats_get(struct stats *s, enum stat_kind kind, const char *name, const char *labels,
                       const char *help)
{
    struct stat **slot = slot_of(s, name, labels);

    if (*slot == NULL) {
        if (s->series == STATS_MAX || strlen(labels) > STATS_LABELS_MAX) {
            s->overflowed = sum(s->overflowed, 1);
            return s->overflow;
        }
        *slot = series_new(family_get(s, kind, name, help), labels);
        s->series++;
    }
    assert((*slot)->family->kind == kind);
    return *slot;
}

void stat_add(struct stat *st, int64_t n)
{
    if (st->family == NULL)
        return;
    assert(st->family->kind == STAT_GAUGE || (st->family->kind == STAT_COUNTER && n >= 0));
    st->value = sum(st->value, n);
}

void stat_set(struct stat *st, int64_t n)
{
    if (st->family == NULL)
        return;
    assert(st->family->kind == STAT_GAUGE);
    st->value = n;
    st->hidden = false;
}

void stats_hide(struct stats *s, const char *name)
{
    const struct family *f = s->first;

    while (f != NULL && strcmp(f->name, name) != 0)
        f = f->next;
    assert(f == NULL || f->kind == STAT_GAUGE);
    for (struct stat *st = f != NULL ? f->first : NULL; st != NULL; st = st->next)
        st->hidden = true;
}

void stat_observe_ms(struct stat *st, int64_t ms)
{
    if (st->family == NULL)
        return;
    assert(st->family->kind == STAT_HISTOGRAM);
    if (ms < 0)
        ms = 0;
    st->value = sum(st->value, 1);
    st->sum_ms = sum(st->sum_ms, ms);
    for (size_t i = 0; i < BOUNDS; i++)
        if (ms <= bounds[i].ms) {
            st->counts[i]++;
            return;
        }
}

int64_t stat_value(const struct stat *st)
{
    return st->value;
}

static void put_escaped(struct buf *to, struct view value)
{
    while (value.n > 0) {
        size_t n = utf8_first(value);
        char c = value.p[0];

        if (c == '\\' || c == '"')
            (void)buf_printf(to, "\\%c", c);
        else if (c == '\n')
            (void)buf_put_text(to, "\\n");
        else if (n == 0 || (n == 1 && (c < ' ' || c == 0x7f)))
            (void)buf_put_char(to, '?');
        else
            (void)buf_put(to, (struct view){value.p, n});
        value = view_skip(value, n > 0 ? n : 1);
    }
}

void stats_label(struct buf *to, const char *key, struct view value)
{
    size_t before = to->n;

    (void)buf_printf(to, "%s%s=\"", before > 0 ? "," : "", key);
    put_escaped(to, value);
    (void)buf_put_char(to, '"');
    if (to->full)
        to->n = before;
}

/* Name, labels (with one more, "le", where it is given), blank. */
static void put_series(const struct stat *st, const char *suffix, const char *le, struct buf *to)
{
    const char *comma = st->labels[0] != '\0' && le != NULL ? "," : "";

    (void)buf_printf(to, "%s%s", st->family->name, suffix);
    if (le != NULL)
        (void)buf_printf(to, "{%s%sle=\"%s\"}", st->labels, comma, le);
    else if (st->labels[0] != '\0')
        (void)buf_printf(to, "{%s}", st->labels);
    (void)buf_put_char(to, ' ');
}

static void put_histogram(const struct stat *st, struct buf *to)
{
    int64_t below = 0;

    for (size_t i = 0; i < BOUNDS; i++) {
        below += st->counts[i];
        put_series(st, "_bucket", bounds[i].seconds, to);
        (void)buf_printf(to, "%" PRId64 "\n", below);
    }
    put_series(st, "_bucket", "+Inf", to);
    (void)buf_printf(to, "%" PRId64 "\n", st->value);
    put_series(st, "_sum", NULL, to);
    (void)buf_printf(to, "%" PRId64 ".%03" PRId64 "\n", st->sum_ms / 1000, st->sum_ms % 1000);
    put_series(st, "_count", NULL, to);
    (void)buf_printf(to, "%" PRId64 "\n", st->value);
}

static void put_head(const char *name, const char *help, enum stat_kind kind, struct buf *to)
{
    static const char *const kinds[] = {
        [STAT_COUNTER] = "counter", [STAT_GAUGE] = "gauge", [STAT_HISTOGRAM] = "histogram"};

    (void)buf_printf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kinds[kind]);
}

void stats_render(const struct stats *s, struct buf *to)
{
    static const char overflow_name[] = "cmibridge_stats_overflow_total";

    for (const struct family *f = s->first; f != NULL; f = f->next) {
        put_head(f->name, f->help, f->kind, to);
        for (const struct stat *st = f->first; st != NULL; st = st->next) {
            if (f->kind == STAT_HISTOGRAM)
                put_histogram(st, to);
            if (f->kind == STAT_HISTOGRAM || st->hidden)
                continue;
            put_series(st, "", NULL, to);
            (void)buf_printf(to, "%" PRId64 "\n", st->value);
        }
    }
    put_head(overflow_name, "Series asked for beyond the maximum, and not counted.", STAT_COUNTER,
             to);
    (void)buf_printf(to, "%s %" PRId64 "\n", overflow_name, s->overflowed);
}
