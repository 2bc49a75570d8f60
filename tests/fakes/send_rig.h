/*
 * send_rig: all of sending as its users run it: `cmibridge serve` on a private redis-server, one or
 * two `cmibridge schedule`, the pretend carrier, and Kafka for outcomes. The carrier's own log is
 * what the promises are held against. In place of the pretend carrier a hostile_http may stand; its
 * record is a log as good.
 */
#ifndef TESTS_FAKES_SEND_RIG_H
#define TESTS_FAKES_SEND_RIG_H

#include "bridge/io/kafka_broker.h"
#include "tests/fakes/hostile_http.h"
#include "tests/fakes/serve_rig.h"

#define SEND_RIG_CONCURRENCY 8
/* Requests whose reply is not recorded: those that are out, those answered while a write was under
 * way, and those since. */
#define SEND_RIG_UNRECORDED   (3 * SEND_RIG_CONCURRENCY)
#define SEND_RIG_MESSAGES_MAX 8
#define SEND_RIG_DEST_MAX     4000

struct send_rig_options {
    int carrier_delay_ms;
    struct hostile_http *dials;   /* it gets calls instead of the pretend carrier; borrowed */
    const char *dial_timeout;     /* of a call's request; NULL: 2s */
    struct hostile_http *carrier; /* it gets messages instead of the pretend carrier; borrowed */
    const char *timeout;          /* of a request to it; NULL: 2s */
    const char *serve;            /* more lines of the server's configuration, or NULL */
    const char *kafka;            /* members of its map of the configuration; NULL: the rig's */
    /* Members of flow maps of the configuration ("rate: 10, burst: 5"), or NULL: */
    const char *channel;
    const char *schedule;
    const char *callbacks;
    const char *dialler;
    const char *dialled; /* its type and url ("type: cmi, url: …"); NULL: webhook, and as above */
    const char *more;    /* lines of it, as a whole ("consent: {whatsapp: required}\n"), or NULL */
};

struct send_rig_message {
    size_t count;
    int due_in_ms;    /* from now on */
    int retries;      /* maxRetryCount */
    int retry_ms;     /* 0: as long as the interface lets it be at least */
    bool whatsapp;    /* else SMS */
    bool same;        /* to the same addresses as every other such message */
    const char *text; /* NULL: "Hello" */
};

struct send_rig_seen { /* of one destination */
    /* by the carrier */
    unsigned requests;
    unsigned accepted;
    unsigned lost;    /* accepted, without an answer that counts */
    unsigned unclear; /* answered so that it may have been accepted */
    unsigned attempt; /* the highest number of one */
    int64_t at_ms;    /* the newest request */
    /* by outcomes */
    bool handled;
    bool failed;
    bool flagged;   /* some say possible_duplicate */
    unsigned ended; /* in that attempt */
    char reason[32];
};

struct send_rig {
    struct serve_rig serve;
    struct send_rig_options options;
    struct kafka_broker *kafka; /* the program's */
    unsigned number;            /* of the rig in the program */
    char dir[64];
    char config[96];
    char log[96];
    char calls[96];
    pid_t carrier;
    unsigned carrier_port;
    unsigned gateway_port; /* what takes messages: the carrier, unless send_rig_gateway said so */
    const char *breaker;
    int64_t clock_ms;   /* the rig's clock minus ours, which a test that fakes it sets */
    pid_t schedule[2];  /* 0: not running */
    unsigned deaths;    /* kills, stops */
    unsigned elsewhere; /* of them, kills at no fault point */

    struct send_rig_sent {
        char id[33];
        struct send_rig_message as;
        size_t count;
        int64_t send_ms;
        struct send_rig_seen seen[SEND_RIG_DEST_MAX];
        bool completed;
        bool cancelled;
        int64_t handled, failed, in_flight; /* as the last of these two said */
    } messages[SEND_RIG_MESSAGES_MAX];
    size_t message_count;
    size_t lines;          /* of the carrier's log, at the last look */
    int64_t first_line_ms; /* the oldest and the newest of them */
    int64_t last_line_ms;
    unsigned callback_results;
    unsigned callback_flagged; /* of them, such as say possible_duplicate */
    unsigned withdrawals;      /* consent.overtaken, and the last one's data */
    char overtaken[512];
    bool callback_over;
};

