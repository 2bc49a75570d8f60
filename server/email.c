#include "server/email.h"

#include "bridge/core/mem.h"
#include "server/sqlite.h"
#include "server/text_index.h"

#define STAMPS_MAX (EMAIL_PROPERTIES * (MERGE_STAMP_MAX + 4)) /* bytes of a stored map */

static const char *const columns[EMAIL_COLUMNS] = {
    "channel_type", "channel_sub_type", "status",    "case_id",      "cid",
    "content",      "remarks",          "from_name", "from_address", "stamps",
};
static const struct row_texts indexes[] = {
    {&text_index_of_emails, UINT64_C(1) << EMAIL_CONTENT | UINT64_C(1) << EMAIL_REMARKS},
    {NULL, 0},
};
static const struct row_table email_table = {"emails", columns, EMAIL_COLUMNS, indexes};

/* The columns of a property; none of a list. */
static const struct {
    unsigned char column;
    unsigned char count;
} properties[EMAIL_PROPERTIES] = {
    [EMAIL_SETS_CHANNEL_TYPE] = {EMAIL_CHANNEL_TYPE, 1},
    [EMAIL_SETS_CHANNEL_SUB_TYPE] = {EMAIL_CHANNEL_SUB_TYPE, 1},
    [EMAIL_SETS_STATUS] = {EMAIL_STATUS, 1},
    [EMAIL_SETS_CASE_ID] = {EMAIL_CASE_ID, 1},
    [EMAIL_SETS_CID] = {EMAIL_CID, 1},
    [EMAIL_SETS_CONTENT] = {EMAIL_CONTENT, 1},
    [EMAIL_SETS_REMARKS] = {EMAIL_REMARKS, 1},
    [EMAIL_SETS_FROM] = {EMAIL_FROM_NAME, 2},
};

static void bind_or_null(struct sqlite_query *q, struct view v)
{
    if (v.p == NULL)
        sqlite_bind_null(q);
    else
        sqlite_bind_text(q, v);
}

static void store_addresses(struct sqlite *db, const struct guid *id, const char *kind,
                            const struct email_address *list)
{
    struct sqlite_query q =
        sqlite_query(db, "DELETE FROM email_addresses WHERE email = ? AND kind = ?");

    sqlite_bind_guid(&q, id);
    sqlite_bind_text(&q, view_of(kind));
    sqlite_run(&q);
    for (int64_t position = 0; list != NULL; list = list->next, position++) {
        q = sqlite_query(db, "INSERT INTO email_addresses (email, kind, position, name, address)"
                             " VALUES (?, ?, ?, ?, ?)");
        sqlite_bind_guid(&q, id);
        sqlite_bind_text(&q, view_of(kind));
        sqlite_bind_int(&q, position);
        bind_or_null(&q, list->name);
        sqlite_bind_text(&q, list->address);
        sqlite_run(&q);
    }
}

static void store_attachments(struct sqlite *db, const struct guid *id,
                              const struct email_attachment *list)
{
    struct sqlite_query q = sqlite_query(db, "DELETE FROM email_attachments WHERE email = ?");

    sqlite_bind_guid(&q, id);
    sqlite_run(&q);
    for (int64_t position = 0; list != NULL; list = list->next, position++) {
        q = sqlite_query(db, "INSERT INTO email_attachments"
                             " (email, position, id, filename, mime_type, size, originator)"
                             " VALUES (?, ?, ?, ?, ?, ?, ?)");
        sqlite_bind_guid(&q, id);
        sqlite_bind_int(&q, position);
        sqlite_bind_guid(&q, &list->id);
        sqlite_bind_text(&q, list->filename);
        sqlite_bind_text(&q, list->mime_type);
        sqlite_bind_text(&q, list->size);
        bind_or_null(&q, list->originator);
        sqlite_run(&q);
    }
}

static void store_property(struct sqlite *db, struct row *r, const struct email_change *c,
                           unsigned p)
{
    static const char *const kinds[] = {"to", "cc", "bcc"};

    for (unsigned i = 0; i < properties[p].count; i++)
        row_set(r, properties[p].column + i, c->cells[properties[p].column + i]);
    if (p >= EMAIL_SETS_TO && p <= EMAIL_SETS_BCC)
        store_addresses(db, &r->id, kinds[p - EMAIL_SETS_TO], c->addresses[p - EMAIL_SETS_TO]);
    else if (p == EMAIL_SETS_ATTACHMENTS)
        store_attachments(db, &r->id, c->attachments);
}

/* The stamp that wins the property anyhow. */
static struct merge_stamp winning(const struct merge_map *stamps, unsigned p,
                                  const struct merge_stamp *stamp)
{
    const struct merge_stamp *now = merge_map_get(stamps, p);

    return now == NULL || merge_stamp_cmp(now, stamp) < 0 ? *stamp : merge_stamp_after(now);
}

static void store(struct sqlite *db, const struct guid *id, const struct email_change *c,
                  const struct merge_stamp *stamp, bool anyhow)
{
    struct merge_map *stamps = mem_zeroed(1, sizeof *stamps);
    struct fault damaged;
    struct row r;
    struct buf stored;

    row_load(&r, db, &email_table, id);
    if (!merge_map_read(stamps, r.cells[EMAIL_STAMPS].bytes, &damaged))
        sqlite_damaged(db, damaged.text);
    for (unsigned p = 0; p < EMAIL_PROPERTIES; p++) {
        const struct merge_stamp own = anyhow ? winning(stamps, p, stamp) : *stamp;

        if ((c->sets >> p & 1) != 0 && merge_map_newest(stamps, p, &own))
            store_property(db, &r, c, p);
    }
    buf_init(&stored, STAMPS_MAX);
    merge_map_write(stamps, &stored);
    row_set(&r, EMAIL_STAMPS, (struct cell){CELL_BLOB, 0, buf_view(&stored)});
    buf_done(&stored);
    row_save(&r, db);
    row_done(&r);
    mem_free(stamps);
}

void email_apply(struct sqlite *db, const struct guid *id, const struct email_change *c,
                 const struct merge_stamp *stamp)
{
    store(db, id, c, stamp, false);
}

void email_overwrite(struct sqlite *db, const struct guid *id, const struct email_change *c,
                     const struct merge_stamp *stamp)
{
    store(db, id, c, stamp, true);
}
