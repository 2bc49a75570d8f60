#include "server/erase_report.h"

#include "bridge/core/json_out.h"

static void put(struct json_out *j, const char *key, int64_t n)
{
    json_key(j, key);
    json_int(j, n);
}

static void put_flag(struct json_out *j, const char *key, bool flag)
{
    json_key(j, key);
    json_bool(j, flag);
}

static void put_lines(struct json_out *j, const char *key, struct view lines)
{
    json_key(j, key);
    json_array(j);
    while (lines.n > 0)
        json_string(j, view_cut(&lines, '\n'));
    json_array_end(j);
}

static void put_history(struct json_out *j, const struct erase_report *r)
{
    const struct history_removed *n = &r->history;

    json_key(j, "history");
    json_object(j);
    put(j, "contacts", n->contacts);
    put(j, "chats", n->chats);
    put(j, "emails", n->emails);
    put(j, "remarks", n->remarks);
    put(j, "callRecordings", n->recordings);
    put(j, "listenLogs", n->listen_logs);
    put(j, "scriptResults", n->script_results);
    put(j, "mentions", r->mentions);
    json_object_end(j);
}

static void put_redis(struct json_out *j, const struct erase_store_counts *n)
{
    json_key(j, "redis");
    json_object(j);
    put(j, "destinations", n->destinations);
    put(j, "callbacks", n->callbacks);
    put(j, "consents", n->consents);
    put(j, "mentions", n->texts);
    put(j, "references", n->references);
    put(j, "unreadable", n->unreadable);
    put(j, "outbox", n->outbox);
    json_object_end(j);
}

void erase_report_write(const struct erase_report *r, struct buf *to)
{
    struct json_out j;

    json_out_init(&j, to);
    json_object(&j);
    json_key(&j, "address");
    json_text(&j, r->address);
    put_flag(&j, "dry_run", r->dry_run);
    put_history(&j, r);
    put_redis(&j, &r->redis);
    if (!r->dry_run) {
        put_flag(&j, "remains", r->remains);
        put_flag(&j, "journal_kept", r->journal_kept);
        put_flag(&j, "history_rewritten", r->history_rewritten);
        put_flag(&j, "aof_rewritten", r->aof_rewritten);
        put_lines(&j, "aof_left", r->aof_left);
    }
    json_object_end(&j);
}
