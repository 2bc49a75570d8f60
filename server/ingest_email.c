/* ingest_email: email.received, email.sent, email.updated (contract 4): an email and its contact.
 */
#include "server/email.h"
#include "server/ingest.h"
#include "server/leg.h"

#include <string.h>

struct email_said {
    struct leg_change leg;
    struct email_change email;
    struct guid queue_id; /* the cells borrow these, and texts of the arena */
    struct guid agent_id;
    const struct cmi_field *inside; /* while reading */
    struct email_address **address_end[3];
    struct email_address *address;
    struct email_attachment **attachment_end;
    struct email_attachment *attachment;
    struct ingest_event *event;
    struct arena *texts;
};

static const struct {
    const char *field;
    enum leg_property property;
} of_leg[] = {
    {"type", LEG_SETS_TYPE},
    {"typeDetails", LEG_SETS_TYPE_DETAILS},
    {"statusDetails", LEG_SETS_STATUS_DETAILS},
    {"title", LEG_SETS_SUBJECT},
    {"originator", LEG_SETS_SOURCE},
    {"destination", LEG_SETS_DESTINATION},
    {"agentName", LEG_SETS_AGENT_NAME},
};

static const struct {
    const char *field;
    enum email_property property;
    enum email_column column;
} of_email[] = {
    {"channel_type", EMAIL_SETS_CHANNEL_TYPE, EMAIL_CHANNEL_TYPE},
    {"channel_sub_type", EMAIL_SETS_CHANNEL_SUB_TYPE, EMAIL_CHANNEL_SUB_TYPE},
    {"status", EMAIL_SETS_STATUS, EMAIL_STATUS},
    {"case_id", EMAIL_SETS_CASE_ID, EMAIL_CASE_ID},
    {"cid", EMAIL_SETS_CID, EMAIL_CID},
    {"content", EMAIL_SETS_CONTENT, EMAIL_CONTENT},
    {"remarks", EMAIL_SETS_REMARKS, EMAIL_REMARKS},
};

static const char *const lists[] = {"to_address", "cc_address", "bcc_address"};

static struct cell text_cell(const struct email_said *said, const struct cmi_value *v)
{
    return v->null ? cell_null : cell_text(arena_view(said->texts, v->text));
}

static void email_set(struct email_change *c, enum email_property p, unsigned column,
                      struct cell value)
{
    c->sets |= UINT32_C(1) << p;
    c->cells[column] = value;
}

/* ---- objects and lists ---- */

static bool on_begin(void *ctx, const struct cmi_field *field, size_t index, struct fault *f)
{
    struct email_said *said = ctx;

    (void)index;
    (void)f;
    said->inside = field;
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(field->name, lists[i]) == 0) {
            said->address = arena_take(said->texts, 1, sizeof *said->address);
            *said->address_end[i] = said->address;
            said->address_end[i] = &said->address->next;
        }
    if (strcmp(field->name, "attachments") == 0) {
        said->attachment = arena_take(said->texts, 1, sizeof *said->attachment);
        *said->attachment_end = said->attachment;
        said->attachment_end = &said->attachment->next;
    }
    if (strcmp(field->name, "from_address") == 0) { /* whole: what it lacks is taken away */
        email_set(&said->email, EMAIL_SETS_FROM, EMAIL_FROM_NAME, cell_null);
        email_set(&said->email, EMAIL_SETS_FROM, EMAIL_FROM_ADDRESS, cell_null);
    }
    return true;
}

static bool on_end(void *ctx, const struct cmi_field *field, struct fault *f)
{
    struct email_said *said = ctx;

    (void)field;
    (void)f;
    said->inside = NULL;
    return true;
}

static void set_list(struct email_said *said, const char *name)
{
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(name, lists[i]) == 0)
            said->email.sets |= UINT32_C(1) << (EMAIL_SETS_TO + i);
    if (strcmp(name, "attachments") == 0)
        said->email.sets |= UINT32_C(1) << EMAIL_SETS_ATTACHMENTS;
}

