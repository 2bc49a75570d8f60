/*
 * phone: one form of a number or address, by which consents and destinations are matched
 * (contract 18). For matching only: what is stored and shown stays as it was given.
 *
 * A number: blanks, line ends, `-`, `(`, `)`, `.` and every leading `+` or `00` fall away; so do
 * the invisible and typographic kin of blanks and dashes (U+00A0, U+00AD, U+2000–2015, U+202A–202F,
 * U+2060–206F, U+2212, U+FEFF, those of full width): a consent must not be missed for what a
 * script, indented XML, a web page, a formatter of messages or an address book leaves. Digits and
 * `+` of full width, and digits of other scripts, are ASCII's (coded_plain). With a letter or `@`
 * (anything else beyond ASCII counts as a letter): lower case (utf8_lower), surrounding blanks and
 * line ends off. The normal form of a normal form is itself.
 */
#ifndef BRIDGE_CORE_PHONE_H
#define BRIDGE_CORE_PHONE_H

#include "bridge/core/fault.h"
#include "bridge/core/view.h"

#define PHONE_NORMAL_MAX 1024 /* bytes: 256 characters of any kind fit (contract 7) */

/* *normal is a view of out. The fault's sentence ("has more than 1024 bytes", "has nothing to match
 * by") wants the field's name in front. */
bool phone_normal(struct view address, char out[PHONE_NORMAL_MAX], struct view *normal,
                  struct fault *f) MUST_CHECK;

/* Without blanks and line ends at both ends. */
struct view phone_trim(struct view address);

/* Does it begin with `+` or `00`, whatever falls away before and between? */
bool phone_is_international(struct view address);

/* Has it a letter, `@`, or what is beyond ASCII and no separator, digit or `+`? */
bool phone_is_name(struct view address);

/* Bytes of what falls away within a number that text (not empty) begins with; 0: it begins with
 * none of that. */
size_t phone_separator(struct view text);

#endif
