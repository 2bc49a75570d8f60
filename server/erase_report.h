/*
 * erase_report: what an erasure took, store by store, and what is left for others to do, as JSON.
 */
#ifndef SERVER_ERASE_REPORT_H
#define SERVER_ERASE_REPORT_H

#include "bridge/core/buf.h"
#include "server/erase_store.h"
#include "server/history_remove.h"

struct erase_report {
    const char *address; /* masked */
    bool dry_run;        /* then the counts are of what would go, and the last five are not said */
    struct history_removed history;
    int64_t mentions; /* in the history */
    struct erase_store_counts redis;
    bool remains;           /* the history's file still has the bytes, */
    bool journal_kept;      /* since somebody was reading it: to be asked for again */
    bool history_rewritten; /* because it had them */
    bool aof_rewritten;     /* Redis' append-only file, see redis_aof.h */
    struct view aof_left;   /* where that is still to be done, a line each */
};

void erase_report_write(const struct erase_report *r, struct buf *to);

#endif
