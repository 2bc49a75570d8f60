/*
 * file: a small file replaced as a whole, so that a reader sees the old one or the new one.
 */
#ifndef STANDALONE_FILE_H
#define STANDALONE_FILE_H

#include "bridge/core/fault.h"
#include "bridge/core/view.h"

/* Readable by its owner only. Not synced: what is written here can be made again. */
bool file_put(const char *path, struct view text, struct fault *f) MUST_CHECK;

#endif
