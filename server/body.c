#include "server/body.h"

#include "bridge/io/json_in.h"
#include "bridge/io/xml_in.h"

bool body_check(const struct exchange *x, const struct cmi_shape *shape, enum cmi_use use,
                struct cmi_visitor visitor, struct fault *f)
{
    bool xml = view_eq_nocase(x->content_type, VIEW("application/xml")) ||
               view_eq_nocase(x->content_type, VIEW("text/xml"));

    return xml ? cmi_body_check_by(xml_in_read, x->body, shape, use, visitor, f)
               : cmi_body_check(json_in_read, x->body, shape, use, visitor, f);
}
