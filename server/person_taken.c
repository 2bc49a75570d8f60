#include "server/person_taken.h"

#include "bridge/core/mem.h"
#include "server/sqlite.h"

#include <string.h>

#define FIRST_ROOM 64 /* keys; doubled as they come */

static void make_key(enum person_thing kind, const struct guid *id, uint8_t key[PERSON_KEY_BYTES])
{
    key[0] = (uint8_t)kind;
    memcpy(key + 1, id->bytes, sizeof id->bytes);
}

/* Where it is, or would be. */
static size_t find(const struct person_taken *t, const uint8_t key[PERSON_KEY_BYTES], bool *found)
{
    size_t low = 0;
    size_t high = t->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (memcmp(t->keys[mid], key, PERSON_KEY_BYTES) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *found = low < t->count && memcmp(t->keys[low], key, PERSON_KEY_BYTES) == 0;
    return low;
}

void person_taken_done(struct person_taken *t)
{
    mem_free(t->keys);
    *t = (struct person_taken){0};
}

bool person_taken_has(const struct person_taken *t, enum person_thing kind, const struct guid *id)
{
    uint8_t key[PERSON_KEY_BYTES];
    bool found = false;

    make_key(kind, id, key);
    (void)find(t, key, &found);
    return found;
}

static int64_t count_of(struct sqlite *db, const char *sql, const struct guid *id)
{
    struct sqlite_query q = sqlite_query(db, sql);
    int64_t n = 0;

    sqlite_bind_guid(&q, id);
    if (sqlite_row(&q))
        n = sqlite_int(&q, 0);
    sqlite_end(&q);
    return n;
}

static void count(struct sqlite *db, enum person_thing kind, const struct guid *id,
                  struct history_removed *n)
{
    switch (kind) {
    case PERSON_GROUP:
        n->contacts += count_of(db, "SELECT count(*) FROM contacts WHERE group_id = ?", id);
        n->chats += count_of(db,
                             "SELECT EXISTS (SELECT 1 FROM contacts WHERE group_id = ?"
                             " AND +channel = 'CHAT')",
                             id);
        n->emails += count_of(db,
                              "SELECT count(*) FROM contacts c JOIN emails e ON e.id = c.id"
                              " WHERE c.group_id = ?",
                              id);
        n->remarks += count_of(db, "SELECT count(*) FROM remarks WHERE group_id = ?", id);
        return;
    case PERSON_RECORDING:
        n->recordings += count_of(db, "SELECT count(*) FROM call_recordings WHERE id = ?", id);
        n->listen_logs += count_of(db, "SELECT count(*) FROM listen_logs WHERE recording = ?", id);
        return;
    case PERSON_SCRIPT:
        n->script_results += count_of(db, "SELECT count(*) FROM script_results WHERE id = ?", id);
        return;
    }
}

bool person_taken_add(struct person_taken *t, struct sqlite *db, enum person_thing kind,
                      const struct guid *id, struct history_removed *n)
{
    uint8_t key[PERSON_KEY_BYTES];
    bool found = false;
    size_t at;

    make_key(kind, id, key);
    at = find(t, key, &found);
    if (found)
        return false;
    if (t->count == t->room) {
        t->room = t->room == 0 ? FIRST_ROOM : 2 * t->room;
        t->keys = mem_resize(t->keys, t->room, sizeof *t->keys);
    }
    memmove(t->keys + at + 1, t->keys + at, (t->count - at) * sizeof *t->keys);
    memcpy(t->keys[at], key, sizeof key);
    t->count++;
    count(db, kind, id, n);
    return true;
}
