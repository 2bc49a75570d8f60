#include "server/body.h"

#include "bridge/io/json_in.h"

bool body_decode(struct view bytes, const struct cmi_shape *shape, enum cmi_use use,
                 struct cmi_visitor visitor, struct fault *f)
{
    struct cmi_decode d;

    cmi_decode_init(&d, shape, use, visitor);
    return json_in_read(bytes, cmi_decode_sink(&d), f) && cmi_decode_end(&d, f);
}
