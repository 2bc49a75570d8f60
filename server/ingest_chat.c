/* ingest_chat: chat.message.added, chat.participant.added (contract 4). */
#include "bridge/io/crypto.h"
#include "server/ingest.h"
#include "server/transcript.h"

#include <string.h>

struct chat_said {
    struct ingest_event *event;
    struct arena *texts;
    struct transcript_line line;
    struct transcript_participant participant;
};

/* A null is as if it were not there: a line has no older value that it could remove. */
static bool on_value(void *ctx, const struct cmi_field *field, const struct cmi_value *v,
                     struct fault *f)
{
    struct chat_said *said = ctx;

    (void)f;
    if (!v->null && !transcript_line_set(&said->line, said->texts, field->name, v))
        transcript_participant_set(&said->participant, said->texts, field->name, v);
    return true;
}

static bool read(struct ingest_event *e, struct view data, struct arena *a, struct fault *f)
{
    struct chat_said *said = arena_take(a, 1, sizeof *said);

    said->event = e;
    said->texts = a;
    e->said = said;
    if (!ingest_check(e, data, (struct cmi_visitor){.ctx = said, .value = on_value}, f))
        return false;
    if (!said->line.has_time) {
        said->line.time_ms = e->time_ms;
        said->line.time_ns = e->time_ns;
    }
    return true;
}

static void apply_line(const struct ingest_event *e, struct sqlite *db, int *hidden)
{
    const struct chat_said *said = e->said;
    const struct guid key = crypto_guid_of(e->source, e->id);

    (void)hidden;
    transcript_put_line(db, &e->subject, &key, &said->line, merge_stamp_view(&e->stamp));
}

static void apply_participant(const struct ingest_event *e, struct sqlite *db, int *hidden)
{
    const struct chat_said *said = e->said;
    const struct view stamp = merge_stamp_view(&e->stamp);

    (void)hidden;
    transcript_put_participant(db, &e->subject, &said->participant, stamp, stamp);
}

const struct ingest_kind ingest_chat_kinds[] = {
    {"chat.message.added", read, apply_line},
    {"chat.participant.added", read, apply_participant},
    {NULL, NULL, NULL},
};
