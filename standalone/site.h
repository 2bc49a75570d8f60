/*
 * site: the directory that a `cmibridge dev` lives in, locked as long as it runs.
 *
 *     DIR/cmibridge.yaml   the configuration of what runs, made anew at each start
 *     DIR/endpoints.json   where everything answers; there while all of it is ready
 *     DIR/history.sqlite   the CMI's history
 *     DIR/carrier.jsonl    what the pretend carrier has accepted, a line each
 *     DIR/carrier-calls.jsonl   what the pretend dialler has called
 *     DIR/redis/           what Redis keeps
 *     DIR/log/NAME.log     what each part says
 *     DIR/dev.lock
 *     DIR/parts.pipe       whose writing end the parts have, so that it is known when all have
 * ended
 */
#ifndef STANDALONE_SITE_H
#define STANDALONE_SITE_H

#include "bridge/core/fault.h"

#include <stdint.h>

#define SITE_DIR_MAX    3072 /* bytes of the directory's path, with the NUL */
#define SITE_PATH_MAX   4096
#define SITE_WAIT_MS    40000 /* for the parts of an earlier dev, which have 30 s to end */
#define SITE_SOCKET_MAX 108   /* what the system allows a socket's path, with the NUL */

struct site {
    char dir[SITE_DIR_MAX]; /* absolute */
    char redis_socket[SITE_SOCKET_MAX];
    char short_dir[SITE_SOCKET_MAX]; /* made for the socket where dir is too long; else "" */
    int lock;
    int parts; /* the pipe's reading end */
};

/* Makes what is missing, and takes the lock. REJECT with a sentence if the directory can't be used,
 * RETRY if another dev has it. */
bool site_open(struct site *s, const char *dir, struct fault *f) MUST_CHECK;
void site_close(struct site *s);
/* Waits until all parts have ended, an earlier dev's too. false: some have not, after wait_ms. */
bool site_quiet(const struct site *s, int64_t wait_ms) MUST_CHECK;
/* What a part is to have open as long as it runs; -1 with errno. The caller closes it. */
int site_tie(const struct site *s);

/* "DIR/name", "DIR/log/name.log". Return out. Names have at most 255 bytes. */
const char *site_path(const struct site *s, const char *name, char out[SITE_PATH_MAX]);
const char *site_log_path(const struct site *s, const char *name, char out[SITE_PATH_MAX]);

#endif
