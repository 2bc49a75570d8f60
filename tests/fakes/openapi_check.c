#include "tests/fakes/openapi_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "bridge/core/percent.h"
#include "bridge/core/utf8.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

#define BASE         "/RI/cmi"
#define SEGMENT_MAX  512
#define WRONG_MAX    1024
#define PATTERNS_MAX 16
#define FILE_MAX     (4 << 20)
#define DATE_TIME    "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z$"

/* Where in an answer something is: of a property or item, behind what it is in. It becomes text
 * only where something is wrong: a list may have thousands. */
struct place {
    const struct place *up; /* NULL: the answer itself */
    const char *name;       /* "title"; of an answer "GET /chats 200: "; NULL: an item */
    size_t index;
};

/* What is wrong with the answer that is being looked at, the first only; "" for nothing. */
static char found[WRONG_MAX];

/* "GET /chats 200: .3.title" */
static void put_place(const struct place *p, struct buf *to)
{
    if (p->up != NULL) {
        put_place(p->up, to);
        buf_put_char(to, '.');
    }
    if (p->name != NULL)
        buf_put_text(to, p->name);
    else
        buf_printf(to, "%zu", p->index);
}

static void wrong(const struct place *p, const char *why)
{
    struct buf text;

    if (found[0] != '\0')
        return;
    buf_init(&text, sizeof found - 1);
    put_place(p, &text);
    snprintf(found, sizeof found, "%.*s: %s", VIEW_ARG(buf_view(&text)), why);
    buf_done(&text);
}

static struct place inside(const struct place *p, const char *name)
{
    return (struct place){.up = p, .name = name};
}

static struct place item(const struct place *p, size_t i)
{
    return (struct place){.up = p, .index = i};
}

/* ---- the description ---- */

static yajl_val get(yajl_val object, const char *key)
{
    for (size_t i = 0; YAJL_IS_OBJECT(object) && i < object->u.object.len; i++)
        if (strcmp(object->u.object.keys[i], key) == 0)
            return object->u.object.values[i];
    return NULL;
}

/* Of the description, where a string must be. */
static const char *text_of(yajl_val v)
{
    const char *text = YAJL_GET_STRING(v);

    assert_non_null(text);
    return text != NULL ? text : "";
}

static yajl_val description(void)
{
    static yajl_val document;
    const char *source = getenv("CMIBRIDGE_SOURCE");
    char path[1024];
    char error[256];
    char *text;
    size_t n;
    FILE *file;

    if (document != NULL)
        return document;
    snprintf(path, sizeof path, "%s/docs/openapi.json", source != NULL ? source : ".");
    file = fopen(path, "r");
    if (file == NULL)
        fail_msg("%s can't be read", path);
    text = mem_zeroed(FILE_MAX, 1);
    n = fread(text, 1, FILE_MAX - 1, file);
    fclose(file);
    text[n] = '\0';
    document = yajl_tree_parse(text, error, sizeof error);
    mem_free(text);
    if (document == NULL)
        fail_msg("%s: %s", path, error);
    return document;
}

/* What `{"$ref": "#/components/schemas/x"}` stands for, else the schema itself. */
static yajl_val resolved(yajl_val schema)
{
    yajl_val reference = get(schema, "$ref");
    yajl_val there;

    if (reference == NULL)
        return schema;
    there =
        get(get(get(description(), "components"), "schemas"), strrchr(text_of(reference), '/') + 1);
    assert_non_null(there);
    return there;
}

/* "callback%73" is "callbacks". */
static bool segment_is(struct view have, struct view want)
{
    char room[SEGMENT_MAX];
    struct view decoded = VIEW_NONE;
    struct fault f;

    return have.n < sizeof room && percent_decode_segment(have, room, &decoded, &f) &&
           view_eq(decoded, want);
}

static bool path_fits(const char *template, struct view path)
{
    struct view pattern = view_of(template);

    if (path.n > 0 && path.p[path.n - 1] == '/')
        return false;
    while (pattern.n > 0 || path.n > 0) {
        struct view want = view_cut(&pattern, '/');
        struct view have = view_cut(&path, '/');

        if (want.n > 0 && want.p[0] == '{' ? have.n == 0 : !segment_is(have, want))
            return false;
    }
    return true;
}

