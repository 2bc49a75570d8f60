/*
 * repeat: where a text repeats one of several values, whatever became of its characters.
 *
 * Found is, in any case of its letters: a piece of a value of REPEAT_PIECE bytes as it is, and a
 * whole value, which is to be words where it is shorter than REPEAT_SHORT.
 *
 * Found is, too, what became of one in whatever encoding. Only its ASCII letters and digits are
 * looked for, in their order: REPEAT_PIECE of them (with the signs that follow them), or all that a
 * value has: REPEAT_SHORT anywhere; fewer as words, and at least two where the value is not ASCII.
 * A sign between them may have become any other signs, or none. A character that is not ASCII, or
 * that a combining mark follows, may have become anything with at most REPEAT_LETTERS ASCII
 * letters: its letter without the mark, "ae", '?', nothing, what its bytes are in another character
 * set, an escape in digits, quoted-printable (coded.h, whose letters are none). So no encoding is
 * named here.
 *
 * Limits: text that has no ASCII letters (Cyrillic, Chinese) is found as it is only, which is what
 * `foreign` is for. A short value may be a word that is not meant: "Åse" is found in "case".
 * Time: text × values; 8 KiB of values in a text of 512 bytes take up to 12 ms, mostly 2 to 8.
 */
#ifndef BRIDGE_CORE_REPEAT_H
#define BRIDGE_CORE_REPEAT_H

#include "bridge/core/view.h"

#include <stdint.h>

#define REPEAT_TEXT_MAX 512 /* bytes */
#define REPEAT_PIECE    12  /* bytes */
#define REPEAT_SHORT    8   /* bytes */
#define REPEAT_LETTERS  2   /* for each character of a value that is not ASCII */

struct repeat_symbol {
    uint32_t code; /* small letters; of what is no character, UTF8_NO_CODE and more */
    uint16_t at;   /* its first byte */
    uint8_t kind;
};

struct repeat {
    struct view text; /* borrowed */
    size_t n;
    struct repeat_symbol symbols[REPEAT_TEXT_MAX + 1]; /* the last is the text's end */
    uint16_t since[REPEAT_TEXT_MAX + 1];  /* all from there to here is in a value, in one piece */
    unsigned char marks[REPEAT_TEXT_MAX]; /* of the byte */
    bool foreign;                         /* a value that was looked for is not all ASCII */
};

/* text: at most REPEAT_TEXT_MAX bytes; it must outlive r. */
void repeat_init(struct repeat *r, struct view text);
/* values: a NUL behind each. mark: a bit, set for all bytes of the words that were found. */
void repeat_find(struct repeat *r, struct view values, unsigned char mark);
/* Bytes from text[at] on that were found, together; 0: none. *marks: of any of them. */
size_t repeat_at(const struct repeat *r, size_t at, unsigned char *marks);
/* Do all of text[at], n bytes, stand together in one of the values? */
bool repeat_holds(const struct repeat *r, size_t at, size_t n);

#endif
