/*
 * template_key: a template parameter's key, taken apart: "body[1]text",
 * "button[0]quick_reply[1]payload", "header[1]image.link" (template.h says what it means).
 */
#ifndef BRIDGE_CORE_TEMPLATE_KEY_H
#define BRIDGE_CORE_TEMPLATE_KEY_H

#include "bridge/core/view.h"

#include <stdint.h>

#define TEMPLATE_KEY_NUMBER_MAX 999 /* of an index and of a parameter */
#define TEMPLATE_KEY_INDEX_MAX  24  /* bytes of an index as text, with the NUL */

enum template_component { TEMPLATE_HEADER, TEMPLATE_BODY, TEMPLATE_BUTTON };

struct template_key {
    enum template_component component;
    int64_t index;        /* of a button, from 0; else 0 */
    struct view sub_type; /* of a button: quick_reply or url; else empty */
    int64_t number;       /* of the parameter, from 1 */
    struct view field;    /* "text", "payload", "image.link" */
};

/* Views into key. false: of another form. */
bool template_key_parse(struct view key, struct template_key *out)
    __attribute__((warn_unused_result));
void template_key_index(const struct template_key *k, char out[TEMPLATE_KEY_INDEX_MAX]); /* "0" */

#endif
