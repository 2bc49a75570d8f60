#include "bridge/io/xml_in.h"

#include "bridge/core/buf.h"
#include "bridge/core/cmi_decode.h"
#include "bridge/core/json_scan.h"
#include "bridge/core/num.h"
#include "bridge/core/xml_scan.h"

#include <string.h>

#include <libxml/parser.h>

#define PIECE_BYTES   65536
#define XSI_NAMESPACE "http://www.w3.org/2001/XMLSchema-instance"

enum level_kind { IN_COLLECTION, IN_OBJECT, IN_LIST, IN_SCALAR };

struct level {
    enum level_kind kind;
    const struct cmi_shape *shape; /* of the object, or of the items */
    const struct cmi_field *field; /* of the list or scalar; NULL at the root */
};

struct xml_in {
    xmlParserCtxtPtr parser;
    const struct cmi_shape *shape;
    struct token_sink to;
    struct level levels[XML_SCAN_DEPTH_MAX];
    unsigned depth;
    unsigned skipping; /* >0: inside an element that nobody reads, so deep */
    struct buf text;   /* of the scalar that is open */
    int names;         /* of the parser's own */
    struct fault *fault;
    bool stopped; /* fault is filled */
};

static void stop(struct xml_in *in)
{
    in->stopped = true;
    xmlStopParser(in->parser);
}

static void give(struct xml_in *in, struct token t)
{
    if (!in->stopped && !in->to.take(in->to.ctx, &t, in->fault))
        stop(in);
}

static void give_kind(struct xml_in *in, enum token_kind kind)
{
    give(in, (struct token){.kind = kind});
}

static void give_text(struct xml_in *in, enum token_kind kind, struct view text)
{
    give(in, (struct token){.kind = kind, .text = text});
}

static const char *name_of(const struct level *level)
{
    return level->field != NULL ? level->field->name : level->shape->name;
}

static void push(struct xml_in *in, enum level_kind kind, const struct cmi_shape *shape,
                 const struct cmi_field *field)
{
    if (in->stopped)
        return;
    if (in->depth ==
        XML_SCAN_DEPTH_MAX) { /* xml_scan has seen to it that it does not come to this */
        fault_set(in->fault, FAULT_REJECT, "elements are nested deeper than %d",
                  XML_SCAN_DEPTH_MAX);
        stop(in);
        return;
    }
    in->levels[in->depth++] = (struct level){kind, shape, field};
}

/* ---- scalars ---- */

static struct view without_space(struct view v)
{
    while (v.n > 0 && strchr(" \t\r\n", v.p[0]) != NULL)
        v = view_skip(v, 1);
    while (v.n > 0 && strchr(" \t\r\n", v.p[v.n - 1]) != NULL)
        v.n--;
    return v;
}

static void give_number(struct xml_in *in, struct view text)
{
    struct token t = {.kind = TOKEN_INTEGER, .text = text};
    struct fault ignored;
    bool number = text.n > 0 && (text.p[0] == '-' || (text.p[0] >= '0' && text.p[0] <= '9')) &&
                  json_scan_all(text, &ignored);

    if (!number)
        t.kind = TOKEN_STRING;
    else if (!num_int(text, &t.integer))
        t.kind = TOKEN_NUMBER;
    give(in, t);
}

static void give_bool(struct xml_in *in, struct view text)
{
    bool yes = view_is(text, "true");

    if (yes || view_is(text, "false"))
        give(in, (struct token){.kind = TOKEN_BOOL, .boolean = yes});
    else
        give_text(in, TOKEN_STRING, text);
}

static void give_scalar(struct xml_in *in, const struct cmi_field *field)
{
    struct view text = buf_view(&in->text);

    switch (field->type) {
    case CMI_STRING:
        give_text(in, TOKEN_STRING, field->words != NULL ? without_space(text) : text);
        return;
    case CMI_GUID:
    case CMI_TIME:
        give_text(in, TOKEN_STRING, without_space(text));
        return;
    case CMI_INTEGER:
    case CMI_NUMBER:
        give_number(in, without_space(text));
        return;
    case CMI_BOOL:
        give_bool(in, without_space(text));
        return;
    case CMI_OBJECT:
    case CMI_LIST:
        return;
    }
}

