/*
 * progress: a bar on a terminal, nothing in a pipe. It is drawn on stderr, so that stdout stays
 * what a command has to say.
 */
#ifndef PRODUCERS_PROGRESS_H
#define PRODUCERS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* "published"; static storage */
    int64_t total;    /* 0: not known, a count is shown */
    const char *also; /* "reached", of the same total, in percent behind the bar; NULL: nothing */
    int64_t shown;    /* the percentage or count drawn last; -1: none */
    int64_t also_shown;
    bool terminal;
};

void progress_init(struct progress *p, const char *what, int64_t total);
void progress_at(struct progress *p, int64_t done);
void progress_at_both(struct progress *p, int64_t done, int64_t also);
void progress_end(struct progress *p); /* wipes the bar */

#endif
