#include "bridge/core/subject.h"

#include "bridge/core/guid.h"

#include <string.h>

/* head: with the '/' or '_' behind it. */
static struct view join(struct view head, struct view tail, char out[SUBJECT_NAME_MAX])
{
    memcpy(out, head.p, head.n);
    memcpy(out + head.n, tail.p, tail.n);
    return (struct view){out, head.n + tail.n};
}

static bool is_consent(struct view collection)
{
    return view_is(collection, cmi_customer_consent.plural);
}

static struct view name_of_id(struct view collection_and_slash, const struct guid *id,
                              char out[SUBJECT_NAME_MAX])
{
    char hex[GUID_TEXT_MAX];

    guid_hex(id, hex);
    return join(collection_and_slash, view_of(hex), out);
}

struct view subject_name(struct view subject, char out[SUBJECT_NAME_MAX])
{
    struct view rest = subject;
    struct view collection = view_cut(&rest, '/');
    bool consent = is_consent(collection);
    char room[PHONE_NORMAL_MAX];
    struct view address;
    struct view head;
    struct guid id;
    struct fault f;

    if (consent)
        (void)view_cut(&rest, '_'); /* of a usage no word has one */
    head = (struct view){subject.p, subject.n - rest.n};
    if (rest.n == 0 || head.n > SUBJECT_COLLECTION_MAX)
        return subject;
    if (consent)
        return phone_normal(rest, room, &address, &f) ? join(head, address, out) : subject;
    return guid_parse(rest, &id) ? name_of_id(head, &id, out) : subject;
}

bool subject_may_be_reference(struct view subject)
{
    struct view rest = subject;
    struct view collection = view_cut(&rest, '/');

    if (rest.n > 0)
        for (const struct event_type *t = event_types; t->name != NULL; t++)
            if (t->keeps_id && view_is(collection, t->collection))
                return true;
    return false;
}

/* What stands in the path for the {id} of the row's; VIEW_NONE: it is no such path. */
static struct view id_in_path(const struct event_type *t, struct view path)
{
    struct view after = view_of(t->path);
    struct view before = view_cut(&after, '{');

    (void)view_cut(&after, '}');
    if (!view_starts(path, before) || path.n < before.n + after.n ||
        !view_eq(view_skip(path, path.n - after.n), after))
        return VIEW_NONE;
    return (struct view){path.p + before.n, path.n - before.n - after.n};
}

struct view subject_name_of_write(const struct event_type *t, struct view path, struct view created,
                                  char out[SUBJECT_NAME_MAX])
{
    struct view given = t->needs_ref ? id_in_path(t, path) : t->keeps_id ? created : VIEW_NONE;
    char head[SUBJECT_COLLECTION_MAX];
    size_t n = strlen(t->collection);
    struct guid id;

    if (n >= sizeof head || !guid_parse(given, &id))
        return VIEW_NONE;
    memcpy(head, t->collection, n);
    head[n] = '/';
    return name_of_id((struct view){head, n + 1}, &id, out);
}
