/*
 * contact_model: ten thousand contacts as a plain array, the events that make them, and what
 * GET /contacts must answer, found by looking at every one. Knows nothing of the server's code.
 */
#ifndef TESTS_FAKES_CONTACT_MODEL_H
#define TESTS_FAKES_CONTACT_MODEL_H

#include "bridge/core/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_CONTACTS 10000
#define MODEL_AGENTS   20
#define MODEL_QUEUES   8
#define MODEL_USER     7                      /* the agent that the rig's user is */
#define MODEL_NOW_MS   INT64_C(1900000000000) /* later than all that has ended */

struct model_contact {
    char id[33];
    char group[37]; /* as shown */
    const char *channel;
    const char *type;
    char type_details[16];
    const char *subtype; /* NULL: absent */
    const char *status;
    char status_details[24]; /* as shown */
    bool details_given;
    char source[40];
    char destination[40];
    int agent; /* -1: none */
    int queue;
    int64_t arrival_ms;
    int64_t connect_ms;    /* -1: none */
    int64_t disconnect_ms; /* -1: none */
    int64_t wrapup_ms;     /* when it was closed; -1: it was not */
    bool record;
    bool script;
    char subject[96]; /* "": absent */
    char body[64];    /* of an email its content, of a chat its first line; "": there is none */
    char line[64];    /* of a chat, another line */
    char remarks[48]; /* of an email, like the next */
    char case_id[16];
};

struct model {
    struct model_contact *contacts; /* MODEL_CONTACTS; by arrival, newest first, then id */
};

extern const char *const model_agents[MODEL_AGENTS];
extern const char *const model_queues[MODEL_QUEUES];
const char *model_agent_id(int agent, char out[33]);
const char *model_queue_id(int queue, char out[33]);

void model_make(struct model *m);
void model_free(struct model *m);
/* A batch of events that make contacts first … first+count-1, in an order of its own. */
void model_events(const struct model *m, size_t first, size_t count, struct buf *to);

/* One condition: does the contact meet it? */
typedef bool model_test(const struct model_contact *c);

#endif
