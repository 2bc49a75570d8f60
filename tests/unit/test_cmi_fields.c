/* cmi_fields: the table is well made, and every row of it holds: at its limit, and one over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/cmi_decode.h"
#include "bridge/core/cmi_rules.h"
#include "bridge/io/json_in.h"
#include "bridge/io/msgpack_in.h"
#include "bridge/io/xml_in.h"
#include "tests/fakes/cmi_sample.h"
#include "tests/fakes/msgpack_out.h"
#include "tests/fakes/xml_twin.h"

#include <stdio.h>
#include <string.h>

#define BODY_MAX (1 << 20)

typedef void per_field(const struct cmi_shape *root, const struct cmi_field *field, unsigned depth);

static void each_field(const struct cmi_shape *root, const struct cmi_shape *shape, unsigned depth,
                       per_field *call)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        call(root, &shape->fields[i], depth);
        if (shape->fields[i].shape != NULL)
            each_field(root, shape->fields[i].shape, depth + 1, call);
    }
}

static bool same_name_twice(const struct cmi_shape *shape)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const char *name = shape->fields[i].name;

        if (cmi_field_find(shape, name, strlen(name)) != &shape->fields[i])
            return true;
    }
    return false;
}

static void check_row(const struct cmi_shape *root, const struct cmi_field *field, unsigned depth)
{
    bool nested = field->type == CMI_OBJECT || field->type == CMI_LIST;
    bool ok =
        (field->shape != NULL) == nested && (field->item != NULL) == (field->type == CMI_LIST);

    /* Required implies read; only what CMI lacks has no line of the specification. */
    ok = ok && ((field->use & CMI_POST_MUST) == 0 || (field->use & CMI_POST) != 0);
    ok = ok && ((field->use & CMI_PUT_MUST) == 0 || (field->use & CMI_PUT) != 0);
    ok = ok && ((field->use & CMI_INGEST_MUST) == 0 || (field->use & CMI_INGEST) != 0);
    ok = ok && ((field->use & CMI_INGEST_ONLY) == 0) == (field->line > 0);
    ok = ok &&
         ((field->use & CMI_INGEST_ONLY) == 0) == ((field->use & (CMI_LISTED | CMI_SINGLE)) != 0);
    ok = ok && (field->words == NULL || (field->type == CMI_STRING && field->words[0] != NULL));
    ok = ok && (field->max == 0 || field->max >= field->min);
    ok = ok && (depth + 1) * 2 <= CMI_DECODE_DEPTH;
    /* A list in a list row is bounded by min only; an event's own demands say event_types.h. */
    ok = ok && (depth > 0 || (field->use & CMI_INGEST_MUST) == 0);
    if (!ok)
        fail_msg("%s: the row of %s makes no sense", root->name, field->name);
    if (field->shape != NULL && same_name_twice(field->shape))
        fail_msg("%s: a name stands twice in %s", root->name, field->name);
}

static void every_row_makes_sense(void **state)
{
    size_t shapes = 0;

    (void)state;
    for (; cmi_shapes[shapes] != NULL; shapes++) {
        const struct cmi_shape *shape = cmi_shapes[shapes];

        assert_non_null(shape->plural);
        assert_true(shape->field_count <= CMI_FIELDS_MAX);
        assert_false(same_name_twice(shape));
        each_field(shape, shape, 0, check_row);
    }
    assert_int_equal(shapes, 9);
}

static void a_field_is_found_by_either_spelling_and_by_case(void **state)
{
    (void)state;
    assert_ptr_equal(cmi_field_find(&cmi_chat_message, "timeStamp", 9),
                     cmi_field_find(&cmi_chat_message, "timestamp", 9));
    assert_non_null(cmi_field_find(&cmi_message, "maxRetryCount", 13));
    assert_null(cmi_field_find(&cmi_message, "maxretrycount", 13));
    assert_null(cmi_field_find(&cmi_message, "maxRetryCount", 12));
    assert_null(cmi_field_find(&cmi_message, "", 0));
}

/* The generated bodies. */

static bool is_read(const struct cmi_shape *shape, enum cmi_use use)
{
    for (size_t i = 0; i < shape->field_count; i++)
        if ((shape->fields[i].use & (unsigned)use) != 0)
            return true;
    return false;
}