static bool on_list(void *ctx, const struct cmi_field *field, size_t count, struct fault *f)
{
    (void)count;
    (void)f;
    set_list(ctx, field->name);
    return true;
}

static void take_attachment(struct email_attachment *one, const char *name,
                            const struct cmi_value *v, struct arena *texts)
{
    if (strcmp(name, "id") == 0)
        (void)!guid_parse(v->text, &one->id); /* the decoder checked it */
    else if (strcmp(name, "filename") == 0)
        one->filename = arena_view(texts, v->text);
    else if (strcmp(name, "mime_type") == 0)
        one->mime_type = arena_view(texts, v->text);
    else if (strcmp(name, "size") == 0)
        one->size = arena_view(texts, v->text);
    else if (strcmp(name, "originator") == 0)
        one->originator = arena_view(texts, v->text);
}

static void take_queue(struct email_said *said, const char *name, const struct cmi_value *v)
{
    if (strcmp(name, "id") == 0 && !v->null) {
        said->queue_id = ingest_guid(said->event->source, "contacts", v->text);
        leg_change_set(&said->leg, LEG_SETS_QUEUE_ID, cell_guid(&said->queue_id));
    } else if (strcmp(name, "name") == 0) {
        leg_change_set(&said->leg, LEG_SETS_QUEUE_NAME, text_cell(said, v));
    }
}

static void take_inner(struct email_said *said, const struct cmi_field *field,
                       const struct cmi_value *v)
{
    const char *where = said->inside->name;

    if (strcmp(where, "from_queue") == 0) {
        take_queue(said, field->name, v);
    } else if (v->null) {
        return; /* within an item as if it were absent */
    } else if (strcmp(where, "attachments") == 0) {
        take_attachment(said->attachment, field->name, v, said->texts);
    } else if (strcmp(where, "from_address") == 0) {
        email_set(&said->email, EMAIL_SETS_FROM,
                  strcmp(field->name, "name") == 0 ? EMAIL_FROM_NAME : EMAIL_FROM_ADDRESS,
                  text_cell(said, v));
    } else if (strcmp(field->name, "name") == 0) {
        said->address->name = arena_view(said->texts, v->text);
    } else {
        said->address->address = arena_view(said->texts, v->text);
    }
}

/* ---- properties ---- */

/* An email's status is an open set; where it is one of a contact's, the contact has it too. */
static void take_status(struct email_said *said, const struct cmi_value *v)
{
    static const char *const words[] = {"Pending", "InQueue", "InProcess", "Handled", "Abandoned"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!v->null && view_eq_nocase(v->text, view_of(words[i])))
            leg_change_more(&said->leg, LEG_SETS_STATUS, 1, cell_text(view_of(words[i])));
}

static void take_nulled(struct email_said *said, const char *name)
{
    set_list(said, name);
    if (strcmp(name, "from_address") == 0) {
        email_set(&said->email, EMAIL_SETS_FROM, EMAIL_FROM_NAME, cell_null);
        email_set(&said->email, EMAIL_SETS_FROM, EMAIL_FROM_ADDRESS, cell_null);
    }
}

/* What no email lacks, null does not take away. */
static bool is_of_every_email(const char *field)
{
    return strcmp(field, "title") == 0 || strcmp(field, "content") == 0 ||
           strcmp(field, "from_queue") == 0;
}

static bool on_value(void *ctx, const struct cmi_field *field, const struct cmi_value *v,
                     struct fault *f)
{
    struct email_said *said = ctx;
    const char *name = field->name;

