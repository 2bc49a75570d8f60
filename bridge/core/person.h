/*
 * person: somebody known by one address, looked for in addresses and in texts.
 *
 * In an address column somebody is found by the normal form (phone.h). In a text, too, where the
 * address can't be mistaken for something else: a number of PERSON_DIGITS_MIN digits or more, or an
 * address with '@'. A number is found however it is written, as long as no digit touches it: with
 * `+` or `00`, with what falls away in a number (phone.h), line breaks, `/`, `_` or `(0)` between
 * its digits (of the first four up to 8 in a row), any of it as JSON escapes it. Digits are those
 * of ASCII. An address with '@' is found in any case, as long as no part of another one touches it.
 */
#ifndef BRIDGE_CORE_PERSON_H
#define BRIDGE_CORE_PERSON_H

#include "bridge/core/buf.h"
#include "bridge/core/phone.h"

#define PERSON_DIGITS_MIN 7

struct person {
    char room[PHONE_NORMAL_MAX];
    size_t n;
    bool number;
    bool distinct; /* is looked for in texts */
};

/* REJECT as phone_normal. */
bool person_init(struct person *p, struct view address, struct fault *f) MUST_CHECK;
struct view person_normal(const struct person *p);
/* Does an address column that holds this mean the person? */
bool person_is(const struct person *p, struct view address);
bool person_mentioned(const struct person *p, struct view text);
/* Do the bytes hold the number, digits touching or not, or the address, as it is or as JSON escapes
 * it? For looking for remains. */
bool person_in_bytes(const struct person *p, struct view bytes);
/* Appends the text with "…" for every mention. */
void person_without(const struct person *p, struct view text, struct buf *to);

/* ---- people who are known only when an address of theirs is asked for ----
 *
 * A text is asked for all that could be somebody's address, in time linear in its length. Found is
 * what a person of that address would be found by, but for: a number of more than
 * PERSON_SPELLED_MAX digits that is not written in one, an address with a blank or two '@' in it,
 * or of more than PERSON_SIDES_MAX words before or behind the '@' (of scripts other than Latin,
 * Greek and Cyrillic a letter counts as one).
 *
 * Before a whole address its part is asked for: where that is nobody's, as nearly everywhere, no
 * more is.
 */
#define PERSON_SPELLED_MAX 20 /* digits: a number of E.164 has 15, one of 64 bits 20 */
#define PERSON_SIDES_MAX   16

struct person_known {
    /* Is somebody of this address, in normal form, known? */
    bool (*address)(const void *ctx, struct view normal);
    /* Of one with this part? May say so of a part that is nobody's. */
    bool (*part)(const void *ctx, struct view part);
    const void *ctx;
};

/* Of an address in normal form: its first PERSON_DIGITS_MIN digits, or what is from its '@' on. */
struct view person_part(struct view normal);

bool person_known_mentioned(struct view text, const struct person_known *known);
/* Appends the text with "…" for every mention of somebody known. */
void person_without_known(struct view text, const struct person_known *known, struct buf *to);

#endif
