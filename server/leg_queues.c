#include "server/leg_queues.h"

#define NO_BYTES     UINT32_MAX /* the length that says NULL */
#define LENGTH_BYTES 4

static bool take(struct view *rest, struct view *bytes, bool *null)
{
    uint32_t n = 0;

    if (rest->n < LENGTH_BYTES)
        return false;
    for (int i = 0; i < LENGTH_BYTES; i++)
        n = n << 8 | (uint8_t)rest->p[i];
    *rest = view_skip(*rest, LENGTH_BYTES);
    *null = n == NO_BYTES;
    if (*null)
        n = 0;
    if (rest->n < n)
        return false;
    *bytes = (struct view){rest->p, n};
    *rest = view_skip(*rest, n);
    return true;
}

static bool take_cell(struct view *rest, enum cell_kind kind, struct cell *out)
{
    struct view bytes = VIEW_NONE;
    bool null = false;

    if (!take(rest, &bytes, &null))
        return false;
    *out = null ? cell_null : (struct cell){kind, 0, bytes};
    return true;
}

bool leg_queues_next(struct view *rest, struct leg_queue *one)
{
    struct view stamp = VIEW_NONE;
    bool null = false;

    if (!take(rest, &stamp, &null))
        return false;
    one->stamp = merge_stamp_of(stamp);
    return take_cell(rest, CELL_BLOB, &one->id) && take_cell(rest, CELL_TEXT, &one->name);
}

bool leg_queues_are(struct view stored)
{
    struct leg_queue one;

    while (stored.n > 0)
        if (!leg_queues_next(&stored, &one))
            return false;
    return true;
}

/* A text of the interface has CMI_SCALAR_MAX bytes at most. */
static void put(struct view bytes, bool null, struct buf *to)
{
    uint32_t n = null ? NO_BYTES : (uint32_t)bytes.n;

    for (int i = LENGTH_BYTES; i-- > 0;)
        buf_put_char(to, (char)(n >> 8 * i & 0xff));
    if (!null)
        buf_put(to, bytes);
}

static void put_queue(const struct leg_queue *one, struct buf *to)
{
    put(merge_stamp_view(&one->stamp), false, to);
    put(one->id.bytes, one->id.kind == CELL_NULL, to);
    put(one->name.bytes, one->name.kind == CELL_NULL, to);
}

void leg_queues_add(struct view stored, const struct leg_queue *one, struct buf *to)
{
    struct leg_queue other;
    size_t count = 1;
    bool done = false;

    for (struct view rest = stored; leg_queues_next(&rest, &other); count++)
        if (merge_stamp_cmp(&other.stamp, &one->stamp) == 0) {
            buf_put(to, stored);
            return;
        }
    while (leg_queues_next(&stored, &other)) {
        if (!done && merge_stamp_cmp(&one->stamp, &other.stamp) < 0) {
            if (count-- <= LEG_QUEUES_MAX)
                put_queue(one, to);
            done = true;
        }
        if (count-- <= LEG_QUEUES_MAX)
            put_queue(&other, to);
    }
    if (!done)
        put_queue(one, to);
}