static unsigned said_in_xml;

static bool has_field(const struct cmi_shape *shape, const struct cmi_field *field,
                      enum cmi_use use)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct cmi_field *each = &shape->fields[i];

        if ((each->use & (unsigned)use) == 0)
            continue;
        if (each == field || (each->shape != NULL && has_field(each->shape, field, use)))
            return true;
    }
    return false;
}

/* XML of the same content has the same fate, too, where XML can say it: all texts look alike. */
static void check_xml(struct view json, const struct cmi_shape *shape, const struct cmi_sample *s,
                      bool ok, const struct fault *f)
{
    struct cmi_visitor none = {.ctx = NULL};
    struct fault other = {0};
    struct buf xml;

    buf_init(&xml, 2 * BODY_MAX);
    if (s->twist != TWIST_TYPE && s->twist != TWIST_WRAPPER && xml_twin_of(json, shape, &xml)) {
        if (cmi_body_check_by(xml_in_read, buf_view(&xml), shape, s->use, none, &other) != ok)
            fail_msg("%.*s: %s, not %s", VIEW_ARG(buf_view(&xml)), other.text, f->text);
        if (!ok)
            assert_string_equal(other.text, f->text);
        said_in_xml++;
    }
    buf_done(&xml);
}

static bool check(const struct cmi_shape *shape, const struct cmi_sample *s, struct fault *f)
{
    struct cmi_visitor none = {.ctx = NULL};
    struct msgpack_out packer;
    struct json_out out;
    struct buf packed;
    struct buf json;
    struct fault other = {0};
    bool ok;

    buf_init(&json, BODY_MAX);
    buf_init(&packed, BODY_MAX);
    json_out_init(&out, &json);
    msgpack_out_init(&packer, &packed);
    cmi_sample_write(s, shape, &out);
    ok = cmi_body_check(json_in_read, buf_view(&json), shape, s->use, none, f);
    /* MessagePack of the same content has the same fate, for the same reason. */
    assert_true(json_in_read(buf_view(&json), msgpack_out_sink(&packer), &other));
    assert_int_equal(
        cmi_body_check(msgpack_in_read, buf_view(&packed), shape, s->use, none, &other), ok);
    if (!ok)
        assert_string_equal(other.text, f->text);
    check_xml(buf_view(&json), shape, s, ok, f);
    buf_done(&json);
    buf_done(&packed);
    return ok;
}

static const char *expected_empty(const struct cmi_field *field, bool required)
{
    if (field->type == CMI_LIST)
        return field->min > 0 ? "has 0 entries; the minimum is 1" : NULL;
    if (field->type == CMI_GUID)
        return "; it must be a GUID";
    if (field->words != NULL)
        return "is ''; allowed are ";
    return required && (field->use & CMI_EMPTY_OK) == 0 ? "is empty; it is required" : NULL;
}

/* What must come of the twist: NULL that it passes, else words of the sentence. */
static const char *expected(const struct cmi_field *field, enum cmi_use use, enum cmi_twist twist)
{
    bool must = (field->use & cmi_sample_must(use)) != 0;
    bool body = use != CMI_INGEST;

    switch (twist) {
    case TWIST_LEFT_OUT:
        return must ? "is missing" : NULL;
    case TWIST_NULL:
        return must ? "is null; it is required" : NULL;
    case TWIST_TWICE:
        return "is given twice";
    case TWIST_TYPE:
        return "; it must be ";
    case TWIST_EMPTY:
        return expected_empty(field, must && body);
    case TWIST_BELOW_MIN:
        return field->min == 1 && field->type == CMI_STRING ? "is empty" : "; the minimum is ";
    case TWIST_ABOVE_MAX:
        return field->max == INT64_MAX ? NULL : "; the maximum is ";
    case TWIST_NONSENSE:
        return field->words != NULL         ? "allowed are "
               : field->type == CMI_TIME    ? "is no time"
               : field->type == CMI_INTEGER ? "must be an integer"
                                            : "must be a GUID";
    case TWIST_U0000:
        return field->words != NULL        ? "allowed are "
               : field->type == CMI_STRING ? "holds the character U+0000"
               : field->type == CMI_TIME   ? "is no time"
                                           : "must be a GUID";
    case TWIST_WRAPPER: /* contract 9 */
        return (field->use & CMI_WRAPPED) != 0 ? NULL : " is an object; it must be an array";
    case TWIST_NONE:
    case TWIST_AT_MIN:
    case TWIST_AT_MAX:
    case TWIST_COUNT:
        break;
    }
    return NULL;
}

