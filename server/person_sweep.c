#include "server/person_sweep.h"

#include "bridge/core/arena.h"
#include "bridge/core/mem.h"
#include "server/erased_kin.h"
#include "server/sqlite.h"
#include "server/text_index.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define FOUND_MAX     50
#define STATEMENT_MAX 512
#define PREFIXES                                                                                   \
    256 /* tables without rows of their own are looked at by their key's first byte                \
         */
#define TEXT_MAX (64 << 20)

/* ---- what holds whom ---- */

enum holder {
    HOLDER_GROUP,     /* the key is a group's */
    HOLDER_EMAIL,     /* the key is an email's: its contact's group */
    HOLDER_RECORDING, /* the key is a recording's */
    HOLDER_SCRIPT,    /* the key is a script result's */
};

/* What orders a table. */
enum rows {
    ROWS_NONE,   /* the key */
    ROWS_STAY,   /* `row` */
    ROWS_PLACES, /* `row`, a place: it may be another in the next step, the order is the same */
};

/* Columns that name somebody: what the key says goes as a whole. */
static const struct named {
    const char *table;
    const char *key;
    const char *columns; /* at most three */
    enum rows rows;
    enum holder holder;
} named[] = {
    {"contacts", "group_id", "source, destination", ROWS_PLACES, HOLDER_GROUP},
    {"emails", "id", "from_address, from_name", ROWS_STAY, HOLDER_EMAIL},
    {"email_addresses", "email", "address, name", ROWS_NONE, HOLDER_EMAIL},
    {"chat_participants", "chat", "uniquekey, alias", ROWS_NONE, HOLDER_GROUP},
    {"chat_messages", "chat", "originator", ROWS_STAY, HOLDER_GROUP},
    {"call_recordings", "id", "file_name, file_path", ROWS_PLACES, HOLDER_RECORDING},
};
#define NAMED (sizeof named / sizeof *named)

#define TEXT_COLUMNS_MAX 5

/* Columns of texts that may mention somebody, and whose they are. */
static const struct texts {
    const char *table;
    const char *key;
    const char *columns[TEXT_COLUMNS_MAX + 1]; /* ended by NULL */
    enum rows rows;
    enum holder holder;
    const struct text_index *index; /* that some of them stand in; NULL: none */
} texts[] = {
    {"contacts",
     "group_id",
     {"subject", "type_details", "given_type_details", "status_details", "given_status_details"},
     ROWS_PLACES,
     HOLDER_GROUP,
     &text_index_of_subjects},
    {"emails",
     "id",
     {"content", "remarks", "case_id", "cid"},
     ROWS_STAY,
     HOLDER_EMAIL,
     &text_index_of_emails},
    {"chat_messages", "chat", {"message"}, ROWS_STAY, HOLDER_GROUP, &text_index_of_chats},
    {"listen_logs", "recording", {"description", "session"}, ROWS_PLACES, HOLDER_RECORDING, NULL},
    {"script_results", "id", {"name"}, ROWS_PLACES, HOLDER_SCRIPT, NULL},
    {"email_attachments", "email", {"filename", "originator"}, ROWS_NONE, HOLDER_EMAIL, NULL},
    {"script_questions", "result", {"data"}, ROWS_NONE, HOLDER_SCRIPT, NULL},
    {"script_answers", "result", {"answerdata"}, ROWS_NONE, HOLDER_SCRIPT, NULL},
    {"remarks", "group_id", {"text"}, ROWS_NONE, HOLDER_GROUP, NULL},
};
#define TEXTS (sizeof texts / sizeof *texts)

/* ---- where the sweep stands ---- */

static void begin_table(struct person_sweep *s)
{
    s->at = (struct place_mark){.place = INT64_MIN};
    s->again = false;
    s->prefix = 0;
}

/* Rows above it are left. */
static int64_t stands(const struct person_sweep *s, struct sqlite *db, const char *table)
{
    struct place_gap gap = place_mark_find(db, table, &s->at);

    return s->again ? gap.above - 1 : gap.below;
}

static void stand(struct person_sweep *s, const struct sqlite_query *q, enum rows rows)
{
    s->again = false;
    s->at.place = sqlite_int(q, 0);
    s->at.has_id =
        rows == ROWS_PLACES && s->at.place > 0 && sqlite_guid(q, sqlite_columns(q) - 1, &s->at.id);
}

