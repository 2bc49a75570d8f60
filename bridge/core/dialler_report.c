#include "bridge/core/dialler_report.h"

#include "bridge/core/cmi_rules.h"
#include "bridge/core/datetime.h"
#include "bridge/core/json_pick.h"
#include "bridge/core/mask.h"

bool dialler_report_read(struct view body, struct dialler_report *out, struct fault *f)
{
    struct view json = json_pick_root(body);
    char text[FAULT_TEXT_MAX];

    *out = (struct dialler_report){.attempt = 0};
    if (json.n == 0)
        return fault_set(f, FAULT_REJECT, "the body is no JSON object");
    if (!json_pick_text(json, "callbackId", text, sizeof text) ||
        !guid_parse(view_of(text), &out->callback))
        return fault_set(f, FAULT_REJECT, "callbackId is missing, or no GUID");
    if (!json_pick_int(json, "attempt", &out->attempt) || out->attempt < 1 ||
        out->attempt > DIALLER_ATTEMPT_MAX)
        return fault_set(f, FAULT_REJECT, "attempt is missing, or not that of a request");
    if (!json_pick_text(json, "result", text, sizeof text) ||
        !callback_result_parse(view_of(text), &out->put.result) ||
        out->put.result == CALLBACK_ADDED)
        return fault_set(f, FAULT_REJECT,
                         "result is none of SUCCESSFUL, BUSY, NO_ANSWER, VOICEMAIL, CUSTOM_TIME, "
                         "OTHER, HANDLED, RESCHEDULE");
    if (cmi_result_sets_time(view_of(text)) &&
        json_pick_text(json, "nextCallTime", text, sizeof text)) {
        if (!datetime_parse(view_of(text), &out->put.next_call_ms, f))
            return fault_add(f, "nextCallTime");
        out->put.has_next_call = true;
    }
    out->put.call = out->attempt;
    (void)json_pick_text(json, "reason", text, sizeof text);
    mask_sentence(view_of(text), out->reason, sizeof out->reason);
    return true;
}
