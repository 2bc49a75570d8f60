#include "server/text_merge.h"

#include "server/sqlite.h"
#include "server/text_index.h"

#include <stdint.h>
#include <stdio.h>

#define STATEMENT_MAX 256
#define GROWN_PART    4 /* what is beside the largest piece is worth it from a fourth of that on */

static const struct text_index *const indexes[] = {
    &text_index_of_addresses,
    &text_index_of_subjects,
    &text_index_of_emails,
    &text_index_of_chats,
};
#define INDEXES (sizeof indexes / sizeof *indexes)

void text_merge_init(struct text_merge *m)
{
    *m = (struct text_merge){0, false};
}

/* FTS5 has a row for about each page of a piece. */
static bool is_worth_it(struct sqlite *db, const struct text_index *w)
{
    char sql[STATEMENT_MAX];
    struct sqlite_query q;
    int64_t largest = 0;
    int64_t all = 0;

    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s_idx GROUP BY segid", w->index);
    q = sqlite_query(db, sql);
    while (sqlite_row(&q)) {
        int64_t pages = sqlite_int(&q, 0);

        all += pages;
        if (pages > largest)
            largest = pages;
    }
    return all > largest && (all - largest) * GROWN_PART >= largest;
}

/* A negative number of pages puts all pieces on one level first; a positive one goes on with what
 * has begun. It says whether it did anything only by the rows that it changed: one is its own. */
static bool merge(struct sqlite *db, const struct text_index *w, int64_t pages)
{
    char sql[STATEMENT_MAX];
    int64_t before = sqlite_changed_ever(db);
    struct sqlite_query q;

    snprintf(sql, sizeof sql, "INSERT INTO %s (%s, rank) VALUES ('merge', ?)", w->index, w->index);
    q = sqlite_query(db, sql);
    sqlite_bind_int(&q, pages);
    sqlite_run(&q);
    return sqlite_changed_ever(db) - before >= 2;
}

bool text_merge_step(struct text_merge *m, struct sqlite *db)
{
    for (; m->index < INDEXES; m->index++) {
        const struct text_index *w = indexes[m->index];

        if (m->under_way) {
            m->under_way = merge(db, w, TEXT_MERGE_PAGES);
        } else if (is_worth_it(db, w)) {
            m->under_way = merge(db, w, -TEXT_MERGE_PAGES);
        }
        if (m->under_way)
            return true;
    }
    return false;
}
