/*
 * history_rig: the part of `cmibridge serve` that stands on the history, without Redis: the real
 * front and history in a process of its own on a free port of loopback, to be asked by a probe
 * and killed.
 */
#ifndef TESTS_FAKES_HISTORY_RIG_H
#define TESTS_FAKES_HISTORY_RIG_H

#include <stdbool.h>
#include <sys/types.h>

#define RIG_PATH_MAX 256

/* The chat queue that the rig knows: the one of the specification's examples. */
#define RIG_QUEUE_ID "999102030405060708090A0B0C0D0E0F"
/* The user who signs on, unless `plain_user`: one who may act for others. */
#define RIG_USER_ID "D0248B3AE770490EA9A7BE954BE7BA63"

struct history_rig {
    char dir[RIG_PATH_MAX]; /* private, removed by rig_done */
    char file[RIG_PATH_MAX + 16];
    bool plain_user;         /* set before rig_start, like the next */
    const char *fault_point; /* CMIBRIDGE_FAULT_POINT of the server; NULL: none */
    pid_t pid;               /* 0: not running */
    unsigned port;
    unsigned admin_port;
};

void rig_init(struct history_rig *rig);
void rig_done(struct history_rig *rig); /* kills what runs */
void rig_start(struct history_rig *rig);
void rig_kill(struct history_rig *rig);  /* SIGKILL */
void rig_await(struct history_rig *rig); /* that its fault point kills it */
void rig_stop(struct history_rig *rig);  /* SIGTERM; fails unless it ends well */

/* The value of a series on /metrics, its labels as rendered; -1: not there. */
long rig_metric(struct history_rig *rig, const char *series);

#endif
