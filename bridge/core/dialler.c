/* dialler: the table. */
#include "bridge/core/dialler.h"

#include <string.h>

const struct dialler *const diallers[] = {&dialler_webhook, &dialler_cmi, NULL};

const struct dialler *dialler_find(const char *name)
{
    for (size_t i = 0; diallers[i] != NULL; i++)
        if (strcmp(diallers[i]->name, name) == 0)
            return diallers[i];
    return NULL;
}

void dialler_told(const struct channel_setup *s, const struct dialler_call *call,
                  struct channel_told *out)
{
    channel_told_secrets(s, out);
    channel_told_add(out, call->customer_number);
    channel_told_add(out, call->extra_data);
    channel_told_add(out, call->notes);
}

const char *dialler_verdict_name(enum dialler_verdict v)
{
    switch (v) {
#define DIALLER_VERDICT_CASE(name, text)                                                           \
    case DIALLER_##name:                                                                           \
        return text;
        DIALLER_VERDICTS(DIALLER_VERDICT_CASE)
#undef DIALLER_VERDICT_CASE
    }
    return "unknown";
}
