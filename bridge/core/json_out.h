/*
 * json_out: tokens in, JSON text out, into a buf. Compact, UTF-8 as is, keys in the order given.
 *
 * The caller's order of calls must make one JSON value; an assert holds that. Numbers are written
 * as their text. Text that is not UTF-8 must not come here (readers refuse it).
 */
#ifndef BRIDGE_CORE_JSON_OUT_H
#define BRIDGE_CORE_JSON_OUT_H

#include "bridge/core/buf.h"
#include "bridge/core/token.h"

struct json_out {
    struct buf *to; /* borrowed */
    unsigned depth;
    bool comma[TOKEN_DEPTH_MAX + 1];  /* a value stands before, at this depth */
    bool object[TOKEN_DEPTH_MAX + 1]; /* this depth is an object */
    bool after_key;
};

void json_out_init(struct json_out *j, struct buf *to);
void json_object(struct json_out *j);
void json_object_end(struct json_out *j);
void json_array(struct json_out *j);
void json_array_end(struct json_out *j);
void json_key(struct json_out *j, const char *key); /* a name of ours: nothing to escape in it */
void json_key_view(struct json_out *j, struct view key);
void json_string(struct json_out *j, struct view v);
void json_text(struct json_out *j, const char *text);
void json_int(struct json_out *j, int64_t n);
void json_number(struct json_out *j, struct view as_written); /* a valid JSON number */
void json_bool(struct json_out *j, bool v);
void json_null(struct json_out *j);
void json_raw(struct json_out *j, struct view json); /* one valid JSON value, as it stands */
/* A key of ours and its value in one piece, which is most of what a list is made of: as json_key
 * with json_string or json_raw. In what is plain there is nothing to escape. */
void json_string_member(struct json_out *j, const char *key, struct view v);
void json_plain_member(struct json_out *j, const char *key, struct view v);
void json_raw_member(struct json_out *j, const char *key, struct view json);

/* A sink that writes every token it takes: representation to JSON in one line. Fails (REJECT) when
 * the buffer is full. */
struct token_sink json_out_sink(struct json_out *j);

#endif