static yajl_val find_path(struct view path)
{
    yajl_val paths = get(description(), "paths");

    for (size_t i = 0; i < paths->u.object.len; i++)
        if (path_fits(paths->u.object.keys[i], path))
            return paths->u.object.values[i];
    return NULL;
}

/* ---- values ---- */

static bool matches(const char *pattern, const char *text)
{
    static struct {
        const char *pattern;
        regex_t compiled;
    } known[PATTERNS_MAX];
    size_t i = 0;

    while (i < PATTERNS_MAX && known[i].pattern != NULL && strcmp(known[i].pattern, pattern) != 0)
        i++;
    if (i == PATTERNS_MAX) {
        fail_msg("there are more than %d patterns", PATTERNS_MAX);
        return false;
    }
    if (known[i].pattern == NULL) {
        assert_int_equal(regcomp(&known[i].compiled, pattern, REG_EXTENDED | REG_NOSUB), 0);
        known[i].pattern = pattern; /* of the description, which stays */
    }
    return regexec(&known[i].compiled, text, 0, NULL, 0) == 0;
}

static bool is_one_of(yajl_val words, const char *text)
{
    for (size_t i = 0; i < words->u.array.len; i++)
        if (strcmp(text_of(words->u.array.values[i]), text) == 0)
            return true;
    return false;
}

static void check_string(yajl_val schema, yajl_val v, const struct place *p)
{
    yajl_val words = get(schema, "enum");
    yajl_val pattern = get(schema, "pattern");
    yajl_val format = get(schema, "format");
    yajl_val least = get(schema, "minLength");
    yajl_val most = get(schema, "maxLength");
    const char *text = YAJL_GET_STRING(v);
    long long n;

    if (text == NULL) {
        wrong(p, "it must be a string");
        return;
    }
    n = (long long)utf8_count(view_of(text));
    if (words != NULL && !is_one_of(words, text))
        wrong(p, "it is not one of the enumeration");
    if (pattern != NULL && !matches(text_of(pattern), text))
        wrong(p, "the pattern");
    if (format != NULL && !matches(DATE_TIME, text))
        wrong(p, "it must be a time");
    if ((least != NULL && n < YAJL_GET_INTEGER(least)) ||
        (most != NULL && n > YAJL_GET_INTEGER(most)))
        wrong(p, "its length");
}

static void check_number(yajl_val schema, yajl_val v, const struct place *p)
{
    yajl_val least = get(schema, "minimum");
    yajl_val most = get(schema, "maximum");

    if (!YAJL_IS_NUMBER(v))
        wrong(p, "it must be a number");
    else if (strcmp(text_of(get(schema, "type")), "integer") == 0 && !YAJL_IS_INTEGER(v))
        wrong(p, "it must be an integer");
    else if ((least != NULL && YAJL_GET_DOUBLE(v) < YAJL_GET_DOUBLE(least)) ||
             (most != NULL && YAJL_GET_DOUBLE(v) > YAJL_GET_DOUBLE(most)))
        wrong(p, "its bounds");
}

static void check_value(yajl_val schema, yajl_val v, const struct place *p);

static void check_object(yajl_val schema, yajl_val v, const struct place *p)
{
    yajl_val properties = get(schema, "properties");
    yajl_val required = get(schema, "required");

    if (!YAJL_IS_OBJECT(v)) {
        wrong(p, "it must be an object");
        return;
    }
    for (size_t i = 0; i < v->u.object.len; i++) {
        struct place q = inside(p, v->u.object.keys[i]);
        yajl_val property = get(properties, v->u.object.keys[i]);

        if (property == NULL)
            wrong(&q, "there is no such property");
        else
            check_value(property, v->u.object.values[i], &q);
    }
    for (size_t i = 0; required != NULL && i < required->u.array.len; i++) {
        const char *name = text_of(required->u.array.values[i]);
        struct place q = inside(p, name);

        if (get(v, name) == NULL)
            wrong(&q, "it is required, and not there");
    }
}

