#include "bridge/core/traceparent.h"

#include "bridge/core/ascii.h"
#include "bridge/core/hex.h"

#include <string.h>

#define TEXT_LEN    55   /* of version 00; a later one may go on after a '-' */
#define FLAGS_KNOWN 0x03 /* sampled, and random-trace-id (level 2), which must be kept */

/* Reads 2 · n digits at text.p + at; capitals are none (W3C). */
static bool read_hex(struct view text, size_t at, uint8_t *out, size_t n)
{
    struct view digits = {text.p + at, 2 * n};

    for (size_t i = 0; i < digits.n; i++)
        if (digits.p[i] != ascii_lower(digits.p[i]))
            return false;
    return hex_read(digits, out, n);
}

static bool zeros(const uint8_t *p, size_t n)
{
    while (n > 0 && p[n - 1] == 0)
        n--;
    return n == 0;
}

/* "00-" 32 digits "-" 16 digits "-" 2 digits */
bool traceparent_parse(struct view text, struct traceparent *out)
{
    struct traceparent t;
    uint8_t version;

    if (text.n < TEXT_LEN || text.p[2] != '-' || text.p[35] != '-' || text.p[52] != '-' ||
        !read_hex(text, 0, &version, 1) || !read_hex(text, 3, t.trace_id, sizeof t.trace_id) ||
        !read_hex(text, 36, t.span_id, sizeof t.span_id) || !read_hex(text, 53, &t.flags, 1))
        return false;
    if (version == 0xff || (version == 0 && text.n > TEXT_LEN) ||
        (text.n > TEXT_LEN && text.p[TEXT_LEN] != '-'))
        return false;
    if (zeros(t.trace_id, sizeof t.trace_id) || zeros(t.span_id, sizeof t.span_id))
        return false;
    *out = t;
    return true;
}

static char *put_hex(char *to, const uint8_t *bytes, size_t n, char end)
{
    hex_write(bytes, n, to);
    to[2 * n] = end;
    return to + 2 * n + 1;
}

void traceparent_format(const struct traceparent *t, char out[TRACEPARENT_TEXT_MAX])
{
    static const uint8_t version = 0;

    out = put_hex(out, &version, 1, '-');
    out = put_hex(out, t->trace_id, sizeof t->trace_id, '-');
    out = put_hex(out, t->span_id, sizeof t->span_id, '-');
    (void)put_hex(out, &t->flags, 1, '\0');
}

struct traceparent traceparent_child(const struct traceparent *parent, const uint8_t random[8])
{
    struct traceparent child = *parent;

    memcpy(child.span_id, random, sizeof child.span_id);
    if (zeros(child.span_id, sizeof child.span_id))
        child.span_id[0] = 1; /* zeros would be no id */
    child.flags &= FLAGS_KNOWN;
    return child;
}

bool traceparent_state_valid(struct view state)
{
    for (size_t i = 0; i < state.n; i++)
        if (state.p[i] < ' ' || state.p[i] > '~')
            return false;
    return state.n > 0 && state.n <= TRACEPARENT_STATE_MAX;
}
