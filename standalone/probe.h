/*
 * probe: asks a starting server, again and again, until it answers what it should: one connection,
 * one request, one look at how the answer begins.
 */
#ifndef STANDALONE_PROBE_H
#define STANDALONE_PROBE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define PROBE_AGAIN_MS   50
#define PROBE_ANSWER_MAX 1024
#define PROBE_WORD_MAX   200

struct probe_question {
    const char *socket; /* a unix socket's path; NULL: port of 127.0.0.1 */
    unsigned port;
    const char *request;
    const char *good; /* how the answer that ends the asking begins; holds as long as the probe */
};

struct probe;

/* `ready` is called once, when the good answer came. question's texts hold until then. */
struct probe *probe_start(uv_loop_t *loop, const struct probe_question *question,
                          void (*ready)(void *owner), void *owner);
/* Ends the asking; `ready` is not called any more. NULL is fine. The memory goes with the loop's
 * next turns. */
void probe_stop(struct probe *p);
/* What it said last instead, in one line: the first line of an HTTP body, or an error; or "". */
const char *probe_word(const struct probe *p);

#endif
