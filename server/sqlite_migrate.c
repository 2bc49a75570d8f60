#include "server/sqlite_migrate.h"

#include "server/fold.h"
#include "server/sqlite.h"

#include <stdio.h>

#define APPLICATION_ID 0x434d4948 /* "CMIH": tells our files from others */

static int64_t number_of(struct sqlite *db, const char *sql)
{
    struct sqlite_query q = sqlite_query(db, sql);
    int64_t n = 0;

    if (sqlite_row(&q))
        n = sqlite_int(&q, 0);
    sqlite_end(&q);
    return n;
}

bool sqlite_migrate(struct sqlite *db, const char *const *steps, int count, struct fault *f)
{
    int64_t version = number_of(db, "PRAGMA user_version");
    int64_t owner = number_of(db, "PRAGMA application_id");
    int64_t tables = number_of(db, "SELECT count(*) FROM sqlite_schema");

    fold_install(db); /* for steps, and for who writes here */
    if (!sqlite_check(db, f))
        return false;
    if (tables > 0 && owner != APPLICATION_ID)
        return fault_set(f, FAULT_STOP,
                         "the file is an SQLite database, but not a history of ours");
    if (version > count)
        return fault_set(f, FAULT_STOP,
                         "the history was written by a newer cmibridge (schema %d; this one knows "
                         "up to %d); run that one",
                         (int)version, count);
    for (int64_t i = version; i < count; i++) {
        char pragmas[96];

        snprintf(pragmas, sizeof pragmas, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
                 APPLICATION_ID, (int)i + 1);
        sqlite_script(db, "BEGIN IMMEDIATE");
        sqlite_script(db, steps[i]);
        sqlite_script(db, pragmas);
        sqlite_script(db, "COMMIT");
        if (!sqlite_check(db, f)) {
            struct fault ignored;

            sqlite_script(db, "ROLLBACK");
            (void)!sqlite_check(db, &ignored);
            return fault_add(f, "schema step %d", (int)i + 1);
        }
    }
    return true;
}
