#include "server/contact_sort.h"

#include "bridge/core/hex.h"
#include "bridge/core/num.h"
#include "bridge/io/unicode.h"
#include "server/contact_sql.h"
#include "server/sqlite.h"
#include "server/translations.h"

#include <inttypes.h>
#include <string.h>

/* Of a text its beginning: all that is compared is in the token, and no other row is asked. */
#define DIGITS_OF(n) #n
#define DIGITS(n)    DIGITS_OF(n)
#define TEXT(column) "substr(c." column ", 1, " DIGITS(CONTACT_SORT_TEXT_MAX) ")"

/* What can be sorted by; `arrivalTime` is the order of places. */
static const struct {
    const char *name;
    const char *key;
    bool text;
    bool duration;
} keys[] = {
    {"id", "c.id", false, false},
    {"contactGroupId", TEXT("group_text"), true, false},
    {"channel", TEXT("channel"), true, false},
    {"type", TEXT("type"), true, false},
    {"typeDetails", TEXT("type_details"), true, false},
    {"subtype", TEXT("subtype"), true, false},
    {"status", TEXT("status"), true, false},
    {"statusDetails", TEXT("status_details"), true, false},
    {"source", TEXT("source"), true, false},
    {"destination", TEXT("destination"), true, false},
    {"agentId", "c.agent_id", false, false},
    {"agentName", TEXT("agent_name"), true, false},
    {"queueId", "c.queue_id", false, false},
    {"queueName", TEXT("queue_name"), true, false},
    {"arrivalTime", NULL, false, false},
    {"disconnectTime", "c.disconnect_ms", false, false},
    {"totalDuration", CONTACT_TOTAL, false, true},
    {"record", "c.record", false, false},
    {"script", "c.script", false, false},
    {"subject", TEXT("subject"), true, false},
    {"connectTime", CONTACT_CONNECT, false, false},
    {"waitingDuration", CONTACT_WAITING, false, true},
    {"handlingDuration", CONTACT_HANDLING, false, true},
    {"wrapUpTotalDuration", CONTACT_WRAP_UP, false, true},
};

/* ---- the parameter ---- */

static bool read_locale(struct contact_sort *s, struct view postfix, struct fault *f)
{
    if (!view_starts(postfix, VIEW("LOCALE-")))
        return fault_set(f, FAULT_REJECT,
                         "sort: what follows the comma must be LOCALE- and a language tag, as "
                         "LOCALE-fi");
    s->locale = view_skip(postfix, strlen("LOCALE-"));
    return unicode_is_tag(s->locale) ||
           fault_set(f, FAULT_REJECT, "sort: the locale is no language tag (BCP 47)");
}

static bool read_sort(struct contact_sort *s, struct view value, struct fault *f)
{
    bool has_postfix = view_has(value, ',');
    struct view rest = value;
    struct view name = view_cut(&rest, ',');
    size_t i = 0;

    s->descending = name.n > 0 && name.p[0] == '-';
    if (s->descending)
        name = view_skip(name, 1);
    while (i < sizeof keys / sizeof *keys && !view_is(name, keys[i].name))
        i++;
    if (i == sizeof keys / sizeof *keys)
        return fault_set(f, FAULT_REJECT,
                         "sort is no property of a contact that can be sorted by, with or without "
                         "a '-' before it");
    s->key = keys[i].key;
    s->text = keys[i].text;
    s->duration = keys[i].duration;
    s->translated = translations_concern(name);
    return !has_postfix || read_locale(s, rest, f);
}

/* ---- the token: <mark>[.<time>.<kind><value>] ---- */

static bool read_hex(struct view hex, char *to, size_t size, struct view *out)
{
    *out = (struct view){to, hex.n / 2};
    return hex.n / 2 <= size && hex_read(hex, to, hex.n / 2);
}

static bool read_value(struct contact_sort *s, struct view text)
{
    struct view rest = view_skip(text, 1);

    if (text.n == 0)
        return false;
    switch (text.p[0]) {
    case 'n':
        s->at = cell_null;
        return rest.n == 0;
    case 'i':
        s->at.kind = CELL_INT;
        return num_int(rest, &s->at.number);
    case 't':
        s->at.kind = CELL_TEXT;
        return read_hex(rest, s->room, sizeof s->room, &s->at.bytes);
    case 'b':
        s->at.kind = CELL_BLOB;
        return read_hex(rest, s->room, sizeof s->room, &s->at.bytes);
    default:
        return false;
    }
}

