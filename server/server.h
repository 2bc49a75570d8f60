/*
 * server: what all resources of one `cmibridge serve` share. One loop thread owns it all; the
 * history's writer has a thread of its own behind server/history.h.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "bridge/core/stats.h"
#include "bridge/io/redis.h"
#include "bridge/ports/notice.h"
#include "server/ages.h"
#include "server/exchange.h"

struct history;
struct queues;
struct receipts;
struct translations;
struct uv_loop_s;

struct server {
    struct uv_loop_s *loop;
    const struct notice *log;
    struct stats *stats;
    struct redis *redis;     /* messages, callbacks, consents */
    struct history *history; /* chats, contacts, recordings, remarks, … (server/history.h) */
    const struct receipts *receipts;         /* channels that report (server/receipts.h) */
    const struct queues *queues;             /* chat and callback queues (server/queues.h) */
    const struct translations *translations; /* of values, NULL: none (server/translations.h) */
    int64_t remarks_max_bytes;
    int64_t body_max_bytes;
    int64_t callback_delay_ms;
    int64_t callback_retry_delay_ms;
    int64_t callback_max_calls;
    int64_t wrapup_max_ms;
    int64_t retention_ms; /* how long what is closed stays readable by id */
    struct ages ages;     /* how long the history keeps things */
    const char *api_key_header;
    const char *callback_ivr; /* NULL: none configured, POST /callbacks is 400 */
};

#endif
