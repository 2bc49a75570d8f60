#include "server/contact_content.h"

#include "bridge/core/fulltext.h"
#include "server/filter.h"
#include "server/fold.h"
#include "server/history_schema.h"
#include "server/rights.h"

#define EXPRESSION_MAX (1 << 20) /* bytes of what the index of chats is asked */

/* ---- what the user may see of it ---- */

static bool may_get(const struct exchange *x, enum rights_resource resource)
{
    return rights_may(x->user->rights, resource, RIGHTS_GET);
}

/* Only of groups that the user sees there. */
static void put_seen(struct contact_search *s, const struct exchange *x,
                     enum rights_resource resource, const char *group)
{
    const struct rights *rights = x->user->rights;
    struct view queues;
    struct view agents;

    if (!rights_limited(rights, resource))
        return;
    rights_where_group(rights, resource, group, &s->w.sql);
    rights_sets(rights, resource, &queues, &agents);
    where_text(&s->w, queues);
    where_text(&s->w, agents);
}

/* ---- words of emails, pieces of chats ---- */

static bool expression_of(const char *name, struct view value, struct buf *expression,
                          struct fault *f)
{
    return fulltext_expression(value, expression, f) || fault_add(f, "%s", name);
}

/* The groups of the emails that hold the words: a transfer's leg is still about that email. Where
 * this stands, `+c.channel` keeps SQLite from walking all emails instead. */
#define EMAILS_THAT_HOLD                                                                           \
    "SELECT k.group_id FROM email_words m CROSS JOIN emails e ON e.row = m.rowid"                  \
    " CROSS JOIN contacts k ON k.id = e.id"                                                        \
    " WHERE m.email_words MATCH ? AND m.rowid BETWEEN ?5 AND ?6"

static void put_email_words(struct contact_search *s, const char *column, struct view expression)
{
    struct where *w = &s->w;
    struct buf of_column;

    s->gathers |= CONTACT_GATHERS_EMAILS;
    buf_init(&of_column, FULLTEXT_EXPRESSION_MAX + 64);
    buf_printf(&of_column, "%s : ", column);
    buf_put(&of_column, expression);
    where_put(w, EMAILS_THAT_HOLD);
    where_text(w, buf_view(&of_column));
    buf_done(&of_column);
}

/* Who does not see all emails has the remarks of a group from GET /contacts/{id}/remarks alone
 * (server/remarks.c): those of its first email that has some, if there are none of a call. */
#define REMARKS_OF_GROUP                                                                           \
    " AND NOT EXISTS (SELECT 1 FROM remarks r WHERE r.group_id = k.group_id)"                      \
    " AND NOT EXISTS (SELECT 1 FROM contacts o CROSS JOIN emails f ON f.id = o.id"                 \
    " WHERE o.group_id = k.group_id AND o.row > 0 AND o.row < k.row AND f.remarks IS NOT NULL)"

static bool add_remarks(struct contact_search *s, const struct exchange *x, struct fault *f)
{
    bool found = false;
    struct view value = exchange_param(x, "remarks", &found);
    struct buf expression;
    bool ok = true;

    if (!found)
        return true;
    buf_init(&expression, FULLTEXT_EXPRESSION_MAX);
    ok = expression_of("remarks", value, &expression, f);
    if (ok) {
        s->narrow = true;
        where_put(&s->w, " AND +c.channel = 'EMAIL' AND c.group_id IN (");
        put_email_words(s, "remarks", buf_view(&expression));
        if (!may_get(x, RIGHTS_EMAILS) || rights_limited(x->user->rights, RIGHTS_EMAILS))
            where_put(&s->w, REMARKS_OF_GROUP);
        where_put(&s->w, ")");
    }
    buf_done(&expression);
    return ok;
}

/* Chats one of whose messages holds the value somewhere. No character of it is a wildcard. */
static void put_chats_that_hold(struct contact_search *s, struct view value)
{
    struct where *w = &s->w;
    struct buf pieces;

    s->gathers |= CONTACT_GATHERS_LINES;
    buf_init(&pieces, EXPRESSION_MAX);
    where_put(w, "SELECT m.chat FROM ");
    if (fold_pieces(value, &pieces)) {
        where_put(w, "chat_words d CROSS JOIN chat_messages m ON m.row = d.rowid"
                     " WHERE d.chat_words MATCH ? AND d.rowid BETWEEN ?7 AND ?8"
                     " AND cmi_contains(?, m.message)");
        where_text(w, buf_view(&pieces));
    } else {
        where_put(w,
                  "chat_messages m WHERE m.row BETWEEN ?7 AND ?8 AND cmi_contains(?, m.message)");
    }
    where_text(w, value);
    buf_done(&pieces);
}

#define NO_GROUP "SELECT NULL WHERE 0"

static bool add_body(struct contact_search *s, const struct exchange *x, struct fault *f)
{
    bool found = false;
    struct view value = exchange_param(x, "body", &found);
    struct buf expression;
    bool ok = true;

    if (!found)
        return true;
    buf_init(&expression, FULLTEXT_EXPRESSION_MAX);
    ok = expression_of("body", value, &expression, f);
    if (ok) {
        s->narrow = true;
        where_put(&s->w, " AND c.channel IN ('CHAT', 'EMAIL') AND c.group_id IN (");
        if (may_get(x, RIGHTS_EMAILS)) {
            put_email_words(s, "content", buf_view(&expression));
            put_seen(s, x, RIGHTS_EMAILS, "k.group_id");
            where_put(&s->w, " UNION ALL "); /* no group is both */
        }
        if (may_get(x, RIGHTS_CHATS)) {
            put_chats_that_hold(s, value);
            put_seen(s, x, RIGHTS_CHATS, "m.chat");
        } else {
            where_put(&s->w, NO_GROUP);
        }
        where_put(&s->w, ")");
    }
    buf_done(&expression);
    return ok;
}

static bool add_case(struct contact_search *s, const struct exchange *x, struct fault *f)
{
    bool found = false;
    struct view value;

    if (!filter_plain_read(x, "caseId", &value, &found, f))
        return false;
    if (!found)
        return true;
    s->narrow = true;
    if (!may_get(x, RIGHTS_EMAILS)) {
        where_put(&s->w, " AND 0");
        return true;
    }
    where_put(&s->w,
              " AND +c.channel = 'EMAIL' AND c.group_id IN (SELECT k.group_id FROM emails e"
              " CROSS JOIN contacts k ON k.id = e.id WHERE e.case_id IS NOT NULL AND " SQL_TRIMMED(
                  "e.case_id") " = ?");
    where_text(&s->w, view_trim(value));
    put_seen(s, x, RIGHTS_EMAILS, "k.group_id");
    where_put(&s->w, ")");
    return true;
}

bool contact_content_read(struct contact_search *s, const struct exchange *x, struct fault *f)
{
    return add_body(s, x, f) && add_remarks(s, x, f) && add_case(s, x, f);
}
