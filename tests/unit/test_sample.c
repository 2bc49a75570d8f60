/* sample: what the repository keeps is what the table says, and it loads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "config/conf.h"
#include "config/sample.h"
#include "config/schema.h"
#include "config/yaml_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_is_file(const char *name, struct buf *made, const char *option)
{
    const char *source = getenv("CMIBRIDGE_SOURCE");
    struct buf kept;
    char path[4096];
    char piece[4096];
    size_t n;
    FILE *in;

    (void)snprintf(path, sizeof path, "%s/%s", source != NULL ? source : ".", name);
    in = fopen(path, "rb");
    if (in == NULL)
        fail_msg("%s is not there", path);
    buf_init(&kept, 2 * SAMPLE_MAX);
    while ((n = fread(piece, 1, sizeof piece, in)) > 0)
        buf_put(&kept, (struct view){piece, n});
    (void)fclose(in);
    if (!view_eq(buf_view(&kept), buf_view(made)))
        fail_msg("%s is not what the table says: cmibridge check %s > %s", name, option, name);
    buf_done(&kept);
}

static void the_sample_in_the_repository_is_made_from_the_table(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, SAMPLE_MAX);
    sample_yaml(&b);
    assert_false(b.full);
    assert_is_file("config/cmibridge.sample.yaml", &b, "--print-sample");
    buf_done(&b);
}

static void the_documentation_is_made_from_the_table(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, SAMPLE_MAX);
    sample_markdown(&b);
    assert_false(b.full);
    assert_is_file("docs/CONFIGURATION.md", &b, "--print-docs");
    buf_done(&b);
}

static void count_default(void *ctx, const char *path, const char *text, bool secret,
                          const char *origin)
{
    (void)path;
    (void)text;
    (void)secret;
    *(size_t *)ctx += strcmp(origin, "default") == 0;
}

static void the_sample_loads_for_every_command_and_changes_no_default(void **state)
{
    struct buf yaml;
    struct buf mistakes;
    struct conf *c;
    size_t defaults = 0;
    size_t wanted = 1; /* the route that a single target makes */

    (void)state;
    buf_init(&yaml, SAMPLE_MAX);
    buf_init(&mistakes, SAMPLE_MAX);
    sample_yaml(&yaml);
    c = conf_parse("sample", buf_view(&yaml), USED_ALL, &mistakes);
    assert_string_equal(buf_text(&mistakes), "");
    assert_non_null(c);
    conf_each(c, count_default, &defaults);
    for (size_t i = 0; i < schema_count; i++)
        wanted += schema[i].fallback != NULL;
    assert_int_equal(defaults, wanted);
    conf_free(c);
    buf_done(&yaml);
    buf_done(&mistakes);
}

/* "  #key: value" becomes "  key: value"; "# a comment" stays. */
static void uncomment(struct view from, struct buf *to)
{
    bool line_begins = true;

    for (size_t i = 0; i < from.n; i++) {
        bool commented = line_begins && from.p[i] == '#' && i + 1 < from.n &&
                         from.p[i + 1] != ' ' && from.p[i + 1] != '\n';

        if (!commented)
            buf_put_char(to, from.p[i]);
        line_begins = from.p[i] == '\n' || (line_begins && from.p[i] == ' ');
    }
}

static void every_setting_is_in_the_sample_with_a_value_of_its_kind(void **state)
{
    struct buf yaml;
    struct buf all;
    struct buf mistakes;
    struct yaml_doc doc;

    (void)state;
    buf_init(&yaml, SAMPLE_MAX);
    buf_init(&all, SAMPLE_MAX);
    buf_init(&mistakes, SAMPLE_MAX);
    sample_yaml(&yaml);
    uncomment(buf_view(&yaml), &all);
    setenv("CMI_API_KEY", "k", 1);
    assert_null(conf_parse("all", buf_view(&all), USED_ALL, &mistakes));
    unsetenv("CMI_API_KEY");
    /* All that may be wrong with it are files that are not here and ways to sign on that exclude
     * each other; an unknown name or a wrong value would say so otherwise. */
    for (struct view rest = buf_view(&mistakes); rest.n > 0;) {
        struct view line = view_cut(&rest, '\n');
        char *text = mem_text(line.p, line.n);

        if (strstr(text, "No such file or directory") == NULL &&
            strstr(text, "is given, but auth is none") == NULL &&
            strstr(text, "are both given: either users sign on") == NULL)
            fail_msg("%s", text);
        mem_free(text);
    }
    buf_clear(&mistakes);
    assert_true(yaml_read(buf_view(&all), "all", &doc, &mistakes));
    for (size_t i = 0; i < schema_count; i++) {
        size_t at = 0;

        while (at < doc.count &&
               (doc.nodes[at].kind != YAML_TEXT || schema_find(doc.nodes[at].path) != &schema[i]))
            at++;
        if (at == doc.count)
            fail_msg("%s is not in the sample", schema[i].path);
    }
    yaml_doc_done(&doc);
    buf_done(&yaml);
    buf_done(&all);
    buf_done(&mistakes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_in_the_repository_is_made_from_the_table),
        cmocka_unit_test(the_documentation_is_made_from_the_table),
        cmocka_unit_test(the_sample_loads_for_every_command_and_changes_no_default),
        cmocka_unit_test(every_setting_is_in_the_sample_with_a_value_of_its_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
