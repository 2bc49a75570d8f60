/* ingest_contact: contact.* (contract 4). */
#include "server/ingest.h"
#include "server/leg.h"

#include <string.h>

struct contact_said {
    struct leg_change change;
    bool nothing;             /* nothing of it is shown */
    struct leg_change before; /* what a transfer makes of the leg before, which ends with it */
    struct guid previous_id;
    struct guid agent_id; /* the cells borrow these, and texts of the arena */
    struct guid queue_id;
    struct guid required_id;
    bool in_required; /* while reading: inside requiredAgent */
    struct ingest_event *event;
    struct arena *texts;
};

/* Properties that are one cell, as they are given. */
static const struct {
    const char *field;
    enum leg_property property;
} plain[] = {
    {"channel", LEG_SETS_CHANNEL},
    {"type", LEG_SETS_TYPE},
    {"typeDetails", LEG_SETS_TYPE_DETAILS},
    {"subtype", LEG_SETS_SUBTYPE},
    {"statusDetails", LEG_SETS_STATUS_DETAILS},
    {"source", LEG_SETS_SOURCE},
    {"destination", LEG_SETS_DESTINATION},
    {"agentName", LEG_SETS_AGENT_NAME},
    {"queueName", LEG_SETS_QUEUE_NAME},
    {"subject", LEG_SETS_SUBJECT},
    {"record", LEG_SETS_RECORD},
    {"script", LEG_SETS_SCRIPT},
    {"arrivalTime", LEG_SETS_ARRIVAL},
    {"connectTime", LEG_SETS_CONNECT},
    {"disconnectTime", LEG_SETS_DISCONNECT},
    {"wrapUpEndTime", LEG_SETS_WRAPUP_END},
};

static struct cell plain_cell(const struct cmi_field *field, const struct cmi_value *v,
                              struct arena *texts)
{
    if (v->null)
        return cell_null;
    if (field->type == CMI_TIME)
        return cell_int(v->time_ms);
    if (field->type == CMI_INTEGER)
        return cell_int(v->integer);
    if (field->type == CMI_BOOL)
        return cell_int(v->boolean);
    return cell_text(arena_view(texts, v->text));
}

/* A GUID, kept in *keep, which the cell borrows. */
static struct cell guid_cell(const struct contact_said *said, const struct cmi_value *v,
                             struct guid *keep)
{
    if (v->null)
        return cell_null;
    *keep = ingest_guid(said->event->source, "contacts", v->text);
    return cell_guid(keep);
}

static bool on_begin(void *ctx, const struct cmi_field *field, size_t index, struct fault *f)
{
    struct contact_said *said = ctx;

    (void)index;
    (void)f;
    said->in_required = strcmp(field->name, "requiredAgent") == 0;
    return true;
}

static bool on_end(void *ctx, const struct cmi_field *field, struct fault *f)
{
    struct contact_said *said = ctx;

    (void)field;
    (void)f;
    said->in_required = false;
    return true;
}

static void take_required(struct contact_said *said, const struct cmi_field *field,
                          const struct cmi_value *v)
{
    static const char *const names[] = {"id", "name", "type", "expirationTime"};

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(field->name, names[i]) == 0)
            leg_change_more(&said->change, LEG_SETS_REQUIRED, i,
                            i == 0 ? guid_cell(said, v, &said->required_id)
                                   : plain_cell(field, v, said->texts));
}

static bool on_value(void *ctx, const struct cmi_field *field, const struct cmi_value *v,
                     struct fault *f)
{
    struct contact_said *said = ctx;
    struct leg_change *c = &said->change;

    (void)f;
    if (said->in_required) {
        take_required(said, field, v);
        return true;
    }
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(field->name, plain[i].field) == 0) {
            leg_change_say(c, plain[i].property, plain_cell(field, v, said->texts));
        }
    if (strcmp(field->name, "channel") == 0 && !v->null)
        said->event->age = age_of_channel(v->text);
    if (strcmp(field->name, "contactGroupId") == 0)
        ingest_group(said->event, v, c, said->texts);
    else if (strcmp(field->name, "status") == 0 && !v->null)
        leg_change_more(c, LEG_SETS_STATUS, 1, plain_cell(field, v, said->texts));
    else if (strcmp(field->name, "agentId") == 0)
        leg_change_set(c, LEG_SETS_AGENT_ID, guid_cell(said, v, &said->agent_id));
    else if (strcmp(field->name, "queueId") == 0)
        leg_change_set(c, LEG_SETS_QUEUE_ID, guid_cell(said, v, &said->queue_id));
    else if (strcmp(field->name, "previousId") == 0)
        leg_change_set(c, LEG_SETS_PREVIOUS, guid_cell(said, v, &said->previous_id));
    else if (strcmp(field->name, "requiredAgent") == 0) /* null */
        leg_change_set(c, LEG_SETS_REQUIRED, cell_null);
    return true;
}

/* ---- what each does beyond what it says ---- */

static void unless_given(struct contact_said *said, enum leg_property p, int64_t time_ms)
{
    if (!leg_change_has(&said->change, p))
        leg_change_set(&said->change, p, cell_int(time_ms));
}

static bool received(struct contact_said *said, struct fault *f)
{
    (void)f;
    unless_given(said, LEG_SETS_ARRIVAL, said->event->time_ms);
    leg_change_phase(&said->change, LEG_RECEIVED);
    if (!leg_change_has_ended(&said->change))
        leg_change_goes_on(&said->change);
    return true;
}

static void wait_again(struct leg_change *c)
{
    leg_change_waits(c);
    leg_change_phase(c, LEG_QUEUED);
}

