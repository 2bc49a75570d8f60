/*
 * kannel: a real Kannel gateway of a test on loopback: bearerbox, smsbox, and fakesmsc as the
 * operator, which takes every text and says at once that it is delivered. In a directory of its
 * own; gone with the test, whatever becomes of it. Nothing is set that a gateway need not have,
 * such as how many parts it makes of a text.
 *
 * A helper that can't do its work ends the test program with a sentence.
 */
#ifndef TESTS_FAKES_KANNEL_H
#define TESTS_FAKES_KANNEL_H

#include "bridge/core/buf.h"

#include <sys/types.h>

#define KANNEL_USER     "campaigns"
#define KANNEL_PASSWORD "kannel-secret"

struct kannel {
    char dir[64];     /* the boxes' logs; removed by kannel_stop */
    pid_t boxes[3];   /* bearerbox, smsbox, fakesmsc; 0: not running */
    int sendsms_port; /* http://127.0.0.1:<port>/cgi-bin/sendsms */
    int ports[3];     /* admin, boxes, operator */
    struct buf texts; /* what the operator has taken so far, as far as it was read */
    int operator_out;
};

/* Ends the program with 77 (skipped) and words if the machine has no Kannel. */
void kannel_need(void);
/* Returns when a message would go through. */
void kannel_start(struct kannel *k);
/* Waits until the operator has taken so many texts in all. */
void kannel_await(struct kannel *k, unsigned wanted);
/* How many of the texts taken so far are "FROM TO text WORDS" (their blanks as '+' or as sent). */
unsigned kannel_taken(const struct kannel *k, const char *line);
/* Appends, as UTF-8, what the phone of that number shows, which has got one long text so far, in
 * UCS-2 or not. Gives in how many parts; 0: one is missing, there are more, they are out of order,
 * or one ends within a character. */
unsigned kannel_joined(const struct kannel *k, const char *number, bool ucs2, struct buf *to);
void kannel_operator_away(struct kannel *k); /* kills fakesmsc: the operator can't be reached */
void kannel_operator_back(struct kannel *k);
void kannel_stop(struct kannel *k);

#endif
