#include "server/contact_search.h"

#include "bridge/core/fulltext.h"
#include "bridge/core/trigram.h"
#include "bridge/core/utf8.h"
#include "bridge/core/wildcard.h"
#include "server/contact_content.h"
#include "server/filter.h"
#include "server/history_schema.h"
#include "server/place.h"
#include "server/text_index.h"

#include <string.h>

#define EXPRESSION_MAX (1 << 20)         /* bytes of what an index of texts is asked */
#define DAY_MS         INT64_C(86400000) /* as in the index contacts_long (server/history_schema.c) */

/* "Any fields" that are compared as texts. */
static const struct text_field {
    const char *name;
    const char *exact;   /* SQL: is it that value, in lower case; of ASCII: an index may lead */
    const char *pattern; /* SQL: does it match, whatever the case */
    const char *column;  /* of the trigrams; NULL: none */
} text_fields[] = {
#define TEXT_FIELD(name, column)                                                                   \
    {                                                                                              \
        name, SQL_BARE("c." column) " = lower(?)", "cmi_matches(?, c." column ")", NULL            \
    }
    TEXT_FIELD("channel", "channel"),
    TEXT_FIELD("type", "type"),
    TEXT_FIELD("typeDetails", "type_details"),
    TEXT_FIELD("subtype", "subtype"),
    TEXT_FIELD("status", "status"),
    TEXT_FIELD("statusDetails", "status_details"),
    TEXT_FIELD("agentName", "agent_name"),
    TEXT_FIELD("queueName", "queue_name"),
    {"source", SQL_BARE("c.source") " = lower(?)", "cmi_matches(?, c.source)", "source"},
    {"destination", SQL_BARE("c.destination") " = lower(?)", "cmi_matches(?, c.destination)",
     "destination"},
};
#define TEXT_FIELDS (sizeof text_fields / sizeof *text_fields)

const char *const contact_search_params[] = {
    "search",     "startTime", "endTime",     "subject",     "body",   "remarks",
    "caseId",     "agentId",   "queueId",     "pickable",    "id",     "contactGroupId",
    "channel",    "type",      "typeDetails", "subtype",     "status", "statusDetails",
    "agentName",  "queueName", "source",      "destination", "record", "script",
    "statistics", "sort",      NULL,
};

/* ---- values ---- */

/* A value, and what it may have been before a client left its '+' as a blank (contract 13). */
struct given {
    struct view values[2];
    size_t count;
    char room[WILDCARD_PATTERN_MAX];
};

static bool read_given(const char *name, struct view value, struct given *g, struct fault *f)
{
    if (!filter_is_short(name, value, f))
        return false;
    g->values[0] = view_trim(value);
    g->count = 1;
    if (filter_plus(value, g->room, &g->values[1]))
        g->count = 2;
    return true;
}

static bool read_bool(const struct exchange *x, const char *name, bool *value, bool *given,
                      struct fault *f)
{
    struct view text = exchange_param(x, name, given);

    *value = view_eq_nocase(text, VIEW("true"));
    if (!*given || *value || view_eq_nocase(text, VIEW("false")))
        return true;
    return fault_set(f, FAULT_REJECT, "%s is neither true nor false", name);
}

/* ---- what leads ---- */

/* The index leads if none does yet; else it is asked beside the one that does. */
static void put_words(struct contact_search *s, const struct text_index *index,
                      struct view expression)
{
    struct where *w = &s->w;

    if (s->leads == NULL) {
        s->leads = index->index;
        where_put(w, " AND d.");
        where_put(w, index->index);
        where_put(w, " MATCH ?");
    } else {
        where_put(w, " AND c.row IN (SELECT rowid FROM ");
        where_put(w, index->index);
        where_put(w, " WHERE ");
        where_put(w, index->index);
        where_put(w, " MATCH ? AND rowid > ?3 AND rowid < ?4)");
        s->gathers |= CONTACT_GATHERS_PLACES;
    }
    where_text(w, expression);
}

/* ---- addresses and other texts ---- */

