/*
 * admin: what an operator asks a running command, on an address of its own: GET /metrics
 * (Prometheus text), /healthz (200 as long as the loop turns), /readyz (200, or 503 and why not).
 */
#ifndef BRIDGE_IO_ADMIN_H
#define BRIDGE_IO_ADMIN_H

#include "bridge/core/fault.h"
#include "bridge/core/stats.h"

#define ADMIN_CONNECTIONS_MAX 64
#define ADMIN_HEAD_MAX        16384
#define ADMIN_TIME_MS         10000
#define ADMIN_ANSWER_MAX      (4 << 20) /* bytes of /metrics; 4096 series stay far below */

struct uv_loop_s;
struct admin;

struct admin_owner {
    void *ctx;
    /* Ready? If not, one sentence into `why`. */
    bool (*ready)(void *ctx, struct buf *why);
    /* Brings gauges up to date before they are rendered. May be NULL. */
    void (*refresh)(void *ctx);
};

/* NULL with a fault if the address makes no sense or can't be had. */
struct admin *admin_new(struct uv_loop_s *loop, const char *address, struct stats *stats,
                        struct admin_owner owner, struct fault *f);
unsigned admin_port(const struct admin *a);
void admin_free(struct admin *a); /* run the loop once more, as for http_server_free */

#endif