static void check_array(yajl_val schema, yajl_val v, const struct place *p)
{
    if (!YAJL_IS_ARRAY(v)) {
        wrong(p, "it must be an array");
        return;
    }
    for (size_t i = 0; i < v->u.array.len; i++) {
        struct place q = item(p, i);

        check_value(get(schema, "items"), v->u.array.values[i], &q);
    }
}

static void check_value(yajl_val schema, yajl_val v, const struct place *p)
{
    static const struct {
        const char *type;
        void (*check)(yajl_val schema, yajl_val v, const struct place *p);
    } kinds[] = {{"string", check_string},
                 {"integer", check_number},
                 {"number", check_number},
                 {"object", check_object},
                 {"array", check_array}};
    const char *type;

    schema = resolved(schema);
    type = text_of(get(schema, "type")); /* no other kind of schema is used for answers */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(type, kinds[i].type) == 0) {
            kinds[i].check(schema, v, p);
            return;
        }
    assert_string_equal(type, "boolean");
    if (!YAJL_IS_TRUE(v) && !YAJL_IS_FALSE(v))
        wrong(p, "it must be true or false");
}

/* ---- answers ---- */

static void check_json(yajl_val schema, struct view body, const struct place *p)
{
    char error[256];
    char *text;
    yajl_val v;

    if (body.n > OPENAPI_CHECK_BODY_MAX)
        return;
    text = mem_text(body.p, body.n);
    v = yajl_tree_parse(text, error, sizeof error);
    mem_free(text);
    if (v == NULL)
        wrong(p, error);
    else
        check_value(schema, v, p);
    yajl_tree_free(v);
}

static void check_content(yajl_val response, const char *content_type, struct view body,
                          const struct place *p)
{
    yajl_val content = get(response, "content");
    yajl_val media;
    char type[128];

    snprintf(type, sizeof type, "%s", content_type);
    type[strcspn(type, ";")] = '\0';
    if (content == NULL) {
        if (body.n > 0)
            wrong(p, "it must have no body");
        return;
    }
    media = get(content, type);
    if (media == NULL)
        wrong(p, content_type);
    else if (strcmp(type, "application/json") == 0)
        check_json(get(media, "schema"), body, p);
}

/* What the HTTP server answers before anybody knows which operation is meant. */
static bool is_of_http(int status)
{
    return status == 400 || status == 408 || status == 414 || status == 417 || status == 431 ||
           status == 501 || status == 505;
}

static void look(const char *method, const char *target, int status, const char *content_type,
                 struct view body)
{
    bool head = strcmp(method, "HEAD") == 0;
    struct view path = view_of(target);
    struct place p;
    char what[256];
    char name[16];
    char code[16];
    yajl_val operations;
    yajl_val operation;
    yajl_val response;

    if (status == 0 || !view_starts(path, VIEW(BASE "/")))
        return;
    path = view_skip(path, strlen(BASE));
    path = view_cut(&path, '?');
    snprintf(what, sizeof what, "%s %.150s %d: ", method, target, status);
    p = (struct place){.name = what};
    operations = find_path(path);
    snprintf(name, sizeof name, "%s", head ? "get" : method);
    for (char *c = name; *c != '\0'; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    operation = get(operations, name);
    if (operation == NULL || strcmp(method, "OPTIONS") == 0) {
        if (status / 100 == 2 && strcmp(method, "OPTIONS") != 0 && !view_is(path, "/openapi.json"))
            wrong(&p, "there is no such operation");
        return;
    }
    snprintf(code, sizeof code, "%d", status);
    response = get(get(operation, "responses"), code);
    if (response == NULL && !is_of_http(status))
        wrong(&p, "it has no such status");
    if (response != NULL && !head)
        check_content(response, content_type, body, &p);
}

const char *openapi_wrong(const char *method, const char *target, int status,
                          const char *content_type, struct view body)
{
    found[0] = '\0';
    look(method, target, status, content_type, body);
    return found[0] != '\0' ? found : NULL;
}

void openapi_check(const char *method, const char *target, int status, const char *content_type,
                   struct view body)
{
    const char *why = openapi_wrong(method, target, status, content_type, body);

    if (why != NULL)
        fail_msg("docs/openapi.json does not allow it: %s", why);
}