/* What SQL's lower() can't compare: it knows ASCII only. Trigrams lead to it, to all else an index
 * of its own. */
static bool is_matched(struct view value)
{
    return wildcard_is_pattern(value) || utf8_count(value) < value.n;
}

static void put_compare(struct where *w, const struct text_field *field, struct view value)
{
    where_put(w, is_matched(value) ? field->pattern : field->exact);
    where_text(w, value);
}

static bool put_trigrams(const struct given *g, const char *column, struct buf *to)
{
    for (size_t i = 0; i < g->count; i++) {
        buf_put_text(to, i == 0 ? "(" : " OR (");
        if (column != NULL)
            buf_printf(to, "%s : ", column);
        if (!trigram_expression(g->values[i], to))
            return false;
        buf_put_char(to, ')');
    }
    return !to->full;
}

static bool add_text(struct contact_search *s, const struct exchange *x,
                     const struct text_field *field, struct fault *f)
{
    bool found = false;
    struct view value = exchange_param(x, field->name, &found);
    struct where *w = &s->w;
    struct given g;
    struct buf expression;

    if (!found)
        return true;
    if (!read_given(field->name, value, &g, f))
        return false;
    if (strcmp(field->name, "status") == 0 && !is_matched(g.values[0]) &&
        !view_eq_nocase(g.values[0], VIEW("Handled")))
        where_put(w, " AND c.status <> 'Handled'"); /* leads to those few, by an index */
    buf_init(&expression, EXPRESSION_MAX);
    if (field->column != NULL && is_matched(g.values[0]) && s->leads == NULL && !s->by_row &&
        put_trigrams(&g, field->column, &expression))
        put_words(s, &text_index_of_addresses, buf_view(&expression));
    buf_done(&expression);
    where_put(w, " AND (");
    for (size_t i = 0; i < g.count; i++) {
        if (i > 0)
            where_put(w, " OR ");
        put_compare(w, field, g.values[i]);
    }
    where_put(w, ")");
    return true;
}

/* Source or destination, any of the values. One index answers for all, or none. */
static bool add_search(struct contact_search *s, const struct exchange *x, struct fault *f)
{
    bool found = false;
    struct view list = exchange_param(x, "search", &found);
    const struct text_field *fields = &text_fields[TEXT_FIELDS - 2];
    struct view rest = list;
    struct where *w = &s->w;
    struct buf expression;
    bool ok = true;
    bool matched = false;
    bool led = true;
    size_t count = 0;

    if (!found)
        return true;
    buf_init(&expression, EXPRESSION_MAX);
    for (bool more = true; more; count++) {
        struct given g;

        more = view_has(rest, ',');
        ok = count < CONTACT_SEARCH_VALUES_MAX
                 ? read_given("a value of search", view_cut(&rest, ','), &g, f)
                 : fault_set(f, FAULT_REJECT, "search has more than %d values",
                             CONTACT_SEARCH_VALUES_MAX);
        if (!ok)
            break;
        if (count > 0)
            buf_put_text(&expression, " OR ");
        matched = matched || is_matched(g.values[0]);
        led = led && put_trigrams(&g, NULL, &expression);
    }
    if (ok && matched && led && !s->by_row)
        put_words(s, &text_index_of_addresses, buf_view(&expression));
    buf_done(&expression);
    if (!ok)
        return false;
    where_put(w, " AND (");
    rest = list;
    for (size_t i = 0; i < count; i++) {
        struct given g = {.count = 0};

        (void)!read_given("search", view_cut(&rest, ','), &g, f); /* it could be read before */
        for (size_t v = 0; v < g.count; v++) {
            if (i > 0 || v > 0)
                where_put(w, " OR ");
            put_compare(w, &fields[0], g.values[v]);
            where_put(w, " OR ");
            put_compare(w, &fields[1], g.values[v]);
        }
    }
    where_put(w, ")");
    return true;
}

/* ---- ids ---- */

