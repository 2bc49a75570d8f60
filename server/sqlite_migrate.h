/*
 * sqlite_migrate: a file's schema, brought up step by step.
 */
#ifndef SERVER_SQLITE_MIGRATE_H
#define SERVER_SQLITE_MIGRATE_H

#include "bridge/core/fault.h"

struct sqlite;

/* Brings the file to the schema of steps[0 … count-1], each step a script run in a transaction of
 * its own. A file made by a newer program, or by another one, is refused (STOP). */
bool sqlite_migrate(struct sqlite *db, const char *const *steps, int count,
                    struct fault *f) MUST_CHECK;

#endif
