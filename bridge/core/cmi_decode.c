#include "bridge/core/cmi_decode.h"

#include "bridge/core/datetime.h"
#include "bridge/core/json_number.h"
#include "bridge/core/mask.h"
#include "bridge/core/utf8.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define PART_MAX    160 /* bytes of a field's path, or of its words, in a sentence, with the NUL */
#define QUOTE_MAX   48  /* bytes of a value quoted in a sentence, with the NUL */
#define LONG_NUMBER 1000000 /* as long as a phone number is at least */
#define WORD_MAX    40      /* bytes of a value that a sentence quotes */

enum level_state {
    IN_OBJECT,
    IN_LIST,
    IN_WRAPPER,      /* {"item": … around a list */
    IN_WRAPPED_LIST, /* … [ in it */
};

static struct cmi_decode_level *top(struct cmi_decode *d)
{
    return &d->levels[d->depth - 1];
}

static uint64_t bit_of(const struct cmi_shape *shape, const struct cmi_field *field)
{
    return (uint64_t)1 << (field - shape->fields);
}

/* Sentences. */

struct part {
    char text[PART_MAX];
    size_t n;
};

static void part_add(struct part *p, const char *text)
{
    size_t n = strlen(text);

    if (n > sizeof p->text - 1 - p->n)
        n = sizeof p->text - 1 - p->n;
    memcpy(p->text + p->n, text, n);
    p->n += n;
    p->text[p->n] = '\0';
}

static void path_name(struct part *p, const char *name)
{
    if (p->n > 0)
        part_add(p, ".");
    part_add(p, name);
}

/* "destinations[3].address": where the reading stands, and `name` (may be NULL) in it. */
static const char *path_of(const struct cmi_decode *d, const char *name, struct part *p)
{
    *p = (struct part){.n = 0};
    for (unsigned i = 1; i < d->depth; i++) {
        const struct cmi_decode_level *level = &d->levels[i];
        bool item = level->state == IN_OBJECT && d->levels[i - 1].state != IN_OBJECT;
        char index[32];

        if (!item)
            path_name(p, level->field->name);
        if (level->state == IN_LIST || level->state == IN_WRAPPED_LIST) {
            (void)snprintf(index, sizeof index, "[%zu]", level->index - 1);
            part_add(p, index);
        }
    }
    if (name != NULL)
        path_name(p, name);
    return p->n > 0 ? p->text : "the body";
}

static bool wrong_type(const struct cmi_decode *d, const char *name, const struct token *t,
                       const char *must_be, struct fault *f)
{
    struct part p;

    return fault_set(f, FAULT_REJECT, "%s is %s; it must be %s", path_of(d, name, &p),
                     token_kind_name(t->kind), must_be);
}

/* One word, as a GUID or an enumeration's value is; what is longer may be a text that got into the
 * wrong field. */
static bool is_word(struct view value)
{
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] <= ' ' || value.p[i] > '~')
            return false;
    return value.n <= WORD_MAX;
}

/* "'GONE'", masked; of a private field, and of what is no word, only how long it is (D11). */
static const char *quote(const struct cmi_field *field, struct view value, char out[MASK_TEXT_MAX])
{
    if ((field->use & CMI_PRIVATE) != 0 || !is_word(value))
        return mask_text(value, out);
    out[0] = '\'';
    (void)mask_sentence(value, out + 1, QUOTE_MAX - 2);
    memcpy(out + strlen(out), "'", 2);
    return out;
}

/* Values. */

static bool check_words(const struct cmi_decode *d, const struct cmi_field *field, struct view text,
                        struct fault *f)
{
    char quoted[MASK_TEXT_MAX];
    struct part words = {.n = 0};
    struct part p;

    for (const char *const *word = cmi_field_words(field, d->use); *word != NULL; word++) {
        if (view_is(text, *word))
            return true;
        part_add(&words, words.n > 0 ? ", " : "");
        part_add(&words, *word);
    }
    return fault_set(f, FAULT_REJECT, "%s is %s; allowed are %s", path_of(d, field->name, &p),
                     quote(field, text, quoted), words.text);
}

