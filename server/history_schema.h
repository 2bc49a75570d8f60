/*
 * history_schema: the tables of the contact history, as forward steps (PRAGMA user_version counts
 * those taken). A step that has been released is never changed; a new one is added.
 *
 * A contact is a leg. `row` is its place in the default order (arrivalTime · 2^20 + what the id
 * adds, server/place.h); below zero while not all that CMI requires of it is known. Identifiers are
 * blobs of 16 bytes, times milliseconds since 1970.
 */
#ifndef SERVER_HISTORY_SCHEMA_H
#define SERVER_HISTORY_SCHEMA_H

/* SQL: a column without what view_trim takes away, in the words that its index stands on. */
#define SQL_TRIMMED(column) "trim(" column ", ' \t')"
/* And in lower case, of ASCII. */
#define SQL_BARE(column) "lower(" SQL_TRIMMED(column) ")"

extern const char *const history_schema[];
extern const int history_schema_steps;

#endif
