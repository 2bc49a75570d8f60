#include "server/leg.h"

#include "server/leg_queues.h"
#include "server/text_index.h"

#include <assert.h>
#include <string.h>

static const char *const columns[LEG_COLUMNS] = {
    "group_id",
    "group_text",
    "channel",
    "type",
    "type_details",
    "subtype",
    "status",
    "status_details",
    "source",
    "destination",
    "agent_id",
    "agent_name",
    "queue_id",
    "queue_name",
    "arrival_ms",
    "connect_ms",
    "disconnect_ms",
    "wrapup_end_ms",
    "record",
    "script",
    "subject",
    "required_id",
    "required_name",
    "required_type",
    "required_until_ms",
    "previous_id",
    "leads",
    "phase",
    "given_status",
    "given_status_details",
    "given_group",
    "given_type_details",
    "given_queue_id",
    "given_queue_name",
    "first_queue_id",
    "first_queue_name",
    "given_record",
    "given_script",
    "digest",
    "stamps",
    "later_queues",
};
#define BIT(column) (UINT64_C(1) << (column))
static const struct row_texts indexes[] = {
    {&text_index_of_addresses, BIT(LEG_SOURCE) | BIT(LEG_DESTINATION)},
    {&text_index_of_subjects, BIT(LEG_SUBJECT)},
    {NULL, 0},
};
const struct row_table leg_table = {"contacts", columns, LEG_COLUMNS, indexes};

/* The columns that a property sets, whether a leg that was not told has it from the one before, and
 * whether null takes nothing away.
 */
static const struct {
    unsigned char column;
    unsigned char count;
    bool inherited;
    bool stays;
} properties[LEG_PROPERTIES] = {
    [LEG_SETS_GROUP] = {LEG_GIVEN_GROUP, 1, false, false},
    [LEG_SETS_CHANNEL] = {LEG_CHANNEL, 1, true, true},
    [LEG_SETS_TYPE] = {LEG_TYPE, 1, true, true},
    [LEG_SETS_TYPE_DETAILS] = {LEG_GIVEN_TYPE_DETAILS, 1, false, false},
    [LEG_SETS_SUBTYPE] = {LEG_SUBTYPE, 1, true, false},
    [LEG_SETS_STATUS] = {LEG_PHASE, 2, false, true},
    [LEG_SETS_STATUS_DETAILS] = {LEG_GIVEN_STATUS_DETAILS, 1, false, false},
    [LEG_SETS_SOURCE] = {LEG_SOURCE, 1, true, true},
    [LEG_SETS_DESTINATION] = {LEG_DESTINATION, 1, true, true},
    [LEG_SETS_AGENT_ID] = {LEG_AGENT_ID, 1, false, false},
    [LEG_SETS_AGENT_NAME] = {LEG_AGENT_NAME, 1, false, false},
    [LEG_SETS_QUEUE_ID] = {LEG_GIVEN_QUEUE_ID, 1, false, false},
    [LEG_SETS_QUEUE_NAME] = {LEG_GIVEN_QUEUE_NAME, 1, false, false},
    [LEG_SETS_FIRST_QUEUE] = {LEG_FIRST_QUEUE_ID, 2, false, false},
    [LEG_SETS_ARRIVAL] = {LEG_ARRIVAL, 1, false, true},
    [LEG_SETS_CONNECT] = {LEG_CONNECT, 1, false, true},
    [LEG_SETS_DISCONNECT] = {LEG_DISCONNECT, 1, false, true},
    [LEG_SETS_WRAPUP_END] = {LEG_WRAPUP_END, 1, false, true},
    [LEG_SETS_RECORD] = {LEG_GIVEN_RECORD, 1, true, false},
    [LEG_SETS_SCRIPT] = {LEG_GIVEN_SCRIPT, 1, true, false},
    [LEG_SETS_SUBJECT] = {LEG_SUBJECT, 1, true, false},
    [LEG_SETS_REQUIRED] = {LEG_REQUIRED_ID, 4, true, false},
    [LEG_SETS_PREVIOUS] = {LEG_PREVIOUS, 1, false, true},
};

void leg_change_more(struct leg_change *c, enum leg_property p, unsigned nth, struct cell value)
{
    assert(nth < properties[p].count);
    c->sets |= UINT32_C(1) << p;
    c->cells[properties[p].column + nth] = value;
}

void leg_change_set(struct leg_change *c, enum leg_property p, struct cell value)
{
    leg_change_more(c, p, 0, value);
}

/* In LEG_GIVEN_GROUP: the group was named, and has no spelling of its own. */
#define NAMED '='

