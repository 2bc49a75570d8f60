/*
 * send_world_in: what the files of send_world share. Private to them.
 *
 *   send_world.c           processes, what happens next, the checks at the end
 *   send_world_store.c     the store's port: calls that travel, and what the model answers
 *   send_world_carrier.c   carriers, and what each request is held against
 *   send_world_calls.c     the dialler, its calls, and what their results must lead to
 */
#ifndef TESTS_FAKES_SEND_WORLD_IN_H
#define TESTS_FAKES_SEND_WORLD_IN_H

#include "tests/fakes/send_world.h"

#define WORLD_HANDLING_MS  20000
#define WORLD_CALL_MOST_MS 5000

/* Something that will happen: a call reaches the store, its answer the process, and so on. */
struct action {
    struct heap_item at;
    enum action_kind {
        CLAIM,
        CLAIMED,
        WRITE,
        WRITTEN,
        END_CALL,
        CALL_BACK,
        ASK,
        GRANTED,
        RECIPIENTS,
        RECIPIENTS_ANSWER,
        OUTBOX,
        OUTBOX_ANSWER,
        REPLY,
        REPORT,
        ARRIVE,
    } kind;
    unsigned process;
    uint32_t life;
    uint64_t token;
    /* the store's calls */
    struct schedule_claim claim;
    struct schedule_closed closed[4];
    struct schedule_claimed answer;
    struct send_store_claimed *claimed; /* what it points to; NULL: nothing */
    char mode;
    struct schedule_lease lease;
    struct slice slice;
    struct settlement *settled;
    char *settled_text;
    size_t settled_count;
    bool quiet, park;
    int64_t lease_ms, out_ms, at_ms;
    struct callback_state call;
    enum schedule_state state;
    unsigned want;
    unsigned gate;
    int64_t wait_ms;
    int64_t lead_us;
    bool stopped;
    bool works, fails; /* a channel */
    int64_t gap_ms;
    unsigned sender;
    uint8_t holder[SLICE_HOLDER_BYTES];
    bool usage;
    char addresses[SEND_STORE_SLICE][24];
    size_t address_count;
    struct schedule_recipient recipients[SEND_STORE_SLICE];
    unsigned shard;
    struct schedule_event *events;
    size_t event_count;
    bool more;
    char (*ids)[SCHEDULE_EVENT_ID_MAX];
    size_t id_count;
    /* requests */
    unsigned channel;
    size_t message, dest;
    unsigned attempt;
    unsigned part;
    int64_t begun_ms, before_ms; /* its request, and the one to the same number before */
    enum http_fate fate;
    int status;
    bool retry_after;
    char body[64];
    bool ok;
};

bool world_chance(struct send_world *w, unsigned in_1000);
struct action *world_soon(struct world_process *p, enum action_kind kind, uint64_t token,
                          int64_t most_ms);
void world_action_free(struct action *a);
/* It happens once more, as something else. */
void world_again(struct send_world *w, struct action *a, enum action_kind kind, int64_t most_ms);

/* Whose message it is. */
unsigned world_sender(const struct send_world *w, const struct send_store_message *m);
/* When its sender's last request to a destination's number was begun; 0: never. */
int64_t *world_last_to(struct send_world *w, const struct send_store_message *m, size_t dest);
struct schedule_port world_store_port(struct world_process *p);
void world_at_store(struct send_world *w, struct action *a); /* a call reaches it */

/* By its sender's hours, by valid_for. */
bool world_closed(const struct send_world *w, const struct send_store_message *m, int64_t store_ms);
bool world_outdated(const struct send_world *w, const struct send_store_message *m,
                    int64_t store_ms);
struct http_port world_http_port(struct world_process *p);
const struct channel *world_channel(void);
const struct dialler *world_dialler(void);
void world_arrive(struct send_world *w, struct action *a); /* a request reaches the carrier */
/* A call's request leaves (its callback's id follows), reaches the dialler, and has ended. */
void world_call_begun(struct send_world *w, struct action *a, struct view customer);
void world_call_arrives(struct send_world *w, struct action *a);
void world_call_over(struct send_world *w, const struct action *a);
/* The store has taken the call's end for what `a` says, instead of what it was; wished: and has
 * kept the time that was put on the callback meanwhile. */
void world_call_ended(struct send_world *w, const struct action *a,
                      const struct callback_state *was, bool wished);

#endif
