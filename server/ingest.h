/*
 * ingest: events that build the history (contract 4), as POST /ingest takes them: CloudEvents in a
 * batch, each read on the loop, all of them stored in one transaction, each answered.
 *
 * A kind of event is two functions: `read` turns its data into what it says, `apply` stores that so
 * that any order of the same events, any number of times, ends in one state.
 */
#ifndef SERVER_INGEST_H
#define SERVER_INGEST_H

#include "bridge/core/arena.h"
#include "bridge/core/cloudevent.h"
#include "bridge/core/cmi_decode.h"
#include "bridge/core/merge.h"
#include "server/ages.h"

#define INGEST_EVENTS_MAX 10000 /* of one batch; more is 413 */

#define INGEST_ABOUT_MAX 4

struct erased;
struct leg_change;
struct sqlite;

struct ingest_event {
    struct ingest_event *next;
    const struct event_type *type; /* NULL: not understood */
    const struct ingest_kind *kind;
    struct view id;
    struct view source;
    struct guid subject; /* what it is about */
    struct merge_stamp stamp;
    int64_t time_ms;
    uint32_t time_ns;            /* after that */
    enum age_of age;             /* which age holds for it */
    int64_t since_ms;            /* that age counts from then: its time, unless read says */
    const struct erased *people; /* whom its data must not have */
    struct ingest_about {        /* what it is of beside its subject */
        struct guid id;
        bool both; /* and that is of what the subject is: of one matter with it */
    } about[INGEST_ABOUT_MAX];
    unsigned about_count;
    const struct guid *before; /* the leg that its subject was transferred from; NULL: none */
    bool erased;               /* it is of somebody who was erased: not stored */
    bool expired;              /* it is of before that: not stored */
    void *said;                /* of the kind's own making, in the batch's arena */
    struct fault fault;        /* cls FAULT_NONE: applied, or to be */
};

struct ingest_kind {
    const char *type;
    /* Data is checked already by the event's row. e->said is what it fills. */
    bool (*read)(struct ingest_event *e, struct view data, struct arena *a, struct fault *f);
    /* Adds to *hidden by how many the things that can't be shown yet become more. Failures of the
     * file stick to db. Where e->erased, only what it says of the leg before. */
    void (*apply)(const struct ingest_event *e, struct sqlite *db, int *hidden);
};

/* Each ended by a row with type NULL. */
extern const struct ingest_kind ingest_contact_kinds[];
extern const struct ingest_kind ingest_chat_kinds[];
extern const struct ingest_kind ingest_email_kinds[];
extern const struct ingest_kind ingest_call_kinds[]; /* recordings and script results */

/* Reads one event's JSON. What can't be read, or is not for the history, leaves its fault in e.
 * people: who was erased, NULL: nobody. What e holds is the arena's; text is room for the reading.
 */
void ingest_read(struct ingest_event *e, struct view json, int64_t now_ms,
                 const struct erased *people, struct arena *a, struct buf *text);

/* Stores it; unless it is of something of an erased person, because it names the person or is of
 * what is so (e->erased): then what it is of is so, too, from now on, and what other events made of
 * that goes (erased_kin.h). The leg before is not: that it has ended is stored all the same. On the
 * writer's thread, in a transaction; *hidden as in apply. */
void ingest_apply(struct ingest_event *e, struct erased *erased, struct sqlite *db, int *hidden);

/* What a producer's name stands for: a GUID for itself, any other for one made of source and name
 * (version 5). A contact, the chat that is its group and the email that is it share their names, so
 * all three are made alike. collection: "contacts", … */
struct guid ingest_guid(struct view source, const char *collection, struct view name);

/* For a kind's read: as event_body_check, but texts come without people who were erased; e->erased
 * says whether the data names one. */
bool ingest_check(struct ingest_event *e, struct view data, struct cmi_visitor visitor,
                  struct fault *f) MUST_CHECK;
/* For a kind's read: it is of this thing, too (a contact, a call), which need not be of anything
 * that it is of. */
void ingest_about(struct ingest_event *e, const struct guid *id);
/* It and that are of one matter: a group. */
void ingest_one_with(struct ingest_event *e, const struct guid *id);
/* What it says of the contact's group. */
void ingest_group(struct ingest_event *e, const struct cmi_value *v, struct leg_change *c,
                  struct arena *texts);

#endif
