/*
 * template: a message of contentType template, as the specification's WhatsApp example has it
 * (L1878): a JSON object with template_id, and language_code, template_body, parameters{} as they
 * are wanted.
 *
 * A parameter's key is `<component>[<index>]<sub_type>[<number>]<field>`: component header, body or
 * button; index from 0 and sub_type (quick_reply, url) for buttons only; number from 1; field text,
 * payload, or image.link and its like. The Conversation API takes the keys as they are; the Cloud
 * API wants components in order.
 */
#ifndef BRIDGE_CORE_TEMPLATE_H
#define BRIDGE_CORE_TEMPLATE_H

#include "bridge/core/arena.h"
#include "bridge/core/fault.h"
#include "bridge/core/json_out.h"

#define TEMPLATE_PARAMETERS_MAX 64
#define TEMPLATE_BYTES_MAX      8192 /* of the JSON; 2000 characters of any kind fit */

struct template_parameter {
    struct view key;
    struct view value;
};

/* Texts are views into the JSON, which must hold as long, or, where it has escapes, the arena's. */
struct template
{
    struct view json; /* whole, as given */
    struct view id;   /* the template's name */
    struct view language;
    struct view body; /* template_body: what a person would read; VIEW_NONE where there is none */
    struct template_parameter parameters[TEMPLATE_PARAMETERS_MAX]; /* in the order given */
    size_t parameter_count;
    struct arena arena;
};

/* false (REJECT): no object with template_id, or a value that is no text; nothing is to be freed.
 * The sentence has no field name in front and quotes nothing. */
bool template_read(struct template *t, struct view json, struct fault *f) MUST_CHECK;
void template_done(struct template *t);

/* {"template_id", "language_code", "parameters"} of the Conversation API: keys as they are, and an
 * empty `…payload` for each quick_reply that lacks one. */
void template_to_conversation(const struct template *t, struct json_out *to);

/* The `template` object of the Cloud API. false (REJECT): a parameter's key that it has no place
 * for. What was written by then stands. */
bool template_to_cloud(const struct template *t, struct json_out *to, struct fault *f) MUST_CHECK;

#endif
