/*
 * xml_in: XML bytes in, tokens out (libxml2's push parser behind xml_scan), driven by the table of
 * fields: which elements are properties, lists, items (contract 3), and of what type a text is.
 *
 * The root is the shape's singular, or its plural around any number of singulars: an object, or an
 * array of them. An element that is no property is passed over with all that is in it, and gives no
 * token. A text becomes what its property's type says, if it looks like it; else a string, which
 * the decoder refuses. White space around it is part of a string, but not of a word of an
 * enumeration, nor of what is no string. xsi:nil="true" is null. A default namespace is ignored;
 * what has a prefix is no property.
 *
 * No DTD, no entities but the five, nothing is fetched. Memory: the longest text, at most
 * CMI_SCALAR_MAX, and XML_IN_NAMES_MAX names.
 */
#ifndef BRIDGE_IO_XML_IN_H
#define BRIDGE_IO_XML_IN_H

#include "bridge/core/cmi_fields.h"
#include "bridge/core/token.h"

/* Different ones: of elements, attributes, prefixes, processing instructions; namespaces, too.
 * libxml2 keeps each, and looks longer for one the more there are. */
#define XML_IN_NAMES_MAX 1024

/* Reads one whole document: a cmi_read (bridge/core/cmi_rules.h). */
bool xml_in_read(struct view bytes, const struct cmi_shape *shape, struct token_sink to,
                 struct fault *f) MUST_CHECK;

#endif
