#include "server/idempotency.h"

#include "bridge/core/mem.h"
#include "server/effect.h"
#include "server/history.h"
#include "server/server.h"
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
        seen = exchange_is_same(x, sqlite_text(&q, 0)) ? IDEMPOTENCY_DONE : IDEMPOTENCY_OTHER;
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

/* ---- what would be refused now ---- */

struct refusal {
    struct history_job job;
    struct exchange *x;
    struct fault why;
    void (*again)(struct exchange *x);
    enum idempotency seen;
};

static bool refusal_run(struct history_job *job, struct sqlite *db, struct fault *f)
{
    struct refusal *r = (struct refusal *)job;

    r->seen = idempotency_look(db, r->x);
    return sqlite_check(db, f);
}

static void refusal_end(struct history_job *job, const struct fault *f)
{
    struct refusal *r = (struct refusal *)job;

    if (f == NULL && r->seen == IDEMPOTENCY_DONE)
        r->again(r->x);
    else if (f == NULL && r->seen == IDEMPOTENCY_OTHER)
        effect_refuse(r->x, EFFECT_OTHER_BODY, NULL);
    else
        exchange_fault(r->x, f != NULL ? f : &r->why);
    mem_free(r);
}

void idempotency_refuse(struct exchange *x, const struct fault *why,
                        void (*again)(struct exchange *x))
{
    struct refusal *r;
    struct fault f;

    if (x->key_hash[0] == '\0') {
        exchange_fault(x, why);
        return;
    }
    r = mem_zeroed(1, sizeof *r);
    *r = (struct refusal){
        .job = {.run = refusal_run, .done = refusal_end}, .x = x, .why = *why, .again = again};
    if (history_read(x->server->history, &r->job, &f))
        return;
    mem_free(r);
    exchange_fault(x, &f);
}
