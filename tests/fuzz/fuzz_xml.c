/* XML of any shape, by the first byte: what is read is JSON when written; a body that is taken was
 * whole; the bounds of xml_scan hold for what libxml2 is given. */
#include "bridge/core/cmi_rules.h"
#include "bridge/core/json_out.h"
#include "bridge/core/json_scan.h"
#include "bridge/core/xml_scan.h"
#include "bridge/io/xml_in.h"

#include <assert.h>

#define JSON_MAX (1 << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct cmi_shape *shape = cmi_shapes[size > 0 ? data[0] % 9U : 0];
    struct view xml = size > 0 ? (struct view){(const char *)data + 1, size - 1} : VIEW_NONE;
    struct cmi_visitor none = {.ctx = NULL};
    struct json_out out;
    struct fault f = {0};
    struct buf json;
    bool ok = false;

    buf_init(&json, JSON_MAX);
    json_out_init(&out, &json);
    ok = xml_in_read(xml, shape, json_out_sink(&out), &f);
    if (ok)
        assert(json_scan_all(buf_view(&json), &f) && xml_scan(xml, &f));
    else
        assert(f.cls == FAULT_REJECT && f.text[0] != '\0');
    if (cmi_body_check_by(xml_in_read, xml, shape, CMI_POST, none, &f))
        assert(ok);
    buf_done(&json);
    return 0;
}
