/*
 * contact_search: the search parameters of GET /contacts as conditions of SQL (contract 12 to 14,
 * 20).
 *
 * A condition is exact on the row itself. Where an index of texts (server/text_index.h) can say
 * which rows may match, the statement is led by it; else by the index of an address, an agent, a
 * queue, or by the rows in their order. Of all the bounds of places on one side only one can end or
 * begin a walk, the first that SQLite finds; so the closest is left to it, and from the others it
 * is kept by a `+`.
 *
 * What is no property of the contact itself (`body`, `caseId`, `remarks`) is searched only as far
 * as the user may GET it where it is one (decisions/0012).
 */
#ifndef SERVER_CONTACT_SEARCH_H
#define SERVER_CONTACT_SEARCH_H

#include "server/exchange.h"
#include "server/where.h"

#define CONTACT_SEARCH_VALUES_MAX 64 /* in a comma list */

/* What a condition gathers of an index as a whole, before the first contact is looked at. Each is
 * kept to a part of its table by parameters of the statement. */
enum contact_gathered {
    CONTACT_GATHERS_PLACES = 1 << 0, /* behind ?3, before ?4 */
    CONTACT_GATHERS_EMAILS = 1 << 1, /* from ?5 to ?6 */
    CONTACT_GATHERS_LINES = 1 << 2,  /* of chats, from ?7 to ?8 */
};

struct contact_search {
    struct where w;    /* the conditions: " AND …" each */
    bool pickable;     /* only what the user serves */
    bool by_row;       /* addresses are tried on the rows, since few are left; set before reading */
    const char *leads; /* the index of texts that leads, as the table d; NULL: none */
    bool narrow;       /* an id, a group, a case or what is written leads to what may be few */
    unsigned gathers;  /* enum contact_gathered, or'ed */
    bool timed;        /* by startTime or endTime */
    bool from;         /* the walk begins (or ends) at a place: none before it is shown */
    bool to;           /* none behind it; set both before reading where a token says so */
};

/* The parameters that it reads, NULL-terminated. */
extern const char *const contact_search_params[];

void contact_search_init(struct contact_search *s);
void contact_search_done(struct contact_search *s);
/* Reads the parameters; the fault (REJECT) says which is wrong. */
bool contact_search_read(struct contact_search *s, const struct exchange *x,
                         struct fault *f) MUST_CHECK;

#endif
