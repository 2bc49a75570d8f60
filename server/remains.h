/*
 * remains: does the file of the history, or the journal beside it, still hold the bytes of an
 * address? Read in pieces, off the loop.
 */
#ifndef SERVER_REMAINS_H
#define SERVER_REMAINS_H

#include "bridge/core/fault.h"
#include "bridge/core/person.h"

/* False with a fault: it can't be read. *found: the place of the first, -1 for none. */
bool remains_look(const char *path, const struct person *person, int64_t *found,
                  struct fault *f) MUST_CHECK;

#endif
