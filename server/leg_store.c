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

static void derive(struct leg *leg, struct sqlite *db)
{
    struct leg *previous = NULL;
    struct guid id;

    if (cell_get_guid(&leg->r.cells[LEG_PREVIOUS], &id)) {
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
            leg->r.row = place_take_hidden(db, leg_table.name);
    } else if (leg->r.row <= 0 || place_ms(leg->r.row) != arrival_ms) {
        leg->r.row = place_take(db, leg_table.name, arrival_ms, &leg->r.id);
    }
}

/* Marks the first leg of the group, and only that: the one that none was before. */
static void mark_lead(struct sqlite *db, const struct guid *group)
{
#define FIRST                                                                                      \
    "(row = (SELECT c.row FROM contacts c WHERE c.group_id = ?1 AND c.row > 0"                     \
    " ORDER BY c.previous_id IS NOT NULL, c.row LIMIT 1))"
    struct sqlite_query q =
        sqlite_query(db, "UPDATE contacts SET leads = " FIRST
                         " WHERE group_id = ?1 AND row > 0 AND leads <> " FIRST);
#undef FIRST

    sqlite_bind_guid(&q, group);
    sqlite_run(&q);
}

static void mark_leads(struct sqlite *db, bool had_group, const struct guid *before,
                       const struct guid *after)
{
    mark_lead(db, after);
    if (had_group && !guid_eq(before, after))
        mark_lead(db, before);
}

static int save(struct leg *leg, struct sqlite *db, unsigned *left);

/* Legs that have something from this one are made anew. */
static int carry_on(const struct leg *leg, struct sqlite *db, unsigned *left)
{
    struct guid after[LEG_TRANSFERS_MAX];
    size_t count = 0;
    int hidden = 0;
    struct sqlite_query q;

    q = sqlite_query(db, "SELECT id FROM contacts WHERE previous_id = ? ORDER BY id");
    sqlite_bind_guid(&q, &leg->r.id);
    while (count < LEG_TRANSFERS_MAX && sqlite_row(&q))
        if (sqlite_guid(&q, 0, &after[count]))
            count++;
    sqlite_end(&q);
    for (size_t i = 0; i<count && * left> 0; i++) {
        struct leg *next = leg_load(db, &after[i]);

        --*left;
        hidden += save(next, db, left);
        leg_free(next);
    }
    return hidden;
}

static int save(struct leg *leg, struct sqlite *db, unsigned *left)
{
    bool was_hidden = leg->r.stored && leg->r.row < 0;
    bool had_group;
    bool moved;
    struct guid before;
    struct guid after;
    struct buf stamps;

    had_group = cell_get_guid(&leg->r.cells[LEG_GROUP_ID], &before);
    derive(leg, db);
    place(leg, db);
    if (leg->r.row < 0) /* else mark_lead finds out */
        row_set(&leg->r, LEG_LEADS, cell_int(0));
    buf_init(&stamps, STAMPS_MAX);
    merge_map_write(&leg->stamps, &stamps);
    row_set(&leg->r, LEG_STAMPS, (struct cell){CELL_BLOB, 0, buf_view(&stamps)});
    buf_done(&stamps);
    moved = !leg->r.stored || leg->r.row != leg->r.row_before;
    if (!moved && leg->r.changed == 0)
        return 0;
    if (!cell_get_guid(&leg->r.cells[LEG_GROUP_ID], &after))
        after = leg->r.id;
    moved = moved || !had_group || !guid_eq(&before, &after) ||
            (leg->r.changed >> LEG_PREVIOUS & 1) != 0;
    row_save(&leg->r, db);
    if (moved)
        mark_leads(db, had_group, &before, &after);
    return (leg->r.row < 0) - was_hidden + carry_on(leg, db, left);
}

int leg_save(struct leg *leg, struct sqlite *db)
{
    unsigned left = LEG_TRANSFERS_MAX;

    return save(leg, db, &left);
}

int leg_refresh(struct sqlite *db, const struct guid *id)
{
    struct leg *leg = leg_load(db, id);
    int hidden = leg->r.stored ? leg_save(leg, db) : 0;

    leg_free(leg);
    return hidden;
}