static bool check_length(const struct cmi_decode *d, const struct cmi_field *field,
                         struct view text, struct fault *f)
{
    unsigned must = d->use == CMI_POST ? CMI_POST_MUST : d->use == CMI_PUT ? CMI_PUT_MUST : 0;
    struct part p;
    size_t n;

    if (text.n == 0 && (field->use & must) != 0 && (field->use & CMI_EMPTY_OK) == 0)
        return fault_set(f, FAULT_REJECT, "%s is empty; it is required",
                         path_of(d, field->name, &p));
    if (field->bytes > 0 && text.n > field->bytes)
        return fault_set(f, FAULT_REJECT, "%s has %zu bytes; the maximum is %zu",
                         path_of(d, field->name, &p), text.n, field->bytes);
    if (field->max == 0)
        return true;
    n = utf8_count(text);
    if (n > (size_t)field->max)
        return fault_set(f, FAULT_REJECT, "%s has %zu characters; the maximum is %" PRId64,
                         path_of(d, field->name, &p), n, field->max);
    if (n < (size_t)field->min)
        return fault_set(f, FAULT_REJECT, "%s has %zu characters; the minimum is %" PRId64,
                         path_of(d, field->name, &p), n, field->min);
    return true;
}

static bool read_string(const struct cmi_decode *d, const struct cmi_field *field,
                        const struct token *t, struct cmi_value *v, struct fault *f)
{
    struct part p;

    v->text = t->text;
    if (field->words != NULL)
        return check_words(d, field, t->text, f);
    return check_length(d, field, t->text, f) &&
           (!view_has(t->text, '\0') ||
            fault_set(f, FAULT_REJECT, "%s holds the character U+0000, which no text may",
                      path_of(d, field->name, &p)));
}

static bool read_guid(struct cmi_decode *d, const struct cmi_field *field, const struct token *t,
                      struct cmi_value *v, struct fault *f)
{
    bool may_name = d->use == CMI_INGEST && (field->use & CMI_NAMES) != 0;
    char quoted[MASK_TEXT_MAX];
    struct part p;
    struct guid g;

    v->text = t->text;
    if (guid_parse(t->text, &g)) {
        if (field->max == 0) {
            guid_hex(&g, d->guid);
            v->text = view_of(d->guid);
        }
        return true;
    }
    if (may_name && t->text.n > 0 && t->text.n <= CMI_NAME_MAX && !view_has(t->text, '\0')) {
        v->named = true;
        return true;
    }
    return fault_set(f, FAULT_REJECT, "%s is %s; it must be %s", path_of(d, field->name, &p),
                     quote(field, t->text, quoted),
                     may_name ? "a GUID, or a name of at most 256 bytes"
                              : "a GUID: 32 hex digits, or 36 characters with hyphens");
}

static bool integer_of(const struct cmi_decode *d, const struct cmi_field *field,
                       const struct token *t, int64_t *integer, struct fault *f)
{
    char quoted[QUOTE_MAX];
    struct part p;

    *integer = t->integer;
    return t->kind != TOKEN_NUMBER || json_number_integer(t->text, integer) ||
           fault_set(f, FAULT_REJECT, "%s is %s; it must be an integer of at most 64 bits",
                     path_of(d, field->name, &p), mask_sentence(t->text, quoted, sizeof quoted));
}

/* Of one as long as a phone number the end only. */
static const char *shown_integer(int64_t n, char out[QUOTE_MAX])
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, n);
    if (n > -LONG_NUMBER && n < LONG_NUMBER)
        view_copy(view_of(text), out, QUOTE_MAX);
    else
        (void)mask_sentence(view_of(text), out, QUOTE_MAX);
    return out;
}

static bool read_integer(const struct cmi_decode *d, const struct cmi_field *field,
                         const struct token *t, struct cmi_value *v, struct fault *f)
{
    char shown[QUOTE_MAX];
    struct part p;

    v->text = t->text;
    if (!integer_of(d, field, t, &v->integer, f))
        return false;
    if (v->integer > field->max)
        return fault_set(f, FAULT_REJECT, "%s is %s; the maximum is %" PRId64,
                         path_of(d, field->name, &p), shown_integer(v->integer, shown), field->max);
    if (v->integer < field->min)
        return fault_set(f, FAULT_REJECT, "%s is %s; the minimum is %" PRId64,
                         path_of(d, field->name, &p), shown_integer(v->integer, shown), field->min);
    return true;
}

