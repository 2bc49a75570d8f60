/*
 * consume_rig: the real `cmibridge consume`, between a broker (broker.h), a private redis-server
 * and a CMI that does what it is told (hostile_http): started, killed, started again, and held to
 * the promises D1, D2 and D3 of docs/DELIVERY.md by what its peers saw.
 *
 * The rig is divided into runs. Each has topics, a group, a CMI and a source of events of its own,
 * so that nothing of one run is seen by the next; broker and Redis are shared. All waiting is for
 * something that happens, and fails the test with the consumer's log if it doesn't.
 */
#ifndef TESTS_FAKES_CONSUME_RIG_H
#define TESTS_FAKES_CONSUME_RIG_H

#include "tests/fakes/hostile_http.h"
#include "tests/fakes/kafka_rig.h"
#include "tests/fakes/redis_server.h"

#define CONSUME_RIG_PATIENCE_MS 30000 /* a test that waits longer has failed */
#define CONSUME_RIG_EVENTS_MAX  1000
#define CONSUME_RIG_PARTITIONS  2

struct rd_kafka_s;

struct consume_rig_options { /* zeros are fine */
    bool honours_key;        /* the CMI does, and the consumer is told so */
    bool lying_ids;          /* the CMI answers with ids that are not those it made */
    bool pattern;            /* kafka.topics stands for all three topics of the run */
    bool group;              /* kafka.assign: group */
    int drain_ms;            /* 0: 20 s */
    const char *target;      /* further lines of targets.cmi, each "    name: value\n" */
    const char *retry;       /* lines of `retry`, instead of quick ones: "  name: value\n" */
    const char *breaker;     /* as retry */
    const char *consume;     /* further lines of `consume`: "  name: value\n" */
    const char *redis;       /* the same of `redis` */
    const char *more;        /* further sections */
    const char *tls[3];      /* of the CMI: certificate, key, the clients' CA (or NULL) */
};

enum consume_rig_fate {
    RIG_WRITTEN,     /* it must come to the CMI, or, of those that a check allows, be refused */
    RIG_POISON,      /* it must be dead-lettered as that */
    RIG_PASSED_OVER, /* it must leave no trace */
};

struct consume_rig_event {
    const char *key;
    const char *type;
    const char *subject;
    const char *body;         /* NULL: empty */
    size_t body_bytes;        /* 0: it is a text */
    const char *content_type; /* NULL: application/json */
    const char *traceparent;
    const char *tracestate;
    bool whole; /* the body is the whole event, in structured mode */
    enum consume_rig_fate fate;
};

struct consume_rig_seen { /* what became of one event */
    int32_t partition;
    int64_t offset;
    char id[24];        /* "e0", "e1", … in the order of publishing */
    char write_key[33]; /* its Idempotency-Key, as docs/DELIVERY.md says it is made */
    bool is_write;
    int requests;
    int effects;
    size_t first_effect; /* number of the request */
    int dead_letters;
    char disposition[32]; /* of the last dead letter */
    int results;
    int done_results;
    bool said_duplicate;
    char traceparent[64]; /* of the last result */
};

struct consume_rig {
    struct kafka_rig kafka;
    struct redis_server *redis;
    struct rd_kafka_s *group; /* who asks what the run's group has committed; NULL: no run yet */
    char dir[64];
    unsigned number; /* of the run */

    struct hostile_http *cmi;
    struct consume_rig_options options;
    char group_name[32];
    char events_topic[32];
    char results_topic[32];
    char dead_topic[32];
    char source[32];
    struct consume_rig_event events[CONSUME_RIG_EVENTS_MAX];
    struct consume_rig_seen seen[CONSUME_RIG_EVENTS_MAX];
    size_t count;
    size_t published;        /* of those the broker has */
    struct kafka_sink *sink; /* while they are being published */
    struct buf results;      /* values of the results topic, one a line, as of the last look */