    (void)f;
    if (said->inside != NULL) {
        take_inner(said, field, v);
        return true;
    }
    if (v->null && is_of_every_email(name))
        return true;
    for (size_t i = 0; i < sizeof of_leg / sizeof *of_leg; i++)
        if (strcmp(name, of_leg[i].field) == 0)
            leg_change_say(&said->leg, of_leg[i].property, text_cell(said, v));
    for (size_t i = 0; i < sizeof of_email / sizeof *of_email; i++)
        if (strcmp(name, of_email[i].field) == 0)
            email_set(&said->email, of_email[i].property, of_email[i].column, text_cell(said, v));
    if (v->null)
        take_nulled(said, name);
    if (strcmp(name, "status") == 0) {
        take_status(said, v);
    } else if (strcmp(name, "contactGroupId") == 0) {
        ingest_group(said->event, v, &said->leg, said->texts);
    } else if (strcmp(name, "agentId") == 0) {
        if (!v->null)
            said->agent_id = ingest_guid(said->event->source, "contacts", v->text);
        leg_change_set(&said->leg, LEG_SETS_AGENT_ID,
                       v->null ? cell_null : cell_guid(&said->agent_id));
    } else if (strcmp(name, "date_created") == 0) {
        leg_change_say(&said->leg, LEG_SETS_ARRIVAL, v->null ? cell_null : cell_int(v->time_ms));
    }
    return true;
}

/* ---- the events ---- */

static void complete(struct email_said *said)
{
    const struct ingest_event *e = said->event;
    bool sent = strcmp(e->type->name, "email.sent") == 0;
    struct leg_change *c = &said->leg;

    leg_change_set(c, LEG_SETS_CHANNEL, cell_text(VIEW("EMAIL")));
    if (!leg_change_has(c, LEG_SETS_TYPE))
        leg_change_set(c, LEG_SETS_TYPE, cell_text(view_of(sent ? "EmailOut" : "EmailIn")));
    if (!leg_change_has(c, LEG_SETS_ARRIVAL))
        leg_change_set(c, LEG_SETS_ARRIVAL, cell_int(e->time_ms));
    if (sent) { /* whatever its data calls that */
        leg_change_more(c, LEG_SETS_STATUS, 1, cell_text(VIEW("Handled")));
        if (c->cells[LEG_GIVEN_STATUS_DETAILS].kind == CELL_NULL)
            leg_change_set(c, LEG_SETS_STATUS_DETAILS, cell_text(VIEW("Sent")));
        leg_change_set(c, LEG_SETS_DISCONNECT, c->cells[LEG_ARRIVAL]);
    } else if (!leg_change_has_ended(c)) {
        leg_change_goes_on(c);
    }
    leg_change_phase(c, sent ? LEG_TOLD : LEG_RECEIVED);
}

static bool read(struct ingest_event *e, struct view data, struct arena *a, struct fault *f)
{
    struct email_said *said = arena_take(a, 1, sizeof *said);
    struct cmi_visitor visitor = {said, on_begin, on_value, on_end, on_list};
    struct leg_change *c = &said->leg;

    said->event = e;
    said->texts = a;
    for (unsigned i = 0; i < 3; i++)
        said->address_end[i] = &said->email.addresses[i];
    said->attachment_end = &said->email.attachments;
    e->said = said;
    if (!ingest_check(e, data, visitor, f))
        return false;
    if (strcmp(e->type->name, "email.updated") == 0) {
        if (leg_change_has(c, LEG_SETS_STATUS)) {
            leg_change_phase(c, LEG_TOLD);
            leg_change_follow_status(c);
        }
    } else {
        complete(said);
    }
    if (leg_change_has(c, LEG_SETS_AGENT_ID) && !leg_change_has(c, LEG_SETS_AGENT_NAME))
        leg_change_set(c, LEG_SETS_AGENT_NAME, cell_null);
    if (leg_change_has(c, LEG_SETS_QUEUE_ID) && !leg_change_has(c, LEG_SETS_QUEUE_NAME))
        leg_change_set(c, LEG_SETS_QUEUE_NAME, cell_null);
    return true;
}

static void apply(const struct ingest_event *e, struct sqlite *db, int *hidden)
{
    const struct email_said *said = e->said;
    struct leg *leg = leg_load(db, &e->subject);

    leg_apply(leg, &said->leg, &e->stamp);
    *hidden += leg_save(leg, db);
    leg_free(leg);
    email_apply(db, &e->subject, &said->email, &e->stamp);
}

const struct ingest_kind ingest_email_kinds[] = {
    {"email.received", read, apply},
    {"email.sent", read, apply},
    {"email.updated", read, apply},
    {NULL, NULL, NULL},
};
