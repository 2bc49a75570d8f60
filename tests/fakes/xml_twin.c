#include "tests/fakes/xml_twin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/xml_out.h"
#include "bridge/io/json_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum twin_kind { COLLECTION, OBJECT, LIST, WRAPPER, WRAPPED };

struct twin_level {
    enum twin_kind kind;
    const struct cmi_shape *shape;
    const struct cmi_field *field;
    const struct cmi_field *last; /* the property that came before */
};

struct twin {
    const struct cmi_shape *shape;
    unsigned uses; /* of an answer: what it may hold is what is shown; 0: not an answer */
    struct xml_out out;
    struct twin_level levels[TOKEN_DEPTH_MAX];
    unsigned depth;
    const struct cmi_field *key; /* whose value comes next; NULL: nobody's */
    unsigned skipping;
};

static bool push(struct twin *t, enum twin_kind kind, const struct cmi_shape *shape,
                 const struct cmi_field *field)
{
    t->levels[t->depth++] = (struct twin_level){kind, shape, field, NULL};
    return true;
}

static bool fits_xml(struct view text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < ' ' && strchr("\t\n\r", text.p[i]) == NULL)
            return false;
    return !view_has(text, '\0');
}

/* A text is all that XML has: it must not become another type than it was. */
static bool is_of_type(const struct cmi_field *field, const struct token *token)
{
    switch (field->type) {
    case CMI_STRING:
    case CMI_GUID:
    case CMI_TIME:
        return token->kind == TOKEN_STRING;
    case CMI_INTEGER:
    case CMI_NUMBER:
        return token->kind == TOKEN_INTEGER || token->kind == TOKEN_NUMBER;
    case CMI_BOOL:
        return token->kind == TOKEN_BOOL;
    case CMI_OBJECT:
    case CMI_LIST:
        break;
    }
    return false;
}

static bool take_scalar(struct twin *t, const struct token *token)
{
    const struct cmi_field *field = t->key;
    struct view text = token->text;

    t->key = NULL;
    if (field == NULL)
        return true;
    if (token->kind == TOKEN_NULL) {
        buf_printf(t->out.to,
                   "<%s x:nil=\"true\" xmlns:x=\"http://www.w3.org/2001/XMLSchema-instance\"/>",
                   field->name);
        return true;
    }
    if (token->kind == TOKEN_BOOL)
        text = token->boolean ? VIEW("true") : VIEW("false");
    if (!is_of_type(field, token) || !fits_xml(text))
        return false;
    xml_text(&t->out, field->name, text);
    return true;
}

/* Does an answer lack what must be shown between the last property and the next one? NULL: to the
 * end. */
static bool lacks(const struct twin *t, const struct twin_level *top, const struct cmi_field *next)
{
    const struct cmi_field *end = top->shape->fields + top->shape->field_count;
    const struct cmi_field *at = top->last != NULL ? top->last + 1 : top->shape->fields;

    for (; t->uses != 0 && at < (next != NULL ? next : end); at++)
        if ((at->use & t->uses) != 0 && (at->use & CMI_ALWAYS) != 0)
            return true;
    return false;
}

static bool take_end(struct twin *t)
{
    const struct twin_level *top = &t->levels[--t->depth];

    if (top->kind == OBJECT && lacks(t, top, NULL))
        return false;
    if (top->kind != WRAPPER || top->field == NULL)
        if (top->kind != WRAPPED)
            xml_close(&t->out);
    return true;
}

