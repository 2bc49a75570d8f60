#include "bridge/core/slice.h"

static bool bit(struct view bitmap, size_t i)
{
    return i / 8 < bitmap.n && ((unsigned char)bitmap.p[i / 8] >> (7 - i % 8) & 1) != 0;
}

struct slice_state slice_state_of(struct view sl, struct view dead)
{
    return (struct slice_state){
        .claimed = sl.n > 0, .pending = view_skip(sl, SLICE_HEAD_BYTES), .dead = dead};
}

enum slice_status slice_status(const struct slice_state *s, size_t destination)
{
    if (!s->claimed)
        return SLICE_ADDED;
    if (bit(s->pending, destination))
        return SLICE_PROCESSING;
    return bit(s->dead, destination) ? SLICE_FAILED : SLICE_HANDLED;
}

size_t slice_ended(const struct slice_state *s, size_t count)
{
    size_t ended = 0;

    for (size_t i = 0; i < count; i++)
        ended += s->claimed && !bit(s->pending, i);
    return ended;
}

const char *slice_status_name(enum slice_status s)
{
    static const char *const names[] = {"ADDED", "PROCESSING", "HANDLED", "FAILED"};

    return names[s];
}
