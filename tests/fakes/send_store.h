/*
 * send_store: what ports/schedule.h promises, in memory: messages and callbacks in slices,
 * leases with holders, watermarks, counts, consents, gates, an outbox. As faithful to the scripts
 * in server/redis as the sending loop can tell; small, and without a clock: time is an argument.
 *
 * Where it finds that a write does not follow from what is stored, the test fails.
 */
#ifndef TESTS_FAKES_SEND_STORE_H
#define TESTS_FAKES_SEND_STORE_H

#include "bridge/ports/schedule.h"

#define SEND_STORE_MESSAGES_MAX 16
#define SEND_STORE_SLICES_MAX   4
#define SEND_STORE_SLICE        6 /* destinations of a slice */
#define SEND_STORE_DEST_MAX     (SEND_STORE_SLICES_MAX * SEND_STORE_SLICE)
#define SEND_STORE_EVENTS_MAX   4096
#define SEND_STORE_NUMBERS_MAX  64

struct send_store_slice {
    struct slice slice;
    bool queued;
    int64_t due_ms;
    bool leased;
    unsigned by; /* whose it is, as the claim said */
    int64_t lease_ends_ms;
    struct buf addresses;
};

struct send_store_message {
    char id[GUID_TEXT_MAX];
    unsigned shard;
    enum schedule_kind kind;
    const char *source;
    const char *sub_type;
    const char *body;
    size_t count; /* destinations */
    size_t slices;
    int64_t at_ms;
    int64_t retry_delay_ms;
    unsigned attempts_max;
    bool live; /* else deleted, or closed */
    bool deleted;
    bool paused;
    int64_t park_ms;
    struct send_store_slice slice[SEND_STORE_SLICES_MAX];
    struct callback_state callback;
    unsigned calls;
    bool requested; /* a call's request may be out, for all that the store knows, */
    uint8_t requester[SLICE_HOLDER_BYTES];
    int64_t requested_to_ms; /* until then */
    bool resulted;           /* and a result was put on it meanwhile */
    bool consent_withdrawn[SEND_STORE_DEST_MAX];
    bool handed[SEND_STORE_DEST_MAX]; /* noted under its consent */
    size_t number; /* whose it is that the first destination reaches; the next follow */
};

struct send_store_gap { /* of one sender to one number: who has reserved it */
    int64_t since_ms, until_ms;
    const struct send_store_message *message;
    size_t dest;
    uint8_t holder[SLICE_HOLDER_BYTES];
};

struct send_store_event {
    unsigned shard;
    bool gone;
    struct schedule_event event;
    char *blob;
};

struct send_store {
    struct send_store_message messages[SEND_STORE_MESSAGES_MAX];
    size_t count;
    uint64_t fences;
    struct send_store_event events[SEND_STORE_EVENTS_MAX];
    size_t event_count;
    struct send_store_gap gaps[2][SEND_STORE_NUMBERS_MAX];
    int64_t gate_shut_ms[4];
    struct {
        bool stopped;
        int64_t since_ms;
        int64_t until_ms, probe_ms;
        int64_t works_ms; /* when somebody has said so last; 0: never */
        bool granted[2];  /* to a process, a probe that it has not used */
    } stop[3];            /* of channels */
    int64_t outbox_reader_ms[SHARD_COUNT];
    const void *outbox_reader[SHARD_COUNT];
};

void send_store_init(struct send_store *m);
void send_store_done(struct send_store *m);
/* count destinations "+3584000<message><destination>"; of a callback 1. */
struct send_store_message *send_store_add(struct send_store *m, enum schedule_kind kind,
                                          size_t count);
struct send_store_message *send_store_find(struct send_store *m, const char *id);
void send_store_delete(struct send_store *m, struct send_store_message *message, int64_t now_ms);
void send_store_put_result(struct send_store *m, struct send_store_message *message,
                           const struct callback_put *put, int64_t now_ms, int64_t retry_ms);
/* Of one claim: at most SCHEDULE_CLAIM_MAX. Texts hold as long as the model. */
struct send_store_claimed {
    struct schedule_claimed answer;
    struct schedule_message messages[SEND_STORE_MESSAGES_MAX];
    struct schedule_claimed_slice slices[SCHEDULE_CLAIM_MAX];
};
/* by: a number of who claims, another one in each of its lives. */
void send_store_claim(struct send_store *m, const struct schedule_claim *c, unsigned by,
                      int64_t now_ms, struct send_store_claimed *out);
enum schedule_state send_store_write(struct send_store *m, const struct schedule_write *w,
                                     char mode, int64_t now_ms);
enum schedule_state send_store_end_call(struct send_store *m, const struct schedule_call_end *e,
                                        int64_t now_ms);
void send_store_call_back(struct send_store *m, const struct schedule_lease *lease,
                          const struct slice *slice);
/* The destination that the address names. */
struct send_store_message *send_store_of_address(struct send_store *m, struct view address,
                                                 size_t *dest);
int64_t
send_store_next_ms(const struct send_store *m); /* when something is due; INT64_MAX: never */
bool send_store_all_ended(const struct send_store *m);

#endif
