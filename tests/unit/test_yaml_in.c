/* yaml_in: a plain subset of YAML, bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/yaml_in.h"

#include <string.h>

/* "path=text@line " of every node; maps and lists as "{}" and "[]", null as "~", alias as "*". */
static void render(const char *yaml, struct buf *out, struct buf *mistakes)
{
    struct yaml_doc d;
    bool ok = yaml_read(view_of(yaml), "f", &d, mistakes);

    assert_int_equal(ok, mistakes->n == 0);
    for (size_t i = 0; i < d.count; i++) {
        const struct yaml_node *n = &d.nodes[i];

        assert_int_equal(n->text != NULL, n->kind == YAML_TEXT);
        buf_printf(out, "%s=%s@%u ", n->path,
                   n->kind == YAML_MAP     ? "{}"
                   : n->kind == YAML_LIST  ? "[]"
                   : n->kind == YAML_NULL  ? "~"
                   : n->kind == YAML_ALIAS ? "*"
                                           : n->text,
                   n->line);
    }
    yaml_doc_done(&d);
    yaml_doc_done(&d);
}

static void maps_lists_and_texts_become_paths(void **state)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"# nothing\n", ""},
        {"---\n...\n", ""},
        {"a: b", "a=b@1 "},
        {"a:\n  b: c\n  d: 'e f'\n", "a={}@1 a.b=c@2 a.d=e f@3 "},
        {"a:\n- b\n-\n- {c: d}\n", "a=[]@1 a[0]=b@2 a[1]=~@3 a[2]={}@4 a[2].c=d@4 "},
        {"a: {b: [1, 2]}\nc: 3", "a={}@1 a.b=[]@1 a.b[0]=1@1 a.b[1]=2@1 c=3@2 "},
        {"a:\nb: ~\nc: null\nd: 'null'\ne: ''\n", "a=~@1 b=~@2 c=~@3 d=null@4 e=@5 "},
        {"a.b: c\n\n\nx: |\n  y\n  z\n", "a.b=c@1 x=y\nz\n@4 "},
        {"a: [[b]]", "a=[]@1 a[0]=[]@1 a[0][0]=b@1 "},
        {"message.*: x\n'*': y\n153: z", "message.*=x@1 *=y@2 153=z@3 "},
        {"a: yes\nb: 010\n", "a=yes@1 b=010@2 "},
        {"\xef\xbb\xbf"
         "a: b\nc: d\n",
         "a=b@1 c=d@2 "},
        {"\xef\xbb\xbf", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out;
        struct buf mistakes;

        buf_init(&out, 4096);
        buf_init(&mistakes, 4096);
        render(rows[i][0], &out, &mistakes);
        assert_string_equal(buf_text(&mistakes), "");
        assert_string_equal(buf_text(&out), rows[i][1]);
        buf_done(&out);
        buf_done(&mistakes);
    }
}

