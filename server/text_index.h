/*
 * text_index: the indexes of texts, kept beside the tables that hold the texts (SQLite FTS5,
 * external content). What is indexed of a row must leave with the same texts that it came with: so
 * text_index_remove before a row changes or goes, text_index_add after it came or has changed.
 */
#ifndef SERVER_TEXT_INDEX_H
#define SERVER_TEXT_INDEX_H

#include <stdint.h>

struct sqlite;

struct text_index {
    const char *index;   /* the table of the index */
    const char *from;    /* the table of the texts; its key is `row` */
    const char *columns; /* "source, destination" */
    const char *values;  /* what of them is indexed; NULL: they themselves */
    const char *where;   /* rows that are in the index at all */
};

extern const struct text_index
    text_index_of_addresses; /* trigrams of contacts' source and destination */
extern const struct text_index text_index_of_subjects; /* words of contacts' subject */
extern const struct text_index text_index_of_emails;   /* words of emails' content and remarks */
extern const struct text_index
    text_index_of_chats; /* trigrams of chats' messages, folded (server/fold.h) */

void text_index_add(struct sqlite *db, const struct text_index *w, int64_t row);
void text_index_remove(struct sqlite *db, const struct text_index *w, int64_t row);

#endif
