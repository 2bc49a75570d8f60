#include "server/history_remove.h"

#include "server/leg.h"
#include "server/sqlite.h"
#include "server/text_index.h"

#include <stdio.h>

#define LINES_MAX   64  /* of a transcript, in one piece */
#define MERGE_PAGES 200 /* of one step: some milliseconds */
#define MERGE_IDLE  2   /* a merge that changed fewer rows had nothing to do (SQLite's own rule) */

void history_remove_begin(struct sqlite *db)
{
    sqlite_do(db, "PRAGMA secure_delete = ON");
}

void history_remove_end(struct sqlite *db)
{
    sqlite_do(db, "PRAGMA secure_delete = OFF");
}

/* Runs it with one identifier; how many rows it took. */
static int64_t take(struct sqlite *db, const char *sql, const struct guid *id)
{
    struct sqlite_query q = sqlite_query(db, sql);

    sqlite_bind_guid(&q, id);
    sqlite_run(&q);
    return sqlite_changed(db);
}

static void take_row(struct sqlite *db, const char *sql, int64_t row)
{
    struct sqlite_query q = sqlite_query(db, sql);

    sqlite_bind_int(&q, row);
    sqlite_run(&q);
}

static size_t rows_of(struct sqlite *db, const char *sql, const struct guid *id, int64_t *rows,
                      size_t max)
{
    struct sqlite_query q = sqlite_query(db, sql);
    size_t count = 0;

    sqlite_bind_guid(&q, id);
    while (count < max && sqlite_row(&q))
        rows[count++] = sqlite_int(&q, 0);
    sqlite_end(&q);
    return count;
}

/* The lines of its transcript; false: there may be more. */
static bool take_lines(struct sqlite *db, const struct guid *chat, struct allowance *left)
{
    int64_t rows[LINES_MAX];
    size_t count;

    do {
        count = rows_of(db, "SELECT row FROM chat_messages WHERE chat = ?", chat, rows, LINES_MAX);
        for (size_t i = 0; i < count; i++) {
            text_index_remove(db, &text_index_of_chats, rows[i]);
            take_row(db, "DELETE FROM chat_messages WHERE row = ?", rows[i]);
        }
        left->rows -= (int64_t)count;
    } while (count == LINES_MAX && !allowance_is_over(left));
    return count < LINES_MAX;
}

static void take_email(struct sqlite *db, const struct guid *id, struct history_removed *n)
{
    int64_t row;

    if (rows_of(db, "SELECT row FROM emails WHERE id = ?", id, &row, 1) == 0)
        return;
    text_index_remove(db, &text_index_of_emails, row);
    take_row(db, "DELETE FROM emails WHERE row = ?", row);
    (void)take(db, "DELETE FROM email_addresses WHERE email = ?", id);
    (void)take(db, "DELETE FROM email_attachments WHERE email = ?", id);
    n->emails++;
}

static void take_leg(struct sqlite *db, int64_t row, struct history_removed *n, bool *chat)
{
    struct sqlite_query q = sqlite_query(db, "SELECT id, channel FROM contacts WHERE row = ?");
    struct guid id = {{0}};

    sqlite_bind_int(&q, row);
    if (sqlite_row(&q)) {
        (void)sqlite_guid(&q, 0, &id); /* NOT NULL */
        *chat = *chat || view_is(sqlite_text(&q, 1), "CHAT");
    }
    sqlite_end(&q);
    take_email(db, &id, n);
    text_index_remove(db, &text_index_of_addresses, row);
    text_index_remove(db, &text_index_of_subjects, row);
    take_row(db, "DELETE FROM contacts WHERE row = ?", row);
    n->contacts++;
    if (row < 0)
        n->hidden--;
}

bool history_remove_group(struct sqlite *db, const struct guid *group, struct allowance *left,
                          struct history_removed *n)
{
    int64_t rows[HISTORY_REMOVE_LEGS];
    size_t count;
    size_t taken = 0;
    bool chat = false;