/* ---- elements ---- */

static void begin_root(struct xml_in *in, const char *name)
{
    if (strcmp(name, in->shape->name) == 0) {
        push(in, IN_OBJECT, in->shape, NULL);
        give_kind(in, TOKEN_OBJECT);
    } else if (in->shape->plural != NULL && strcmp(name, in->shape->plural) == 0) {
        push(in, IN_COLLECTION, in->shape, NULL);
        give_kind(in, TOKEN_ARRAY);
    } else {
        fault_set(in->fault, FAULT_REJECT, "the root element must be <%s>", in->shape->name);
        stop(in);
    }
}

static void begin_property(struct xml_in *in, const struct cmi_field *field, bool nil)
{
    give_text(in, TOKEN_KEY, view_of(field->name));
    if (nil) {
        give_kind(in, TOKEN_NULL);
        in->skipping = 1;
    } else if (field->type == CMI_OBJECT) {
        push(in, IN_OBJECT, field->shape, field);
        give_kind(in, TOKEN_OBJECT);
    } else if (field->type == CMI_LIST) {
        push(in, IN_LIST, field->shape, field);
        give_kind(in, TOKEN_ARRAY);
    } else {
        push(in, IN_SCALAR, NULL, field);
        buf_clear(&in->text);
    }
}

static void begin_inner(struct xml_in *in, const char *name, bool has_prefix, bool nil)
{
    const struct level *top = &in->levels[in->depth - 1];
    const struct cmi_field *field = NULL;

    switch (top->kind) {
    case IN_SCALAR:
        fault_set(in->fault, FAULT_REJECT, "%s holds an element; it must hold text", name_of(top));
        stop(in);
        return;
    case IN_OBJECT:
        field = has_prefix ? NULL : cmi_field_find(top->shape, name, strlen(name));
        if (field == NULL)
            in->skipping = 1;
        else
            begin_property(in, field, nil);
        return;
    case IN_LIST:
    case IN_COLLECTION:
        if (has_prefix ||
            strcmp(name, top->kind == IN_LIST ? top->field->item : top->shape->name) != 0) {
            in->skipping = 1;
            return;
        }
        push(in, IN_OBJECT, top->shape, NULL);
        give_kind(in, TOKEN_OBJECT);
        return;
    }
}

/* Five pointers an attribute: name, prefix, namespace, begin and end of the value. */
static bool is_nil(int count, const xmlChar **attributes)
{
    for (int i = 0; i < count; i++) {
        const char *const *one = (const char *const *)(const void *)&attributes[5 * i];
        struct view value = {one[3], (size_t)(one[4] - one[3])};

        if (strcmp(one[0], "nil") == 0 && one[2] != NULL && strcmp(one[2], XSI_NAMESPACE) == 0)
            return view_is(value, "true") || view_is(value, "1");
    }
    return false;
}

static void bound_names(struct xml_in *in)
{
    if (in->stopped || xmlDictSize(in->parser->dict) <= in->names + XML_IN_NAMES_MAX)
        return;
    fault_set(in->fault, FAULT_REJECT, "there are more than %d different names in the XML",
              XML_IN_NAMES_MAX);
    stop(in);
}

static void on_begin(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int namespaces, const xmlChar **declared, int count, int defaulted,
                     const xmlChar **attributes)
{
    struct xml_in *in = ctx;

    (void)uri;
    (void)namespaces;
    (void)declared;
    (void)defaulted;
    bound_names(in);
    if (in->stopped)
        return;
    if (in->skipping > 0)
        in->skipping++;
    else if (in->depth == 0)
        begin_root(in, prefix != NULL ? "" : (const char *)name);
    else
        begin_inner(in, (const char *)name, prefix != NULL, is_nil(count, attributes));
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct xml_in *in = ctx;
    struct level top;

    (void)name;
    (void)prefix;
    (void)uri;
    if (in->stopped)
        return;
    if (in->skipping > 0) {
        in->skipping--;
        return;
    }
    top = in->levels[--in->depth];
    if (top.kind == IN_SCALAR)
        give_scalar(in, top.field);
    else
        give_kind(in, top.kind == IN_OBJECT ? TOKEN_OBJECT_END : TOKEN_ARRAY_END);
}