static void what_is_outside_the_subset_is_refused_with_its_line(void **state)
{
    static const char *const rows[][2] = {
        {"a: &x b\n", "f:1: anchors (&), aliases (*) and tags (!) are not taken here; a text that "
                      "begins so needs quotes\n"},
        {"a: b\nc: *x\n", "f:2: anchors (&), aliases (*) and tags (!) are not taken here; a text "
                          "that begins so needs quotes\n"},
        {"a: !!int 3\n", "f:1: anchors (&), aliases (*) and tags (!) are not taken here; a text "
                         "that begins so needs quotes\n"},
        {"a: &x [*x]\n", "f:1: anchors (&), aliases (*) and tags (!) are not taken here; a text "
                         "that begins so needs quotes\n"},
        {"a: &x {}\n", "f:1: anchors (&), aliases (*) and tags (!) are not taken here; a text that "
                       "begins so needs quotes\n"},
        {"text\n", "f:1: this is no map of settings (key: value)\n"},
        {"- a\n", "f:1: this is a list; a map of settings (key: value) is wanted\n"},
        {"a: b\n---\nc: d\n", "f:2: a second document begins here; there may be one\n"},
        {"a: b\n\na: c\n", "f:3: a is given twice; first in line 1\n"},
        {"a: {b: c}\na.b: d\n", "f:2: a.b is given twice; first in line 1\n"},
        {"? [a]\n: b\n", "f:1: a key must be a text\n"},
        {"'': b\n", "f:1: a key is empty\n"},
        {"'a ': c\n", "f:1: a key begins or ends with a blank\n"},
        {"'a[0]': c\n", "f:1: a key holds a bracket or a control character\n"},
        {"\"a\\tb\": c\n", "f:1: a key holds a bracket or a control character\n"},
        {"\"a\\x9bb\": c\n", "f:1: a key holds a bracket or a control character\n"},
        {"a: \"x\\0y\"\n", "f:1: a value holds a NUL byte\n"},
        {"a: b\nc: \"\n", "f:3: found unexpected end of stream\n"},
        {"a: b\n\tc: d\n", "f:2: found a tab character that violates indentation\n"},
        {"a:\n b: c\n  d: e\n", "f:3: mapping values are not allowed in this context\n"},
        {"a: {b: {c: {d: {e: {f: {g: {h: i}}}}}}}\n", ""}, /* eight deep, the root among them */
        {"a: {b: {c: {d: {e: {f: {g: {h: {i: j}}}}}}}}\n",
         "f:1: maps and lists are nested more than 8 deep\n"},
        {"a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n",
         "f:1: maps and lists are nested more than 8 deep\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out;
        struct buf mistakes;

        buf_init(&out, 4096);
        buf_init(&mistakes, 4096);
        render(rows[i][0], &out, &mistakes);
        assert_string_equal(buf_text(&mistakes), rows[i][1]);
        buf_done(&out);
        buf_done(&mistakes);
    }
}

struct read_on {
    const char *yaml;
    const char *nodes;
    bool cut;
};

static void expect_read_on(const struct read_on *row)
{
    struct yaml_doc d;
    struct buf out;
    struct buf mistakes;

    buf_init(&out, 4096);
    buf_init(&mistakes, 4096);
    render(row->yaml, &out, &mistakes);
    assert_string_equal(buf_text(&out), row->nodes);
    assert_false(yaml_read(view_of(row->yaml), "f", &d, &mistakes));
    assert_int_equal(d.cut, row->cut);
    yaml_doc_done(&d);
    buf_done(&out);
    buf_done(&mistakes);
}

/* What it stands for is not known; all else is. */
static void behind_an_anchor_or_an_alias_the_reading_goes_on(void **state)
{
    static const struct read_on rows[] = {
        {"a: &x b\nc: !!int 3\nd: &y {e: f}\n", "a=b@1 c=3@2 d={}@3 d.e=f@3 ", false},
        {"a: *x\nb: [*x, c]\nd: e\n", "a=*@1 b=[]@2 b[0]=*@2 b[1]=c@2 d=e@3 ", false},
        {"a: b\n*x : c\nd: e\n", "a=b@1 d=e@3 ", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_read_on(&rows[i]);
}

/* What belongs to such a key is passed over, whatever it is. */
static void behind_a_key_that_can_be_none_the_reading_goes_on(void **state)
{
    static const struct read_on rows[] = {
        {"k:\n  a[0]: b\n  c: d\ne: f\n", "k={}@1 k.c=d@3 e=f@4 ", true},
        {"'': [a, [b], {c: d}]\ne: f\n", "e=f@2 ", true},
        {"'a ': {b: {c: [d]}, e: *x}\ne: f\n", "e=f@2 ", true},
        {"'a ': *x\ne: f\n", "e=f@2 ", true},
        {"? [a, {b: c}]\n: {d: [e]}\ne: f\n", "e=f@3 ", true},
        {"? {a: b}\n: c\ne: f\n", "e=f@3 ", true},
        {"k: {'': a, '': b, c: d}\n", "k={}@1 k.c=d@1 ", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_read_on(&rows[i]);
}

static void each_key_that_can_be_none_is_told(void **state)
{
    struct buf out;
    struct buf mistakes;

    (void)state;
    buf_init(&out, 4096);
    buf_init(&mistakes, 4096);
    render("a[0]: b\n'': c\n'd ': {'': e}\n? [f]\n: g\nh: i\nh: j\n", &out, &mistakes);
    assert_string_equal(buf_text(&mistakes), "f:1: a key holds a bracket or a control character\n"
                                             "f:2: a key is empty\n"
                                             "f:3: a key begins or ends with a blank\n"
                                             "f:4: a key must be a text\n"
                                             "f:7: h is given twice; first in line 6\n");
    buf_done(&out);
    buf_done(&mistakes);
}

static void bytes_that_are_no_utf8_are_refused_where_they_stand(void **state)
{
    struct buf out;
    struct buf mistakes;

    (void)state;
    buf_init(&out, 4096);
    buf_init(&mistakes, 4096);
    render("a: b\nc: \xff\n", &out, &mistakes);
    assert_non_null(strstr(buf_text(&mistakes), "UTF-8"));
    buf_done(&out);
    buf_done(&mistakes);
}

static void a_key_and_a_path_have_a_longest(void **state)
{
    char key[YAML_KEY_MAX + 2];
    struct buf yaml;
    struct buf out;
    struct buf mistakes;

    (void)state;
    buf_init(&yaml, YAML_BYTES_MAX);
    buf_init(&out, YAML_BYTES_MAX);
    buf_init(&mistakes, 4096);
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    buf_printf(&yaml, "%s: v\n", key);
    render(buf_text(&yaml), &out, &mistakes);
    assert_string_equal(buf_text(&mistakes), "f:1: a key is too long; the maximum is 128 bytes\n");
    key[YAML_KEY_MAX] = '\0';
    buf_clear(&yaml);
    buf_clear(&mistakes);
    buf_printf(&yaml, "%s: v\n", key);
    render(buf_text(&yaml), &out, &mistakes);
    assert_string_equal(buf_text(&mistakes), "");
    buf_clear(&yaml);
    for (int i = 0; i < 4; i++)
        buf_printf(&yaml, "{%s: ", key);
    buf_put_text(&yaml, "v}}}}");
    render(buf_text(&yaml), &out, &mistakes);
    assert_string_equal(buf_text(&mistakes), "f:1: a key is too long; the maximum is 128 bytes\n");
    buf_done(&yaml);
    buf_done(&out);
    buf_done(&mistakes);
}

static void nodes_and_bytes_have_a_maximum(void **state)
{
    struct buf yaml;
    struct buf mistakes;
    struct yaml_doc d;

    (void)state;
    buf_init(&yaml, 2 * YAML_BYTES_MAX);
    buf_init(&mistakes, 4096);
    for (int i = 0; i < YAML_NODES_MAX; i++)
        buf_printf(&yaml, "k%d: v\n", i);
    assert_true(yaml_read(buf_view(&yaml), "f", &d, &mistakes));
    assert_int_equal(d.count, YAML_NODES_MAX);
    yaml_doc_done(&d);
    buf_put_text(&yaml, "more: v\n");
    assert_false(yaml_read(buf_view(&yaml), "f", &d, &mistakes));
    assert_string_equal(buf_text(&mistakes), "f:100001: there are more than 100000 settings\n");
    yaml_doc_done(&d);
    buf_clear(&yaml);
    buf_clear(&mistakes);
    while (yaml.n < YAML_BYTES_MAX)
        buf_put_char(&yaml, '\n');
    assert_true(yaml_read(buf_view(&yaml), "f", &d, &mistakes));
    yaml_doc_done(&d);
    buf_put_char(&yaml, '\n');
    assert_false(yaml_read(buf_view(&yaml), "f", &d, &mistakes));
    assert_string_equal(buf_text(&mistakes), "f:1: the file is larger than 8 MiB\n");
    assert_true(d.cut);
    yaml_doc_done(&d);
    buf_done(&yaml);
    buf_done(&mistakes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_lists_and_texts_become_paths),
        cmocka_unit_test(what_is_outside_the_subset_is_refused_with_its_line),
        cmocka_unit_test(behind_an_anchor_or_an_alias_the_reading_goes_on),
        cmocka_unit_test(behind_a_key_that_can_be_none_the_reading_goes_on),
        cmocka_unit_test(each_key_that_can_be_none_is_told),
        cmocka_unit_test(bytes_that_are_no_utf8_are_refused_where_they_stand),
        cmocka_unit_test(a_key_and_a_path_have_a_longest),
        cmocka_unit_test(nodes_and_bytes_have_a_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
