/* Any text is either a configuration, whole and printable, or a list of mistakes. */
#include "config/conf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(void *ctx, const char *path, const char *text, bool secret, const char *origin)
{
    const struct conf *c = ctx;

    (void)secret;
    if (origin == NULL || !conf_has(c, path) || strcmp(conf_text(c, path), text) != 0)
        abort();
}

static void never(void *ctx, const char *path, bool reloadable)
{
    (void)ctx;
    (void)path;
    (void)reloadable;
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view yaml = {(const char *)data, size};
    struct buf mistakes;
    struct conf *c;

    buf_init(&mistakes, 4 << 20);
    c = conf_parse("f", yaml, 0, &mistakes);
    if ((c == NULL) != (mistakes.n > 0) || mistakes.full)
        abort();
    if (c != NULL) {
        conf_each(c, look, c);
        conf_diff(c, c, never, NULL);
    }
    conf_free(c);
    buf_done(&mistakes);
    return 0;
}
