/*
 * cmi_sample: bodies and answers made from the table of cmi_fields.h: good ones, and ones with one
 * twist.
 */
#ifndef TESTS_FAKES_CMI_SAMPLE_H
#define TESTS_FAKES_CMI_SAMPLE_H

#include "bridge/core/cmi_fields.h"
#include "bridge/core/json_out.h"

enum cmi_twist {
    TWIST_NONE,
    TWIST_LEFT_OUT,
    TWIST_NULL,
    TWIST_TWICE,
    TWIST_TYPE,   /* of another type */
    TWIST_EMPTY,  /* the empty string, or a list without entries */
    TWIST_AT_MIN, /* length or value */
    TWIST_BELOW_MIN,
    TWIST_AT_MAX, /* lengths in characters of two bytes */
    TWIST_ABOVE_MAX,
    TWIST_NONSENSE, /* no such word, no GUID, no time, no integer */
    TWIST_U0000,
    TWIST_WRAPPER, /* an object around the list */
    TWIST_COUNT,
};

/* Writes an object of the shape with the fields of the use (`full`), or the required ones only;
 * `target`, wherever it appears, with the twist (NULL: none). Wrapped: lists that may be in their
 * wrapper are. */
struct cmi_sample {
    enum cmi_use use;
    bool full;
    bool wrapped;
    const struct cmi_field *target;
    enum cmi_twist twist;
};

void cmi_sample_write(const struct cmi_sample *s, const struct cmi_shape *shape,
                      struct json_out *j);
unsigned cmi_sample_must(enum cmi_use use); /* the flag that says "required" in that use */
/* Does the twist make sense for the field? */
bool cmi_sample_fits(const struct cmi_field *field, enum cmi_twist twist);

#endif