static unsigned rules_checked;

static void check_twist(const struct cmi_shape *root, const struct cmi_field *field,
                        struct cmi_sample s)
{
    const char *says = expected(field, s.use, s.twist);
    struct fault f = {0};
    bool ok = check(root, &s, &f);

    rules_checked++;
    if (ok != (says == NULL))
        fail_msg("%s.%s, use %x, twist %d: %s", root->name, field->name, (unsigned)s.use,
                 (int)s.twist, ok ? "was taken" : f.text);
    if (ok)
        return;
    if (strstr(f.text, says) == NULL || strstr(f.text, field->name) == NULL)
        fail_msg("%s.%s, use %x, twist %d: '%s' does not say '%s'", root->name, field->name,
                 (unsigned)s.use, (int)s.twist, f.text, says);
    /* A private value is never quoted. */
    if ((field->use & CMI_PRIVATE) != 0)
        assert_null(strstr(f.text, "nonsense"));
}

static void check_rules(const struct cmi_shape *root, const struct cmi_field *field, unsigned depth)
{
    static const enum cmi_use uses[] = {CMI_POST, CMI_PUT, CMI_INGEST};

    (void)depth;
    for (size_t u = 0; u < sizeof uses / sizeof *uses; u++) {
        if (!has_field(root, field, uses[u]))
            continue;
        for (enum cmi_twist twist = TWIST_NONE; twist < TWIST_COUNT; twist++)
            if (cmi_sample_fits(field, twist))
                check_twist(root, field,
                            (struct cmi_sample){.use = uses[u],
                                                .full = true,
                                                .wrapped = depth % 2 == 0,
                                                .target = field,
                                                .twist = twist});
    }
}

static void every_rule_holds_at_its_limit_and_breaks_one_over(void **state)
{
    (void)state;
    for (size_t i = 0; cmi_shapes[i] != NULL; i++)
        each_field(cmi_shapes[i], cmi_shapes[i], 0, check_rules);
    each_field(&cmi_chat_message, &cmi_chat_message, 0, check_rules);
    each_field(&cmi_chat_participant, &cmi_chat_participant, 0, check_rules);
    assert_true(rules_checked > 500);
    assert_true(said_in_xml > 400);
}

/* A body with a value more, for a field that its use does not read. */
static void check_unread(const struct cmi_shape *shape, const struct cmi_field *field,
                         enum cmi_use use, const char *value, bool ok)
{
    struct cmi_sample s = {.use = use};
    struct cmi_visitor none = {.ctx = NULL};
    struct fault f = {0};
    struct json_out out;
    struct buf json;

    buf_init(&json, BODY_MAX);
    json_out_init(&out, &json);
    assert_true(buf_printf(&json, "{\"%s\":%s,", field->name, value));
    cmi_sample_write(&s, shape, &out);
    json.p[strlen(field->name) + strlen(value) + 5] = ' '; /* the sample's own brace */
    if (cmi_body_check(json_in_read, buf_view(&json), shape, use, none, &f) != ok)
        fail_msg("%s, use %x: %s: %s", shape->name, (unsigned)use, buf_text(&json),
                 ok ? f.text : "was taken");
    if (!ok && (strstr(f.text, field->name) != f.text || strstr(f.text, "; it must be ") == NULL))
        fail_msg("%s.%s: %s", shape->name, field->name, f.text);
    buf_done(&json);
}

