/*
 * child: one program that runs beside us, its log, and its end.
 */
#ifndef STANDALONE_CHILD_H
#define STANDALONE_CHILD_H

#include "standalone/site.h"
#include "standalone/words.h"

#include <uv.h>

#define CHILD_LINE_MAX 512
#define CHILD_HOW_MAX  64

struct child;

struct child_conf {
    const char *name; /* its log is DIR/log/NAME.log; holds as long as the child */
    const struct site *site;
    const char *tether;  /* the program that knows `tether` */
    unsigned admin_port; /* where it is to answer /readyz and /metrics; 0: nowhere */
    void *ctx;
    /* Its first line on standard output, without the newline. NULL: standard output is logged. */
    void (*on_line)(void *ctx, const char *line);
    void (*on_exit)(void *ctx, struct child *child); /* it has ended; child_free is up to you */
};

struct child *child_start(uv_loop_t *loop, const struct child_conf *conf,
                          const struct words *command, struct fault *f);
void child_kill(struct child *c, int signal);
/* After on_exit, from inside it or later. The memory goes at the loop's next turns. */
void child_free(struct child *c);

bool child_ended_well(const struct child *c);
bool child_ended_by(const struct child *c, int signal);
/* "ended with status 1", "was killed by signal 9". Returns out. */
const char *child_how(const struct child *c, char out[CHILD_HOW_MAX]);
/* The last line of its log, as of its end; or "(nothing)". */
const char *child_last_line(const struct child *c);

#endif
