#include "bridge/core/slice.h"

#include "bridge/core/fault.h"

#include <assert.h>
#include <string.h>

#define FLAG_OPEN     1
#define PUT_OFF_BYTES 10

static bool has(const uint8_t *bitmap, size_t i)
{
    return (bitmap[i / 8] >> (7 - i % 8) & 1) != 0;
}

static void set(uint8_t *bitmap, size_t i)
{
    bitmap[i / 8] |= (uint8_t)(1u << (7 - i % 8));
}

static void unset(uint8_t *bitmap, size_t i)
{
    bitmap[i / 8] &= (uint8_t) ~(1u << (7 - i % 8));
}

static size_t bitmap_bytes(size_t count)
{
    return (count + 7) / 8;
}

/* ---- the record ---- */

static void renew(struct slice *s, size_t count)
{
    memset(s, 0, sizeof *s);
    s->count = (uint16_t)count;
    for (size_t i = 0; i < count; i++)
        set(s->pending, i);
}

static uint16_t read_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static int64_t read_i64(const uint8_t *p)
{
    uint64_t n = 0;

    for (size_t i = 0; i < 8; i++)
        n = n << 8 | p[i];
    return (int64_t)n;
}

static bool take_bitmap(struct view *rest, size_t n, uint8_t *to, size_t count)
{
    if (n > bitmap_bytes(count) || n > rest->n)
        return false;
    if (n > 0)
        memcpy(to, rest->p, n);
    *rest = view_skip(*rest, n);
    /* Bits past the last destination would be counted. */
    return count % 8 == 0 || (to[count / 8] & (0xFF >> count % 8)) == 0;
}

static bool take_put_off(struct view *rest, struct slice *s)
{
    const uint8_t *p = (const uint8_t *)rest->p;
    size_t n;

    if (rest->n == 0)
        return true;
    n = p[0];
    if (n == 0 || n > SLICE_PUT_OFF_MAX || rest->n != 1 + PUT_OFF_BYTES * n)
        return false;
    for (p++; n > 0; n--, p += PUT_OFF_BYTES) {
        size_t i = read_u16(p);

        if (i >= s->count)
            return false;
        if (!has(s->pending, i)) /* a receipt has said how it ended */
            continue;
        s->put_off_at[s->put_off] = (uint16_t)i;
        s->put_off_ms[s->put_off++] = read_i64(p + 2);
    }
    *rest = VIEW_NONE;
    return true;
}

static bool read_record(struct slice *s, struct view record, size_t count)
{
    const uint8_t *p = (const uint8_t *)record.p;
    struct view rest = view_skip(record, SLICE_HEAD_BYTES);

    if (record.n < SLICE_HEAD_BYTES)
        return false;
    memset(s, 0, sizeof *s);
    s->count = (uint16_t)count;
    s->claimed = true;
    s->attempt = p[0];
    s->crashes = p[1];
    s->open = (p[2] & FLAG_OPEN) != 0;
    s->watermark = s->doubt = read_u16(p + 6);
    s->ok = read_u16(p + 8);
    s->dead = read_u16(p + 10);
    s->sequence = (uint32_t)read_u16(p + 14) << 16 | read_u16(p + 16);
    memcpy(s->holder, p + SLICE_HOLDER_AT, SLICE_HOLDER_BYTES);
    return s->watermark <= count && s->ok + s->dead <= (int)count &&
           take_bitmap(&rest, p[3], s->pending, count) &&
           take_bitmap(&rest, p[4], s->settled, count) &&
           take_bitmap(&rest, p[5], s->failed, count) && take_put_off(&rest, s);
}

bool slice_read(struct slice *s, struct view record, size_t count)
{
    assert(count > 0 && count <= SLICE_DESTINATIONS_MAX);
    if (record.n > 0 && read_record(s, record, count))
        return true;
    renew(s, count);
    return record.n == 0;
}

static uint8_t used_bytes(const uint8_t *bitmap)
{
    size_t n = SLICE_BITMAP_BYTES;

    while (n > 0 && bitmap[n - 1] == 0)
        n--;
    return (uint8_t)n;
}

static void put_u16(uint8_t *p, size_t n)
{
    p[0] = (uint8_t)(n >> 8);
    p[1] = (uint8_t)n;
}

static void write_put_off(const struct slice *s, struct buf *to)
{
    uint8_t item[PUT_OFF_BYTES];

    if (s->put_off > 0)
        buf_put_char(to, (char)s->put_off);
    for (size_t i = 0; i < s->put_off; i++) {
        put_u16(item, s->put_off_at[i]);
        for (size_t k = 0; k < 8; k++)
            item[2 + k] = (uint8_t)((uint64_t)s->put_off_ms[i] >> (56 - 8 * k));
        buf_put(to, (struct view){(const char *)item, sizeof item});
    }
}