void leg_change_group(struct leg_change *c, const struct guid *group, char room[LEG_GROUP_MAX])
{
    room[0] = NAMED;
    guid_hex(group, room + 1);
    leg_change_set(c, LEG_SETS_GROUP, cell_text(view_of(room)));
}

void leg_change_say(struct leg_change *c, enum leg_property p, struct cell value)
{
    if (value.kind != CELL_NULL || !properties[p].stays)
        leg_change_set(c, p, value);
}

bool leg_change_has(const struct leg_change *c, enum leg_property p)
{
    return (c->sets >> p & 1) != 0;
}

void leg_change_phase(struct leg_change *c, enum leg_phase phase)
{
    leg_change_set(c, LEG_SETS_STATUS, cell_int(phase));
    c->sets |=
        UINT32_C(1) << LEG_SETS_STATUS_DETAILS; /* those of the phase before are no longer so */
}

static void forget(struct leg_change *c, enum leg_property p)
{
    if (!leg_change_has(c, p))
        leg_change_set(c, p, cell_null);
}

void leg_change_goes_on(struct leg_change *c)
{
    forget(c, LEG_SETS_DISCONNECT);
    forget(c, LEG_SETS_WRAPUP_END);
}

void leg_change_waits(struct leg_change *c)
{
    forget(c, LEG_SETS_CONNECT);
    leg_change_goes_on(c);
}

void leg_change_follow_status(struct leg_change *c)
{
    const struct cell *given = &c->cells[LEG_GIVEN_STATUS];

    if (cell_is(given, "InQueue"))
        leg_change_waits(c);
    else if (cell_is(given, "InProcess") || cell_is(given, "Pending"))
        leg_change_goes_on(c);
}

bool leg_change_has_ended(const struct leg_change *c)
{
    return cell_is(&c->cells[LEG_GIVEN_STATUS], "Handled") ||
           cell_is(&c->cells[LEG_GIVEN_STATUS], "Abandoned");
}

static void take(struct leg *leg, unsigned property, const struct leg_change *c)
{
    for (unsigned i = 0; i < properties[property].count; i++) {
        unsigned column = properties[property].column + i;

        row_set(&leg->r, column, c->cells[column]);
    }
}

static void keep_later(struct leg *leg, const struct leg_queue *one)
{
    struct buf all;

    buf_init(&all, LEG_QUEUES_BYTES);
    leg_queues_add(leg->r.cells[LEG_LATER_QUEUES].bytes, one, &all);
    row_set(&leg->r, LEG_LATER_QUEUES, (struct cell){CELL_BLOB, 0, buf_view(&all)});
    buf_done(&all);
}

/* The first one in columns of its own: most legs have no other. */
static void enter_queue(struct leg *leg, const struct leg_change *c,
                        const struct merge_stamp *stamp)
{
    const struct merge_stamp *first = merge_map_get(&leg->stamps, LEG_SETS_FIRST_QUEUE);
    int order = first == NULL ? 0 : merge_stamp_cmp(stamp, first);

    if (first != NULL && order == 0)
        return;
    if (order > 0)
        keep_later(leg, &(struct leg_queue){*stamp, c->cells[LEG_FIRST_QUEUE_ID],
                                            c->cells[LEG_FIRST_QUEUE_NAME]});
    if (order < 0)
        keep_later(leg, &(struct leg_queue){*first, leg->r.cells[LEG_FIRST_QUEUE_ID],
                                            leg->r.cells[LEG_FIRST_QUEUE_NAME]});
    if (merge_map_oldest(&leg->stamps, LEG_SETS_FIRST_QUEUE, stamp))
        take(leg, LEG_SETS_FIRST_QUEUE, c);
}

void leg_apply(struct leg *leg, const struct leg_change *c, const struct merge_stamp *stamp)
{
    for (unsigned p = 0; p < LEG_PROPERTIES; p++) {
        if (!leg_change_has(c, p))
            continue;
        if (p == LEG_SETS_FIRST_QUEUE)
            enter_queue(leg, c, stamp);
        else if (merge_map_newest(&leg->stamps, p, stamp))
            take(leg, p, c);
    }
}

/* ---- what is shown ---- */

static const struct cell *cell(const struct leg *leg, enum leg_column column)
{
    return &leg->r.cells[column];
}

static bool has(const struct leg *leg, enum leg_column column)
{
    return cell(leg, column)->kind != CELL_NULL;
}

static bool told(const struct leg *leg, enum leg_property p)
{
    return merge_map_get(&leg->stamps, p) != NULL;
}

