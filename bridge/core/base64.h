/*
 * base64: RFC 4648, section 4, with its padding; for CloudEvents' data_base64.
 */
#ifndef BRIDGE_CORE_BASE64_H
#define BRIDGE_CORE_BASE64_H

#include "bridge/core/buf.h"

/* Appends the bytes. false, with part of them appended, if the text is malformed or `to` full. */
__attribute__((warn_unused_result)) bool base64_decode(struct view text, struct buf *to);

#endif
