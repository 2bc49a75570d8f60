/*
 * token: the small stream that every representation is turned into and written from.
 *
 * JSON, XML and MessagePack readers give the same tokens for the same content; one decoder, driven
 * by a table (cmi_decode.h), takes them from there, and the writers (json_out.h, …) do the reverse.
 * No tree is built.
 */
#ifndef BRIDGE_CORE_TOKEN_H
#define BRIDGE_CORE_TOKEN_H

#include "bridge/core/fault.h"
#include "bridge/core/view.h"

#include <stdint.h>

#define TOKEN_DEPTH_MAX 32 /* nesting of objects and arrays, in every reader and writer */

enum token_kind {
    TOKEN_OBJECT,
    TOKEN_OBJECT_END,
    TOKEN_ARRAY,
    TOKEN_ARRAY_END,
    TOKEN_KEY,     /* text: the key, UTF-8 without escapes */
    TOKEN_STRING,  /* text: the value, UTF-8 without escapes; may hold U+0000 */
    TOKEN_INTEGER, /* integer; text: as it was written, where the representation has text */
    TOKEN_NUMBER,  /* text: a JSON number that is no int64 (fraction, exponent, too large) */
    TOKEN_BOOL,    /* boolean */
    TOKEN_NULL,
};

struct token {
    enum token_kind kind;
    struct view text; /* holds during the call that brings it */
    int64_t integer;
    bool boolean;
};

/* Where tokens go. `take` returns false with a fault to end the reading; the reader passes that
 * fault on unchanged. */
struct token_sink {
    bool (*take)(void *ctx, const struct token *t, struct fault *f);
    void *ctx;
};

/* A reader of one representation: reads one whole value. A fault (REJECT) says what is malformed
 * and at which byte. Here, not in ports, so that the core can take one as an argument. */
typedef bool codec_read(struct view bytes, struct token_sink to, struct fault *f);

/* "an object", "a string", … for sentences. Static storage. */
const char *token_kind_name(enum token_kind kind);

#endif
