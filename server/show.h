/*
 * show: what a GET answers, property by property, in the representation that was asked for: the
 * same calls write JSON or XML (contract 3), so what can be said in one can be said in the other.
 *
 *     JSON                      XML
 *     {"a":"1","ls":[{…},{…}]}  <name><a>1</a><ls><l>…</l><l>…</l></ls></name>
 *
 * Names are borrowed until what they name is ended.
 */
#ifndef SERVER_SHOW_H
#define SERVER_SHOW_H

#include "bridge/core/guid.h"
#include "bridge/core/json_out.h"
#include "bridge/core/xml_out.h"

enum show_form { SHOW_JSON, SHOW_XML };

struct show {
    enum show_form form;
    struct buf *to; /* borrowed */
    struct json_out json;
    struct xml_out xml;
};

const char *show_media_type(enum show_form form); /* "application/json": static */

void show_init(struct show *s, enum show_form form, struct buf *to);
/* A whole answer of many: [ … ], <plural> … </plural>. */
void show_collection(struct show *s, const char *plural);
void show_collection_end(struct show *s);
/* What stands around and between the items of a collection that are written each by itself. */
void show_join_begin(enum show_form form, const char *plural, struct buf *to);
void show_join_next(enum show_form form, bool first, struct buf *to);
void show_join_end(enum show_form form, const char *plural, struct buf *to);
/* A whole answer, or an item of a list or collection. */
void show_item(struct show *s, const char *name);
void show_item_end(struct show *s);
/* A property that is an object. */
void show_object(struct show *s, const char *name);
void show_object_end(struct show *s);
/* A property that is a list of items. wrapped: with an object around it in JSON, {"item":[…]}. */
void show_list(struct show *s, const char *name, const char *item, bool wrapped);
void show_list_end(struct show *s, bool wrapped);

void show_text(struct show *s, const char *name, struct view v);
void show_text_if(struct show *s, const char *name, struct view v);     /* not if v.n is 0 */
void show_guid(struct show *s, const char *name, const struct guid *g); /* 32 hex */
void show_int(struct show *s, const char *name, int64_t n);
void show_number(struct show *s, const char *name, struct view as_written); /* of JSON */
void show_bool(struct show *s, const char *name, bool v);
void show_time(struct show *s, const char *name, int64_t ms);

#endif
