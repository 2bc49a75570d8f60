/*
 * consume: the loop that turns contact events into CMI writes. Core and ports only, one thread, so
 * it runs the same on librdkafka and libcurl as on fakes in virtual time.
 *
 * What comes in: records and rebalances (source_owner), replies (consume_on_reply), delivery
 * reports (consume_on_report), answers of the memory (consume_on_answer), and consume_turn, which
 * does all that is due and says how long nothing will be. What goes out goes through the ports.
 *
 * Promises D1 to D4 of docs/DELIVERY.md are kept here, by the table of core/delivery.h.
 */
#ifndef BRIDGE_RUN_CONSUME_H
#define BRIDGE_RUN_CONSUME_H

#include "bridge/core/breaker.h"
#include "bridge/core/buf.h"
#include "bridge/core/event_types.h"
#include "bridge/core/route.h"
#include "bridge/core/stats.h"
#include "bridge/ports/clock.h"
#include "bridge/ports/codec.h"
#include "bridge/ports/http.h"
#include "bridge/ports/memory.h"
#include "bridge/ports/notice.h"
#include "bridge/ports/sink.h"
#include "bridge/ports/source.h"

#define CONSUME_DESTINATIONS_MAX 64
#define CONSUME_BATCH_MAX        100          /* ingest events in one request */
#define CONSUME_BATCH_BYTES      (256 * 1024) /* of one ingest request; one event may be larger */
/* Bytes of the answer to one: so much our server says of it at most. */
#define CONSUME_BATCH_REPLY_MAX (640 * 1024)
#define CONSUME_IN_FLIGHT_MAX   100000
/* Bytes of a converted body, and twice those of a structured event that has something to unescape:
 * a message to a million destinations fits. */
#define CONSUME_EVENT_MAX (64 * 1024 * 1024)

struct consume_destination {
    const char *name;
    const char *url;     /* of the CMI: what was written there, the ledger knows of no other */
    int concurrency;     /* requests under way at once */
    bool honours_key;    /* remembers Idempotency-Key; else the ledger stands in */
    struct view secrets; /* what it is signed on to with, each with a NUL behind: never shown */
    unsigned http;       /* index of the CMI's base URL in the http port */
    bool takes_ingest;
    unsigned http_ingest; /* index of the ingest URL; its path is the whole URL */
};

struct consume_conf {
    const struct consume_destination *destinations;
    size_t destination_count;
    const struct route_rule *routes;
    size_t route_count;
    const char *type_prefix;       /* taken off an event's type before matching; "" for none */
    bool unknown_to_dead_letters;  /* unknown event types; else counted and passed over */
    bool unrouted_to_dead_letters; /* the same of those that no target takes */
    const char *results_topic;     /* NULL: no results */
    const char *dead_letters_topic;
    int64_t in_flight; /* events held at once: the gate shuts there */
    int64_t in_flight_bytes;
    struct backoff retry;
    int64_t retry_after_max_ms;
    int attempts_max; /* counted failures that end a record as exhausted */
    struct breaker_policy breaker;
    int64_t budget_burst;
    int64_t budget_per_success_milli;
    int64_t refs_wait_ms;
    int64_t commit_interval_ms;
    int64_t drain_ms;        /* revocation and end: how long what is out may take */
    int64_t head_of_line_ms; /* age of the oldest open record of a partition that is said aloud */
};

struct consume_ports {
    struct source_port source;
    struct http_port http;
    struct sink_port sink;
    struct memory_port memory;
    struct codec_port codec;
    struct clock_port clock;
    const struct notice *log;
    struct stats *stats;
};

struct consume;

/* conf and everything it points to must hold as long as the loop. */
struct consume *consume_new(const struct consume_conf *conf, const struct consume_ports *ports);
/* Only when drained, or when the process ends anyway: what is out is let go of. */
void consume_free(struct consume *c);

struct source_owner consume_source_owner(struct consume *c);
void consume_on_reply(void *consume, const struct http_reply *reply);
void consume_on_report(void *consume, uint64_t token, bool delivered, const char *error);
void consume_on_answer(void *consume, const struct memory_answer *answer);

/* Does all that is due. Returns for how many milliseconds nothing more will be, -1: until something
 * comes in. */
int64_t consume_turn(struct consume *c);

/* Take nothing more, end what is out, commit. Done when consume_drained. */
void consume_drain(struct consume *c);
bool consume_drained(const struct consume *c);

/* Why the loop can't go on (D1: it must end the process), or NULL. */
const struct fault *consume_failure(const struct consume *c);
/* Ready to work? If not, `why` says what is missing. */
bool consume_ready(const struct consume *c, struct buf *why);
/* Where events of the type go; NULL: no target takes them. */
const struct consume_destination *consume_destination_of(const struct consume_conf *conf,
                                                         const struct event_type *type);
/* New limits after a reload: retry, breaker, refs_wait, head_of_line of `conf` are taken over. */
void consume_retune(struct consume *c, const struct consume_conf *conf);

#endif
