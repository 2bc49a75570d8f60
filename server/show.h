/*
 * show: what a GET answers, property by property, in the representation that was chosen (JSON; the
 * room for others is here).
 */
#ifndef SERVER_SHOW_H
#define SERVER_SHOW_H

#include "bridge/core/guid.h"
#include "bridge/core/json_out.h"

struct show {
    struct json_out json;
};

void show_init(struct show *s, struct buf *to);
void show_object(struct show *s);
void show_object_end(struct show *s);
/* A list in a wrapper of its own: in JSON {"destination":[…]}. Its items are objects. */
void show_wrapped(struct show *s, const char *name, const char *item);
void show_wrapped_end(struct show *s);
void show_text(struct show *s, const char *name, struct view v);
void show_text_if(struct show *s, const char *name, struct view v); /* not if v.n is 0 */
void show_int(struct show *s, const char *name, int64_t n);
void show_bool(struct show *s, const char *name, bool v);
void show_time(struct show *s, const char *name, int64_t ms);

#endif
