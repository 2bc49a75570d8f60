/*
 * echo: what may be shown of a sentence in which a destination speaks of an event of ours, or a
 * gateway of a message (D11).
 * Its own words are what an operator needs; what it repeats of the event is somebody's.
 *
 * The event's private values (CMI_PRIVATE) are known, so they are looked for, in pieces and whole,
 * in any case and whatever their characters became on the way (repeat.h). What is found is masked
 * as in mask.h, and so is what stands in quotes, unless it is one word that no value holds, or
 * several of which no value holds the half; then the rest is, as mask_sentence does. What the
 * request carried to sign on is looked for in the same way, and nothing of it is shown.
 *
 * Of letters that are not ASCII not all encodings can be known again, where no others are around
 * them. So if a value has such, every character of the sentence that is not ASCII is shown as '?',
 * and so is quoted-printable: own words in Latin letters stay readable, those in others do not.
 *
 * Only the first line is shown, and what is escaped in it (coded.h) decoded: that is how a server
 * shows a form, a URL or a page. Whatever reads as text once base64 or hexadecimal digits are taken
 * off is masked too.
 */
#ifndef BRIDGE_CORE_ECHO_H
#define BRIDGE_CORE_ECHO_H

#include "bridge/core/buf.h"
#include "bridge/core/event_types.h"
#include "bridge/core/token.h"

#define ECHO_PRIVATE_MAX 8192 /* bytes of private values looked for; more: nothing is shown */
#define ECHO_LINE_MAX    512  /* bytes of the sentence looked at */

/* Appends the private values of an event, each with a NUL behind, to `to`, whose maximum is
 * ECHO_PRIVATE_MAX; numbers that mask_sentence hides anyway are left out, so that many destinations
 * fit. body: what event_body_make gave; rest: of event_type_subject. */
void echo_gather(const struct event_type *t, struct view body, struct view rest, codec_read *json,
                 struct buf *to);
/* Appends one more of them, its lines one by one. */
void echo_add(struct buf *privates, struct view value);
/* Appends what a request signs on with, and a NUL behind it, to a buffer of its own; none if the
 * text is NULL or empty. */
void echo_add_secret(struct buf *secrets, const char *secret);
/* privates: what was gathered; secrets: what was added, or VIEW_NONE. phrase: harmless words that
 * stand in where nothing may be shown, with the sentence's length behind: "Content Too Large; (21
 * characters)"; "" for none. out has `size` bytes with the NUL, at least 1. Returns out. */
const char *echo_mask(struct view said, const char *phrase, const struct buf *privates,
                      struct view secrets, char *out, size_t size);

#endif