static struct cell inherited(const struct leg *previous, enum leg_column column)
{
    return previous == NULL ? cell_null : *cell(previous, column);
}

static void show(struct leg *leg, enum leg_column column, struct cell value)
{
    row_set(&leg->r, column, value);
}

static void show_text(struct leg *leg, enum leg_column column, const char *text)
{
    show(leg, column, text == NULL ? cell_null : cell_text(view_of(text)));
}

static bool is_outbound(const struct leg *leg)
{
    return cell_is(cell(leg, LEG_TYPE), "CallOut") || cell_is(cell(leg, LEG_TYPE), "ChatOut") ||
           cell_is(cell(leg, LEG_TYPE), "EmailOut");
}

static const char *status_of_phase(const struct leg *leg)
{
    switch ((enum leg_phase)cell(leg, LEG_PHASE)->number) {
    case LEG_RECEIVED:
        return is_outbound(leg) ? "InProcess" : "InQueue";
    case LEG_QUEUED:
        return "InQueue";
    case LEG_CONNECTED:
        return "InProcess";
    case LEG_ENDED:
        return has(leg, LEG_CONNECT) || is_outbound(leg) ? "Handled" : "Abandoned";
    case LEG_HANDED_ON:
        return "Handled";
    case LEG_TOLD:
        return NULL;
    }
    return NULL;
}

static void derive_status(struct leg *leg)
{
    if (has(leg, LEG_GIVEN_STATUS))
        show(leg, LEG_STATUS, *cell(leg, LEG_GIVEN_STATUS));
    else
        show_text(leg, LEG_STATUS, status_of_phase(leg));
}

