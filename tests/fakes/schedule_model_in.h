/* What schedule_model.c and its parts have in common. */
#ifndef TESTS_FAKES_SCHEDULE_MODEL_IN_H
#define TESTS_FAKES_SCHEDULE_MODEL_IN_H

#include "bridge/io/redis_schedule_in.h"
#include "tests/fakes/schedule_rig.h"

#define MODEL_SHARD  7
#define MODEL_THINGS 8 /* messages and callbacks at a time */
#define MODEL_SLICES 3 /* of one at most */
#define MODEL_HOLDS  48

struct model_slice {
    struct slice is; /* as stored */
    bool waits;      /* in q */
    bool unlisted;   /* waits without a q */
    bool leased;
    int64_t due_ms; /* waits: as it is stored */
    int64_t ends_ms;
    uint8_t late[SLICE_BITMAP_BYTES];
    uint8_t delivered[SLICE_BITMAP_BYTES];
    uint8_t copies[SLICE_BITMAP_BYTES];       /* failed, of what was delivered */
    uint8_t attempts[SLICE_DESTINATIONS_MAX]; /* the highest that was handed over */
};

struct model_thing { /* a message or a callback */
    bool used;
    bool changed; /* by the claim that was just made */
    struct rig_message of;
    unsigned slices;
    enum store_state st;
    int64_t version;
    bool paused;
    uint8_t erased[8];   /* the last fence when somebody was erased out of it */
    int64_t parked_ms;   /* not before; as it is stored */
    int64_t may_park_ms; /* what it may have become by the last call: that or later; 0: nothing */
    int64_t ok, dead, can, out;
    int64_t calls, failures;
    bool requested; /* a call's request may be out */
    uint8_t requester[SLICE_HOLDER_BYTES];
    int64_t requested_to_ms; /* that long at least */
    int64_t wished_ms;       /* by the last PUT */
    bool resulted;           /* and a result was put on it meanwhile */
    struct model_slice slice[MODEL_SLICES];
};

struct model_hold { /* what a process thinks it holds */
    bool used;
    unsigned owner;
    unsigned thing;
    unsigned slice;
    bool cancelled;
    bool timed_out;
    struct slice is;
    struct schedule_lease lease;
};

enum model_did {
    DID_POST,
    DID_PUT,
    DID_PUT_LATE,
    DID_DELETE,
    DID_PAUSE,
    DID_ERASE,
    DID_CLAIM,
    DID_LEASE,
    DID_TAKE_OVER,
    DID_PROGRESS,
    DID_FINISH,
    DID_RELEASE,
    DID_REPEAT,
    DID_FENCED,
    DID_CANCELLED,
    DID_PAUSED,
    DID_COMPLETE,
    DID_FORGET,
    DID_RECEIPT,
    DID_HEARD,
    DID_PUT_OFF,
    DID_CALL,
    DID_TIME_OUT,
    DID_EVENT,
    DID_LOG,
    DID_COUNT
};

struct schedule_model {
    struct schedule_rig rig;
    struct model_thing things[MODEL_THINGS];
    struct model_hold holds[MODEL_HOLDS];
    int64_t now_ms; /* of the store, at least */
    uint64_t did[DID_COUNT];
    uint64_t settled, settled_seen; /* of all events */
    uint64_t ended, ended_seen;     /* completed, cancelled, called, receipts */
    uint8_t fence[8];               /* the last: they only grow (I5) */
    struct redis_script dump;
};

static inline bool model_has(const uint8_t *bitmap, size_t i)
{
    return (bitmap[i / 8] >> (7 - i % 8) & 1) != 0;
}

static inline void model_flip(uint8_t *bitmap, size_t i)
{
    bitmap[i / 8] ^= (uint8_t)(1u << (7 - i % 8));
}

/* random() below n */
size_t model_pick(size_t n);
/* Of the thing's slice k: how many destinations. */
size_t model_size(const struct model_thing *t, unsigned k);
/* Reads what is stored of it and compares; takes over the times that only the store knows, which
 * must be at least `least_ms`. */
void model_compare(struct schedule_model *m, struct model_thing *t, int64_t least_ms);
/* Those that changed, and now and then all. */
void model_compare_all(struct schedule_model *m, int64_t least_ms);
/* fsck must find nothing. */
void model_check(struct schedule_model *m, const struct model_thing *t);
void model_forget(struct schedule_model *m, struct model_thing *t); /* its keys go, too */

/* schedule_model_work.c: what processes do */
void model_claim(struct schedule_model *m, bool greedy);
void model_write(struct schedule_model *m, struct model_hold *h);
void model_finish(struct schedule_model *m, struct model_hold *h);
void model_work_callback(struct schedule_model *m, struct model_hold *h);
void model_drain(struct schedule_model *m);
/* A receipt says that it was delivered, and it is pending: it was handled. */
void model_heard(struct schedule_model *m, struct model_thing *t, struct model_slice *s,
                 struct slice *is, size_t i);
void model_complete(struct schedule_model *m, struct model_thing *t); /* if nothing of it is left */

/* schedule_model_receipt.c */
void model_receipt(struct schedule_model *m);

#endif
