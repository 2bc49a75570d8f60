/*
 * settlement: what came of one attempt at one destination, as it is kept beside its slice
 * (o:<id>:<k>, append-only but for an erasure: the newest of a destination holds; bounded, as each
 * attempt is settled once and a receipt counts once: at most 2 · attempts + 3 of one destination)
 * and as it travels in the outbox.
 *
 * Kept:      index (2) attempt (1) what (1: state, +64 overtaken, +128 possible duplicate)
 *            reason's length (1) provider id's length (1) reason, provider id
 * In an event: the same, then time (8), when to try again (8, 0: never), address's length (2),
 *            address. Integers are big-endian.
 */
#ifndef BRIDGE_CORE_SETTLEMENT_H
#define BRIDGE_CORE_SETTLEMENT_H

#include "bridge/core/buf.h"
#include "bridge/core/view.h"

#include <stdint.h>

#define SETTLEMENT_TEXT_MAX 255 /* bytes of a reason or a provider's id; longer ones are cut */

enum settlement_state {
    SETTLEMENT_HANDLED = 1,
    SETTLEMENT_FAILED,    /* for good */
    SETTLEMENT_AGAIN,     /* to be tried again */
    SETTLEMENT_UNKNOWN,   /* was handed over when its message was cancelled; nobody knows */
    SETTLEMENT_DELIVERED, /* a receipt says so */
    SETTLEMENT_LATE,      /* a receipt says that what was handled has failed */
};

struct settlement {
    uint16_t index;  /* of the destination in its slice */
    uint8_t attempt; /* 0: none was made */
    enum settlement_state state;
    bool possible_duplicate; /* it was or may have been sent before in this attempt; LATE: another
                              * copy was delivered, so this one changes no status */
    bool overtaken;          /* its consent was withdrawn while it was out */
    struct view reason;      /* a short code: "consent", "expired", the provider's own; or none */
    struct view provider_id; /* or none */
    int64_t at_ms;
    int64_t retry_at_ms; /* SETTLEMENT_AGAIN; else 0 */
    struct view address;
};

/* An address longer than 65535 bytes is cut. */
void settlement_put_kept(struct buf *to, const struct settlement *s);
void settlement_put_event(struct buf *to, const struct settlement *s);
/* Takes the next one off *from; its texts are views into it. false: none is left, or what follows
 * is none. */
bool settlement_next_kept(struct view *from, struct settlement *s);
bool settlement_next_event(struct view *from, struct settlement *s);
const char *settlement_state_name(enum settlement_state state); /* "handled"; static storage */

#endif
