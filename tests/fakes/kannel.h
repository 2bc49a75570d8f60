/*
 * kannel: a real Kannel gateway of a test on loopback: bearerbox, smsbox, and fakesmsc as the
 * operator, which takes every text and says at once that it is delivered. In a directory of its
 * own; gone with the test, whatever becomes of it.
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
void kannel_operator_away(struct kannel *k); /* kills fakesmsc: the operator can't be reached */
void kannel_operator_back(struct kannel *k);
void kannel_stop(struct kannel *k);

#endif
