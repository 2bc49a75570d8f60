/*
 * leg: a contact as events build it. A transfer ends one leg and begins the next of its group; what
 * the new one does not say for itself it has from the one before.
 *
 * Events change properties, each kept by the newest event that set it (bridge/core/merge.h), but
 * the queues that it entered, of which all are kept. What is shown is made of these alone
 * (leg_derive), never of the order in which they came: so any order of the same events ends in one
 * contact.
 */
#ifndef SERVER_LEG_H
#define SERVER_LEG_H

#include "bridge/core/merge.h"
#include "server/row.h"

/* The columns of `contacts` after row and id, in their order there. */
enum leg_column {
    LEG_GROUP_ID,
    LEG_GROUP_TEXT,
    LEG_CHANNEL,
    LEG_TYPE,
    LEG_TYPE_DETAILS,
    LEG_SUBTYPE,
    LEG_STATUS,
    LEG_STATUS_DETAILS,
    LEG_SOURCE,
    LEG_DESTINATION,
    LEG_AGENT_ID,
    LEG_AGENT_NAME,
    LEG_QUEUE_ID,
    LEG_QUEUE_NAME,
    LEG_ARRIVAL,
    LEG_CONNECT,
    LEG_DISCONNECT,
    LEG_WRAPUP_END,
    LEG_RECORD,
    LEG_SCRIPT,
    LEG_SUBJECT,
    LEG_REQUIRED_ID,
    LEG_REQUIRED_NAME,
    LEG_REQUIRED_TYPE,
    LEG_REQUIRED_UNTIL,
    LEG_PREVIOUS,
    LEG_LEADS,
    LEG_PHASE, /* from here on: what was given */
    LEG_GIVEN_STATUS,
    LEG_GIVEN_STATUS_DETAILS,
    LEG_GIVEN_GROUP,
    LEG_GIVEN_TYPE_DETAILS,
    LEG_GIVEN_QUEUE_ID,
    LEG_GIVEN_QUEUE_NAME,
    LEG_FIRST_QUEUE_ID,
    LEG_FIRST_QUEUE_NAME,
    LEG_GIVEN_RECORD,
    LEG_GIVEN_SCRIPT,
    LEG_DIGEST,
    LEG_STAMPS,
    LEG_LATER_QUEUES, /* server/leg_queues.h */
    LEG_COLUMNS
};

/* What events change. The numbers are stored in `stamps`: never give one a new meaning. */
enum leg_property {
    LEG_SETS_GROUP = 0,
    LEG_SETS_CHANNEL = 1,
    LEG_SETS_TYPE = 2,
    LEG_SETS_TYPE_DETAILS = 3,
    LEG_SETS_SUBTYPE = 4,
    LEG_SETS_STATUS = 5, /* LEG_PHASE and LEG_GIVEN_STATUS */
    LEG_SETS_STATUS_DETAILS = 6,
    LEG_SETS_SOURCE = 7,
    LEG_SETS_DESTINATION = 8,
    LEG_SETS_AGENT_ID = 9,
    LEG_SETS_AGENT_NAME = 10,
    LEG_SETS_QUEUE_ID = 11,
    LEG_SETS_QUEUE_NAME = 12,
    LEG_SETS_FIRST_QUEUE = 13, /* id and name: a queue was entered; the first event keeps it */
    LEG_SETS_ARRIVAL = 14,
    LEG_SETS_CONNECT = 15,
    LEG_SETS_DISCONNECT = 16,
    LEG_SETS_WRAPUP_END = 17,
    LEG_SETS_RECORD = 18,
    LEG_SETS_SCRIPT = 19,
    LEG_SETS_SUBJECT = 20,
    LEG_SETS_REQUIRED = 21, /* the four of requiredAgent */
    LEG_SETS_PREVIOUS = 22,
    LEG_PROPERTIES
};

/* What the last event that moved the leg made of it; the status follows where none was given. The
 * numbers are stored. */
enum leg_phase {
    LEG_RECEIVED = 1,  /* InQueue; an outbound one InProcess */
    LEG_QUEUED = 2,    /* InQueue */
    LEG_CONNECTED = 3, /* InProcess */
    LEG_ENDED = 4,     /* Handled if connected or outbound, else Abandoned */
    LEG_HANDED_ON = 5, /* by a transfer: Handled */
    LEG_TOLD = 6,      /* the status is given, or there is none */
};