    if (!take_lines(db, group, left))
        return false;
    count = rows_of(db, "SELECT row FROM contacts WHERE group_id = ? ORDER BY row", group, rows,
                    HISTORY_REMOVE_LEGS);
    while (taken < count && (taken == 0 || !allowance_is_over(left))) {
        take_leg(db, rows[taken++], n, &chat);
        left->rows--;
    }
    if (taken < count || count == HISTORY_REMOVE_LEGS)
        return false;
    (void)take(db, "DELETE FROM chat_participants WHERE chat = ?", group);
    n->remarks += take(db, "DELETE FROM remarks WHERE group_id = ?", group);
    n->chats += chat;
    return true;
}

void history_remove_leg(struct sqlite *db, const struct guid *id, struct history_removed *n)
{
    struct sqlite_query q = sqlite_query(db, "SELECT row, group_id FROM contacts WHERE id = ?");
    struct guid group;
    bool grouped = false;
    bool chat = false;
    int64_t row = 0;

    sqlite_bind_guid(&q, id);
    if (sqlite_row(&q)) {
        row = sqlite_int(&q, 0);
        grouped = sqlite_guid(&q, 1, &group);
    }
    sqlite_end(&q);
    if (row == 0)
        return;
    take_leg(db, row, n, &chat);
    if (grouped && chat) /* another one leads from now on */
        leg_mark_lead(db, &group);
}

static bool contact_of(struct sqlite *db, const char *sql, const struct guid *id,
                       struct guid *contact)
{
    struct sqlite_query q = sqlite_query(db, sql);
    bool found;

    sqlite_bind_guid(&q, id);
    found = sqlite_row(&q) && sqlite_guid(&q, 0, contact);
    sqlite_end(&q);
    return found;
}

void history_remove_recording(struct sqlite *db, const struct guid *id, struct history_removed *n)
{
    struct guid contact;

    if (!contact_of(db, "SELECT contact_id FROM call_recordings WHERE id = ?", id, &contact))
        return;
    n->listen_logs += take(db, "DELETE FROM listen_logs WHERE recording = ?", id);
    n->recordings += take(db, "DELETE FROM call_recordings WHERE id = ?", id);
    n->hidden += leg_refresh(db, &contact);
}

void history_remove_script(struct sqlite *db, const struct guid *id, struct history_removed *n)
{
    struct guid contact;

    if (!contact_of(db, "SELECT contact_id FROM script_results WHERE id = ?", id, &contact))
        return;
    (void)take(db, "DELETE FROM script_answers WHERE result = ?", id);
    (void)take(db, "DELETE FROM script_questions WHERE result = ?", id);
    n->script_results += take(db, "DELETE FROM script_results WHERE id = ?", id);
    n->hidden += leg_refresh(db, &contact);
}

/* ---- the indexes ---- */

/* A negative number of pages begins a merge of all there is, positive ones go on with it. */
bool history_remove_merge(struct sqlite *db, unsigned *at)
{
    static const struct text_index *const indexes[] = {&text_index_of_addresses,
                                                       &text_index_of_subjects,
                                                       &text_index_of_emails, &text_index_of_chats};
    const unsigned count = sizeof indexes / sizeof *indexes;
    const struct text_index *w = *at / 2 < count ? indexes[*at / 2] : NULL;
    int64_t before;
    char sql[128];

    if (w == NULL)
        return false;
    snprintf(sql, sizeof sql, "INSERT INTO %s (%s, rank) VALUES ('merge', %d)", w->index, w->index,
             *at % 2 == 0 ? -MERGE_PAGES : MERGE_PAGES);
    before = sqlite_changed_ever(db);
    sqlite_do(db, sql);
    if (*at % 2 == 0)
        *at += 1;
    else if (sqlite_changed_ever(db) - before < MERGE_IDLE)
        *at += 1;
    return *at / 2 < count;
}
