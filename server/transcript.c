#include "server/transcript.h"

#include "bridge/io/crypto.h"
#include "server/sqlite.h"
#include "server/text_index.h"

#include <string.h>

bool transcript_add_line(struct transcript *t, struct arena *a, struct fault *f)
{
    struct transcript_line *line;

    if (t->line_count == TRANSCRIPT_LINES_MAX)
        return fault_set(f, FAULT_REJECT, "transcript.messages has more than %d items",
                         TRANSCRIPT_LINES_MAX);
    line = arena_take(a, 1, sizeof *line);
    if (t->last_line != NULL)
        t->last_line->next = line;
    else
        t->lines = line;
    t->last_line = line;
    t->line_count++;
    return true;
}

bool transcript_add_participant(struct transcript *t, struct arena *a, struct fault *f)
{
    struct transcript_participant *one;

    if (t->participant_count == TRANSCRIPT_PARTICIPANTS_MAX)
        return fault_set(f, FAULT_REJECT, "participants has more than %d items",
                         TRANSCRIPT_PARTICIPANTS_MAX);
    one = arena_take(a, 1, sizeof *one);
    if (t->last_participant != NULL)
        t->last_participant->next = one;
    else
        t->participants = one;
    t->last_participant = one;
    t->participant_count++;
    return true;
}

bool transcript_line_set(struct transcript_line *line, struct arena *a, const char *name,
                         const struct cmi_value *v)
{
    if (strcmp(name, "message") == 0) {
        line->message = arena_view(a, v->text);
    } else if (strcmp(name, "originator") == 0) {
        line->originator = arena_view(a, v->text);
    } else if (strcmp(name, "type") == 0) {
        line->type = arena_view(a, v->text);
    } else if (strcmp(name, "system_message") == 0) {
        line->system = v->boolean;
    } else if (strcmp(name, "timestamp") == 0) {
        line->has_time = true;
        line->time_ms = v->time_ms;
        line->time_ns = v->time_ns;
    } else {
        return false;
    }
    return true;
}

bool transcript_participant_set(struct transcript_participant *one, struct arena *a,
                                const char *name, const struct cmi_value *v)
{
    if (strcmp(name, "alias") == 0)
        one->alias = arena_view(a, v->text);
    else if (strcmp(name, "uniquekey") == 0)
        one->uniquekey = arena_view(a, v->text);
    else
        return false;
    return true;
}

bool transcript_check_participant(const struct transcript *t, struct fault *f)
{
    const struct transcript_participant *last = t->last_participant;
    const struct transcript_participant *one = t->participants;
    size_t place = 0;

    for (; one != last; one = one->next, place++)
        if (view_eq(one->uniquekey, last->uniquekey))
            return fault_set(f, FAULT_REJECT,
                             "participants[%zu].uniquekey is that of participants[%zu]; each needs "
                             "one of its own",
                             t->participant_count - 1, place);
    return true;
}

/* ---- stored ---- */

void transcript_put_line(struct sqlite *db, const struct guid *chat, const struct guid *key,
                         const struct transcript_line *line, struct view tie)
{
    unsigned char finer[MERGE_FINER_MAX];
    struct buf order;
    struct sqlite_query q = sqlite_query(
        db, "INSERT INTO chat_messages (key, chat, at_ms, tie, message, originator, system, type)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING");

    sqlite_bind_guid(&q, key);
    sqlite_bind_guid(&q, chat);
    buf_init(&order, sizeof finer + tie.n);
    buf_put(&order, merge_finer(line->time_ns, finer));
    buf_put(&order, tie);
    sqlite_bind_int(&q, line->time_ms);
    sqlite_bind_blob(&q, buf_view(&order));
    sqlite_bind_text(&q, line->message);
    sqlite_bind_text(&q, line->originator);
    sqlite_bind_int(&q, line->system);
    sqlite_bind_text(&q, line->type.n > 0 ? line->type : VIEW("text"));
    sqlite_run(&q);
    buf_done(&order);
    if (sqlite_changed(db) > 0) /* else it was there */
        text_index_add(db, &text_index_of_chats, sqlite_last_row(db));
}

void transcript_put_participant(struct sqlite *db, const struct guid *chat,
                                const struct transcript_participant *one, struct view joined,
                                struct view stamp)
{
    struct sqlite_query q = sqlite_query(
        db, "INSERT INTO chat_participants (chat, uniquekey, alias, joined, stamp)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT (chat, uniquekey) DO UPDATE SET"
            " alias = CASE WHEN excluded.stamp > stamp THEN excluded.alias ELSE alias END,"
            " stamp = max(stamp, excluded.stamp), joined = min(joined, excluded.joined)");

    sqlite_bind_guid(&q, chat);
    sqlite_bind_text(&q, one->uniquekey);
    sqlite_bind_text(&q, one->alias);
    sqlite_bind_blob(&q, joined);
    sqlite_bind_blob(&q, stamp);
    sqlite_run(&q);
}

/* A number as bytes that compare like it, and are less than any event's stamp. */
static struct view rank_of(size_t n, unsigned char out[4])
{
    out[0] = 0;
    out[1] = (unsigned char)(n >> 16);
    out[2] = (unsigned char)(n >> 8);
    out[3] = (unsigned char)n;
    return (struct view){(const char *)out, 4};
}

void transcript_store(const struct transcript *t, struct sqlite *db, const struct guid *chat,
                      int64_t now_ms)
{
    const struct merge_stamp origin = merge_stamp_origin();
    unsigned char rank[4];
    size_t n = t->line_count;

    for (struct transcript_line *line = t->lines; line != NULL; line = line->next) {
        const struct view tie = rank_of(n--, rank);
        const struct guid key =
            crypto_guid_of((struct view){(const char *)chat->bytes, sizeof chat->bytes}, tie);

        if (!line->has_time)
            line->time_ms = now_ms;
        transcript_put_line(db, chat, &key, line, tie);
    }
    n = 0;
    for (const struct transcript_participant *one = t->participants; one != NULL; one = one->next)
        transcript_put_participant(db, chat, one, rank_of(n++, rank), merge_stamp_view(&origin));
}

/* ---- shown ---- */

static void write_rows(struct represent *r, const struct cmi_shape *shape, struct sqlite_query *q)
{
    struct represent_plan plan = {0};

    represent_plan(&plan, shape, CMI_SINGLE, q);
    while (sqlite_row(q))
        represent_row(r, &plan, q);
}

void transcript_write_participants(struct represent *r, struct sqlite *db, const struct guid *chat)
{
    struct sqlite_query q = sqlite_query(db, "SELECT alias, uniquekey FROM chat_participants"
                                             " WHERE chat = ? ORDER BY joined, uniquekey");

    sqlite_bind_guid(&q, chat);
    write_rows(r, &cmi_chat_participant, &q);
}

void transcript_write_lines(struct represent *r, struct sqlite *db, const struct guid *chat)
{
    struct sqlite_query q =
        sqlite_query(db, "SELECT message, originator, at_ms AS timestamp, system AS system_message,"
                         " type FROM chat_messages WHERE chat = ?"
                         " ORDER BY at_ms DESC, tie DESC");

    sqlite_bind_guid(&q, chat);
    write_rows(r, &cmi_chat_message, &q);
}
