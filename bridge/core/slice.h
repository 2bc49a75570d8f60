/*
 * slice: how far the sending of one slice has come, as it is stored, as the server shows it
 * (contract 17), and as whoever holds its lease works on it.
 *
 * A slice is sent in passes. A pass is one attempt at every destination that has not ended; its
 * number is the attempt's, recorded when the pass begins. Within a pass the watermark goes up
 * before anything below it is sent; what is below it and not settled in this pass may have been
 * sent: who takes the slice over (`doubt`) sends it again under the same number and key, and says
 * so. A pass may be put down and taken up again; it ends when all of it is settled. What is to be
 * tried again stays pending, for the next pass.
 *
 * The record (sl:<id>, field: the slice's number), integers big-endian:
 *    0 attempt (1)  1 crashes (1)  2 flags (1; 1: a pass is under way)
 *    3 bytes of pending (1)  4 of settled (1)  5 of dead (1)
 *    6 watermark (2)  8 ok (2)  10 dead (2)  12 handed over and not settled (2)
 *   14 sequence (4)  18 holder (16: fence and owner; zeros: nobody)
 *   34 pending, settled, dead: bitmaps; bit i is bit 7 - i % 8 of byte i / 8; a bit past the end
 *      is 0
 *   then, where there are any: how many (1), and of each that is put off: destination (2), until,
 *      ms since 1970 (8)
 * Its scripts read the numbers and compare holder and sequence; the bitmaps are the holder's.
 */
#ifndef BRIDGE_CORE_SLICE_H
#define BRIDGE_CORE_SLICE_H

#include "bridge/core/buf.h"
#include "bridge/core/view.h"

#include <stdint.h>

#define SLICE_DESTINATIONS_MAX 1000 /* destinations */
#define SLICE_BITMAP_BYTES     ((SLICE_DESTINATIONS_MAX + 7) / 8)
#define SLICE_HOLDER_AT        18
#define SLICE_HOLDER_BYTES     16
#define SLICE_HEAD_BYTES       (SLICE_HOLDER_AT + SLICE_HOLDER_BYTES)
#define SLICE_PUT_OFF_MAX      16 /* destinations that are put off by themselves */
#define SLICE_RECORD_MAX       (SLICE_HEAD_BYTES + 3 * SLICE_BITMAP_BYTES + 1 + 10 * SLICE_PUT_OFF_MAX)

enum slice_status {
    SLICE_ADDED,
    SLICE_PROCESSING, /* claimed, or waiting for its next attempt */
    SLICE_HANDLED,
    SLICE_FAILED,
};

struct slice {
    uint16_t count;     /* destinations */
    bool claimed;       /* ever; else all below is as new */
    bool open;          /* a pass is under way */
    uint8_t attempt;    /* its number, or the last one's; 1 is the first */
    uint8_t crashes;    /* leases that ran out in this pass */
    uint16_t watermark; /* destinations before it are handed over */
    uint16_t doubt;     /* not stored: the watermark as it was read */
    uint16_t ok;        /* ended so */
    uint16_t dead;
    uint32_t sequence; /* of the last write; one more with each */
    uint8_t holder[SLICE_HOLDER_BYTES];
    uint8_t pending[SLICE_BITMAP_BYTES]; /* not ended */
    uint8_t settled[SLICE_BITMAP_BYTES]; /* over in this pass: ended, or to be tried again */
    uint8_t failed[SLICE_BITMAP_BYTES];  /* ended as dead */
    uint8_t put_off;                     /* destinations that wait longer than their pass: */
    uint16_t put_off_at[SLICE_PUT_OFF_MAX];
    int64_t put_off_ms[SLICE_PUT_OFF_MAX]; /* until when, since 1970, by the store's clock */
};

/* record: what is stored, VIEW_NONE where there is nothing. count: 1 to SLICE_DESTINATIONS_MAX.
 * false: it is none (`s` is then as new). */
bool slice_read(struct slice *s, struct view record, size_t count) MUST_CHECK;
/* Appends the record. */
void slice_write(const struct slice *s, struct buf *to);

/* ---- what is shown ---- */

/* late: bitmap of those whose failure was reported after they were handled, or VIEW_NONE. */
enum slice_status slice_status(const struct slice *s, struct view late, size_t destination);
const char *slice_status_name(enum slice_status s); /* "ADDED"; static storage */
size_t slice_ended(const struct slice *s);          /* destinations */

/* ---- the holder's work: a pass is under way ---- */

enum slice_outcome {
    SLICE_OK,    /* ended: handled */
    SLICE_DEAD,  /* ended: failed for good */
    SLICE_AGAIN, /* to be tried again in the next pass */
};

/* The first destination from `from` on that this pass still has to settle; s->count: none. */
size_t slice_next(const struct slice *s, size_t from);
/* Destinations that this pass still has to settle. 0: it may be ended. */
size_t slice_left(const struct slice *s);
/* Of these, those below the watermark: handed over, their outcome is not known yet. */
size_t slice_out(const struct slice *s);
/* It may have been sent before in this pass: say so when it is sent again. */
bool slice_doubtful(const struct slice *s, size_t destination);
/* Everything below `watermark` is handed over, once the write is acknowledged. Never back, but for
 * slice_take_back. */
void slice_hand_over(struct slice *s, size_t watermark);
/* Nothing of what is between `watermark` and the present one was or will be sent. */
void slice_take_back(struct slice *s, size_t watermark);
/* Once for each destination of the pass; it need not have been handed over to be dead. */
void slice_settle(struct slice *s, size_t destination, enum slice_outcome outcome);
/* It is to be tried again, but not before, though the next pass may begin earlier. false: enough
 * are put off already; the pass itself has to wait. */
bool slice_put_off(struct slice *s, size_t destination, int64_t until_ms) MUST_CHECK;
/* The first time at which one that is put off may be tried; INT64_MAX: none is. */
int64_t slice_put_off_first_ms(const struct slice *s);
/* Ends the pass; slice_left is 0. */
void slice_end_pass(struct slice *s);
/* As a claim does it, for fakes: takes a pass up or begins the next one. */
void slice_claim(struct slice *s, const uint8_t holder[SLICE_HOLDER_BYTES]);

#endif
