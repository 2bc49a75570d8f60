/*
 * contact_query: what GET /contacts asks for, from its parameters to the statement that answers.
 */
#ifndef SERVER_CONTACT_QUERY_H
#define SERVER_CONTACT_QUERY_H

#include "server/contact_search.h"
#include "server/contact_sort.h"

/* Columns of one contact, c, named as the fields they are; ?1, ?2: server/contact_sql.h. */
extern const char contact_columns[];
extern const char contact_statistics[]; /* after them, with statistics=true */

#define CONTACT_NEWEST       16
#define CONTACT_NEWEST_MAX   1000  /* contacts in the newest part */
#define CONTACT_NEWEST_LINES 20000 /* lines of their chats; of more it is no help */

struct translations;

struct contact_query {
    struct contact_search search;
    struct contact_sort sort;
    struct page page;
    bool statistics;
    bool few;                                /* the user sees few contacts: these lead */
    const struct translations *translations; /* `sort` is by what they show; NULL: no others */
    struct where tail; /* of the statement: what it binds lives as long as it */
};

/* The part of the history that is searched. */
struct contact_part {
    int64_t places[2]; /* behind and before */
    int64_t emails[2]; /* rows, from and to */
    int64_t lines[2];  /* of chats */
};
extern const struct contact_part contact_query_all;

void contact_query_init(struct contact_query *c);
void contact_query_done(struct contact_query *c);
/* Reads all parameters; the fault (REJECT) says which is wrong. */
bool contact_query_read(struct contact_query *c, const struct exchange *x,
                        struct fault *f) MUST_CHECK;
/* The parameter `statistics`. */
bool contact_query_statistics(const struct exchange *x, bool *statistics,
                              struct fault *f) MUST_CHECK;
/* Finds out whether it is by the few contacts that the user sees that it is answered best. Before
 * the others, for each read. */
void contact_query_sight(struct contact_query *c, const struct exchange *x, struct sqlite *db);
/* The newest contacts that are left, some CONTACT_NEWEST for each to be shown: what many have fills
 * a page from them, and need not be gathered from all. false: it is not so that it would help. */
bool contact_query_newest(struct contact_query *c, struct sqlite *db, struct contact_part *part);
/* The statement, bound, not stepped yet: one row more than the page's limit if the part has more;
 * the first three columns are what contact_sort_token needs. c outlives it. */
struct sqlite_query contact_query_open(struct contact_query *c, const struct exchange *x,
                                       int64_t wrapup_max_ms, const struct contact_part *part,
                                       struct sqlite *db);

#endif
