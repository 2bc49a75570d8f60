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

struct conf;

/* Reads the file (NULL: defaults only), then the environment's overrides (CMIBRIDGE_KAFKA_BROKERS
 * for kafka.brokers), expands ${ENV} and `file:`. Every mistake is appended to `mistakes`, one a
 * line: "FILE:LINE: …", with the nearest valid name where one is unknown. NULL if there was any. */
struct conf *conf_load(const char *file, struct buf *mistakes) MUST_CHECK;
void conf_free(struct conf *c);

bool conf_has(const struct conf *c, const char *path);         /* given, or has a default */
const char *conf_text(const struct conf *c, const char *path); /* NULL where absent */
int64_t conf_int(const struct conf *c, const char *path);
bool conf_bool(const struct conf *c, const char *path);
int64_t conf_ms(const struct conf *c, const char *path);    /* a duration, in milliseconds */
int64_t conf_bytes(const struct conf *c, const char *path); /* a size, in bytes */

/* Entries of a map of the user's names ("targets"), or items of a list ("kafka.topics"). */
size_t conf_count(const struct conf *c, const char *path);
const char *conf_name(const struct conf *c, const char *path, size_t i); /* name of entry i */
const char *conf_item(const struct conf *c, const char *path, size_t i); /* text of item i */
/* "targets" + i + "url" -> conf_text of "targets.<name of i>.url". */
const char *conf_entry_text(const struct conf *c, const char *map, size_t i, const char *key);
int64_t conf_entry_int(const struct conf *c, const char *map, size_t i, const char *key);
bool conf_entry_bool(const struct conf *c, const char *map, size_t i, const char *key);
int64_t conf_entry_ms(const struct conf *c, const char *map, size_t i, const char *key);

#endif
