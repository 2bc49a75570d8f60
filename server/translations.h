/*
 * translations: values of the interface in the user's language (contract 20): names of queues,
 * typeDetails, statusDetails. From the configuration (translations.<language>.<value>); a value
 * that has none stands for itself. Filters and stores know the untranslated values only.
 */
#ifndef SERVER_TRANSLATIONS_H
#define SERVER_TRANSLATIONS_H

#include "bridge/core/view.h"

#define TRANSLATIONS_LANGUAGE 2 /* letters of a language (ISO 639) */

struct translations;

struct translations *translations_new(void);
void translations_free(struct translations *t); /* NULL is a no-op */
/* Copied. language: two letters of any case. A value that is there already gets the new text. */
void translations_add(struct translations *t, struct view language, struct view value,
                      struct view text);
/* Looked up by exact value; the language in any case. The value itself where there is none; t may
 * be NULL: none at all. What it gives lives as long as `t` or `value`. */
struct view translations_find(const struct translations *t, struct view language,
                              struct view value);

/* Which fields of the history are translatable: "typeDetails", "statusDetails", "queueName", the
 * name in a chat's or email's "from_queue", and a recording's "owner_name" … */
bool translations_concern(struct view field);
/* … where the field beside it of this name says "queue". NULL: wherever it is. */
const char *translations_kind(struct view field);

struct exchange;
/* The parameter `language`, else the user's. */
struct view translations_language(const struct exchange *x);

#endif