/* Without hyphens, as the hex of an id is compared. */
static struct view bare(struct view value, char room[WILDCARD_PATTERN_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] != '-')
            room[n++] = value.p[i];
    return (struct view){room, n};
}

static bool put_id(struct contact_search *s, const char *name, const char *column,
                   struct view value, bool patterns, struct fault *f)
{
    struct where *w = &s->w;
    char room[WILDCARD_PATTERN_MAX];
    struct guid id;

    value = view_trim(value);
    if (patterns && wildcard_is_pattern(value)) {
        if (!filter_is_short(name, value, f))
            return false;
        where_put(w, "cmi_matches(?, hex(");
        where_put(w, column);
        where_put(w, "))");
        where_text(w, bare(value, room));
        return true;
    }
    if (!guid_parse(value, &id))
        return fault_set(f, FAULT_REJECT, "Invalid GUID: '%.*s'", VIEW_ARG(value));
    s->narrow = s->narrow || patterns; /* an agent or a queue has many */
    where_put(w, column);
    where_put(w, " = ?");
    where_guid(w, &id);
    return true;
}

/* One id, or a comma list of them. A list of plain ids is an IN, which an index can lead. */
static bool add_ids(struct contact_search *s, const struct exchange *x, const char *name,
                    const char *column, bool patterns, struct fault *f)
{
    bool found = false;
    struct view rest = exchange_param(x, name, &found);
    struct where *w = &s->w;
    size_t count = 0;

    if (!found)
        return true;
    where_put(w, " AND (");
    for (bool more = true; more; count++) {
        if (count == CONTACT_SEARCH_VALUES_MAX)
            return fault_set(f, FAULT_REJECT, "%s has more than %d values", name,
                             CONTACT_SEARCH_VALUES_MAX);
        if (count > 0)
            where_put(w, " OR ");
        more = view_has(rest, ',');
        if (!put_id(s, name, column, view_cut(&rest, ','), patterns, f))
            return false;
    }
    where_put(w, ")");
    return true;
}

static bool add_id(struct contact_search *s, const struct exchange *x, struct fault *f)
{
    bool found = false;
    struct view value = exchange_param(x, "id", &found);

    if (!found)
        return true;
    where_put(&s->w, " AND ");
    return put_id(s, "id", "c.id", value, true, f);
}

/* ---- times ---- */

/* " AND <place>", whose bound follows. Words have been read: it is known what leads. */
static void put_place(struct contact_search *s, bool *bounded)
{
    where_put(&s->w, *bounded ? " AND +" : " AND ");
    where_put(&s->w, s->leads != NULL ? "d.rowid" : "c.row");
    *bounded = true;
}

/* arrivalTime or disconnectTime at or after the start. What arrived long before it can only be one
 * of the few that lasted long: they say how far back the rows have to be looked at. */
static bool add_start(struct contact_search *s, const struct exchange *x, struct fault *f)
{
    struct where *w = &s->w;
    int64_t ms = 0;
    bool found = false;

    if (!filter_time_read(x, "startTime", &ms, &found, f) || !found)
        return !found;
    s->timed = true;
    put_place(s, &s->from);
    where_put(w, " >= min(?, ifnull((SELECT min(+row) FROM contacts"
                 " INDEXED BY contacts_long WHERE disconnect_ms - arrival_ms > 86400000 AND "
                 "disconnect_ms >= ?"
                 " AND +row > 0), ?))"
                 " AND (c.arrival_ms >= ? OR c.disconnect_ms >= ?)");
    where_int(w, place_before(ms - DAY_MS));
    where_int(w, ms);
    where_int(w, INT64_MAX);
    where_int(w, ms);
    where_int(w, ms);
    return true;
}

