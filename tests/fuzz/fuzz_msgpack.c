/* What msgpack_scan passes, msgpack-c takes; and it is something that JSON can say. */
#include "bridge/core/json_out.h"
#include "bridge/core/msgpack_scan.h"
#include "bridge/io/json_in.h"
#include "bridge/io/msgpack_in.h"

#include <assert.h>

#define JSON_MAX (1 << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view packed = {(const char *)data, size};
    struct json_out out;
    struct fault f = {0};
    struct buf once;
    struct buf twice;
    bool ok = msgpack_scan_all(packed, &f);

    assert(ok || f.cls == FAULT_REJECT);
    buf_init(&once, JSON_MAX);
    buf_init(&twice, JSON_MAX);
    json_out_init(&out, &once);
    assert(msgpack_in_read(packed, json_out_sink(&out), &f) == ok);
    if (ok) {
        json_out_init(&out, &twice);
        assert(json_in_read(buf_view(&once), json_out_sink(&out), &f));
        assert(view_eq(buf_view(&once), buf_view(&twice)));
    }
    buf_done(&once);
    buf_done(&twice);
    return 0;
}