static void on_text(void *ctx, const xmlChar *p, int n)
{
    struct xml_in *in = ctx;
    struct view text = {(const char *)p, (size_t)n};
    const struct level *top = NULL;

    if (in->stopped || in->skipping > 0 || in->depth == 0)
        return;
    top = &in->levels[in->depth - 1];
    if (top->kind == IN_SCALAR) {
        buf_put(&in->text, text);
        if (!in->text.full)
            return;
        fault_set(in->fault, FAULT_REJECT, "%s has more than %d bytes; that is the maximum",
                  name_of(top), CMI_SCALAR_MAX);
        stop(in);
    } else if (without_space(text).n > 0) {
        fault_set(in->fault, FAULT_REJECT, "%s holds text; it must hold elements", name_of(top));
        stop(in);
    }
}

static void on_instruction(void *ctx, const xmlChar *target, const xmlChar *data)
{
    (void)target;
    (void)data;
    bound_names(ctx);
}

/* ---- what is not to be ---- */

/* xml_scan has refused these; a second door, should it ever miss one. */
static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *id, const xmlChar *uri)
{
    struct xml_in *in = ctx;

    (void)name;
    (void)id;
    (void)uri;
    fault_set(in->fault, FAULT_REJECT, "there is a DOCTYPE, which is not allowed");
    stop(in);
}

/* Not libxml2's own sentence: it may quote what somebody wrote (D11). */
static void on_error(void *ctx, xmlErrorPtr error)
{
    struct xml_in *in = ctx;

    if (in->stopped || error->level < XML_ERR_ERROR)
        return;
    fault_set(in->fault, FAULT_REJECT, "the XML is not well-formed, at line %d", error->line);
    stop(in);
}

static void on_start(void *ctx)
{
    struct xml_in *in = ctx;
    const xmlChar *encoding = in->parser->encoding;

    in->names = xmlDictSize(in->parser->dict);
    if (encoding == NULL && in->parser->input != NULL)
        encoding = in->parser->input->encoding; /* one that libxml2 would have to convert */
    if (encoding == NULL || xmlStrcasecmp(encoding, (const xmlChar *)"UTF-8") == 0 ||
        xmlStrcasecmp(encoding, (const xmlChar *)"US-ASCII") == 0)
        return;
    fault_set(in->fault, FAULT_REJECT, "the XML says that it is not in UTF-8; it must be");
    stop(in);
}

/* ---- the whole ---- */

static void parse(struct xml_in *in, struct view bytes)
{
    int code = 0;

    while (bytes.n > 0 && !in->stopped) {
        size_t n = bytes.n < PIECE_BYTES ? bytes.n : PIECE_BYTES;

        code = xmlParseChunk(in->parser, bytes.p, (int)n, 0);
        bytes = view_skip(bytes, n);
    }
    if (!in->stopped)
        code = xmlParseChunk(in->parser, "", 0, 1);
    if (!in->stopped && (code != 0 || in->parser->wellFormed == 0)) {
        fault_set(in->fault, FAULT_REJECT, "the XML is not well-formed");
        in->stopped = true;
    }
}

bool xml_in_read(struct view bytes, const struct cmi_shape *shape, struct token_sink to,
                 struct fault *f)
{
    xmlSAXHandler handler = {.initialized = XML_SAX2_MAGIC,
                             .startDocument = on_start,
                             .internalSubset = on_doctype,
                             .startElementNs = on_begin,
                             .endElementNs = on_end,
                             .characters = on_text,
                             .ignorableWhitespace = on_text,
                             .cdataBlock = on_text,
                             .processingInstruction = on_instruction,
                             .serror = on_error};
    struct xml_in in = {.shape = shape, .to = to, .fault = f};

    if (!xml_scan(bytes, f))
        return false;
    in.parser = xmlCreatePushParserCtxt(&handler, &in, NULL, 0, NULL);
    if (in.parser == NULL)
        return fault_set(f, FAULT_RETRY, "there is no memory for an XML parser");
    xmlCtxtUseOptions(in.parser, XML_PARSE_NONET);
    buf_init(&in.text, CMI_SCALAR_MAX);
    parse(&in, bytes);
    buf_done(&in.text);
    xmlFreeParserCtxt(in.parser);
    return !in.stopped;
}
