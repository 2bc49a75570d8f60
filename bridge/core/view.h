/*
 * view: bytes that somebody else owns: a pointer and a length, no NUL needed.
 *
 * Whoever hands out a view says until when it holds. A view of no bytes may have a NULL pointer.
 */
#ifndef BRIDGE_CORE_VIEW_H
#define BRIDGE_CORE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct view {
    const char *p;
    size_t n;
};

#define VIEW(literal) ((struct view){"" literal, sizeof(literal) - 1}) /* of a string literal */
#define VIEW_NONE     ((struct view){NULL, 0})
#define VIEW_ARG(v)   (int)((v).n > 4096 ? 4096 : (v).n), (v).p ? (v).p : "" /* for "%.*s" */

/* The smallest ones stand here: in line, a literal's length is known where it is compared. */

static inline struct view view_of(const char *text) /* NUL-terminated; NULL gives VIEW_NONE */
{
    return text == NULL ? VIEW_NONE : (struct view){text, strlen(text)};
}

static inline bool view_eq(struct view a, struct view b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool view_is(struct view v, const char *text)
{
    return view_eq(v, view_of(text));
}

static inline bool view_starts(struct view v, struct view prefix)
{
    return v.n >= prefix.n && (prefix.n == 0 || memcmp(v.p, prefix.p, prefix.n) == 0);
}

static inline struct view view_skip(struct view v, size_t n) /* without the first n, at most all */
{
    return n < v.n ? (struct view){v.p + n, v.n - n} : VIEW_NONE;
}

bool view_eq_nocase(struct view a, struct view b); /* ASCII letters only */
bool view_starts_nocase(struct view v, struct view prefix);
int view_cmp(struct view a, struct view b); /* bytewise; <0, 0, >0 */
struct view view_trim(struct view v);       /* without blanks and tabs at both ends */
/* Cuts *rest at the first `at`: returns what stands before, leaves in *rest what stands after.
 * Where there is no `at`, returns all and leaves VIEW_NONE. */
struct view view_cut(struct view *rest, char at);
bool view_has(struct view v, char c);
/* Copies v into out (size bytes), cut to fit, with a NUL behind. */
void view_copy(struct view v, char *out, size_t size);

#endif
