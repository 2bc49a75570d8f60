#include "bridge/core/msgpack_scan.h"

#include "bridge/core/utf8.h"

#include <inttypes.h>

#define YEAR_1_S    (-INT64_C(62135596800)) /* 0001-01-01T00:00:00Z */
#define YEAR_9999_S INT64_C(253402300799)   /* 9999-12-31T23:59:59Z */

enum what { SCALAR, STRING, ARRAY, MAP, BINARY, FLOAT, DOUBLE, EXTENSION, NEVER };

/* What a first byte announces: `size_bytes` bytes of a count follow, then (an EXTENSION) a type
 * byte, then the payload: of `fixed` bytes, or of as many as the count says. */
struct head {
    enum what what;
    unsigned size_bytes;
    uint64_t count; /* of bytes or items, where size_bytes is 0 */
};

struct level {
    uint64_t left; /* items to come; a map's keys and values count each */
    bool map;
};

struct scan {
    struct view bytes;
    size_t at;
    uint64_t due; /* items declared and not yet begun, over all levels */
    struct level levels[TOKEN_DEPTH_MAX];
    unsigned depth;
};

static struct head head_of(unsigned char c)
{
    static const struct head of_c0[] = {
        [0x00] = {SCALAR, 0, 0},                             /* nil */
        [0x01] = {NEVER, 0, 0},     [0x02] = {SCALAR, 0, 0}, /* false */
        [0x03] = {SCALAR, 0, 0},                             /* true */
        [0x04] = {BINARY, 1, 0},    [0x05] = {BINARY, 2, 0},    [0x06] = {BINARY, 4, 0},
        [0x07] = {EXTENSION, 1, 0}, [0x08] = {EXTENSION, 2, 0}, [0x09] = {EXTENSION, 4, 0},
        [0x0a] = {FLOAT, 0, 4},     [0x0b] = {DOUBLE, 0, 8},    [0x0c] = {SCALAR, 0, 1},
        [0x0d] = {SCALAR, 0, 2},    [0x0e] = {SCALAR, 0, 4},    [0x0f] = {SCALAR, 0, 8},
        [0x10] = {SCALAR, 0, 1},    [0x11] = {SCALAR, 0, 2},    [0x12] = {SCALAR, 0, 4},
        [0x13] = {SCALAR, 0, 8},    [0x14] = {EXTENSION, 0, 1}, [0x15] = {EXTENSION, 0, 2},
        [0x16] = {EXTENSION, 0, 4}, [0x17] = {EXTENSION, 0, 8}, [0x18] = {EXTENSION, 0, 16},
        [0x19] = {STRING, 1, 0},    [0x1a] = {STRING, 2, 0},    [0x1b] = {STRING, 4, 0},
        [0x1c] = {ARRAY, 2, 0},     [0x1d] = {ARRAY, 4, 0},     [0x1e] = {MAP, 2, 0},
        [0x1f] = {MAP, 4, 0},
    };

    if (c <= 0x7f || c >= 0xe0)
        return (struct head){SCALAR, 0, 0};
    if (c <= 0x8f)
        return (struct head){MAP, 0, c & 0x0fU};
    if (c <= 0x9f)
        return (struct head){ARRAY, 0, c & 0x0fU};
    if (c <= 0xbf)
        return (struct head){STRING, 0, c & 0x1fU};
    return of_c0[c - 0xc0];
}

static uint64_t big_endian(struct view v)
{
    uint64_t n = 0;

    for (size_t i = 0; i < v.n; i++)
        n = n << 8 | (unsigned char)v.p[i];
    return n;
}

static bool bad(size_t at, const char *what, struct fault *f)
{
    return fault_set(f, FAULT_REJECT, "malformed MessagePack at byte %zu: %s", at, what);
}

/* The next n bytes; NULL with a fault where there are fewer. */
static const char *take(struct scan *s, uint64_t n, struct fault *f)
{
    const char *taken = s->bytes.p + s->at;

    if (n > s->bytes.n - s->at) {
        (void)fault_set(f, FAULT_REJECT,
                        "malformed MessagePack at byte %zu: %" PRIu64
                        " bytes are declared and %zu are left",
                        s->at, n, s->bytes.n - s->at);
        return NULL;
    }
    s->at += (size_t)n;
    return taken;
}

