/*
 * contact_content: the search parameters of GET /contacts that look into chats and emails: `body`,
 * `remarks`, `caseId` (contract 14).
 *
 * What is no property of the contact itself is searched only as far as the user may GET it where it
 * is one (decisions/0012).
 */
#ifndef SERVER_CONTACT_CONTENT_H
#define SERVER_CONTACT_CONTENT_H

#include "server/contact_search.h"

/* Adds their conditions; the fault (REJECT) says which is wrong. */
bool contact_content_read(struct contact_search *s, const struct exchange *x,
                          struct fault *f) MUST_CHECK;

#endif
