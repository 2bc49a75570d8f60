/*
 * parts: what a text costs as SMS: its coding, and the parts that a long one is sent in
 * (3GPP TS 23.038, 23.040).
 *
 * In the GSM 7-bit default alphabet a text of up to 160 units is one part, a longer one has 153 in
 * each; a character of the extension table counts as 2. One character outside both, and the whole
 * text is UCS-2: 70 UTF-16 units, or 67 in each. A part never ends within an extension pair or a
 * surrogate pair.
 */
#ifndef BRIDGE_CORE_PARTS_H
#define BRIDGE_CORE_PARTS_H

#include "bridge/core/view.h"

enum parts_coding { PARTS_GSM7, PARTS_UCS2 };

struct parts {
    enum parts_coding coding;
    size_t units; /* septets, or UTF-16 units, of the whole text */
    unsigned count;
};

/* text is UTF-8; a malformed byte counts as one unit of UCS-2. No text at all is one part. */
struct parts parts_of(struct view text);
/* Takes the next part off *rest: a view into it. false: none left. */
bool parts_next(const struct parts *p, struct view *rest, struct view *part);

#endif
