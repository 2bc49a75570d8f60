#include "server/checks.h"

#include "bridge/core/accept.h"
#include "bridge/core/mask.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/core/percent.h"
#include "bridge/core/utf8.h"
#include "server/listing.h"

#include <assert.h>
#include <string.h>

#define NAME_SHOWN_MAX 64 /* bytes of a parameter's name */
#define ID_SHOWN_MAX   64 /* characters of one that is far too long */

bool checks_id(struct pending *p, struct view encoded, char **text)
{
    struct fault f = {0};

    if (!percent_decode_segment(encoded, *text, &p->x.id, &f)) {
        exchange_error(&p->x, 400, "the path: %s", f.text);
        return false;
    }
    if (p->x.id.n > EXCHANGE_SEGMENT_MAX) {
        if ((p->route->route->need & ROUTE_NAMED) != 0)
            exchange_error(&p->x, 404, "HTTP 404 Not Found");
        else
            exchange_error(&p->x, 400, "Invalid GUID: '%.*s'",
                           VIEW_ARG(utf8_cut(p->x.id, ID_SHOWN_MAX)));
        return false;
    }
    *text += p->x.id.n;
    return true;
}

bool checks_is_read(const struct route *r)
{
    return strcmp(r->method, "GET") == 0;
}

bool checks_count(struct pending *p)
{
    struct view query = p->request->query;
    struct view name = VIEW_NONE;
    struct view value = VIEW_NONE;
    size_t seen = 0;

    while (percent_next_pair(&query, &name, &value))
        if (seen++ == EXCHANGE_PARAMS_MAX) {
            exchange_error(&p->x, 400, "there are more than %d parameters", EXCHANGE_PARAMS_MAX);
            return false;
        }
    return true;
}

static bool decode_params(struct pending *p, char **text)
{
    struct view query = p->request->query;
    struct view name = VIEW_NONE;
    struct view value = VIEW_NONE;
    struct fault f = {0};
    char shown[NAME_SHOWN_MAX];

    if (query.n > 0)
        p->x.params = p->params = mem_zeroed(EXCHANGE_PARAMS_MAX, sizeof *p->params);
    while (percent_next_pair(&query, &name, &value)) {
        struct exchange_param *one = NULL;

        if (name.n > 0 && name.p[0] == '_') /* ignored, whatever it holds */
            continue;
        assert(p->x.param_count < EXCHANGE_PARAMS_MAX); /* checks_count has looked */
        one = &p->params[p->x.param_count];
        if (!percent_decode_query(name, *text, &one->name, &f)) {
            exchange_error(&p->x, 400, "a parameter's name: %s", f.text);
            return false;
        }
        *text += one->name.n;
        if (one->name.n > 0 && one->name.p[0] == '_')
            continue;
        if (!percent_decode_query(value, *text, &one->value, &f)) {
            exchange_error(&p->x, 400, "%s: %s", mask_sentence(one->name, shown, sizeof shown),
                           f.text);
            return false;
        }
        *text += one->value.n;
        p->x.param_count++;
    }
    return true;
}

static bool knows_param(const struct route *r, struct view name)
{
    if (checks_is_read(r) && (view_is(name, "limit") || view_is(name, "language")))
        return true;
    if ((r->need & ROUTE_LIST) != 0 && view_is(name, "after"))
        return true;
    for (size_t i = 0; r->params != NULL && r->params[i] != NULL; i++)
        if (view_is(name, r->params[i]))
            return true;
    return false;
}

static bool is_language(struct view v)
{
    for (size_t i = 0; i < v.n; i++)
        if ((v.p[i] | 0x20) < 'a' || (v.p[i] | 0x20) > 'z')
            return false;
    return v.n == 2;
}

