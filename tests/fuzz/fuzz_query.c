/* Whatever the query string of GET /contacts says, it is refused with a sentence, or becomes a
 * statement that SQLite takes; and the token of its last row is read again. */
#include "bridge/core/mem.h"
#include "bridge/core/percent.h"
#include "server/contact_query.h"
#include "server/history_schema.h"
#include "server/search.h"
#include "server/sqlite.h"
#include "server/sqlite_migrate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_MAX  4096
#define PARAMS_MAX 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sqlite *database(void)
{
    static struct sqlite *db;
    struct fault f = {0};

    if (db != NULL)
        return db;
    db = sqlite_open(":memory:", false, &f);
    assert(db != NULL);
    if (!sqlite_migrate(db, history_schema, history_schema_steps, &f))
        abort();
    search_install(db);
    sqlite_script(
        db, "INSERT INTO contacts (row, id, group_id, group_text, channel, type, type_details,"
            " subtype, status, status_details, source, destination, agent_id, agent_name,"
            " queue_name, arrival_ms, connect_ms, disconnect_ms, subject, leads, stamps)"
            " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)"
            " SELECT (1700000000000 + i * 1000) << 20, CAST(printf('%016d', i) AS BLOB),"
            " CAST(printf('%016d', i) AS BLOB), printf('%032d', i), CASE i % 3 WHEN 0 THEN 'PHONE'"
            " WHEN 1 THEN 'CHAT' ELSE 'EMAIL' END, 'CallIn', 'IVR', NULL, 'Handled', 'Handled',"
            " '+358' || i, 'desk' || i || '@host.com', CAST(printf('%016d', i % 3) AS BLOB),"
            " CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN 'Ä' ELSE 'b' END, 'q', 1700000000000 + i"
            " * 1000, NULL, CASE i % 2 WHEN 0 THEN 1700000000000 + i * 2000 END,"
            " 'text ' || i, 1, x'00' FROM n;"
            "INSERT INTO address_words (rowid, source, destination) SELECT row, source,"
            " destination FROM contacts;"
            "INSERT INTO subject_words (rowid, subject) SELECT row, subject FROM contacts;");
    assert(sqlite_check(db, &f));
    return db;
}

/* The parameters, decoded into text; false: the front would refuse them. */
static bool read_params(struct view query, char *text, struct exchange_param *params, size_t *count)
{
    struct view name;
    struct view value;
    struct fault f;

    while (percent_next_pair(&query, &name, &value)) {
        struct exchange_param *one = &params[*count];

        if (*count == PARAMS_MAX || !percent_decode_query(name, text, &one->name, &f))
            return false;
        text += one->name.n;
        if (!percent_decode_query(value, text, &one->value, &f))
            return false;
        text += one->value.n;
        for (size_t i = 0; i < *count; i++)
            if (view_eq(params[i].name, one->name))
                return false;
        ++*count;
    }
    return true;
}

/* Runs a part of it; the token of the last row, if there is one. */
static void run_part(struct contact_query *c, const struct exchange *x,
                     const struct contact_part *part, struct buf *token)
{
    struct sqlite *db = database();
    struct sqlite_query q = contact_query_open(c, x, 3600000, part, db);
    struct fault f = {0};

    while (sqlite_row(&q)) {
        buf_clear(token);
        contact_sort_token(&c->sort, &q, token);
    }
    assert(sqlite_check(db, &f));
    (void)f;
}

static void run(struct contact_query *c, const struct exchange *x, struct buf *token)
{
    struct contact_part newest;

    if (contact_query_newest(c, database(), &newest))
        run_part(c, x, &newest, token);
    run_part(c, x, &contact_query_all, token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct exchange_param params[PARAMS_MAX + 1] = {{VIEW_NONE, VIEW_NONE}};
    struct exchange_user user = {.login = "a", .language = "en"};
    struct exchange x = {.params = params, .user = &user, .wall_ms = INT64_C(1750000000000)};
    struct contact_query *c = mem_zeroed(1, sizeof *c);
    char text[QUERY_MAX];
    struct fault f = {0};
    struct buf token;

    contact_query_init(c);
    buf_init(&token, PAGE_TOKEN_MAX);
    if (size < QUERY_MAX &&
        read_params((struct view){(const char *)data, size}, text, params, &x.param_count)) {
        if (contact_query_read(c, &x, &f))
            run(c, &x, &token);
        else
            assert(f.cls == FAULT_REJECT && f.text[0] != '\0');
    }
    contact_query_done(c);
    if (token.n > 0 && !c->page.goes_on && x.param_count < PARAMS_MAX) {
        params[x.param_count++] = (struct exchange_param){VIEW("after"), buf_view(&token)};
        contact_query_init(c);
        if (!contact_query_read(c, &x, &f))
            abort();
        run(c, &x, &token);
        contact_query_done(c);
    }
    buf_done(&token);
    mem_free(c);
    return 0;
}