/* Around a program's tests (cmocka's group): the broker that all its rigs use. Skips the program
 * (77) where the machine has no redis-server. */
int send_rig_begin(void **state);
int send_rig_finish(void **state);

void send_rig_start(struct send_rig *rig, int carrier_delay_ms);
void send_rig_start_as(struct send_rig *rig, const struct send_rig_options *options);
void send_rig_done(struct send_rig *rig);
/* Before send_rig_run: another than the carrier, with a breaker of YAML. */
void send_rig_gateway(struct send_rig *rig, unsigned port, const char *breaker);
/* Waits until the processes' log has the text so many times; what follows the last one. */
void send_rig_await_log(struct send_rig *rig, const char *text, unsigned times, char *rest,
                        size_t size);
/* POSTs a message of count destinations, due in so many milliseconds. Its index. */
size_t send_rig_post(struct send_rig *rig, size_t count, int due_in_ms);
/* The same from the WhatsApp queue, which asks for consents. */
size_t send_rig_post_whatsapp(struct send_rig *rig, size_t count, int due_in_ms);
size_t send_rig_post_as(struct send_rig *rig, const struct send_rig_message *as);
/* fault_point: "claimed:1", or NULL. */
void send_rig_run(struct send_rig *rig, unsigned which, const char *fault_point);
void send_rig_until_killed(struct send_rig *rig,
                           unsigned which); /* by its fault point, or after 15 s without it */
void send_rig_until_stopped(struct send_rig *rig, unsigned which); /* likewise, SIGSTOP */
void send_rig_end(struct send_rig *rig, unsigned which);           /* SIGTERM; it must end with 0 */
/* Until no destination of any message waits, and outcomes say that all are completed. */
void send_rig_until_ended(struct send_rig *rig);
void send_rig_until_lines(struct send_rig *rig, size_t count); /* in the carrier's log */
void send_rig_until_outcomes(struct send_rig *rig, bool (*holds)(struct send_rig *rig));
int64_t send_rig_wall_ms(void);
/* Waits until the message rests in the store, with all that waits of it. Until when it does. */
int64_t send_rig_until_parked(struct send_rig *rig, size_t message);
/* Waits until the callback is to be called at least_ms or later. When it is. */
int64_t send_rig_until_call_waits(struct send_rig *rig, const char *id, int64_t least_ms);
/* What /metrics of the nth process that was started shows for "name" or "name{labels}". */
int64_t send_rig_metric(struct send_rig *rig, unsigned nth, const char *name);
/* That process's /readyz answers so, and has the text. */
void send_rig_expect_ready(struct send_rig *rig, unsigned nth, int status, const char *line);

/* ---- send_rig_judge.c: what the carrier saw, joined with what was asked for ---- */

/* Looks at the carrier's log: each request in its time, in the order of attempts, none beyond the
 * last, each retryDelay after the one before it. */
void send_rig_look(struct send_rig *rig);
/* Of a request that a hostile_http has recorded. */
size_t send_rig_destination(struct send_rig *rig, const struct hostile_request *r);
int64_t send_rig_parts(const struct hostile_request *r);
/* Every destination has ended once, and was sent to if it is handled. One that the carrier has
 * twice is said to be, with deaths or lost answers as its reason; no more than they allow. */
void send_rig_check_ended(struct send_rig *rig);
/* After the one above, where no process died and Redis always answered: nothing else is said to be
 * a duplicate. */
void send_rig_check_flags(const struct send_rig *rig);
/* As send_rig_check_ended; and all are handled. */
void send_rig_check(struct send_rig *rig);

/* Of the one callback: each call has a number of its own, up to `most`, and begins at least so long
 * after the one before. */
void send_rig_check_calls(const struct send_rig *rig, int64_t most, int64_t apart_ms);

#endif
