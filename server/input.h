/*
 * input: the checked properties of a request's body, copied out of the reading.
 */
#ifndef SERVER_INPUT_H
#define SERVER_INPUT_H

#include "bridge/core/cmi_rules.h"
#include "server/exchange.h"

struct input_value {
    const struct cmi_field *field;
    char *text; /* owned */
    size_t n;
    int64_t integer; /* CMI_INTEGER; CMI_BOOL: 0 or 1; CMI_TIME: milliseconds */
};

struct input {
    struct input_value values[CMI_FIELDS_MAX];
    size_t count;
    unsigned depth; /* of objects under the root, while reading */
    /* What stands in an object or list of the root goes here instead; may be NULL. */
    bool (*inner)(void *ctx, const struct cmi_field *field, const struct cmi_value *v,
                  struct fault *f);
    void *ctx;
};

/* Reads the exchange's body. false: it breaks a rule; to be told by binding_refuse. *in is to be
 * ended by input_done in either case; set `inner` and `ctx` before, the rest zero. */
bool input_read(const struct exchange *x, const struct cmi_shape *shape, enum cmi_use use,
                struct input *in, struct fault *f) MUST_CHECK;
void input_done(struct input *in);

const struct input_value *input_find(const struct input *in, const char *name); /* NULL: absent */
struct view input_text(const struct input *in, const char *name); /* VIEW_NONE: absent */
int64_t input_int(const struct input *in, const char *name, int64_t otherwise);

#endif
