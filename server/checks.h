/*
 * checks: what is asked of every request before its route sees it: path, parameters, media types.
 * Each answers and returns false, or returns true. For front.c only.
 */
#ifndef SERVER_CHECKS_H
#define SERVER_CHECKS_H

#include "server/pending.h"

/* Decodes the {…} of the path into x.id. *text is room for what is decoded, and moves on. */
/* There are few enough parameters. Asked before anybody signs on. */
bool checks_count(struct pending *p);
bool checks_id(struct pending *p, struct view encoded, char **text);
/* Of a GET: Accept, and the parameters (contract 1, 10), decoded into x.params. */
bool checks_read(struct pending *p, char **text);
/* Of others: Content-Type and Content-Encoding, and that there is a body where one must be. */
bool checks_body(struct pending *p);

#endif
