#include "server/sweep.h"

#include "bridge/core/merge.h"
#include "server/place.h"
#include "server/sqlite.h"

struct found {
    int64_t row;
    struct guid group;
};

int64_t sweep_taken(const struct sweep *s)
{
    const struct history_removed *n = &s->removed;

    return n->contacts + n->chats + n->emails + n->recordings + n->script_results;
}

static int64_t latest_cut(const struct sweep *s)
{
    int64_t latest = INT64_MIN;

    for (unsigned i = AGE_OF_CONTACTS; i <= AGE_OF_EMAILS; i++)
        if (age_cut(&s->ages, i, s->now_ms) > latest)
            latest = age_cut(&s->ages, i, s->now_ms);
    return latest;
}

static int64_t cut_of_channel(const struct sweep *s, struct view channel)
{
    return age_cut(&s->ages, age_of_channel(channel), s->now_ms);
}

/* ---- groups ---- */

static int64_t newest_ms(struct view stamps)
{
    int64_t newest = INT64_MIN;
    struct merge_map map;
    struct fault damaged;

    if (!merge_map_read(&map, stamps, &damaged))
        return INT64_MAX; /* whoever reads the leg says so */
    for (size_t i = 0; i < map.count; i++)
        if (merge_stamp_ms(&map.stamps[i]) > newest)
            newest = merge_stamp_ms(&map.stamps[i]);
    return newest;
}

/* Of legs whose channel is not known, nor that of another of their group. An event that is read of
 * long ago may say no channel, and the one that did be past its age: so not for ever. */
static int64_t cut_of_unknown(const struct sweep *s, int64_t since_ms)
{
    const int64_t cut = age_cut(&s->ages, AGE_OF_ANY_CONTACT, s->now_ms);

    if (cut == INT64_MIN && since_ms < s->now_ms - SWEEP_WAIT_MS)
        return age_cut(&s->ages, AGE_OF_CONTACTS, s->now_ms);
    return cut;
}

/* Are all its legs too old? From the newest down, then those that have no place. One whose channel
 * is not known yet may be of any that the others are of. */
static bool is_old(const struct sweep *s, struct sqlite *db, const struct guid *group)
{
    struct sqlite_query q =
        sqlite_query(db, "SELECT row, channel, CASE WHEN row < 0 THEN stamps END FROM contacts"
                         " WHERE group_id = ? ORDER BY row DESC");
    int64_t earliest = INT64_MAX;
    int64_t unknown = INT64_MIN;
    int64_t since_ms = INT64_MIN; /* some are unknown */
    bool old = true;

    sqlite_bind_guid(&q, group);
    while (old && sqlite_row(&q)) {
        const int64_t row = sqlite_int(&q, 0);
        const struct view channel = sqlite_text(&q, 1);
        const int64_t ms = row < 0 ? newest_ms(sqlite_text(&q, 2)) : place_ms(row);
        const int64_t cut = cut_of_channel(s, channel);

        if (channel.n == 0) {
            unknown = ms > unknown ? ms : unknown;
            since_ms = place_hidden_ms(row); /* the latest comes last */
        } else {
            earliest = cut < earliest ? cut : earliest;
            old = ms < cut;
        }
    }
    sqlite_end(&q);
    if (earliest == INT64_MAX)
        earliest = cut_of_unknown(s, since_ms);
    return old && (unknown == INT64_MIN || unknown < earliest);
}

struct kin {
    struct guid groups[SWEEP_KIN_MAX];
    size_t count;
};

static bool kin_has(const struct kin *k, const struct guid *group)
{
    for (size_t i = 0; i < k->count; i++)
        if (guid_eq(&k->groups[i], group))
            return true;
    return false;
}

/* Adds other groups whose legs come after some of its. false: there are too many. */
static bool kin_after(struct kin *k, struct sqlite *db, const struct guid *group)
{
    struct sqlite_query q =
        sqlite_query(db, "SELECT n.group_id FROM contacts l CROSS JOIN contacts n"
                         " ON n.previous_id = l.id WHERE l.group_id = ?1 AND n.group_id <> ?1");
    struct guid one;
    bool fits = true;

    sqlite_bind_guid(&q, group);
    while (fits && sqlite_row(&q)) {
        if (!sqlite_guid(&q, 0, &one) || kin_has(k, &one))
            continue;
        fits = k->count < SWEEP_KIN_MAX;
        if (fits)
            k->groups[k->count++] = one;
    }
    sqlite_end(&q);
    return fits;
}