    uv_timer_t tick;
    uv_process_t process;
    uv_pipe_t pipe;
    char piece[65536];
    struct buf log; /* of all starts in this run */
    size_t log_at;  /* where that of the last start begins */
    int open;       /* process and pipe that have not ended */
    int64_t exit_code;
    int exit_signal;
    unsigned starts;
    unsigned deaths; /* by SIGKILL */
    int64_t committed[CONSUME_RIG_PARTITIONS];
};

/* Skips the program (77) if the machine has no redis-server. */
void consume_rig_start(struct consume_rig *rig);
void consume_rig_stop(struct consume_rig *rig);
/* The two for a group of tests, whose state the rig is. */
int consume_rig_set_up(void **state);
int consume_rig_tear_down(void **state);

/* A new run; ends what is left of the last. options may be NULL. */
void consume_rig_begin(struct consume_rig *rig, const struct consume_rig_options *options);
/* Texts are borrowed until the run's end. Returns when the broker has them. */
void consume_rig_publish(struct consume_rig *rig, const struct consume_rig_event *events,
                         size_t count);
/* Writes the configuration anew, with other options (for a SIGHUP, or before the next start). */
void consume_rig_configure(struct consume_rig *rig, const struct consume_rig_options *options);

/* Starts the consumer. fault_point: "polled:1", or NULL. */
void consume_rig_run(struct consume_rig *rig, const char *fault_point);
/* Returns true when all that was published is committed, false when the consumer died by SIGKILL
 * before that; any other end fails the test. */
bool consume_rig_until_done(struct consume_rig *rig);
void consume_rig_until_ready(struct consume_rig *rig);
void consume_rig_until_unready(struct consume_rig *rig);
/* Until the last start's log has the text. */
void consume_rig_until_said(struct consume_rig *rig, const char *text);
bool consume_rig_said(struct consume_rig *rig, const char *text);
/* The metric's value, named with its labels ("cmibridge_paused"); -1: there is none. */
int64_t consume_rig_metric(struct consume_rig *rig, const char *metric);
/* Until it is at least that. */
void consume_rig_until_metric(struct consume_rig *rig, const char *metric, int64_t least);
/* What GET /readyz answers: true for 200; *why its body, until the next call. */
bool consume_rig_ready(struct consume_rig *rig, const char **why);
void consume_rig_signal(struct consume_rig *rig, int signal);
/* Until it has ended; its exit code, or minus the signal. */
int64_t consume_rig_ended(struct consume_rig *rig);
void consume_rig_kill(struct consume_rig *rig);

/* Fills rig->committed; false: the broker can't be asked now. */
bool consume_rig_ask_committed(struct consume_rig *rig);
struct view consume_rig_body(const struct consume_rig_event *e);
/* The consumer's log and what the CMI was sent, on standard error: why a test has failed. */
void consume_rig_print(struct consume_rig *rig);
/* Reads what the CMI, the topics and the group have into rig->seen and rig->committed. */
void consume_rig_look(struct consume_rig *rig);
/* Looks; then what must hold at any time: D1 below each committed offset, D2 and D3 of what the
 * CMI saw. */
void consume_rig_check_now(struct consume_rig *rig);
/* And at the end: all is committed, each event met its fate, and so many (no more, no less) that
 * should have been written were refused instead. */
void consume_rig_check_end(struct consume_rig *rig, int refused);

/* ---- for the rig's own files, and for what a test waits for beside the above ---- */

struct consume_rig_wait {
    struct consume_rig *rig;
    const char *text;
    int64_t least;
};

/* Turns the loop until it holds; else fails the test, with `what` and the text. */
void consume_rig_until(struct consume_rig_wait *w, bool (*holds)(struct consume_rig_wait *w),
                       const char *what);
/* Fails the test if the consumer has ended, but for what a test asked of it. */
bool consume_rig_lives(struct consume_rig *rig);
void consume_rig_end(struct consume_rig *rig); /* kills it, if it lives */

#endif
