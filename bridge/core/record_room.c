#include "bridge/core/record_room.h"

#include <inttypes.h>
#include <stdio.h>

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void judge_letters(const struct record_room *r, record_room_say *say, void *ctx)
{
    const struct record_room_topic *largest = NULL;
    char sentence[RECORD_ROOM_SENTENCE];
    int64_t need;

    for (size_t i = 0; i < r->read_count; i++)
        if (r->read[i].bytes >= 0 && (largest == NULL || r->read[i].bytes > largest->bytes))
            largest = &r->read[i];
    if (largest == NULL || r->letters.name == NULL || r->letters.bytes < 0)
        return;
    need = largest->bytes + RECORD_ROOM_LETTER;
    if (least(r->letters.bytes, r->produced) >= need)
        return;
    (void)snprintf(sentence, sizeof sentence,
                   "records of %.80s may have %" PRId64
                   " bytes, and a dead letter has up to %d more; "
                   "what does not fit is kept without its value and can't be replayed: let "
                   "max.message.bytes of %.80s (%" PRId64 ") and message.max.bytes in "
                   "kafka.properties (%" PRId64 ") be %" PRId64 " or more",
                   largest->name, largest->bytes, RECORD_ROOM_LETTER, r->letters.name,
                   r->letters.bytes, r->produced, need);
    say(ctx, sentence);
}

static void judge_reports(const struct record_room_topic *t, const char *what, const char *then,
                          record_room_say *say, void *ctx)
{
    char sentence[RECORD_ROOM_SENTENCE];

    if (t->name == NULL || t->bytes < 0 || t->bytes >= RECORD_ROOM_REPORT)
        return;
    (void)snprintf(sentence, sizeof sentence,
                   "%.80s takes records of %" PRId64 " bytes, and %s may have %d: %s; let its "
                   "max.message.bytes be %d or more",
                   t->name, t->bytes, what, RECORD_ROOM_REPORT, then, RECORD_ROOM_REPORT);
    say(ctx, sentence);
}

/* A broker refuses a batch for its length, whatever is in it. */
static void judge_batches(const struct record_room *r, record_room_say *say, void *ctx)
{
    const struct record_room_topic *const ours[] = {&r->letters, &r->results, &r->outcomes};
    const struct record_room_topic *smallest = NULL;
    char sentence[RECORD_ROOM_SENTENCE];

    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (ours[i]->name != NULL && ours[i]->bytes >= 0 &&
            (smallest == NULL || ours[i]->bytes < smallest->bytes))
            smallest = ours[i];
    if (smallest == NULL || smallest->bytes >= r->produced)
        return;
    (void)snprintf(
        sentence, sizeof sentence,
        "%.80s takes batches of %" PRId64 " bytes, and ours may have %" PRId64
        ": after the first that is refused each record is sent by itself, which is slow; "
        "let its max.message.bytes be %" PRId64 " or more, or message.max.bytes in "
        "kafka.properties %" PRId64,
        smallest->name, smallest->bytes, r->produced, r->produced, smallest->bytes);
    say(ctx, sentence);
}

void record_room_judge(const struct record_room *r, record_room_say *say, void *ctx)
{
    judge_letters(r, say, ctx);
    judge_reports(&r->results, "a result", "a longer one is cut, or ends consume", say, ctx);
    judge_reports(&r->outcomes, "an outcome", "a longer one holds up those behind it", say, ctx);
    judge_batches(r, say, ctx);
}