/* Is it too old, and whatever has something from it? Where that are too many, they go first, and it
 * in a later pass. */
static bool is_over(const struct sweep *s, struct sqlite *db, const struct guid *group)
{
    struct kin kin = {.groups = {*group}, .count = 1};

    for (size_t i = 0; i < kin.count; i++)
        if (!is_old(s, db, &kin.groups[i]) || !kin_after(&kin, db, &kin.groups[i]))
            return false;
    return true;
}

static bool goes_on(const struct sweep *s, int looked)
{
    return looked == 0 || !allowance_is_over(&s->left);
}

/* Takes the groups that are over. Of one that was too large for a step, the place is given back, so
 * that the next step comes to it again; else 0. */
static int64_t take(struct sweep *s, struct sqlite *db, const struct found *found, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && allowance_is_over(&s->left))
            return found[i].row;
        if (is_over(s, db, &found[i].group) &&
            !history_remove_group(db, &found[i].group, &s->left, &s->removed))
            return found[i].row;
    }
    return 0;
}

static bool shown(struct sweep *s, struct sqlite *db)
{
    struct found found[SWEEP_GROUPS_MAX];
    size_t count = 0;
    int looked = 0;
    int64_t again;
    struct sqlite_query q;

    q = sqlite_query(db, "SELECT row, group_id, channel FROM contacts"
                         " WHERE row > ? AND row < ? ORDER BY row LIMIT ?");
    sqlite_bind_int(&q, s->row);
    sqlite_bind_int(&q, place_before(latest_cut(s)));
    sqlite_bind_int(&q, SWEEP_LOOK_MAX);
    while (count < SWEEP_GROUPS_MAX && goes_on(s, looked) && sqlite_row(&q)) {
        s->row = sqlite_int(&q, 0);
        looked++;
        if (place_ms(s->row) < cut_of_channel(s, sqlite_text(&q, 2)) &&
            sqlite_guid(&q, 1, &found[count].group))
            found[count++].row = s->row;
    }
    sqlite_end(&q);
    again = take(s, db, found, count);
    if (again != 0)
        s->row = again - 1;
    return looked > 0;
}

/* From the top, which is the oldest. */
static bool hidden(struct sweep *s, struct sqlite *db)
{
    struct found found[SWEEP_GROUPS_MAX];
    size_t count = 0;
    int looked = 0;
    int64_t again;
    struct sqlite_query q;

    q = sqlite_query(db, "SELECT row, group_id, stamps FROM contacts"
                         " WHERE row < ? AND row < 0 ORDER BY row DESC LIMIT ?");
    sqlite_bind_int(&q, s->row);
    sqlite_bind_int(&q, SWEEP_LOOK_MAX);
    while (count < SWEEP_GROUPS_MAX && goes_on(s, looked) && sqlite_row(&q)) {
        s->row = sqlite_int(&q, 0);
        looked++;
        if (newest_ms(sqlite_text(&q, 2)) < latest_cut(s) &&
            sqlite_guid(&q, 1, &found[count].group))
            found[count++].row = s->row;
    }
    sqlite_end(&q);
    again = take(s, db, found, count);
    if (again != 0)
        s->row = again + 1;
    return looked > 0;
}

/* ---- what was said of chats that nothing else is known of ---- */

static bool next_chat(struct sweep *s, struct sqlite *db, const char *sql)
{
    struct sqlite_query q = sqlite_query(db, sql);
    bool found;

    sqlite_bind_blob(
        &q, (struct view){(const char *)s->chat.bytes, s->in_chats ? sizeof s->chat.bytes : 0});
    found = sqlite_row(&q) && sqlite_guid(&q, 0, &s->chat);
    s->in_chats = s->in_chats || found;
    sqlite_end(&q);
    return found;
}

static bool is_known(struct sqlite *db, const struct guid *group)
{
    struct sqlite_query q = sqlite_query(db, "SELECT 1 FROM contacts WHERE group_id = ?");
    bool known;

    sqlite_bind_guid(&q, group);
    known = sqlite_row(&q);
    sqlite_end(&q);
    return known;
}

