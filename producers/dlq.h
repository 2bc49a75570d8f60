/*
 * dlq: what `cmibridge dlq list | show | replay` share: where, which, and how it is shown.
 */
#ifndef PRODUCERS_DLQ_H
#define PRODUCERS_DLQ_H

#include "bridge/core/cloudevent.h"
#include "bridge/core/dead_letter.h"
#include "bridge/io/kafka_reader.h"
#include "producers/dlq_marks.h"
#include "producers/kafka_options.h"
#include "producers/progress.h"

#define DLQ_PLACES_MAX 1000 /* PARTITION:OFFSET on the command line */
#define DLQ_EVENT_MAX  (64 << 20)

struct dlq_filter {
    const char *type;        /* pattern with * and ?; NULL: any */
    const char *type_prefix; /* events.type_prefix: a type matches with it and without; "": none */
    unsigned classes;        /* a bit for each wanted, in the order of the help; 0: any */
    unsigned dispositions;   /* the same */
    int64_t since_ms;        /* when it was given up */
    int64_t until_ms;
    struct dead_letter_place places[DLQ_PLACES_MAX]; /* none: any */
    size_t place_count;
};

struct dlq {
    struct kafka_options options;
    const char *topic;         /* of dead letters */
    const char *results_topic; /* "": none is written */
    struct dlq_filter filter;
    bool json;
    bool all; /* list: those replayed before, too */
    bool dry_run;
    bool force;
    int64_t timeout_ms;
    struct kafka_reader *reader;
    struct dlq_marks marks; /* after dlq_read_marks */
    struct buf text;        /* what an event's views point into */
    size_t visited;         /* by dlq_scan */
    struct progress progress;
};

/* A dead letter as the commands see it; views into the record and dlq.text. */
struct dlq_entry {
    const struct record *record;
    struct dead_letter_place place;
    struct dead_letter letter;
    bool has_event; /* else the record is no CloudEvent that can be read */
    struct cloudevent event;
};

typedef bool dlq_visit(void *ctx, struct dlq *d, const struct dlq_entry *e, struct fault *f);

/* Reads the marks of replays. The topic must exist: REJECT. */
bool dlq_read_marks(struct dlq *d, struct fault *f) MUST_CHECK;
/* Visits what the filter lets through, replayed before or not. */
bool dlq_scan(struct dlq *d, dlq_visit *visit, void *ctx, struct fault *f) MUST_CHECK;
/* After the scan: says how many of the places asked for were not visited. false: some. */
bool dlq_say_missing(const struct dlq *d);
void dlq_print(struct dlq *d, const struct dlq_entry *e); /* one line, by d->json */
void dlq_show(struct dlq *d, const struct dlq_entry *e);  /* all of it */

int dlq_replay(struct dlq *d); /* the exit code */

#endif
