/*
 * job_chain: the history's jobs in a row, first in, first out. Who shares one between threads
 * guards it.
 */
#ifndef SERVER_JOB_CHAIN_H
#define SERVER_JOB_CHAIN_H

#include "server/history.h"

#include <stddef.h>

struct job_chain {
    struct history_job *first;
    struct history_job *last;
    size_t count;
};

static inline void job_chain_add(struct job_chain *c, struct history_job *job)
{
    job->next = NULL;
    if (c->last != NULL)
        c->last->next = job;
    else
        c->first = job;
    c->last = job;
    c->count++;
}

/* The first one, NULL if there is none. */
static inline struct history_job *job_chain_take(struct job_chain *c)
{
    struct history_job *job = c->first;

    if (job == NULL)
        return NULL;
    c->first = job->next;
    if (c->first == NULL)
        c->last = NULL;
    c->count--;
    return job;
}

#endif
