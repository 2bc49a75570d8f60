#include "bridge/core/callback_state.h"

#include "bridge/core/cmi_rules.h"

#include <assert.h>

enum effect { FAILS, CLOSES, PLANS };

static const struct rule {
    const char *name;
    enum effect effect;
    bool called; /* the result is that of a call */
} rules[] = {
    [CALLBACK_ADDED] = {"ADDED", PLANS, false},
    [CALLBACK_SUCCESSFUL] = {"SUCCESSFUL", CLOSES, true},
    [CALLBACK_BUSY] = {"BUSY", FAILS, true},
    [CALLBACK_NO_ANSWER] = {"NO_ANSWER", FAILS, true},
    [CALLBACK_VOICEMAIL] = {"VOICEMAIL", FAILS, true},
    [CALLBACK_CUSTOM_TIME] = {"CUSTOM_TIME", PLANS, false},
    [CALLBACK_OTHER] = {"OTHER", FAILS, true},
    [CALLBACK_HANDLED] = {"HANDLED", CLOSES, false},
    [CALLBACK_RESCHEDULE] = {"RESCHEDULE", PLANS, false},
};

static bool used_up(const struct callback_state *s)
{
    return s->failures + s->idle >= s->max_calls;
}

static int plan(struct callback_state *s, const struct callback_put *put, int64_t now_ms,
                int64_t retry_delay_ms, struct fault *f)
{
    if (!s->open && s->failures >= s->max_calls) {
        fault_set(f, FAULT_REJECT, "the callback was closed after its last call");
        return 409;
    }
    if (put->call > 0 && s->wishes >= CALLBACK_WISHES * s->max_calls) {
        fault_set(f, FAULT_REJECT, "its calls were put off %d times, and are not once more",
                  (int)s->wishes);
        return 409;
    }
    s->wishes += put->call > 0;
    s->last = put->result;
    if (put->call > 0 && !(put->has_next_call && put->next_call_ms > now_ms)) {
        s->idle++;
        if (used_up(s)) {
            s->open = false;
            return 0;
        }
    }
    if (put->has_next_call)
        s->next_call_ms = put->next_call_ms;
    else if (s->next_call_ms <= now_ms)
        s->next_call_ms = now_ms + retry_delay_ms;
    if (put->call > 0 && s->next_call_ms < now_ms + retry_delay_ms)
        s->next_call_ms = now_ms + retry_delay_ms;
    s->anew += !s->open || put->other_number;
    s->open = true;
    return 0;
}

int callback_put(struct callback_state *s, const struct callback_put *put, int64_t now_ms,
                 int64_t retry_delay_ms, struct fault *f)
{
    const struct rule *rule = &rules[put->result];

    assert(put->result != CALLBACK_ADDED);
    if (rule->effect == PLANS)
        return plan(s, put, now_ms, retry_delay_ms, f);
    if (put->has_next_call &&
        !cmi_check_next_call_time(view_of(rule->name), put->next_call_ms, true, s->next_call_ms, f))
        return 400;
    s->last = put->result;
    if (!s->open)
        return 0;
    s->anew += put->other_number;
    if (rule->called)
        s->last_call_ms = now_ms;
    s->failures += rule->effect == FAILS;
    s->open = rule->effect == FAILS && !used_up(s);
    if (s->open)
        s->next_call_ms = now_ms + retry_delay_ms;
    return 0;
}

const char *callback_result_name(enum callback_result r)
{
    return rules[r].name;
}

bool callback_result_parse(struct view name, enum callback_result *out)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (view_is(name, rules[i].name)) {
            *out = (enum callback_result)i;
            return true;
        }
    return false;
}
