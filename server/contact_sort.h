/*
 * contact_sort: in what order contacts are listed, and where a list goes on (contract 11, 14).
 *
 * The default order, newest first, is that of the places the rows stand at. Any other is the order
 * of one property, rows of the same value newest first; what is absent is lowest. Of texts the
 * first CONTACT_SORT_TEXT_MAX characters count. The token of such a list says the value, the
 * place and the id of the last row shown, and what time it was when the list began: in the order of
 * a duration that time stands still, since durations grow. It is compared with rows that the user
 * sees, and stands for none: so whoever makes one up learns nothing of rows that he does not see,
 * and a list goes on whatever became of the row.
 */
#ifndef SERVER_CONTACT_SORT_H
#define SERVER_CONTACT_SORT_H

#include "server/exchange.h"
#include "server/page.h"
#include "server/place.h"
#include "server/where.h"

#define CONTACT_SORT_TEXT_MAX 256

struct sqlite;
struct sqlite_query;

struct contact_sort {
    const char *key;   /* SQL: of the value; NULL: in the order of places */
    const char *place; /* SQL: of the place, by that table of the statement that leads */
    bool text;         /* the value is a text, ordered by the language */
    bool translated;   /* ordered by what is shown in the user's language */
    bool descending;
    struct view locale; /* VIEW_NONE: code points */
    bool duration;      /* the value grows: */
    int64_t now_ms;     /* the request's, or that of the first page */
    bool goes_on;
    struct place_mark mark; /* the last row shown */
    int64_t after;          /* where it stands: contact_sort_find */
    struct cell at;         /* its value; a text is the exchange's, or `room`'s */
    char room[PAGE_TOKEN_MAX];
};

/* Reads `sort` and `after`. The fault (REJECT) is what to answer. */
bool contact_sort_read(struct contact_sort *s, const struct exchange *x, const struct page *page,
                       struct fault *f) MUST_CHECK;
/* Does the list go on at a place, which bounds the rows that are left? */
bool contact_sort_is_at_place(const struct contact_sort *s);
/* Says where the last row shown stands now, or would. Before the next one, for each read. */
void contact_sort_find(struct contact_sort *s, struct sqlite *db);
/* Appends " AND …" that leaves out what was shown. */
void contact_sort_after(const struct contact_sort *s, struct where *w);
/* Appends " ORDER BY …". */
void contact_sort_order(const struct contact_sort *s, struct where *w);
/* SQL of the value, to be the second column of the rows: "NULL" in the order of places. */
const char *contact_sort_key(const struct contact_sort *s);
/* Writes the token of the row that q stands at; its first three columns are place, value and id. */
void contact_sort_token(const struct contact_sort *s, const struct sqlite_query *q, struct buf *to);

#endif
