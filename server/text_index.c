#include "server/text_index.h"

#include "server/sqlite.h"

#include <stdio.h>

#define STATEMENT_MAX 512

const struct text_index text_index_of_addresses = {
    "address_words", "contacts", "source, destination", NULL,
    "(source IS NOT NULL OR destination IS NOT NULL)"};
const struct text_index text_index_of_subjects = {"subject_words", "contacts", "subject", NULL,
                                                  "subject IS NOT NULL"};
const struct text_index text_index_of_emails = {"email_words", "emails", "content, remarks", NULL,
                                                "(content IS NOT NULL OR remarks IS NOT NULL)"};
const struct text_index text_index_of_chats = {"chat_words", "chat_messages", "message",
                                               "cmi_folded(message)", "message IS NOT NULL"};

static void run(struct sqlite *db, const char *sql, int64_t row)
{
    struct sqlite_query q = sqlite_query(db, sql);

    sqlite_bind_int(&q, row);
    sqlite_run(&q);
}

static const char *values_of(const struct text_index *w)
{
    return w->values != NULL ? w->values : w->columns;
}

void text_index_add(struct sqlite *db, const struct text_index *w, int64_t row)
{
    char sql[STATEMENT_MAX];

    snprintf(sql, sizeof sql,
             "INSERT INTO %s (rowid, %s) SELECT row, %s FROM %s WHERE row = ? AND %s", w->index,
             w->columns, values_of(w), w->from, w->where);
    run(db, sql, row);
}

void text_index_remove(struct sqlite *db, const struct text_index *w, int64_t row)
{
    char sql[STATEMENT_MAX];

    snprintf(sql, sizeof sql,
             "INSERT INTO %s (%s, rowid, %s) SELECT 'delete', row, %s FROM %s WHERE row = ? AND %s",
             w->index, w->index, w->columns, values_of(w), w->from, w->where);
    run(db, sql, row);
}
