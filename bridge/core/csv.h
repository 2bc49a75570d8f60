/*
 * csv: fields of a list that people open in a spreadsheet or look at on a terminal (RFC 4180),
 * whoever wrote what is in them.
 */
#ifndef BRIDGE_CORE_CSV_H
#define BRIDGE_CORE_CSV_H

#include "bridge/core/buf.h"

/* Quoted always, a quote doubled. What a spreadsheet would take for a formula gets a ' in front: it
 * begins with = or @, or with a + or - that is not followed by the digits of a number and what
 * stands between them; blanks and the wide forms of these make no difference. Control characters,
 * and bytes that are no text, are shown as '?'. */
void csv_field(struct buf *to, struct view v);

#endif
