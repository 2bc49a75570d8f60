/* ingest_call: callrecording.created, scriptresult.saved (contract 4): whole things, of which the
 * newest version holds. */
#include "server/ingest.h"
#include "server/leg.h"
#include "server/place.h"
#include "server/row.h"
#include "server/sqlite.h"

#include <string.h>

static bool is(const struct cmi_field *field, const char *name)
{
    return strcmp(field->name, name) == 0;
}

/* Is the new version, of that time and stamp, to replace the stored one? sql gives of that the time
 * that counts before the stamp (0 where none does), the stamp, and the contact. */
static bool replaces(struct sqlite *db, const char *sql, const struct guid *id, int64_t time_ms,
                     struct view stamp, struct guid *contact_before)
{
    struct sqlite_query q = sqlite_query(db, sql);
    bool newer = true;

    *contact_before = *id;
    sqlite_bind_guid(&q, id);
    if (sqlite_row(&q)) {
        int64_t stored_ms = sqlite_int(&q, 0);

        newer =
            time_ms != stored_ms ? time_ms > stored_ms : view_cmp(stamp, sqlite_text(&q, 1)) > 0;
        (void)sqlite_guid(&q, 2, contact_before);
    }
    sqlite_end(&q);
    return newer;
}

static const struct row_table recordings = {.name = "call_recordings"};
static const struct row_table results = {.name = "script_results"};

static void remove_of(struct sqlite *db, const char *sql, const struct guid *id)
{
    struct sqlite_query q = sqlite_query(db, sql);

    sqlite_bind_guid(&q, id);
    sqlite_run(&q);
}

/* ---- call recordings ---- */

struct recording_said {
    struct guid call_id;
    struct guid contact_id;
    struct guid owner_id;
    struct view owner_type;
    struct view owner_name;
    struct view file_name;
    struct view file_path;
    bool has_time;
    int64_t created_ms;
    const struct ingest_event *event;
    struct arena *texts;
};

static bool recording_value(void *ctx, const struct cmi_field *field, const struct cmi_value *v,
                            struct fault *f)
{
    struct recording_said *said = ctx;

    (void)f;
    if (v->null)
        return true;
    if (is(field, "call_id"))
        said->call_id = ingest_guid(said->event->source, "calls", v->text);
    else if (is(field, "contact_id"))
        said->contact_id = ingest_guid(said->event->source, "contacts", v->text);
    else if (is(field, "owner_id"))
        said->owner_id = ingest_guid(said->event->source, "owners", v->text);
    else if (is(field, "owner_type"))
        said->owner_type = arena_view(said->texts, v->text);
    else if (is(field, "owner_name"))
        said->owner_name = arena_view(said->texts, v->text);
    else if (is(field, "file_name"))
        said->file_name = arena_view(said->texts, v->text);
    else if (is(field, "file_path"))
        said->file_path = arena_view(said->texts, v->text);
    else if (is(field, "creation_time")) {
        said->has_time = true;
        said->created_ms = v->time_ms;
    }
    return true;
}

static bool recording_read(struct ingest_event *e, struct view data, struct arena *a,
                           struct fault *f)
{
    struct recording_said *said = arena_take(a, 1, sizeof *said);

    said->event = e;
    said->texts = a;
    e->said = said;
    if (!ingest_check(e, data, (struct cmi_visitor){.ctx = said, .value = recording_value}, f))
        return false;
    if (!e->erased) { /* a file's name that says whom is no word about the contact */
        ingest_about(e, &said->call_id);
        ingest_about(e, &said->contact_id);
    }
    if (!said->has_time)
        said->created_ms = e->time_ms;
    e->since_ms = said->created_ms;
    return true;
}

