#include "server/receipt_call.h"

#include "bridge/core/dialler_report.h"
#include "bridge/core/mem.h"
#include "bridge/core/shard.h"
#include "bridge/core/slice.h"
#include "bridge/io/redis_schedule_scripts.h"
#include "server/callback_hash.h"
#include "server/receipts.h"
#include "server/server.h"
#include "server/store.h"
#include "server/stored.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

struct report {
    struct exchange *x;
    struct dialler_report told;
    char id[GUID_TEXT_MAX];
    struct callback_state state; /* once it is known */
};

static void count(struct exchange *x, const char *result)
{
    char labels[64];

    snprintf(labels, sizeof labels, "channel=\"dialler\",result=\"%s\"", result);
    stat_add(stats_get(x->server->stats, STAT_COUNTER, RECEIPTS_TOTAL, labels, RECEIPTS_HELP), 1);
}

static void answer(struct report *r, const char *result)
{
    if (result == NULL) {
        store_unavailable(r->x);
    } else {
        count(r->x, result);
        exchange_answer(r->x, 200, "text/plain", VIEW("ok\n"));
    }
    mem_free(r);
}

static void on_ended(void *owner, const struct redis_value *v)
{
    struct report *r = owner;

    if (v->kind == REDIS_TEXT) {
        answer(r, view_is(v->text, "done") ? "done" : "again");
    } else {
        store_log(r->x, v);
        answer(r, NULL);
    }
}

/* By the script that ends every call, so by one only, whoever is quicker. */
static void end_call(struct report *r, struct view record)
{
    char digits[6][24];
    char prefix[SHARD_KEY_MAX];
    const struct callback_state *s = &r->state;
    struct view keys[] = {shard_key(shard_of(view_of(r->id)), "", VIEW_NONE, prefix)};
    struct view args[13] = {view_of(r->id),
                            record,
                            s->open ? VIEW("1") : VIEW(""),
                            view_of(callback_result_name(s->last)),
                            VIEW_NONE,
                            VIEW_NONE,
                            VIEW_NONE,
                            VIEW_NONE,
                            view_of(r->told.reason),
                            VIEW(""),
                            VIEW(""),
                            VIEW_NONE,
                            VIEW_NONE};
    const int64_t numbers[] = {s->failures, s->next_call_ms, s->last_call_ms,
                               r->x->server->retention_ms};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        snprintf(digits[i], sizeof digits[i], "%" PRId64, numbers[i]);
        args[4 + i] = numbers[i] >= 0 ? view_of(digits[i]) : VIEW("");
    }
    snprintf(digits[4], sizeof digits[4], "%" PRId64, s->idle);
    args[11] = s->idle > 0 ? view_of(digits[4]) : VIEW("");
    snprintf(digits[5], sizeof digits[5], "%" PRId64, s->wishes);
    args[12] = s->wishes > 0 ? view_of(digits[5]) : VIEW("");
    redis_run(r->x->server->redis, schedule_script(SCHEDULE_SCRIPT_CALL), keys, 1, args,
              sizeof args / sizeof args[0], on_ended, r);
}

/* Its call is under way: else it is closed, or a later call has begun, or this one never has. */
static bool calls(const struct report *r, const struct stored *thing)
{
    return store_int(thing->fields, "kind", 0) == STORE_CALLBACK && r->state.open &&
           store_int(thing->fields, "calls", 0) == r->told.attempt;
}

/* A wish that can't be met: the call is over all the same. */
static void put(struct report *r, int64_t now_ms)
{
    const struct callback_put other = {.result = CALLBACK_OTHER};
    int64_t delay_ms = r->x->server->callback_retry_delay_ms;
    struct fault f = {0};

    if (callback_put(&r->state, &r->told.put, now_ms, delay_ms, &f) == 0)
        return;
    view_copy(view_of(f.text), r->told.reason, sizeof r->told.reason);
    if (callback_put(&r->state, &other, now_ms, delay_ms, &f) != 0)
        assert(!"OTHER can always be put on an open callback");
}

static void on_thing(void *owner, const struct redis_value *v)
{
    struct report *r = owner;
    struct stored thing;
    struct slice slice;

    if (!stored_of(v, &thing)) {
        store_log(r->x, v);
        answer(r, NULL);
        return;
    }
    r->state = callback_hash_state(thing.fields);
    if (!calls(r, &thing)) {
        answer(r, "gone");
    } else if (!slice_read(&slice, thing.record, 1) || slice.watermark == 0) {
        answer(r, "again"); /* it has its result already */
    } else {
        put(r, thing.now_ms);
        end_call(r, thing.record);
    }
}

void receipt_call(struct exchange *x)
{
    struct report *r = mem_zeroed(1, sizeof *r);
    struct fault f = {0};

    r->x = x;
    if (!dialler_report_read(x->body, &r->told, &f)) {
        exchange_error(x, 400, "%s", f.text);
        mem_free(r);
        return;
    }
    guid_hex(&r->told.callback, r->id);
    stored_read(x->server->redis, r->id, on_thing, r);
}