/* Contract 7: known, ignored, of the wrong type: refused, but for what may be anything. */
static void what_is_not_read_must_be_of_its_type(void **state)
{
    static const enum cmi_use uses[] = {CMI_POST, CMI_PUT};
    unsigned checked = 0;

    (void)state;
    for (size_t i = 0; cmi_shapes[i] != NULL; i++)
        for (size_t u = 0; u < 2; u++)
            for (size_t n = 0; is_read(cmi_shapes[i], uses[u]) && n < cmi_shapes[i]->field_count;
                 n++) {
                const struct cmi_field *field = &cmi_shapes[i]->fields[n];
                bool anyhow = (field->use & CMI_ANYHOW) != 0;

                if ((field->use & (unsigned)uses[u]) != 0)
                    continue;
                assert_int_equal(anyhow, strcmp(field->name, "id") == 0);
                check_unread(cmi_shapes[i], field, uses[u], "[[7]]", anyhow);
                check_unread(cmi_shapes[i], field, uses[u], "true", anyhow);
                check_unread(cmi_shapes[i], field, uses[u], "null", true);
                checked++;
            }
    assert_true(checked > 20);
}

static void the_least_and_the_fullest_body_pass_wrapped_or_not(void **state)
{
    static const enum cmi_use uses[] = {CMI_POST, CMI_PUT, CMI_INGEST};
    size_t bodies = 0;

    (void)state;
    for (size_t i = 0; cmi_shapes[i] != NULL; i++)
        for (size_t u = 0; u < sizeof uses / sizeof *uses; u++)
            for (int way = 0; way < 4; way++) {
                struct cmi_sample s = {
                    .use = uses[u], .full = (way & 1) != 0, .wrapped = (way & 2) != 0};
                struct fault f = {0};

                if (!is_read(cmi_shapes[i], uses[u]))
                    continue;
                if (!check(cmi_shapes[i], &s, &f))
                    fail_msg("%s: %s", cmi_shapes[i]->name, f.text);
                bodies++;
            }
    assert_int_equal(bodies, 4 * (5 + 2 + 4)); /* POST, PUT, ingest */
}

/* A pattern is tried on them, row by row, and no call of that is broken off. */
static void what_patterns_are_tried_on_is_short(void **state)
{
    unsigned texts = 0;

    (void)state;
    for (size_t i = 0; i < cmi_contact.field_count; i++) {
        const struct cmi_field *field = &cmi_contact.fields[i];

        if (field->type != CMI_STRING || field->words != NULL ||
            strcmp(field->name, "subject") == 0)
            continue;
        if (field->bytes == 0 || field->bytes > CMI_SHORT_MAX)
            fail_msg("%s has no bound", field->name);
        texts++;
    }
    assert_int_equal(texts, 7);
}

/* In a write as in an event of each kind that brings one to a contact (contract 19). */
static void a_sub_type_that_is_too_long_is_refused_by_name(void **state)
{
    static const struct {
        const struct cmi_shape *shape;
        enum cmi_use use;
        const char *name;
    } rows[] = {{&cmi_chat, CMI_POST, "channel_sub_type"},
                {&cmi_email, CMI_INGEST, "channel_sub_type"},
                {&cmi_contact, CMI_INGEST, "subtype"}};
    struct cmi_visitor none = {.ctx = NULL};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fault f = {0};
        char says[128];
        struct buf json;

        buf_init(&json, BODY_MAX);
        buf_printf(&json, "{\"%s\":\"", rows[i].name);
        for (int n = 0; n <= CMI_SHORT_MAX; n++)
            buf_put_char(&json, 'a');
        buf_put_text(&json, "\"}");
        snprintf(says, sizeof says, "%s has 1025 bytes; the maximum is 1024", rows[i].name);
        assert_false(
            cmi_body_check(json_in_read, buf_view(&json), rows[i].shape, rows[i].use, none, &f));
        assert_int_equal(f.cls, FAULT_REJECT);
        assert_string_equal(f.text, says);
        buf_done(&json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_makes_sense),
        cmocka_unit_test(a_field_is_found_by_either_spelling_and_by_case),
        cmocka_unit_test(every_rule_holds_at_its_limit_and_breaks_one_over),
        cmocka_unit_test(what_is_not_read_must_be_of_its_type),
        cmocka_unit_test(what_patterns_are_tried_on_is_short),
        cmocka_unit_test(a_sub_type_that_is_too_long_is_refused_by_name),
        cmocka_unit_test(the_least_and_the_fullest_body_pass_wrapped_or_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