void slice_write(const struct slice *s, struct buf *to)
{
    uint8_t head[SLICE_HEAD_BYTES] = {s->attempt,
                                      s->crashes,
                                      s->open ? FLAG_OPEN : 0,
                                      used_bytes(s->pending),
                                      used_bytes(s->settled),
                                      used_bytes(s->failed)};

    put_u16(head + 6, s->watermark);
    put_u16(head + 8, s->ok);
    put_u16(head + 10, s->dead);
    put_u16(head + 12, slice_out(s));
    put_u16(head + 14, s->sequence >> 16);
    put_u16(head + 16, s->sequence);
    memcpy(head + SLICE_HOLDER_AT, s->holder, SLICE_HOLDER_BYTES);
    buf_put(to, (struct view){(const char *)head, sizeof head});
    buf_put(to, (struct view){(const char *)s->pending, head[3]});
    buf_put(to, (struct view){(const char *)s->settled, head[4]});
    buf_put(to, (struct view){(const char *)s->failed, head[5]});
    write_put_off(s, to);
}

/* ---- what is shown ---- */

static bool has_late(struct view late, size_t i)
{
    return i / 8 < late.n && has((const uint8_t *)late.p, i);
}

enum slice_status slice_status(const struct slice *s, struct view late, size_t destination)
{
    if (!s->claimed)
        return SLICE_ADDED;
    if (has(s->pending, destination))
        return SLICE_PROCESSING;
    if (has(s->failed, destination) || has_late(late, destination))
        return SLICE_FAILED;
    return SLICE_HANDLED;
}

const char *slice_status_name(enum slice_status s)
{
    static const char *const names[] = {"ADDED", "PROCESSING", "HANDLED", "FAILED"};

    return names[s];
}

size_t slice_ended(const struct slice *s)
{
    return (size_t)s->ok + s->dead;
}

/* ---- the holder's work ---- */

size_t slice_next(const struct slice *s, size_t from)
{
    while (from < s->count && (!has(s->pending, from) || has(s->settled, from)))
        from++;
    return from;
}

static size_t left_below(const struct slice *s, size_t end)
{
    size_t n = 0;

    for (size_t i = 0; i < SLICE_BITMAP_BYTES && 8 * i < end; i++) {
        unsigned byte = (unsigned)s->pending[i] & ~(unsigned)s->settled[i];

        if (end - 8 * i < 8)
            byte &= 0xFF00u >> (end - 8 * i);
        for (byte &= 0xFFu; byte != 0; byte &= byte - 1)
            n++;
    }
    return n;
}

size_t slice_left(const struct slice *s)
{
    return left_below(s, s->count);
}

size_t slice_out(const struct slice *s)
{
    return s->open ? left_below(s, s->watermark) : 0;
}

bool slice_doubtful(const struct slice *s, size_t destination)
{
    return destination < s->doubt;
}

void slice_hand_over(struct slice *s, size_t watermark)
{
    assert(s->open && watermark >= s->watermark && watermark <= s->count);
    s->watermark = (uint16_t)watermark;
}

void slice_take_back(struct slice *s, size_t watermark)
{
    assert(s->open && watermark <= s->watermark);
    s->watermark = (uint16_t)watermark;
    if (s->doubt > watermark)
        s->doubt = (uint16_t)watermark;
}

/* It is tried now, or has ended. */
static void forget_put_off(struct slice *s, size_t destination)
{
    size_t left = 0;

    for (size_t i = 0; i < s->put_off; i++) {
        uint16_t at = s->put_off_at[i];
        int64_t ms = s->put_off_ms[i];

        s->put_off_at[i] = 0;
        s->put_off_ms[i] = 0;
        if (at == destination)
            continue;
        s->put_off_at[left] = at;
        s->put_off_ms[left++] = ms;
    }
    s->put_off = (uint8_t)left;
}

void slice_settle(struct slice *s, size_t destination, enum slice_outcome outcome)
{
    assert(s->open && destination < s->count && has(s->pending, destination) &&
           !has(s->settled, destination));
    set(s->settled, destination);
    forget_put_off(s, destination);
    if (outcome == SLICE_AGAIN)
        return;
    unset(s->pending, destination);
    if (outcome == SLICE_OK) {
        s->ok++;
    } else {
        set(s->failed, destination);
        s->dead++;
    }
}

bool slice_put_off(struct slice *s, size_t destination, int64_t until_ms)
{
    assert(has(s->pending, destination) && has(s->settled, destination));
    if (s->put_off == SLICE_PUT_OFF_MAX)
        return false;
    s->put_off_at[s->put_off] = (uint16_t)destination;
    s->put_off_ms[s->put_off++] = until_ms;
    return true;
}

int64_t slice_put_off_first_ms(const struct slice *s)
{
    int64_t first = INT64_MAX;

    for (size_t i = 0; i < s->put_off; i++)
        if (s->put_off_ms[i] < first)
            first = s->put_off_ms[i];
    return first;
}

void slice_end_pass(struct slice *s)
{
    assert(s->open && slice_left(s) == 0);
    s->open = false;
    s->watermark = s->doubt = 0;
    s->crashes = 0;
    memset(s->settled, 0, sizeof s->settled);
}

void slice_claim(struct slice *s, const uint8_t holder[SLICE_HOLDER_BYTES])
{
    s->claimed = true;
    if (!s->open)
        s->attempt++;
    s->open = true;
    s->doubt = s->watermark;
    memcpy(s->holder, holder, SLICE_HOLDER_BYTES);
}
