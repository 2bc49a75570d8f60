/*
 * coded: text that somebody wrote in another form: an escape of one character, or a run of base64
 * or hexadecimal digits that reads as text.
 *
 * For what other systems say (D11): a form, a page or a dump repeats an event just as well as its
 * plain words do.
 */
#ifndef BRIDGE_CORE_CODED_H
#define BRIDGE_CORE_CODED_H

#include "bridge/core/view.h"

#define CODED_TEXT_MIN                                                                             \
    12 /* bytes decoded; fewer may well be a word, or an id that looks like one */

/* The character that the escape at the start of text stands for: %XX (one byte), \uXXXX (two of
 * them where they are surrogates), \\xXX (one byte), \u{N}, \x{N}, &#N;, &#xN;, or one of &amp;
 * &lt; &gt; &quot; &apos; &nbsp;; '?' for any other &name;. *n: its bytes in out. Returns the
 * escape's bytes; 0: none is there, or it stands for U+0000 or for no character. */
size_t coded_escape(struct view text, char out[4], size_t *n);
/* Bytes at the start of text that are quoted-printable: two or more bytes beyond ASCII ("=C3=A4";
 * one by itself may well be a number), or, *sign, one that is no letter or digit ("=20"); 0: none
 * are. Not decoded, as "size=20" is a server's own. */
size_t coded_quoted(struct view text, bool *sign);
/* Bytes of the tag at the start of text: "<br/>", "</p>", "<a href=…>"; 0: none is there. */
size_t coded_tag(struct view text);
/* The ASCII sign that stands for the character at the start of text: itself for one of full width,
 * a digit for a digit of another script, a blank for a blank of another kind, '\0' for what has no
 * width; -1: itself. *n: the character's bytes. */
int coded_plain(struct view text, size_t *n);
/* Bytes at the start of text that are base64 (either alphabet, with or without padding) or
 * hexadecimal and decode to readable UTF-8; 0: none are. An id or a digest is none: its bytes are
 * no text. */
size_t coded_text(struct view text);

#endif
