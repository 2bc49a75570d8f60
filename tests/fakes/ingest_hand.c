#include "tests/fakes/ingest_hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/history_schema.h"
#include "server/ingest.h"
#include "server/sqlite.h"
#include "server/sqlite_migrate.h"

#include <stdio.h>
#include <string.h>

#define NOW_MS INT64_C(1700000000000)

struct sqlite *ingest_hand_open(void)
{
    struct fault f = {0};
    struct sqlite *db = sqlite_open(":memory:", false, &f);

    if (db == NULL || !sqlite_migrate(db, history_schema, history_schema_steps, &f))
        fail_msg("%s", f.text);
    return db;
}

void ingest_hand_begin(struct sqlite *db)
{
    sqlite_do(db, "BEGIN");
}

void ingest_hand_undo(struct sqlite *db)
{
    struct fault f = {0};

    sqlite_do(db, "ROLLBACK");
    if (!sqlite_check(db, &f))
        fail_msg("%s", f.text);
}

/* Returns the class of the refusal, its sentence in *why (static). */
enum fault_class ingest_hand_take(struct sqlite *db, const char *json, int *hidden,
                                  const char **why)
{
    static struct fault fault;
    struct ingest_event e;
    struct arena a;
    struct buf text;

    arena_init(&a);
    buf_init(&text, INGEST_HAND_EVENT_MAX);
    ingest_read(&e, view_of(json), NOW_MS, NULL, &a, &text);
    fault = e.fault;
    if (fault.cls == FAULT_NONE) {
        e.kind->apply(&e, db, hidden);
        (void)!sqlite_check(db, &fault);
    }
    arena_done(&a);
    buf_done(&text);
    *why = fault.text;
    return fault.cls;
}

void ingest_hand_must(struct sqlite *db, const char *json)
{
    const char *why = "";
    int hidden = 0;

    if (ingest_hand_take(db, json, &hidden, &why) != FAULT_NONE)
        fail_msg("%s\n%s", why, json);
}

const char *ingest_hand_event(const char *type, const char *subject, int second, const char *data)
{
    static char json[INGEST_HAND_EVENT_MAX];
    static unsigned id;

    snprintf(json, sizeof json,
             "{\"specversion\":\"1.0\",\"id\":\"e%u\",\"source\":\"/cc/test\",\"type\":\"%s\","
             "\"subject\":\"%s\",\"time\":\"2024-05-05T10:%02d:%02dZ\",\"data\":%s}",
             ++id, type, subject, second / 60, second % 60, data);
    return json;
}

const char *ingest_hand_ask(struct sqlite *db, const char *sql)
{
    static char text[4096];
    struct sqlite_query q = sqlite_query(db, sql);
    struct fault f;

    snprintf(text, sizeof text, "(none)");
    if (sqlite_row(&q))
        snprintf(text, sizeof text, "%.*s",
                 VIEW_ARG(sqlite_kind(&q, 0) == SQLITE_KIND_NULL ? VIEW("-") : sqlite_text(&q, 0)));
    sqlite_end(&q);
    if (!sqlite_check(db, &f))
        fail_msg("%s", f.text);
    return text;
}

const char *ingest_hand_leg(struct sqlite *db, const char *id, const char *column)
{
    char sql[512];

    snprintf(sql, sizeof sql, "SELECT %s FROM contacts WHERE id = x'%s' AND row > 0", column, id);
    return ingest_hand_ask(db, sql);
}

void ingest_hand_dump(struct sqlite *db, struct buf *to)
{
    static const char *const queries[] = {
        "SELECT * FROM contacts ORDER BY id",
        "SELECT * FROM chat_messages ORDER BY chat, at_ms, tie",
        "SELECT * FROM chat_participants ORDER BY chat, uniquekey",
        "SELECT * FROM emails ORDER BY id",
        "SELECT * FROM email_addresses ORDER BY email, kind, position",
        "SELECT * FROM call_recordings ORDER BY id",
        "SELECT * FROM script_results ORDER BY id",
        "SELECT id AS listed FROM contacts WHERE row > 0 ORDER BY row",
        "SELECT id AS listed FROM call_recordings ORDER BY row",
        "SELECT id AS listed FROM script_results ORDER BY row",
    };

    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        struct sqlite_query q = sqlite_query(db, queries[i]);

        while (sqlite_row(&q)) {
            for (int c = 0; c < sqlite_columns(&q); c++) {
                const char *name = sqlite_column_name(&q, c);
                struct view v = sqlite_text(&q, c);

                if (strcmp(name, "stamps") == 0)
                    continue;
                if (strcmp(name, "row") == 0) {
                    buf_put_text(to, sqlite_int(&q, c) < 0 ? "hidden" : "shown");
                    continue;
                }
                buf_printf(to, " %s=", name);
                for (size_t b = 0; b < v.n; b++)
                    buf_printf(to, "%c", v.p[b] >= ' ' && v.p[b] < 127 ? v.p[b] : '.');
                if (sqlite_kind(&q, c) == SQLITE_KIND_BLOB)
                    for (size_t b = 0; b < v.n; b++)
                        buf_printf(to, "%02x", (unsigned)(unsigned char)v.p[b]);
            }
            buf_put_char(to, '\n');
        }
    }
}
