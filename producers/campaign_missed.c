#include "producers/campaign_missed.h"

#include "bridge/core/address_list.h"
#include "bridge/core/csv.h"
#include "bridge/core/mem.h"
#include "bridge/core/settlement.h"
#include "bridge/core/shard.h"
#include "bridge/core/slice.h"

#include <inttypes.h>
#include <string.h>

#define PART_MAX (64u << 20) /* bytes of one part of a slice: what Redis may reply at most */

enum { ADDRESSES, RECORD, LATE, KEPT, PARTS };

/* What is known of one destination beyond its status. */
struct tried {
    uint8_t attempts;
    struct view reason; /* views into KEPT */
    struct view provider_id;
};

struct parts { /* of one slice */
    struct buf of[PARTS];
    struct tried tried[SLICE_DESTINATIONS_MAX];
    struct buf line;
};

static void on_part(void *ctx, const struct redis_value *v)
{
    struct buf *b = ctx;

    buf_clear(b);
    if (v->kind == REDIS_TEXT)
        buf_put(b, v->text);
}

static bool read_parts(struct store_ask *s, const char *id_hex, int64_t slice, struct parts *p,
                       struct fault *f)
{
    static const char *const names[PARTS] = {"c", "sl", "late", "o"};
    struct view id = view_of(id_hex);
    char number[24];
    char with[GUID_TEXT_MAX + 24];
    char key[SHARD_KEY_MAX];

    snprintf(number, sizeof number, "%" PRId64, slice);
    snprintf(with, sizeof with, "%s:%s", id_hex, number);
    for (size_t i = 0; i < PARTS; i++) {
        bool is_hash = i == RECORD || i == LATE;
        struct view args[3] = {is_hash ? VIEW("HGET") : VIEW("GET"), VIEW_NONE, view_of(number)};

        args[1] = shard_key(shard_of(id), names[i], is_hash ? id : view_of(with), key);
        if (!store_ask(s, args, is_hash ? 3 : 2, on_part, &p->of[i], f))
            return false;
    }
    if (slice == 0 && p->of[ADDRESSES].n == 0) { /* a few lie beside the rest */
        struct view args[3] = {VIEW("HGET"), shard_key(shard_of(id), "m", id, key), VIEW("c0")};

        return store_ask(s, args, 3, on_part, &p->of[ADDRESSES], f);
    }
    return true;
}

static struct view text_of(const struct buf *b)
{
    return (struct view){b->p, b->n};
}

/* false: nobody reads any more, or it can't be written. */
static bool put_line(struct parts *p, FILE *to, struct view address, const char *status,
                     const struct tried *t)
{
    struct buf *line = &p->line;

    buf_clear(line);
    csv_field(line, address);
    buf_printf(line, ",%s,%u,", status, (unsigned)t->attempts);
    csv_field(line, t->reason);
    buf_put_char(line, ',');
    csv_field(line, t->provider_id);
    buf_put_text(line, "\r\n");
    return fwrite(line->p, 1, line->n, to) == line->n;
}

/* The newest of each destination holds; a receipt that says no more than "delivered" adds nothing.
 */
static void take_kept(struct view kept, struct tried tried[SLICE_DESTINATIONS_MAX])
{
    struct settlement one;

    while (settlement_next_kept(&kept, &one)) {
        struct tried *t;

        if (one.index >= SLICE_DESTINATIONS_MAX)
            continue;
        t = &tried[one.index];
        if (one.attempt > t->attempts)
            t->attempts = one.attempt;
        if (one.reason.n > 0)
            t->reason = one.reason;
        if (one.provider_id.n > 0)
            t->provider_id = one.provider_id;
    }
}

/* Gives in *seen how many destinations it has; none where its addresses have gone. */
static bool put_slice(struct parts *p, bool cancelled, FILE *to, int64_t *missed, size_t *seen,
                      struct fault *f)
{
    struct view list = text_of(&p->of[ADDRESSES]);
    struct view address = VIEW_NONE;
    struct slice slice;
    size_t count = 0;

    memset(p->tried, 0, sizeof p->tried);
    *seen = 0;
    if (list.n == 0)
        return true;
    if (!address_list_open(&list, &count) || count == 0 || count > SLICE_DESTINATIONS_MAX ||
        !slice_read(&slice, text_of(&p->of[RECORD]), count))
        return fault_set(f, FAULT_BUG, "what the store has of its destinations is unreadable");
    *seen = count;
    take_kept(text_of(&p->of[KEPT]), p->tried);
    for (size_t i = 0; i < count && address_list_next(&list, &address); i++) {
        enum slice_status status = slice_status(&slice, text_of(&p->of[LATE]), i);
        bool open = status == SLICE_ADDED || status == SLICE_PROCESSING;

        if (status == SLICE_HANDLED)
            continue;
        if (!put_line(p, to, address, cancelled && open ? "CANCELLED" : slice_status_name(status),
                      &p->tried[i]))
            break;
        ++*missed;
    }
    return true;
}

bool campaign_missed(struct store_ask *s, const struct campaign_row *c, FILE *to, int64_t *missed,
                     int64_t *gone, struct fault *f)
{
    struct parts *p = mem_zeroed(1, sizeof *p);
    bool ok = true;
    size_t seen = 0;

    *missed = 0;
    *gone = c->destinations;
    for (size_t i = 0; i < PARTS; i++)
        buf_init(&p->of[i], PART_MAX);
    fputs("address,status,attempts,reason,provider_id\r\n", to);
    buf_init(&p->line, PART_MAX);
    for (int64_t k = 0; ok && !ferror(to) && k < c->slices; k++) {
        ok = read_parts(s, c->id, k, p, f) &&
             put_slice(p, c->state == CAMPAIGN_CANCELLED, to, missed, &seen, f);
        *gone -= (int64_t)seen;
    }
    for (size_t i = 0; i < PARTS; i++)
        buf_done(&p->of[i]);
    buf_done(&p->line);
    mem_free(p);
    return ok;
}
