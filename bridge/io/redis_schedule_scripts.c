#include "bridge/io/redis_schedule_scripts.h"

#include "bridge/core/buf.h"

#include <assert.h>

#define SCRIPT_MAX 32768

extern const char redis_script_schedule[];
extern const char redis_script_claim[];
extern const char redis_script_settle[];
extern const char redis_script_call[];
extern const char redis_script_gate[];
extern const char redis_script_hand[];
extern const char redis_script_outbox[];
extern const char redis_script_receipt[];
extern const char redis_script_pause[];
extern const char redis_script_fsck[];

static struct {
    const char *body;
    bool alone; /* without schedule.lua */
    struct buf text;
    struct redis_script script;
} all[SCHEDULE_SCRIPT_COUNT] = {
    [SCHEDULE_SCRIPT_CLAIM] = {.body = redis_script_claim},
    [SCHEDULE_SCRIPT_SETTLE] = {.body = redis_script_settle},
    [SCHEDULE_SCRIPT_CALL] = {.body = redis_script_call},
    [SCHEDULE_SCRIPT_GATE] = {.body = redis_script_gate, .alone = true},
    [SCHEDULE_SCRIPT_HAND] = {.body = redis_script_hand, .alone = true},
    [SCHEDULE_SCRIPT_OUTBOX] = {.body = redis_script_outbox},
    [SCHEDULE_SCRIPT_RECEIPT] = {.body = redis_script_receipt},
    [SCHEDULE_SCRIPT_PAUSE] = {.body = redis_script_pause},
    [SCHEDULE_SCRIPT_FSCK] = {.body = redis_script_fsck},
};

const struct redis_script *schedule_script(enum schedule_script which)
{
    struct buf *text = &all[which].text;

    if (text->n > 0)
        return &all[which].script;
    buf_init(text, SCRIPT_MAX);
    buf_put_text(text, "#!lua flags=allow-oom\n");
    if (!all[which].alone)
        buf_put_text(text, redis_script_schedule);
    buf_put_text(text, all[which].body);
    assert(!text->full);
    redis_script_init(&all[which].script, buf_text(text));
    return &all[which].script;
}
