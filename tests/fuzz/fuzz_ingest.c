/* One event of a batch, read and stored: no input may break a statement or the store. */
#include "bridge/io/crypto.h"
#include "server/history_schema.h"
#include "server/ingest.h"
#include "server/sqlite.h"
#include "server/sqlite_migrate.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sqlite *open_empty(void)
{
    struct fault f = {0};
    struct sqlite *db = sqlite_open(":memory:", false, &f);

    crypto_init();
    if (db == NULL || !sqlite_migrate(db, history_schema, history_schema_steps, &f))
        abort();
    return db;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sqlite *db;
    struct ingest_event e;
    struct fault f = {0};
    struct arena a;
    struct buf text;
    int hidden = 0;

    if (db == NULL)
        db = open_empty();
    arena_init(&a);
    buf_init(&text, 2 * size + 1);
    ingest_read(&e, (struct view){(const char *)data, size}, 1700000000000, NULL, &a, &text);
    if (e.fault.cls == FAULT_NONE) {
        sqlite_do(db, "BEGIN");
        e.kind->apply(&e, db, &hidden);
        e.kind->apply(&e, db, &hidden);
        sqlite_do(db, "ROLLBACK");
        if (!sqlite_check(db, &f)) {
            fprintf(stderr, "%s\n", f.text);
            abort();
        }
    } else if (e.fault.cls != FAULT_REJECT) {
        abort();
    }
    arena_done(&a);
    buf_done(&text);
    return 0;
}
