/*
 * schedule: the loop that sends messages and makes callbacks when they are due. Core and ports
 * only, one thread, so it runs the same on Redis and libcurl as on fakes in virtual time.
 *
 * What comes in: answers of the schedule (schedule_answers), replies of gateways and diallers
 * (schedule_on_reply), delivery reports (schedule_on_report), and schedule_turn, which does all
 * that is due and says how long nothing will be. What goes out goes through the ports.
 *
 * Promises D5 to D9 of docs/DELIVERY.md are kept here and in the schedule's store: this side never
 * sends what was not handed over durably first, never after its lease may have ended, and never a
 * callback whose fate it does not know.
 */
#ifndef BRIDGE_RUN_SCHEDULE_H
#define BRIDGE_RUN_SCHEDULE_H

#include "bridge/core/breaker.h"
#include "bridge/core/buf.h"
#include "bridge/core/channel.h"
#include "bridge/core/dialler.h"
#include "bridge/core/hours.h"
#include "bridge/core/stats.h"
#include "bridge/ports/clock.h"
#include "bridge/ports/http.h"
#include "bridge/ports/notice.h"
#include "bridge/ports/schedule.h"
#include "bridge/ports/sink.h"

#define SCHEDULE_CHANNELS_MAX  64
#define SCHEDULE_SENDERS_MAX   10000
#define SCHEDULE_IN_FLIGHT_MAX 65536
#define SCHEDULE_FENCE_MS      1000 /* sending ends a request's timeout and this before a lease */
#define SCHEDULE_MARKED_MS     1000 /* a request not begun so long after its mark is marked again */
/* So often it is asked whether another process has stopped a channel; without an answer for the
 * longer time nothing is sent. */
#define SCHEDULE_LOOK_MS     1000
#define SCHEDULE_LOOK_OLD_MS 3000

/* Where requests go: a channel (setup.kind) or a dialler. */
struct schedule_channel {
    const char *name;
    struct channel_setup setup;
    const struct dialler *dialler; /* NULL: a channel */
    unsigned http;                 /* index of its base URL in the http port */
    int slots;                     /* requests under way at once */
    int64_t timeout_ms;            /* of one request */
};

/* Who sends: a chat queue that has an address. */
struct schedule_sender {
    const char *address; /* what messages name as their source */
    size_t channel;
    const char *usage;  /* consents of this usage stand against sending; NULL: none do */
    bool needs_consent; /* none recorded stands against it, too */
    int64_t rate;       /* message parts a second over all processes; 0: as fast as it goes */
    int64_t burst;
    int64_t gap_ms; /* between two messages to one recipient; 0: none */
    /* Who its recipients hear from: several senders may be one to them, then gap_ms is between any
     * two messages of these. NULL: address */
    const char *heard_as;
    struct hours hours;
    const struct zone *zone;
    bool expire_outside; /* what is due outside its hours ends as expired instead of waiting */
};

struct schedule_conf {
    const struct schedule_channel *channels;
    size_t channel_count;
    const struct schedule_sender *senders;
    size_t sender_count;
    int dialler; /* index into channels; -1: callbacks are left alone */
    int in_flight;
    int64_t lease_ms;     /* longer than the longest timeout and SCHEDULE_FENCE_MS, twice */
    int64_t drain_ms;     /* at the end: how long what is out may take */
    int64_t valid_for_ms; /* after its time nothing of a message is begun; 0: for ever */
    struct breaker_policy breaker;
    struct hours call_hours; /* when calls are made; outside them they wait */
    const struct zone *call_zone;
    int64_t callback_retry_ms;
    int64_t callback_handling_ms;
    int64_t retention_ms;       /* of closed callbacks */
    const char *outcomes_topic; /* NULL: outcomes are not told, and the outbox only emptied */
};

struct schedule_ports {
    struct schedule_port schedule;
    struct http_port http;
    struct sink_port sink;   /* where there is an outcomes_topic */
    struct clock_port clock; /* mono_ms must be read anew at each call: a stopped process has to
                                notice that its leases have ended */
    const struct notice *log;
    struct stats *stats;
};

struct schedule;

/* conf and everything it points to must hold as long as the loop. */
struct schedule *schedule_new(const struct schedule_conf *conf, const struct schedule_ports *ports);
/* What is out is let go of: its leases end by themselves, and who takes over says that it may have
 * been sent. */
void schedule_free(struct schedule *s);

struct schedule_answers schedule_answers_of(struct schedule *s);
void schedule_on_reply(void *schedule, const struct http_reply *reply);
void schedule_on_report(void *schedule, uint64_t token, bool delivered, const char *error);

/* Does all that is due. Returns for how many milliseconds nothing more will be, -1: until something
 * comes in. */
int64_t schedule_turn(struct schedule *s);

/* Claim nothing more, end what is out, give back the rest uncharged. Done when schedule_drained. */
void schedule_drain(struct schedule *s);
bool schedule_drained(const struct schedule *s);
/* Before the http port closes: a reply begins no further request by itself, as a text's part does.
 */
void schedule_give_up(struct schedule *s);

/* Ready to work? If not, `why` says what is missing: a sentence each for the store, each stopped
 * channel. A source that nobody here sends for is none of that: its queue may be one that is only
 * kept. */
bool schedule_ready(const struct schedule *s, struct buf *why);
/* New limits after a reload: breaker and valid_for of `conf` are taken over. */
void schedule_retune(struct schedule *s, const struct schedule_conf *conf);

#endif
