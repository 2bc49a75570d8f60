/*
 * schedule: what is to be sent, as the sending loop sees it: messages and callbacks that any number
 * of processes share (design.md 7; the model: docs/decisions, the store: server/store.h).
 *
 * Work is leased by the slice (core/slice.h): claim → progress … → finish or release. Whoever holds
 * a lease owns the slice's state and writes it whole; a write by one who has lost the lease changes
 * nothing and is answered FENCED. What a write says (watermark, settlements, events) is durable,
 * on every configured replica too, before it is answered: so
 *
 *   1. slice_hand_over, progress, and only at DONE send what is below the watermark;
 *   2. a request not begun a second after that DONE: progress again, and look at the answer (D7);
 *   3. stop sending a margin before the lease ends, by the monotonic clock; each write renews it.
 *
 * Every call is answered by exactly one call of its function in schedule_answers, never from inside
 * the call, in any order. Arguments are copied; what an answer points to holds during it. Times are
 * milliseconds since 1970 by the store's clock, which every claim's answer tells.
 */
#ifndef BRIDGE_PORTS_SCHEDULE_H
#define BRIDGE_PORTS_SCHEDULE_H

#include "bridge/core/callback_state.h"
#include "bridge/core/guid.h"
#include "bridge/core/settlement.h"
#include "bridge/core/shard.h"
#include "bridge/core/slice.h"
#include "bridge/core/view.h"

#include <stdbool.h>
#include <stdint.h>

#define SCHEDULE_CLAIM_MAX      64     /* slices of one claim */
#define SCHEDULE_CLOSED_MAX     256    /* sources that one claim may call closed */
#define SCHEDULE_SETTLED_MAX    1000   /* settlements of one write */
#define SCHEDULE_RECIPIENTS_MAX 1000   /* addresses of one look-up */
#define SCHEDULE_OUTBOX_MAX     256    /* entries of one reading */
#define SCHEDULE_LINE_MS        600000 /* claim.lua's LINE_MS */
#define SCHEDULE_EVENT_ID_MAX   48     /* with the NUL */

/* ---- claim ---- */

/* A source that this process can't send from now, or not more than so much: messages that bring
 * nothing leave the active set until then and cost nothing meanwhile. Of one message there is one
 * slice more at a time. */
struct schedule_closed {
    struct view source; /* without blanks around it, in small letters (utf8_small): so it stands for
                           all that contract 13 calls the same */
    int64_t until_ms;   /* 0: it is not closed at all */
    /* Destinations, counted down over the shards that one script asks; 0 in both: none at all. */
    int64_t more;       /* of messages that have a slice out, too, while this is above 0 */
    int64_t room;       /* of those that have none out, each at most half of what is left */
    int64_t head_start; /* of those taken the claim itself hands over no more, in each shard */
    /* Of a message that another process has a slice of: none, unless that one has not renewed its
     * lease for half as long as a lease lasts. */
    bool alone;
    /* Nobody here knows it; another process may. `more` and `room` are 0, and a message of it is
     * left to others for a quarter of how late it is, 250 ms at least, until_ms at most, 5 s at
     * most where somebody has begun it. */
    bool unknown;
    /* Others can send from it, as far as is known here. What finds no room is left to them as it is
     * for 250 ms since it could be taken, and while another process has a slice of its message that
     * it renews; then as one of an unknown source. */
    bool own;
    /* Above 0: what so many a second of it wait for. Messages of one slice that find no room are
     * many, and rest until their turn to look again: in line, a quarter as many a second in each
     * shard, SCHEDULE_LINE_MS at most. */
    int64_t rate;
};

struct schedule_claim {
    unsigned shard;        /* one claim of a shard at a time */
    unsigned slices;       /* at most; 0: only look when the next is due */
    unsigned destinations; /* no further slice once so many are claimed */
    unsigned quantum;      /* slices in a row from one message; more when nothing else is due */
    int64_t lease_ms;
    /* What is due within so long, too: so that all is recorded by then. Nothing of it is sent
     * before its due_ms and its message's not_before_ms. */
    int64_t ahead_ms;
    bool calls; /* callbacks, too: there is a dialler. Else only those whose call may be out */
    /* So many destinations of each slice are handed over by the claim itself, in place of a first
     * progress: their watermark and that the message was live are recorded. Not for messages whose
     * subType is `gated` (consent comes first), nor for callbacks. */
    unsigned head_start;
    struct view gated;
    const struct schedule_closed *closed;
    size_t closed_count;
    /* Each source that is not in `closed`, by itself: for those who have more sources than fit.
     * NULL: these are not closed. */
    const struct schedule_closed *others;
};

