#include "bridge/core/merge.h"

#include <assert.h>
#include <string.h>

#define MERGE_NUMBER 1 /* begins no text: no attribute of an event has control characters */

static void put_u64(uint8_t *to, uint64_t n)
{
    for (unsigned i = 0; i < 8; i++)
        to[i] = (uint8_t)(n >> (56 - 8 * i));
}

/* The source only breaks a tie that nothing else does: its hash (FNV-1a) is enough. */
static uint64_t hash_of(struct view v)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < v.n; i++)
        h = (h ^ (uint8_t)v.p[i]) * UINT64_C(1099511628211);
    return h;
}

static void append(struct merge_stamp *s, struct view v)
{
    if (v.n > 0)
        memcpy(s->bytes + s->n, v.p, v.n);
    s->bytes[s->n + v.n] = 0; /* less than any byte of a text: "1" comes before "10" */
    s->n += v.n + 1;
}

/* A number, in whatever base, unless a byte is less than '0'. So that its bytes compare like it,
 * their count stands before them, and it is less than any text. Before this was so, it was stored
 * as a text: what is stored stays the newer one of its moment, also if its event comes again. */
static void append_sequence(struct merge_stamp *s, struct view v)
{
    bool is_number = v.n > 0;

    for (size_t i = 0; i < v.n; i++)
        is_number = is_number && (uint8_t)v.p[i] >= '0';
    if (is_number) {
        while (v.n > 1 && v.p[0] == '0')
            v = view_skip(v, 1);
        s->bytes[s->n++] = MERGE_NUMBER;
        s->bytes[s->n++] = (uint8_t)v.n;
    }
    append(s, v);
}

struct view merge_finer(uint32_t ns, uint8_t out[MERGE_FINER_MAX])
{
    out[0] = 0xff; /* in no UTF-8, and no time of ours is so late */
    out[1] = (uint8_t)(ns >> 16);
    out[2] = (uint8_t)(ns >> 8);
    out[3] = (uint8_t)ns;
    return (struct view){(const char *)out, ns == 0 ? 0 : MERGE_FINER_MAX};
}

bool merge_allows(struct view sequence, struct view id, struct fault *f)
{
    if (sequence.n > MERGE_SEQUENCE_MAX || view_has(sequence, '\0'))
        return fault_set(f, FAULT_REJECT,
                         "sequence has %zu bytes; at most %d are allowed, none of them NUL",
                         sequence.n, MERGE_SEQUENCE_MAX);
    if (id.n > MERGE_ID_MAX || view_has(id, '\0'))
        return fault_set(f, FAULT_REJECT,
                         "id has %zu bytes; at most %d are allowed, none of them NUL", id.n,
                         MERGE_ID_MAX);
    return true;
}

bool merge_stamp(int64_t time_ms, uint32_t ns, struct view sequence, struct view id,
                 struct view source, struct merge_stamp *out, struct fault *f)
{
    struct merge_stamp s;

    if (!merge_allows(sequence, id, f))
        return false;
    put_u64(s.bytes, (uint64_t)time_ms ^ UINT64_C(1) << 63); /* times before 1970 come first */
    s.n = 8 + merge_finer(ns, s.bytes + 8).n;
    append_sequence(&s, sequence);
    append(&s, id);
    put_u64(s.bytes + s.n, hash_of(source));
    s.n += 8;
    *out = s;
    return true;
}

/* The next number of as many bytes: what is added to is the hash, of which no event has that one.
 */
struct merge_stamp merge_stamp_after(const struct merge_stamp *s)
{
    struct merge_stamp next = *s;

    for (size_t i = next.n; i-- > 0 && ++next.bytes[i] == 0;)
        ;
    return next;
}

struct merge_stamp merge_stamp_origin(void)
{
    return (struct merge_stamp){{0}, 0};
}

int64_t merge_stamp_ms(const struct merge_stamp *s)
{
    uint64_t n = 0;

    if (s->n < 8)
        return INT64_MIN;
    for (unsigned i = 0; i < 8; i++)
        n = n << 8 | s->bytes[i];
    return (int64_t)(n ^ UINT64_C(1) << 63);
}

struct view merge_stamp_view(const struct merge_stamp *s)
{
    return (struct view){(const char *)s->bytes, s->n};
}

struct merge_stamp merge_stamp_of(struct view stored)
{
    struct merge_stamp s = merge_stamp_origin();

