/*
 * xml_out: elements in, XML text out, into a buf. Compact, UTF-8, without declaration or namespace.
 *
 * The caller's order of calls must make one element; an assert holds that. A character that XML 1.0
 * can't hold (U+0001 to U+001F but tab and the line ends, U+FFFE, U+FFFF) is written as U+FFFD.
 * Text that is not UTF-8 must not come here (readers refuse it).
 */
#ifndef BRIDGE_CORE_XML_OUT_H
#define BRIDGE_CORE_XML_OUT_H

#include "bridge/core/buf.h"
#include "bridge/core/token.h"

struct xml_out {
    struct buf *to; /* borrowed */
    unsigned depth;
    const char *names[TOKEN_DEPTH_MAX]; /* of the open elements; borrowed until they are closed */
};

void xml_out_init(struct xml_out *x, struct buf *to);
void xml_open(struct xml_out *x, const char *name);
void xml_close(struct xml_out *x);
void xml_text(struct xml_out *x, const char *name, struct view v); /* an element with that text */

#endif
