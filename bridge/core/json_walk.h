/*
 * json_walk: the members of an object or the items of an array as slices of the bytes, for what is
 * passed on as it stands (an event's `data`). Copies nothing, keeps nothing.
 *
 * The bytes have passed json_scan; on others a walk ends early or gives nonsense, but stays inside.
 */
#ifndef BRIDGE_CORE_JSON_WALK_H
#define BRIDGE_CORE_JSON_WALK_H

#include "bridge/core/buf.h"
#include "bridge/core/view.h"

struct json_walk {
    struct view rest; /* begins with '{', '[', ',', '}' or ']' */
    bool object;
};

/* false: the value is neither an object nor an array. */
bool json_walk_init(struct json_walk *w, struct view value) __attribute__((warn_unused_result));
/* *key is the raw string with its quotes (VIEW_NONE in an array), *value the raw value without
 * blanks around it. false: none left. */
bool json_walk_next(struct json_walk *w, struct view *key, struct view *value);
/* What a raw string says: a slice of it, or, where it has escapes, appended to `to` (never longer
 * than raw, so with that much room `to` does not move). false: no string, or `to` is full. */
bool json_walk_text(struct view raw, struct buf *to, struct view *text)
    __attribute__((warn_unused_result));

#endif