/* The words of the operative database, which holds chats and emails (contract 20). */
static const char *operative_status(const struct cell *status)
{
    static const char *const words[][2] = {
        {"InQueue", "Open"},    {"InProcess", "Open"},   {"Pending", "Pending"},
        {"Handled", "Handled"}, {"Abandoned", "Closed"},
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (cell_is(status, words[i][0]))
            return words[i][1];
    return NULL;
}

static void derive_status_details(struct leg *leg)
{
    if (has(leg, LEG_GIVEN_STATUS_DETAILS))
        show(leg, LEG_STATUS_DETAILS, *cell(leg, LEG_GIVEN_STATUS_DETAILS));
    else if (cell_is(cell(leg, LEG_CHANNEL), "PHONE"))
        show(leg, LEG_STATUS_DETAILS, *cell(leg, LEG_STATUS));
    else
        show_text(leg, LEG_STATUS_DETAILS, operative_status(cell(leg, LEG_STATUS)));
}

static void derive_type_details(struct leg *leg, const struct leg *previous)
{
    bool out = is_outbound(leg);

    if (has(leg, LEG_GIVEN_TYPE_DETAILS))
        show(leg, LEG_TYPE_DETAILS, *cell(leg, LEG_GIVEN_TYPE_DETAILS));
    else if (previous != NULL && !told(leg, LEG_SETS_TYPE_DETAILS) && !told(leg, LEG_SETS_TYPE))
        show(leg, LEG_TYPE_DETAILS, *cell(previous, LEG_TYPE_DETAILS));
    else if (cell_is(cell(leg, LEG_CHANNEL), "CHAT"))
        show_text(leg, LEG_TYPE_DETAILS, out ? "ChatOut" : "Chat");
    else if (cell_is(cell(leg, LEG_CHANNEL), "EMAIL"))
        show_text(leg, LEG_TYPE_DETAILS, out ? "EMAILOUT" : "EMAIL");
    else
        show(leg, LEG_TYPE_DETAILS, *cell(leg, LEG_TYPE));
}

/* The first queue that the leg entered, or that it entered after the stamp. */
static bool entered(const struct leg *leg, const struct merge_stamp *after, struct cell *id,
                    struct cell *name)
{
    const struct merge_stamp *first = merge_map_get(&leg->stamps, LEG_SETS_FIRST_QUEUE);
    struct view rest = cell(leg, LEG_LATER_QUEUES)->bytes;
    struct leg_queue one = {.id = *cell(leg, LEG_FIRST_QUEUE_ID),
                            .name = *cell(leg, LEG_FIRST_QUEUE_NAME)};
    bool found = first != NULL && (after == NULL || merge_stamp_cmp(first, after) > 0);

    while (!found && leg_queues_next(&rest, &one))
        found = merge_stamp_cmp(&one.stamp, after) > 0; /* so late there is one */
    if (!found)
        return false;
    *id = one.id;
    *name = one.name;
    return true;
}

/* The queue that was given; else the first one the leg entered after that was taken away; else that
 * of the leg before. */
static void derive_queue(struct leg *leg, const struct leg *previous)
{
    const struct merge_stamp *given = merge_map_get(&leg->stamps, LEG_SETS_QUEUE_ID);
    struct cell id = cell_null;
    struct cell name = cell_null;

    if (has(leg, LEG_GIVEN_QUEUE_ID)) {
        id = *cell(leg, LEG_GIVEN_QUEUE_ID);
    } else if (!entered(leg, given, &id, &name) && given == NULL) {
        id = inherited(previous, LEG_QUEUE_ID);
        name = inherited(previous, LEG_QUEUE_NAME);
    }
    if (has(leg, LEG_GIVEN_QUEUE_NAME))
        name = *cell(leg, LEG_GIVEN_QUEUE_NAME);
    show(leg, LEG_QUEUE_ID, id);
    show(leg, LEG_QUEUE_NAME, name);
}

/* A group that is spelt by us: a phone call's without hyphens, others' with (L1498). */
static void show_group(struct leg *leg, const struct guid *group)
{
    char text[GUID_TEXT_MAX];

    if (cell_is(cell(leg, LEG_CHANNEL), "PHONE"))
        guid_hex(group, text);
    else
        guid_hyphen(group, text);
    show_text(leg, LEG_GROUP_TEXT, text);
    show(leg, LEG_GROUP_ID, cell_guid(group));
}

static void derive_group(struct leg *leg, const struct leg *previous)
{
    struct view given = cell(leg, LEG_GIVEN_GROUP)->bytes;
    struct guid group;

    if (given.n > 0 && given.p[0] == NAMED && guid_parse(view_skip(given, 1), &group)) {
        show_group(leg, &group);
        return;
    }
    if (has(leg, LEG_GIVEN_GROUP) && guid_parse(given, &group)) {
        show(leg, LEG_GROUP_TEXT, *cell(leg, LEG_GIVEN_GROUP));
        show(leg, LEG_GROUP_ID, cell_guid(&group));
        return;
    }
    if (previous != NULL) {
        show(leg, LEG_GROUP_TEXT, *cell(previous, LEG_GROUP_TEXT));
        show(leg, LEG_GROUP_ID, *cell(previous, LEG_GROUP_ID));
        return;
    }
    show_group(leg, &leg->r.id);
}

static bool is_true(const struct cell *c)
{
    return c->kind == CELL_INT && c->number != 0;
}

/* Never false: true or absent (contract 20). */
static void show_flag(struct leg *leg, enum leg_column column, bool flag)
{
    show(leg, column, flag ? cell_int(1) : cell_null);
}

void leg_derive(struct leg *leg, const struct leg *previous, bool recorded, bool scripted)
{
    for (unsigned p = 0; p < LEG_PROPERTIES; p++)
        for (unsigned i = 0; i < properties[p].count; i++)
            if (properties[p].inherited && !told(leg, p))
                show(leg, properties[p].column + i, inherited(previous, properties[p].column + i));
    derive_group(leg, previous);
    derive_status(leg);
    derive_status_details(leg);
    derive_type_details(leg, previous);
    derive_queue(leg, previous);
    show_flag(leg, LEG_RECORD,
              is_true(cell(leg, LEG_GIVEN_RECORD)) ||
                  (recorded && cell_is(cell(leg, LEG_CHANNEL), "PHONE")));
    show_flag(leg, LEG_SCRIPT, is_true(cell(leg, LEG_GIVEN_SCRIPT)) || scripted);
}

/* What leg_derive reads of the leg before. Of a new leg always: its group is there now. */
bool leg_hands_on(const struct leg *leg)
{
    uint64_t read = BIT(LEG_GROUP_ID) | BIT(LEG_GROUP_TEXT) | BIT(LEG_TYPE_DETAILS) |
                    BIT(LEG_QUEUE_ID) | BIT(LEG_QUEUE_NAME);

    for (unsigned p = 0; p < LEG_PROPERTIES; p++)
        for (unsigned i = 0; i < properties[p].count; i++)
            if (properties[p].inherited)
                read |= BIT(properties[p].column + i);
    return (leg->r.changed & read) != 0;
}

bool leg_complete(const struct leg *leg)
{
    return has(leg, LEG_CHANNEL) && has(leg, LEG_TYPE) && has(leg, LEG_SOURCE) &&
           has(leg, LEG_DESTINATION) && has(leg, LEG_ARRIVAL) && has(leg, LEG_STATUS);
}
