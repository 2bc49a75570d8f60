/*
 * fulltext: the value of a full-text parameter (`subject`, `body`, `remarks`) as an expression of
 * SQLite's FTS5 (contract 14).
 *
 * Without a `"`: every word must be there, each as the beginning of one. With: phrases in quotes,
 * `*` at a phrase's end, AND, AND NOT, OR, NEAR, parentheses. NOT binds closer than AND, AND closer
 * than OR. NEAR stands between phrases, or before a list of them in parentheses.
 *
 * A word or phrase without a letter or digit (fulltext_chars.h) is passed over, as if it had not
 * been written, together with what joins it; where there is no other, nothing is found.
 *
 * What comes out is written anew from what was read, every phrase quoted, so nothing else of FTS5's
 * language (column names, `^`, `+`) can get in.
 */
#ifndef BRIDGE_CORE_FULLTEXT_H
#define BRIDGE_CORE_FULLTEXT_H

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"

#define FULLTEXT_PHRASES_MAX    64   /* words or phrases of one value */
#define FULLTEXT_DEPTH_MAX      16   /* of parentheses */
#define FULLTEXT_BYTES_MAX      2048 /* of a value */
#define FULLTEXT_NEAR_TOKENS    10 /* words between those that are near, where no number is given */
#define FULLTEXT_NEAR_MAX       1000
#define FULLTEXT_EXPRESSION_MAX (16 * FULLTEXT_BYTES_MAX)

/* Appends the expression. The fault's sentence (REJECT) has no field name: "the quote …". */
bool fulltext_expression(struct view value, struct buf *to, struct fault *f) MUST_CHECK;

#endif