static bool read_time(const struct cmi_decode *d, const struct cmi_field *field,
                      const struct token *t, struct cmi_value *v, struct fault *f)
{
    struct part p;

    v->text = t->text;
    return datetime_parse_finer(t->text, &v->time_ms, &v->time_ns, f) ||
           fault_add(f, "%s", path_of(d, field->name, &p));
}

/* Is the token a value of the field's type, or the begin of one? */
static bool check_type(const struct cmi_decode *d, const struct cmi_field *field,
                       const struct token *t, struct fault *f)
{
    bool string = t->kind == TOKEN_STRING;
    bool number = t->kind == TOKEN_INTEGER || t->kind == TOKEN_NUMBER;
    bool object = t->kind == TOKEN_OBJECT;
    bool array = t->kind == TOKEN_ARRAY || (object && (field->use & CMI_WRAPPED) != 0);

    switch (field->type) {
    case CMI_STRING:
    case CMI_GUID:
        return string || wrong_type(d, field->name, t, "a string", f);
    case CMI_TIME:
        return string || wrong_type(d, field->name, t, "a string that holds a time", f);
    case CMI_INTEGER:
        return number || wrong_type(d, field->name, t, "an integer", f);
    case CMI_NUMBER:
        return number || wrong_type(d, field->name, t, "a number", f);
    case CMI_BOOL:
        return t->kind == TOKEN_BOOL || wrong_type(d, field->name, t, "true or false", f);
    case CMI_OBJECT:
        return object || wrong_type(d, field->name, t, "an object", f);
    case CMI_LIST:
        return array || wrong_type(d, field->name, t, "an array", f);
    }
    return fault_set(f, FAULT_BUG, "%s has a type that is none", field->name);
}

/* One scalar of its type, as its row says. */
static bool read_scalar(struct cmi_decode *d, const struct cmi_field *field, const struct token *t,
                        struct cmi_value *v, struct fault *f)
{
    struct part p;

    if (t->kind == TOKEN_STRING && t->text.n > CMI_SCALAR_MAX)
        return fault_set(f, FAULT_REJECT, "%s has %zu bytes; the maximum is %d",
                         path_of(d, field->name, &p), t->text.n, CMI_SCALAR_MAX);
    switch (field->type) {
    case CMI_STRING:
        return read_string(d, field, t, v, f);
    case CMI_GUID:
        return read_guid(d, field, t, v, f);
    case CMI_TIME:
        return read_time(d, field, t, v, f);
    case CMI_INTEGER:
        return read_integer(d, field, t, v, f);
    case CMI_NUMBER:
        v->text = t->text;
        return true;
    case CMI_BOOL:
        v->boolean = t->boolean;
        return true;
    case CMI_OBJECT:
    case CMI_LIST:
        break;
    }
    return fault_set(f, FAULT_BUG, "%s is no scalar", field->name);
}

/* Levels. */

static void push(struct cmi_decode *d, const struct cmi_field *field, enum level_state state)
{
    assert(d->depth < CMI_DECODE_DEPTH && "CMI_DECODE_DEPTH has room for every row of the table");
    d->levels[d->depth++] = (struct cmi_decode_level){
        .shape = field->shape, .field = field, .state = (unsigned char)state};
}

static bool begin_object(struct cmi_decode *d, const struct cmi_field *field, size_t index,
                         struct fault *f)
{
    push(d, field, IN_OBJECT);
    return d->visitor.begin == NULL || d->visitor.begin(d->visitor.ctx, field, index, f);
}

