#include "server/show.h"

#include "bridge/core/datetime.h"

void show_init(struct show *s, struct buf *to)
{
    json_out_init(&s->json, to);
}

void show_object(struct show *s)
{
    json_object(&s->json);
}

void show_object_end(struct show *s)
{
    json_object_end(&s->json);
}

void show_wrapped(struct show *s, const char *name, const char *item)
{
    json_key(&s->json, name);
    json_object(&s->json);
    json_key(&s->json, item);
    json_array(&s->json);
}

void show_wrapped_end(struct show *s)
{
    json_array_end(&s->json);
    json_object_end(&s->json);
}

void show_text(struct show *s, const char *name, struct view v)
{
    json_key(&s->json, name);
    json_string(&s->json, v);
}

void show_text_if(struct show *s, const char *name, struct view v)
{
    if (v.n > 0)
        show_text(s, name, v);
}

void show_int(struct show *s, const char *name, int64_t n)
{
    json_key(&s->json, name);
    json_int(&s->json, n);
}

void show_bool(struct show *s, const char *name, bool v)
{
    json_key(&s->json, name);
    json_bool(&s->json, v);
}

void show_time(struct show *s, const char *name, int64_t ms)
{
    char text[DATETIME_TEXT_MAX];

    datetime_format(ms, text);
    show_text(s, name, view_of(text));
}
