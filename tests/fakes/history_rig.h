/*
 * history_rig: the part of `cmibridge serve` that stands on the history, without Redis: the real
 * front and history in a process of its own on a free port of loopback, to be asked over HTTP and
 * killed; and a client that asks.
 */
#ifndef TESTS_FAKES_HISTORY_RIG_H
#define TESTS_FAKES_HISTORY_RIG_H

#include "bridge/core/buf.h"

#include <sys/types.h>

#define RIG_PATH_MAX 256

/* The chat queue that the rig knows: the one of the specification's examples. */
#define RIG_QUEUE_ID "999102030405060708090A0B0C0D0E0F"
/* The user who signs on, unless `plain_user`: one who may act for others. */
#define RIG_USER_ID "D0248B3AE770490EA9A7BE954BE7BA63"

struct history_rig {
    char dir[RIG_PATH_MAX]; /* private, removed by rig_done */
    char file[RIG_PATH_MAX + 16];
    bool plain_user; /* set before rig_start */
    pid_t pid;       /* 0: not running */
    unsigned port;
    unsigned admin_port;
};

void rig_init(struct history_rig *rig);
void rig_done(struct history_rig *rig); /* kills what runs */
void rig_start(struct history_rig *rig);
void rig_kill(struct history_rig *rig); /* SIGKILL */
void rig_stop(struct history_rig *rig); /* SIGTERM; fails unless it ends well */

struct rig_reply {
    int status; /* 0: no whole reply */
    struct buf head;
    struct buf body;
};

/* extra: further header lines, each ended by \r\n, or "". The reply is the caller's:
 * rig_reply_done. rig_send and rig_read are its halves, for many requests at once. */
void rig_ask(struct history_rig *rig, const char *method, const char *target, const char *extra,
             const char *body, struct rig_reply *reply);
int rig_send(struct history_rig *rig, const char *method, const char *target, const char *extra,
             const char *body); /* the socket, or -1 */
void rig_read(int fd, struct rig_reply *reply);
void rig_reply_done(struct rig_reply *reply);
/* Copies the value of the header into out; "" where it is not there. */
const char *rig_header(struct rig_reply *reply, const char *name, char *out, size_t size);
/* The value of a series without further labels on /metrics; -1: not there. */
long rig_metric(struct history_rig *rig, const char *series);

#endif
