/*
 * filter: the search parameters of a list against a thing's properties (contract 12, 13).
 *
 * A blank where a `+` must have been (`+` is a blank in a query) is also tried as `+`: in front of
 * a number, and in front of a time's offset.
 */
#ifndef SERVER_FILTER_H
#define SERVER_FILTER_H

#include "server/exchange.h"

/* ' 358…' as '+358…', for which room holds WILDCARD_PATTERN_MAX bytes; false where no blank stands
 * in front of a digit, or it is too long. */
bool filter_plus(struct view value, char *room, struct view *plus);
/* Does the text match the value, which may be a pattern? Without surrounding blanks and case. */
bool filter_matches(struct view value, struct view text);
/* The same for an address, which is also compared in normal form (contract 18): "+358*" and "358*"
 * match "00 358 40…". What falls away from a number falls away from a pattern, too, but not where
 * nothing but wildcards would be left of its front, or of all of it: "+*" matches what begins with
 * "+". */
bool filter_matches_address(struct view value, struct view address);
/* Within the limits of a pattern (wildcard.h), which without a wildcard are those of an address?
 * The fault (REJECT) is what to answer. */
bool filter_is_short(const char *name, struct view value, struct fault *f) MUST_CHECK;
/* The parameter as a pattern, VIEW_NONE where it is not given. Answers 400 and returns false if it
 * is not short. */
bool filter_pattern(struct exchange *x, const char *name, struct view *value, bool *given);
/* The parameter as it is compared where patterns have no effect (contract 13); what reads like one
 * is a fault (REJECT), since nothing would be found by it. */
bool filter_plain_read(const struct exchange *x, const char *name, struct view *value, bool *given,
                       struct fault *f) MUST_CHECK;
/* Is none of the parameters a pattern? Answers 400 and returns false if one is. names end with
 * NULL. */
bool filter_plain(struct exchange *x, const char *const *names);
/* The parameter as a time; the fault (REJECT) is what to answer. */
bool filter_time_read(const struct exchange *x, const char *name, int64_t *ms, bool *given,
                      struct fault *f) MUST_CHECK;
/* The parameter as a time. Answers 400 and returns false if it is none. */
bool filter_time(struct exchange *x, const char *name, int64_t *ms, bool *given);

#endif
