/*
 * checks: what is asked of every request before its route sees it: path, parameters, media types.
 * Each answers and returns false, or returns true. For front.c only.
 */
#ifndef SERVER_CHECKS_H
#define SERVER_CHECKS_H

#include "server/pending.h"

/* Is it one of GET? (And of HEAD.) */
bool checks_is_read(const struct route *r);
/* There are few enough parameters. Asked before anybody signs on. */
bool checks_count(struct pending *p);
/* Decodes the {…} of the path into x.id. *text is room for what is decoded, and moves on. */
bool checks_id(struct pending *p, struct view encoded, char **text);
/* The parameters are the route's (contract 10: of a GET limit and language, too). Decodes them into
 * x.params; text likewise. */
bool checks_params(struct pending *p, char **text);
/* Of a GET: Accept (contract 1). */
bool checks_accept(struct pending *p);
/* Of others: Content-Type and Content-Encoding, and that there is a body where one must be. */
bool checks_body(struct pending *p);

#endif
