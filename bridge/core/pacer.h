/*
 * pacer: how fast one sender goes, in message parts: what this process was granted from the bucket
 * that all processes share, and how long the gateway has said to wait.
 *
 * Parts are asked for PACER_GRANT_MS of the sender's rate at a time, before the last ones are used
 * up: the bucket lends them, so a grant says from when on they may go, one after the other at the
 * sender's rate. What was not sent in time is made up for, PACER_SLACK_MS of it at once, or the
 * bucket's burst if that is more.
 */
#ifndef BRIDGE_CORE_PACER_H
#define BRIDGE_CORE_PACER_H

#include <stdbool.h>
#include <stdint.h>

#define PACER_GRANT_MS 200
#define PACER_SLACK_MS 50
#define PACER_AGAIN_MS 200 /* after a grant that could not be had at all */
/* A sender without a rate looks that often whether it was paused elsewhere, and does not go by what
 * it saw longer ago; but for so long where it can't look. */
#define PACER_WATCH_MS 500
#define PACER_KNOWN_MS 1000
#define PACER_BLIND_MS 10000
#define PACER_SAME_MS  100 /* a pause that ends so little later is the same one to the others */

struct pacer {
    int64_t rate; /* parts a second; 0: as fast as it goes */
    int64_t burst;
    int64_t parts;       /* granted, not used */
    int64_t next_us;     /* when the next of them may go */
    int64_t then;        /* granted behind them */
    int64_t then_us;     /* when the first of those may */
    bool asked;          /* a grant is under way */
    int64_t ask_at_ms;   /* no grant is asked for before */
    int64_t held_to_ms;  /* nothing is sent before: the gateway's Retry-After */
    int64_t told_to_ms;  /* of that, what other processes know */
    int64_t known_to_ms; /* without a rate: until then it goes by what it has seen of pauses */
};

void pacer_init(struct pacer *p, int64_t rate, int64_t burst);
/* Takes the parts of one message, if they may go now. */
bool pacer_take(struct pacer *p, int64_t parts, int64_t now_ms);
/* Gives them back: it was not sent after all. */
void pacer_put_back(struct pacer *p, int64_t parts);
/* With work of `wanted` parts at hand, `first` of them of the next message: how many to ask for
 * now. 0: none. Else a grant is under way until pacer_granted or pacer_lost is called. */
int64_t pacer_ask(struct pacer *p, int64_t first, int64_t wanted, int64_t now_ms);
/* Of a sender without a rate, before it sends: is it time to look whether it was paused elsewhere?
 * Then a grant of one is under way. */
bool pacer_watch(struct pacer *p, int64_t now_ms);
/* lead_us: when the first of them may go, from now on; before now where the bucket was not empty.
 * wait_ms: of no parts: until the bucket has more, or is no longer shut. */
void pacer_granted(struct pacer *p, int64_t parts, int64_t lead_us, int64_t wait_ms,
                   int64_t now_ms);
void pacer_lost(struct pacer *p, int64_t now_ms);
/* Nothing is sent for so long. Returns whether other processes know of less, and are to be told. */
bool pacer_hold(struct pacer *p, int64_t wait_ms, int64_t now_ms);
void pacer_untold(struct pacer *p); /* they were not */
/* When to look again, where there is work, `first` parts of it of the next message, and pacer_take
 * has said no. INT64_MAX: when the grant comes. */
int64_t pacer_wake_ms(const struct pacer *p, int64_t first, int64_t now_ms);

#endif