enum schedule_kind { SCHEDULE_MESSAGE = 1, SCHEDULE_CALLBACK = 2 };

struct schedule_message {
    char id[GUID_TEXT_MAX]; /* 32 hex digits */
    enum schedule_kind kind;
    int64_t destinations; /* of all slices */
    int64_t slices;
    int64_t at_ms;         /* when its first sending is due (callback: its next call) */
    int64_t not_before_ms; /* it was put off to then; 0: it was not */
    int64_t created_ms;    /* by the server's clock */
    int64_t retry_delay_ms;
    unsigned attempts_max; /* 1 + maxRetryCount; maxCalls */
    unsigned weight;       /* its share; 1 is usual */
    struct view source;
    struct view sub_type;
    struct view content_type;
    struct view body;
    /* SCHEDULE_CALLBACK */
    struct callback_state callback;
    unsigned calls; /* begun so far; one call has the number calls + 1, which no other has */
    struct view customer;
    struct view queue;
    struct view original_queue;
    struct view original_queue_name;
    struct view extra_data;
    struct view gw_prefix;
    struct view notes;
};

/* What names a lease; keep it with the slice. */
struct schedule_lease {
    unsigned shard;
    unsigned slice;
    char id[GUID_TEXT_MAX];
};

struct schedule_claimed_slice {
    struct schedule_lease lease;
    size_t message; /* index into messages */
    /* As claimed: a pass is under way, its attempt number is recorded; `doubt` tells what may have
     * been sent before, `watermark` includes the head start. */
    struct slice slice;
    int64_t due_ms; /* nothing of it before, nor before its message's not_before_ms */
    int64_t expires_ms;
    struct view addresses; /* core/address_list.h; of a callback nothing */
    /* The message was deleted while this was in flight and its holder is gone: settle what is out
     * (slice_out) as unknown, by events only, and finish. Nothing may be sent. */
    bool cancelled;
    /* A callback's call was begun and nobody has said what came of it within the handling timeout:
     * end_call it with OTHER. Nothing may be sent. */
    bool timed_out;
};

enum schedule_state {
    SCHEDULE_DONE,
    SCHEDULE_FENCED,    /* the lease is lost: drop it. Nothing was written */
    SCHEDULE_CANCELLED, /* the message is deleted. Nothing was written if the watermark went up:
                           take it back, settle what is out, finish. (A progress that was written
                           before, and is repeated, is DONE; the next one tells.) */
    SCHEDULE_PAUSED,    /* it is paused, or somebody was erased out of its destinations since the
                           claim, whose addresses are old: the same; then release, and what may
                           still be sent of it is claimed anew */
    SCHEDULE_FAILED,    /* no answer, or the store refuses: it may have been written. Do the same
                           call again, as it was; nothing may be sent on it */
};

struct schedule_claimed {
    unsigned shard;
    enum schedule_state state; /* DONE or FAILED */
    int64_t now_ms;            /* the store's clock */
    int64_t next_ms;           /* when the same claim makes sense again: now_ms if there is more, 0:
                                  never (until something comes, see woken) */
    bool outbox_full;          /* nothing is claimed until its entries have left */
    size_t damaged;            /* found so, messages or slices, and put aside; said in the log */
    const struct schedule_message *messages;
    const struct schedule_claimed_slice *slices;
    size_t slice_count;
};

/* ---- writes ---- */

struct schedule_write {
    uint64_t token;
    const struct schedule_lease *lease;
    const struct slice *slice; /* sequence is one more than in the last write that was answered
                                  DONE (or than was claimed); a write repeated keeps it */
    const struct settlement *settled; /* since the last write; SCHEDULE_SETTLED_MAX */
    size_t settled_count;
    bool quiet;       /* no events of these settlements */
    int64_t lease_ms; /* progress: from now on */
    int64_t out_ms;   /* progress that begins a call: its request is out no longer than that */
    /* finish: when what is pending is tried again; release: when the slice may be claimed again.
     * A time that is past means now. */
    int64_t at_ms;
    /* release: also the other slices of the message wait until at_ms (its window is shut). */
    bool park;
};

