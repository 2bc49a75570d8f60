/*
 * send_rig: all of sending as its users run it: `cmibridge serve` on a private redis-server, one or
 * two `cmibridge schedule`, the pretend carrier, and Kafka for outcomes. The carrier's own log is
 * what the promises are held against.
 */
#ifndef TESTS_FAKES_SEND_RIG_H
#define TESTS_FAKES_SEND_RIG_H

#include "bridge/io/kafka_broker.h"
#include "tests/fakes/serve_rig.h"

#define SEND_RIG_CONCURRENCY 8
/* Requests whose reply is not recorded: those that are out, those answered while a write was under
 * way, and those since. */
#define SEND_RIG_UNRECORDED   (3 * SEND_RIG_CONCURRENCY)
#define SEND_RIG_MESSAGES_MAX 8
#define SEND_RIG_DEST_MAX     1000

struct send_rig {
    struct serve_rig serve;
    struct kafka_broker *kafka; /* borrowed */
    unsigned number;
    char dir[64];
    char config[96];
    char log[96];
    char calls[96];
    pid_t carrier;
    unsigned carrier_port;
    unsigned gateway_port; /* what takes messages: the carrier, unless send_rig_gateway said so */
    const char *breaker;
    pid_t schedule[2];  /* 0: not running */
    unsigned deaths;    /* kills, stops */
    unsigned elsewhere; /* of them, kills at no fault point */

    struct {
        char id[33];
        size_t count;
        int64_t send_ms;
        unsigned seen[SEND_RIG_DEST_MAX]; /* by the carrier */
        bool flagged[SEND_RIG_DEST_MAX];  /* some outcome says possible_duplicate */
        bool completed;
        bool cancelled;
        int64_t handled, in_flight; /* as the last of these two said */
    } messages[SEND_RIG_MESSAGES_MAX];
    size_t message_count;
    size_t lines;         /* of the carrier's log, at the last look */
    int64_t last_line_ms; /* the newest of them */
    unsigned callback_results;
    unsigned withdrawals; /* consent.overtaken, and the last one's data */
    char overtaken[512];
    bool callback_over;
};

/* Skips the program (77) where the machine has no redis-server. number: of the rig in the program.
 */
void send_rig_start(struct send_rig *rig, struct kafka_broker *kafka, unsigned number,
                    int carrier_delay_ms);
void send_rig_done(struct send_rig *rig);
/* Before send_rig_run: another than the carrier, with a breaker of YAML. */
void send_rig_gateway(struct send_rig *rig, unsigned port, const char *breaker);
/* Waits until a line of schedule.log has the text so many times; what follows the last one. */
void send_rig_await_log(struct send_rig *rig, const char *text, unsigned times, char *rest,
                        size_t size);
/* POSTs a message of count destinations, due in so many milliseconds. Its index. */
size_t send_rig_post(struct send_rig *rig, size_t count, int due_in_ms);
/* The same from the WhatsApp queue, which asks for consents. */
size_t send_rig_post_whatsapp(struct send_rig *rig, size_t count, int due_in_ms);
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
/* Every destination was sent to, none before its time; those sent to twice are no more than kills
 * and stops allow, and outcomes say so. */
void send_rig_check(struct send_rig *rig);

#endif
