/*
 * phone_twin: the other spelling of a mobile number that has two. Three countries have changed how
 * theirs are dialled from abroad, and WhatsApp goes on naming a customer by one of the two while
 * callers dial, and campaigns have, the other:
 *
 *   Mexico     +52 1 and ten digits           +52 and the ten
 *   Argentina  +54 9 and ten digits           +54 and the ten
 *   Brazil     +55, area, 9 and eight digits  +55, area and the eight, which begin with 6 to 9
 *
 * Both are one person's.
 */
#ifndef BRIDGE_CORE_PHONE_TWIN_H
#define BRIDGE_CORE_PHONE_TWIN_H

#include "bridge/core/view.h"

#define PHONE_TWIN_MAX 16 /* with its NUL */

/* normal: of an international number (core/phone.h). false: it has one spelling. */
bool phone_twin(struct view normal, char out[PHONE_TWIN_MAX]);

#endif
