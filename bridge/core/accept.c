#include "bridge/core/accept.h"

/* How well a range names a type: a more exact one decides over a wider one. */
enum { NOT_NAMED, ANYTHING, FAMILY, EXACT };

struct offer {
    const char *family;
    const char *types[2];
    int named;
    int quality; /* thousandths */
};

/* "0.5" -> 500; -1 if it is no weight. */
static int quality_of(struct view q)
{
    int thousandths = 0;
    int unit = 100;

    if (q.n == 0 || q.n > 5 || (q.p[0] != '0' && q.p[0] != '1') || (q.n > 1 && q.p[1] != '.'))
        return -1;
    thousandths = (q.p[0] - '0') * 1000;
    for (size_t i = 2; i < q.n; i++, unit /= 10) {
        if (q.p[i] < '0' || q.p[i] > '9')
            return -1;
        thousandths += (q.p[i] - '0') * unit;
    }
    return thousandths <= 1000 ? thousandths : -1;
}

static int names(struct view range, const struct offer *o)
{
    if (view_eq_nocase(range, view_of(o->types[0])) || view_eq_nocase(range, view_of(o->types[1])))
        return EXACT;
    if (view_eq_nocase(range, view_of(o->family)))
        return FAMILY;
    return view_is(range, "*/*") || view_is(range, "*") ? ANYTHING : NOT_NAMED;
}

static void weigh(struct offer *o, struct view range, int quality)
{
    int named = names(range, o);

    if (named > o->named) {
        o->named = named;
        o->quality = quality;
    } else if (named == o->named && named != NOT_NAMED && quality > o->quality) {
        o->quality = quality;
    }
}

enum accept accept_choose(struct view header, bool has_xml)
{
    struct offer json = {"application/*", {"application/json", "text/json"}, NOT_NAMED, 0};
    struct offer xml = {"application/*", {"application/xml", "text/xml"}, NOT_NAMED, 0};
    struct view rest = header;

    if (view_trim(header).n == 0)
        return ACCEPT_JSON;
    while (rest.n > 0) {
        struct view parameters = view_cut(&rest, ',');
        struct view range = view_trim(view_cut(&parameters, ';'));
        int quality = 1000;

        while (parameters.n > 0) {
            struct view one = view_trim(view_cut(&parameters, ';'));

            if (view_starts_nocase(one, VIEW("q=")))
                quality = quality_of(view_skip(one, 2));
        }
        if (quality < 0)
            continue;
        weigh(&json, range, quality);
        weigh(&xml, range, quality);
    }
    if (has_xml && xml.quality > json.quality)
        return ACCEPT_XML;
    return json.quality > 0 ? ACCEPT_JSON : ACCEPT_NEITHER;
}

bool accept_is_utf8(struct view charset)
{
    return charset.n == 0 || view_eq_nocase(charset, VIEW("utf-8")) ||
           view_eq_nocase(charset, VIEW("utf8")) || view_eq_nocase(charset, VIEW("us-ascii"));
}

struct view accept_media_type(struct view header, struct view *charset)
{
    struct view rest = header;
    struct view type = view_trim(view_cut(&rest, ';'));

    *charset = VIEW_NONE;
    while (rest.n > 0) {
        struct view one = view_trim(view_cut(&rest, ';'));

        if (!view_starts_nocase(one, VIEW("charset=")))
            continue;
        *charset = view_skip(one, 8);
        if (charset->n >= 2 && charset->p[0] == '"' && charset->p[charset->n - 1] == '"')
            *charset = (struct view){charset->p + 1, charset->n - 2};
    }
    return type;
}