/* A callback's end: its state is what callback_put made of it. */
struct schedule_call_end {
    uint64_t token;
    const struct schedule_lease *lease;
    const struct slice *slice; /* as claimed or begun; sequence as above */
    const struct callback_state *state;
    struct view reason;      /* for the event */
    int64_t retention_ms;    /* how long a closed one is kept */
    bool possible_duplicate; /* for the event */
};

/* ---- senders ---- */

/* A gate by any name: a source (its token bucket, its pauses) or a channel (its stop). All
 * processes share it. */
struct schedule_ask {
    uint64_t token;
    struct view gate;
    double rate;   /* tokens a second; 0: no limit */
    double burst;  /* tokens that may gather */
    unsigned want; /* tokens; granted are none or 1 to want. 0: only looks whether it is shut */
    bool works;    /* of a channel: it does, or fails, for who asks; neither: it is stopped */
    bool fails;
};

struct schedule_grant {
    uint64_t token;
    enum schedule_state state; /* DONE or FAILED */
    unsigned granted;
    int64_t lead_us; /* of a gate with a rate: when the first may go, from now on; before now: so
                        much has gathered */
    int64_t wait_ms; /* granted 0: ask again after so long */
    bool stopped;    /* by shut_gate with `probe_ms`; with granted 1: the one probe is yours */
    struct view why; /* as shut_gate said, where it is shut; holds during the call */
    bool works;      /* somebody has said so within some seconds, of a channel that fails here */
};

struct schedule_shut {
    uint64_t token;
    struct view gate;
    int64_t for_ms;   /* nothing is granted for so long, then all as usual */
    int64_t probe_ms; /* > 0: stopped until opened; one token each probe_ms to try it */
    struct view why;  /* a short code, for whoever looks; at most 255 bytes */
};

/* Destinations of one message that are about to be handed over. Where neither consent nor gap
 * stands against one, it is noted beside the consent, in the same step, until let_go: a withdrawal
 * lists what is noted. What one holder of a slice has reserved for a destination it may reserve
 * again; after the destination's request has begun it must not ask. */
struct schedule_recipients {
    uint64_t token;
    struct view usage;   /* consents of this usage are looked up ("whatsapp"); VIEW_NONE: none */
    bool needs_consent;  /* none recorded stands against it, too */
    int64_t gap_ms;      /* > 0: reserves each address: no other one of `sender` for so long */
    struct view sender;  /* whose messages keep that gap */
    struct view holder;  /* of the slice: whose reservation it is */
    const char *message; /* its id */
    const uint32_t *destinations; /* their numbers in the message */
    const struct view *addresses;
    size_t count; /* SCHEDULE_RECIPIENTS_MAX */
};

enum schedule_consent { SCHEDULE_CONSENT_NONE, SCHEDULE_CONSENT_GIVEN, SCHEDULE_CONSENT_WITHDRAWN };

struct schedule_recipient {
    bool unknown; /* what is known of this one can't be read or written now; nor is it known whether
                     it was: ask again. The others stand */
    enum schedule_consent consent;
    int64_t wait_ms; /* 0: reserved now, unless consent is missing; else free after so long */
};

struct schedule_recipients_answer {
    uint64_t token;
    enum schedule_state state; /* DONE, or FAILED: all are unknown */
    const struct schedule_recipient *recipients;
    size_t count;
};

/* ---- the outbox: events on their way to Kafka ---- */

enum schedule_event_type {
    SCHEDULE_EVENT_SETTLED,     /* settlements (settlement_next_event) in `blob` */
    SCHEDULE_EVENT_COMPLETED,   /* message: all its destinations have ended */
    SCHEDULE_EVENT_CANCELLED,   /* message: deleted; what has gone, what was out */
    SCHEDULE_EVENT_RECEIPT,     /* one settlement (DELIVERED or LATE) in `blob` */
    SCHEDULE_EVENT_CALLED,      /* callback: an attempt has ended; `result`, still open */
    SCHEDULE_EVENT_CALLED_LAST, /* callback: closed by `result` */
    SCHEDULE_EVENT_WITHDRAWN,   /* a consent: what had been handed over, in `blob` */
};