static bool open_level(struct scan *s, bool map, uint64_t count, size_t at, struct fault *f)
{
    uint64_t items = map ? 2 * count : count;

    if (s->depth == TOKEN_DEPTH_MAX)
        return fault_set(f, FAULT_REJECT,
                         "malformed MessagePack at byte %zu: nested deeper than %d", at,
                         TOKEN_DEPTH_MAX);
    s->due += items;
    if (s->due > s->bytes.n - s->at)
        return fault_set(f, FAULT_REJECT,
                         "malformed MessagePack at byte %zu: %" PRIu64
                         " items are declared and %zu bytes are left",
                         at, s->due, s->bytes.n - s->at);
    s->levels[s->depth++] = (struct level){items, map};
    return true;
}

bool msgpack_timestamp(struct view payload, int64_t *out_ms)
{
    uint64_t head = big_endian((struct view){payload.p, payload.n < 8 ? payload.n : 8});
    uint64_t nanoseconds = 0;
    int64_t seconds;

    switch (payload.n) {
    case 4:
        seconds = (int64_t)head;
        break;
    case 8:
        nanoseconds = head >> 34;
        seconds = (int64_t)(head & 0x3ffffffffU);
        break;
    case 12:
        nanoseconds = head >> 32;
        seconds = (int64_t)((head & 0xffffffffU) << 32 | big_endian(view_skip(payload, 8)));
        break;
    default:
        return false;
    }
    if (nanoseconds > 999999999 || seconds < YEAR_1_S || seconds > YEAR_9999_S)
        return false;
    *out_ms = seconds * 1000 + (int64_t)(nanoseconds / 1000000);
    return true;
}

static bool check_extension(struct scan *s, uint64_t count, size_t at, struct fault *f)
{
    const char *type = take(s, 1, f);
    const char *payload = type != NULL ? take(s, count, f) : NULL;
    int64_t ms;

    if (payload == NULL)
        return false;
    if ((signed char)*type != MSGPACK_TIMESTAMP_TYPE)
        return bad(at, "an extension type; only timestamps (-1) are taken", f);
    return msgpack_timestamp((struct view){payload, (size_t)count}, &ms) ||
           bad(at, "no timestamp within the years 0001 to 9999", f);
}

static bool check_payload(struct scan *s, const struct head *head, size_t at, struct fault *f)
{
    struct view payload = {take(s, head->count, f), (size_t)head->count};

    if (payload.p == NULL)
        return false;
    if (head->what == STRING && !utf8_valid(payload))
        return bad(at, "a string that is not UTF-8", f);
    if (head->what == FLOAT && (big_endian(payload) >> 23 & 0xff) == 0xff)
        return bad(at, "not a number, or infinite", f);
    if (head->what == DOUBLE && (big_endian(payload) >> 52 & 0x7ff) == 0x7ff)
        return bad(at, "not a number, or infinite", f);
    return true;
}

static bool read_head(struct scan *s, struct head *head, struct fault *f)
{
    const char *first = take(s, 1, f);
    const char *count;

    if (first == NULL)
        return false;
    *head = head_of((unsigned char)*first);
    if (head->size_bytes == 0)
        return true;
    count = take(s, head->size_bytes, f);
    if (count == NULL)
        return false;
    head->count = big_endian((struct view){count, head->size_bytes});
    return true;
}

static bool one_item(struct scan *s, struct fault *f)
{
    struct level *level = s->depth > 0 ? &s->levels[s->depth - 1] : NULL;
    bool key = level != NULL && level->map && level->left % 2 == 0;
    size_t at = s->at;
    struct head head;

    if (!read_head(s, &head, f))
        return false;
    if (key && head.what != STRING)
        return bad(at, "a key that is no string", f);
    s->due--;
    if (level != NULL)
        level->left--;
    switch (head.what) {
    case ARRAY:
    case MAP:
        return open_level(s, head.what == MAP, head.count, at, f);
    case EXTENSION:
        return check_extension(s, head.count, at, f);
    case BINARY:
        return bad(at, "binary data; only text is taken", f);
    case NEVER:
        return bad(at, "a byte that begins nothing", f);
    case SCALAR:
    case STRING:
    case FLOAT:
    case DOUBLE:
        break;
    }
    return check_payload(s, &head, at, f);
}

bool msgpack_scan_all(struct view bytes, struct fault *f)
{
    struct scan s = {.bytes = bytes, .due = 1};

    if (bytes.n == 0)
        return fault_set(f, FAULT_REJECT, "malformed MessagePack: there are no bytes");
    while (s.due > 0) {
        if (!one_item(&s, f))
            return false;
        while (s.depth > 0 && s.levels[s.depth - 1].left == 0)
            s.depth--;
    }
    return s.at == bytes.n || bad(s.at, "something follows the value", f);
}
