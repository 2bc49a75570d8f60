/* Any bytes end in bounded nodes with sane paths, or in a mistake with its line. */
#include "config/yaml_in.h"

#include <stdlib.h>
#include <string.h>

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view bytes = {(const char *)data, size};
    struct buf mistakes;
    struct yaml_doc d;
    bool ok;

    buf_init(&mistakes, 4 << 20);
    ok = yaml_read(bytes, "f", &d, &mistakes);
    if (ok != (mistakes.n == 0) || d.count > YAML_NODES_MAX || (d.cut && ok))
        abort();
    for (size_t i = 0; i < d.count; i++) {
        const struct yaml_node *n = &d.nodes[i];

        if (strlen(n->path) >= YAML_PATH_MAX || n->path[0] == '\0' || n->line == 0 ||
            n->key_at >= strlen(n->path) || (n->text != NULL) != (n->kind == YAML_TEXT))
            abort();
    }
    yaml_doc_done(&d);
    buf_done(&mistakes);
    return 0;
}
