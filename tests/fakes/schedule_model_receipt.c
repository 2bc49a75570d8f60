/* Receipts, of the store and of its model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/redis_schedule_scripts.h"
#include "tests/fakes/schedule_model_in.h"

#include <string.h>

enum said { LATE, PART, DELIVERED };

/* By which a receipt is known when it comes again. */
static uint8_t *map_of(struct model_slice *s, size_t i, enum said said)
{
    if (said == DELIVERED)
        return s->delivered;
    return said == LATE && model_has(s->delivered, i) && !model_has(s->late, i) ? s->copies
                                                                                : s->late;
}

static void hear_delivered(struct schedule_model *m, struct model_thing *t, struct model_slice *s,
                           size_t i)
{
    s->delivered[i / 8] |= (uint8_t)(128u >> i % 8);
    model_heard(m, t, s, &s->is, i);
    if (slice_ended(&s->is) < s->is.count)
        return;
    s->waits = false;
    if (s->is.open)
        slice_end_pass(&s->is);
    model_complete(m, t);
}

static const char *expected(struct schedule_model *m, struct model_thing *t, unsigned k, size_t i,
                            enum said said)
{
    struct model_slice *s = &t->slice[k];
    uint8_t *map = NULL;
    bool pending, out, counts;

    if (t->of.kind == STORE_CALLBACK || !s->is.claimed || i >= model_size(t, k))
        return "gone";
    map = map_of(s, i, said);
    pending = model_has(s->is.pending, i);
    out = pending && s->is.open && i < s->is.watermark && !model_has(s->is.settled, i);
    counts = pending && !out && said == DELIVERED && t->st == STORE_LIVE &&
             (!s->is.open || s->is.attempt > 1 || model_has(s->is.settled, i));
    if (counts && !s->leased) {
        hear_delivered(m, t, s, i);
        return "done";
    }
    if (model_has(map, i) || (said != DELIVERED && model_has(s->is.failed, i)))
        return "again";
    if (pending && !out && !counts)
        return "open";
    if (map == s->late && !pending) {
        t->ok--;
        t->dead++;
    }
    model_flip(map, i);
    return pending && map != s->copies ? "early" : "done";
}

void model_receipt(struct schedule_model *m)
{
    static const struct {
        enum said said;
        const char *word;
    } all[] = {{LATE, "late"}, {PART, "part"}, {DELIVERED, "delivered"}};
    size_t which = model_pick(sizeof all / sizeof all[0]);
    struct model_thing *t = &m->things[model_pick(MODEL_THINGS)];
    enum said said = all[which].said;
    struct settlement one = {.state = said == DELIVERED ? SETTLEMENT_DELIVERED : SETTLEMENT_LATE};
    char slice[24];
    char index[24];
    struct buf kept;
    struct buf event;
    struct view args[7] = {view_of(t->of.id)};
    const char *answer = NULL;
    unsigned k = 0;
    size_t i = 0;

    if (!t->used)
        return;
    k = (unsigned)model_pick(t->slices);
    i = model_pick(model_size(t, k) + 2);
    one.index = (uint16_t)i;
    buf_init(&kept, 64);
    buf_init(&event, 64);
    settlement_put_kept(&kept, &one);
    settlement_put_event(&event, &one);
    args[1] = schedule_number(slice, k);
    args[2] = schedule_number(index, (int64_t)i);
    args[3] = view_of(all[which].word);
    args[4] = buf_view(&kept);
    args[5] = buf_view(&event);
    args[6] = VIEW("3600000");
    answer = expected(m, t, k, i, said);
    assert_string_equal(
        schedule_rig_run(&m->rig, MODEL_SHARD, schedule_script(SCHEDULE_SCRIPT_RECEIPT), args, 7),
        answer);
    if (strcmp(answer, "done") == 0 || strcmp(answer, "early") == 0)
        m->ended++;
    m->did[DID_RECEIPT]++;
    buf_done(&kept);
    buf_done(&event);
    model_compare(m, t, 0);
}
