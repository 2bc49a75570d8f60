/*
 * notice: the structured log, as its users see it. One line per state change, an event name and
 * typed fields; no format strings, so nothing of a user's text can pass for a field.
 */
#ifndef BRIDGE_PORTS_NOTICE_H
#define BRIDGE_PORTS_NOTICE_H

#include "bridge/core/view.h"

#include <stddef.h>
#include <stdint.h>

enum notice_level { NOTICE_DEBUG, NOTICE_INFO, NOTICE_WARN, NOTICE_ERROR };

struct notice_field {
    const char *key;
    bool is_number;
    int64_t number;
    struct view text;
};

/* Fields and their views hold during the call. */
struct notice {
    void *ctx;
    enum notice_level least; /* lines below it are not made */
    void (*say)(void *ctx, enum notice_level level, const char *event,
                const struct notice_field *fields, size_t field_count);
};

#define NOTICE_TEXT(k, c_string) ((struct notice_field){(k), false, 0, view_of(c_string)})
#define NOTICE_VIEW(k, v)        ((struct notice_field){(k), false, 0, (v)})
#define NOTICE_INT(k, n)         ((struct notice_field){(k), true, (n), {NULL, 0}})

/* notice_say(log, NOTICE_INFO, "breaker_opened", NOTICE_TEXT("target", t), …): at least one field.
 */
#define notice_say(log, level, event, ...)                                                         \
    do {                                                                                           \
        if ((level) >= (log)->least) {                                                             \
            const struct notice_field notice_fields_[] = {__VA_ARGS__};                            \
            (log)->say((log)->ctx, (level), (event), notice_fields_,                               \
                       sizeof notice_fields_ / sizeof notice_fields_[0]);                          \
        }                                                                                          \
    } while (0)

#endif
