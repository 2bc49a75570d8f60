/*
 * conf_rules: what the files of rules between settings have in common.
 */
#ifndef CONFIG_CONF_RULES_H
#define CONFIG_CONF_RULES_H

#include "config/conf_made.h"

struct rules {
    struct conf *c;
    const char *file;
    struct buf *mistakes;
};

/* Begins with where `path` is from; the sentence should name it. */
void rules_mistake(struct rules *r, const char *path, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same of entry i of a map of the user's names; begins with where its name is from. */
void rules_entry_mistake(struct rules *r, const char *map, size_t i, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* The sentence follows the path. */
void rules_warn(struct rules *r, const char *path, const char *sentence);

/* Given or by default, and right as far as its own row says. */
bool rules_sound(const struct conf_value *v);
/* Of two that contradict each other the one that was given, so that its line is named. */
const char *rules_given(const struct rules *r, const char *path, const char *other);

/* How one signs on to what lies under `prefix` ("targets.main"): each way has what it needs, and
 * nothing else is given but what is in `others` (NULL-terminated, or NULL): "user", "token". */
void rules_sign_on(struct rules *r, const char *prefix, const char *const *others);
/* server.api_key_header: a header's name, and none of another use. */
void rules_served_key_header(struct rules *r);
bool rules_loopback(const char *host);

/* kafka.topics and who reads them, events.type_prefix; whether those in `users` have their brokers
 */
void rules_kafka(struct rules *r, unsigned users);
/* channels, chats.queues.*.via, callbacks.dialler */
void rules_channels(struct rules *r);

#endif