static int64_t newest_line_ms(struct sqlite *db, const struct guid *chat)
{
    struct sqlite_query q = sqlite_query(db, "SELECT at_ms FROM chat_messages WHERE chat = ?"
                                             " ORDER BY at_ms DESC LIMIT 1");
    int64_t ms = INT64_MIN;

    sqlite_bind_guid(&q, chat);
    if (sqlite_row(&q))
        ms = sqlite_int(&q, 0);
    sqlite_end(&q);
    return ms;
}

static int64_t newest_participant_ms(struct sqlite *db, const struct guid *chat)
{
    struct sqlite_query q =
        sqlite_query(db, "SELECT max(stamp) FROM chat_participants WHERE chat = ?");
    int64_t ms = INT64_MIN;

    sqlite_bind_guid(&q, chat);
    if (sqlite_row(&q)) {
        struct merge_stamp newest = merge_stamp_of(sqlite_text(&q, 0));

        ms = merge_stamp_ms(&newest);
    }
    sqlite_end(&q);
    return ms;
}

static bool orphans(struct sweep *s, struct sqlite *db, const char *next)
{
    const int64_t cut = age_cut(&s->ages, AGE_OF_CHATS, s->now_ms);

    if (cut == INT64_MIN)
        return false;
    for (int i = 0; i < SWEEP_LOOK_MAX && goes_on(s, i); i++) {
        if (!next_chat(s, db, next))
            return false;
        if (!is_known(db, &s->chat) && newest_line_ms(db, &s->chat) < cut &&
            newest_participant_ms(db, &s->chat) < cut)
            while (!history_remove_group(db, &s->chat, &s->left, &s->removed) &&
                   !allowance_is_over(&s->left))
                ; /* what a step leaves of it is the next pass's */
    }
    return true;
}

static bool lines(struct sweep *s, struct sqlite *db)
{
    return orphans(s, db, "SELECT chat FROM chat_messages WHERE chat > ? ORDER BY chat LIMIT 1");
}

static bool participants(struct sweep *s, struct sqlite *db)
{
    return orphans(s, db,
                   "SELECT chat FROM chat_participants WHERE chat > ? ORDER BY chat LIMIT 1");
}

/* ---- recordings, script results ---- */

static bool things(struct sweep *s, struct sqlite *db, enum age_of kind, const char *oldest,
                   void (*remove)(struct sqlite *db, const struct guid *id,
                                  struct history_removed *n))
{
    struct guid ids[SWEEP_GROUPS_MAX];
    size_t count = 0;
    struct sqlite_query q = sqlite_query(db, oldest);

    sqlite_bind_int(&q, place_before(age_cut(&s->ages, kind, s->now_ms)));
    sqlite_bind_int(&q, SWEEP_GROUPS_MAX);
    while (count < SWEEP_GROUPS_MAX && sqlite_row(&q))
        if (sqlite_guid(&q, 0, &ids[count]))
            count++;
    sqlite_end(&q);
    for (size_t i = 0; i < count && (i == 0 || !allowance_is_over(&s->left)); i++)
        remove(db, &ids[i], &s->removed);
    return count > 0;
}

static bool recordings(struct sweep *s, struct sqlite *db)
{
    return things(s, db, AGE_OF_RECORDINGS,
                  "SELECT id FROM call_recordings WHERE row < ? ORDER BY row LIMIT ?",
                  history_remove_recording);
}

static bool script_results(struct sweep *s, struct sqlite *db)
{
    return things(s, db, AGE_OF_SCRIPTS,
                  "SELECT id FROM script_results WHERE row < ? ORDER BY row LIMIT ?",
                  history_remove_script);
}

static bool indexes(struct sweep *s, struct sqlite *db)
{
    return s->merges && sweep_taken(s) > 0 && history_remove_merge(db, &s->merge_at);
}

bool sweep_step(struct sweep *s, struct sqlite *db)
{
    static bool (*const phases[])(struct sweep * s, struct sqlite * db) = {
        shown, hidden, lines, participants, recordings, script_results, indexes};
    const unsigned count = sizeof phases / sizeof *phases;

    s->left = allowance_of(SWEEP_ROWS_MAX, s->clock, SWEEP_STEP_MS);
    history_remove_begin(db);
    if (!phases[s->phase](s, db)) {
        s->phase++;
        s->row = 0;
        s->in_chats = false;
    }
    history_remove_end(db);
    return s->phase < count;
}