static bool read_token(struct contact_sort *s, struct view token)
{
    struct view rest = token;
    struct view mark = view_cut(&rest, '.');
    struct view time = view_cut(&rest, '.');
    int64_t began_ms = 0;

    if (!place_mark_read(mark, &s->mark))
        return false;
    if (s->key == NULL)
        return time.n == 0 && rest.n == 0;
    if (!num_in(time, 0, INT64_MAX, &began_ms) || !read_value(s, rest))
        return false;
    if (s->duration)
        s->now_ms = began_ms;
    return true;
}

bool contact_sort_read(struct contact_sort *s, const struct exchange *x, const struct page *page,
                       struct fault *f)
{
    bool given = false;
    struct view value = exchange_param(x, "sort", &given);

    memset(s, 0, sizeof *s);
    s->now_ms = x->wall_ms;
    s->descending = true;
    s->place = "c.row";
    s->goes_on = page->goes_on;
    if (given && !read_sort(s, value, f))
        return false;
    return !page->goes_on || read_token(s, page->token) || page_bad_token(f);
}

void contact_sort_token(const struct contact_sort *s, const struct sqlite_query *q, struct buf *to)
{
    struct place_mark mark = {.place = sqlite_int(q, 0)};
    enum sqlite_kind kind = SQLITE_KIND_NULL;

    mark.has_id = sqlite_guid(q, 2, &mark.id);
    place_mark_put(&mark, to);
    if (s->key == NULL)
        return;
    kind = sqlite_kind(q, 1);
    buf_printf(to, ".%" PRId64 ".", s->now_ms);
    if (kind == SQLITE_KIND_NULL) {
        buf_put_char(to, 'n');
    } else if (kind == SQLITE_KIND_INT) {
        buf_printf(to, "i%" PRId64, sqlite_int(q, 1));
    } else {
        buf_put_char(to, kind == SQLITE_KIND_TEXT ? 't' : 'b');
        hex_put(sqlite_text(q, 1), to);
    }
}

/* ---- the statement ---- */

void contact_sort_find(struct contact_sort *s, struct sqlite *db)
{
    struct place_gap gap = {0};

    if (!s->goes_on)
        return;
    gap = place_mark_find(db, "contacts", &s->mark);
    s->after = contact_sort_is_at_place(s) && !s->descending ? gap.below : gap.above;
}

const char *contact_sort_key(const struct contact_sort *s)
{
    return s->key == NULL ? "NULL" : s->key;
}

static void put_key(const struct contact_sort *s, struct where *w)
{
    where_put(w, s->key);
    if (s->text)
        where_put(w, " COLLATE cmi_sort");
}

/* The value of the last row shown, as the other side of a comparison. */
static void put_last(const struct contact_sort *s, struct where *w)
{
    where_put(w, "?");
    if (s->at.kind == CELL_INT)
        where_int(w, s->at.number);
    else
        where_bytes(w, s->at.kind, s->at.bytes);
}

bool contact_sort_is_at_place(const struct contact_sort *s)
{
    return s->goes_on && s->key == NULL;
}

void contact_sort_after(const struct contact_sort *s, struct where *w)
{
    bool absent = s->at.kind == CELL_NULL;

    if (!s->goes_on)
        return;
    if (s->key == NULL) {
        where_put(w, " AND ");
        where_put(w, s->place);
        where_put(w, s->descending ? " < ?" : " > ?");
        where_int(w, s->after);
        return;
    }
    where_put(w, " AND (");
    if (absent) {
        where_put(w, "(");
        where_put(w, s->key);
        where_put(w, " IS NULL AND c.row < ?)");
        where_int(w, s->after);
        if (!s->descending) {
            where_put(w, " OR ");
            where_put(w, s->key);
            where_put(w, " IS NOT NULL");
        }
    } else {
        put_key(s, w);
        where_put(w, s->descending ? " < " : " > ");
        put_last(s, w);
        where_put(w, " OR (");
        put_key(s, w);
        where_put(w, " = ");
        put_last(s, w);
        where_put(w, " AND c.row < ?)");
        where_int(w, s->after);
        if (s->descending) {
            where_put(w, " OR ");
            where_put(w, s->key);
            where_put(w, " IS NULL");
        }
    }
    where_put(w, ")");
}

void contact_sort_order(const struct contact_sort *s, struct where *w)
{
    where_put(w, " ORDER BY ");
    if (s->key != NULL) {
        put_key(s, w);
        where_put(w, s->descending ? " DESC, c.row DESC" : " ASC, c.row DESC");
    } else {
        where_put(w, s->place);
        where_put(w, s->descending ? " DESC" : " ASC");
    }
}
