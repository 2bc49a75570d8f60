#include "bridge/core/mem.h"
#include "server/leg.h"
#include "server/leg_queues.h"
#include "server/place.h"
#include "server/sqlite.h"

#define STAMPS_MAX (MERGE_PROPERTIES * (MERGE_STAMP_MAX + 4)) /* bytes of a stored map */

void leg_free(struct leg *leg)
{
    if (leg == NULL)
        return;
    row_done(&leg->r);
    mem_free(leg);
}

struct leg *leg_load(struct sqlite *db, const struct guid *id)
{
    struct leg *leg = mem_zeroed(1, sizeof *leg);
    struct fault damaged;

    row_load(&leg->r, db, &leg_table, id);
    if (!leg->r.stored)
        row_set(&leg->r, LEG_LEADS, cell_int(0));
    /* A damaged map would let any event win anything: that is a fault of the file. */
    if (!merge_map_read(&leg->stamps, leg->r.cells[LEG_STAMPS].bytes, &damaged))
        sqlite_damaged(db, damaged.text);
    if (!leg_queues_are(leg->r.cells[LEG_LATER_QUEUES].bytes))
        sqlite_damaged(db, "a stored list of queues is damaged");
    return leg;
}

static bool exists(struct sqlite *db, const char *sql, const struct guid *id)
{
    struct sqlite_query q = sqlite_query(db, sql);
    bool found;

    sqlite_bind_guid(&q, id);
    found = sqlite_row(&q);
    sqlite_end(&q);
    return found;
}

/* The leg before that one, if there is one in the file. */
static bool step_back(struct sqlite *db, struct guid *id)
{
    struct sqlite_query q = sqlite_query(db, "SELECT previous_id FROM contacts WHERE id = ?");
    bool found;

    sqlite_bind_guid(&q, id);
    found = sqlite_row(&q) && sqlite_guid(&q, 0, id);
    sqlite_end(&q);
    return found;
}

/* Of a leg whose chain leads back to it: was none of the chain transferred to later? */
static bool is_last_of_cycle(const struct leg *leg, const struct guid *others, size_t count,
                             struct sqlite *db)
{
    const struct merge_stamp *own = merge_map_get(&leg->stamps, LEG_SETS_PREVIOUS);
    bool last = true;

    for (size_t i = 0; i < count && last; i++) {
        struct leg *other = leg_load(db, &others[i]);
        const struct merge_stamp *its = merge_map_get(&other->stamps, LEG_SETS_PREVIOUS);

        last = own != NULL && (its == NULL || merge_stamp_cmp(its, own) < 0);
        leg_free(other);
    }
    return last;
}

/* Has it something from the leg before it? See LEG_CHAIN_MAX. */
static bool follows(const struct leg *leg, struct guid *previous, struct sqlite *db)
{
    struct guid before[LEG_CHAIN_MAX];
    struct guid at;
    size_t count = 0;

    if (!cell_get_guid(&leg->r.cells[LEG_PREVIOUS], previous))
        return false;
    at = *previous;
    do {
        for (size_t i = 0; i < count; i++)
            if (guid_eq(&before[i], &at))
                return true; /* a cycle that it is not of */
        if (guid_eq(&leg->r.id, &at))
            return !is_last_of_cycle(leg, before, count, db);
        if (count == LEG_CHAIN_MAX)
            return false;
        before[count++] = at;
    } while (step_back(db, &at));
    return true;
}

static void derive(struct leg *leg, struct sqlite *db)
{
    struct leg *previous = NULL;
    struct guid id;

    if (follows(leg, &id, db)) {
        previous = leg_load(db, &id);
        if (!previous->r.stored) {
            leg_free(previous);
            previous = NULL;
        }
    }
    leg_derive(leg, previous,
               exists(db, "SELECT 1 FROM call_recordings WHERE contact_id = ?", &leg->r.id),
               exists(db, "SELECT 1 FROM script_results WHERE contact_id = ?", &leg->r.id));
    leg_free(previous);
}

/* Gives it the place of its arrival, or one out of sight. */
static void place(struct leg *leg, struct sqlite *db)
{
    int64_t arrival_ms = leg->r.cells[LEG_ARRIVAL].number;

    if (!leg_complete(leg)) {
        if (leg->r.row >= 0)
            leg->r.row = place_take_hidden(db, &leg_table);
    } else if (leg->r.row <= 0 || place_ms(leg->r.row) != arrival_ms) {
        leg->r.row = place_take(db, &leg_table, arrival_ms, &leg->r.id);
    }
}

/* The first of the group's legs of which that holds; 0: none. Most often the first of all, so that
 * a group of any size is no work. */
static int64_t first_of_group(struct sqlite *db, const char *sql, const struct guid *group)
{
    struct sqlite_query q = sqlite_query(db, sql);
    int64_t row = 0;

    sqlite_bind_guid(&q, group);
    if (sqlite_row(&q))
        row = sqlite_int(&q, 0);
    sqlite_end(&q);
    return row;
}

static void set_lead(struct sqlite *db, int64_t row, int leads)
{
    struct sqlite_query q = sqlite_query(db, "UPDATE contacts SET leads = ? WHERE row = ?");

    sqlite_bind_int(&q, leads);
    sqlite_bind_int(&q, row);
    sqlite_run(&q);
}