static bool begin(struct twin *t, const struct token *token)
{
    struct twin_level *top = t->depth > 0 ? &t->levels[t->depth - 1] : NULL;
    bool object = token->kind == TOKEN_OBJECT;
    const struct cmi_field *field = t->key;

    if (top == NULL) {
        xml_open(&t->out, object ? t->shape->name : t->shape->plural);
        return push(t, object ? OBJECT : COLLECTION, t->shape, NULL);
    }
    if (top->kind == COLLECTION || top->kind == LIST || top->kind == WRAPPED) {
        if (!object)
            return false;
        xml_open(&t->out, top->kind == COLLECTION ? top->shape->name : top->field->item);
        return push(t, OBJECT, top->shape, NULL);
    }
    t->key = NULL;
    if (field == NULL) {
        t->skipping = 1;
        return true;
    }
    if (top->kind == WRAPPER) {
        return !object && push(t, WRAPPED, field->shape, field);
    }
    if (field->type != CMI_OBJECT && field->type != CMI_LIST)
        return false;
    if (field->type == CMI_OBJECT && !object)
        return false;
    if (field->type == CMI_LIST && object && (field->use & CMI_WRAPPED) == 0)
        return false; /* refused in JSON; in XML it would be the list itself */
    xml_open(&t->out, field->name);
    if (field->type == CMI_OBJECT)
        return push(t, OBJECT, field->shape, field);
    return push(t, object ? WRAPPER : LIST, field->shape, field);
}

/* Of an answer: is it a property that is shown, after the one before in the documented order, and
 * was none left out that must be there? */
static bool take_key(struct twin *t, struct twin_level *top, struct view key)
{
    t->key = cmi_field_find(top->shape, key.p, key.n);
    if (t->uses == 0)
        return true;
    if (t->key == NULL || (t->key->use & t->uses) == 0 || t->key <= top->last ||
        lacks(t, top, t->key))
        return false;
    top->last = t->key;
    return view_is(key, t->key->name);
}

static bool take(void *ctx, const struct token *token, struct fault *f)
{
    struct twin *t = ctx;
    struct twin_level *top = t->depth > 0 ? &t->levels[t->depth - 1] : NULL;
    bool opens = token->kind == TOKEN_OBJECT || token->kind == TOKEN_ARRAY;
    bool closes = token->kind == TOKEN_OBJECT_END || token->kind == TOKEN_ARRAY_END;
    bool ok = true;

    if (t->skipping > 0) {
        t->skipping += opens;
        t->skipping -= closes;
        return true;
    }
    if (token->kind == TOKEN_KEY && top->kind == WRAPPER)
        t->key = view_is(token->text, top->field->item) ? top->field : NULL;
    else if (token->kind == TOKEN_KEY)
        ok = take_key(t, top, token->text);
    else if (opens)
        ok = begin(t, token);
    else if (closes && top->kind == WRAPPER) {
        xml_close(&t->out);
        t->depth--;
    } else if (closes)
        ok = take_end(t);
    else if (top == NULL || top->kind != OBJECT)
        ok = t->key == NULL && top != NULL && top->kind == WRAPPER;
    else
        ok = take_scalar(t, token);
    return ok || fault_set(f, FAULT_REJECT, "XML can't say that");
}

static bool twin_of(struct view json, const struct cmi_shape *shape, unsigned uses, struct buf *to)
{
    struct twin t = {.shape = shape, .uses = uses};
    struct fault f = {0};

    xml_out_init(&t.out, to);
    return json_in_read(json, (struct token_sink){take, &t}, &f) && !to->full;
}

bool xml_twin_of(struct view json, const struct cmi_shape *shape, struct buf *to)
{
    return twin_of(json, shape, 0, to);
}

bool xml_twin_of_answer(struct view json, const struct cmi_shape *shape, struct buf *to)
{
    return twin_of(json, shape, json.n > 0 && json.p[0] == '[' ? CMI_LISTED : CMI_SINGLE, to);
}

const struct cmi_shape *xml_twin_shape(const char *path)
{
    const char *rest = path[0] == '/' ? path + 1 : path;
    size_t n = strcspn(rest, "/?");

    if (strstr(path, "/remarks") != NULL)
        return NULL;
    if (strstr(path, "/listenLog") != NULL)
        return &cmi_listen_log;
    for (size_t i = 0; cmi_shapes[i] != NULL; i++)
        if (strlen(cmi_shapes[i]->plural) == n && strncmp(cmi_shapes[i]->plural, rest, n) == 0)
            return cmi_shapes[i];
    return NULL;
}

