/*
 * dn: a certificate's name (X.501 distinguished name), however it is spelled, in one spelling.
 *
 * Programs print one name in many ways: attributes by different names or by number, what is not
 * ASCII escaped or not, values of several encodings as text or in hex, the attributes of one part
 * in any order. Two names are the same if what dn_read makes of them is: RFC 4514, the attributes'
 * names as openssl has them, UTF-8 as it is, the attributes of a part ("+") in one order. Letters
 * count as they are; what one certificate says of one subject, another need not.
 */
#ifndef BRIDGE_CORE_DN_H
#define BRIDGE_CORE_DN_H

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"
#include "bridge/core/view.h"

#define DN_MAX            1023 /* bytes of what a user or a certificate may have */
#define DN_ATTRIBUTES_MAX 8    /* of one part */

/* Appends the name. text: RFC 4514 (2253), also with "subject=" in front as openssl prints it,
 * blanks around '=', ',' and '+', attributes' names in any case, and values as "#" and their DER in
 * hex. REJECT says what can't be read; what
 * is in `to` then is of no use, as where it gets full, which is no fault. */
bool dn_read(struct view text, struct buf *to, struct fault *f) MUST_CHECK;

/* Appends one attribute as dn_read takes it, and a certificate has it: type by number ("2.5.4.3"),
 * the value's ASN.1 tag and bytes. */
void dn_put(struct view type, unsigned char tag, struct view value, struct buf *to);

#endif