void leg_mark_lead(struct sqlite *db, const struct guid *group)
{
#define OF_CHAT(which)                                                                             \
    "SELECT l.row FROM contacts l INDEXED BY contacts_of_group WHERE l.group_id = ?"               \
    " AND l.row > 0 AND l.channel = 'CHAT'" which " ORDER BY l.row LIMIT 1"
    int64_t first = first_of_group(
        db,
        OF_CHAT(" AND NOT EXISTS (SELECT 1 FROM contacts p WHERE p.id = l.previous_id AND p.row > 0"
                " AND p.channel = 'CHAT' AND p.group_id = l.group_id)"),
        group);
    int64_t marked = first_of_group(db, OF_CHAT(" AND l.leads <> 0"), group);

    if (first == 0)
        first = first_of_group(db, OF_CHAT(""), group);
    if (marked == first)
        return;
    if (marked != 0)
        set_lead(db, marked, 0);
    if (first != 0)
        set_lead(db, first, 1);
#undef OF_CHAT
}

static void mark_leads(struct sqlite *db, bool had_group, const struct guid *before,
                       const struct guid *after)
{
    leg_mark_lead(db, after);
    if (had_group && !guid_eq(before, after))
        leg_mark_lead(db, before);
}

/* Is it of a chat, or was it in the file? Others' groups may be as large as they like. */
static bool concerns_chat(const struct leg *leg, bool other_channel, struct sqlite *db)
{
    return cell_is(&leg->r.cells[LEG_CHANNEL], "CHAT") ||
           (leg->r.stored && other_channel &&
            exists(db, "SELECT 1 FROM contacts WHERE id = ? AND channel = 'CHAT'", &leg->r.id));
}

/* Legs to be made anew, since one before them changed. */
struct legs_after {
    struct leg_after {
        struct guid id;
        unsigned anyway; /* and those so many transfers after it, though it does not change */
    } * items;
    size_t count;
    size_t next;
};

static void carry_on(const struct leg *leg, unsigned anyway, struct sqlite *db,
                     struct legs_after *to)
{
    struct sqlite_query q =
        sqlite_query(db, "SELECT id FROM contacts WHERE previous_id = ? ORDER BY id");
    struct leg_after one = {.anyway = anyway};

    sqlite_bind_guid(&q, &leg->r.id);
    while (sqlite_row(&q))
        if (sqlite_guid(&q, 0, &one.id)) {
            to->items = mem_resize(to->items, to->count + 1, sizeof *to->items);
            to->items[to->count++] = one;
        }
    sqlite_end(&q);
}

/* *hands_on: are legs after it to be made anew? Not for its end or its status: a leg that very many
 * were transferred from would have all of them looked at for each further one. */
static int save(struct leg *leg, struct sqlite *db, bool *hands_on)
{
    bool was_hidden = leg->r.stored && leg->r.row < 0;
    bool had_group;
    bool other_channel;
    bool moved;
    bool chat;
    struct guid before;
    struct guid after;
    struct buf stamps;

    had_group = cell_get_guid(&leg->r.cells[LEG_GROUP_ID], &before);
    derive(leg, db);
    other_channel = (leg->r.changed >> LEG_CHANNEL & 1) != 0;
    place(leg, db);
    buf_init(&stamps, STAMPS_MAX);
    merge_map_write(&leg->stamps, &stamps);
    row_set(&leg->r, LEG_STAMPS, (struct cell){CELL_BLOB, 0, buf_view(&stamps)});
    buf_done(&stamps);
    moved = !leg->r.stored || leg->r.row != leg->r.row_before;
    *hands_on = leg_hands_on(leg);
    if (!moved && leg->r.changed == 0)
        return 0;
    if (!cell_get_guid(&leg->r.cells[LEG_GROUP_ID], &after))
        after = leg->r.id;
    moved = moved || other_channel || !had_group || !guid_eq(&before, &after) ||
            (leg->r.changed >> LEG_PREVIOUS & 1) != 0;
    chat = moved && concerns_chat(leg, other_channel, db);
    if (moved) /* leg_mark_lead finds out */
        row_set(&leg->r, LEG_LEADS, cell_int(0));
    row_save(&leg->r, db);
    if (chat)
        mark_leads(db, had_group, &before, &after);
    return (leg->r.row < 0) - was_hidden;
}

/* Where its own transfer is another, what legs after it have through the chain may be, too. */
static bool is_transferred_anew(const struct leg *leg, struct sqlite *db)
{
    const struct merge_stamp *now = merge_map_get(&leg->stamps, LEG_SETS_PREVIOUS);
    const struct merge_stamp *before = NULL;
    struct leg *stored = NULL;
    bool anew = false;

    if (now == NULL)
        return false;
    stored = leg_load(db, &leg->r.id);
    before = merge_map_get(&stored->stamps, LEG_SETS_PREVIOUS);
    anew = before == NULL || merge_stamp_cmp(before, now) != 0;
    leg_free(stored);
    return anew;
}

int leg_save(struct leg *leg, struct sqlite *db)
{
    struct legs_after after = {.items = NULL};
    unsigned anyway = is_transferred_anew(leg, db) ? LEG_CHAIN_MAX : 0;
    bool hands_on = false;
    int hidden = save(leg, db, &hands_on);

    if (hands_on || anyway > 0)
        carry_on(leg, anyway, db, &after);
    while (after.next < after.count) {
        const struct leg_after one = after.items[after.next++];
        struct leg *next = leg_load(db, &one.id);

        hidden += save(next, db, &hands_on);
        if (hands_on || one.anyway > 0)
            carry_on(next, one.anyway > 0 ? one.anyway - 1 : 0, db, &after);
        leg_free(next);
    }
    mem_free(after.items);
    return hidden;
}

int leg_refresh(struct sqlite *db, const struct guid *id)
{
    struct leg *leg = leg_load(db, id);
    int hidden = leg->r.stored ? leg_save(leg, db) : 0;

    leg_free(leg);
    return hidden;
}