/* From the place where the sweep stands. */
static struct sqlite_query look(const struct person_sweep *s, struct sqlite *db, const char *table,
                                const char *key, const char *columns, enum rows rows,
                                uint8_t bounds[2][17])
{
    char sql[STATEMENT_MAX];
    struct sqlite_query q;

    if (rows != ROWS_NONE) {
        snprintf(sql, sizeof sql, "SELECT row, %s, %s%s FROM %s WHERE row > ? ORDER BY row LIMIT ?",
                 key, columns, rows == ROWS_PLACES ? ", id" : "", table);
        q = sqlite_query(db, sql);
        sqlite_bind_int(&q, stands(s, db, table));
        sqlite_bind_int(&q, PERSON_LOOK_MAX);
        return q;
    }
    snprintf(sql, sizeof sql, "SELECT 0, %s, %s FROM %s WHERE %s >= ? AND %s < ?", key, columns,
             table, key, key);
    bounds[0][0] = (uint8_t)s->prefix;
    memset(bounds[1], 0xff, sizeof bounds[1]); /* above all that begins with the last byte */
    if (s->prefix + 1 < PREFIXES)
        bounds[1][0] = (uint8_t)(s->prefix + 1);
    q = sqlite_query(db, sql);
    sqlite_bind_blob(&q, (struct view){(const char *)bounds[0], 1});
    sqlite_bind_blob(&q, (struct view){(const char *)bounds[1],
                                       s->prefix + 1 < PREFIXES ? 1 : sizeof bounds[1]});
    return q;
}

/* ---- what is taken ---- */

struct ids {
    struct guid *list;
    size_t count;
    size_t room;
};

static void ids_add(struct ids *out, const struct guid *id)
{
    if (out->count == out->room) {
        out->room = out->room == 0 ? 16 : 2 * out->room;
        out->list = mem_resize(out->list, out->room, sizeof *out->list);
    }
    out->list[out->count++] = *id;
}

static void ids_of(struct sqlite *db, const char *sql, const struct guid *id, struct ids *out)
{
    struct sqlite_query q = sqlite_query(db, sql);
    struct guid found;

    sqlite_bind_guid(&q, id);
    while (sqlite_row(&q))
        if (sqlite_guid(&q, 0, &found))
            ids_add(out, &found);
}

static void count_of(struct person_sweep *s, struct sqlite *db, const char *sql,
                     enum person_thing kind, const struct guid *id)
{
    struct ids things = {0};

    ids_of(db, sql, id, &things);
    for (size_t i = 0; i < things.count; i++)
        (void)person_taken_add(&s->taken, db, kind, &things.list[i], &s->removed);
    mem_free(things.list);
}

/* What erased_kin_step would take, if it were asked to: a dry run. */
static void count_kin(struct person_sweep *s, struct sqlite *db, const struct guid *id)
{
    struct ids kin = {0};

    ids_add(&kin, id);
    for (size_t at = 0; at < kin.count; at++) {
        const struct guid one = kin.list[at];

        if (!person_taken_add(&s->taken, db, PERSON_GROUP, &one, &s->removed))
            continue;
        count_of(s, db, ERASED_KIN_RECORDINGS, PERSON_RECORDING, &one);
        count_of(s, db, ERASED_KIN_SCRIPTS, PERSON_SCRIPT, &one);
        for (size_t i = 0; erased_kin_of[i] != NULL; i++)
            ids_of(db, erased_kin_of[i], &one, &kin);
    }
    mem_free(kin.list);
}

static struct guid group_of_email(struct sqlite *db, const struct guid *email)
{
    struct sqlite_query q = sqlite_query(db, "SELECT group_id FROM contacts WHERE id = ?");
    struct guid group = *email;

    sqlite_bind_guid(&q, email);
    if (sqlite_row(&q))
        (void)sqlite_guid(&q, 0, &group); /* NOT NULL */
    sqlite_end(&q);
    return group;
}

