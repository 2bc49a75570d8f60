#include "tests/fakes/environment.h"

#include "config/schema.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

/* CMIBRIDGE_LOG_LEVEL is one of section log; CMIBRIDGE_LONG, which the tests read, is of none. */
static bool is_setting(const char *variable)
{
    char name[SCHEMA_PATH_MAX];

    for (size_t i = 0; i < schema_section_count; i++) {
        size_t n = strlen(schema_environment_name(schema_sections[i].path, name));

        if (strncmp(variable, name, n) == 0 && (variable[n] == '_' || variable[n] == '='))
            return true;
    }
    return false;
}

__attribute__((constructor)) void environment_drop_settings(void)
{
    char **e = environ;

    while (*e != NULL) {
        char *name = is_setting(*e) ? strndup(*e, strcspn(*e, "=")) : NULL;

        if (name != NULL && unsetenv(name) == 0)
            e = environ; /* which may have moved */
        else
            e++;
        free(name);
    }
}
