/*
 * user_edit: changes in the text of a users file that leave the rest as it is, comments included.
 *
 * An entry must be written as docs/OPERATIONS.md shows it: the login at the line's beginning, what
 * is said of the user in lines of their own beneath it.
 */
#ifndef SERVER_USER_EDIT_H
#define SERVER_USER_EDIT_H

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"

/* Sets the one-line value of `key` of the user whose login is in `line` (from 1), or adds it right
 * beneath the login. value is YAML. False with a fault: the entry is not written like that. */
bool user_edit_set(struct view text, unsigned line, const char *key, struct view value,
                   struct buf *out, struct fault *f) MUST_CHECK;
/* Adds an item, YAML of a few bytes, to the list `key` of that user, or begins one. The list is in
 * its key's line, or an item a line. */
bool user_edit_append(struct view text, unsigned line, const char *key, struct view item,
                      struct buf *out, struct fault *f) MUST_CHECK;
/* Adds an entry at the end: the login, and beneath it `lines` ("  name: x\n…"). */
void user_edit_add(struct view text, struct view login, struct view lines, struct buf *out);
/* The text as YAML, in double quotes. */
void user_edit_quote(struct view text, struct buf *out);

#endif
