#include "bridge/core/template_key.h"

#include "bridge/core/num.h"

#include <inttypes.h>
#include <stdio.h>

/* Takes "name[12]" off *rest. */
static bool take(struct view *rest, int64_t least, struct view *name, int64_t *number)
{
    struct view digits = VIEW_NONE;

    if (!view_has(*rest, '[') || !view_has(*rest, ']'))
        return false;
    *name = view_cut(rest, '[');
    digits = view_cut(rest, ']');
    return num_in(digits, least, TEMPLATE_KEY_NUMBER_MAX, number);
}

static bool is_button(struct view sub_type)
{
    return view_is(sub_type, "quick_reply") || view_is(sub_type, "url");
}

/* Lower-case letters and '_', with dots between. */
static bool is_field(struct view field)
{
    for (size_t i = 0; i < field.n; i++)
        if ((field.p[i] < 'a' || field.p[i] > 'z') && field.p[i] != '_' &&
            (field.p[i] != '.' || i == 0 || i + 1 == field.n))
            return false;
    return field.n > 0;
}

bool template_key_parse(struct view key, struct template_key *out)
{
    struct view component = VIEW_NONE;

    *out = (struct template_key){.component = TEMPLATE_BUTTON};
    if (view_starts(key, VIEW("button["))) {
        if (!take(&key, 0, &component, &out->index) ||
            !take(&key, 1, &out->sub_type, &out->number) || !is_button(out->sub_type))
            return false;
    } else {
        if (!take(&key, 1, &component, &out->number))
            return false;
        out->component = view_is(component, "header") ? TEMPLATE_HEADER : TEMPLATE_BODY;
        if (out->component == TEMPLATE_BODY && !view_is(component, "body"))
            return false;
    }
    out->field = key;
    return is_field(key);
}

void template_key_index(const struct template_key *k, char out[TEMPLATE_KEY_INDEX_MAX])
{
    (void)snprintf(out, TEMPLATE_KEY_INDEX_MAX, "%" PRId64, k->index);
}