/* Contract 10. */
static bool check_params(struct pending *p)
{
    for (size_t i = 0; i < p->x.param_count; i++) {
        struct view name = p->params[i].name;
        char shown[NAME_SHOWN_MAX];
        int64_t limit = 0;

        if (!knows_param(p->route->route, name)) {
            exchange_error(&p->x, 400, "there is no parameter '%s' here",
                           mask_sentence(name, shown, sizeof shown));
            return false;
        }
        for (size_t j = 0; j < i; j++)
            if (view_eq(p->params[j].name, name)) {
                exchange_error(&p->x, 400, "%.*s is given twice", VIEW_ARG(name));
                return false;
            }
        if (view_is(name, "limit") && !num_in(p->params[i].value, 1, LISTING_LIMIT_MAX, &limit)) {
            exchange_error(&p->x, 400, "limit is not an integer from 1 to %d", LISTING_LIMIT_MAX);
            return false;
        }
        if (view_is(name, "language") && !is_language(p->params[i].value)) {
            exchange_error(&p->x, 400, "language is two letters (ISO 639)");
            return false;
        }
    }
    return true;
}

bool checks_params(struct pending *p, char **text)
{
    return decode_params(p, text) && check_params(p);
}

/* The one place that chooses an answer's representation. */
bool checks_accept(struct pending *p)
{
    const struct http_field *headers = p->request->headers;
    size_t most = 1; /* bytes: a head has its limit */
    struct buf all;
    enum accept choice = ACCEPT_NEITHER;

    if ((p->route->route->need & ROUTE_TEXT_ANSWER) != 0)
        return true;
    for (size_t i = 0; i < p->request->header_count; i++)
        most += headers[i].value.n + 1;
    buf_init(&all, most);
    for (size_t i = 0; i < p->request->header_count; i++) {
        if (!view_eq_nocase(headers[i].name, VIEW("Accept")))
            continue;
        if (all.n > 0)
            buf_put_char(&all, ',');
        buf_put(&all, headers[i].value);
    }
    choice = accept_choose(buf_view(&all), true);
    buf_done(&all);
    p->x.form = choice == ACCEPT_XML ? SHOW_XML : SHOW_JSON;
    if (choice != ACCEPT_NEITHER)
        return true;
    exchange_error(&p->x, 406, "application/json and application/xml are served here");
    return false;
}

static bool is_one_of(struct view type, const char *const types[3])
{
    for (size_t i = 0; i < 3 && types[i] != NULL; i++)
        if (view_eq_nocase(type, view_of(types[i])))
            return true;
    return false;
}

bool checks_body(struct pending *p)
{
    static const struct {
        unsigned need;
        const char *types[3];
        bool must;
        const char *words;
    } bodies[] = {
        {ROUTE_BODY_FIELDS,
         {"application/json", "application/xml", "text/xml"},
         false,
         "application/json or application/xml"},
        {ROUTE_BODY_TEXT, {"text/plain"}, false, "text/plain"},
        {ROUTE_BODY_BATCH,
         {"application/cloudevents-batch+json"},
         true,
         "application/cloudevents-batch+json"},
    };
    unsigned need = p->route->route->need;
    struct view charset = VIEW_NONE;
    size_t count = 0;
    struct view coding =
        http_field_find(p->request->headers, p->request->header_count, "Content-Encoding", &count);
    struct view type = VIEW_NONE;

    if (count > 0 && !view_eq_nocase(coding, VIEW("identity"))) {
        exchange_error(&p->x, 415, "Content-Encoding is not taken");
        return false;
    }
    type = http_field_find(p->request->headers, p->request->header_count, "Content-Type", &count);
    p->x.content_type = accept_media_type(type, &charset);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        if ((need & bodies[i].need) == 0)
            continue;
        if (count > 1 || !accept_is_utf8(charset) ||
            (count == 0 ? bodies[i].must : !is_one_of(p->x.content_type, bodies[i].types))) {
            exchange_error(&p->x, 415, "the body must be %s in UTF-8", bodies[i].words);
            return false;
        }
        if (bodies[i].need != ROUTE_BODY_TEXT && view_starts(p->x.body, UTF8_ORDER_MARK))
            p->x.body = view_skip(p->x.body, UTF8_ORDER_MARK.n);
        if (p->x.body.n == 0 && bodies[i].need != ROUTE_BODY_TEXT) {
            exchange_error(&p->x, 400, "the body is missing");
            return false;
        }
    }
    return true;
}
