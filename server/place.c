#include "server/place.h"

#include "server/sqlite.h"

#include <stdio.h>

#define LOW_MAX       ((INT64_C(1) << PLACE_BITS) - 1)
#define STATEMENT_MAX 256

bool place_allows(const char *field, int64_t ms, struct fault *f)
{
    if (ms <= 0 || ms > PLACE_MS_MAX)
        return fault_set(f, FAULT_REJECT, "%s is before 1970 or after 2248", field);
    return true;
}

int64_t place_take(struct sqlite *db, const char *table, int64_t ms, const struct guid *id)
{
    int64_t low = (int64_t)id->bytes[0] << 12 | (int64_t)id->bytes[1] << 4 | id->bytes[2] >> 4;
    int64_t base = ms << PLACE_BITS;
    int64_t place = base + LOW_MAX - low;
    char sql[STATEMENT_MAX];
    struct sqlite_query q;

    snprintf(sql, sizeof sql, "SELECT row FROM %s WHERE row BETWEEN ? AND ? ORDER BY row DESC",
             table);
    q = sqlite_query(db, sql);
    sqlite_bind_int(&q, base);
    sqlite_bind_int(&q, place);
    while (sqlite_row(&q) && sqlite_int(&q, 0) == place)
        place--;
    sqlite_end(&q);
    return place;
}

int64_t place_take_hidden(struct sqlite *db, const char *table)
{
    int64_t lowest = 0;
    char sql[STATEMENT_MAX];
    struct sqlite_query q;

    snprintf(sql, sizeof sql, "SELECT row FROM %s WHERE row < 0 ORDER BY row LIMIT 1", table);
    q = sqlite_query(db, sql);
    if (sqlite_row(&q))
        lowest = sqlite_int(&q, 0);
    sqlite_end(&q);
    return lowest - 1;
}

int64_t place_ms(int64_t place)
{
    return place >> PLACE_BITS;
}

int64_t place_after(int64_t ms)
{
    if (ms < 0)
        return -1;
    return ms > PLACE_MS_MAX ? INT64_MAX : (ms << PLACE_BITS) + LOW_MAX;
}

int64_t place_before(int64_t ms)
{
    if (ms < 0)
        return 0;
    return ms > PLACE_MS_MAX ? INT64_MAX : ms << PLACE_BITS;
}
