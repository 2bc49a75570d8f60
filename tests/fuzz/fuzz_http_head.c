/* A reply's head from anyone: what is kept lies within what was given and holds no control byte. */
#include "bridge/io/http_head.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct view next_line(struct view *rest)
{
    const char *end = memchr(rest->p, '\n', rest->n);
    struct view line = {rest->p, end != NULL ? (size_t)(end - rest->p) + 1 : rest->n};

    *rest = view_skip(*rest, line.n);
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = {(const char *)data, size};
    struct http_head h;
    bool accepted = true;

    http_head_init(&h);
    while (accepted && rest.n > 0)
        accepted = http_head_line(&h, next_line(&rest)) == NULL;
    if (accepted) {
        assert(size <= HTTP_HEAD_MAX);
        assert(!h.whole || (h.status >= 200 && h.status <= 599));
        for (unsigned i = 0; i < HTTP_HEAD_VALUES; i++) {
            struct view v = http_head_get(&h, (enum http_head_value)i);

            for (size_t k = 0; k < v.n; k++)
                assert(v.p[k] == '\t' || (unsigned char)v.p[k] >= 0x20);
        }
    }
    http_head_done(&h);
    return 0;
}