/* false: some of it is left. */
static bool take(struct person_sweep *s, struct sqlite *db, const struct named *n,
                 const struct guid *key)
{
    const struct guid id = n->holder == HOLDER_EMAIL ? group_of_email(db, key) : *key;

    if (!s->dry) {
        erased_kin_take(s->erased, db, &id);
        return !erased_kin_step(s->erased, db, &s->left, &s->removed);
    }
    if (n->holder == HOLDER_RECORDING)
        (void)person_taken_add(&s->taken, db, PERSON_RECORDING, &id, &s->removed);
    else
        count_kin(s, db, &id);
    return true;
}

/* In a dry run, where it is still there. */
static bool is_taken(const struct person_sweep *s, struct sqlite *db, enum holder holder,
                     const struct guid *key)
{
    struct guid group = *key;

    if (!s->dry)
        return false;
    if (holder == HOLDER_RECORDING)
        return person_taken_has(&s->taken, PERSON_RECORDING, key);
    if (holder == HOLDER_SCRIPT)
        return person_taken_has(&s->taken, PERSON_SCRIPT, key);
    if (holder == HOLDER_EMAIL)
        group = group_of_email(db, key);
    return person_taken_has(&s->taken, PERSON_GROUP, &group);
}

static bool names(const struct person_sweep *s, const struct sqlite_query *q)
{
    for (int i = 2; i < sqlite_columns(q); i++)
        if (sqlite_kind(q, i) == SQLITE_KIND_TEXT && person_is(s->person, sqlite_text(q, i)))
            return true;
    return false;
}

/* All rows of a first byte are looked at in one step. */
static bool goes_on(const struct person_sweep *s, enum rows rows, int looked)
{
    return rows == ROWS_NONE || looked == 0 || !allowance_is_over(&s->left);
}

/* One step of one table; false: the table is through. */
static bool people(struct person_sweep *s, struct sqlite *db, const struct named *n)
{
    uint8_t bounds[2][17];
    struct guid found[FOUND_MAX];
    struct place_mark marks[FOUND_MAX];
    size_t count = 0;
    int looked = 0;
    struct sqlite_query q = look(s, db, n->table, n->key, n->columns, n->rows, bounds);

    while (count < FOUND_MAX && goes_on(s, n->rows, looked) && sqlite_row(&q)) {
        looked++;
        stand(s, &q, n->rows);
        if (!names(s, &q) || !sqlite_guid(&q, 1, &found[count]))
            continue;
        if (s->dry &&
            n->rows == ROWS_NONE) /* it stays, so this step has to see all of the same first byte */
            (void)take(s, db, n, &found[count]);
        else
            marks[count++] = s->at;
    }
    sqlite_end(&q);
    s->looked += looked;
    s->acted = s->acted || count > 0;
    for (size_t i = 0; i < count; i++)
        if ((i > 0 && allowance_is_over(&s->left)) || !take(s, db, n, &found[i])) {
            s->at = marks[i];
            s->again = true; /* the next step comes to it again */
            return true;
        }
    if (n->rows != ROWS_NONE)
        return looked > 0;
    if (count == FOUND_MAX)
        return true; /* there may be more of the same first byte */
    return ++s->prefix < PREFIXES;
}

/* ---- mentions ---- */

struct mention {
    const char *column;
    int64_t row;
    struct guid key;
    struct view text;
};

static void update(const struct texts *t, struct sqlite *db, const struct mention *m,
                   struct view without)
{
    char sql[STATEMENT_MAX];
    struct sqlite_query q;

    if (t->index != NULL)
        text_index_remove(db, t->index, m->row);
    if (t->rows != ROWS_NONE)
        snprintf(sql, sizeof sql, "UPDATE %s SET %s = ? WHERE row = ?", t->table, m->column);
    else
        snprintf(sql, sizeof sql, "UPDATE %s SET %s = ? WHERE %s = ? AND %s = ?", t->table,
                 m->column, t->key, m->column);
    q = sqlite_query(db, sql);
    sqlite_bind_text(&q, without);
    if (t->rows != ROWS_NONE) {
        sqlite_bind_int(&q, m->row);
    } else {
        sqlite_bind_guid(&q, &m->key);
        sqlite_bind_text(&q, m->text);
    }
    sqlite_run(&q);
    if (t->index != NULL)
        text_index_add(db, t->index, m->row);
}

static void redact(struct person_sweep *s, struct sqlite *db, const struct texts *t,
                   const struct mention *found, size_t count)
{
    struct buf without;

    buf_init(&without, 2 * (size_t)TEXT_MAX);
    for (size_t i = 0; i < count; i++) {
        buf_clear(&without);
        person_without(s->person, found[i].text, &without);
        update(t, db, &found[i], buf_view(&without));
    }
    buf_done(&without);
}

