/*
 * json_pick: one value out of a JSON text, by its path: "messages.0.id". For replies and receipts
 * of others, of which little is wanted and nothing is certain.
 *
 * The text has passed json_scan (json_pick_root sees to that). What is not there, or of another
 * kind, is "none"; of a key given twice the first counts.
 */
#ifndef BRIDGE_CORE_JSON_PICK_H
#define BRIDGE_CORE_JSON_PICK_H

#include "bridge/core/buf.h"
#include "bridge/core/view.h"

#include <stdint.h>

#define JSON_PICK_SEGMENT_MAX 64 /* bytes of one segment of a path */

/* The whole text, if it is one well-formed object or array; VIEW_NONE otherwise. */
struct view json_pick_root(struct view text);
/* The raw value at the path, a view into `value`; VIEW_NONE: none. */
struct view json_pick(struct view value, const char *path);
/* The string there, unescaped, if it has less than `size` bytes and no U+0000; "" and false
 * otherwise. */
bool json_pick_text(struct view value, const char *path, char *out, size_t size);
bool json_pick_int(struct view value, const char *path, int64_t *out);

#endif