#define JSON_TYPE "Content-Type: application/json\r\n"
#define XML_TYPE  "Content-Type: application/xml\r\n"

bool xml_twin_instead(const char *path, const char *headers, const char *body, struct buf *xml)
{
    const struct cmi_shape *shape = xml_twin_shape(path);

    return getenv("CMIBRIDGE_RIG_XML") != NULL && body != NULL && shape != NULL &&
           strstr(headers, JSON_TYPE) != NULL && xml_twin_of(view_of(body), shape, xml);
}

struct probe_reply xml_twin_ask(unsigned port, const char *method, const char *target,
                                const char *path, const char *headers, const char *body)
{
    struct probe_reply r;
    struct buf xml;
    struct buf other;

    buf_init(&xml, (size_t)64 << 20);
    buf_init(&other, 2048);
    if (xml_twin_instead(path, headers, body, &xml)) {
        const char *type = strstr(headers, JSON_TYPE);

        buf_printf(&other, "%.*s" XML_TYPE "%s", (int)(type - headers), headers,
                   type + strlen(JSON_TYPE));
        headers = buf_text(&other);
        body = buf_text(&xml);
    }
    r = probe_ask(port, method, target, headers, body);
    buf_done(&xml);
    buf_done(&other);
    return r;
}

/* Takes out what stands in elements of durations. */
static void forget_durations(struct buf *xml)
{
    static const char *const names[] = {"<totalDuration>", "<waitingDuration>",
                                        "<handlingDuration>", "<wrapUpTotalDuration>"};
    size_t to = 0;
    size_t i = 0;

    while (i < xml->n) {
        for (size_t k = 0; xml->p[i] == '<' && k < 4; k++) {
            size_t n = strlen(names[k]);

            if (xml->n - i < n || memcmp(xml->p + i, names[k], n) != 0)
                continue;
            memmove(xml->p + to, xml->p + i, n);
            to += n;
            i += n;
            while (i < xml->n && xml->p[i] != '<')
                i++;
        }
        xml->p[to++] = xml->p[i++];
    }
    xml->n = to;
}

void xml_twin_check(unsigned port, const char *target, const char *path, const char *headers,
                    struct view json)
{
    const struct cmi_shape *shape = xml_twin_shape(path);
    char all[2048];
    struct probe_reply r;
    struct buf twin;
    struct buf xml;
    size_t at = 0;

    if (shape == NULL)
        return;
    assert_true(snprintf(all, sizeof all, "%sAccept: application/xml\r\n", headers) <
                (int)sizeof all);
    r = probe_ask(port, "GET", target, all, NULL);
    if (r.status != 200 || strcmp(probe_header(&r, "Content-Type"), "application/xml") != 0)
        fail_msg("GET %s in XML: %d %.*s", target, r.status, VIEW_ARG(r.body));
    buf_init(&twin, (size_t)128 << 20);
    buf_init(&xml, (size_t)128 << 20);
    if (!xml_twin_of_answer(json, shape, &twin))
        fail_msg(
            "GET %s: a property is unknown, missing, not in its place, or of another type: %.*s",
            target, VIEW_ARG(json));
    buf_put(&xml, r.body);
    forget_durations(&twin);
    forget_durations(&xml);
    while (at < xml.n && at < twin.n && xml.p[at] == twin.p[at])
        at++;
    if (at < xml.n || at < twin.n)
        fail_msg("GET %s in XML differs at byte %zu:\n…%.120s\nnot\n…%.120s", target, at,
                 buf_text(&xml) + (at > 40 ? at - 40 : 0),
                 buf_text(&twin) + (at > 40 ? at - 40 : 0));
    buf_done(&twin);
    buf_done(&xml);
    probe_done(&r);
}
