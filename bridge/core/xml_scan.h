/*
 * xml_scan: may a parser be let at these bytes of XML?
 *
 * A look at the bytes before libxml2 sees them, in linear time and constant memory: UTF-8, no
 * declaration but that of XML itself (so no DOCTYPE, no entity of one's own), elements nested at
 * most XML_SCAN_DEPTH_MAX deep, at most XML_SCAN_ATTRIBUTES_MAX attributes of an element, no tag
 * longer than XML_SCAN_TAG_MAX. Whether it is well-formed is the parser's business.
 */
#ifndef BRIDGE_CORE_XML_SCAN_H
#define BRIDGE_CORE_XML_SCAN_H

#include "bridge/core/fault.h"
#include "bridge/core/token.h"
#include "bridge/core/view.h"

#define XML_SCAN_DEPTH_MAX      TOKEN_DEPTH_MAX
#define XML_SCAN_ATTRIBUTES_MAX 16
#define XML_SCAN_TAG_MAX        4096 /* bytes; also of a comment or a processing instruction */

/* The fault (REJECT) says what is not allowed and at which byte. */
bool xml_scan(struct view bytes, struct fault *f) MUST_CHECK;

#endif
