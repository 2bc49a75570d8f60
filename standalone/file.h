/*
 * file: small files, read whole, and replaced as a whole so that a reader sees the old or the new;
 * and logs, to which whole lines are added.
 */
#ifndef STANDALONE_FILE_H
#define STANDALONE_FILE_H

#include "bridge/core/buf.h"

/* Readable by its owner only. Not synced: what is written here can be made again. */
bool file_put(const char *path, struct view text, struct fault *f) MUST_CHECK;
/* Appends the file's bytes to out. REJECT if it can't be read, or is longer than out takes. */
bool file_get(const char *path, struct buf *out, struct fault *f) MUST_CHECK;
/* Adds text in one write: what has returned is on the disk. The file is made where there is none.
 */
bool file_append(const char *path, struct view text, struct fault *f) MUST_CHECK;

#endif
