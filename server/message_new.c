#include "server/message_new.h"

void message_new_fill(struct effect *e, const struct message_new *m)
{
    if (e->version == EFFECT_NEW) {
        effect_int(e, "kind", STORE_MESSAGE);
        effect_int(e, "created", e->created_ms);
    }
    e->due = m->from_now ? EFFECT_DUE_IN : EFFECT_DUE_AT;
    e->due_ms = m->at_ms;
    effect_int(e, "st", STORE_LIVE);
    effect_int(e, "n", m->count);
    effect_int(e, "C", e->slices);
    if (!m->from_now)
        effect_int(e, "at", m->at_ms);
    effect_int(e, "mr", m->max_retry_count);
    effect_int(e, "rd", m->retry_delay_s);
    effect_text(e, "body", m->body);
    effect_text(e, "src", m->source);
    effect_text(e, "sub", m->sub_type);
    /* The usual one takes no memory. */
    effect_text_if(e, "ct", m->content_type.n > 0 && !view_is(m->content_type, "text"),
                   m->content_type);
}
