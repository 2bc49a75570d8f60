/*
 * conf: the configuration after loading: checked, complete with defaults, unchanging.
 *
 * A setting is named by its path: "kafka.brokers", "targets.main.url" (`main` is the user's name
 * for an entry of `targets`). Which paths there are, of which kind, with which default and limits,
 * says the one table in config/schema.c; asking for a path that is not in the table is a defect
 * (assert). Texts live as long as the conf.
 */
#ifndef CONFIG_CONF_H
#define CONFIG_CONF_H

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"

#include <stdint.h>

#define CONF_ENTRIES_MAX  12000 /* names in all maps together */
#define CONF_TOPICS_MAX   64    /* names in kafka.topics */
#define CONF_TARGETS_MAX  64    /* names in targets */
#define CONF_CHANNELS_MAX 63    /* names in channels */

struct conf;

/* Reads the file (NULL: defaults only), then the environment's overrides (CMIBRIDGE_KAFKA_BROKERS
 * for kafka.brokers), expands ${ENV} and `file:`. Every mistake is appended to `mistakes`, one a
 * line: "FILE:LINE: …", with the nearest valid name where one is unknown, in the order of the file,
 * those without a line last. NULL if there was any.
 *
 * conf_load_for also demands what the commands in `users` (enum setting_user, or'ed) can't do
 * without; conf_load demands nothing of that kind. */
/* Appends further mistakes, of what only the caller's own parts know, each "ORIGIN: sentence\n".
 * The conf may hold settings that were given wrongly: each has an origin and no text (conf_text
 * gives NULL, a number is 0); nothing need be said of them. `file` is for what has no line. */
typedef void conf_check(const struct conf *c, const char *file, struct buf *mistakes);

struct conf *conf_load(const char *file, struct buf *mistakes) MUST_CHECK;
struct conf *conf_load_for(const char *file, unsigned users, struct buf *mistakes) MUST_CHECK;
/* conf_load_for whose mistakes are those of `also`, too, in the same order. */
struct conf *conf_load_checked(const char *file, unsigned users, conf_check *also,
                               struct buf *mistakes) MUST_CHECK;
/* The same for a text at hand; `name` stands in the mistakes for the file's. */
struct conf *conf_parse(const char *name, struct view yaml, unsigned users,
                        struct buf *mistakes) MUST_CHECK;
struct conf *conf_parse_checked(const char *name, struct view yaml, unsigned users,
                                conf_check *also, struct buf *mistakes) MUST_CHECK;
/* Such a text, read once: a pipe has no second time. Makes *text (buf_done it); false with a
 * mistake. Too long a one is conf_parse's to refuse. */
bool conf_read(const char *file, struct buf *text, struct buf *mistakes) MUST_CHECK;
void conf_free(struct conf *c);

bool conf_has(const struct conf *c, const char *path);         /* given, or has a default */
const char *conf_text(const struct conf *c, const char *path); /* NULL where absent */
int64_t conf_int(const struct conf *c, const char *path);      /* a number or a percentage */
bool conf_bool(const struct conf *c, const char *path);
int64_t conf_ms(const struct conf *c, const char *path);    /* a duration, in milliseconds */
int64_t conf_bytes(const struct conf *c, const char *path); /* a size, in bytes */

/* Entries of a map of the user's names ("targets"), or items of a list ("kafka.topics"). */
size_t conf_count(const struct conf *c, const char *path);
const char *conf_name(const struct conf *c, const char *path, size_t i); /* name of entry i */
/* Text of item i; also of entry i where entries are values ("routes", "kafka.properties"). */
const char *conf_item(const struct conf *c, const char *path, size_t i);
/* "targets" + i + "url" -> conf_text of "targets.<name of i>.url". */
const char *conf_entry_text(const struct conf *c, const char *map, size_t i, const char *key);
int64_t conf_entry_int(const struct conf *c, const char *map, size_t i, const char *key);
bool conf_entry_bool(const struct conf *c, const char *map, size_t i, const char *key);
int64_t conf_entry_ms(const struct conf *c, const char *map, size_t i, const char *key);

/* Does any of these commands (enum setting_user, or'ed) have anything to do with Kafka? */
bool conf_needs_kafka(const struct conf *c, unsigned users);

/* Where the setting's value is from: "cmibridge.yaml:12", "CMIBRIDGE_KAFKA_BROKERS", "default".
 * NULL where it has none. */
const char *conf_origin(const struct conf *c, const char *path);
/* What is allowed and yet worth a word, one sentence each; NULL past the last. */
const char *conf_warning(const struct conf *c, size_t i);
/* Every setting that has a value, ordered by path. */
typedef void conf_on_setting(void *ctx, const char *path, const char *text, bool secret,
                             const char *origin);
void conf_each(const struct conf *c, conf_on_setting *take, void *ctx);

/* Every setting that differs, ordered by path; those of an entry that came or went, too.
 * reloadable: a running command may take the new value. */
typedef void conf_on_difference(void *ctx, const char *path, bool reloadable);
void conf_diff(const struct conf *before, const struct conf *after, conf_on_difference *take,
               void *ctx);

#endif