struct schedule_event {
    char id[SCHEDULE_EVENT_ID_MAX]; /* unique in its shard; what takes it off */
    enum schedule_event_type type;
    char message[GUID_TEXT_MAX];
    int64_t at_ms;
    unsigned slice;
    bool overtaken; /* SETTLED: its message was deleted while it was out */
    bool completes; /* SETTLED: and all destinations of its message have ended (COMPLETED) */
    /* CALLED…: the reason. WITHDRAWN: <usage>_<number>, address as given, "<message>/<destination>"
     * with blanks between, at most 1000; zero bytes between the three. */
    struct view blob;
    /* SETTLED where it completes, COMPLETED, CANCELLED: added = ok + dead + cancelled + out + what
     * waits */
    int64_t added, ok, dead, cancelled, out;
    /* CALLED, CALLED_LAST */
    enum callback_result result;
    int64_t failures, max_calls, next_call_ms;
    bool possible_duplicate;
};

struct schedule_outbox {
    unsigned shard;
    enum schedule_state state; /* DONE or FAILED */
    bool other;                /* another process empties this shard: ask again in a while */
    bool more;
    const struct schedule_event *events; /* in order */
    size_t count;
    size_t unreadable; /* entries among them, which were put aside; said in the log */
};

/* ---- the port ---- */

struct schedule_answers {
    void *owner;
    void (*claimed)(void *owner, const struct schedule_claimed *c);
    void (*written)(void *owner, uint64_t token, enum schedule_state state);
    void (*granted)(void *owner, const struct schedule_grant *g);
    void (*recipients)(void *owner, const struct schedule_recipients_answer *a);
    void (*outbox)(void *owner, const struct schedule_outbox *o);
    /* Not an answer, a hint that may be missing: something of the shard is due at due_ms. */
    void (*woken)(void *owner, unsigned shard, int64_t due_ms);
};

struct schedule_port {
    void *ctx;
    /* false: calls are answered FAILED. Nothing may be claimed or sent. */
    bool (*up)(void *ctx);
    void (*claim)(void *ctx, const struct schedule_claim *c);
    /* Records watermark and settlements, renews the lease. Of a callback: watermark 1 and lease_ms
     * the handling timeout begin the call: whatever becomes of this process, it stays open until
     * its result (end_call, or another's PUT: then FENCED) or that timeout. Nor does another's PUT
     * begin the next one while its request may be out: until call_back, end_call or out_ms. */
    void (*progress)(void *ctx, const struct schedule_write *w);
    /* Ends the pass (slice_end_pass) and the lease; pending destinations wait until at_ms. */
    void (*finish)(void *ctx, const struct schedule_write *w);
    /* Ends the lease and leaves the pass to whoever is next, under the same attempt number. What
     * receipts said of a slice of which nothing was handed over or settled is forgotten. Of a
     * callback: its call was certainly not made (watermark 0). */
    void (*release)(void *ctx, const struct schedule_write *w);
    /* Claims, progress, finish, release and readings of the outbox may wait for it, so that those
     * of one turn of the loop travel together: call it at the end of each. */
    void (*flush)(void *ctx);
    /* FENCED: another has put a result on it. Where that was only a wish for a time and the call's
     * request was out, the result counts all the same, and the wished time stays. */
    void (*end_call)(void *ctx, const struct schedule_call_end *e);
    /* A call's request has come back without a result: the call is open. Not answered: what is
     * lost of it is as if the request were out for all of its out_ms. */
    void (*call_back)(void *ctx, const struct schedule_lease *lease, const struct slice *slice);
    void (*ask)(void *ctx, const struct schedule_ask *a);
    void (*shut)(void *ctx, const struct schedule_shut *s);    /* answered by written */
    void (*open)(void *ctx, uint64_t token, struct view gate); /* answered by written */
    void (*recipients)(void *ctx, const struct schedule_recipients *r);
    /* They have ended in this attempt, or were not sent; that is recorded. gap_ms > 0: their
     * requests have not begun and will not, by this holder, whose reservations go. Not answered:
     * what is lost of it goes by itself, within a day or at its gap's end. */
    void (*let_go)(void *ctx, const struct schedule_recipients *r);
    /* Takes entries off, of which Kafka's delivery reports are there (ids: schedule_event.id, at
     * most SCHEDULE_OUTBOX_MAX), then reads what waits; it stays until it is taken off so. FAILED:
     * perhaps neither; nothing is done twice by doing it again. One reading of a shard at a time.
     * One process at a time reads a shard; it remains the reader as long as it comes back within
     * 5 s. */
    void (*read_outbox)(void *ctx, unsigned shard, const char *const *ids, size_t count);
};

#endif
