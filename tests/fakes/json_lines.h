/*
 * json_lines: JSON as lines, one a value: `[0].from_queue.name="Sales"`, so that a test can ask
 * whether all of one text is in another. A time is its milliseconds, however it is written.
 */
#ifndef TESTS_FAKES_JSON_LINES_H
#define TESTS_FAKES_JSON_LINES_H

#include "bridge/core/buf.h"

/* Appends the lines, each after a '\n'; fails the test if it is no JSON. */
void json_lines(struct view json, struct buf *to);
/* Fails the test unless every line of `part` is one of `whole`. Lines in which one of the names
 * (NULL-terminated) is a key are passed over. */
void json_lines_within(struct view part, struct view whole, const char *const *but);
/* The raw value of a member of an object; fails the test if there is none. */
struct view json_member(struct view object, const char *name);
bool json_has_member(struct view object, const char *name);
/* Fails the test unless each line is one object, as the log has them with `log.format: json`. */
void json_log(struct view lines);

#endif
