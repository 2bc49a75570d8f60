/*
 * fold: a text as it compares whatever the case of letters (contract 14: "substring, any case"):
 * full case folding, by which "Straße" holds STRASSE, strasse and SS.
 *
 *     cmi_folded(text)             in SQL, for the index of chats' messages, which stands on it:
 *                                  so the index and the text itself (cmi_contains) say the same
 */
#ifndef SERVER_FOLD_H
#define SERVER_FOLD_H

#include "bridge/core/buf.h"

/* Bytes: a text that can come in is shorter, and its longest folding. */
#define FOLD_MAX (8 << 20)

struct sqlite;

void fold_install(struct sqlite *db);
void fold_text(struct view text, struct buf *to);
/* Appends what an index of trigrams of folded texts is asked for those that hold the value. false,
 * with nothing appended: it says nothing of it (trigram.h). */
bool fold_pieces(struct view value, struct buf *to);

#endif