/* What must be there at the end of an object. */
static bool check_missing(const struct cmi_decode *d, struct fault *f)
{
    const struct cmi_decode_level *level = &d->levels[d->depth - 1];
    unsigned must = d->use == CMI_POST  ? CMI_POST_MUST
                    : d->use == CMI_PUT ? CMI_PUT_MUST
                                        : CMI_INGEST_MUST;
    struct part p;

    for (size_t i = 0; i < level->shape->field_count; i++) {
        const struct cmi_field *field = &level->shape->fields[i];
        uint64_t bit = bit_of(level->shape, field);

        if ((field->use & must) == 0 || (level->filled & bit) != 0)
            continue;
        return fault_set(f, FAULT_REJECT,
                         (level->given & bit) != 0 ? "%s is null; it is required" : "%s is missing",
                         path_of(d, field->name, &p));
    }
    return true;
}

static bool end_object(struct cmi_decode *d, struct fault *f)
{
    const struct cmi_field *field = top(d)->field;

    if (!check_missing(d, f))
        return false;
    d->depth--;
    if (d->depth == 0) {
        d->finished = true;
        return true;
    }
    return d->visitor.end == NULL || d->visitor.end(d->visitor.ctx, field, f);
}

static bool end_list(struct cmi_decode *d, struct fault *f)
{
    const struct cmi_field *field = top(d)->field;
    size_t count = top(d)->index;
    struct part p;

    d->depth--;
    if (count < (size_t)field->min)
        return fault_set(f, FAULT_REJECT, "%s has %zu entries; the minimum is %" PRId64,
                         path_of(d, field->name, &p), count, field->min);
    return d->visitor.list == NULL || d->visitor.list(d->visitor.ctx, field, count, f);
}

/* The value of a known field that has the use. */
static bool take_value(struct cmi_decode *d, const struct token *t, struct fault *f)
{
    struct cmi_decode_level *level = top(d);
    const struct cmi_field *field = level->key;
    struct cmi_value v = {.null = t->kind == TOKEN_NULL};

    level->key = NULL;
    if (v.null && d->use != CMI_INGEST)
        return true;
    if (!v.null && !check_type(d, field, t, f))
        return false;
    if (!v.null)
        level->filled |= bit_of(level->shape, field);
    if (field->type == CMI_OBJECT && !v.null)
        return begin_object(d, field, 0, f);
    if (field->type == CMI_LIST && !v.null) {
        push(d, field, t->kind == TOKEN_ARRAY ? IN_LIST : IN_WRAPPER);
        return true;
    }
    if (!v.null && !read_scalar(d, field, t, &v, f))
        return false;
    return d->visitor.value == NULL || d->visitor.value(d->visitor.ctx, field, &v, f);
}

/* A value that nobody reads. */
static bool skip_value(struct cmi_decode *d, const struct token *t)
{
    if (t->kind == TOKEN_OBJECT || t->kind == TOKEN_ARRAY)
        d->skipping++;
    else if (t->kind == TOKEN_OBJECT_END || t->kind == TOKEN_ARRAY_END)
        d->skipping--;
    return true;
}

/* The value of a known field that has not the use. */
static bool pass_value(struct cmi_decode *d, const struct token *t, struct fault *f)
{
    const struct cmi_field *field = top(d)->key;
    int64_t integer;

    top(d)->key = NULL;
    if (t->kind == TOKEN_NULL)
        return true;
    return check_type(d, field, t, f) &&
           (field->type != CMI_INTEGER || integer_of(d, field, t, &integer, f)) && skip_value(d, t);
}

static bool take_unknown(struct cmi_decode *d, struct view key, struct fault *f)
{
    struct part p;

    return keys_once_add(&d->keys, key, f) || fault_add(f, "%s", path_of(d, NULL, &p));
}

static bool take_key(struct cmi_decode *d, struct view key, struct fault *f)
{
    struct cmi_decode_level *level = top(d);
    const struct cmi_field *field = cmi_field_find(level->shape, key.p, key.n);
    struct part p;

    level->key = NULL;
    if (field == NULL)
        return take_unknown(d, key, f);
    if ((level->given & bit_of(level->shape, field)) != 0)
        return fault_set(f, FAULT_REJECT, "%s is given twice", path_of(d, field->name, &p));
    level->given |= bit_of(level->shape, field);
    level->unread = (field->use & (unsigned)d->use) == 0;
    if (!level->unread || (d->use != CMI_INGEST && (field->use & CMI_ANYHOW) == 0))
        level->key = field;
    return true;
}

