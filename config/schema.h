/*
 * schema: THE table of settings. Loading, checking, the sample, docs/CONFIGURATION.md and reload
 * all come from its rows; a new setting is a new row.
 *
 * A row's path may hold `*` for a name of the user's ("targets.*.url") and end in `[]` for the
 * items of a list ("kafka.topics[]"). A `*` at the end takes everything that follows, dots included
 * ("routes.*" is also "routes.message.requested").
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include "bridge/core/buf.h"
#include "bridge/core/view.h"

#include <stdint.h>

#define SCHEMA_PATH_MAX 512 /* bytes of a path, with the NUL */
#define SCHEMA_NAME_MAX 64  /* characters of a user's name between two dots */

enum setting_kind {
    SETTING_TEXT,      /* min..max: length in bytes */
    SETTING_SECRET,    /* as text; may be `file:PATH`; never shown */
    SETTING_INT,       /* min..max: range */
    SETTING_PERCENT,   /* "10%"; min..max: range */
    SETTING_BOOL,      /* true, false */
    SETTING_DURATION,  /* "30s"; min..max: range in milliseconds */
    SETTING_SIZE,      /* "64KiB"; min..max: range in bytes */
    SETTING_CHOICE,    /* one of choices */
    SETTING_ADDRESS,   /* "host:port"; min: the least port */
    SETTING_ADDRESSES, /* "host:port" or "host", several with commas between */
    SETTING_URL,       /* http or https, no user, query or fragment; a last '/' is cut off */
    SETTING_ORIGIN,    /* of web pages: scheme://host[:port], as a browser says it */
    SETTING_PATH,      /* of a URL: begins with '/' */
    SETTING_FILE,      /* the name of a file */
    SETTING_GUID,
    SETTING_TOPIC, /* of Kafka; min 0: may be ""; max: length of a pattern */
};

enum setting_flag {
    SETTING_REQUIRED = 1 << 0,   /* by the commands in `used_by`; in an entry: by the entry */
    SETTING_RELOADABLE = 1 << 1, /* SIGHUP applies it */
    SETTING_UNIX = 1 << 2,       /* an address may also be "unix:/path" */
    SETTING_EXISTS = 1 << 3,     /* a file that must be there and be readable */
    SETTING_PORTS = 1 << 4,      /* every one of the addresses has its port */
    SETTING_SHOWN = 1 << 5,      /* stands in the sample as if required: one of several must be */
    SETTING_PATTERN = 1 << 6,    /* a topic may also be a regular expression that begins with ^ */
};

enum setting_user {
    USED_CONSUME = 1 << 0,
    USED_SERVE = 1 << 1,
    USED_PUBLISH = 1 << 2,
    USED_DLQ = 1 << 3,
    USED_SCHEDULE = 1 << 4,
};
#define USED_KAFKA (USED_CONSUME | USED_PUBLISH | USED_DLQ | USED_SCHEDULE)
#define USED_REDIS (USED_CONSUME | USED_SERVE | USED_SCHEDULE)
#define USED_LONG  (USED_CONSUME | USED_SERVE | USED_SCHEDULE) /* the long-running commands */
#define USED_ALL   (USED_CONSUME | USED_SERVE | USED_PUBLISH | USED_DLQ | USED_SCHEDULE)

struct setting {
    const char *path;
    enum setting_kind kind;
    unsigned flags;       /* enum setting_flag, or'ed */
    unsigned used_by;     /* enum setting_user, or'ed */
    const char *fallback; /* the default, as one would write it; NULL: none */
    int64_t min;
    int64_t max;
    const char *const *choices; /* SETTING_CHOICE; NULL-terminated */
    const char *example;        /* for the sample, where there is no default; or NULL */
    const char *about;          /* one line, no full stop */
};

struct section {
    const char *path;  /* "kafka", "targets" */
    const char *about; /* a sentence or two for the sample and the documentation */
};

extern const struct setting schema[];
extern const size_t schema_count;
extern const struct section schema_sections[]; /* one for each first segment, in order */
extern const size_t schema_section_count;

/* The row of a setting's path ("targets.main.url", "kafka.topics[0]"), or NULL. */
const struct setting *schema_find(const char *path);
/* Is it the path of something that holds settings or entries ("kafka", "targets.main")? */
bool schema_is_group(const char *path);
/* Is it a map of the user's names ("targets", "routes")? *bare: its entries are values. */
bool schema_is_map(const char *path, bool *bare);
bool schema_is_list(const char *path); /* "kafka.topics" */
/* Is the setting's value a secret? Kafka properties are by their names. */
bool schema_is_secret(const struct setting *row, const char *path);
/* The valid path (group: of a group) most like `path`, in `out`; false if none is near. */
bool schema_nearest(const char *path, bool group, char out[SCHEMA_PATH_MAX]);
/* "kafka.brokers" -> "CMIBRIDGE_KAFKA_BROKERS". Returns out. */
const char *schema_environment_name(const char *path, char out[SCHEMA_PATH_MAX]);
bool schema_same_variable(const char *a, const char *b); /* would both paths give one name? */
const char *schema_kind_name(enum setting_kind kind);    /* "duration", for the documentation */

#endif
