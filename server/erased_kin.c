#include "server/erased_kin.h"

#include "server/erased.h"
#include "server/sqlite.h"

/* The group that a leg says it is of. */
#define GROUP "SELECT group_id FROM contacts WHERE id = ? AND given_group IS NOT NULL"
/* Of a group so many legs at a time: those that history_remove_group takes next. */
#define LEGS                                                                                       \
    "SELECT id FROM contacts WHERE group_id = ?"                                                   \
    " ORDER BY row LIMIT " DIGITS(HISTORY_REMOVE_LEGS)
#define DIGITS(number)  DIGITS_(number)
#define DIGITS_(number) #number
#define PIECE           64 /* recordings or script results of one look */

const char *const erased_kin_of[] = {
    GROUP,
    "SELECT id FROM contacts WHERE previous_id = ?",
    LEGS,
    NULL,
};

void erased_kin_take(struct erased *e, struct sqlite *db, const struct guid *id)
{
    struct sqlite_query q = sqlite_query(db, "INSERT INTO erased_rest (id) VALUES (?)"
                                             " ON CONFLICT (id) DO NOTHING");

    sqlite_bind_guid(&q, id);
    sqlite_run(&q);
    erased_store_thing(e, db, id);
}

void erased_kin_add(struct erased *e, struct sqlite *db, const struct guid *id)
{
    if (!erased_has_thing(e, db, id))
        erased_kin_take(e, db, id);
}

static bool first(struct sqlite *db, struct guid *id)
{
    struct sqlite_query q = sqlite_query(db, "SELECT id FROM erased_rest LIMIT 1");
    bool found = sqlite_row(&q) && sqlite_guid(&q, 0, id);

    sqlite_end(&q);
    return found;
}

static void strike(struct sqlite *db, const struct guid *id)
{
    struct sqlite_query q = sqlite_query(db, "DELETE FROM erased_rest WHERE id = ?");

    sqlite_bind_guid(&q, id);
    sqlite_run(&q);
}

static void spread(struct erased *e, struct sqlite *db, const struct guid *id)
{
    for (size_t i = 0; erased_kin_of[i] != NULL; i++) {
        struct sqlite_query q = sqlite_query(db, erased_kin_of[i]);
        struct guid kin;

        sqlite_bind_guid(&q, id);
        while (sqlite_row(&q))
            if (sqlite_guid(&q, 0, &kin))
                erased_kin_add(e, db, &kin);
    }
}

/* false: some are left. */
static bool take_things(struct erased *e, struct sqlite *db, const char *sql, const struct guid *id,
                        struct allowance *left, struct history_removed *n,
                        void (*remove)(struct sqlite *db, const struct guid *id,
                                       struct history_removed *n))
{
    struct guid found[PIECE];
    size_t count;

    do {
        struct sqlite_query q = sqlite_query(db, sql);

        count = 0;
        sqlite_bind_guid(&q, id);
        while (count < PIECE && sqlite_row(&q))
            if (sqlite_guid(&q, 0, &found[count]))
                count++;
        sqlite_end(&q);
        for (size_t i = 0; i < count; i++) {
            erased_store_thing(e, db, &found[i]);
            remove(db, &found[i], n);
            left->rows--;
            if (allowance_is_over(left))
                return false;
        }
    } while (count > 0);
    return true;
}

static struct guid group_of(struct sqlite *db, const struct guid *id)
{
    struct sqlite_query q = sqlite_query(db, GROUP);
    struct guid group = *id;

    sqlite_bind_guid(&q, id);
    if (sqlite_row(&q))
        (void)sqlite_guid(&q, 0, &group); /* NOT NULL */
    sqlite_end(&q);
    return group;
}

/* All that the file has of it. Whatever it is, it is the only one of that name. A leg goes before
 * its recordings do: none is made anew, without those before it, that goes as well. */
static bool take(struct erased *e, struct sqlite *db, const struct guid *id, struct allowance *left,
                 struct history_removed *n)
{
    const struct guid group = group_of(db, id);

    spread(e, db, id);
    if (!guid_eq(&group, id)) {
        spread(e, db, &group);
        if (!history_remove_group(db, &group, left, n))
            return false;
    }
    if (!history_remove_group(db, id, left, n))
        return false;
    history_remove_leg(db, id, n);
    if (!take_things(e, db, ERASED_KIN_RECORDINGS, id, left, n, history_remove_recording) ||
        !take_things(e, db, ERASED_KIN_SCRIPTS, id, left, n, history_remove_script))
        return false;
    history_remove_recording(db, id, n);
    history_remove_script(db, id, n);
    return true;
}

bool erased_kin_step(struct erased *e, struct sqlite *db, struct allowance *left,
                     struct history_removed *n)
{
    struct guid id;
    bool more = first(db, &id);

    if (!more)
        return false;
    history_remove_begin(db);
    do {
        if (take(e, db, &id, left, n))
            strike(db, &id);
        left->rows--;
        more = first(db, &id);
    } while (more && !allowance_is_over(left));
    history_remove_end(db);
    return more;
}
