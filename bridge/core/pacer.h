/*
 * pacer: how fast one sender goes, in message parts: what this process was granted from the bucket
 * that all processes share, and how long the gateway has said to wait.
 *
 * Parts are asked for as there is work for them, PACER_GRANT_MS of the sender's rate at a time, and
 * kept until they are used; so the most that leaves at once is the bucket's burst and one grant a
 * process.
 */
#ifndef BRIDGE_CORE_PACER_H
#define BRIDGE_CORE_PACER_H

#include <stdbool.h>
#include <stdint.h>

#define PACER_GRANT_MS 200
#define PACER_AGAIN_MS 200 /* after a grant that could not be had at all */
#define PACER_WATCH_MS                                                                             \
    500 /* a sender without a rate looks that often whether it was paused elsewhere */

struct pacer {
    int64_t rate;       /* parts a second; 0: as fast as it goes */
    int64_t parts;      /* granted, not used */
    bool asked;         /* a grant is under way */
    int64_t ask_at_ms;  /* no grant is asked for before */
    int64_t held_to_ms; /* nothing is sent before: the gateway's Retry-After */
};

void pacer_init(struct pacer *p, int64_t rate);
/* Takes the parts of one message, if they may go now. */
bool pacer_take(struct pacer *p, int64_t parts, int64_t now_ms);
/* Gives them back: it was not sent after all. */
void pacer_put_back(struct pacer *p, int64_t parts);
/* With work of `wanted` parts at hand: how many to ask for now. 0: none. Else a grant is under way
 * until pacer_granted or pacer_lost is called. */
int64_t pacer_ask(struct pacer *p, int64_t wanted, int64_t now_ms);
/* Of a sender without a rate, when it sends: is it time to look whether it was paused elsewhere?
 * Then a grant of one is under way. */
bool pacer_watch(struct pacer *p, int64_t now_ms);
/* wait_ms: until the bucket has more, or is no longer shut. */
void pacer_granted(struct pacer *p, int64_t parts, int64_t wait_ms, int64_t now_ms);
void pacer_lost(struct pacer *p, int64_t now_ms);
/* Returns whether it was not held before. */
bool pacer_hold(struct pacer *p, int64_t wait_ms, int64_t now_ms);
/* When to look again, where there is work and pacer_take and pacer_ask have said no. INT64_MAX:
 * when the grant comes. */
int64_t pacer_wake_ms(const struct pacer *p, int64_t now_ms);

#endif
