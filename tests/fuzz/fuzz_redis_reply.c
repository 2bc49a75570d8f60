/* A Redis server that says anything, cut anywhere: the same replies as when it comes in one piece.
 * The first byte of the input says how it is cut. */
#include "bridge/io/redis_reply.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A sum of all there is in it; every byte of it is touched. */
static uint64_t sum(const struct redis_value *v)
{
    uint64_t s = (uint64_t)v->kind * 31 + (uint64_t)v->integer + v->count;

    for (size_t i = 0; i < v->text.n; i++)
        s = s * 33 + (unsigned char)v->text.p[i];
    for (size_t i = 0; i < v->count; i++)
        s = s * 37 + sum(&v->items[i]);
    return s;
}

static uint64_t read_all(const char *p, size_t n, size_t cut)
{
    struct redis_reply *r = redis_reply_new();
    enum redis_reply_step step = REDIS_REPLY_MORE;
    const struct redis_value *v;
    struct fault f = {0};
    uint64_t s = 0;

    while (n > 0 && step != REDIS_REPLY_BROKEN) {
        size_t piece = n < cut ? n : cut;

        redis_reply_feed(r, p, piece);
        p += piece;
        n -= piece;
        while ((step = redis_reply_next(r, &v, &f)) == REDIS_REPLY_WHOLE)
            s = s * 41 + sum(v) + 1;
    }
    assert((step == REDIS_REPLY_BROKEN) == (f.text[0] != '\0'));
    redis_reply_free(r);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data;

    if (size < 2)
        return 0;
    assert(read_all(p + 1, size - 1, data[0] + 1u) == read_all(p + 1, size - 1, size));
    return 0;
}
