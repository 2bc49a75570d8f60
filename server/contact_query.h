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

struct contact_query {
    struct contact_search search;
    struct contact_sort sort;
    struct page page;
    bool statistics;
    struct where tail; /* of the statement: what it binds lives as long as it */
};

void contact_query_init(struct contact_query *c);
void contact_query_done(struct contact_query *c);
/* Reads all parameters; the fault (REJECT) says which is wrong. */
bool contact_query_read(struct contact_query *c, const struct exchange *x,
                        struct fault *f) MUST_CHECK;
/* The parameter `statistics`. */
bool contact_query_statistics(const struct exchange *x, bool *statistics,
                              struct fault *f) MUST_CHECK;
/* The statement, bound, not stepped yet: one row more than the page's limit if there are more; the
 * first two columns are the place and what contact_sort_token needs. c outlives it. */
struct sqlite_query contact_query_open(struct contact_query *c, const struct exchange *x,
                                       int64_t wrapup_max_ms, struct sqlite *db);

#endif
