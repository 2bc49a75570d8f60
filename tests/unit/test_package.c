/* What the package installs, and what the operator's documentation says of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "bridge/core/view.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX (1 << 20)
#define UNIT     "config/systemd/cmibridge-serve.service"

static char *file(const char *path)
{
    char *text = mem_zeroed(FILE_MAX, 1);
    FILE *f = fopen(path, "r");

    if (f == NULL)
        fail_msg("%s is not there", path);
    else {
        assert_true(fread(text, 1, FILE_MAX - 1, f) > 0);
        fclose(f);
    }
    return text;
}

static void every_document_is_installed(void **state)
{
    char *package = file("cmake/Package.cmake");
    DIR *docs = opendir("docs");
    const struct dirent *entry;
    unsigned count = 0;

    (void)state;
    assert_non_null(docs);
    while ((entry = readdir(docs)) != NULL) {
        size_t n = strlen(entry->d_name);
        char path[300];

        if (n < 3 || strcmp(entry->d_name + n - 3, ".md") != 0)
            continue;
        snprintf(path, sizeof path, "docs/%s", entry->d_name);
        if (strstr(package, path) == NULL)
            fail_msg("the package lacks %s", path);
        count++;
    }
    closedir(docs);
    assert_true(count >= 5);
    mem_free(package);
}

/* Exit code 4 says that something else is not there: it comes back, however long that takes. */
static void no_unit_gives_up_after_so_many_starts(void **state)
{
    static const char *const units[] = {"config/systemd/cmibridge-consume.service",
                                        "config/systemd/cmibridge-schedule.service", UNIT};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char *unit = file(units[i]);
        const char *limit = strstr(unit, "\nStartLimitIntervalSec=0\n");
        const char *service = strstr(unit, "\n[Service]\n"); /* the limit stands in [Unit] */

        assert_non_null(service);
        assert_non_null(limit);
        assert_true(limit < service);
        mem_free(unit);
    }
}

/* serve writes the copy, so the example's path is one that its unit may write to. */
static void the_example_of_a_backup_works_with_the_packaged_unit(void **state)
{
    static const char command[] = "cmibridge backup --config FILE ";
    static const char setting[] = "\nStateDirectory=";
    char *operations = file("docs/OPERATIONS.md");
    char *unit = file(UNIT);
    const char *example = strstr(operations, command);
    const char *directory = strstr(unit, setting);
    struct view name;
    char may[128];

    (void)state;
    assert_non_null(strstr(unit, "\nProtectSystem=strict\n"));
    assert_null(strstr(unit, "ReadWritePaths"));
    assert_non_null(example);
    assert_non_null(directory);
    if (example != NULL && directory != NULL) {
        name = view_of(directory + strlen(setting));
        name = view_cut(&name, '\n');
        snprintf(may, sizeof may, "/var/lib/%.*s/", VIEW_ARG(name));
        example += strlen(command);
        if (!view_starts(view_of(example), view_of(may)))
            fail_msg("docs/OPERATIONS.md: %.60s… is not below %s", example, may);
    }
    mem_free(operations);
    mem_free(unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_document_is_installed),
        cmocka_unit_test(no_unit_gives_up_after_so_many_starts),
        cmocka_unit_test(the_example_of_a_backup_works_with_the_packaged_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