static void recording_apply(const struct ingest_event *e, struct sqlite *db, int *hidden)
{
    const struct recording_said *said = e->said;
    struct sqlite_query q;
    struct guid before;
    int64_t place;

    if (!replaces(db, "SELECT 0, stamp, contact_id FROM call_recordings WHERE id = ?", &e->subject,
                  0, merge_stamp_view(&e->stamp), &before))
        return;
    remove_of(db, "DELETE FROM call_recordings WHERE id = ?", &e->subject);
    place = place_take(db, &recordings, said->created_ms, &e->subject);
    q = sqlite_query(db, "INSERT INTO call_recordings (row, id, call_id, contact_id, owner_id,"
                         " owner_type, owner_name, file_name, file_path, created_ms, stamp)"
                         " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sqlite_bind_int(&q, place);
    sqlite_bind_guid(&q, &e->subject);
    sqlite_bind_guid(&q, &said->call_id);
    sqlite_bind_guid(&q, &said->contact_id);
    sqlite_bind_guid(&q, &said->owner_id);
    sqlite_bind_text(&q, said->owner_type);
    sqlite_bind_text(&q, said->owner_name);
    sqlite_bind_text(&q, said->file_name);
    sqlite_bind_text(&q, said->file_path);
    sqlite_bind_int(&q, said->created_ms);
    sqlite_bind_blob(&q, merge_stamp_view(&e->stamp));
    sqlite_run(&q);
    *hidden += leg_refresh(db, &before);
    *hidden += leg_refresh(db, &said->contact_id);
}

/* ---- script results ---- */

struct script_answer {
    struct script_answer *next;
    struct guid id;
    struct view data;
    struct view ordinal;
};

struct script_question {
    struct script_question *next;
    struct guid id;
    struct view data;
    struct view controltype;
    struct view datatype;
    struct view ordinal;
    struct script_answer *answers;
    struct script_answer **end;
};

struct script_said {
    struct guid script_id;
    struct view name;
    struct guid contact_id;
    bool has_original;
    struct guid original_id;
    bool has_time;
    int64_t modified_ms;
    uint32_t modified_ns; /* after that */
    struct script_question *questions;
    struct script_question **end;
    struct script_question *question; /* while reading: the one we are in */
    struct script_answer *answer;     /* and the answer in it */
    const struct ingest_event *event;
    struct arena *texts;
};

static bool script_begin(void *ctx, const struct cmi_field *field, size_t index, struct fault *f)
{
    struct script_said *said = ctx;

    (void)index;
    (void)f;
    if (is(field, "scriptquestions")) {
        said->question = arena_take(said->texts, 1, sizeof *said->question);
        said->question->end = &said->question->answers;
        *said->end = said->question;
        said->end = &said->question->next;
    } else if (is(field, "scriptanswers")) {
        said->answer = arena_take(said->texts, 1, sizeof *said->answer);
        *said->question->end = said->answer;
        said->question->end = &said->answer->next;
    }
    return true;
}

static bool script_end(void *ctx, const struct cmi_field *field, struct fault *f)
{
    struct script_said *said = ctx;

    (void)f;
    if (is(field, "scriptquestions"))
        said->question = NULL;
    else if (is(field, "scriptanswers"))
        said->answer = NULL;
    return true;
}

static void take_answer(struct script_said *said, const struct cmi_field *field,
                        const struct cmi_value *v)
{
    struct script_answer *answer = said->answer;

    if (is(field, "id"))
        answer->id = ingest_guid(said->event->source, "scriptanswers", v->text);
    else if (is(field, "answerdata"))
        answer->data = arena_view(said->texts, v->text);
    else if (is(field, "ordinal"))
        answer->ordinal = arena_view(said->texts, v->text);
}

static void take_question(struct script_said *said, const struct cmi_field *field,
                          const struct cmi_value *v)
{
    struct script_question *question = said->question;

    if (is(field, "id"))
        question->id = ingest_guid(said->event->source, "scriptquestions", v->text);
    else if (is(field, "data"))
        question->data = arena_view(said->texts, v->text);
    else if (is(field, "controltype"))
        question->controltype = arena_view(said->texts, v->text);
    else if (is(field, "datatype"))
        question->datatype = arena_view(said->texts, v->text);
    else if (is(field, "ordinal"))
        question->ordinal = arena_view(said->texts, v->text);
}

static bool script_value(void *ctx, const struct cmi_field *field, const struct cmi_value *v,
                         struct fault *f)
{
    struct script_said *said = ctx;

    (void)f;
    if (v->null)
        return true;
    if (said->answer != NULL)
        take_answer(said, field, v);
    else if (said->question != NULL)
        take_question(said, field, v);
    else if (is(field, "script_id"))
        said->script_id = ingest_guid(said->event->source, "scripts", v->text);
    else if (is(field, "name"))
        said->name = arena_view(said->texts, v->text);
    else if (is(field, "contact_id"))
        said->contact_id = ingest_guid(said->event->source, "contacts", v->text);
    else if (is(field, "originalcontact_id")) {
        said->has_original = true;
        said->original_id = ingest_guid(said->event->source, "contacts", v->text);
    } else if (is(field, "modificationtime")) {
        said->has_time = true;
        said->modified_ms = v->time_ms;
        said->modified_ns = v->time_ns;
    }
    return true;
}

static bool script_read(struct ingest_event *e, struct view data, struct arena *a, struct fault *f)
{
    struct script_said *said = arena_take(a, 1, sizeof *said);
    struct cmi_visitor visitor = {
        .ctx = said, .begin = script_begin, .value = script_value, .end = script_end};

    said->event = e;
    said->texts = a;
    said->end = &said->questions;
    e->said = said;
    if (!ingest_check(e, data, visitor, f))
        return false;
    if (!said->has_original)
        said->original_id = said->contact_id;
    ingest_about(e, &said->contact_id);
    ingest_about(e, &said->original_id);
    if (!said->has_time) {
        said->modified_ms = e->time_ms;
        said->modified_ns = e->time_ns;
    }
    e->since_ms = said->modified_ms;
    return true;
}

static void store_answers(struct sqlite *db, const struct guid *result, int64_t number,
                          const struct script_answer *answer)
{
    for (int64_t position = 0; answer != NULL; answer = answer->next, position++) {
        struct sqlite_query q = sqlite_query(
            db, "INSERT INTO script_answers (result, question, position, id, answerdata, ordinal)"
                " VALUES (?, ?, ?, ?, ?, ?)");

        sqlite_bind_guid(&q, result);
        sqlite_bind_int(&q, number);
        sqlite_bind_int(&q, position);
        sqlite_bind_guid(&q, &answer->id);
        sqlite_bind_text(&q, answer->data);
        sqlite_bind_text(&q, answer->ordinal);
        sqlite_run(&q);
    }
}

static void store_questions(struct sqlite *db, const struct guid *result,
                            const struct script_question *question)
{
    for (int64_t position = 0; question != NULL; question = question->next, position++) {
        struct sqlite_query q =
            sqlite_query(db, "INSERT INTO script_questions"
                             " (result, position, id, data, controltype, datatype, ordinal)"
                             " VALUES (?, ?, ?, ?, ?, ?, ?)");

        sqlite_bind_guid(&q, result);
        sqlite_bind_int(&q, position);
        sqlite_bind_guid(&q, &question->id);
        sqlite_bind_text(&q, question->data);
        sqlite_bind_text(&q, question->controltype);
        sqlite_bind_text(&q, question->datatype);
        sqlite_bind_text(&q, question->ordinal);
        sqlite_run(&q);
        store_answers(db, result, position, question->answers);
    }
}

static void script_apply(const struct ingest_event *e, struct sqlite *db, int *hidden)
{
    const struct script_said *said = e->said;
    uint8_t finer[MERGE_FINER_MAX];
    struct sqlite_query q;
    struct guid before;
    struct buf stamp;
    int64_t place;

    buf_init(&stamp, MERGE_FINER_MAX + MERGE_STAMP_MAX);
    buf_put(&stamp, merge_finer(said->modified_ns, finer));
    buf_put(&stamp, merge_stamp_view(&e->stamp));
    if (!replaces(db, "SELECT modified_ms, stamp, contact_id FROM script_results WHERE id = ?",
                  &e->subject, said->modified_ms, buf_view(&stamp), &before)) {
        buf_done(&stamp);
        return;
    }
    remove_of(db, "DELETE FROM script_results WHERE id = ?", &e->subject);
    remove_of(db, "DELETE FROM script_questions WHERE result = ?", &e->subject);
    remove_of(db, "DELETE FROM script_answers WHERE result = ?", &e->subject);
    place = place_take(db, &results, said->modified_ms, &e->subject);
    q = sqlite_query(db,
                     "INSERT INTO script_results (row, id, script_id, name, contact_id,"
                     " originalcontact_id, modified_ms, stamp) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    sqlite_bind_int(&q, place);
    sqlite_bind_guid(&q, &e->subject);
    sqlite_bind_guid(&q, &said->script_id);
    sqlite_bind_text(&q, said->name);
    sqlite_bind_guid(&q, &said->contact_id);
    sqlite_bind_guid(&q, &said->original_id);
    sqlite_bind_int(&q, said->modified_ms);
    sqlite_bind_blob(&q, buf_view(&stamp));
    sqlite_run(&q);
    buf_done(&stamp);
    store_questions(db, &e->subject, said->questions);
    *hidden += leg_refresh(db, &before);
    *hidden += leg_refresh(db, &said->contact_id);
}

const struct ingest_kind ingest_call_kinds[] = {
    {"callrecording.created", recording_read, recording_apply},
    {"scriptresult.saved", script_read, script_apply},
    {NULL, NULL, NULL},
};
