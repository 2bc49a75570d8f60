/*
 * erased_reading: between a body and who takes what is read of it: nothing passes of people who
 * were erased. Where a field says who somebody is (CMI_PERSON), the body is refused, or it is
 * noted; in texts (CMI_MENTION) "…" takes the place of a mention, as `cmibridge erase` has it.
 */
#ifndef SERVER_ERASED_READING_H
#define SERVER_ERASED_READING_H

#include "bridge/core/buf.h"
#include "bridge/core/cmi_decode.h"

struct erased;

enum erased_person {
    ERASED_PASSES,  /* who takes it looks */
    ERASED_REFUSED, /* REJECT: "participants[1].alias is of a person who was erased" */
    ERASED_NOTED,   /* in `named` */
};

struct erased_reading {
    bool named; /* somebody who was erased is */
    /* private */
    const struct erased *erased;
    enum erased_person person;
    struct cmi_visitor inner;
    struct buf text;
    struct {
        const struct cmi_field *field;
        size_t index;
    } path[CMI_DECODE_DEPTH];
    unsigned depth;
};

/* What to read with; while nobody is erased that is `inner` itself. erased may be NULL. */
struct cmi_visitor erased_reading_begin(struct erased_reading *r, const struct erased *erased,
                                        enum erased_person person, struct cmi_visitor inner);
void erased_reading_end(struct erased_reading *r);

#endif
