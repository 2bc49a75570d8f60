#include "bridge/io/redis_schedule_scripts.h"

#include "bridge/core/buf.h"

#include <assert.h>

#define SCRIPT_MAX 65536

extern const char redis_script_schedule[];
extern const char redis_script_claim[];
extern const char redis_script_settle[];
extern const char redis_script_call[];
extern const char redis_script_back[];
extern const char redis_script_gate[];
extern const char redis_script_hand[];
extern const char redis_script_outbox[];
extern const char redis_script_receipt[];
extern const char redis_script_pause[];
extern const char redis_script_fsck[];
extern const char redis_script_paged[];
extern const char redis_script_listed[];
extern const char redis_script_aside[];
extern const char redis_script_spoilt[];

static struct {
    const char *before; /* what it uses; NULL: nothing */
    const char *and;    /* and this */
    const char *body;
    struct buf text;
    struct redis_script script;
} all[SCHEDULE_SCRIPT_COUNT] = {
    [SCHEDULE_SCRIPT_CLAIM] = {.before = redis_script_schedule, .body = redis_script_claim},
    [SCHEDULE_SCRIPT_SETTLE] = {.before = redis_script_schedule, .body = redis_script_settle},
    [SCHEDULE_SCRIPT_CALL] = {.before = redis_script_schedule, .body = redis_script_call},
    [SCHEDULE_SCRIPT_BACK] = {.before = redis_script_schedule, .body = redis_script_back},
    [SCHEDULE_SCRIPT_GATE] = {.body = redis_script_gate, .script = {.one_key = true}},
    [SCHEDULE_SCRIPT_HAND] = {.body = redis_script_hand},
    [SCHEDULE_SCRIPT_OUTBOX] = {.before = redis_script_schedule, .body = redis_script_outbox},
    [SCHEDULE_SCRIPT_RECEIPT] = {.before = redis_script_schedule, .body = redis_script_receipt},
    [SCHEDULE_SCRIPT_PAUSE] = {.before = redis_script_schedule, .body = redis_script_pause},
    [SCHEDULE_SCRIPT_FSCK] = {.before = redis_script_schedule,
                              .and = redis_script_paged,
                              .body = redis_script_fsck},
    [SCHEDULE_SCRIPT_LISTED] = {.before = redis_script_paged, .body = redis_script_listed},
    [SCHEDULE_SCRIPT_ASIDE] = {.before = redis_script_schedule, .body = redis_script_aside},
    [SCHEDULE_SCRIPT_SPOILT] = {.before = redis_script_schedule, .body = redis_script_spoilt},
};

const struct redis_script *schedule_script(enum schedule_script which)
{
    struct buf *text = &all[which].text;

    if (text->n > 0)
        return &all[which].script;
    buf_init(text, SCRIPT_MAX);
    buf_put_text(text, "#!lua flags=allow-oom\n");
    if (all[which].before != NULL)
        buf_put_text(text, all[which].before);
    if (all[which].and != NULL)
        buf_put_text(text, all[which].and);
    buf_put_text(text, all[which].body);
    assert(!text->full);
    redis_script_init(&all[which].script, buf_text(text));
    return &all[which].script;
}
