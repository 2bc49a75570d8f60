#include "server/show.h"

#include "bridge/core/datetime.h"

const char *show_media_type(enum show_form form)
{
    return form == SHOW_XML ? "application/xml" : "application/json";
}

void show_init(struct show *s, enum show_form form, struct buf *to)
{
    s->form = form;
    s->to = to;
    json_out_init(&s->json, to);
    xml_out_init(&s->xml, to);
}

/* ---- what is in what ---- */

void show_collection(struct show *s, const char *plural)
{
    if (s->form == SHOW_XML)
        xml_open(&s->xml, plural);
    else
        json_array(&s->json);
}

void show_collection_end(struct show *s)
{
    if (s->form == SHOW_XML)
        xml_close(&s->xml);
    else
        json_array_end(&s->json);
}

void show_join_begin(enum show_form form, const char *plural, struct buf *to)
{
    if (form == SHOW_XML)
        buf_printf(to, "<%s>", plural);
    else
        buf_put_char(to, '[');
}

void show_join_next(enum show_form form, bool first, struct buf *to)
{
    if (form == SHOW_JSON && !first)
        buf_put_char(to, ',');
}

void show_join_end(enum show_form form, const char *plural, struct buf *to)
{
    if (form == SHOW_XML)
        buf_printf(to, "</%s>", plural);
    else
        buf_put_char(to, ']');
}

void show_item(struct show *s, const char *name)
{
    if (s->form == SHOW_XML)
        xml_open(&s->xml, name);
    else
        json_object(&s->json);
}

void show_item_end(struct show *s)
{
    if (s->form == SHOW_XML)
        xml_close(&s->xml);
    else
        json_object_end(&s->json);
}

void show_object(struct show *s, const char *name)
{
    if (s->form == SHOW_JSON)
        json_key(&s->json, name);
    show_item(s, name);
}

void show_object_end(struct show *s)
{
    show_item_end(s);
}

void show_list(struct show *s, const char *name, const char *item, bool wrapped)
{
    if (s->form == SHOW_XML) {
        xml_open(&s->xml, name);
        return;
    }
    json_key(&s->json, name);
    if (wrapped) {
        json_object(&s->json);
        json_key(&s->json, item);
    }
    json_array(&s->json);
}

void show_list_end(struct show *s, bool wrapped)
{
    if (s->form == SHOW_XML) {
        xml_close(&s->xml);
        return;
    }
    json_array_end(&s->json);
    if (wrapped)
        json_object_end(&s->json);
}

/* ---- properties ---- */

void show_text(struct show *s, const char *name, struct view v)
{
    if (s->form == SHOW_XML) {
        xml_text(&s->xml, name, v);
        return;
    }
    json_string_member(&s->json, name, v);
}

static void show_plain(struct show *s, const char *name, struct view v)
{
    if (s->form == SHOW_XML) {
        xml_text(&s->xml, name, v);
        return;
    }
    json_plain_member(&s->json, name, v);
}

void show_guid(struct show *s, const char *name, const struct guid *g)
{
    char hex[GUID_TEXT_MAX];

    guid_hex(g, hex);
    show_plain(s, name, (struct view){hex, GUID_HEX_LEN});
}

void show_text_if(struct show *s, const char *name, struct view v)
{
    if (v.n > 0)
        show_text(s, name, v);
}

void show_int(struct show *s, const char *name, int64_t n)
{
    char text[24];
    struct buf digits = {.p = text, .cap = sizeof text, .max = sizeof text - 1};

    (void)buf_put_int(&digits, n);
    show_number(s, name, buf_view(&digits));
}

void show_number(struct show *s, const char *name, struct view as_written)
{
    if (s->form == SHOW_XML) {
        xml_text(&s->xml, name, as_written);
        return;
    }
    json_raw_member(&s->json, name, as_written);
}

void show_bool(struct show *s, const char *name, bool v)
{
    show_number(s, name, v ? VIEW("true") : VIEW("false")); /* as little quoted as a number */
}

void show_time(struct show *s, const char *name, int64_t ms)
{
    char text[DATETIME_TEXT_MAX];

    datetime_format(ms, text);
    show_plain(s, name, view_of(text));
}
