#include "server/page.h"

#include "bridge/core/num.h"
#include "bridge/core/percent.h"
#include "server/front.h"

#include <assert.h>
#include <string.h>

#define LINK_MAX (4 << 20) /* bytes: three for each of the largest limits.headers */

bool page_bad_token(struct fault *f)
{
    return fault_set(f, FAULT_REJECT, "after is not a token that a Link header of this list gave");
}

bool page_read(const struct exchange *x, int64_t default_limit, bool places, struct page *out,
               struct fault *f)
{
    struct view text;
    bool found;

    *out = (struct page){.limit = default_limit};
    text = exchange_param(x, "limit", &found);
    if (found && !num_in(text, 1, PAGE_LIMIT_MAX, &out->limit))
        return fault_set(f, FAULT_REJECT, "limit is not an integer from 1 to %d", PAGE_LIMIT_MAX);
    out->token = exchange_param(x, "after", &out->goes_on);
    if (out->goes_on && out->token.n > PAGE_TOKEN_MAX)
        return page_bad_token(f);
    if (out->goes_on && places && !place_mark_read(out->token, &out->mark))
        return page_bad_token(f);
    return true;
}

bool page_link(struct exchange *x, const char *path, struct view token)
{
    size_t target = 0;
    struct view rest = view_of(path);
    struct view head = view_cut(&rest, '{');
    struct buf link;

    buf_init(&link, LINK_MAX);
    buf_put_text(&link, "<" FRONT_BASE);
    buf_put(&link, head);
    if (rest.n > 0) {
        percent_encode(x->id, &link);
        (void)view_cut(&rest, '}');
        buf_put(&link, rest);
    }
    buf_put_char(&link, '?');
    for (size_t i = 0; i < x->param_count; i++) {
        if (view_is(x->params[i].name, "after"))
            continue;
        percent_encode_query(x->params[i].name, &link);
        buf_put_char(&link, '=');
        percent_encode_query(x->params[i].value, &link);
        buf_put_char(&link, '&');
    }
    buf_put_text(&link, "after=");
    percent_encode(token, &link);
    buf_put_text(&link, ">; rel=\"next\"");
    assert(!link.full);
    target = link.n - strlen("<>; rel=\"next\"");
    if (target <= HTTP_RULES_TARGET_MAX)
        exchange_header(x, "Link", buf_view(&link));
    else
        exchange_error(x, 414,
                       "there are more than `limit`, and the target of the next page would have "
                       "%zu bytes; the maximum is %d: ask for fewer values at a time",
                       target, HTTP_RULES_TARGET_MAX);
    buf_done(&link);
    return target <= HTTP_RULES_TARGET_MAX;
}
