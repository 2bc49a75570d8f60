/*
 * users_text: the users file on the disk, as `cmibridge users` changes it: by one at a time, whole
 * or not at all. What fails is told on the standard error.
 */
#ifndef SERVER_USERS_TEXT_H
#define SERVER_USERS_TEXT_H

#include "bridge/core/buf.h"

#define USERS_TEXT_NAME_MAX                                                                        \
    4096 /* bytes of the file's name; longer ones are the caller's to refuse */

/* The file that is meant by a name that may be a symbolic link: a link is kept, and what it leads
 * to is read, locked and replaced. A link to nothing is refused: through it a name in one's
 * directory would have root make a file in another's. */
bool users_text_resolve(const char *file, char resolved[USERS_TEXT_NAME_MAX + 1]);
/* The other three take the name that it gives.
 *
 * Waits until nobody else changes the file. A descriptor whose closing lets it go; -1: failed. */
int users_text_lock(const char *file);
/* Appends the file's text, nothing where there is no file yet. */
bool users_text_read(const char *file, struct buf *text);
/* Puts it in the old one's place, synced to the disk: mode 600, or 640 if the old one had it, and
 * the old one's owner; a new one of root's gets its directory's owner. */
bool users_text_write(const char *file, struct view text);

#endif