static bool in_object(struct cmi_decode *d, const struct token *t, struct fault *f)
{
    if (t->kind == TOKEN_KEY)
        return take_key(d, t->text, f);
    if (t->kind == TOKEN_OBJECT_END)
        return end_object(d, f);
    if (top(d)->key == NULL)
        return skip_value(d, t);
    return top(d)->unread ? pass_value(d, t, f) : take_value(d, t, f);
}

static bool in_list(struct cmi_decode *d, const struct token *t, struct fault *f)
{
    struct cmi_decode_level *level = top(d);

    if (t->kind == TOKEN_ARRAY_END) {
        if (level->state == IN_LIST)
            return end_list(d, f);
        level->state = IN_WRAPPER;
        return true;
    }
    level->index++;
    if (t->kind != TOKEN_OBJECT)
        return wrong_type(d, NULL, t, "an object", f);
    return begin_object(d, level->field, level->index - 1, f);
}

static bool in_wrapper(struct cmi_decode *d, const struct token *t, struct fault *f)
{
    struct cmi_decode_level *level = top(d);
    const char *item = level->field->item;
    struct part p;

    if (t->kind == TOKEN_OBJECT_END)
        return end_list(d, f);
    if (t->kind == TOKEN_KEY) {
        level->key = view_is(t->text, item) ? level->field : NULL;
        if (level->key != NULL && level->given != 0)
            return fault_set(f, FAULT_REJECT, "%s is given twice", path_of(d, item, &p));
        level->given |= level->key != NULL;
        return level->key != NULL || take_unknown(d, t->text, f);
    }
    if (level->key == NULL)
        return skip_value(d, t);
    level->key = NULL;
    if (t->kind == TOKEN_NULL)
        return true;
    if (t->kind != TOKEN_ARRAY)
        return wrong_type(d, item, t, "an array", f);
    level->state = IN_WRAPPED_LIST;
    return true;
}

static bool take(void *ctx, const struct token *t, struct fault *f)
{
    struct cmi_decode *d = ctx;

    if (t->kind == TOKEN_OBJECT)
        keys_once_begin(&d->keys);
    else if (t->kind == TOKEN_OBJECT_END)
        keys_once_end(&d->keys);
    if (d->skipping > 0)
        return t->kind == TOKEN_KEY ? take_unknown(d, t->text, f) : skip_value(d, t);
    if (d->depth == 0) {
        assert(!d->finished && "a reader gives one value");
        if (t->kind != TOKEN_OBJECT)
            return wrong_type(d, NULL, t, "an object", f);
        d->levels[d->depth++] = (struct cmi_decode_level){.shape = d->shape, .state = IN_OBJECT};
        return true;
    }
    switch ((enum level_state)top(d)->state) {
    case IN_OBJECT:
        return in_object(d, t, f);
    case IN_LIST:
    case IN_WRAPPED_LIST:
        return in_list(d, t, f);
    case IN_WRAPPER:
        return in_wrapper(d, t, f);
    }
    return fault_set(f, FAULT_BUG, "the decoder is in no state");
}

void cmi_decode_init(struct cmi_decode *d, const struct cmi_shape *shape, enum cmi_use use,
                     struct cmi_visitor visitor)
{
    assert(shape->field_count <= CMI_FIELDS_MAX);
    assert(use == CMI_POST || use == CMI_PUT || use == CMI_INGEST);
    memset(d, 0, offsetof(struct cmi_decode, keys));
    keys_once_init(&d->keys);
    d->shape = shape;
    d->use = use;
    d->visitor = visitor;
}

struct token_sink cmi_decode_sink(struct cmi_decode *d)
{
    return (struct token_sink){take, d};
}

bool cmi_decode_end(const struct cmi_decode *d, struct fault *f)
{
    return d->finished || fault_set(f, FAULT_REJECT, "the body ends early");
}
