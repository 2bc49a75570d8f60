#include "bridge/core/dialler_kit.h"

#include <assert.h>
#include <stdio.h>

void dialler_key(const struct dialler_call *call, const char *mark, unsigned number,
                 char out[DIALLER_KEY_MAX])
{
    guid_hex(&call->callback, out);
    (void)snprintf(out + GUID_HEX_LEN, DIALLER_KEY_MAX - GUID_HEX_LEN, "%s%u", mark, number);
}

void dialler_later(struct dialler_outcome *out, const char *reason)
{
    *out = (struct dialler_outcome){.verdict = DIALLER_LATER, .next_call_ms = -1};
    (void)snprintf(out->reason, sizeof out->reason, "%s", reason);
}

void dialler_judge_failure(const struct channel_reply *reply, struct dialler_outcome *out)
{
    struct channel_outcome by_status;
    enum dialler_verdict verdict = DIALLER_REFUSED;

    channel_judge_status(reply, &by_status);
    switch (by_status.verdict) {
    case CHANNEL_HANDLED:
        assert(!"a success is for the dialler to judge");
        break;
    case CHANNEL_TRANSIENT:
        verdict = by_status.unknown ? DIALLER_LATER : DIALLER_NOT_DIALLED;
        break;
    case CHANNEL_THROTTLED:
        verdict = DIALLER_NOT_DIALLED;
        break;
    case CHANNEL_REDIRECTED:
        verdict = by_status.unknown ? DIALLER_LATER : DIALLER_STOPPED;
        break;
    case CHANNEL_FORBIDDEN:
        verdict = DIALLER_FORBIDDEN;
        break;
    case CHANNEL_STOPPED:
        verdict = DIALLER_STOPPED;
        break;
    case CHANNEL_REFUSED:
        break;
    }
    *out = (struct dialler_outcome){
        .verdict = verdict, .next_call_ms = -1, .wait_ms = by_status.wait_ms};
    (void)snprintf(out->reason, sizeof out->reason, "%s", by_status.reason);
}
