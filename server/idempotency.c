#include "server/idempotency.h"

#include "server/sqlite.h"

enum idempotency idempotency_look(struct sqlite *db, const struct exchange *x)
{
    enum idempotency seen = IDEMPOTENCY_NEW;
    struct sqlite_query q;

    if (x->key_hash[0] == '\0')
        return seen;
    q = sqlite_query(db, "SELECT digest FROM idempotency_keys WHERE key = ?");
    sqlite_bind_text(&q, view_of(x->key_hash));
    if (sqlite_row(&q))
        seen = view_is(sqlite_text(&q, 0), x->digest) ? IDEMPOTENCY_DONE : IDEMPOTENCY_OTHER;
    sqlite_end(&q);
    return seen;
}

static void purge(struct sqlite *db, int64_t now_ms)
{
    struct sqlite_query q =
        sqlite_query(db, "DELETE FROM idempotency_keys WHERE key IN"
                         " (SELECT key FROM idempotency_keys WHERE at_ms < ? LIMIT ?)");

    sqlite_bind_int(&q, now_ms - IDEMPOTENCY_KEPT_MS);
    sqlite_bind_int(&q, IDEMPOTENCY_PURGE_MAX);
    sqlite_run(&q);
}

void idempotency_keep(struct sqlite *db, const struct exchange *x)
{
    struct sqlite_query q;

    if (x->key_hash[0] == '\0')
        return;
    q = sqlite_query(db, "INSERT INTO idempotency_keys (key, digest, at_ms) VALUES (?, ?, ?)");
    sqlite_bind_text(&q, view_of(x->key_hash));
    sqlite_bind_text(&q, view_of(x->digest));
    sqlite_bind_int(&q, x->wall_ms);
    sqlite_run(&q);
    purge(db, x->wall_ms);
}
