/*
 * percent: the encoding of paths and queries (RFC 3986, 2.1; in a query `+` is a blank as well).
 *
 * What comes out of decoding is UTF-8 without U+0000. Split first, decode then: a decoded `/` or
 * `&` is part of its segment or value.
 */
#ifndef BRIDGE_CORE_PERCENT_H
#define BRIDGE_CORE_PERCENT_H

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"
#include "bridge/core/view.h"

/* Decodes into `out`, which has room for text.n bytes and may be where text already is. *decoded
 * is what was written. The fault's sentence has no field name. */
bool percent_decode_segment(struct view text, char *out, struct view *decoded,
                            struct fault *f) MUST_CHECK;
bool percent_decode_query(struct view text, char *out, struct view *decoded,
                          struct fault *f) MUST_CHECK;

/* The byte that text, which begins with '%', stands for; -1 where it stands for none. */
int percent_byte(struct view text);

/* Appends text as one segment of a path, or one name or value of a query: all but letters, digits
 * and `-._~` encoded, and the dots of "." and "..", which would name another path. */
void percent_encode(struct view text, struct buf *to);
/* Appends text as a name or value of a query, as short as may be: what may stand there does. */
void percent_encode_query(struct view text, struct buf *to);

/* Takes the first name=value off *query (what follows the `?`), both still encoded, both views into
 * it. Where there is no `=` the value is empty; empty pairs are passed over. false: none left. */
bool percent_next_pair(struct view *query, struct view *name, struct view *value);

#endif
