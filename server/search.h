/*
 * search: what SQL lacks to answer the interface's lists, added to a connection:
 *
 *     cmi_matches(pattern, text)   the interface's `*` and `?` (contract 13), in linear time
 *     cmi_same(value, text)        but for surrounding blanks and the case of letters; of ASCII,
 *                                  lower(trim(text)) = lower(value) says it too, by an index
 *     cmi_contains(value, text)    somewhere in it, whatever the case of letters
 *     cmi_guid(hex)                the 16 bytes of an id
 *     … COLLATE cmi_sort           the order of the language that search_language has set
 */
#ifndef SERVER_SEARCH_H
#define SERVER_SEARCH_H

#include "bridge/core/view.h"

#define SEARCH_LANGUAGES_KEPT 16 /* orders that a connection holds ready */

struct sqlite;
struct translations;
struct visible_memo;

void search_install(struct sqlite *db);
/* For the statements until the next call. tag: well-formed (unicode_is_tag), or empty for the order
 * of code points. */
void search_language(struct sqlite *db, struct view tag);
/* What cmi_sort compares from now on: values as they are shown in that language (two letters); both
 * outlive the statements. NULL: as they are stored. */
void search_translations(struct sqlite *db, const struct translations *t, struct view language);
/* What server/visible.c remembers beside the connection. */
struct visible_memo *search_visible(const struct sqlite *db);

#endif
