/*
 * text_merge: keeps the indexes of texts (server/text_index.h) in few pieces.
 *
 * FTS5 adds what comes as pieces beside those that it has, and puts a few of one size together as
 * it goes; a million contacts that came one batch after another stand in some fifteen. Each word
 * that is looked for is looked for in every piece. So where nothing is to be written, the pieces
 * are put into one, a little at a time, once what has come is a good part of what was there: an
 * index is written anew each time that it has grown by a fourth, not more often.
 */
#ifndef SERVER_TEXT_MERGE_H
#define SERVER_TEXT_MERGE_H

#include <stdbool.h>
#include <stddef.h>

#define TEXT_MERGE_PAGES 64 /* of 4 KiB, written by one step at most, or little more */

struct sqlite;

struct text_merge {
    size_t index;   /* the one that is looked at */
    bool under_way; /* pieces of it are being put together */
};

void text_merge_init(struct text_merge *m); /* begins with the first index */
/* One step, to be made in a transaction. False: there was nothing to do; all are in few pieces. */
bool text_merge_step(struct text_merge *m, struct sqlite *db);

#endif