/* The same for the end: only what ended before it arrived stands behind it. */
static bool add_end(struct contact_search *s, const struct exchange *x, struct fault *f)
{
    struct where *w = &s->w;
    int64_t ms = 0;
    bool found = false;

    if (!filter_time_read(x, "endTime", &ms, &found, f) || !found)
        return !found;
    s->timed = true;
    put_place(s, &s->to);
    where_put(w, " <= max(?, ifnull((SELECT max(+row) FROM contacts"
                 " INDEXED BY contacts_backwards WHERE disconnect_ms < arrival_ms AND "
                 "disconnect_ms <= ?), 0))"
                 " AND (c.arrival_ms <= ? OR c.disconnect_ms <= ?)");
    where_int(w, place_after(ms));
    where_int(w, ms);
    where_int(w, ms);
    where_int(w, ms);
    return true;
}

/* ---- subjects ---- */

static bool add_subject(struct contact_search *s, const struct exchange *x, struct fault *f)
{
    bool found = false;
    struct view value = exchange_param(x, "subject", &found);
    struct buf expression;
    bool ok = true;

    if (!found)
        return true;
    buf_init(&expression, FULLTEXT_EXPRESSION_MAX);
    ok = fulltext_expression(value, &expression, f) || fault_add(f, "subject");
    if (ok) {
        put_words(s, &text_index_of_subjects, buf_view(&expression));
        where_put(&s->w, " AND c.channel IN ('CHAT', 'EMAIL')");
    }
    buf_done(&expression);
    return ok;
}

/* ---- flags ---- */

/* Never false: what is not true is absent (contract 20). */
static bool add_flag(struct contact_search *s, const struct exchange *x, const char *name,
                     struct fault *f)
{
    bool value = false;
    bool found = false;
    struct view text = exchange_param(x, name, &found);

    if (found && wildcard_is_pattern(text)) {
        if (!filter_is_short(name, text, f))
            return false;
        value = wildcard_match_nocase(text, VIEW("true"));
        where_put(&s->w, value ? "" : " AND 0");
        value = true;
    } else if (!read_bool(x, name, &value, &found, f)) {
        return false;
    }
    if (!found)
        return true;
    where_put(&s->w, " AND c.");
    where_put(&s->w, name);
    where_put(&s->w, value ? " IS NOT NULL" : " IS NULL");
    return true;
}

static bool add_pickable(struct contact_search *s, const struct exchange *x, struct fault *f)
{
    bool value = false;
    bool found = false;

    if (!read_bool(x, "pickable", &value, &found, f))
        return false;
    s->pickable = value;
    if (!value)
        return true; /* `false` leaves nothing out */
    where_put(&s->w, " AND c.status <> 'Handled' AND c.channel IN ('CHAT', 'EMAIL')"
                     " AND (c.status = 'InQueue' OR (c.status = 'InProcess' AND"
                     " (c.type = 'EmailIn' OR (c.type = 'EmailOut' AND c.agent_id = ?))))");
    where_guid(&s->w, &x->user->id);
    return true;
}

/* ---- all of it ---- */

void contact_search_init(struct contact_search *s)
{
    s->leads = NULL;
    s->from = s->to = false;
    s->timed = false;
    s->gathers = 0;
    s->pickable = false;
    s->by_row = s->narrow = false;
    where_init(&s->w);
}

void contact_search_done(struct contact_search *s)
{
    where_done(&s->w);
}

/* Indexes of words first: one of them may lead. */
bool contact_search_read(struct contact_search *s, const struct exchange *x, struct fault *f)
{
    bool ok = add_search(s, x, f);

    for (size_t i = TEXT_FIELDS; ok && i-- > 0;)
        ok = add_text(s, x, &text_fields[i], f);
    ok = ok && add_subject(s, x, f) && contact_content_read(s, x, f) && add_start(s, x, f) &&
         add_end(s, x, f) && add_id(s, x, f) && add_ids(s, x, "agentId", "c.agent_id", false, f) &&
         add_ids(s, x, "queueId", "c.queue_id", false, f) &&
         add_ids(s, x, "contactGroupId", "c.group_id", true, f) && add_flag(s, x, "record", f) &&
         add_flag(s, x, "script", f) && add_pickable(s, x, f);
    if (!ok)
        return false;
    if (!where_is_full(&s->w))
        return true;
    return fault_set(f, FAULT_REJECT,
                     "there are more search values than can be looked for at a time");
}