/* The first queue only counts where none is given (contract 4). */
static bool queued(struct contact_said *said, struct fault *f)
{
    struct leg_change *c = &said->change;
    struct leg_change first = {0};

    (void)f;
    leg_change_set(&first, LEG_SETS_FIRST_QUEUE, c->cells[LEG_GIVEN_QUEUE_ID]);
    leg_change_more(&first, LEG_SETS_FIRST_QUEUE, 1, c->cells[LEG_GIVEN_QUEUE_NAME]);
    wait_again(&first);
    *c = first;
    return true;
}

static bool allocated(struct contact_said *said, struct fault *f)
{
    (void)f;
    said->nothing = true;
    return true;
}

static bool accepted(struct contact_said *said, struct fault *f)
{
    (void)f;
    unless_given(said, LEG_SETS_CONNECT, said->event->time_ms);
    leg_change_goes_on(&said->change);
    leg_change_phase(&said->change, LEG_CONNECTED);
    return true;
}

static bool rejected(struct contact_said *said, struct fault *f)
{
    (void)f;
    leg_change_set(&said->change, LEG_SETS_AGENT_ID, cell_null);
    wait_again(&said->change);
    return true;
}

static bool transferred(struct contact_said *said, struct fault *f)
{
    struct ingest_event *e = said->event;

    if (guid_eq(&said->previous_id, &e->subject))
        return fault_set(f, FAULT_REJECT, "previousId is the contact itself");
    e->before = &said->previous_id;
    leg_change_set(&said->before, LEG_SETS_DISCONNECT, cell_int(e->time_ms));
    leg_change_phase(&said->before, LEG_HANDED_ON);
    unless_given(said, LEG_SETS_ARRIVAL, e->time_ms);
    /* Also where it was a leg before: a transfer back begins it anew. */
    if (!leg_change_has(&said->change, LEG_SETS_AGENT_ID))
        leg_change_set(&said->change, LEG_SETS_AGENT_ID, cell_null);
    wait_again(&said->change);
    return true;
}

static bool forwarded(struct contact_said *said, struct fault *f)
{
    (void)f;
    wait_again(&said->change);
    return true;
}

static bool ended(struct contact_said *said, struct fault *f)
{
    (void)f;
    unless_given(said, LEG_SETS_DISCONNECT, said->event->time_ms);
    leg_change_phase(&said->change, LEG_ENDED);
    return true;
}

static bool closed(struct contact_said *said, struct fault *f)
{
    (void)f;
    unless_given(said, LEG_SETS_WRAPUP_END, said->event->time_ms);
    return true;
}

static bool updated(struct contact_said *said, struct fault *f)
{
    (void)f;
    if (leg_change_has(&said->change, LEG_SETS_STATUS)) {
        leg_change_phase(&said->change, LEG_TOLD);
        leg_change_follow_status(&said->change);
    }
    return true;
}

static const struct {
    const char *type;
    bool (*effect)(struct contact_said *said, struct fault *f);
} effects[] = {
    {"contact.received", received},   {"contact.queued", queued},
    {"contact.allocated", allocated}, {"contact.accepted", accepted},
    {"contact.rejected", rejected},   {"contact.transferred", transferred},
    {"contact.forwarded", forwarded}, {"contact.ended", ended},
    {"contact.closed", closed},       {"contact.updated", updated},
};

/* An identifier without its name leaves no name of another behind. */
static void pair(struct leg_change *c, enum leg_property id, enum leg_property name)
{
    if (leg_change_has(c, id) && !leg_change_has(c, name))
        leg_change_set(c, name, cell_null);
}

static bool read(struct ingest_event *e, struct view data, struct arena *a, struct fault *f)
{
    struct contact_said *said = arena_take(a, 1, sizeof *said);
    struct cmi_visitor visitor = {.ctx = said, .begin = on_begin, .value = on_value, .end = on_end};

    said->event = e;
    said->texts = a;
    e->said = said;
    if (!ingest_check(e, data, visitor, f))
        return false;
    for (size_t i = 0; i < sizeof effects / sizeof *effects; i++)
        if (strcmp(e->type->name, effects[i].type) == 0 && !effects[i].effect(said, f))
            return false;
    pair(&said->change, LEG_SETS_AGENT_ID, LEG_SETS_AGENT_NAME);
    pair(&said->change, LEG_SETS_QUEUE_ID, LEG_SETS_QUEUE_NAME);
    return true;
}

static void change_leg(struct sqlite *db, const struct guid *id, const struct leg_change *c,
                       const struct merge_stamp *stamp, int *hidden)
{
    struct leg *leg = leg_load(db, id);

    leg_apply(leg, c, stamp);
    *hidden += leg_save(leg, db);
    leg_free(leg);
}

static void apply(const struct ingest_event *e, struct sqlite *db, int *hidden)
{
    const struct contact_said *said = e->said;

    if (said->nothing)
        return;
    if (e->before != NULL)
        change_leg(db, e->before, &said->before, &e->stamp, hidden);
    if (!e->erased)
        change_leg(db, &e->subject, &said->change, &e->stamp, hidden);
}

const struct ingest_kind ingest_contact_kinds[] = {
    {"contact.received", read, apply},
    {"contact.queued", read, apply},
    {"contact.allocated", read, apply},
    {"contact.accepted", read, apply},
    {"contact.rejected", read, apply},
    {"contact.transferred", read, apply},
    {"contact.forwarded", read, apply},
    {"contact.ended", read, apply},
    {"contact.closed", read, apply},
    {"contact.updated", read, apply},
    {NULL, NULL, NULL},
};
