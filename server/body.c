#include "server/body.h"

#include "bridge/io/json_in.h"
#include "bridge/io/xml_in.h"
#include "server/erased_reading.h"
#include "server/history.h"
#include "server/server.h"

bool body_check(const struct exchange *x, const struct cmi_shape *shape, enum cmi_use use,
                struct cmi_visitor visitor, struct fault *f)
{
    bool xml = view_eq_nocase(x->content_type, VIEW("application/xml")) ||
               view_eq_nocase(x->content_type, VIEW("text/xml"));
    struct erased_reading reading;
    bool ok;

    visitor = erased_reading_begin(&reading, history_erased(x->server->history),
                                   shape == &cmi_message ? ERASED_PASSES : ERASED_REFUSED, visitor);
    ok = xml ? cmi_body_check_by(xml_in_read, x->body, shape, use, visitor, f)
             : cmi_body_check(json_in_read, x->body, shape, use, visitor, f);
    erased_reading_end(&reading);
    return ok;
}