extern const struct row_table leg_table;

struct leg {
    struct row r;
    struct merge_map stamps;
};

/* What one event says of one leg. */
struct leg_change {
    uint32_t sets;                  /* bit i: property i is set, to the cells of its columns */
    struct cell cells[LEG_COLUMNS]; /* borrowed */
};

/* Sets the property's only, or first, column; leg_change_more those after it. */
void leg_change_set(struct leg_change *c, enum leg_property p, struct cell value);
void leg_change_more(struct leg_change *c, enum leg_property p, unsigned nth, struct cell value);
bool leg_change_has(const struct leg_change *c, enum leg_property p);
#define LEG_GROUP_MAX (1 + GUID_TEXT_MAX)

/* The group, which its producer named: shown as such a contact's own id is (leg.c). The cell
 * borrows `room`. */
void leg_change_group(struct leg_change *c, const struct guid *group, char room[LEG_GROUP_MAX]);
/* What data says of a property of one column. null takes it away, but from those that no contact
 * can lack, and from times, which are the event's where none is given: there it says nothing. */
void leg_change_say(struct leg_change *c, enum leg_property p, struct cell value);
/* A move to another phase; status and its details are those given with it, or follow. */
void leg_change_phase(struct leg_change *c, enum leg_phase phase);
/* It goes on: an end that was told before, and that end's wrap-up, are no longer so. */
void leg_change_goes_on(struct leg_change *c);
/* It goes on and waits: it is connected to nobody, until it is accepted anew. */
void leg_change_waits(struct leg_change *c);
/* One of these two, or neither, as the status says that was given with it. */
void leg_change_follow_status(struct leg_change *c);
/* Is a status given with it, of a contact that has ended? */
bool leg_change_has_ended(const struct leg_change *c);

/* Takes from the change what its stamp wins. */
void leg_apply(struct leg *leg, const struct leg_change *c, const struct merge_stamp *stamp);
/* Makes what is shown. previous: the leg before, or NULL. */
void leg_derive(struct leg *leg, const struct leg *previous, bool recorded, bool scripted);
/* Differs anything from what is stored that a leg after it has from it? */
bool leg_hands_on(const struct leg *leg);
/* Is all known that CMI requires of a contact? */
bool leg_complete(const struct leg *leg);

/* ---- with the file (server/leg_store.c) ---- */

/* SQL: the place of a group's latest shown leg: the one that no other came after. Times decide only
 * between legs that no transfer connects: a chat that was posted carries our clock's time, its
 * events their own. */
#define LEG_LATEST(group) LEG_LATEST_OF(group, "", "")
/* And of its CHAT legs. */
#define LEG_LATEST_CHAT(group)                                                                     \
    LEG_LATEST_OF(group, " AND +c.channel = 'CHAT'", " AND +n.channel = 'CHAT'")
#define LEG_LATEST_OF(group, and_c, and_n)                                                         \
    "(SELECT c.row FROM contacts c WHERE c.group_id = " group " AND c.row > 0" and_c               \
    " ORDER BY EXISTS (SELECT 1 FROM contacts n WHERE n.previous_id = c.id AND n.row > 0" and_n    \
    "), c.row DESC LIMIT 1)"

/* Transfers before a leg, at most, that it has something through: with more it stands by itself, as
 * if it had no leg before it, in whatever order they are told. A chain that leads back to a leg is
 * cut before the one that was transferred to last. */
#define LEG_CHAIN_MAX 100

/* The leg of that id, or a new one. On the heap; leg_free. */
struct leg *leg_load(struct sqlite *db, const struct guid *id);
void leg_free(struct leg *leg);
/* Derives, places and stores it, and every leg after it that has something from it. Returns by how
 * many the legs that can't be shown yet became more. */
int leg_save(struct leg *leg, struct sqlite *db);
/* Marks the first CHAT leg of the group, the one that none of the chat's was before, where another
 * is marked, or none. The chat's: a group may have begun as a phone call. */
void leg_mark_lead(struct sqlite *db, const struct guid *group);
/* Makes anew what is shown of a leg, if there is one, after something else of it was stored. */
int leg_refresh(struct sqlite *db, const struct guid *id);

#endif
