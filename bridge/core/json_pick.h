/*
 * json_pick: the members of an object and the items of an array as slices of the bytes they stand
 * in, so that a part can be handed on as it is. Only for bytes that json_scan has passed.
 */
#ifndef BRIDGE_CORE_JSON_PICK_H
#define BRIDGE_CORE_JSON_PICK_H

#include "bridge/core/buf.h"
#include "bridge/core/view.h"

struct json_pick {
    struct view rest;
};

/* Of an object (kind '{') or an array ('['); false if the value is something else. */
__attribute__((warn_unused_result)) bool json_pick_open(struct json_pick *p, struct view value,
                                                        char kind);
/* The next member (key: with its quotes) or item (key: VIEW_NONE); false: none left. */
__attribute__((warn_unused_result)) bool json_pick_next(struct json_pick *p, struct view *key,
                                                        struct view *value);
/* Whether the value is a string; if so its text: a slice of it where there is no escape, else
 * appended to `to`. false also when `to` is full. */
__attribute__((warn_unused_result)) bool json_pick_text(struct view value, struct buf *to,
                                                        struct view *text);

#endif