    s.n = stored.n < MERGE_STAMP_MAX ? stored.n : MERGE_STAMP_MAX;
    if (s.n > 0)
        memcpy(s.bytes, stored.p, s.n);
    return s;
}

int merge_stamp_cmp(const struct merge_stamp *a, const struct merge_stamp *b)
{
    return view_cmp(merge_stamp_view(a), merge_stamp_view(b));
}

void merge_map_init(struct merge_map *m)
{
    m->count = 0;
    memset(m->by, 0, sizeof m->by);
}

const struct merge_stamp *merge_map_get(const struct merge_map *m, unsigned property)
{
    assert(property < MERGE_PROPERTIES);
    return m->by[property] == 0 ? NULL : &m->stamps[m->by[property] - 1];
}

/* The place of the stamp, taken anew from one that sets nothing any more if need be: there are as
 * many places as properties, and the one to be set now does not count. */
static uint8_t place_of(struct merge_map *m, unsigned property, const struct merge_stamp *s)
{
    bool used[MERGE_PROPERTIES] = {false};

    for (size_t i = 0; i < m->count; i++)
        if (merge_stamp_cmp(&m->stamps[i], s) == 0)
            return (uint8_t)(i + 1);
    if (m->count == MERGE_PROPERTIES) {
        size_t free_at = 0;

        for (unsigned p = 0; p < MERGE_PROPERTIES; p++)
            if (p != property && m->by[p] != 0)
                used[m->by[p] - 1] = true;
        while (used[free_at])
            free_at++;
        m->stamps[free_at] = *s;
        return (uint8_t)(free_at + 1);
    }
    m->stamps[m->count] = *s;
    return (uint8_t)++m->count;
}

bool merge_map_newest(struct merge_map *m, unsigned property, const struct merge_stamp *s)
{
    const struct merge_stamp *now = merge_map_get(m, property);

    if (now != NULL && merge_stamp_cmp(s, now) < 0)
        return false;
    m->by[property] = place_of(m, property, s);
    return true;
}

bool merge_map_oldest(struct merge_map *m, unsigned property, const struct merge_stamp *s)
{
    const struct merge_stamp *now = merge_map_get(m, property);

    if (now != NULL && merge_stamp_cmp(s, now) > 0)
        return false;
    m->by[property] = place_of(m, property, s);
    return true;
}

/* Stored: for each stamp in use: its length (two bytes) and bytes, the number of its properties and
 * those. */
void merge_map_write(const struct merge_map *m, struct buf *to)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct merge_stamp *s = &m->stamps[i];
        unsigned char properties[MERGE_PROPERTIES];
        unsigned char n = 0;

        for (unsigned p = 0; p < MERGE_PROPERTIES; p++)
            if (m->by[p] == i + 1)
                properties[n++] = (unsigned char)p;
        if (n == 0)
            continue;
        buf_put_char(to, (char)(s->n >> 8));
        buf_put_char(to, (char)(s->n & 0xff));
        buf_put(to, merge_stamp_view(s));
        buf_put_char(to, (char)n);
        buf_put(to, (struct view){(const char *)properties, n});
    }
}

static bool not_a_map(struct fault *f)
{
    return fault_set(f, FAULT_REJECT, "a stored map of stamps is damaged");
}

static bool take(struct view *v, size_t n, struct view *out)
{
    if (v->n < n)
        return false;
    *out = (struct view){v->p, n};
    *v = view_skip(*v, n);
    return true;
}

bool merge_map_read(struct merge_map *m, struct view stored, struct fault *f)
{
    struct view rest = stored;

    merge_map_init(m);
    while (rest.n > 0) {
        struct view part;
        size_t n;

        if (m->count == MERGE_PROPERTIES || !take(&rest, 2, &part))
            return not_a_map(f);
        n = (size_t)(uint8_t)part.p[0] << 8 | (uint8_t)part.p[1];
        if (n > MERGE_STAMP_MAX || !take(&rest, n, &part))
            return not_a_map(f);
        m->stamps[m->count++] = merge_stamp_of(part);
        if (!take(&rest, 1, &part) || !take(&rest, (uint8_t)part.p[0], &part))
            return not_a_map(f);
        for (size_t i = 0; i < part.n; i++) {
            if ((uint8_t)part.p[i] >= MERGE_PROPERTIES)
                return not_a_map(f);
            m->by[(uint8_t)part.p[i]] = (uint8_t)m->count;
        }
    }
    return true;
}
