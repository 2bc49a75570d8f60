/*
 * consumer: `cmibridge consume` as a process of its own, for a test: its configuration in a private
 * directory, what it says kept by a thread. It ends with the test, whatever becomes of that.
 *
 * A helper that can't do its work ends the test program with a sentence.
 */
#ifndef TESTS_FAKES_CONSUMER_H
#define TESTS_FAKES_CONSUMER_H

#include <stdbool.h>
#include <stddef.h>

struct consumer_conf {
    const char *brokers;
    const char *topic; /* also the group's name; with -results and -dead the other topics' */
    const char *cmi;   /* base address */
    const char *redis;
    bool honours_key;     /* the CMI does */
    const char *instance; /* static membership; NULL: none */
    const char *also;     /* a second topic; NULL: none */
    const char *other;    /* address of a second target, which gets chat.* events; NULL: none */
    const char *reset;    /* kafka.offset_reset; NULL: the default */
    const char *assign;   /* kafka.assign; NULL: group */
    int in_flight;        /* 0: the default */
    int refresh_ms;       /* how often it asks what topics there are; 0: librdkafka's default */
    int session_ms;       /* 0: 6 s; it drains for a second less at most */
};

struct consumer;

/* Returns when it says that it has started; it has no partition then. */
struct consumer *consumer_start(const struct consumer_conf *conf);
/* Blocks until its log holds the text that often; ends the program if it does not come. */
void consumer_await(struct consumer *c, const char *text, size_t times);
size_t consumer_said(struct consumer *c, const char *text); /* how often its log holds the text */
/* Blocks until /readyz says 200; ends the program if it does not. */
void consumer_await_ready(struct consumer *c);
void consumer_signal(struct consumer *c, int signal); /* SIGSTOP, SIGCONT, SIGHUP */
/* Sends the signal, 0 for none, and waits for its end: the exit code, or 128 and the signal. */
int consumer_end(struct consumer *c, int signal);
void consumer_free(struct consumer *c); /* kills it if it still runs */

#endif
