/*
 * parts: the table of the programs that `cmibridge dev` runs. They are started in the order of the
 * table, each when the one before is ready, and ended in reverse. A new program is a new row.
 */
#ifndef STANDALONE_PARTS_H
#define STANDALONE_PARTS_H

#include "standalone/port.h"
#include "standalone/probe.h"
#include "standalone/site.h"
#include "standalone/words.h"

#define PARTS_MAX         8
#define PLAN_TOPICS_MAX   80
#define PLAN_KAFKA_MAX    256 /* bytes of the broker's addresses, with the NUL */
#define PLAN_PARTITIONS   8   /* of a topic of events */
#define PLAN_ANSWER_PARTS 4   /* of results, outcomes and dead letters */

struct settings;

/* What the parts are told of each other. */
struct plan {
    struct site site;
    char program[SITE_PATH_MAX]; /* cmibridge itself */
    char config[SITE_PATH_MAX];
    struct settings *settings;
    bool signs_on;       /* serve has users; else everyone is one anonymous user */
    struct words topics; /* "contact-events:8", … */
    char kafka[PLAN_KAFKA_MAX];
    struct port cmi;
    struct port carrier;
    struct port admin[PARTS_MAX]; /* by row; of those that have one */
};

struct part {
    const char *name; /* also of its log */
    void (*command)(const struct plan *p, struct words *out);
    bool has_admin; /* answers /readyz and /metrics */
    /* How it says that it is ready: by a good answer to `question`; or, where that is NULL, by its
     * first line on standard output, which `told` takes. */
    void (*question)(const struct plan *p, unsigned row, struct probe_question *out);
    bool (*told)(struct plan *p, const char *line, struct fault *f);
    int64_t start_ms; /* it may take, until it is ready */
    int64_t end_ms;   /* it may take, after a TERM */
};

extern const struct part parts[];
extern const size_t part_count;

#endif
