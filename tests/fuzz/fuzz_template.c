/* A template, for both APIs: what is read makes JSON again, or is refused. */
#include "bridge/core/json_scan.h"
#include "bridge/core/template.h"

#include <stdio.h>
#include <stdlib.h>

#define OUT_MAX (64 * TEMPLATE_BYTES_MAX)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_json(struct buf *out)
{
    struct fault f = {0};

    if (!out->full && json_scan_all(buf_view(out), &f))
        return;
    fprintf(stderr, "%s: %s\n", f.text, buf_text(out));
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct template t;
    struct json_out j;
    struct buf out;
    struct fault f = {0};

    if (!template_read(&t, (struct view){(const char *)data, size}, &f))
        return 0;
    buf_init(&out, OUT_MAX);
    json_out_init(&j, &out);
    template_to_conversation(&t, &j);
    must_be_json(&out);
    buf_clear(&out);
    json_out_init(&j, &out);
    if (template_to_cloud(&t, &j, &f))
        must_be_json(&out);
    buf_done(&out);
    template_done(&t);
    return 0;
}