/* Those in the row that the query stands at. */
static size_t mentions_of(struct person_sweep *s, const struct texts *t, struct sqlite *db,
                          const struct sqlite_query *q, struct mention *found, struct arena *keep)
{
    size_t count = 0;
    struct guid key;

    for (int i = 0; t->columns[i] != NULL; i++) {
        if (sqlite_kind(q, 2 + i) != SQLITE_KIND_TEXT ||
            !person_mentioned(s->person, sqlite_text(q, 2 + i)) || !sqlite_guid(q, 1, &key) ||
            is_taken(s, db, t->holder, &key))
            continue;
        s->mentions++;
        if (!s->dry)
            found[count++] = (struct mention){t->columns[i], s->at.place, key,
                                              arena_view(keep, sqlite_text(q, 2 + i))};
    }
    return count;
}

static const char *list_of(const struct texts *t, char out[STATEMENT_MAX])
{
    size_t n = 0;

    for (size_t i = 0; t->columns[i] != NULL; i++)
        n += (size_t)snprintf(out + n, STATEMENT_MAX - n, "%s%s", i > 0 ? ", " : "", t->columns[i]);
    return out;
}

static bool mentions(struct person_sweep *s, struct sqlite *db, const struct texts *t)
{
    char columns[STATEMENT_MAX];
    uint8_t bounds[2][17];
    struct mention found[FOUND_MAX + TEXT_COLUMNS_MAX];
    size_t count = 0;
    int looked = 0;
    struct arena texts_found;
    struct sqlite_query q = look(s, db, t->table, t->key, list_of(t, columns), t->rows, bounds);

    arena_init(&texts_found);
    while (count < FOUND_MAX && goes_on(s, t->rows, looked) && sqlite_row(&q)) {
        looked++;
        stand(s, &q, t->rows);
        count += mentions_of(s, t, db, &q, found + count, &texts_found);
    }
    sqlite_end(&q);
    s->looked += looked;
    s->acted = s->acted || count > 0;
    redact(s, db, t, found, count);
    arena_done(&texts_found);
    if (t->rows != ROWS_NONE)
        return looked > 0;
    return count >= FOUND_MAX || ++s->prefix < PREFIXES;
}

/* ---- the whole ---- */

static bool phase_people(struct person_sweep *s, struct sqlite *db)
{
    if (people(s, db, &named[s->table]))
        return true;
    begin_table(s);
    return ++s->table < NAMED;
}

static bool phase_mentions(struct person_sweep *s, struct sqlite *db)
{
    if (!s->person->distinct)
        return false;
    if (mentions(s, db, &texts[s->table]))
        return true;
    begin_table(s);
    return ++s->table < TEXTS;
}

#define LOOKS 2 /* phases that look; where they find nothing, several parts are one step */

static bool phase_indexes(struct person_sweep *s, struct sqlite *db)
{
    return s->merges && history_remove_merge(db, &s->merge_at);
}

bool person_sweep_step(struct person_sweep *s, struct sqlite *db)
{
    static bool (*const phases[])(struct person_sweep * s, struct sqlite * db) = {
        phase_people, phase_mentions, phase_indexes};
    const unsigned count = sizeof phases / sizeof *phases;

    if (s->phase == 0 && s->table == 0 && s->at.place == 0)
        begin_table(s);
    s->looked = 0;
    s->acted = false;
    s->left = allowance_of(PERSON_ROWS_MAX, s->clock, PERSON_STEP_MS);
    if (!s->dry && erased_kin_step(s->erased, db, &s->left, &s->removed))
        return true; /* of those before, or of an event */
    if (!s->dry)
        history_remove_begin(db);
    do {
        if (!phases[s->phase](s, db)) {
            s->phase++;
            s->table = 0;
            begin_table(s);
        }
    } while (s->phase < LOOKS && !s->acted && s->looked < PERSON_LOOK_MAX &&
             !allowance_is_over(&s->left));
    if (!s->dry)
        history_remove_end(db);
    return s->phase < count;
}

void person_sweep_done(struct person_sweep *s)
{
    person_taken_done(&s->taken);
}
