#include "server/visible.h"

#include "server/search.h"
#include "server/sqlite.h"

#define BY(column) column " IN (SELECT cmi_guid(value) FROM json_each(?)) AND v.row > 0"
#define EITHER(select, join)                                                                       \
    select " WHERE " BY("v.queue_id") " " join " " select " WHERE " BY("v.agent_id")
#define OF_GROUP                                                                                   \
    "SELECT h.row FROM contacts v CROSS JOIN contacts h INDEXED BY contacts_of_group"              \
    " ON h.group_id = v.group_id"

bool visible_are_few(const struct rights *r, enum rights_resource resource, struct sqlite *db,
                     int64_t now_ms)
{
    static const char counting[] =
        "SELECT count(*) FROM (" EITHER("SELECT 1 FROM contacts v", "UNION ALL") " LIMIT ?)";
    struct visible_memo *memo = search_visible(db);
    struct sqlite_query q;
    uint64_t mark;
    size_t at;
    bool few;

    if (!rights_limited(r, resource))
        return false;
    mark = rights_mark(r, resource);
    at = mark % VISIBLE_REMEMBERS;
    if (memo->items[at].mark == mark && now_ms < memo->items[at].until_ms)
        return false;
    q = sqlite_query(db, counting);
    rights_bind(r, resource, true, &q);
    sqlite_bind_int(&q, VISIBLE_FEW + 1);
    few = sqlite_row(&q) && sqlite_int(&q, 0) <= VISIBLE_FEW;
    sqlite_end(&q);
    if (!few) {
        memo->items[at].mark = mark;
        memo->items[at].until_ms = now_ms + VISIBLE_MANY_MS;
    }
    return few;
}

void visible_where(const char *row, struct buf *sql)
{
    buf_printf(sql, " AND %s IN (%s)", row, EITHER("SELECT v.row FROM contacts v", "UNION"));
}

void visible_where_group(const char *row, struct buf *sql)
{
    buf_printf(sql, " AND %s IN (%s)", row, EITHER(OF_GROUP, "UNION"));
}
